// SPDX-License-Identifier: Apache-2.0
// Inside the room: whoever comes with a scope goes no further than it says, on every path.
#pragma once

#include <optional>

#include "access/access.h"
#include "http/http.h"
#include "outcome/outcome.h"

namespace xinglin::server {

struct House;

/// Does this viewer act within a scope: a system, or a person's app?
bool is_scoped(const access::Viewer& viewer);
/// A request under /fhir: what of the viewer's scopes counts for it is left in the viewer, what they leave out becomes part of the viewer's
/// guard. Refused: what no scope includes, and what cannot be narrowed.
std::optional<Outcome> narrow(House& house, const http::Request& request, access::Viewer& viewer);
/// Calls of our own. People, documents and rows of views are narrowed the same way; others tell of many types at once, so only scopes of
/// all of them (user/*.rs, system/*.rs; to write .cruds) open them, except those that ask the scope for the types they tell of.
std::optional<Outcome> admit_call(House& house, const http::Request& request, access::Viewer& viewer);

}  // namespace xinglin::server
