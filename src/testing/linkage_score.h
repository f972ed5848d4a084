// SPDX-License-Identifier: Apache-2.0
// For tests and benches only: how well records were brought together, against who they truly are, by kind of mistake.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace xinglin::testing {

struct LinkageScore {
    struct Kind {
        std::uint64_t records = 0, strangers = 0;  // strangers: records that lie with somebody else's
        std::uint64_t pairs = 0, found = 0;        // true pairs that such a record is part of
        double recall() const { return pairs ? static_cast<double>(found) / static_cast<double>(pairs) : 1; }
        double apart() const { return records ? 1 - static_cast<double>(strangers) / static_cast<double>(records) : 1; }
    };
    std::uint64_t records = 0, people = 0, groups = 0, largest = 0, largest_true = 0;
    std::uint64_t pairs = 0, told = 0, right = 0;  // true pairs, pairs told, both
    std::uint64_t whole = 0;                       // people whose group holds all of their records and nobody else's
    std::map<std::string, Kind, std::less<>> kinds;

    static double share(std::uint64_t part, std::uint64_t of) {
        return of ? static_cast<double>(part) / static_cast<double>(of) : 1;
    }
    static double mean(double p, double r) { return p + r > 0 ? 2 * p * r / (p + r) : 0; }
    double precision() const { return share(right, told); }
    double recall() const { return share(right, pairs); }
    double pair_f1() const { return mean(precision(), recall()); }
    double cluster_f1() const { return mean(share(whole, groups), share(whole, people)); }

    /// `group` and `person` of each record: any labels. `mistakes`: kinds, with | between them; may be shorter.
    static LinkageScore of(const std::vector<std::uint32_t>& group, const std::vector<std::uint32_t>& person,
                           const std::vector<std::string>& mistakes) {
        LinkageScore score;
        score.records = group.size();
        std::unordered_map<std::uint64_t, std::uint64_t> both;
        std::unordered_map<std::uint32_t, std::uint64_t> of_group, of_person;
        const auto key = [&](std::size_t i) { return std::uint64_t{group[i]} << 32 | person[i]; };
        for (std::size_t i = 0; i < group.size(); ++i) ++both[key(i)], ++of_group[group[i]], ++of_person[person[i]];
        score.groups = of_group.size();
        score.people = of_person.size();
        const auto pairs_of = [](std::uint64_t n) { return n * (n - 1) / 2; };
        for (const auto& [label, n] : of_group) score.told += pairs_of(n), score.largest = std::max(score.largest, n);
        for (const auto& [label, n] : of_person) score.pairs += pairs_of(n), score.largest_true = std::max(score.largest_true, n);
        for (const auto& [cell, n] : both) {
            score.right += pairs_of(n);
            score.whole +=
                n == of_group[static_cast<std::uint32_t>(cell >> 32)] && n == of_person[static_cast<std::uint32_t>(cell)];
        }
        for (std::size_t i = 0; i < group.size(); ++i) {
            const std::string_view all = i < mistakes.size() ? std::string_view(mistakes[i]) : std::string_view();
            for (std::size_t at = 0; at <= all.size();) {
                const std::size_t end = std::min(all.find('|', at), all.size());
                Kind& kind = score.kinds[all.empty() ? "none" : std::string(all.substr(at, end - at))];
                ++kind.records;
                kind.strangers += both[key(i)] < of_group[group[i]];
                kind.pairs += of_person[person[i]] - 1;
                kind.found += both[key(i)] - 1;
                at = end + 1;
            }
        }
        return score;
    }

    /// As a table of a README.
    std::string text() const {
        std::string out = fmt::format(
            "{} records of {} people: pairs precision {:.5f}, recall {:.5f}, F1 {:.5f}; clusters F1 {:.5f}; largest {} (truth "
            "{})\n"
            "| kind | records | pairs found | kept from others |\n| --- | --- | --- | --- |\n",
            records, people, precision(), recall(), pair_f1(), cluster_f1(), largest, largest_true);
        for (const auto& [name, kind] : kinds)
            out +=
                fmt::format("| {} | {} | {:.2f} % | {:.2f} % |\n", name, kind.records, 100 * kind.recall(), 100 * kind.apart());
        return out;
    }
};

}  // namespace xinglin::testing
