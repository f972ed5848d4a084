// SPDX-License-Identifier: Apache-2.0
// The lattice of levels: which nodes hide everybody, and which of them loses least.
#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "anonymity/anonymity.h"

namespace xinglin::anonymity {

namespace {

struct TupleHash {
    std::size_t operator()(const Tuple& tuple) const {
        std::uint64_t hash = 14695981039346656037ull;
        for (const std::uint16_t code : tuple) hash = (hash ^ code) * 1099511628211ull;
        return hash ^ (hash >> 29);
    }
};

bool is_below(const Node& low, const Node& high) {
    for (std::size_t i = 0; i < low.size(); ++i) {
        if (low[i] > high[i]) return false;
    }
    return true;
}

std::size_t height(const Node& node) {
    std::size_t sum = 0;
    for (const std::uint8_t level : node) sum += level;
    return sum;
}

/// Heights in the order of halving: the middle first, so that a tag spreads far both ways.
std::vector<std::size_t> halving(std::size_t heights) {
    std::vector<std::size_t> order;
    std::vector<std::pair<std::size_t, std::size_t>> parts{{0, heights}};
    for (std::size_t at = 0; at < parts.size(); ++at) {
        const auto [from, to] = parts[at];
        if (from >= to) continue;
        const std::size_t middle = (from + to) / 2;
        order.push_back(middle);
        parts.emplace_back(from, middle);
        parts.emplace_back(middle + 1, to);
    }
    return order;
}

std::vector<Node> all_nodes(const std::vector<std::vector<std::vector<std::uint16_t>>>& levels) {
    std::vector<Node> nodes{{}};
    for (const auto& each : levels) {
        std::vector<Node> longer;
        for (const Node& node : nodes) {
            for (std::size_t level = 0; level < each.size(); ++level) {
                longer.push_back(node);
                longer.back().push_back(static_cast<std::uint8_t>(level));
            }
        }
        nodes = std::move(longer);
    }
    return nodes;
}

constexpr std::pair<std::string_view, std::uint64_t> size_bands[] = {
    {"1", 1}, {"2", 2}, {"3-4", 4}, {"5-9", 9}, {"10-19", 19}, {"20-49", 49}, {"50-99", 99}, {"100+", UINT64_MAX}};

double entropy_of(const std::vector<std::uint32_t>& counts, double total) {
    double sum = 0;
    for (const std::uint32_t count : counts) {
        if (count > 0) sum -= count / total * std::log(count / total);
    }
    return sum;
}

}  // namespace

Judge::Judge(const Table& table, const Goals& goals) : table_(table), goals_(goals) {
    for (std::size_t i = 0; i < table.columns_.size(); ++i) {
        const auto& values = table.columns_[i].values;
        std::vector<double> persons(values.size());
        for (std::size_t t = 0; t < table.tuples_.size(); ++t) persons[table.tuples_[t][i]] += table.in_release_[t];
        auto& levels = levels_.emplace_back();
        auto& losses = losses_.emplace_back();
        for (const Level& level : table.rules_.quasi[i].levels) {
            std::unordered_map<std::string, std::uint16_t> codes;
            std::vector<std::uint16_t> to;
            for (const std::string& value : values)
                to.push_back(codes.try_emplace(level.of(value), static_cast<std::uint16_t>(codes.size())).first->second);
            std::vector<double> joined(codes.size());
            for (std::size_t v = 0; v < values.size(); ++v) joined[to[v]] += persons[v];
            double bits = 0;
            for (std::size_t v = 0; v < values.size(); ++v) {
                if (persons[v] > 0) bits += persons[v] * std::log2(joined[to[v]] / persons[v]);
            }
            levels.push_back(std::move(to));
            losses.push_back(bits);
        }
    }
}

std::vector<Judge::Class> Judge::classes(const Node& node, std::vector<std::uint32_t>* of_tuple) const {
    std::vector<Class> all;
    std::unordered_map<Tuple, std::uint32_t, TupleHash> known;
    const std::size_t values = table_.sensitive_.size();
    for (std::size_t t = 0; t < table_.tuples_.size(); ++t) {
        Tuple told{};
        for (std::size_t i = 0; i < node.size(); ++i) told[i] = levels_[i][node[i]][table_.tuples_[t][i]];
        const auto [place, is_new] = known.try_emplace(told, static_cast<std::uint32_t>(all.size()));
        if (is_new) all.push_back({0, 0, std::vector<std::uint32_t>(values)});
        Class& one = all[place->second];
        one.released += table_.in_release_[t];
        one.all += table_.in_all_[t];
        for (std::size_t v = 0; v < values; ++v) one.values[v] += table_.by_value_[t][v];
        if (of_tuple) of_tuple->push_back(place->second);
    }
    return all;
}

bool Judge::is_open(const Class& one) const {
    if (one.released < goals_.k) return true;
    std::uint32_t distinct = 0;
    bool harmful = false;
    for (std::size_t v = 0; v < one.values.size(); ++v) {
        if (one.values[v] == 0) continue;
        ++distinct;
        harmful = harmful || table_.harmless_[v] == 0;
    }
    return harmful && distinct < goals_.l;
}

bool Judge::reaches(const Node& node) const {
    std::uint64_t hidden = 0;
    for (const Class& one : classes(node)) hidden += is_open(one) ? one.released : 0;
    return static_cast<double>(hidden) * 100 <= goals_.suppressed_most_percent * static_cast<double>(table_.released_) &&
           hidden < table_.released_;
}

double Judge::loss_of(const Node& node) const {
    double lost = 0;
    for (std::size_t i = 0; i < node.size(); ++i) lost += losses_[i][node[i]];
    return lost;
}

std::vector<bool> Judge::suppressed(const Node& node) const {
    std::vector<std::uint32_t> of_tuple;
    const std::vector<Class> all = classes(node, &of_tuple);
    std::vector<bool> hidden;
    for (const std::uint32_t place : of_tuple) hidden.push_back(is_open(all[place]));
    return hidden;
}

Measured Judge::measure(const Node& node, bool suppress) const {
    Measured out;
    out.node = node;
    std::vector<Class> told;
    std::vector<std::uint64_t> whole(table_.sensitive_.size());
    for (Class& one : classes(node)) {
        for (std::size_t v = 0; v < whole.size(); ++v) whole[v] += one.values[v];
        if (one.released == 0) continue;
        if (suppress && is_open(one)) out.suppressed += one.released;
        else told.push_back(std::move(one));
    }
    for (const auto& [name, most] : size_bands) out.sizes.push_back({std::string(name), {0, 0}});
    double share_of_all = 0, all = 0;
    bool first = true;
    for (const Class& one : told) {
        const auto size = static_cast<double>(one.released);
        out.persons += one.released;
        ++out.classes;
        out.smallest = out.smallest == 0 ? one.released : std::min(out.smallest, one.released);
        if (one.released < goals_.k) out.below_k += one.released;
        if (one.all < goals_.k) out.journalist.share_above += size;
        out.journalist.highest = std::max(out.journalist.highest, 1.0 / static_cast<double>(one.all));
        share_of_all += size / static_cast<double>(one.all);
        all += static_cast<double>(one.all);
        for (std::size_t band = 0; band < std::size(size_bands); ++band) {
            if (one.released > size_bands[band].second) continue;
            ++out.sizes[band].second[0];
            out.sizes[band].second[1] += one.released;
            break;
        }
        std::uint32_t distinct = 0;
        bool harmful = false;
        double distance = 0;
        for (std::size_t v = 0; v < whole.size(); ++v) {
            distinct += one.values[v] > 0 ? 1 : 0;
            harmful = harmful || (one.values[v] > 0 && table_.harmless_[v] == 0);
            distance +=
                std::abs(one.values[v] / size - static_cast<double>(whole[v]) / static_cast<double>(table_.released_)) / 2;
        }
        out.most_t = std::max(out.most_t, distance);
        if (!harmful) continue;
        if (distinct < goals_.l) out.below_l += one.released;
        const double entropy_l = std::exp(entropy_of(one.values, size));
        out.least_distinct = first ? distinct : std::min(out.least_distinct, distinct);
        out.least_entropy_l = first ? entropy_l : std::min(out.least_entropy_l, entropy_l);
        first = false;
    }
    const double most = loss_of(Node([&] {
        Node top;
        for (const auto& each : levels_) top.push_back(static_cast<std::uint8_t>(each.size() - 1));
        return top;
    }()));
    out.loss = most > 0 ? loss_of(node) / most : 0;
    if (out.persons == 0) return out;
    const auto persons = static_cast<double>(out.persons), count = static_cast<double>(out.classes);
    out.prosecutor = {static_cast<double>(out.below_k) / persons, 1.0 / static_cast<double>(out.smallest), count / persons};
    out.marketer = share_of_all / persons;
    out.journalist.share_above /= persons;
    out.journalist.average = std::max(count / all, out.marketer);
    return out;
}

Found Judge::search() const {
    Found found;
    const std::vector<Node> nodes = all_nodes(levels_);
    enum class Tag : std::uint8_t { unknown, yes, no };
    std::vector<Tag> tags(nodes.size(), Tag::unknown);
    const Node bottom(levels_.size(), 0), &top = nodes.back();
    // With l above two, a class of harmless values that joins another may tell what it did not: then every node is tried.
    const bool grows = goals_.l <= 2 || std::find(table_.harmless_.begin(), table_.harmless_.end(), 1) == table_.harmless_.end();
    for (const std::size_t wanted : halving(height(top) + 1)) {
        for (std::size_t at = 0; at < nodes.size(); ++at) {
            if (tags[at] != Tag::unknown || height(nodes[at]) != wanted) continue;
            ++found.tried;
            const bool yes = reaches(nodes[at]);
            tags[at] = yes ? Tag::yes : Tag::no;
            for (std::size_t other = 0; grows && other < nodes.size(); ++other) {
                if (yes ? is_below(nodes[at], nodes[other]) : is_below(nodes[other], nodes[at])) tags[other] = tags[at];
            }
        }
    }
    const Node* best = nullptr;
    for (std::size_t at = 0; at < nodes.size(); ++at) {
        if (tags[at] != Tag::yes) continue;
        bool minimal = true;
        for (std::size_t other = 0; other < nodes.size() && minimal; ++other)
            minimal = tags[other] != Tag::yes || other == at || !is_below(nodes[other], nodes[at]);
        if (!minimal) continue;
        found.minimal.push_back(nodes[at]);
        if (!best || loss_of(nodes[at]) < loss_of(*best)) best = &nodes[at];
    }
    found.nodes = nodes.size();
    found.reached = best != nullptr;
    found.before = measure(bottom, false);
    found.after = measure(best ? *best : top, true);
    return found;
}

}  // namespace xinglin::anonymity
