// SPDX-License-Identifier: Apache-2.0
// Inside the room: what really happened, as tables: truth/*.csv.
#pragma once

#include "city/city.h"
#include "city/story.h"

namespace xinglin::city {

/// Writes what concerns the district as a whole; the head lines only for the first district.
void write_truth(const World& world, Sink& sink);

}  // namespace xinglin::city
