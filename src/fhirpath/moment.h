// SPDX-License-Identifier: Apache-2.0
// Dates and times as FHIRPath reasons about them: comparison by precision, arithmetic, boundaries.
#pragma once

#include <optional>
#include <string_view>

#include "calendar/calendar.h"
#include "fhirpath/fhirpath.h"
#include "fhirpath/unit.h"

namespace xinglin::fhirpath {

/// Reads the text of a date, date_time or time item; nothing when it is not one.
std::optional<calendar::Moment> moment_of(Item::Kind kind, std::string_view text);

enum class Order : std::uint8_t { less, equal, greater, unknown };
/// Field by field; unknown when one is less precise before a difference shows, or only one has a zone and it matters.
Order compare(const calendar::Moment& a, const calendar::Moment& b);

/// The moment moved by a calendar duration; nothing when it leaves the years 1 to 9999.
/// A duration finer than the moment's precision is first converted to that precision (@2014 + 24 months is @2016).
std::optional<calendar::Moment> moved(const calendar::Moment& moment, CalendarUnit unit, std::int64_t amount);

/// Digits of precision: 4 a year, 6 a month, 8 a day, 10, 12, 14 to the second, 17; a time 2, 4, 6, 9.
int precision_digits(const calendar::Moment& moment);
/// The least or greatest moment it may mean, to so many digits; nothing when a moment has no such number of digits.
std::optional<calendar::Moment> boundary(calendar::Moment moment, Item::Kind kind, int digits, bool high);

}  // namespace xinglin::fhirpath
