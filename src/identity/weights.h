// SPDX-License-Identifier: Apache-2.0
// What each level of each field weighs, learned from the records themselves.
#pragma once

#include <unordered_map>

#include "identity/compare.h"

namespace xinglin::identity {

/// How often a pattern was seen, weighed.
using Patterns = std::unordered_map<Pattern, double>;

struct FieldWeights {
    std::array<double, level_count> same{}, kin{}, strangers{};  // probability of each level, given that the field is not missing
};

struct Weights {
    std::vector<FieldWeights> fields;
    double same_share = 0, kin_share = 0;    // of all pairs there are
    double matches = 0, kin = 0;             // expected pairs
    std::optional<std::size_t> birth, name;  // fields by which twins are known: the birth date; the given or full name

    bool han = true;  // are names mostly in Han characters?

    /// Learns from pairs worth comparing (weighed up to all of them) and pairs at random; `all_pairs` there are.
    static Weights learned(const Records& records, const Patterns& candidates, const Patterns& random, double all_pairs);
    /// What was learned before: fields in the order of `columns`, each with its shares.
    static Weights kept(const std::vector<ColumnName>& columns, std::vector<FieldWeights> fields, double same_share,
                        double kin_share);
    /// Natural logarithm of the odds that a pair with this pattern is one person; what agrees exactly weighs by how rare it
    /// is. `a`: one of the two.
    double log_odds(const std::vector<Column>& columns, Pattern pattern, std::uint32_t a) const;
    /// As above for a field alone, against strangers.
    double log_weight(const Column& column, std::size_t field, Level level, std::uint32_t value) const;

private:
    void take_logarithms();
    std::vector<FieldWeights> logarithms_;
};

}  // namespace xinglin::identity
