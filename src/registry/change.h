// SPDX-License-Identifier: Apache-2.0
// What may happen to entries in the course of time, one or many at once: renamed, closed, opened again, merged, moved, given another code.
//
// What was is kept in the entry itself, with the days it was in force: a former name, a former code, what became of it.
#pragma once

#include <string>
#include <vector>

#include "registry/registry.h"
#include "registry/revision.h"

namespace xinglin::registry {

struct Command {
    std::string what;                  // rename close reopen merge move recode bed_state area class
    std::vector<std::string> entries;  // "Organization/x"
    std::string value;                 // the new name, code, state; of merge and move whom into
    std::string system;                // of recode; "" the usual one of its kind
    std::string day;                   // from when; "" today
    std::string note;
};

/// Works out what the command changes. Refuses by name: an unknown entry, a day that is none, a cycle (invariant), a code that another
/// entry has (conflict), what cannot be done to this kind of entry.
Result<Revision> plan(const Registry& registry, const Command& command, std::string_view who);

/// The system of the code that entries of a kind are known by.
std::string_view code_system_of(Kind kind);
/// True when `above` is `reference` or lies above it by the catalogue.
bool leads_to(const Registry& registry, std::string_view from, std::string_view reference);

}  // namespace xinglin::registry
