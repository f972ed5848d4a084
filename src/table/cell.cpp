// SPDX-License-Identifier: Apache-2.0
// Numbers of cells: plain ones, and serial days of the 1900 and the 1904 system.
#include "table/cell.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "calendar/calendar.h"

namespace xinglin::table {

DateStyle builtin_style(int format) {
    if ((format >= 14 && format <= 17) || (format >= 27 && format <= 31) || format == 36 || (format >= 50 && format <= 54) ||
        format == 57 || format == 58)
        return DateStyle::date;
    if (format == 22) return DateStyle::date_time;
    if ((format >= 18 && format <= 21) || (format >= 32 && format <= 35) || (format >= 45 && format <= 47) || format == 55 ||
        format == 56)
        return DateStyle::time;
    return DateStyle::none;
}

DateStyle written_style(std::string_view format) {
    bool date = false, time = false, month_or_minute = false;
    for (std::size_t i = 0; i < format.size(); ++i) {
        const char c = format[i];
        if (c == ';') break;  // the first section is for positive numbers, as days are
        if (c == '"') {
            const std::size_t close = format.find('"', i + 1);
            if (close == std::string_view::npos) break;
            i = close;
        } else if (c == '\\' || c == '_' || c == '*') {
            ++i;
        } else if (c == '[') {
            const std::size_t close = format.find(']', i);
            if (close == std::string_view::npos) break;
            const std::string_view inside = format.substr(i + 1, close - i - 1);
            if (!inside.empty() && inside.find_first_not_of("hHmMsS") == std::string_view::npos) time = true;  // [h]:mm
            i = close;
        } else if (c == 'y' || c == 'Y' || c == 'd' || c == 'D') {
            date = true;
        } else if (c == 'h' || c == 'H' || c == 's' || c == 'S') {
            time = true;
        } else if (c == 'm' || c == 'M') {
            month_or_minute = true;
        } else if (c == 'G' || c == '0' || c == '#' || c == '?') {
            if (!date && !time && !month_or_minute) return DateStyle::none;  // General, or digits
        }
    }
    if (month_or_minute && !date && !time) date = true;
    if (date && time) return DateStyle::date_time;
    return date ? DateStyle::date : time ? DateStyle::time : DateStyle::none;
}

std::string serial_text(double serial, bool from_1904, DateStyle style) {
    if (!(serial >= 0) || serial >= 2'958'466) return "";  // after 9999-12-31
    auto days = static_cast<std::int64_t>(serial);
    auto seconds = static_cast<std::int64_t>(std::llround((serial - static_cast<double>(days)) * 86'400));
    if (seconds == 86'400) seconds = 0, ++days;
    const std::string clock = fmt::format("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if (style == DateStyle::time && days == 0) return clock;
    if (from_1904) days += 1462;
    else if (days < 60) ++days;  // Excel believes in 29 February 1900
    if (days == 0) return "";
    const calendar::Civil civil = calendar::civil_from_days(days - 25'569);
    const std::string day = fmt::format("{:04}-{:02}-{:02}", civil.year, civil.month, civil.day);
    return seconds == 0 && style != DateStyle::date_time ? day : day + "T" + clock;
}

void append_number(std::string_view raw, DateStyle style, bool from_1904, std::string& out) {
    double value = 0;
    const auto [end, error] = std::from_chars(raw.data(), raw.data() + raw.size(), value);
    if (error != std::errc{} || end != raw.data() + raw.size() || !std::isfinite(value)) {
        out += raw;
        return;
    }
    if (style != DateStyle::none) {
        const std::string day = serial_text(value, from_1904, style);
        out += day.empty() ? std::string(raw) : day;
        return;
    }
    if (raw.size() <= 15 && raw.find_first_of("eE.+") == std::string_view::npos) {  // a plain whole number
        out += raw;
        return;
    }
    if (value == std::floor(value) && std::abs(value) < 1e21) out += fmt::format("{:.0f}", value);
    else out += fmt::format("{:.15g}", value);
}

void append_unescaped(std::string_view text, std::string& out) {
    for (;;) {
        const std::size_t at = text.find("_x");
        if (at == std::string_view::npos || at + 7 > text.size()) break;
        unsigned code = 0;
        const char* digits = text.data() + at + 2;
        const auto [end, error] = std::from_chars(digits, digits + 4, code, 16);
        out += text.substr(0, at);
        if (error == std::errc{} && end == digits + 4 && text[at + 6] == '_' && code < 0x80) {
            out += static_cast<char>(code);
            text.remove_prefix(at + 7);
        } else {
            out += "_x";
            text.remove_prefix(at + 2);
        }
    }
    out += text;
}

}  // namespace xinglin::table
