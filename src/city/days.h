// SPDX-License-Identifier: Apache-2.0
// Inside the room: what kind of day it is: work, school, weather, season.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "city/facts.h"

namespace xinglin::city {

class Days {
public:
    Days(const Facts& facts, std::int32_t start, std::int32_t end, std::uint64_t seed);

    /// Outside the years of the city: Monday to Friday.
    bool is_workday(std::int32_t day) const;
    bool is_school_day(std::int32_t day) const { return at(day).school; }
    /// How many go to a doctor on such a day, against the mean of all days.
    double outpatients(std::int32_t day) const { return at(day).outpatients; }
    double admissions(std::int32_t day) const { return at(day).admissions; }
    double temperature(std::int32_t day) const { return at(day).temperature; }
    bool is_wet(std::int32_t day) const { return at(day).wet; }
    std::string_view holiday(std::int32_t day) const;
    /// 1 ± season, highest in the middle of `peak_month` (0: always 1).
    double season(std::int32_t day, int peak_month, double season) const;
    std::int32_t start() const { return start_; }
    std::int32_t end() const { return end_; }

private:
    struct Day {
        bool work, school, wet;
        std::int16_t of_year;
        float outpatients, admissions, temperature;
    };
    const Facts& facts_;
    std::int32_t start_, end_;
    std::vector<Day> days_;  // with 400 before and after
    const Day& at(std::int32_t day) const;
};

/// "2026-11-22"; "2026-11-22T08:15:00+08:00" of seconds since 1970 in local time.
std::string date_text(std::int32_t day);
std::string time_text(std::int64_t seconds);
/// Appends the same.
void put_date(std::string& out, std::int32_t day);
void put_time(std::string& out, std::int64_t seconds);
/// 20261122081500, as HL7 v2 writes it.
std::string compact_time(std::int64_t seconds);

}  // namespace xinglin::city
