// SPDX-License-Identifier: Apache-2.0
// Inside the room: one entry of a batch or transaction, as read from its request.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ingest/step.h"

namespace xinglin::ingest {

struct Entry {
    std::size_t index = 0;  // in the bundle
    std::string full_url;
    std::optional<ReadAsked> read;  // GET, HEAD
    Step step;                      // otherwise
    bool has_conditional_references = false;
};

/// `base_url` is cut off the front of absolute addresses. The refusal's paths begin with "Bundle.entry[i]".
Result<Entry> read_entry(json::Value entry, std::size_t index, std::string_view base_url, bool want_body);

/// "Bundle.entry[3].resource.birthDate" for what was found at "Patient.birthDate" of the entry's resource.
Outcome within_entry(Outcome outcome, std::size_t index);

}  // namespace xinglin::ingest
