// SPDX-License-Identifier: Apache-2.0
// Reads one alternative of a search value. Source: FHIR R4 search.html, sections 3.1.1.4.5 to 3.1.1.4.14.
#include "search/operand.h"

#include <charconv>
#include <cmath>

#include "search/catalogue.h"
#include "search/reference.h"
#include "text/text.h"

namespace xinglin::search {
namespace {

constexpr std::string_view prefixes[] = {"eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

Outcome bad(std::string_view written, std::string what) {
    return refuse(IssueCode::value, std::string(written), std::move(what));
}

/// Takes a two-letter prefix off the front; false when letters stand there that are none.
bool take_prefix(std::string_view& text, Prefix& prefix) {
    if (text.size() < 2 || !is_letter(text[0])) return true;
    for (std::size_t i = 0; i < std::size(prefixes); ++i) {
        if (!text.starts_with(prefixes[i])) continue;
        prefix = static_cast<Prefix>(i);
        text.remove_prefix(2);
        return true;
    }
    return false;
}

double to_double(const std::string& text) {
    double value = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
    if (end.ec != std::errc::result_out_of_range) return value;
    return text.find("e-") != std::string::npos ? 0.0 : text[0] == '-' ? -HUGE_VAL : HUGE_VAL;
}

/// A decimal as written, as an integer times a power of ten.
struct Decimal {
    __int128 mantissa = 0;
    int exponent = 0;
};

std::optional<Decimal> decimal(std::string_view text) {
    Decimal result;
    bool negative = false;
    if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
        negative = text[0] == '-';
        text.remove_prefix(1);
    }
    std::size_t digits = 0;
    bool point = false;
    while (!text.empty() && (is_digit(text[0]) || (text[0] == '.' && !point))) {
        if (text[0] == '.') {
            point = true;
        } else {
            if (++digits > 36) return std::nullopt;
            result.mantissa = result.mantissa * 10 + (text[0] - '0');
            result.exponent -= point;
        }
        text.remove_prefix(1);
    }
    if (digits == 0) return std::nullopt;
    if (!text.empty() && (text[0] == 'e' || text[0] == 'E')) {
        text.remove_prefix(1);
        if (!text.empty() && text[0] == '+') text.remove_prefix(1);
        int power = 0;
        const auto end = std::from_chars(text.data(), text.data() + text.size(), power);
        if (end.ec != std::errc() || end.ptr != text.data() + text.size() || std::abs(power) > 400) return std::nullopt;
        result.exponent += power;
        text = {};
    }
    if (!text.empty()) return std::nullopt;
    if (negative) result.mantissa = -result.mantissa;
    return result;
}

std::string digits_of(__int128 value, int exponent) {
    const bool negative = value < 0;
    std::string digits;
    do {
        const int digit = static_cast<int>(value % 10);
        digits.insert(digits.begin(), static_cast<char>('0' + (digit < 0 ? -digit : digit)));
        value /= 10;
    } while (value != 0);
    return (negative ? "-" : "") + digits + "e" + std::to_string(exponent);
}

/// The value and the interval its written precision stands for: half a unit of the last digit each way, so that 100 is
/// [99.5, 100.5) and 1e2 is [50, 150). With `ap` a tenth of the value each way. Bounds are decimal before they are binary.
bool set_number(std::string_view text, Operand& operand) {
    const auto exact = decimal(text);
    if (!exact) return false;
    operand.number = to_double(digits_of(exact->mantissa, exact->exponent));
    const __int128 ten = exact->mantissa * 10;
    const __int128 tenth = exact->mantissa < 0 ? -exact->mantissa : exact->mantissa;
    const __int128 away = operand.prefix == Prefix::ap ? tenth : 5;
    operand.low = to_double(digits_of(ten - away, exact->exponent - 1));
    operand.high = to_double(digits_of(ten + away, exact->exponent - 1));
    return true;
}

Result<Operand> number(std::string_view text, std::string_view written) {
    Operand operand;
    if (!take_prefix(text, operand.prefix)) return bad(written, "unknown prefix; use eq, ne, gt, lt, ge, le, sa, eb or ap");
    operand.raw = unescape(text);
    if (!set_number(operand.raw, operand)) return bad(written, "expected a number such as 5.4 or gt100");
    return operand;
}

Result<Operand> quantity(std::string_view text, std::string_view written) {
    Operand operand;
    if (!take_prefix(text, operand.prefix)) return bad(written, "unknown prefix; use eq, ne, gt, lt, ge, le, sa, eb or ap");
    operand.raw = unescape(text);
    const auto parts = split_unescaped(text, '|');
    if (parts.size() != 1 && parts.size() != 3) return bad(written, "expected a number, or number|system|code");
    if (!set_number(unescape(parts[0]), operand))
        return bad(written, "expected a number such as 5.4|http://unitsofmeasure.org|mg");
    if (parts.size() == 3) {
        operand.has_system = !parts[1].empty();
        operand.system = unescape(parts[1]);
        operand.code = unescape(parts[2]);
    }
    return operand;
}

/// identifier:of-type=system|code|value
Result<Operand> typed_identifier(std::string_view text, std::string_view written) {
    const auto parts = split_unescaped(text, '|', 3);
    if (parts.size() != 3 || parts[1].empty() || parts[2].empty())
        return bad(written, "expected system|code|value: the identifier's type and its value");
    Operand operand, kind;
    operand.raw = unescape(text);
    operand.code = unescape(parts[2]);
    kind.has_system = !parts[0].empty();
    kind.system = unescape(parts[0]);
    kind.code = unescape(parts[1]);
    operand.components.push_back(std::move(kind));
    return operand;
}

Result<Operand> token(const Parameter& parameter, Modifier modifier, std::string_view text, std::string_view written) {
    if (modifier == Modifier::of_type) return typed_identifier(text, written);
    Operand operand;
    operand.raw = unescape(text);
    if (modifier == Modifier::text || modifier == Modifier::in || modifier == Modifier::not_in) return operand;
    const auto parts = split_unescaped(text, '|', 2);
    if (parts.size() == 2) {
        operand.has_system = true;
        operand.system = unescape(parts[0]);
    }
    operand.code = unescape(parts.back());
    if (operand.system.empty() && operand.code.empty()) return bad(written, "expected a code, system|code, system| or |code");
    if ((modifier == Modifier::below || modifier == Modifier::above) && (operand.system.empty() || operand.code.empty()))
        return bad(written, "expected system|code: only a system has levels");
    if (parameter.type == ParamType::token && Catalogue::the().alone(parameter).folds_case)
        operand.code = text::lower_ascii(operand.code);
    return operand;
}

Result<Operand> reference(const Parameter& parameter, std::string_view type, std::string_view text, std::string_view written) {
    Operand operand;
    operand.raw = unescape(text);
    const Named named = named_by(operand.raw);
    if (named.contained) return bad(written, "references to contained resources are not searchable");
    if (operand.raw.find('|') != std::string::npos) {
        operand.url = operand.raw;
        return operand;
    }
    if (!named.type.empty()) {
        if (!fhir::find_resource(named.type)) return bad(written, "names a resource type that R4 does not have");
        if (!type.empty() && type != named.type) return bad(written, "the type in the value is not the type after ':'");
        operand.target_type = named.type;
        operand.target_id = named.id;
        return operand;
    }
    if (named.url.find(':') != std::string_view::npos) {
        operand.url = named.url;
        return operand;
    }
    if (named.url.find('/') != std::string_view::npos || named.url.empty())
        return bad(written, "expected Type/id, an id or a URL");
    operand.target_id = named.url;
    operand.target_type = !type.empty()                   ? std::string(type)
                          : parameter.targets.size() == 1 ? std::string(parameter.targets[0])
                                                          : std::string();
    return operand;
}

Result<Operand> composite(const Parameter& parameter, std::string_view text, std::string_view written,
                          const ParseOptions& options) {
    Operand operand;
    operand.raw = unescape(text);
    const auto parts = split_unescaped(text, '$');
    if (parts.size() != parameter.components.size()) {
        return bad(written, "expected " + std::to_string(parameter.components.size()) + " parts separated by $");
    }
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (parts[i].empty()) return bad(written, "a part between $ is empty");
        XINGLIN_TRY(Operand part,
                    parse_operand(*parameter.components[i].parameter, Modifier::none, {}, parts[i], written, options));
        operand.components.push_back(std::move(part));
    }
    return operand;
}

/// "latitude|longitude[|distance[|units]]", checked here, compared in match.cpp.
Result<Operand> position(std::string_view text, std::string_view written) {
    Operand operand;
    operand.raw = unescape(text);
    const auto parts = split_unescaped(text, '|');
    if (parts.size() < 2 || parts.size() > 4) return bad(written, "expected latitude|longitude|distance|units");
    double numbers[3] = {0, 0, 0};
    for (std::size_t i = 0; i < parts.size() && i < 3; ++i) {
        Operand part;
        if (!set_number(unescape(parts[i]), part)) return bad(written, "expected latitude|longitude|distance|units");
        numbers[i] = part.number;
    }
    if (std::abs(numbers[0]) > 90 || std::abs(numbers[1]) > 180 || numbers[2] < 0)
        return bad(written, "the position is not on earth");
    if (parts.size() == 4 && parts[3] != "km" && parts[3] != "m" && parts[3] != "mi_us" && parts[3] != "[mi_us]" &&
        !parts[3].empty()) {
        return bad(written, "distance units are km, m or [mi_us]");
    }
    return operand;
}

}  // namespace

std::vector<std::string_view> split_unescaped(std::string_view text, char separator, std::size_t limit) {
    std::vector<std::string_view> parts;
    std::size_t from = 0;
    for (std::size_t i = 0; i < text.size() && parts.size() + 1 < limit; ++i) {
        if (text[i] == '\\') {
            ++i;
        } else if (text[i] == separator) {
            parts.push_back(text.substr(from, i - from));
            from = i + 1;
        }
    }
    parts.push_back(text.substr(from));
    return parts;
}

std::string unescape(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool escape =
            text[i] == '\\' && i + 1 < text.size() && std::string_view(",$|\\").find(text[i + 1]) != std::string_view::npos;
        if (escape) ++i;
        out += text[i];
    }
    return out;
}

Result<Operand> parse_date_operand(std::string_view text, std::string_view written, const ParseOptions& options) {
    Operand operand;
    if (!take_prefix(text, operand.prefix)) return bad(written, "unknown prefix; use eq, ne, gt, lt, ge, le, sa, eb or ap");
    operand.raw = unescape(text);
    const auto moment = calendar::parse_date_time(operand.raw, true);
    if (!moment) return bad(written, "expected a date such as 2026, 2026-11, 2026-11-22 or 2026-11-22T08:15:00Z");
    operand.span = calendar::span_of(*moment, options.offset_minutes);
    if (operand.prefix == Prefix::ap) {
        const std::int64_t now = options.now_ms ? options.now_ms : calendar::SystemClock().now_ms();
        const std::int64_t gap = now < operand.span.low_ms    ? operand.span.low_ms - now
                                 : now > operand.span.high_ms ? now - operand.span.high_ms
                                                              : 0;
        operand.span.low_ms -= gap / 10;
        operand.span.high_ms += gap / 10;
    }
    return operand;
}

Result<Operand> parse_operand(const Parameter& parameter, Modifier modifier, std::string_view type_modifier,
                              std::string_view text, std::string_view written, const ParseOptions& options) {
    Operand operand;
    switch (parameter.type) {
        case ParamType::number: return number(text, written);
        case ParamType::quantity: return quantity(text, written);
        case ParamType::date: return parse_date_operand(text, written, options);
        case ParamType::token: return token(parameter, modifier, text, written);
        case ParamType::reference:
            if (modifier == Modifier::identifier) return token(parameter, modifier, text, written);
            if (modifier == Modifier::text) break;
            return reference(parameter, type_modifier, text, written);
        case ParamType::composite: return composite(parameter, text, written, options);
        case ParamType::special: return position(text, written);
        case ParamType::string:
        case ParamType::uri: break;
    }
    operand.raw = unescape(text);
    return operand;
}

}  // namespace xinglin::search
