// SPDX-License-Identifier: Apache-2.0
// Several entries changed at once, as one transaction that can be put back exactly as it was.
//
// What was done is kept in the record itself: a Provenance that names the version each entry got. Undoing writes what the version before
// said, and refuses when an entry has changed since; it is a revision too, so that it can be undone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "calendar/calendar.h"
#include "ingest/ingest.h"
#include "outcome/outcome.h"
#include "record/record.h"

namespace xinglin::registry {

inline constexpr std::string_view activity_system = "urn:xinglin:codesystem:registry-activity";  // import, change, undo

struct Write {
    std::string reference;
    std::int64_t present = 0;  // the version that it was worked out from; 0: there was none
    std::string body;          // JSON with resourceType and id; "" takes it away
};
struct Revision {
    std::string what, said;  // import, change, undo; "beds.xlsx", "rename"
    std::string of;          // of an undo: the id of what it undoes
    std::string who;         // account
    std::vector<Write> writes;
};
/// A revision that was written.
struct Revised {
    std::string id, what, said, of, who;
    std::int64_t at_ms = 0;
    std::size_t entries = 0;
    std::string undone_by;  // id of the undo that holds; "" while it stands
};

/// Stores all of it or nothing and returns its id. Refuses when an entry is not any more as it was when the revision was made
/// (precondition), when it says nothing, or more than 20,000 things.
Result<std::string> revise(record::Store& store, ingest::Ingest& ingest, const calendar::Clock& clock, const Revision& revision);
/// The newest 200, newest first.
Result<std::vector<Revised>> revisions(record::Store& store);
/// What puts everything back. Refuses an unknown id, one that is undone already, and one whose entries have changed since (naming them).
Result<Revision> undoing(record::Store& store, std::string_view id, std::string_view who);

constexpr std::size_t most_writes = 20'000;

}  // namespace xinglin::registry
