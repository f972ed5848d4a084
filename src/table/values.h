// SPDX-License-Identifier: Apache-2.0
// Inside the room: what people type into cells, read strictly: dates, numbers, resident ids, telephone numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace xinglin::table {

/// White space at the ends, control characters and the apostrophe Excel writes before numbers kept as text are gone;
/// line ends inside are kept.
std::string tidy(std::string_view cell);
/// Full-width letters, digits and marks as plain ASCII; everything else as it is.
std::string half_width(std::string_view text);
/// Excel's words for a formula that failed: "#N/A", "#REF!" …
bool is_excel_error(std::string_view text);

struct DateOptions {
    bool serials = false;  // "46348" is a day of Excel (1900 system)
    enum class Order : std::uint8_t { none, day_first, month_first } order = Order::none;  // of 22/11/2026
    std::int16_t offset_minutes = 480;
};
/// As FHIR writes it: "2026", "2026-11", "2026-11-22", "2026-11-22T08:15:00+08:00". Nothing for what is no date or no such day.
/// Takes 2026-11-22, 2026/1/2, 2026.11.22, 20261122, 202611, 2026年11月22日, 2026年, and a time after a blank or T: 8:15,
/// 08:15:30, 0815, 8时15分.
std::optional<std::string> read_date(std::string_view text, const DateOptions& options);

struct Number {
    std::string digits;      // as JSON writes a number
    std::string comparator;  // "<", "<=", ">=", ">" or ""
};
/// "1,234.50", "＜0.5", "+3", "12%" is none. Nothing for what is no number.
std::optional<Number> read_number(std::string_view text);
bool is_whole(std::string_view digits);
/// a × b of two plain decimals, exact; nothing when longer than 30 digits.
std::optional<std::string> multiplied(std::string_view a, std::string_view b);
/// -1, 0, 1 for two plain decimals.
int compared(std::string_view a, std::string_view b);

/// GB 11643: a resident's number of 18 characters; one of 15 is completed. `problem` says what is wrong: "length", "character",
/// "birth date", "check digit"; the number is then as it was written.
struct ResidentId {
    std::string number;
    std::string_view problem;
    std::string birth_date() const;  // "" when there is a problem with it
    std::string sex() const;         // "male", "female", ""
};
ResidentId read_resident_id(std::string_view text);

/// A number of China without blanks, dashes and country code; nothing when it is none: 11 digits beginning with 1, or a
/// landline with area code.
std::optional<std::string> read_phone(std::string_view text);

/// 是 有 Y true 1 √ 阳性 …, and their opposites.
std::optional<bool> read_boolean(std::string_view text);

}  // namespace xinglin::table
