// SPDX-License-Identifier: Apache-2.0
// Inside the room: the everyday reading of every Han character from U+3400 to U+9FFF, as ICU 72 gives it (CLDR, from
// Unihan). Asking ICU costs 40 µs a character; this table costs nothing. readings_test.cpp compares it with ICU and writes it.
#pragma once

#include <string_view>

namespace xinglin::text {

constexpr char32_t first_in_table = 0x3400, last_in_table = 0x9FFF;
/// Readings with their tone marks, apart by spaces; the first, empty one stands for characters without a reading.
extern const std::string_view table_syllables;
/// For each character the number of its reading: two digits of base 64, 0-9 A-Z a-z + -.
extern const std::string_view table_numbers;

}  // namespace xinglin::text
