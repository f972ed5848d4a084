// SPDX-License-Identifier: Apache-2.0
// DT, TM, TS, DTM and DR of HL7 v2 as FHIR's, with the precision they were sent with.
#include <fmt/format.h>

#include <algorithm>

#include "hl7v2/conversion.h"

namespace xinglin::hl7v2 {

namespace {
bool is_digit(char c) { return c >= '0' && c <= '9'; }
}  // namespace

namespace {

/// Digits at `at`; -1 when they are none.
int number_at(std::string_view text, std::size_t at, std::size_t length) {
    if (at + length > text.size()) return -1;
    int out = 0;
    for (std::size_t i = at; i < at + length; ++i) {
        if (!is_digit(text[i])) return -1;
        out = out * 10 + (text[i] - '0');
    }
    return out;
}

/// +0800, -05:00, Z at the end of a time; taken off.
std::optional<std::int16_t> take_zone(std::string_view& text) {
    if (text.ends_with('Z') || text.ends_with('z')) {
        text.remove_suffix(1);
        return std::int16_t{0};
    }
    const std::size_t at = text.find_last_of("+-");
    if (at == std::string_view::npos || at < 4) return std::nullopt;
    std::string digits;
    for (const char c : text.substr(at + 1)) {
        if (is_digit(c)) digits += c;
        else if (c != ':') return std::nullopt;
    }
    if (digits.size() != 4) return std::nullopt;
    const int minutes = number_at(digits, 0, 2) * 60 + number_at(digits, 2, 2);
    if (number_at(digits, 0, 2) > 14 || number_at(digits, 2, 2) > 59 || minutes > 14 * 60) return std::nullopt;
    const bool negative = text[at] == '-';
    text = text.substr(0, at);
    return static_cast<std::int16_t>(negative ? -minutes : minutes);
}

/// "2010-12-01 10:00:00" and "2010/12/01T10:00" as HL7 writes them; other text unchanged.
std::string plain_digits(std::string_view text) {
    if (text.size() < 8 || (text[4] != '-' && text[4] != '/' && text[4] != '.')) return std::string(text);
    const char separator = text[4];
    std::string date, rest;
    std::size_t i = 0;
    std::string part;
    for (; i <= text.size(); ++i) {
        const bool end = i == text.size() || text[i] == separator || text[i] == ' ' || text[i] == 'T';
        if (!end) {
            part += text[i];
            continue;
        }
        if (part.size() == 1) part.insert(0, "0");
        date += part;
        part.clear();
        if (i < text.size() && text[i] != separator) break;
    }
    if (i < text.size()) rest = text.substr(i + 1);
    std::string zone;
    if (const auto at = rest.find_last_of("+-Z"); at != std::string::npos) {
        zone = rest.substr(at);
        rest.resize(at);
    }
    std::erase(rest, ':');
    std::erase(rest, ' ');
    return date + rest + zone;
}

}  // namespace

std::optional<calendar::Moment> moment_of(Conversion& c, std::string_view raw, std::string_view where) {
    if (raw.empty()) return std::nullopt;
    const auto odd = [&](const char* what) {
        c.note(std::string(where), what, "odd-date");
        return std::nullopt;
    };
    const std::string digits = plain_digits(raw);
    std::string_view text = digits;
    if (text.find_first_not_of("0.") == std::string_view::npos) return odd("is a date of zeros and is left out");
    const std::optional<std::int16_t> zone =
        text.size() > 8 || text.find('+') != std::string_view::npos ? take_zone(text) : std::nullopt;
    std::string_view fraction;
    if (const auto dot = text.find('.'); dot != std::string_view::npos) {
        fraction = text.substr(dot + 1, 9);
        text = text.substr(0, dot);
    }
    calendar::Moment m;
    const int year = number_at(text, 0, 4);
    if (year < 1) return odd("is no date and is left out");
    m.year = static_cast<std::int16_t>(year);
    m.precision = calendar::Precision::year;
    const int month = number_at(text, 4, 2);
    if (month < 1 || month > 12) {
        if (text.size() > 4) c.note(std::string(where), "has no such month; only the year is kept", "odd-date");
        return m;
    }
    m.month = static_cast<std::int8_t>(month);
    m.precision = calendar::Precision::month;
    const int day = number_at(text, 6, 2);
    if (day < 1 || day > calendar::days_in_month(year, month)) {
        if (text.size() > 6) c.note(std::string(where), "has no such day; only the month is kept", "odd-date");
        return m;
    }
    m.day = static_cast<std::int8_t>(day);
    m.precision = calendar::Precision::day;
    const int hour = number_at(text, 8, 2), minute = number_at(text, 10, 2), second = number_at(text, 12, 2);
    if (hour < 0 || hour > 23) {
        if (text.size() > 8) c.note(std::string(where), "has no such hour; only the day is kept", "odd-date");
        return m;
    }
    m.hour = static_cast<std::int8_t>(hour);
    if (minute > 59 || (minute < 0 && text.size() > 10)) {
        c.note(std::string(where), "has no such minute; only the day is kept", "odd-date");
        m.hour = 0;
        return m;
    }
    if (minute < 0)
        c.note(std::string(where), "gives the hour only; minute 00 is assumed, as FHIR has no time without minutes", "assumed");
    m.minute = static_cast<std::int8_t>(std::max(minute, 0));
    m.second = static_cast<std::int8_t>(second > 59 ? 59 : std::max(second, 0));
    m.precision = calendar::Precision::second;
    m.offset_minutes = zone.value_or(c.offset_minutes);
    if (second >= 0 && !fraction.empty() && std::all_of(fraction.begin(), fraction.end(), is_digit)) {
        std::string nanoseconds(fraction);
        nanoseconds.resize(9, '0');
        m.nanosecond = std::stoi(nanoseconds);
        m.fraction_digits = static_cast<std::uint8_t>(fraction.size());
        m.precision = calendar::Precision::millisecond;
    }
    return m;
}

json::Value as_date(Conversion& c, Part p) {
    auto moment = moment_of(c, p[1].text(), c.here());
    if (!moment) return {};
    if (moment->precision > calendar::Precision::day) {
        if (moment->hour != 0 || moment->minute != 0 || moment->second != 0)
            c.note(c.here(), "gives a time of day; FHIR keeps the date here", "shortened");
        moment->precision = calendar::Precision::day;
    }
    moment->offset_minutes.reset();
    moment->hour = moment->minute = moment->second = 0;
    moment->nanosecond = 0;
    moment->fraction_digits = 0;
    return c.arena.string(calendar::text(*moment));
}

json::Value as_date_time(Conversion& c, Part p) {
    const auto moment = moment_of(c, p[1].text(), c.here());
    return moment ? c.arena.string(calendar::text(*moment)) : json::Value{};
}

json::Value as_instant(Conversion& c, Part p) {
    auto moment = moment_of(c, p[1].text(), c.here());
    if (!moment) return {};
    if (moment->precision < calendar::Precision::day) {
        c.note(c.here(), "is not known to the day and is left out, as FHIR wants an instant here", "odd-date");
        return {};
    }
    if (moment->precision == calendar::Precision::day) {
        c.note(c.here(), "gives the day only; midnight is assumed, as FHIR wants an instant here", "assumed");
        moment->precision = calendar::Precision::second;
        moment->offset_minutes = c.offset_minutes;
    }
    return c.arena.string(calendar::text(*moment));
}

json::Value as_time(Conversion& c, Part p) {
    std::string text(p[1].text());
    std::erase(text, ':');
    const int hour = number_at(text, 0, 2), minute = number_at(text, 2, 2), second = number_at(text, 4, 2);
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second > 59) {
        c.note(c.here(), "is no time of day and is left out", "odd-date");
        return {};
    }
    return c.arena.string(fmt::format("{:02}:{:02}:{:02}", hour, minute, std::max(second, 0)));
}

json::Value period(Conversion& c, json::Value start, json::Value end) {
    Object out(c);
    if (start && end) {  // per-1: a period that ends before it begins is none
        const auto low = calendar::parse_date_time(start.string()), high = calendar::parse_date_time(end.string());
        if (low && high && calendar::span_of(*high, 0).high_ms <= calendar::span_of(*low, 0).low_ms) {
            c.note(c.here(), "ends before it begins; the end is left out", "odd-date");
            end = {};
        }
    }
    out.set("start", start);
    out.set("end", end);
    return out.value();
}

json::Value as_period(Conversion& c, Part p) {
    const json::Value start = as_date_time(c, p[1]);
    return period(c, start, as_date_time(c, p[2]));
}

}  // namespace xinglin::hl7v2
