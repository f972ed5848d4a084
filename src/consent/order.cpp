// SPDX-License-Identifier: Apache-2.0
// The order of rules. Eight grades put rules for (everybody, institution, person) × (all data, a category) × (opens, closes) in a row such that
// the more specific stands behind the less specific, and of two that are not to be compared the closing one stands behind.
#include "consent/order.h"

namespace xinglin::consent {

namespace {

enum Grade {
    everybody,                 // opens or closes all
    everybody_category_opens,  // weaker than closing an institution or a person
    institution,               // …
    person_opens,              // weaker than a category that was closed for everybody
    everybody_category_closes,
    institution_category,
    person_closes,  // stronger than a category opened to the institution
    person_category,
};

Grade grade_of(const Rule& rule, int party) {
    const bool category = !rule.labels.empty();
    if (party == 0) return !category ? everybody : rule.permit ? everybody_category_opens : everybody_category_closes;
    if (party == 1) return category ? institution_category : institution;
    return category ? person_category : rule.permit ? person_opens : person_closes;
}

}  // namespace

Strength strength_of(const Rule& rule, Closeness closeness, const Consent& consent) {
    return {.grade = grade_of(rule, closeness.party),
            .near = closeness.near,
            .conditions = (rule.types.empty() ? 0 : 1) + (rule.period ? 1 : 0),
            .depth = rule.depth,
            .closes = rule.permit ? 0 : 1,
            .decided_ms = consent.decided_ms,
            .position = consent.position};
}

}  // namespace xinglin::consent
