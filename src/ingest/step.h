// SPDX-License-Identifier: Apache-2.0
// Inside the room: one change on its way: made ready outside the writer, carried out inside.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ingest/ingest.h"
#include "search/search.h"

namespace xinglin::ingest {

/// A change with everything worked out that can be before the writer sees it. Outside, a condition is answered from
/// the present state as a guess; inside it is asked again, and only a wrong guess costs the writer a preparation.
struct Step {
    Change change;
    std::optional<search::Query> query;  // the condition, parsed
    std::string target;                  // id it will be written under; guessed when there is a condition
    bool creates = false;                // no match: target is a fresh id
    std::optional<record::Prepared> prepared;
    std::int64_t patched_version = 0;  // of a patch: the version it was applied to
    json::Value resource;              // with its id, links rewritten
    std::string patient;
    Written written;
    bool only_if_absent = false;  // an update that is left out when the resource is there
    /// An update that is left out when this is true of the present version's body.
    std::function<bool(std::string_view present)> unless;
};

class Steps {
public:
    /// `options` outlive the steps.
    Steps(record::Store& store, json::Arena& arena, const Options& options) : store_(store), arena_(arena), options_(options) {}

    /// Type, id, structure, condition: everything that can be refused without looking at the record.
    Result<Done> examine(Step& step);
    /// Guesses the target of a condition.
    Result<Done> guess(Step& step);
    /// Puts the id into the resource and prepares it. Uses step.resource.
    void prepare(Step& step);

    /// Inside the writer: settles the target; true when the guess was wrong and the step must be prepared again.
    Result<bool> settle(Step& step, record::Transaction& transaction);
    /// Inside the writer: preconditions, then the write. When it refuses, nothing of the step was written.
    Result<Done> carry_out(Step& step, record::Transaction& transaction);

private:
    record::Store& store_;
    json::Arena& arena_;
    const Options& options_;

    Result<Done> match(Step& step, const std::vector<std::string>& found);
    Result<Done> match_patch(Step& step, const std::vector<std::string>& found);
    /// Applies the step's patch to a version; what comes of it is checked like any update.
    Result<Done> patch(Step& step, const record::Version& present);
    Result<Done> check(Step& step);
    /// Asks what the sender is held to of what is there and of what will be.
    Result<Done> hold(const Step& step, const record::Transaction::State* present, record::Transaction& transaction);
};

/// Encoded parameters of a condition, as a query that selects something.
Result<search::Query> parse_condition(const fhir::Type& type, std::string_view encoded, std::int16_t offset_minutes);
/// Structure of a resource of this type; also that it is one.
Result<Done> check_resource(json::Value resource, const fhir::Type* expected);
/// Ids matching a query in the committed state, at most two.
Result<std::vector<std::string>> find_ids(record::Store& store, const search::Query& query);

}  // namespace xinglin::ingest
