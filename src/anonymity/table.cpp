// SPDX-License-Identifier: Apache-2.0
// Persons counted by their combination of quasi-identifiers.
#include <stdexcept>
#include <unordered_map>

#include "anonymity/anonymity.h"

namespace xinglin::anonymity {

Table::Table(const Rules& rules) : rules_(rules), columns_(rules.quasi.size()) {
    const auto add_value = [&](const std::string& name) {
        sensitive_.push_back(name);
        harmless_.push_back(rules.is_harmless(name) ? 1 : 0);
    };
    for (const SensitiveGroup& group : rules.groups) add_value(group.name);
    add_value("other");
    add_value("none");
}

std::uint32_t Table::tuple_of(std::span<const std::string> values) {
    Tuple tuple{};
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        Column& column = columns_[i];
        const auto found = column.codes.find(values[i]);
        if (found != column.codes.end()) {
            tuple[i] = found->second;
            continue;
        }
        if (column.values.size() >= values_most)
            throw std::length_error("more than 65,000 different values of " + rules_.quasi[i].name);
        tuple[i] = static_cast<std::uint16_t>(column.values.size());
        column.values.push_back(values[i]);
        column.codes.emplace(values[i], tuple[i]);
    }
    const auto [place, is_new] = known_.try_emplace(tuple, static_cast<std::uint32_t>(tuples_.size()));
    if (is_new) {
        tuples_.push_back(tuple);
        in_release_.push_back(0);
        in_all_.push_back(0);
        by_value_.emplace_back();
    }
    return place->second;
}

void Table::add(std::uint32_t tuple, bool released, std::string_view sensitive) {
    ++in_all_[tuple];
    if (!released) return;
    ++in_release_[tuple];
    ++released_;
    for (std::size_t i = 0; i < sensitive_.size(); ++i) {
        if (sensitive_[i] == sensitive) ++by_value_[tuple][i];
    }
}

std::string Table::value(std::uint32_t tuple, std::size_t quasi) const { return columns_[quasi].values[tuples_[tuple][quasi]]; }

Result<Done> Table::check_levels() const {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        const Quasi& quasi = rules_.quasi[i];
        for (std::size_t level = 1; level < quasi.levels.size(); ++level) {
            std::unordered_map<std::string, std::string> up;
            for (const std::string& value : columns_[i].values) {
                const std::string fine = quasi.levels[level - 1].of(value), coarse = quasi.levels[level].of(value);
                const auto [place, is_new] = up.try_emplace(fine, coarse);
                if (!is_new && place->second != coarse)
                    return refuse(IssueCode::invalid, "deidentify/release.json quasi " + quasi.name,
                                  fmt::format("level {} parts what level {} joins (\"{}\")", level, level - 1, fine));
            }
        }
    }
    return Done{};
}

}  // namespace xinglin::anonymity
