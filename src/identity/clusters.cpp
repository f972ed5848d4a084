// SPDX-License-Identifier: Apache-2.0
// Merging by the strongest edge, with the mean of what lies between two groups as the judge.
#include "identity/clusters.h"

#include <algorithm>
#include <numeric>

namespace xinglin::identity {

namespace {

constexpr std::size_t most_asked = 48;   // pairs between two groups
constexpr double forbidden = -30;        // log odds; such a pair keeps two groups apart by itself
constexpr double most_a_pair_says = 12;  // log odds; one certain pair must not carry ten doubtful ones

class Grouping {
public:
    Grouping(std::uint32_t records, double least, const std::function<double(std::uint32_t, std::uint32_t)>& log_odds)
        : least_(least), log_odds_(log_odds), group_(records), members_(records) {
        std::iota(group_.begin(), group_.end(), 0u);
    }

    void join(const Edge& edge) {
        std::uint32_t one = group_[edge.a], other = group_[edge.b];
        if (one == other) return;
        if (size(one) < size(other)) std::swap(one, other);
        if ((size(one) > 1 ? mean_between(one, other) : edge.log_odds) < least_) return;
        if (members_[one].empty()) members_[one].push_back(one);
        for (const std::uint32_t member : members_of(other)) {
            group_[member] = one;
            members_[one].push_back(member);
        }
        std::vector<std::uint32_t>().swap(members_[other]);
    }

    Clusters finish() {
        Clusters clusters;
        clusters.compared = compared_;
        clusters.of.resize(group_.size());
        for (std::uint32_t record = 0; record < group_.size(); ++record) clusters.of[record] = record;
        for (auto& members : members_) {
            if (members.size() < 2) continue;
            std::sort(members.begin(), members.end());
            for (const std::uint32_t member : members) clusters.of[member] = members.front();
            clusters.members.push_back(std::move(members));
        }
        return clusters;
    }

private:
    std::size_t size(std::uint32_t group) const { return std::max<std::size_t>(1, members_[group].size()); }
    std::span<const std::uint32_t> members_of(std::uint32_t group) const {
        return members_[group].empty() ? std::span<const std::uint32_t>(&group_[group], 1) : members_[group];
    }

    double mean_between(std::uint32_t one, std::uint32_t other) {
        const auto left = members_of(one), right = members_of(other);
        const std::size_t all = left.size() * right.size(), step = std::max<std::size_t>(1, all / most_asked);
        double sum = 0;
        std::size_t asked = 0;
        for (std::size_t i = 0; i < all; i += step, ++asked) {
            const double odds = log_odds_(left[i / right.size()], right[i % right.size()]);
            if (odds < forbidden) return forbidden;
            sum += std::clamp(odds, -most_a_pair_says, most_a_pair_says);
        }
        compared_ += asked;
        return sum / static_cast<double>(asked);
    }

    double least_;
    const std::function<double(std::uint32_t, std::uint32_t)>& log_odds_;
    std::vector<std::uint32_t> group_;
    std::vector<std::vector<std::uint32_t>> members_;
    std::uint64_t compared_ = 0;
};

}  // namespace

Clusters clusters_of(std::uint32_t records, std::vector<Edge> edges, double least,
                     const std::function<double(std::uint32_t, std::uint32_t)>& log_odds) {
    std::sort(edges.begin(), edges.end(), [](const Edge& x, const Edge& y) {
        return x.log_odds != y.log_odds ? x.log_odds > y.log_odds : x.a != y.a ? x.a < y.a : x.b < y.b;
    });
    Grouping grouping(records, least, log_odds);
    for (const Edge& edge : edges) grouping.join(edge);
    return grouping.finish();
}

}  // namespace xinglin::identity
