// SPDX-License-Identifier: Apache-2.0
// Days: the official holidays, school terms, the week, the weather.
#include "city/days.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "calendar/calendar.h"
#include "city/random.h"

namespace xinglin::city {

namespace {
constexpr std::int32_t margin = 400;

int day_of_year(std::int32_t day) {
    const calendar::Civil date = calendar::civil_from_days(day);
    return static_cast<int>(day - calendar::days_from_civil(date.year, 1, 1));
}

/// Winter holidays about the spring festival, summer holidays in July and August (the usual dates of Hebei).
bool in_term(std::int32_t day) {
    const calendar::Civil date = calendar::civil_from_days(day);
    const int key = date.month * 100 + date.day;
    return !(key >= 705 && key < 901) && !(key >= 118 && key < 224);
}
}  // namespace

Days::Days(const Facts& facts, std::int32_t start, std::int32_t end, std::uint64_t seed)
    : facts_(facts), start_(start), end_(end) {
    Random random(seed, Purpose::weather);
    double warmer = 0;
    double sum_outpatients = 0, sum_admissions = 0;
    for (std::int32_t day = start - margin; day < end + margin; ++day) {
        const int weekday = ((day % 7) + 7 + 3) % 7;  // Monday is 0; 1970-01-01 was a Thursday
        const calendar::Civil date = calendar::civil_from_days(day);
        const Month &month = facts.weather[static_cast<std::size_t>(date.month - 1)],
                    &other = facts.weather[static_cast<std::size_t>((date.month - 1 + (date.day >= 15 ? 1 : 11)) % 12)];
        const double part = std::abs(date.day - 15) / 30.0;
        warmer = 0.72 * warmer + 0.69 * random.normal();
        const bool off = !holiday(day).empty();
        const bool extra = std::find(facts.extra_workdays.begin(), facts.extra_workdays.end(), day) != facts.extra_workdays.end();
        Day each{};
        each.work = extra || (weekday < 5 && !off);
        each.school = each.work && in_term(day);
        each.of_year = static_cast<std::int16_t>(day_of_year(day));
        each.wet = random.chance(month.rain_days / 30);
        each.temperature = static_cast<float>(month.mean * (1 - part) + other.mean * part + month.deviation * warmer);
        constexpr float outpatients[] = {1.28f, 1.13f, 1.08f, 1.04f, 1.03f, 0.80f, 0.64f};
        constexpr float admissions[] = {1.32f, 1.17f, 1.10f, 1.05f, 0.98f, 0.74f, 0.64f};
        each.outpatients = off ? 0.50f : extra ? 1.02f : outpatients[weekday];
        each.admissions = off ? 0.52f : extra ? 1.0f : admissions[weekday];
        if (each.wet) each.outpatients *= 0.93f;
        sum_outpatients += each.outpatients;
        sum_admissions += each.admissions;
        days_.push_back(each);
    }
    for (Day& day : days_) {
        day.outpatients *= static_cast<float>(static_cast<double>(days_.size()) / sum_outpatients);
        day.admissions *= static_cast<float>(static_cast<double>(days_.size()) / sum_admissions);
    }
}

const Days::Day& Days::at(std::int32_t day) const {
    const auto place = static_cast<std::int64_t>(day) - start_ + margin;
    return days_[static_cast<std::size_t>(std::clamp<std::int64_t>(place, 0, static_cast<std::int64_t>(days_.size()) - 1))];
}

bool Days::is_workday(std::int32_t day) const {
    if (day < start_ - margin || day >= end_ + margin) return ((day % 7) + 7 + 3) % 7 < 5;
    return at(day).work;
}

std::string_view Days::holiday(std::int32_t day) const {
    for (const Holiday& each : facts_.holidays) {
        if (each.from <= day && day <= each.to) return each.name;
    }
    return {};
}

double Days::season(std::int32_t day, int peak_month, double season) const {
    if (peak_month == 0 || season == 0) return 1;
    const double peak = (peak_month - 0.5) * 30.44;
    return 1 + season * std::cos(2 * std::numbers::pi * (at(day).of_year - peak) / 365.25);
}

namespace {
void digits(std::string& out, int value, int width) {
    char text[8];
    for (int i = width - 1; i >= 0; --i, value /= 10) text[i] = static_cast<char>('0' + value % 10);
    out.append(text, static_cast<std::size_t>(width));
}
}  // namespace

void put_date(std::string& out, std::int32_t day) {
    const calendar::Civil date = calendar::civil_from_days(day);
    digits(out, date.year, 4);
    out += '-';
    digits(out, date.month, 2);
    out += '-';
    digits(out, date.day, 2);
}

void put_time(std::string& out, std::int64_t seconds) {
    put_date(out, static_cast<std::int32_t>(seconds / 86'400));
    const int rest = static_cast<int>(seconds % 86'400);
    out += 'T';
    digits(out, rest / 3600, 2);
    out += ':';
    digits(out, rest / 60 % 60, 2);
    out += ':';
    digits(out, rest % 60, 2);
    out += "+08:00";
}

std::string date_text(std::int32_t day) {
    std::string out;
    put_date(out, day);
    return out;
}
std::string time_text(std::int64_t seconds) {
    std::string out;
    put_time(out, seconds);
    return out;
}
std::string compact_time(std::int64_t seconds) {
    const calendar::Civil date = calendar::civil_from_days(seconds / 86'400);
    const int rest = static_cast<int>(seconds % 86'400);
    std::string out;
    digits(out, date.year, 4);
    digits(out, date.month, 2);
    digits(out, date.day, 2);
    digits(out, rest / 3600, 2);
    digits(out, rest / 60 % 60, 2);
    digits(out, rest % 60, 2);
    return out;
}

}  // namespace xinglin::city
