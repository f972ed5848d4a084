// SPDX-License-Identifier: Apache-2.0
// Comparison, arithmetic and boundaries of moments. Source: FHIRPath N1, "Date/Time Equality", "Date/Time Arithmetic".
#include "fhirpath/moment.h"

#include <algorithm>

namespace xinglin::fhirpath {

using calendar::Moment;
using calendar::Precision;

namespace {

constexpr std::int64_t minutes_a_day = 1440;
constexpr std::int64_t ns_a_second = 1'000'000'000;

std::int64_t minutes_since_epoch(const Moment& m) {
    return calendar::days_from_civil(m.year, m.month, m.day) * minutes_a_day + m.hour * 60 + m.minute;
}

void set_minutes(Moment& m, std::int64_t minutes) {
    const std::int64_t days = minutes >= 0 ? minutes / minutes_a_day : -((minutes_a_day - 1 - minutes) / minutes_a_day);
    const auto civil = calendar::civil_from_days(days);
    const auto rest = static_cast<int>(minutes - days * minutes_a_day);
    m.year = static_cast<std::int16_t>(civil.year);
    m.month = static_cast<std::int8_t>(civil.month);
    m.day = static_cast<std::int8_t>(civil.day);
    m.hour = static_cast<std::int8_t>(rest / 60);
    m.minute = static_cast<std::int8_t>(rest % 60);
}

bool has_zone(const Moment& m) { return m.offset_minutes && m.precision >= Precision::hour; }

Order order_of(std::int64_t a, std::int64_t b) { return a < b ? Order::less : a > b ? Order::greater : Order::equal; }

/// Seconds and their fraction count as one precision.
int fields(const Moment& m) { return std::min(static_cast<int>(m.precision), static_cast<int>(Precision::second)); }

Order compare_fields(const Moment& a, const Moment& b) {
    const std::int64_t left[] = {a.year, a.month, a.day, a.hour, a.minute, a.second * ns_a_second + a.nanosecond};
    const std::int64_t right[] = {b.year, b.month, b.day, b.hour, b.minute, b.second * ns_a_second + b.nanosecond};
    const int from = a.has_date ? 0 : 3;
    for (int i = from; i <= std::min(fields(a), fields(b)); ++i) {
        const Order order = order_of(left[i], right[i]);
        if (order != Order::equal) return order;
    }
    return fields(a) == fields(b) ? Order::equal : Order::unknown;
}

/// `zoned` has a zone, `local` has not: only a difference no zone could explain is known.
Order compare_across_zones(const Moment& zoned, const Moment& local) {
    const std::int64_t utc = minutes_since_epoch(zoned) - *zoned.offset_minutes;
    const std::int64_t wall = minutes_since_epoch(local);
    constexpr std::int64_t east = 14 * 60, west = 12 * 60;  // the widest zones in use
    if (utc < wall - east) return Order::less;
    if (utc > wall + west + 1) return Order::greater;
    return Order::unknown;
}

Order reversed(Order order) {
    if (order == Order::less) return Order::greater;
    return order == Order::greater ? Order::less : order;
}

std::optional<Moment> add_months(Moment m, std::int64_t months) {
    if (months > 200'000 || months < -200'000) return std::nullopt;
    const std::int64_t total = m.year * 12 + (m.month - 1) + months;
    if (total < 12 || total >= 10'000 * 12) return std::nullopt;
    m.year = static_cast<std::int16_t>(total / 12);
    m.month = static_cast<std::int8_t>(total % 12 + 1);
    m.day = static_cast<std::int8_t>(std::min<int>(m.day, calendar::days_in_month(m.year, m.month)));
    return m;
}

std::optional<Moment> add_milliseconds(Moment m, std::int64_t ms) {
    constexpr std::int64_t largest = 400'000'000'000'000;  // more than 10,000 years
    if (ms > largest || ms < -largest) return std::nullopt;
    std::int64_t minutes = ms / 60'000;
    std::int64_t ns = m.second * ns_a_second + m.nanosecond + ms % 60'000 * 1'000'000;
    constexpr std::int64_t ns_a_minute = 60 * ns_a_second;
    minutes += ns / ns_a_minute;
    ns %= ns_a_minute;
    if (ns < 0) {
        ns += ns_a_minute;
        --minutes;
    }
    m.second = static_cast<std::int8_t>(ns / ns_a_second);
    m.nanosecond = static_cast<std::int32_t>(ns % ns_a_second);
    if (m.has_date) {
        const std::int64_t total = minutes_since_epoch(m) + minutes;
        constexpr std::int64_t first = -719162 * minutes_a_day, end = 2932897 * minutes_a_day;  // 0001-01-01, 10000-01-01
        if (total < first || total >= end) return std::nullopt;
        set_minutes(m, total);
    } else {  // a time of day goes round the clock
        std::int64_t total = (m.hour * 60 + m.minute + minutes) % minutes_a_day;
        if (total < 0) total += minutes_a_day;
        m.hour = static_cast<std::int8_t>(total / 60);
        m.minute = static_cast<std::int8_t>(total % 60);
    }
    if (m.nanosecond != 0) {
        int digits = std::max<int>(m.fraction_digits, 3);
        m.fraction_digits = static_cast<std::uint8_t>(digits);
        m.precision = Precision::millisecond;
    }
    return m;
}

constexpr std::int64_t unit_ms[] = {0, 0, 604'800'000, 86'400'000, 3'600'000, 60'000, 1000, 1};

}  // namespace

std::optional<Moment> moment_of(Item::Kind kind, std::string_view text) {
    switch (kind) {
        case Item::Kind::date: return calendar::parse_date(text);
        case Item::Kind::date_time: return calendar::parse_date_time(text, true);
        case Item::Kind::time: return calendar::parse_time(text, true);
        default: return std::nullopt;
    }
}

Order compare(const Moment& a, const Moment& b) {
    const bool both_times = a.precision >= Precision::hour && b.precision >= Precision::hour && a.has_date && b.has_date;
    if (!both_times) return compare_fields(a, b);
    if (has_zone(a) && has_zone(b)) {
        if (*a.offset_minutes == *b.offset_minutes) return compare_fields(a, b);
        Moment left = a, right = b;
        set_minutes(left, minutes_since_epoch(a) - *a.offset_minutes);
        set_minutes(right, minutes_since_epoch(b) - *b.offset_minutes);
        return compare_fields(left, right);
    }
    if (has_zone(a)) return compare_across_zones(a, b);
    if (has_zone(b)) return reversed(compare_across_zones(b, a));
    return compare_fields(a, b);
}

std::optional<Moment> moved(const Moment& moment, CalendarUnit unit, std::int64_t amount) {
    constexpr std::int64_t largest = 1'000'000'000'000'000;
    if (amount > largest || amount < -largest) return std::nullopt;
    if (unit == CalendarUnit::year) {
        if (amount > 20'000 || amount < -20'000) return std::nullopt;
        return add_months(moment, amount * 12);
    }
    if (unit == CalendarUnit::month) return add_months(moment, moment.precision == Precision::year ? amount / 12 * 12 : amount);
    __int128 wide = static_cast<__int128>(amount) * unit_ms[static_cast<std::size_t>(unit)];
    if (wide > INT64_MAX / 4 || wide < INT64_MIN / 4) return std::nullopt;
    auto ms = static_cast<std::int64_t>(wide);
    constexpr std::int64_t day = 86'400'000;
    switch (moment.precision) {  // a duration finer than the moment counts in the moment's own unit
        case Precision::year: return add_months(moment, ms / (365 * day) * 12);
        case Precision::month: return add_months(moment, ms / (30 * day));
        case Precision::day: ms = ms / day * day; break;
        case Precision::hour: ms = ms / 3'600'000 * 3'600'000; break;
        case Precision::minute: ms = ms / 60'000 * 60'000; break;
        default: break;
    }
    return add_milliseconds(moment, ms);
}

int precision_digits(const Moment& m) {
    constexpr int dates[] = {4, 6, 8, 10, 12, 14, 17};
    constexpr int times[] = {0, 0, 0, 2, 4, 6, 9};
    return m.has_date ? dates[static_cast<std::size_t>(m.precision)] : times[static_cast<std::size_t>(m.precision)];
}

std::optional<Moment> boundary(Moment m, Item::Kind kind, int digits, bool high) {
    const Moment written = m;
    // A time given to the hour only is read as that hour's first minute, as the published test-suite has it.
    if (m.precision == Precision::hour) m.precision = Precision::minute;
    if (high) {
        if (m.precision < Precision::month) m.month = 12;
        if (m.precision < Precision::day) m.day = static_cast<std::int8_t>(calendar::days_in_month(m.year, m.month));
        if (m.precision < Precision::hour) m.hour = 23;
        if (m.precision < Precision::minute) m.minute = 59;
        if (m.precision < Precision::second) m.second = 59;
        if (m.precision < Precision::millisecond) m.nanosecond = 999'000'000;
    }
    bool found = false;
    for (int p = m.has_date ? 0 : 3; p <= static_cast<int>(Precision::millisecond); ++p) {
        m.precision = static_cast<Precision>(p);
        if (precision_digits(m) == digits) {
            found = true;
            break;
        }
    }
    if (!found || (kind == Item::Kind::date && m.precision > Precision::day)) return std::nullopt;
    if (m.precision == Precision::millisecond) m.fraction_digits = std::max<std::uint8_t>(written.fraction_digits, 3);
    else m.fraction_digits = 0;
    if (kind == Item::Kind::date_time && m.precision >= Precision::hour && !m.offset_minutes) {
        m.offset_minutes = static_cast<std::int16_t>(high ? -12 * 60 : 14 * 60);
    }
    return m;
}

}  // namespace xinglin::fhirpath
