// SPDX-License-Identifier: Apache-2.0
// Birth dates told by the Chinese calendar.
#pragma once

#include <cstdint>

namespace xinglin::identity {

/// The day of our calendar (yyyymmdd) that the lunar calendar calls by this year, month and day; 0 when there is none, or it is
/// not between 1900 and 2100.
std::uint32_t solar_of_lunar(std::uint32_t date, bool leap_month);
/// Is one of these dates what the lunar calendar calls the other?
bool are_one_day_told_lunar(std::uint32_t a, std::uint32_t b);

}  // namespace xinglin::identity
