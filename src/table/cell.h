// SPDX-License-Identifier: Apache-2.0
// Inside the room: what the number in a cell says, as text. Excel has no dates, only numbers that look like one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace xinglin::table {

enum class DateStyle : std::uint8_t { none, date, time, date_time };

/// Of a built-in number format (ECMA-376 part 1, 18.8.30, Chinese included).
DateStyle builtin_style(int format);
/// Of a written format: "yyyy-mm-dd", "[$-804]yyyy\"年\"m\"月\"", "0.00_);[Red]".
DateStyle written_style(std::string_view format);

/// Appends the number in a cell as text: 15 digits as Excel keeps them, or a date by its style. What is no number is appended
/// as it is.
void append_number(std::string_view raw, DateStyle style, bool from_1904, std::string& out);
/// "2026-11-22" or, where there is a time of day (or `with_time`), "2026-11-22T08:15:00"; "" for what is no day of Excel.
std::string serial_text(double serial, bool from_1904, DateStyle style);

/// Appends a text of XLSX, in which "_x000A_" is a line end.
void append_unescaped(std::string_view text, std::string& out);

}  // namespace xinglin::table
