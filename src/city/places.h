// SPDX-License-Identifier: Apache-2.0
// Inside the room: a point on the map for everyone who sends.
#pragma once

#include <array>
#include <map>
#include <string>

#include "city/district.h"

namespace xinglin::city {

/// Longitude and latitude (WGS 84) of every institution, school and emergency centre by its key, made up: near its community, inside the
/// district's area in content/screen/map.json when that map has it. The same district gives the same points. Empty when its towns have no
/// coordinates.
std::map<std::string, std::array<double, 2>, std::less<>> places_of(const content::Files& files, const District& district);

}  // namespace xinglin::city
