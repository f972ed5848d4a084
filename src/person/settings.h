// SPDX-License-Identifier: Apache-2.0
// content/persons: thresholds of each kind of decision, and the weights until the record itself has taught them.
#pragma once

#include <cmath>

#include "content/content.h"
#include "identity/judge.h"
#include "identity/wording.h"
#include "outcome/outcome.h"

namespace xinglin::person {

struct Settings {
    double link = 0.95, join = 0.99, review = 0.30, contradiction = 0.02;  // probabilities
    std::size_t most_in_block = 60, most_compared = 80, fill_from = 2'000;
    bool four_eyes = false;
    std::int64_t claim_minutes = 30, later_days = 7;
    identity::Model model;
    std::shared_ptr<const identity::Wording> wording;  // characters, shapes, places

    /// Refuses by name what is missing or out of range.
    static Result<Settings> read(const content::Files& files);
};

/// Natural logarithm of the odds.
inline double odds_of(double probability) { return std::log(probability / (1 - probability)); }
inline double probability_of(double log_odds) { return 1 / (1 + std::exp(-log_odds)); }

}  // namespace xinglin::person
