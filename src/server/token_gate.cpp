// SPDX-License-Identifier: Apache-2.0
// Scopes at the front door. What a room asks beside (Viewer::allows, the record's guard) comes on top of this.
#include "server/token_gate.h"

#include <algorithm>

#include "oauth/scope.h"
#include "server/house.h"
#include "server/token_grants.h"

namespace xinglin::server {

namespace {

// They ask the scope themselves for the types they tell of, or tell of no record.
constexpr std::string_view ask_themselves[] = {"/api/v1/card",         "/api/v1/persons",   "/api/v1/registry",
                                               "/api/v1/views",        "/api/v1/documents", "/api/v1/terminology",
                                               "/api/v1/openapi.json", "/api/v1/people"};

bool only_reads(const http::Request& request) {
    return request.method == "GET" || request.method == "HEAD" || request.method == "OPTIONS";
}

bool is_under(std::string_view path, std::string_view folder) {
    return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

bool is_system(const access::Viewer& viewer) { return viewer.role == access::Role::system; }

Result<oauth::Granted> scopes_of(const access::Viewer& viewer) {
    return oauth::Granted::parse(is_system(viewer) ? viewer.scope : viewer.granted);
}

/// What of the scopes counts for this request, for the rooms that ask by type; and its conditions, for the record's guard.
Result<Done> hold_to(House& house, const oauth::Passage& passage, access::Viewer& viewer) {
    if (!passage.conditions.empty()) {
        XINGLIN_TRY(viewer.guard, house.grants->limit(viewer, passage.conditions));
    }
    (is_system(viewer) ? viewer.scope : viewer.granted) = passage.granted;
    return Done{};
}

/// Calls of ours that read through the record's guard and nothing else.
bool is_narrowed(const http::Request& request) {
    const std::string_view path = request.path;
    if (path.ends_with("/accesses")) return false;  // who looked at a record
    return only_reads(request) && (is_under(path, "/api/v1/people") || is_under(path, "/api/v1/documents") ||
                                   (path.starts_with("/api/v1/views/") && path.ends_with("/rows")));
}

/// Such a call, with whatever scopes the token has.
Result<Done> narrow_call(House& house, const oauth::Granted& granted, access::Viewer& viewer) {
    http::Request any;
    any.method = "GET";
    any.path = "/fhir";
    XINGLIN_TRY(const oauth::Passage passage, oauth::pass(granted, is_system(viewer), viewer.in_context, any));
    return hold_to(house, passage, viewer);
}

}  // namespace

bool is_scoped(const access::Viewer& viewer) { return !viewer.granted.empty() || is_system(viewer); }

std::optional<Outcome> narrow(House& house, const http::Request& request, access::Viewer& viewer) {
    if (!is_scoped(viewer) || viewer.scope == "system/*.cruds") return std::nullopt;
    const auto narrowed = [&]() -> Result<Done> {
        XINGLIN_TRY(const oauth::Granted granted, scopes_of(viewer));
        XINGLIN_TRY(const oauth::Passage passage, oauth::pass(granted, is_system(viewer), viewer.in_context, request));
        return hold_to(house, passage, viewer);
    }();
    if (narrowed.ok()) return std::nullopt;
    house.write_down(viewer, request, "refused", 403, "", "", "scope");
    return narrowed.outcome();
}

std::optional<Outcome> admit_call(House& house, const http::Request& request, access::Viewer& viewer) {
    if (!is_scoped(viewer) || viewer.scope == "system/*.cruds") return std::nullopt;
    if (!is_under(request.path, "/api/v1")) {
        if (viewer.granted.empty()) return std::nullopt;
        return refuse(IssueCode::forbidden, "scope", "an app does not act as the person here; log in with a browser");
    }
    const auto granted = scopes_of(viewer);
    if (!granted.ok()) return granted.outcome();
    if (is_narrowed(request)) {
        const auto narrowed = narrow_call(house, *granted, viewer);
        return narrowed.ok() ? std::nullopt : std::optional(narrowed.outcome());
    }
    const auto asks_itself = [&](std::string_view folder) { return is_under(request.path, folder); };
    if (is_system(viewer) && std::any_of(std::begin(ask_themselves), std::end(ask_themselves), asks_itself)) return std::nullopt;
    const oauth::Scope needed{is_system(viewer) ? oauth::Whose::system : oauth::Whose::user, "*",
                              only_reads(request) ? "rs" : "cruds", ""};
    std::string whole;
    for (const oauth::Scope& each : granted->resources) {
        if (each.covers(needed)) whole = each.text();
    }
    if (whole.empty())
        return refuse(IssueCode::forbidden, "scope", "this call tells of records of all types; it needs " + needed.text());
    if (!viewer.granted.empty()) viewer.granted = whole;
    return std::nullopt;
}

}  // namespace xinglin::server
