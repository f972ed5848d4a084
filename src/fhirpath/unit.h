// SPDX-License-Identifier: Apache-2.0
// Units of quantities: UCUM codes (as far as medicine needs them) and FHIRPath's calendar words.
//
// Source: The Unified Code for Units of Measure, version 2.1 (conversion factors are facts of that table); FHIRPath N1,
// "Time-valued Quantities".
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fhirpath/decimal.h"

namespace xinglin::fhirpath {

/// A unit reduced to base units: canonical value = value * numerator / denominator + offset.
struct Unit {
    Decimal numerator{1};
    Decimal denominator{1};
    Decimal offset;                                      // of Cel, [degF], [degRe] standing alone
    std::array<std::int16_t, 7> dimensions{};            // exponents of m, s, g, rad, K, C, cd
    std::vector<std::pair<std::string, int>> arbitrary;  // [iU] and its like, comparable only with themselves

    bool same_dimension(const Unit& other) const { return dimensions == other.dimensions && arbitrary == other.arbitrary; }
};

/// Nothing when it is no UCUM unit we know. "1" and "" are the unity.
std::optional<Unit> parse_unit(std::string_view code);
/// "g.m-3"; "1" for the unity.
std::string dimension_text(const Unit& unit);

/// Product or quotient of two unit codes, factors gathered: cm · cm2 = cm3, g / m = g/m. Nothing when one is no unit.
std::optional<std::string> unit_product(std::string_view a, std::string_view b, bool divide);

enum class CalendarUnit : std::uint8_t { year, month, week, day, hour, minute, second, millisecond };
/// "year" or "years", …
std::optional<CalendarUnit> calendar_unit(std::string_view word);
/// What a UCUM code of time is called on the calendar: "a", "mo", "wk", "d", "h", "min", "s", "ms".
std::optional<CalendarUnit> calendar_unit_of_ucum(std::string_view code);
std::string_view ucum_of(CalendarUnit unit);

/// A number and its unit, as an operation sees them.
struct Amount {
    Decimal value;
    std::string_view unit;
    bool recorded = false;  // from a FHIR Quantity: its 'a' and 'mo' may stand for calendar years and months
};

enum class Loose : bool { no, yes };
/// -1, 0, 1; nothing when the units can't be compared. `loose` lets a calendar year be 'a' and a month 'mo'.
std::optional<int> compare(const Amount& a, const Amount& b, Loose loose);
/// The value in another unit.
std::optional<Decimal> convert(const Amount& amount, std::string_view unit, Loose loose);
/// The sum, in the finer of the two units.
struct Sum {
    Decimal value;
    std::string unit;
};
std::optional<Sum> add(const Amount& a, const Amount& b);

}  // namespace xinglin::fhirpath
