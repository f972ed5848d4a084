// SPDX-License-Identifier: Apache-2.0
// From counts to scores: README.md has the formula.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "quality/rules.h"

namespace xinglin::quality {

/// Of one institution, set and day; or summed up.
struct Counts {
    std::int64_t n = 0;
    struct OfRule {
        std::int64_t tested = 0, failed = 0;
    };
    std::vector<OfRule> rules;  // in the order of the set's rules
    Counts& operator+=(const Counts& other);
};

/// Counts by set, of one institution or of all.
using Sheet = std::map<std::string, Counts, std::less<>>;

/// What came as messages, from the ledger.
struct Messages {
    std::int64_t received = 0, rejected = 0, duplicate = 0;
};

/// 0 to 100, or nothing where nothing was measured.
using Score = std::optional<double>;
struct Scores {
    Score total;
    std::array<Score, measures> of;
    std::int64_t volume = 0;  // resources
};

/// A measure is 100 × the weighted share of tests passed, over all rules of the measure in all sets of the sheet; the total is the
/// weighted mean of those measures that were measured, one with fewer tests than Scoring::few counting in proportion. Rejected messages count as validity, repeated ones as duplicates.
Scores score(const Rulebook& book, const Sheet& sheet, const Messages& messages = {});

/// A rule that failed somewhere.
struct Failing {
    const Set* set = nullptr;
    const Rule* rule = nullptr;
    std::int64_t tested = 0, failed = 0;
    double cost = 0;  // points of the total that its failures cost
};
/// Worst first: by what they cost.
std::vector<Failing> failing(const Rulebook& book, const Sheet& sheet);

}  // namespace xinglin::quality
