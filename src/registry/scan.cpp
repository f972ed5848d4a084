// SPDX-License-Identifier: Apache-2.0
// GS1 element strings, field by field.
#include "registry/scan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "calendar/calendar.h"

namespace xinglin::registry {

namespace {

constexpr char separator = '\x1d';
constexpr std::size_t longest = 300;

struct Field {
    std::string_view identifier;
    std::size_t least, most;
    bool digits;
};
/// What stands on health products. A field of fixed length needs no separator behind it.
constexpr Field fields[] = {
    {"00", 18, 18, true},   {"01", 14, 14, true},    {"02", 14, 14, true},   {"10", 1, 20, false},   {"11", 6, 6, true},
    {"12", 6, 6, true},     {"13", 6, 6, true},      {"15", 6, 6, true},     {"16", 6, 6, true},     {"17", 6, 6, true},
    {"20", 2, 2, true},     {"21", 1, 20, false},    {"22", 1, 20, false},   {"235", 1, 28, false},  {"240", 1, 30, false},
    {"241", 1, 30, false},  {"242", 1, 6, true},     {"250", 1, 30, false},  {"251", 1, 30, false},  {"30", 1, 8, true},
    {"37", 1, 8, true},     {"400", 1, 30, false},   {"410", 13, 13, true},  {"414", 13, 13, true},  {"422", 3, 3, true},
    {"710", 1, 20, false},  {"711", 1, 20, false},   {"712", 1, 20, false},  {"713", 1, 20, false},  {"714", 1, 20, false},
    {"7003", 10, 10, true}, {"8003", 14, 30, false}, {"8012", 1, 20, false}, {"8020", 1, 25, false},
};

bool is_digits(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

const Field* field_at(std::string_view text) {
    for (const Field& each : fields) {
        if (text.starts_with(each.identifier)) return &each;
    }
    return nullptr;
}

Outcome wrong(std::size_t at, std::string what) {
    return refuse(IssueCode::value, fmt::format("code, character {}", at + 1), std::move(what));
}

/// "271231" → "2027-12-31"; the day 00 is the last of its month. The century is the one nearest: 51 years back to 49 ahead of 2026.
Result<std::string> day_of_field(std::string_view six, std::size_t at) {
    const auto two = [&](std::size_t i) { return (six[i] - '0') * 10 + (six[i + 1] - '0'); };
    const int year = two(0) + (two(0) > 75 ? 1900 : 2000), month = two(2);
    int day = two(4);
    if (month < 1 || month > 12) return wrong(at + 2, "is no month");
    const auto first = calendar::days_from_civil(year, month, 1);
    const auto next = month == 12 ? calendar::days_from_civil(year + 1, 1, 1) : calendar::days_from_civil(year, month + 1, 1);
    const int days = static_cast<int>(next - first);
    if (day == 0) day = days;
    if (day > days) return wrong(at + 4, "is no day of that month");
    return fmt::format("{:04}-{:02}-{:02}", year, month, day);
}

Result<Done> take(Scanned& out, const Field& field, std::string_view value, std::size_t at) {
    if (value.size() < field.least || value.size() > field.most)
        return wrong(at, fmt::format("({}) has {} characters; {} to {} are right, scan it again", field.identifier, value.size(),
                                     field.least, field.most));
    if (field.digits && !is_digits(value)) return wrong(at, fmt::format("({}) must be digits", field.identifier));
    if (field.identifier == "01" || field.identifier == "02") {
        if (value.back() != gtin_check_digit(value.substr(0, 13)))
            return wrong(at + 13, fmt::format("the check digit of {} is wrong, scan it again", value));
        if (out.product.empty() || field.identifier == "01") out.product = value;
    } else if (field.identifier == "10") {
        out.lot = value;
    } else if (field.identifier == "21") {
        out.serial = value;
    } else if (field.identifier == "11") {
        XINGLIN_TRY(out.made, day_of_field(value, at));
    } else if (field.identifier == "17") {
        XINGLIN_TRY(out.expires, day_of_field(value, at));
    }
    return Done{};
}

/// "(01)…(17)…"
Result<Scanned> read_bracketed(std::string_view text) {
    Scanned out{.scheme = "gs1"};
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t end = text[at] == '(' ? text.find(')', at) : std::string_view::npos;
        if (end == std::string_view::npos) return wrong(at, "expected an identifier in brackets, such as (01)");
        const std::string_view identifier = text.substr(at + 1, end - at - 1);
        const auto* const field =
            std::find_if(std::begin(fields), std::end(fields), [&](const Field& each) { return each.identifier == identifier; });
        if (field == std::end(fields)) return wrong(at, fmt::format("({}) is not known on health products", identifier));
        std::size_t next = end + 1;  // an open bracket may be part of a lot: only one before a known identifier ends the value
        for (; next < text.size(); ++next) {
            if (text[next] != '(') continue;
            const std::string_view rest = text.substr(next + 1);
            const Field* const follows = field_at(rest);
            if (follows && rest.substr(follows->identifier.size()).starts_with(')')) break;
        }
        XINGLIN_CHECK(take(out, *field, text.substr(end + 1, next - end - 1), end + 1));
        at = next;
    }
    return out;
}

/// As a scanner sends it.
Result<Scanned> read_elements(std::string_view text, std::size_t offset) {
    Scanned out{.scheme = "gs1"};
    std::size_t at = 0;
    while (at < text.size()) {
        if (text[at] == separator) {
            ++at;
            continue;
        }
        const Field* const field = field_at(text.substr(at));
        if (!field) return wrong(offset + at, "is no identifier known on health products");
        const std::size_t begin = at + field->identifier.size();
        const bool is_fixed = field->least == field->most;
        std::size_t end =
            is_fixed ? std::min(begin + field->most, text.size()) : std::min(text.find(separator, begin), text.size());
        XINGLIN_CHECK(take(out, *field, text.substr(begin, end - begin), offset + begin));
        at = end;
    }
    return out;
}

}  // namespace

char gtin_check_digit(std::string_view digits) {
    int sum = 0;
    for (std::size_t i = 0; i < digits.size(); ++i) sum += (digits[digits.size() - 1 - i] - '0') * (i % 2 == 0 ? 3 : 1);
    return static_cast<char>('0' + (10 - sum % 10) % 10);
}

Result<Scanned> read_scan(std::string_view text) {
    while (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ' && text.front() != separator) text.remove_prefix(1);
    while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
    if (text.empty()) return refuse(IssueCode::required, "code", "is missing: what the scanner read");
    if (text.size() > longest) return refuse(IssueCode::too_costly, "code", fmt::format("is longer than {} characters", longest));
    std::size_t offset = 0;
    bool is_marked = false;
    for (const std::string_view mark : {"]d2", "]C1", "]e0", "]Q3"}) {
        if (text.starts_with(mark)) text.remove_prefix(offset = mark.size()), is_marked = true;
    }
    if (!text.empty() && text.front() == separator) text.remove_prefix(1), ++offset, is_marked = true;
    if (text.starts_with('(')) return read_bracketed(text);
    if (is_marked || text.find(separator) != std::string_view::npos) return read_elements(text, offset);
    if (is_digits(text)) {
        const bool is_gtin = text.size() == 8 || text.size() == 12 || text.size() == 13 || text.size() == 14;
        if (is_gtin && text.back() == gtin_check_digit(text.substr(0, text.size() - 1)))
            return Scanned{.scheme = "gtin", .product = std::string(14 - text.size(), '0') + std::string(text)};
        if (text.size() == 20)
            return Scanned{.scheme = "trace", .product = std::string(text.substr(0, 7)), .serial = std::string(text)};
    }
    if (text.starts_with("01") && text.size() >= 16 && is_digits(text.substr(2, 14))) {
        if (auto read = read_elements(text, offset); read.ok()) return read;
    }
    if (text.size() > 100) return refuse(IssueCode::value, "code", "is no code that is known; scan it again");
    return Scanned{.scheme = "plain", .product = std::string(text)};
}

}  // namespace xinglin::registry
