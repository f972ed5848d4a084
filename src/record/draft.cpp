// SPDX-License-Identifier: Apache-2.0
// From search entries to index rows without numbers yet: terms and targets get theirs in the writer.
#include "record/draft.h"

#include <algorithm>

#include "text/text.h"

namespace xinglin::record {

namespace {

// Intervals are kept apart from points, so that a range of points can be bounded from both sides.
std::int64_t ranged(std::int64_t pid, double low, double high) { return low == high ? pid : -pid; }

class Drafting {
public:
    Drafting(const Numbers& numbers, Draft& draft) : numbers_(numbers), draft_(draft) {}

    void add(const search::Entries& entries) {
        for (const search::Token& token : entries.tokens) add_token(token);
        for (const search::String& string : entries.strings) add_string(string);
        for (const search::Uri& uri : entries.uris)
            draft_.terms.push_back({space(numbers_.pid(*uri.parameter), Space::value), keep(uri.value), {}, {}});
        for (const search::Date& date : entries.dates) add_date(date);
        for (const search::Number& number : entries.numbers)
            draft_.numbers.push_back(
                {ranged(numbers_.pid(*number.parameter), number.low, number.high), number.low, number.high, {}, {}});
        for (const search::Quantity& quantity : entries.quantities) add_quantity(quantity);
        for (const search::Reference& reference : entries.references) add_reference(reference);
        draft_.present = entries.present;
    }

private:
    Piece keep(std::string_view text) {
        const Piece piece{static_cast<std::uint32_t>(draft_.pool.size()), static_cast<std::uint32_t>(text.size())};
        draft_.pool += text;
        return piece;
    }

    void add_token(const search::Token& token) {
        const Space kind = token.is_identifier_of_reference ? Space::reference_identifier : Space::value;
        draft_.terms.push_back({space(numbers_.pid(*token.parameter), kind), keep(token.code), keep(token.system),
                                token.text.empty() ? Piece{} : keep(text::fold(token.text))});
    }

    void add_string(const search::String& string) {
        const std::string norm = text::fold(string.value);
        draft_.terms.push_back({space(numbers_.pid(*string.parameter), Space::value),
                                keep(norm),
                                norm == string.value ? Piece{} : keep(string.value),
                                {}});
    }

    void add_date(const search::Date& date) {
        const std::int64_t span = date.high_ms - date.low_ms;
        draft_.dates.push_back({date_key(numbers_.pid(*date.parameter), span > short_span_ms), date.low_ms, pack_span(span), 0});
    }

    // A quantity is found by its code and by its written unit.
    void add_quantity(const search::Quantity& quantity) {
        const std::int64_t pid = ranged(numbers_.pid(*quantity.parameter), quantity.low, quantity.high);
        const Piece system = keep(quantity.system);
        draft_.numbers.push_back(
            {pid, quantity.low, quantity.high, keep(quantity.code.empty() ? quantity.unit : quantity.code), system});
        if (!quantity.code.empty() && !quantity.unit.empty() && quantity.unit != quantity.code)
            draft_.numbers.push_back({pid, quantity.low, quantity.high, keep(quantity.unit), {}});
    }

    void add_reference(const search::Reference& reference) {
        const std::int64_t pid = numbers_.pid(*reference.parameter);
        const fhir::Type* target = reference.type.empty() ? nullptr : fhir::find_resource(reference.type);
        if (!target || reference.id.empty() || !numbers_.of_type.contains(target)) {
            if (!reference.url.empty()) draft_.terms.push_back({space(pid, Space::url), keep(reference.url), {}, {}});
            return;
        }
        draft_.references.push_back({pid, numbers_.tid(*target), keep(reference.id)});
        if (draft_.patient.size == 0 && target->name == "Patient" && in_compartment(*reference.parameter))
            draft_.patient = draft_.references.back().id;
    }

    static bool in_compartment(const search::Parameter& parameter) {
        for (const std::string_view code : fhir::compartment_parameters("Patient", parameter.resource->name)) {
            if (code == parameter.code) return true;
            const search::Parameter* named = search::find_parameter(*parameter.resource, code);
            if (named && std::find(named->includes.begin(), named->includes.end(), &parameter) != named->includes.end())
                return true;
        }
        return false;
    }

    const Numbers& numbers_;
    Draft& draft_;
};

}  // namespace

Draft draft_of(const Numbers& numbers, const fhir::Type& type, json::Value resource, std::int16_t offset_minutes) {
    static thread_local search::Entries entries;
    entries.clear();
    search::extract(type, resource, offset_minutes, entries);
    Draft draft;
    Drafting(numbers, draft).add(entries);
    return draft;
}

}  // namespace xinglin::record
