// SPDX-License-Identifier: Apache-2.0
// Inside the room: entries of the registries as JSON, and who may see or change them.
#pragma once

#include "registry/registry.h"
#include "registry/revision.h"
#include "server/house.h"
#include "server/route.h"

namespace xinglin::server {

/// Everybody who is logged in but residents, and systems whose scope lets them read Organizations. Answers 403 itself.
bool may_see_registry(Visit& visit);
/// Administrators and operators, and systems whose scope lets them write Organizations. Answers 403 itself.
bool may_edit_registry(Visit& visit);

/// What the class of an entry is called: by its code, else as the entry says.
std::string class_name(House& house, const registry::Entry& entry, std::string_view language);
/// As a list shows it. `at`: a day, "" for now.
json::Value entry_json(House& house, json::Arena& arena, const registry::Entry& entry, std::string_view at,
                       std::string_view language, std::string_view matched = {});
json::Value reference_json(House& house, json::Arena& arena, const std::string& reference);
json::Value counts_json(json::Arena& arena, const registry::Counts& counts);
json::Value revised_json(json::Arena& arena, const registry::Revised& revised);
std::string registry_language(const Visit& visit);

}  // namespace xinglin::server
