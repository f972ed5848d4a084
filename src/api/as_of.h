// SPDX-License-Identifier: Apache-2.0
// Inside the room: what a request asks to be told as it was, and writes that describe a change.
#pragma once

#include "api/exchange.h"

namespace xinglin::api {

/// `_asOf`: a feed position, an instant, or a date (its end). Nothing when unsaid. Refuses nonsense and the future.
Result<std::optional<record::Position>> read_as_of(const Exchange& exchange, record::Reader& reader);
/// Patient/ID/$everything?_asOf=…: the compartment as it was, deletions and changes of hands since undone.
Answer answer_everything_as_of(Exchange& exchange, const std::string& id);

/// /api/v1/people/ID/timeline: the days on which something was written about the person, in the store's zone.
Answer answer_timeline(Exchange& exchange, const std::string& id);

/// PATCH with a JSON Patch; `id` "" : the one resource that matches the parameters. Answers later.
void do_patch(const Shared& exchange, const fhir::Type& type, const std::string& id);

}  // namespace xinglin::api
