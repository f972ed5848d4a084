// SPDX-License-Identifier: Apache-2.0
// One name-value pair of a query that asks something of the resources: value, chain, _has, _id, _lastUpdated.
#pragma once

#include <string>
#include <string_view>

#include "search/search.h"

namespace xinglin::search {

class CriterionParser {
public:
    explicit CriterionParser(const ParseOptions& options) : options_(options) {}

    /// `types`: those asked, all of which must know the parameter; not empty.
    Result<Criterion> parse(std::span<const fhir::Type* const> types, std::string_view name, std::string_view value);

private:
    const ParseOptions& options_;
    std::string_view written_;  // the whole name, for refusals
    std::size_t made_ = 0;      // criteria so far, chains over many types multiply
    std::size_t depth_ = 0;

    Outcome bad(IssueCode code, std::string what) const;
    Result<Criterion> any(std::span<const fhir::Type* const> types, std::string_view name, std::string_view value);
    Result<Criterion> has(std::span<const fhir::Type* const> types, std::string_view rest, std::string_view value);
    Result<Criterion> chain(const Parameter& parameter, std::string_view type, std::string_view rest, std::string_view value);
    Result<Criterion> plain(const Parameter& parameter, std::string_view modifier, std::string_view value);
    Result<Done> set_modifier(Criterion& criterion, std::string_view modifier) const;
    Result<Done> set_alternatives(Criterion& criterion, std::string_view value) const;
};

}  // namespace xinglin::search
