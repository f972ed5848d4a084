// SPDX-License-Identifier: Apache-2.0
// A quantity asked in one unit of UCUM is asked in every unit of its kind that the record uses.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "search/search.h"

namespace xinglin::search {

/// Some condition of the query, at any depth, asks for a quantity in a unit of UCUM.
bool asks_in_ucum(const Query& query);

/// Adds to the alternatives of such conditions each once more for every other unit of `in_use` (codes of UCUM) that measures
/// the same: value and bounds converted as decimals, so that 1500 g is exactly 1.5 kg.
void spread_units(Query& query, const std::vector<std::string>& in_use);

}  // namespace xinglin::search
