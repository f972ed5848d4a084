// SPDX-License-Identifier: Apache-2.0
// Sets of patients, a list when few and bits when many; and the plain reading of the rules.
#include "record/guard.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "outcome/outcome.h"
#include "record/sentry.h"

namespace xinglin::record {

namespace {
constexpr std::int64_t none = std::numeric_limits<std::int64_t>::max();
}

PatientSet::PatientSet(std::vector<std::int64_t> ordinals) {
    std::sort(ordinals.begin(), ordinals.end());
    ordinals.erase(std::unique(ordinals.begin(), ordinals.end()), ordinals.end());
    size_ = ordinals.size();
    if (ordinals.empty()) return;
    XINGLIN_ASSERT(ordinals.front() >= 0 && ordinals.back() <= std::numeric_limits<std::uint32_t>::max());
    const std::int64_t span = ordinals.back() - ordinals.front() + 64;
    if (static_cast<std::int64_t>(size_) * 32 < span) {  // a member takes 32 bits in the list
        sorted_.assign(ordinals.begin(), ordinals.end());
        return;
    }
    first_ = ordinals.front() & ~std::int64_t{63};
    bits_.assign(static_cast<std::size_t>((ordinals.back() - first_) / 64 + 1), 0);
    for (const std::int64_t each : ordinals)
        bits_[static_cast<std::size_t>((each - first_) / 64)] |= std::uint64_t{1} << (each & 63);
}

bool PatientSet::has(std::int64_t ordinal) const {
    if (bits_.empty()) return ordinal >= 0 && ordinal < none && std::binary_search(sorted_.begin(), sorted_.end(), ordinal);
    const std::int64_t at = ordinal - first_;
    return at >= 0 && static_cast<std::size_t>(at / 64) < bits_.size() &&
           (bits_[static_cast<std::size_t>(at / 64)] >> (at & 63) & 1) != 0;
}

std::int64_t PatientSet::next(std::int64_t ordinal) const {
    if (bits_.empty()) {
        const auto found = std::lower_bound(sorted_.begin(), sorted_.end(), ordinal);
        return found == sorted_.end() ? none : static_cast<std::int64_t>(*found);
    }
    const std::int64_t at = std::max<std::int64_t>(ordinal - first_, 0);
    std::size_t word = static_cast<std::size_t>(at / 64);
    if (word >= bits_.size()) return none;
    std::uint64_t bits = bits_[word] & (~std::uint64_t{0} << (at & 63));
    while (bits == 0) {
        if (++word == bits_.size()) return none;
        bits = bits_[word];
    }
    return first_ + static_cast<std::int64_t>(word) * 64 + std::countr_zero(bits);
}

bool concerns(const GuardRule& rule, const fhir::Type& type) {
    return rule.types.empty() || std::find(rule.types.begin(), rule.types.end(), &type) != rule.types.end();
}

bool concerns(const GuardRule& rule, const OwnerList& owners) {
    const auto member = [&](std::int64_t ordinal) { return rule.patients && rule.patients->has(ordinal); };
    switch (rule.whose) {
        case GuardRule::Whose::anything: return true;
        case GuardRule::Whose::nobodys: return owners.empty();
        case GuardRule::Whose::somebodys: return !owners.empty();
        case GuardRule::Whose::members: return std::any_of(owners.begin(), owners.end(), member);
        case GuardRule::Whose::others: return !owners.empty() && !std::all_of(owners.begin(), owners.end(), member);
    }
    return false;
}

bool has_terms(const GuardRule& rule) { return !rule.labels.empty() || !rule.sources.empty(); }
const GuardRule* deciding_rule(const Guard& guard, const fhir::Type& type, const Standing& standing) {
    for (const GuardRule& rule : guard.rules) {
        const auto labelled = [&](const auto& label) {
            return std::any_of(standing.labels.begin(), standing.labels.end(), [&](const auto& has) {
                return has.second == label.second && (label.first.empty() || has.first == label.first);
            });
        };
        const bool source = std::find(rule.sources.begin(), rule.sources.end(), standing.source) != rule.sources.end();
        const auto within = [&](const calendar::Span& date) {
            return date.low_ms < rule.period->high_ms && date.high_ms > rule.period->low_ms;
        };
        if (concerns(rule, type) && concerns(rule, standing.owners) &&
            (!has_terms(rule) || source || std::any_of(rule.labels.begin(), rule.labels.end(), labelled)) &&
            (!rule.period || std::any_of(standing.dates.begin(), standing.dates.end(), within)))
            return &rule;
    }
    return nullptr;
}

}  // namespace xinglin::record
