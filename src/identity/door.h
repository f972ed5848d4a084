// SPDX-License-Identifier: Apache-2.0
// A Chinese address taken apart: district, town, village or community, road, and the numbers that lead to the door.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace xinglin::identity {

/// Names are hashes without their kind ("石河镇" as "石河乡"), 0 where the address does not tell; numbers in the order they are told.
struct Door {
    std::uint32_t district = 0, town = 0, place = 0, road = 0;
    std::array<std::uint16_t, 5> numbers{};
    std::uint8_t count = 0;  // of numbers

    bool tells_anything() const { return place || road || town || count > 1; }
};

/// Of folded text; what is not understood is left out.
Door door_of(std::string_view address);

/// How two doors agree; the order is that of the levels of a comparison.
enum class Doors { two, one_town, one_street, one_house, one };
Doors compare_doors(const Door& a, const Door& b);

}  // namespace xinglin::identity
