// SPDX-License-Identifier: Apache-2.0
// For tests only: FHIR search answered the slow and obvious way, to compare the real one with.
//
// Every resource is asked in turn, by evaluating the official FHIRPath expressions with the room fhirpath and comparing
// with code of its own. Shares no code with the room search: own splitting, own table lookups, own comparisons.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "json/json.h"

namespace xinglin::search_oracle {

using Pairs = std::vector<std::pair<std::string, std::string>>;

class Oracle {
public:
    /// `resources`: with resourceType and id, no id twice within a type; must outlive this. `now_ms` is for `ap` of dates.
    Oracle(std::vector<json::Value> resources, std::int16_t offset_minutes, std::int64_t now_ms);
    Oracle(Oracle&&) noexcept;
    ~Oracle();

    /// "Type/id" of what matches all pairs, sorted as text. Pairs are criteria: no _sort, _count, _include.
    std::vector<std::string> search(std::string_view type, const Pairs& pairs) const;
    /// Whether the resources stand in the order of a `_sort` value; those without a value come last either way.
    bool in_order(std::string_view type, const std::vector<std::string>& ids, std::string_view sort) const;

    const std::vector<json::Value>& resources() const;
    /// A terminology made of the codes at hand: value set "urn:oracle:vs:N" has every code whose hash leaves N by 5, and a
    /// code lies below every code that begins it. (system, code).
    std::vector<std::pair<std::string, std::string>> codes_in(std::string_view value_set) const;
    std::vector<std::string> codes_below(std::string_view system, std::string_view code, bool below) const;
    std::vector<std::string> types() const;

    struct Inside;
    const Inside& inside() const { return *inside_; }

private:
    std::unique_ptr<Inside> inside_;
};

struct Asked {
    std::string type;
    Pairs pairs;
    std::string text() const;  // "Observation?code=x&…", for messages
};

/// A valid query with one to three criteria, of all kinds, whose values mostly come from the resources.
Asked random_query(const Oracle& oracle, std::mt19937_64& random);

}  // namespace xinglin::search_oracle
