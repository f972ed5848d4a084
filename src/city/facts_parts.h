// SPDX-License-Identifier: Apache-2.0
// Inside the room: the parts of reading the figures that stand in files of their own.
#pragma once

#include "city/facts.h"

namespace xinglin::city {

Result<Done> read_care(const content::Files& files, Facts& facts);        // facts_care.cpp
Result<Done> read_infections(const content::Files& files, Facts& facts);  // facts_care.cpp
/// 'M', 'F' or 0.
char sex_of(std::string_view cell);

}  // namespace xinglin::city
