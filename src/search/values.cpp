// SPDX-License-Identifier: Apache-2.0
// What a value of each FHIR type says to a search parameter. Source: FHIR R4 search.html, section 3.1.1.4.
#include <charconv>
#include <limits>

#include "search/reference.h"
#include "search/walk.h"
#include "text/text.h"

namespace xinglin::search {
namespace {

constexpr std::string_view special_values = "http://terminology.hl7.org/CodeSystem/special-values";
constexpr std::string_view currencies = "urn:iso:std:iso:4217";
constexpr double infinity = std::numeric_limits<double>::infinity();

std::optional<double> decimal(json::Value value) {
    if (!value.is_number()) return std::nullopt;
    const std::string_view digits = value.text();
    double number = 0;
    const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (end.ec == std::errc::result_out_of_range) {  // too near to zero, or too far from it
        const std::size_t exponent = digits.find_first_of("eE");
        const bool tiny = exponent != std::string_view::npos && digits[exponent + 1] == '-';
        return tiny ? 0.0 : digits[0] == '-' ? -infinity : infinity;
    }
    return number;
}

}  // namespace

void Walk::leaf(const Leaf& leaf, json::Value value) {
    if (leaf.rule == Rule::reference) return reference(leaf, value);
    if (leaf.rule == Rule::composite) return composite(leaf, value);
    found(leaf);
    switch (leaf.rule) {
        case Rule::coding: return coding(leaf, value);
        case Rule::codeable_concept: return concept_(leaf, value);
        case Rule::identifier:
            token(leaf, value["system"].string(), value["value"].string(), value["type"]["text"].string());
            if (!entries_.tokens.empty()) entries_.tokens.back().kind = value["type"];
            return;
        case Rule::contact_point: return token(leaf, value["system"].string(), value["value"].string(), {});
        case Rule::boolean: return token(leaf, special_values, value.text(), {});
        case Rule::code: return token(leaf, leaf.system, value.string(), {});
        case Rule::folded_code: return token(leaf, {}, entries_.made.keep(text::lower_ascii(value.string())), {});
        case Rule::human_name: return strings(leaf, value, {"text", "family", "given", "prefix", "suffix"});
        case Rule::address: return strings(leaf, value, {"text", "line", "city", "district", "state", "postalCode", "country"});
        case Rule::plain_string: return string(leaf, value.string());
        case Rule::date:
        case Rule::instant_or_date_time: return moment(leaf, value);
        case Rule::period: return period(leaf, value);
        case Rule::timing: return timing(leaf, value);
        case Rule::number:
        case Rule::range_of_numbers: return number(leaf, value);
        case Rule::quantity: return quantity(leaf, value);
        case Rule::money: return money(leaf, value);
        case Rule::range: return range(leaf, value);
        case Rule::canonical: return canonical(leaf, value.string());
        case Rule::resource:
            if (value["id"].string().empty()) return;
            entries_.references.push_back({leaf.parameter, value["resourceType"].string(), value["id"].string(), {}, {}});
            return;
        case Rule::uri:
            if (!value.string().empty()) entries_.uris.push_back({leaf.parameter, value.string()});
            return;
        case Rule::deceased: return deceased(leaf, value);
        case Rule::presence:
        case Rule::reference:
        case Rule::composite: return;
    }
}

void Walk::token(const Leaf& leaf, std::string_view system, std::string_view code, std::string_view text) {
    if (code.empty() && text.empty()) return;
    entries_.tokens.push_back({leaf.parameter, system, code, text});
}

void Walk::coding(const Leaf& leaf, json::Value value) {
    if (leaf.parameter->type == ParamType::string) return string(leaf, value["display"].string());
    token(leaf, value["system"].string(), value["code"].string(), value["display"].string());
}

void Walk::concept_(const Leaf& leaf, json::Value value) {
    for (const json::Node& item : value["coding"].items()) coding(leaf, json::Value(&item));
    const std::string_view text = value["text"].string();
    if (leaf.parameter->type == ParamType::string) return string(leaf, text);
    token(leaf, {}, {}, text);
}

void Walk::string(const Leaf& leaf, std::string_view value) {
    if (!value.empty()) entries_.strings.push_back({leaf.parameter, value});
}

void Walk::strings(const Leaf& leaf, json::Value value, std::initializer_list<std::string_view> keys) {
    for (const json::Member& member : value.members()) {
        if (std::find(keys.begin(), keys.end(), member.key()) == keys.end()) continue;
        string(leaf, member.value().string());
        for (const json::Node& item : member.value().items()) string(leaf, json::Value(&item).string());
    }
}

calendar::Span Walk::span(json::Value value, bool& ok) const {
    const auto moment = calendar::parse_date_time(value.string());
    ok = moment.has_value();
    return moment ? calendar::span_of(*moment, offset_minutes_) : calendar::Span{0, 0};
}

void Walk::moment(const Leaf& leaf, json::Value value) {
    bool ok = false;
    const calendar::Span when = span(value, ok);
    if (ok) entries_.dates.push_back({leaf.parameter, when.low_ms, when.high_ms});
}

/// An end that is not written is open; a period without either says nothing.
void Walk::period(const Leaf& leaf, json::Value value) {
    bool has_start = false, has_end = false;
    const calendar::Span start = span(value["start"], has_start), end = span(value["end"], has_end);
    if (!has_start && !has_end) return;
    entries_.dates.push_back(
        {leaf.parameter, has_start ? start.low_ms : calendar::beginning_ms, has_end ? end.high_ms : calendar::end_of_time_ms});
}

/// Only the outer limits of a schedule matter.
void Walk::timing(const Leaf& leaf, json::Value value) {
    std::int64_t low = calendar::end_of_time_ms, high = calendar::beginning_ms;
    for (const json::Node& event : value["event"].items()) {
        bool ok = false;
        const calendar::Span when = span(json::Value(&event), ok);
        if (!ok) continue;
        low = std::min(low, when.low_ms);
        high = std::max(high, when.high_ms);
    }
    const json::Value bounds = value["repeat"]["boundsPeriod"];
    bool has_start = false, has_end = false;
    const calendar::Span start = span(bounds["start"], has_start), end = span(bounds["end"], has_end);
    if (has_start || has_end) {
        low = std::min(low, has_start ? start.low_ms : calendar::beginning_ms);
        high = std::max(high, has_end ? end.high_ms : calendar::end_of_time_ms);
    }
    if (low < high) entries_.dates.push_back({leaf.parameter, low, high});
}

void Walk::number(const Leaf& leaf, json::Value value) {
    if (leaf.rule == Rule::range_of_numbers) {
        const auto low = decimal(value["low"]["value"]), high = decimal(value["high"]["value"]);
        if (low || high) entries_.numbers.push_back({leaf.parameter, low.value_or(-infinity), high.value_or(infinity)});
        return;
    }
    if (const auto exact = decimal(value)) entries_.numbers.push_back({leaf.parameter, *exact, *exact});
}

void Walk::range(const Leaf& leaf, json::Value value) {
    const json::Value low = value["low"], high = value["high"];
    const auto from = decimal(low["value"]), to = decimal(high["value"]);
    if (!from && !to) return;
    const json::Value said = from ? low : high;
    entries_.quantities.push_back({leaf.parameter, from.value_or(-infinity), to.value_or(infinity), said["system"].string(),
                                   said["code"].string(), said["unit"].string()});
}

/// "< 5" is everything below five.
void Walk::quantity(const Leaf& leaf, json::Value value) {
    const auto exact = decimal(value["value"]);
    if (!exact) return;
    const std::string_view comparator = value["comparator"].string();
    const double low = comparator.starts_with('<') ? -infinity : *exact;
    const double high = comparator.starts_with('>') ? infinity : *exact;
    entries_.quantities.push_back(
        {leaf.parameter, low, high, value["system"].string(), value["code"].string(), value["unit"].string()});
}

void Walk::money(const Leaf& leaf, json::Value value) {
    const auto exact = decimal(value["value"]);
    if (exact) entries_.quantities.push_back({leaf.parameter, *exact, *exact, currencies, value["currency"].string(), {}});
}

void Walk::reference(const Leaf& leaf, json::Value value) {
    const std::string_view written = value["reference"].string();
    const Named named = named_by(written);
    const std::string_view type = target_type(value);
    found_reference(leaf, type);
    if (!named.contained && !written.empty()) {
        entries_.references.push_back({leaf.parameter, named.type, named.id, named.url, value["display"].string()});
    }
    const json::Value identifier = value["identifier"];
    const std::string_view code = identifier["value"].string();
    if (!code.empty()) entries_.tokens.push_back({leaf.parameter, identifier["system"].string(), code, type, true});
}

/// A canonical with a version is found by it and without it.
void Walk::canonical(const Leaf& leaf, std::string_view value) {
    const Named named = named_by(value);
    if (named.contained || value.empty()) return;
    entries_.references.push_back({leaf.parameter, named.type, named.id, named.url, {}});
    if (value.find('|') != std::string_view::npos) entries_.references.push_back({leaf.parameter, {}, {}, value, {}});
}

void Walk::deceased(const Leaf& leaf, json::Value parent) {
    std::string_view said = "false";
    for (const json::Member& member : parent.members()) {
        if (!member.key().starts_with(leaf.name)) continue;
        said = member.value().is_boolean() && !member.value().as_bool() ? "false" : "true";
    }
    token(leaf, special_values, said, {});
}

}  // namespace xinglin::search
