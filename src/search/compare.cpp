// SPDX-License-Identifier: Apache-2.0
// One value against one operand: dates, numbers, strings. Source: FHIR R4 search.html, table of prefixes (3.1.1.4.5).
#include <algorithm>

#include "search/catalogue.h"
#include "search/reference.h"
#include "search/search.h"
#include "text/text.h"

namespace xinglin::search {

/// The operand's span is the "search value", [low, high) the "target value" of the table.
bool date_matches(const Operand& operand, std::int64_t low_ms, std::int64_t high_ms) {
    const auto [from, to] = operand.span;
    const bool contained = from <= low_ms && high_ms <= to;
    switch (operand.prefix) {
        case Prefix::eq: return contained;
        case Prefix::ne: return !contained;
        case Prefix::gt: return high_ms > to;
        case Prefix::lt: return low_ms < from;
        case Prefix::ge: return high_ms > to || contained;
        case Prefix::le: return low_ms < from || contained;
        case Prefix::sa: return low_ms >= to;
        case Prefix::eb: return high_ms <= from;
        case Prefix::ap: return low_ms < to && from < high_ms;
    }
    return false;
}

/// Only eq, ne and ap take the written precision into account; the others compare with the exact value.
bool number_matches(const Operand& operand, double low, double high) {
    const bool contained = operand.low <= low && high < operand.high;
    switch (operand.prefix) {
        case Prefix::eq: return contained;
        case Prefix::ne: return !contained;
        case Prefix::gt: return high > operand.number;
        case Prefix::lt: return low < operand.number;
        case Prefix::ge: return high >= operand.number;
        case Prefix::le: return low <= operand.number;
        case Prefix::sa: return low > operand.number;
        case Prefix::eb: return high < operand.number;
        case Prefix::ap: return low <= operand.high && operand.low <= high;
    }
    return false;
}

bool string_matches(Modifier modifier, std::string_view operand_raw, std::string_view value) {
    if (modifier == Modifier::exact) return value == operand_raw;
    const std::string wanted = text::fold(operand_raw), folded = text::fold(value);
    if (modifier == Modifier::contains) return folded.find(wanted) != std::string::npos;
    return folded.starts_with(wanted);
}

bool uri_is_below(std::string_view uri, std::string_view upper) {
    if (!uri.starts_with(upper) || upper.empty()) return false;
    if (uri.size() == upper.size()) return true;
    if (upper.starts_with("urn:")) return false;
    const char next = uri[upper.size()];
    return upper.back() == '/' || next == '/' || next == '?' || next == '#';
}

const Parameter* part_of(std::string_view type) {
    if (type != "Location" && type != "Organization") return nullptr;
    return find_parameter(*fhir::find_resource(type), "partof");
}

namespace {

/// Only where(resolve() is T) looks at what a reference names.
bool is_target(const Parameter& asked, std::string_view type) {
    return !Catalogue::the().details(asked).restricted ||
           std::find(asked.targets.begin(), asked.targets.end(), type) != asked.targets.end();
}

}  // namespace

bool counts_for(const Parameter& asked, const Reference& entry) {
    return entry.parameter == &asked || is_target(asked, entry.type.empty() ? type_in_url(entry.url) : entry.type);
}

bool counts_for(const Parameter& asked, const Token& entry) {
    return entry.parameter == &asked || !entry.is_identifier_of_reference || is_target(asked, entry.text);
}

}  // namespace xinglin::search
