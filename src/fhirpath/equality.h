// SPDX-License-Identifier: Apache-2.0
// When two items are equal (=), equivalent (~), or one is less.
#pragma once

#include <cstddef>
#include <optional>

#include "fhirpath/fhirpath.h"

namespace xinglin::fhirpath {

/// Nothing when it can't be told (dates of different precision, a year against 'a').
std::optional<bool> equal(const Item& a, const Item& b);
bool equivalent(const Item& a, const Item& b);

enum class Relation : std::uint8_t { less, equal, greater, unknown, incomparable };
/// `incomparable`: of types that have no order between them.
Relation relate(const Item& a, const Item& b);

/// Items that are equal have the same hash.
std::size_t hash_of(const Item& item);

}  // namespace xinglin::fhirpath
