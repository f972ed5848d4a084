// SPDX-License-Identifier: Apache-2.0
// Parsing and printing of FHIR dates, and the civil calendar.
//
// Civil-day arithmetic follows the well-known era method (400-year eras of 146,097 days, March-based years).
#include "calendar/calendar.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>

namespace xinglin::calendar {

namespace {

constexpr std::int64_t second_ms = 1000, minute_ms = 60'000, hour_ms = 3'600'000, day_ms = 86'400'000;

class Cursor {
public:
    explicit Cursor(std::string_view text) : text_(text) {}
    bool done() const { return at_ == text_.size(); }
    char peek() const { return done() ? '\0' : text_[at_]; }
    bool take(char c) {
        if (peek() != c) return false;
        ++at_;
        return true;
    }
    /// Exactly `count` digits.
    std::optional<int> digits(int count) {
        if (text_.size() - at_ < static_cast<std::size_t>(count)) return std::nullopt;
        int value = 0;
        for (int i = 0; i < count; ++i) {
            const char c = text_[at_ + static_cast<std::size_t>(i)];
            if (c < '0' || c > '9') return std::nullopt;
            value = value * 10 + (c - '0');
        }
        at_ += static_cast<std::size_t>(count);
        return value;
    }
    /// 1 to 9 significant digits of a fraction (more are read and dropped).
    bool fraction(Moment& moment) {
        int count = 0;
        std::int32_t value = 0;
        for (; !done() && peek() >= '0' && peek() <= '9'; ++at_, ++count) {
            if (count < 9) value = value * 10 + (peek() - '0');
        }
        if (count == 0 || count > 30) return false;
        for (int i = count; i < 9; ++i) value *= 10;
        moment.nanosecond = value;
        moment.fraction_digits = static_cast<std::uint8_t>(std::min(count, 9));
        moment.precision = Precision::millisecond;
        return true;
    }

private:
    std::string_view text_;
    std::size_t at_ = 0;
};

bool read_date(Cursor& in, Moment& moment) {
    const auto year = in.digits(4);
    if (!year || *year < 1) return false;
    moment.year = static_cast<std::int16_t>(*year);
    moment.precision = Precision::year;
    if (!in.take('-')) return true;
    const auto month = in.digits(2);
    if (!month || *month < 1 || *month > 12) return false;
    moment.month = static_cast<std::int8_t>(*month);
    moment.precision = Precision::month;
    if (!in.take('-')) return true;
    const auto day = in.digits(2);
    if (!day || *day < 1 || *day > days_in_month(*year, *month)) return false;
    moment.day = static_cast<std::int8_t>(*day);
    moment.precision = Precision::day;
    return true;
}

bool read_time(Cursor& in, Moment& moment, bool lenient) {
    const auto hour = in.digits(2);
    if (!hour || *hour > 23) return false;
    moment.hour = static_cast<std::int8_t>(*hour);
    moment.precision = Precision::hour;
    if (!in.take(':')) return lenient;
    const auto minute = in.digits(2);
    if (!minute || *minute > 59) return false;
    moment.minute = static_cast<std::int8_t>(*minute);
    moment.precision = Precision::minute;
    if (!in.take(':')) return lenient;
    const auto second = in.digits(2);
    if (!second || *second > 59) return false;
    moment.second = static_cast<std::int8_t>(*second);
    moment.precision = Precision::second;
    return !in.take('.') || in.fraction(moment);
}

bool read_zone(Cursor& in, Moment& moment) {
    if (in.take('Z')) {
        moment.offset_minutes = 0;
        return true;
    }
    const bool west = in.peek() == '-';
    if (!in.take('+') && !in.take('-')) return false;
    const auto hours = in.digits(2);
    if (!hours || *hours > 14 || !in.take(':')) return false;
    const auto minutes = in.digits(2);
    if (!minutes || *minutes > 59 || (*hours == 14 && *minutes > 0)) return false;
    const int offset = *hours * 60 + *minutes;
    moment.offset_minutes = static_cast<std::int16_t>(west ? -offset : offset);
    return true;
}

}  // namespace

int days_in_month(int year, int month) {
    constexpr int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

std::int64_t days_from_civil(int year, int month, int day) {
    const std::int64_t y = month <= 2 ? year - 1 : year;
    const std::int64_t era = (y >= 0 ? y : y - 399) / 400;
    const std::int64_t year_of_era = y - era * 400;
    const std::int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    const std::int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

Civil civil_from_days(std::int64_t days) {
    days += 719468;
    const std::int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    const std::int64_t day_of_era = days - era * 146097;
    const std::int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const std::int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const std::int64_t shifted_month = (5 * day_of_year + 2) / 153;
    const int day = static_cast<int>(day_of_year - (153 * shifted_month + 2) / 5 + 1);
    const int month = static_cast<int>(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
    return {static_cast<int>(year_of_era + era * 400) + (month <= 2 ? 1 : 0), month, day};
}

std::optional<Moment> parse_date(std::string_view text) {
    Moment moment;
    Cursor in(text);
    return read_date(in, moment) && in.done() ? std::optional(moment) : std::nullopt;
}

std::optional<Moment> parse_date_time(std::string_view text, bool lenient) {
    Moment moment;
    Cursor in(text);
    if (!read_date(in, moment)) return std::nullopt;
    if (in.done()) return moment;
    if (moment.precision != Precision::day || !in.take('T')) return std::nullopt;
    if (lenient && in.done()) return moment;
    if (!read_time(in, moment, lenient)) return std::nullopt;
    if (in.done()) return lenient ? std::optional(moment) : std::nullopt;
    return read_zone(in, moment) && in.done() ? std::optional(moment) : std::nullopt;
}

std::optional<Moment> parse_instant(std::string_view text) {
    const auto moment = parse_date_time(text);
    return moment && moment->precision >= Precision::second ? moment : std::nullopt;
}

std::optional<Moment> parse_time(std::string_view text, bool lenient) {
    Moment moment;
    moment.has_date = false;
    Cursor in(text);
    return read_time(in, moment, lenient) && in.done() ? std::optional(moment) : std::nullopt;
}

Span span_of(const Moment& moment, std::int16_t default_offset_minutes) {
    const std::int64_t days = moment.has_date ? days_from_civil(moment.year, moment.month, moment.day) : 0;
    std::int64_t low = days * day_ms + moment.hour * hour_ms + moment.minute * minute_ms + moment.second * second_ms +
                       moment.nanosecond / 1'000'000;
    std::int64_t length = 1;
    switch (moment.precision) {
        case Precision::year: length = (days_from_civil(moment.year + 1, 1, 1) - days) * day_ms; break;
        case Precision::month: length = days_in_month(moment.year, moment.month) * day_ms; break;
        case Precision::day: length = day_ms; break;
        case Precision::hour: length = hour_ms; break;
        case Precision::minute: length = minute_ms; break;
        case Precision::second: length = second_ms; break;
        case Precision::millisecond: length = 1; break;
    }
    low -= moment.offset_minutes.value_or(default_offset_minutes) * minute_ms;
    return {low, low + length};
}

std::string text(const Moment& moment) {
    char buffer[48];
    std::string out;
    const auto add = [&](const char* format, int value) {
        std::snprintf(buffer, sizeof buffer, format, value);
        out += buffer;
    };
    if (moment.has_date) {
        add("%04d", moment.year);
        if (moment.precision >= Precision::month) add("-%02d", moment.month);
        if (moment.precision >= Precision::day) add("-%02d", moment.day);
        if (moment.precision >= Precision::hour) out += 'T';
    }
    if (moment.precision >= Precision::hour) add("%02d", moment.hour);
    if (moment.precision >= Precision::minute) add(":%02d", moment.minute);
    if (moment.precision >= Precision::second) add(":%02d", moment.second);
    if (moment.fraction_digits > 0) {
        std::snprintf(buffer, sizeof buffer, ".%09d", static_cast<int>(moment.nanosecond));
        out.append(buffer, 1u + moment.fraction_digits);
    }
    if (moment.offset_minutes && moment.precision >= Precision::hour) {
        const int offset = *moment.offset_minutes;
        if (offset == 0) return out += 'Z';
        out += offset < 0 ? '-' : '+';
        add("%02d", std::abs(offset) / 60);
        add(":%02d", std::abs(offset) % 60);
    }
    return out;
}

std::string instant_text(std::int64_t ms) {
    const std::int64_t days = ms >= 0 ? ms / day_ms : (ms - day_ms + 1) / day_ms;
    const std::int64_t rest = ms - days * day_ms;
    const Civil date = civil_from_days(days);
    char buffer[64];
    std::snprintf(buffer, sizeof buffer, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", date.year, date.month, date.day,
                  static_cast<int>(rest / hour_ms), static_cast<int>(rest / minute_ms % 60),
                  static_cast<int>(rest / second_ms % 60), static_cast<int>(rest % 1000));
    return buffer;
}

int age_in_years(const Moment& birth, Civil on) {
    const bool before_birthday = on.month < birth.month || (on.month == birth.month && on.day < birth.day);
    return on.year - birth.year - (before_birthday ? 1 : 0);
}

std::int64_t SystemClock::now_ms() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::int16_t local_offset_minutes() {
    const std::time_t now = std::time(nullptr);
    std::tm local{};
    localtime_r(&now, &local);
    return static_cast<std::int16_t>(local.tm_gmtoff / 60);
}

}  // namespace xinglin::calendar
