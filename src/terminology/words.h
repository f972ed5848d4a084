// SPDX-License-Identifier: Apache-2.0
// Inside the room: what several answers need: the best of what was found, and a concept's names.
#pragma once

#include <vector>

#include "terminology/sets.h"

namespace xinglin::terminology {

struct Found {
    Row row;
    Matched matched;
};

/// The page from `offset` on of the hits, best and shortest first. `total`: how many there are.
std::vector<Found> ranked(const std::vector<Spelling::Hit>& hits, const Spelling& spelling, std::size_t offset, std::size_t count,
                          std::size_t& total);

/// "string", "code", "boolean", …
std::string_view kind_name(PropertyKind kind);

/// Every name a concept has, each once. `said`: what a value set adds, or nullptr.
std::vector<Designation> designations_of(const Concepts& concepts, Row row, const Set::Override* said);

}  // namespace xinglin::terminology
