// SPDX-License-Identifier: Apache-2.0
// Inside the room: which of two rules is the weaker one, for a viewer whom both concern.
//
// The more specific rule is the stronger: one that names the practitioner or account before one that names the institution (the nearer one
// before one above it) or role, before one for everybody; one that names a category before one for all data; an exception before what it is an exception to. Of
// two that say the same of the same, the newer is the only one that counts. Where neither is the more specific, the one that closes is the
// stronger: whoever closed a category does not open it by opening the record to a hospital.
#pragma once

#include <compare>
#include <cstdint>

#include "consent/rule.h"

namespace xinglin::consent {

/// How closely a rule names a viewer.
struct Closeness {
    int party = 0;  // 0: everybody, 1: institution or role, 2: the person
    int near = 0;   // of institutions: 100 is the own one, 99 the one above … ; a role: 1
    auto operator<=>(const Closeness&) const = default;
};

struct Strength {
    int grade = 0, near = 0, conditions = 0, depth = 0, closes = 0;
    std::int64_t decided_ms = 0, position = 0;
    auto operator<=>(const Strength&) const = default;
};
Strength strength_of(const Rule& rule, Closeness closeness, const Consent& consent);

}  // namespace xinglin::consent
