// SPDX-License-Identifier: Apache-2.0
// Days and times as people write them.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "calendar/calendar.h"
#include "table/cell.h"
#include "table/values.h"

namespace xinglin::table {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Reads a text from the left; every question moves on only when it is answered.
class Reading {
public:
    explicit Reading(std::string_view text) : rest_(text) {}

    bool done() const { return rest_.empty(); }
    std::size_t digits() const {
        std::size_t count = 0;
        while (count < rest_.size() && is_digit(rest_[count])) ++count;
        return count;
    }
    /// The next `count` digits as a number; -1 when there are fewer.
    int number(std::size_t count) {
        if (digits() < count || count == 0) return -1;
        int value = 0;
        std::from_chars(rest_.data(), rest_.data() + count, value);
        rest_.remove_prefix(count);
        return value;
    }
    bool skip(std::string_view what) {
        if (!rest_.starts_with(what)) return false;
        rest_.remove_prefix(what.size());
        return true;
    }
    void skip_blanks() {
        while (!rest_.empty() && rest_.front() == ' ') rest_.remove_prefix(1);
    }
    std::string_view rest() const { return rest_; }

private:
    std::string_view rest_;
};

struct Day {
    int year = 0, month = 0, day = 0;  // 0: not said
    bool good() const {
        return year >= 1800 && year <= 2200 && month <= 12 && (month > 0 || day == 0) &&
               (day == 0 || day <= calendar::days_in_month(year, month));
    }
    std::string text() const {
        std::string out = fmt::format("{:04}", year);
        if (month > 0) out += fmt::format("-{:02}", month);
        if (day > 0) out += fmt::format("-{:02}", day);
        return out;
    }
};

/// 2026年11月22日 and its shorter forms, after the year.
bool read_chinese(Reading& reading, Day& day) {
    reading.skip_blanks();
    if (reading.digits() == 0) return true;
    day.month = reading.number(std::min<std::size_t>(reading.digits(), 2));
    if (day.month == 0 || !reading.skip("月")) return false;
    reading.skip_blanks();
    if (reading.digits() == 0) return true;
    day.day = reading.number(std::min<std::size_t>(reading.digits(), 2));
    return day.day != 0 && (reading.skip("日") || reading.skip("号"));
}

/// 22/11/2026, in the order the mapping says.
bool read_day_first(Reading& reading, Day& day, DateOptions::Order order) {
    int first = reading.number(reading.digits());
    if (!reading.skip("/") && !reading.skip("-") && !reading.skip(".")) return false;
    int second = reading.digits() <= 2 ? reading.number(reading.digits()) : -1;
    if (!reading.skip("/") && !reading.skip("-") && !reading.skip(".")) return false;
    if (reading.digits() != 4) return false;
    day.year = reading.number(4);
    if (order == DateOptions::Order::month_first) std::swap(first, second);
    day.day = first;
    day.month = second;
    return first > 0 && second > 0;
}

bool read_day(Reading& reading, Day& day, const DateOptions& options) {
    const std::size_t digits = reading.digits();
    if (digits >= 8) {
        day = {reading.number(4), reading.number(2), reading.number(2)};
        return day.month > 0 && day.day > 0;
    }
    if (digits == 6) {
        day = {reading.number(4), reading.number(2), 0};
        return day.month > 0;
    }
    if (digits <= 2 && digits > 0 && options.order != DateOptions::Order::none)
        return read_day_first(reading, day, options.order);
    if (digits != 4) return false;
    day.year = reading.number(4);
    if (reading.skip("年")) return read_chinese(reading, day);
    for (const std::string_view mark : {"-", "/", "."}) {
        if (!reading.skip(mark)) continue;
        if (reading.digits() == 0 || reading.digits() > 2) return false;
        day.month = reading.number(reading.digits());
        if (day.month == 0) return false;
        if (!reading.skip(mark)) return true;
        if (reading.digits() == 0 || reading.digits() > 2) return false;
        day.day = reading.number(reading.digits());
        return day.day != 0;
    }
    return true;
}

struct Clock {
    int hour = -1, minute = 0, second = 0;
    bool good() const { return hour >= 0 && hour <= 23 && minute >= 0 && minute <= 59 && second >= 0 && second <= 59; }
};

bool read_clock(Reading& reading, Clock& clock) {
    const bool afternoon = reading.skip("下午");
    if (!afternoon) reading.skip("上午");
    reading.skip_blanks();
    const std::size_t digits = reading.digits();
    if (digits == 4 || digits == 6) {
        clock = {reading.number(2), reading.number(2), digits == 6 ? reading.number(2) : 0};
        return true;
    }
    if (digits == 0 || digits > 2) return false;
    clock.hour = reading.number(digits);
    if (afternoon && clock.hour < 12) clock.hour += 12;
    if (reading.skip("时") || reading.skip("点")) {
        if (reading.digits() == 0) return true;
        clock.minute = reading.number(std::min<std::size_t>(reading.digits(), 2));
        if (!reading.skip("分")) return false;
        if (reading.digits() > 0) {
            clock.second = reading.number(std::min<std::size_t>(reading.digits(), 2));
            return reading.skip("秒");
        }
        return true;
    }
    if (!reading.skip(":")) return false;
    clock.minute = reading.digits() <= 2 ? reading.number(reading.digits()) : -1;
    if (reading.skip(":")) clock.second = reading.digits() <= 2 ? reading.number(reading.digits()) : -1;
    if (reading.skip("."))  // fractions of a second say nothing here
        while (reading.digits() > 0) reading.number(1);
    return true;
}

/// "Z", "+08:00", "+0800" or nothing.
std::optional<std::string> read_zone(Reading& reading, std::int16_t otherwise) {
    if (reading.done())
        return fmt::format("{}{:02}:{:02}", otherwise < 0 ? '-' : '+', std::abs(otherwise) / 60, std::abs(otherwise) % 60);
    if (reading.rest() == "Z") return "Z";
    const char sign = reading.rest().front();
    if (sign != '+' && sign != '-') return std::nullopt;
    reading.skip(std::string_view(&sign, 1));
    const int hours = reading.number(2);
    reading.skip(":");
    const int minutes = reading.number(2);
    if (hours < 0 || hours > 14 || minutes < 0 || minutes > 59 || !reading.done()) return std::nullopt;
    return fmt::format("{}{:02}:{:02}", sign, hours, minutes);
}

std::optional<std::string> read_serial(std::string_view text) {
    double serial = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), serial);
    if (error != std::errc{} || end != text.data() + text.size() || serial < 1 || serial > 80'000) return std::nullopt;
    const std::string day = serial_text(serial, false, DateStyle::date);
    return day.empty() ? std::nullopt : std::optional(day);
}

}  // namespace

std::optional<std::string> read_date(std::string_view text, const DateOptions& options) {
    std::string plain = half_width(text);
    std::replace(plain.begin(), plain.end(), '\t', ' ');
    if (options.serials && plain.size() >= 5 && plain.find_first_not_of("0123456789.") == std::string::npos &&
        (plain.size() == 5 || plain[5] == '.')) {
        const auto serial = read_serial(plain);
        if (!serial) return std::nullopt;
        plain = *serial;
    }
    Reading reading(plain);
    Day day;
    if (!read_day(reading, day, options) || !day.good()) return std::nullopt;
    const bool separated = reading.rest().starts_with(' ') || reading.rest().starts_with('T');
    const bool joined = !reading.done() && is_digit(reading.rest().front()) && day.day > 0;  // 20261122081500
    reading.skip("T");
    reading.skip_blanks();
    if (reading.done()) return day.text();
    Clock clock;
    if ((!separated && !joined && plain.find("日") == std::string::npos) || day.day == 0 || !read_clock(reading, clock) ||
        !clock.good())
        return std::nullopt;
    reading.skip_blanks();
    const auto zone = read_zone(reading, options.offset_minutes);
    if (!zone) return std::nullopt;
    return fmt::format("{}T{:02}:{:02}:{:02}{}", day.text(), clock.hour, clock.minute, clock.second, *zone);
}

}  // namespace xinglin::table
