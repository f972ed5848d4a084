// SPDX-License-Identifier: Apache-2.0
// toX() and convertsToX(). Source: FHIRPath N1, "Conversion".
#include <algorithm>

#include "fhirpath/functions.h"
#include "fhirpath/moment.h"
#include "fhirpath/unicode.h"

namespace xinglin::fhirpath {

namespace {

using Converter = std::optional<Item> (*)(const Item& item, const Plain& value);

bool all_digits(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}
bool starts_with_sign(std::string_view text) { return !text.empty() && (text[0] == '+' || text[0] == '-'); }

std::optional<Item> to_boolean(const Item&, const Plain& value) {
    if (value.is(Item::Kind::boolean)) return make(value.boolean);
    if (value.is_number()) {
        const auto number = value.number();
        if (number && *number == Decimal(1)) return make(true);
        if (number && number->is_zero()) return make(false);
        return std::nullopt;
    }
    if (!value.is(Item::Kind::string)) return std::nullopt;
    const std::string word = lower(value.text);
    for (const std::string_view yes : {"true", "t", "yes", "y", "1", "1.0"}) {
        if (word == yes) return make(true);
    }
    for (const std::string_view no : {"false", "f", "no", "n", "0", "0.0"}) {
        if (word == no) return make(false);
    }
    return std::nullopt;
}

std::optional<Item> integer_within(const Plain& value, std::int64_t low, std::int64_t high) {
    std::optional<std::int64_t> result;
    if (value.is(Item::Kind::integer)) result = value.integer;
    if (value.is(Item::Kind::boolean)) result = value.boolean ? 1 : 0;
    if (value.is(Item::Kind::string) && all_digits(value.text.substr(starts_with_sign(value.text) ? 1 : 0))) {
        const auto number = Decimal::parse(value.text);
        if (number) result = number->to_integer();
    }
    if (!result || *result < low || *result > high) return std::nullopt;
    return make(*result);
}
std::optional<Item> to_integer(const Item&, const Plain& value) { return integer_within(value, INT32_MIN, INT32_MAX); }
std::optional<Item> to_long(const Item&, const Plain& value) { return integer_within(value, INT64_MIN, INT64_MAX); }

std::optional<Item> to_decimal(const Item&, const Plain& value) {
    if (value.is(Item::Kind::boolean)) return make(Item::Kind::decimal, value.boolean ? "1.0" : "0.0");
    const bool plain_string = value.is(Item::Kind::string) && value.text.find_first_of("eE") == std::string_view::npos;
    const auto number = plain_string ? Decimal::parse(value.text) : value.is_number() ? value.number() : std::nullopt;
    return number ? std::optional(make(*number)) : std::nullopt;
}

/// number [ 'unit' | word ], white space between allowed
std::optional<Item> quantity_from(std::string_view text) {
    std::size_t end = starts_with_sign(text) ? 1 : 0;
    while (end < text.size() && ((text[end] >= '0' && text[end] <= '9') || text[end] == '.')) ++end;
    const auto number = Decimal::parse(text.substr(0, end));
    if (!number) return std::nullopt;
    std::string_view rest = text.substr(end);
    while (!rest.empty() && (rest[0] == ' ' || rest[0] == '\t' || rest[0] == '\n' || rest[0] == '\r')) rest.remove_prefix(1);
    if (rest.empty()) return make(*number, "1");
    if (rest.size() > 2 && rest.front() == '\'' && rest.back() == '\'') {
        rest = rest.substr(1, rest.size() - 2);
        if (rest.find('\'') != std::string_view::npos && !parse_unit(rest)) return std::nullopt;
        return make(*number, std::string(rest));
    }
    if (!calendar_unit(rest)) return std::nullopt;
    return make(*number, std::string(rest));
}

std::optional<Item> to_quantity(const Item& item, const Plain& value) {
    if (value.is(Item::Kind::quantity)) return system_item(item);
    if (value.is(Item::Kind::boolean)) return make(*Decimal::parse(value.boolean ? "1.0" : "0.0"), "1");
    if (value.is(Item::Kind::string)) return quantity_from(value.text);
    const auto number = value.is_number() ? value.number() : std::nullopt;
    return number ? std::optional(make(*number, "1")) : std::nullopt;
}

std::optional<Item> to_string(const Item& item, const Plain&) {
    auto text = text_of(item);
    return text ? std::optional(make(std::move(*text))) : std::nullopt;
}

std::optional<Item> to_date(const Item&, const Plain& value) {
    if (value.is(Item::Kind::date)) return make(Item::Kind::date, std::string(value.text));
    if (!value.is(Item::Kind::date_time) && !value.is(Item::Kind::string)) return std::nullopt;
    const std::string_view date = value.is(Item::Kind::date_time) ? value.text.substr(0, value.text.find('T')) : value.text;
    if (!calendar::parse_date(date)) {
        // A dateTime written in a string keeps its date.
        const auto moment = calendar::parse_date_time(value.text, true);
        if (!moment || moment->precision < calendar::Precision::hour) return std::nullopt;
        return make(Item::Kind::date, std::string(value.text.substr(0, 10)));
    }
    return make(Item::Kind::date, std::string(date));
}

std::optional<Item> to_date_time(const Item&, const Plain& value) {
    if (!value.is_moment() && !value.is(Item::Kind::string)) return std::nullopt;
    std::string_view text = value.text;
    if (value.is(Item::Kind::string) && text.ends_with('T')) text.remove_suffix(1);
    if (!calendar::parse_date_time(text, true)) return std::nullopt;
    return make(Item::Kind::date_time, std::string(text));
}

std::optional<Item> to_time(const Item&, const Plain& value) {
    if (!value.is(Item::Kind::time) && !value.is(Item::Kind::string)) return std::nullopt;
    std::string_view text = value.text;
    if (text.starts_with('T')) text.remove_prefix(1);
    if (!calendar::parse_time(text, true)) return std::nullopt;
    return make(Item::Kind::time, std::string(text));
}

template <Converter converter>
Collection run_to(Evaluator& evaluator, const Node& call, Collection input, const Frame&) {
    const Item* item = evaluator.single(input, call.name + "()");
    auto result = item ? converter(*item, plain(*item)) : std::nullopt;
    return result ? one(std::move(*result)) : Collection();
}

template <Converter converter>
Collection run_converts(Evaluator& evaluator, const Node& call, Collection input, const Frame&) {
    const Item* item = evaluator.single(input, call.name + "()");
    return item ? one(make(converter(*item, plain(*item)).has_value())) : Collection();
}

/// toQuantity(unit) converts as well.
std::optional<Item> quantity_in(Evaluator& evaluator, const Node& call, const Collection& input, const Frame& frame) {
    const Item* item = evaluator.single(input, call.name + "()");
    auto quantity = item ? to_quantity(*item, plain(*item)) : std::nullopt;
    if (!quantity || call.arguments.empty()) return quantity;
    const auto unit = evaluator.string_argument(call, 0, frame);
    if (!unit) return std::nullopt;
    const auto amount = plain(*quantity).amount();
    const auto value = amount ? convert(*amount, *unit, Loose::no) : std::nullopt;
    return value ? std::optional(make(*value, *unit)) : std::nullopt;
}
Collection run_to_quantity(Evaluator& evaluator, const Node& call, Collection input, const Frame& frame) {
    auto quantity = quantity_in(evaluator, call, input, frame);
    return quantity ? one(std::move(*quantity)) : Collection();
}
Collection run_converts_to_quantity(Evaluator& evaluator, const Node& call, Collection input, const Frame& frame) {
    if (input.empty()) return {};
    return one(make(quantity_in(evaluator, call, input, frame).has_value()));
}

constexpr Function table[] = {
    {"toBoolean", 0, 0, run_to<to_boolean>},    {"convertsToBoolean", 0, 0, run_converts<to_boolean>},
    {"toInteger", 0, 0, run_to<to_integer>},    {"convertsToInteger", 0, 0, run_converts<to_integer>},
    {"toLong", 0, 0, run_to<to_long>},          {"convertsToLong", 0, 0, run_converts<to_long>},
    {"toDecimal", 0, 0, run_to<to_decimal>},    {"convertsToDecimal", 0, 0, run_converts<to_decimal>},
    {"toString", 0, 0, run_to<to_string>},      {"convertsToString", 0, 0, run_converts<to_string>},
    {"toDate", 0, 0, run_to<to_date>},          {"convertsToDate", 0, 0, run_converts<to_date>},
    {"toDateTime", 0, 0, run_to<to_date_time>}, {"convertsToDateTime", 0, 0, run_converts<to_date_time>},
    {"toTime", 0, 0, run_to<to_time>},          {"convertsToTime", 0, 0, run_converts<to_time>},
    {"toQuantity", 0, 1, run_to_quantity},      {"convertsToQuantity", 0, 1, run_converts_to_quantity},
};

}  // namespace

std::span<const Function> conversion_functions() { return table; }

}  // namespace xinglin::fhirpath
