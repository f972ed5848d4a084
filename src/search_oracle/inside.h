// SPDX-License-Identifier: Apache-2.0
// What the files of the oracle share: rows, the values an expression finds, comparing.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "calendar/calendar.h"
#include "fhir/fhir.h"
#include "fhirpath/fhirpath.h"
#include "search_oracle/search_oracle.h"

namespace xinglin::search_oracle {

using Row = fhir::SearchParameterRow;

/// One value an expression finds.
struct Found {
    std::string type;   // FHIR or System type name
    json::Value value;  // nothing for a System boolean
    bool boolean = false;
    std::string system;  // of a code, from its element's required binding
};
using FoundList = std::vector<Found>;

/// nullptr when the type has no such parameter, or R4 gives it no expression.
const Row* find_row(std::string_view type, std::string_view code);
const std::vector<const Row*>& rows_of(std::string_view type);
const Row* find_row_by_url(std::string_view type, std::string_view url);

/// Splits at a separator that no backslash precedes.
std::vector<std::string> split(const std::string& text, char separator);
std::string plain(const std::string& text);  // escapes undone

/// What comparing needs to know besides value and operand.
struct Sense {
    std::int16_t offset_minutes;
    std::int64_t now_ms;
    const std::set<std::pair<std::string, std::string>>* codings = nullptr;  // (system, code) of every Coding at hand
};
bool in_value_set(const Sense& sense, std::string_view value_set, const std::string& system, const std::string& code);
/// `folds`: a token whose values are all strings, compared without case.
bool compare(const Row& row, const std::string& modifier, const Found& found, const std::string& operand, const Sense& sense);
/// A reference's target: type and id, or a URL in `url`.
struct Target {
    std::string type, id, url;
};
Target target_of(const Found& found);
Target target_of(std::string reference);

/// Key for sorting: texts compare after numbers never mix.
struct Key {
    bool any = false;
    double number = 0;
    std::string text;
};
Key key_of(const Row& row, const FoundList& found, bool descending, const Sense& sense);

struct Oracle::Inside {
    std::vector<json::Value> resources;
    std::map<std::string, json::Value> by_name;  // "Type/id"
    std::map<std::string, std::vector<json::Value>> by_type;
    Sense sense;
    std::set<std::pair<std::string, std::string>> codings;
    json::Arena arena;
    std::map<std::string, json::Value> stubs;  // a resource of each type, for resolve()
    mutable std::map<std::string, fhirpath::Expression> expressions;
    mutable std::map<std::pair<const Row*, const json::Node*>, FoundList> cache;

    FoundList evaluate(const std::string& expression, const fhirpath::Item& context) const;
    const FoundList& find(const Row& row, json::Value resource) const;
    /// The nodes a composite starts from, each with what its components find.
    std::vector<std::vector<FoundList>> tuples(const Row& row, json::Value resource) const;
    bool ask(json::Value resource, const std::string& name, const std::string& value) const;
    bool refers(json::Value from, const Row& row, json::Value to) const;
    void gather_codings(json::Value value);
    /// "Location/1" and what it is part of.
    std::set<std::string> with_ancestors(const std::string& name) const;

private:
    bool ask_has(json::Value resource, const std::string& rest, const std::string& value) const;
    bool ask_chain(const Row& row, json::Value resource, const std::string& type, const std::string& rest,
                   const std::string& value) const;
    bool ask_value(const Row& row, const std::string& modifier, json::Value resource, const std::string& value) const;
};

}  // namespace xinglin::search_oracle
