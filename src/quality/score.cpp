// SPDX-License-Identifier: Apache-2.0
// Scores and what drags them down.
#include "quality/score.h"

#include <algorithm>

namespace xinglin::quality {

namespace {
struct Shares {
    std::array<double, measures> tested{}, failed{};  // weighted
    std::array<std::int64_t, measures> tests{};

    /// How much a measure counts: fewer tests than would do to judge by count in proportion.
    double weight(const Scoring& scoring, std::size_t at) const {
        if (tested[at] <= 0) return 0;
        if (tests[at] >= scoring.few) return scoring.weights[at];
        return scoring.weights[at] * static_cast<double>(tests[at]) / static_cast<double>(scoring.few);
    }
    double weight(const Scoring& scoring) const {
        double sum = 0;
        for (std::size_t i = 0; i < measures; ++i) sum += weight(scoring, i);
        return sum;
    }
};

Shares shares_of(const Rulebook& book, const Sheet& sheet) {
    Shares shares;
    for (const auto& [id, counts] : sheet) {
        const Set* set = book.set(id);
        if (!set) continue;
        for (std::size_t i = 0; i < std::min(set->rules.size(), counts.rules.size()); ++i) {
            const auto at = static_cast<std::size_t>(set->rules[i].measure);
            shares.tests[at] += counts.rules[i].tested;
            shares.tested[at] += set->rules[i].weight * static_cast<double>(counts.rules[i].tested);
            shares.failed[at] += set->rules[i].weight * static_cast<double>(counts.rules[i].failed);
        }
    }
    return shares;
}

}  // namespace

Counts& Counts::operator+=(const Counts& other) {
    n += other.n;
    if (rules.size() < other.rules.size()) rules.resize(other.rules.size());
    for (std::size_t i = 0; i < other.rules.size(); ++i) {
        rules[i].tested += other.rules[i].tested;
        rules[i].failed += other.rules[i].failed;
    }
    return *this;
}

Scores score(const Rulebook& book, const Sheet& sheet, const Messages& messages) {
    Scores out;
    for (const auto& [id, counts] : sheet) out.volume += counts.n;
    Shares shares = shares_of(book, sheet);
    if (messages.received > 0) {
        const auto valid = static_cast<std::size_t>(Measure::validity), once = static_cast<std::size_t>(Measure::duplicates);
        shares.tests[valid] += messages.received - messages.duplicate;
        shares.tests[once] += messages.received;
        shares.tested[valid] += static_cast<double>(messages.received - messages.duplicate);
        shares.failed[valid] += static_cast<double>(messages.rejected);
        shares.tested[once] += static_cast<double>(messages.received);
        shares.failed[once] += static_cast<double>(messages.duplicate);
    }
    const double weight = shares.weight(book.scoring());
    double total = 0;
    for (std::size_t i = 0; i < measures; ++i) {
        if (shares.tested[i] <= 0) continue;
        out.of[i] = std::clamp(100 * (1 - shares.failed[i] / shares.tested[i]), 0.0, 100.0);
        total += shares.weight(book.scoring(), i) * *out.of[i];
    }
    if (weight > 0) out.total = total / weight;
    return out;
}

std::vector<Failing> failing(const Rulebook& book, const Sheet& sheet) {
    const Shares shares = shares_of(book, sheet);
    const double weight = shares.weight(book.scoring());
    std::vector<Failing> out;
    for (const auto& [id, counts] : sheet) {
        const Set* set = book.set(id);
        if (!set) continue;
        for (std::size_t i = 0; i < std::min(set->rules.size(), counts.rules.size()); ++i) {
            const Rule& rule = set->rules[i];
            if (counts.rules[i].failed <= 0) continue;
            const auto at = static_cast<std::size_t>(rule.measure);
            const double cost = weight > 0 ? 100 * shares.weight(book.scoring(), at) / weight * rule.weight *
                                                 static_cast<double>(counts.rules[i].failed) / shares.tested[at]
                                           : 0;
            out.push_back({set, &rule, counts.rules[i].tested, counts.rules[i].failed, cost});
        }
    }
    std::stable_sort(out.begin(), out.end(), [](const Failing& a, const Failing& b) { return a.cost > b.cost; });
    return out;
}

}  // namespace xinglin::quality
