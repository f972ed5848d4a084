// SPDX-License-Identifier: Apache-2.0
// The regular expressions of FHIR's primitive types (hl7.org/fhir/R4/datatypes.html), written out by hand.
//
// Dates are stricter than their regular expressions: 30 February is refused.
#include "fhir/primitive.h"

#include <algorithm>
#include <array>
#include <utility>

#include "calendar/calendar.h"

namespace xinglin::fhir {
namespace {

constexpr std::size_t longest_string = 1u << 20;

enum Class : std::uint8_t { white = 1, digit = 2, id_part = 4, base64_part = 8, control = 16, lead_ef = 32 };

constexpr std::array<std::uint8_t, 256> classes = [] {
    std::array<std::uint8_t, 256> table{};
    const auto mark = [&](std::string_view characters, std::uint8_t set) {
        for (const char c : characters) table[static_cast<std::uint8_t>(c)] |= set;
    };
    for (std::size_t c = 0; c < 0x20; ++c) table[c] |= control;
    for (const std::size_t c : {9, 10, 13}) table[c] = 0;  // tab and line ends are no control characters in FHIR
    mark(" \t\n\r\f\v", white);
    mark("0123456789", digit | id_part | base64_part);
    mark("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", id_part | base64_part);
    mark("-.", id_part);
    mark("+/", base64_part);
    mark("\xEF", lead_ef);  // first byte of U+F000 to U+FFFF
    return table;
}();

constexpr bool is(char c, std::uint8_t classes_wanted) { return classes[static_cast<std::uint8_t>(c)] & classes_wanted; }

template <typename Test>
bool all(std::string_view text, Test test) {
    return std::all_of(text.begin(), text.end(), test);
}

/// Characters that XML cannot hold.
bool has_control(std::string_view text) {
    unsigned found = 0;
    for (const char c : text) found |= classes[static_cast<std::uint8_t>(c)];
    return (found & control) || ((found & lead_ef) && has_noncharacter(text));
}

std::size_t digits_at(std::string_view text, std::size_t at) {
    std::size_t count = 0;
    while (at + count < text.size() && is(text[at + count], digit)) ++count;
    return count;
}

/// -?(0|[1-9][0-9]*), and the value within 32 bits.
bool is_integer(std::string_view text, std::int64_t least) {
    const bool negative = !text.empty() && text[0] == '-';
    text.remove_prefix(negative);
    if (negative && least >= 0) return false;
    if (text.empty() || text.size() > 10 || digits_at(text, 0) != text.size() || (text[0] == '0' && text.size() > 1))
        return false;
    std::int64_t value = 0;
    for (const char c : text) value = value * 10 + (c - '0');
    if (negative) value = -value;
    return value >= least && value <= INT32_MAX;
}

/// Single white space inside, none at the ends.
bool is_code(std::string_view text) {
    bool was_white = true;
    for (const char c : text) {
        const bool now_white = is(c, white);
        if (now_white && was_white) return false;
        was_white = now_white;
    }
    return !was_white;
}

/// urn:oid:[0-2](\.(0|[1-9][0-9]*))+
bool is_oid(std::string_view text) {
    constexpr std::string_view prefix = "urn:oid:";
    if (!text.starts_with(prefix) || text.size() <= prefix.size() + 1) return false;
    text.remove_prefix(prefix.size());
    if (text[0] < '0' || text[0] > '2') return false;
    std::size_t at = 1;
    while (at < text.size()) {
        if (text[at++] != '.') return false;
        const std::size_t count = digits_at(text, at);
        if (count == 0 || (count > 1 && text[at] == '0')) return false;
        at += count;
    }
    return true;
}

/// urn:uuid: and 8-4-4-4-12 hexadecimal digits, lower case.
bool is_uuid(std::string_view text) {
    constexpr std::string_view shape = "urn:uuid:xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    if (text.size() != shape.size()) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool hexadecimal = is(text[i], digit) || (text[i] >= 'a' && text[i] <= 'f');
        if (shape[i] == 'x' ? !hexadecimal : text[i] != shape[i]) return false;
    }
    return true;
}

bool is_base64(std::string_view text) {
    std::size_t count = 0, padding = 0;
    for (const char c : text) {
        if (is(c, white)) continue;
        if (c == '=') ++padding;
        else if (padding || !is(c, base64_part)) return false;
        ++count;
    }
    return count > 0 && count % 4 == 0 && padding <= 2;
}

constexpr std::pair<std::string_view, Check> names[] = {
    {"boolean", Check::boolean},
    {"integer", Check::integer},
    {"positiveInt", Check::positive_int},
    {"unsignedInt", Check::unsigned_int},
    {"decimal", Check::decimal},
    {"string", Check::string},
    {"markdown", Check::string},
    {"code", Check::code},
    {"id", Check::id},
    {"uri", Check::uri},
    {"url", Check::uri},
    {"canonical", Check::uri},
    {"oid", Check::oid},
    {"uuid", Check::uuid},
    {"base64Binary", Check::base64},
    {"date", Check::date},
    {"dateTime", Check::date_time},
    {"instant", Check::instant},
    {"time", Check::time},
    {"xhtml", Check::xhtml},
    {"Reference", Check::reference},
    {"Extension", Check::extension},
    {"CodeableConcept", Check::codeable_concept},
    {"Resource", Check::resource},
};

}  // namespace

Check check_named(std::string_view name) {
    for (const auto& [known, check] : names) {
        if (known == name) return check;
    }
    return Check::none;
}

bool is_decimal(std::string_view text) {
    std::size_t at = !text.empty() && text[0] == '-';
    const std::size_t whole = digits_at(text, at);
    if (whole == 0 || (whole > 1 && text[at] == '0')) return false;
    at += whole;
    if (at < text.size() && text[at] == '.') {
        const std::size_t fraction = digits_at(text, at + 1);
        if (fraction == 0) return false;
        at += 1 + fraction;
    }
    if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
        ++at;
        if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
        const std::size_t exponent = digits_at(text, at);
        if (exponent == 0) return false;
        at += exponent;
    }
    return at == text.size();
}

bool has_noncharacter(std::string_view text) {
    for (std::size_t at = 0; (at = text.find("\xEF\xBF", at)) != std::string_view::npos; at += 2) {
        if (at + 2 < text.size() && static_cast<unsigned char>(text[at + 2]) >= 0xBE) return true;
    }
    return false;
}

bool is_id(std::string_view text) {
    return !text.empty() && text.size() <= 64 && all(text, [](char c) { return is(c, id_part); });
}

std::string_view format_fault(Check check, std::string_view text) {
    if (text.empty()) return "is empty; leave the element out instead";
    const auto unless = [](bool good, std::string_view fault) { return good ? std::string_view() : fault; };
    switch (check) {
        case Check::boolean: return unless(text == "true" || text == "false", "must be true or false");
        case Check::integer: return unless(is_integer(text, INT32_MIN), "must be a whole number from -2147483648 to 2147483647");
        case Check::positive_int: return unless(is_integer(text, 1), "must be a whole number from 1 to 2147483647");
        case Check::unsigned_int: return unless(is_integer(text, 0), "must be a whole number from 0 to 2147483647");
        case Check::decimal: return unless(is_decimal(text), "must be a decimal number such as -12.50");
        case Check::string:
            if (text.size() > longest_string) return "is longer than 1 MiB";
            return unless(!has_control(text), "holds control characters other than tab and line ends");
        case Check::code:
            return unless(is_code(text) && !has_control(text), "must be a code: no spaces at its ends, no two in a row");
        case Check::id: return unless(is_id(text), "must be an id: 1 to 64 letters, digits, '-' and '.'");
        case Check::uri:
            return unless(all(text, [](char c) { return !is(c, white | control); }) && !has_noncharacter(text),
                          "must be a URI: no spaces");
        case Check::oid: return unless(is_oid(text), "must be an OID as a URI, such as urn:oid:1.2.3");
        case Check::uuid: return unless(is_uuid(text), "must be a UUID as a URI in lower case: urn:uuid:...");
        case Check::base64: return unless(is_base64(text), "must be base64");
        case Check::date: return unless(calendar::parse_date(text).has_value(), "must be a date: YYYY, YYYY-MM or YYYY-MM-DD");
        case Check::date_time:
            return unless(calendar::parse_date_time(text).has_value(),
                          "must be a date or a date with time and zone: YYYY-MM-DDThh:mm:ss+hh:mm");
        case Check::instant:
            return unless(calendar::parse_instant(text).has_value(),
                          "must be an instant with zone: YYYY-MM-DDThh:mm:ss.sss+hh:mm");
        case Check::time: return unless(calendar::parse_time(text).has_value(), "must be a time of day: hh:mm:ss");
        default: return {};
    }
}

}  // namespace xinglin::fhir
