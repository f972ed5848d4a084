// SPDX-License-Identifier: Apache-2.0
// The filters of ValueSet.compose: a property, an operator and a value against every concept.
//
// Source: FHIR R4, valueset.html#compositions and valueset-filter-operator.
#include "fhirpath/regex.h"
#include "terminology/sets.h"
#include "text/text.h"

namespace xinglin::terminology {

namespace {

using Rows = std::vector<bool>;

bool is_concept(std::string_view property) { return property == "concept" || property == "code"; }

std::string_view trim(std::string_view text) {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    return text;
}

Result<Row> row_of(const Concepts& concepts, std::string_view code, const std::string& where) {
    const Row row = concepts.find(trim(code));
    if (row == no_row) return refuse(IssueCode::not_found, where + ".value", "the code is not in the code system");
    return row;
}

/// Calls `each` for every value the concept has for the property until it returns true.
template <typename Each>
bool any_value(const Concepts& concepts, Row row, std::string_view property, Each each) {
    if (is_concept(property)) return each(concepts.code(row));
    if (property == "display")
        return each(concepts.display(row)) || (!concepts.english(row).empty() && each(concepts.english(row)));
    if (property == "parent") {
        for (const Row parent : concepts.parents(row)) {
            if (each(concepts.code(parent))) return true;
        }
        return false;
    }
    if (property == "child") {
        for (const Row child : concepts.children(row)) {
            if (each(concepts.code(child))) return true;
        }
        return false;
    }
    if (property == "inactive") return each(concepts.is_active(row) ? "false" : "true");
    if (property == "notSelectable" || property == "abstract") return each(concepts.is_abstract(row) ? "true" : "false");
    for (const auto& one : concepts.properties(row)) {
        if (concepts.text(one.code) == property && each(concepts.text(one.value))) return true;
    }
    return false;
}

template <typename Test>
Rows rows_with(const Concepts& concepts, std::string_view property, Test test) {
    Rows rows(concepts.size());
    for (Row row = 0; row < concepts.size(); ++row) rows[row] = any_value(concepts, row, property, test);
    return rows;
}

Result<Rows> by_hierarchy(const Concepts& concepts, std::string_view op, std::string_view value, const std::string& where) {
    XINGLIN_TRY(const Row top, row_of(concepts, value, where));
    const bool is_not = op == "is-not-a";
    Rows rows(concepts.size(), is_not);
    if (op != "descendent-of") rows[top] = !is_not;
    if (op == "generalizes") {
        std::vector<Row> waiting = concepts.parents(top);
        while (!waiting.empty()) {
            const Row at = waiting.back();
            waiting.pop_back();
            if (rows[at]) continue;
            rows[at] = true;
            for (const Row next : concepts.parents(at)) waiting.push_back(next);
        }
        return rows;
    }
    for (const Row row : concepts.descendants(top)) rows[row] = !is_not;
    return rows;
}

Result<Rows> by_regex(const Concepts& concepts, std::string_view property, std::string_view value, const std::string& where) {
    std::string error;
    const auto regex = fhirpath::Regex::compile(value, error);
    if (!regex) return refuse(IssueCode::invalid, where + ".value", "is no regular expression: " + error);
    std::int32_t ticks = fhirpath::Regex::evaluation_ticks;
    bool too_long = false;
    Rows rows = rows_with(concepts, property, [&](std::string_view text) {
        if (too_long) return false;
        const auto matched = regex->matches(text, fhirpath::Regex::Match::whole, ticks);
        too_long = !matched;
        return matched.value_or(false);
    });
    if (too_long)
        return refuse(IssueCode::too_costly, where + ".value", "the regular expression takes too long; write a simpler one");
    return rows;
}

Result<Rows> by_list(const Concepts& concepts, std::string_view property, std::string_view op, std::string_view value) {
    std::vector<std::string_view> wanted;
    for (const std::string_view one : text::split(value, ',')) wanted.push_back(trim(one));
    std::sort(wanted.begin(), wanted.end());
    Rows rows = rows_with(concepts, property,
                          [&](std::string_view text) { return std::binary_search(wanted.begin(), wanted.end(), text); });
    if (op == "not-in") rows.flip();
    return rows;
}

}  // namespace

Result<std::vector<bool>> filtered(const Concepts& concepts, std::string_view property, std::string_view op,
                                   std::string_view value, const std::string& where) {
    if (property.empty()) return refuse(IssueCode::required, where + ".property", "is needed");
    if (op == "is-a" || op == "descendent-of" || op == "is-not-a" || op == "generalizes") {
        if (!is_concept(property))
            return refuse(IssueCode::not_supported, where + ".property", "this operator is about `concept`");
        return by_hierarchy(concepts, op, value, where);
    }
    if (op == "=") return rows_with(concepts, property, [&](std::string_view text) { return text == value; });
    if (op == "in" || op == "not-in") return by_list(concepts, property, op, value);
    if (op == "regex") return by_regex(concepts, property, value, where);
    if (op == "exists") {
        if (value != "true" && value != "false") return refuse(IssueCode::value, where + ".value", "expected true or false");
        Rows rows = rows_with(concepts, property, [](std::string_view) { return true; });
        if (value == "false") rows.flip();
        return rows;
    }
    return refuse(IssueCode::not_supported, where + ".op", "is not an operator of FHIR R4");
}

}  // namespace xinglin::terminology
