// SPDX-License-Identifier: Apache-2.0
// Dates and times as FHIR writes them: with the precision they were known to.
//
// Instants are int64 milliseconds since 1970-01-01T00:00:00Z. The proleptic Gregorian calendar, years 0001-9999.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "outcome/outcome.h"

namespace xinglin::calendar {

enum class Precision : std::uint8_t { year, month, day, hour, minute, second, millisecond };

/// A date, dateTime, instant or time as written. Fields beyond `precision` hold their smallest value.
/// A time of day has `has_date` false.
struct Moment {
    std::int16_t year = 1;
    std::int8_t month = 1, day = 1, hour = 0, minute = 0, second = 0;
    std::int32_t nanosecond = 0;       // fraction of the second
    std::uint8_t fraction_digits = 0;  // as written: 0 for none
    Precision precision = Precision::year;
    bool has_date = true;
    std::optional<std::int16_t> offset_minutes;  // nothing when no zone was written
};

/// Half-open interval of milliseconds.
struct Span {
    std::int64_t low_ms;
    std::int64_t high_ms;  // exclusive
};

constexpr std::int64_t beginning_ms = INT64_MIN / 4;
constexpr std::int64_t end_of_time_ms = INT64_MAX / 4;

/// FHIR date: YYYY, YYYY-MM or YYYY-MM-DD.
std::optional<Moment> parse_date(std::string_view text);
/// FHIR dateTime: a date, or YYYY-MM-DDThh:mm:ss[.f+](Z|±hh:mm). `lenient` also takes no zone, no seconds, hour only
/// (FHIRPath literals and search parameters). Second 60 is refused; 24:00 is refused.
std::optional<Moment> parse_date_time(std::string_view text, bool lenient = false);
/// FHIR instant: to the second at least, with a zone.
std::optional<Moment> parse_instant(std::string_view text);
/// FHIR time: hh:mm:ss[.f+]; `lenient` also takes hh and hh:mm.
std::optional<Moment> parse_time(std::string_view text, bool lenient = false);

/// The instants a moment may mean: "2026-11" is the whole month, in `default_offset_minutes` unless a zone was written.
Span span_of(const Moment& moment, std::int16_t default_offset_minutes);
/// As written, precision and zone kept.
std::string text(const Moment& moment);

/// "2026-11-22T08:15:00.123Z"
std::string instant_text(std::int64_t ms);
/// Days since 1970-01-01, and back.
std::int64_t days_from_civil(int year, int month, int day);
struct Civil {
    int year, month, day;
};
Civil civil_from_days(std::int64_t days);
int days_in_month(int year, int month);
/// Full years from birth to `on`.
int age_in_years(const Moment& birth, Civil on);

/// The current time, handed down so that tests can stop it.
class Clock {
public:
    virtual ~Clock() = default;
    virtual std::int64_t now_ms() const = 0;
};
class SystemClock : public Clock {
public:
    std::int64_t now_ms() const override;
};
/// The machine's present offset from UTC in minutes.
std::int16_t local_offset_minutes();

}  // namespace xinglin::calendar
