// SPDX-License-Identifier: Apache-2.0
// Inside the room: _typeFilter, asked of each resource as it was.
#pragma once

#include <map>
#include <unordered_set>

#include "bulk/bulk.h"

namespace xinglin::bulk {

/// Whom the resources that match a _has name, as "Type/id".
using Reached = std::map<const search::Criterion*, std::unordered_set<std::string>>;
constexpr std::size_t reached_most = 2'000'000;  // of one _has: some 200 MB

/// One for each thread. `reached` holds every _has of the conditions asked.
class Filters {
public:
    Filters(record::Store& store, record::Position as_of, const Reached& reached)
        : store_(store), as_of_(as_of), reached_(reached) {}
    bool has(const fhir::Type& type, json::Value resource, std::int64_t updated_ms, const search::Criterion& criterion);
    bool has_all(const fhir::Type& type, json::Value resource, std::int64_t updated_ms,
                 const std::vector<search::Criterion>& all);

private:
    record::Store& store_;
    const record::Position as_of_;
    const Reached& reached_;
    json::Arena arena_;  // what chains lead to
};

/// The _has conditions of some filters, those inside others first, with the type that each asks about.
std::vector<std::pair<const fhir::Type*, const search::Criterion*>> has_conditions(const std::vector<Order::Filter>& filters);
/// Adds whom one resource names, if it matches.
void add_reached(const fhir::Type& named, const search::Criterion& has, json::Value resource, std::int64_t updated_ms,
                 Filters& filters, std::unordered_set<std::string>& reached);

/// The resource with the elements asked for and those it must have, marked as a part (SUBSETTED).
json::Value only_elements(const Order& order, const fhir::Type& type, json::Value resource, json::Arena& arena);

}  // namespace xinglin::bulk
