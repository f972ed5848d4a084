// SPDX-License-Identifier: Apache-2.0
// Scopes at the front door. What a room asks beside (Viewer::allows, the record's guard) comes on top of this.
#include "server/token_gate.h"

#include <algorithm>

#include "oauth/scope.h"
#include "search/search.h"
#include "server/house.h"
#include "text/text.h"

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

/// The request was narrowed to the conditions of these scopes, so what is left of them holds without.
void leave(access::Viewer& viewer, const std::string& granted) {
    std::string plain;
    for (const std::string_view scope : text::split(granted, ' '))
        plain += (plain.empty() ? "" : " ") + std::string(scope.substr(0, scope.find('?')));
    (is_system(viewer) ? viewer.scope : viewer.granted) = std::move(plain);
}

/// Is there such a resource within the scope? What is not is answered as what never was.
std::optional<Outcome> look_first(House& house, const oauth::Passage& passage, const access::Viewer& viewer) {
    const fhir::Type* type = fhir::find_resource(passage.check_type);
    auto pairs = http::parse_query(passage.check_query);
    if (!pairs.ok()) return pairs.outcome();
    pairs->emplace_back("_id", passage.check_id);
    auto query = search::parse(std::span(&type, 1), *pairs, {.offset_minutes = house.store->offset_minutes()});
    if (!query.ok()) return query.outcome();
    if (passage.check_context) {
        query->compartment_type = "Patient";
        query->compartment_id = viewer.in_context;
    }
    const auto found = house.store->reader(viewer).count(*query);
    if (!found.ok()) return found.outcome();
    if (*found == 0) return refuse(IssueCode::not_found, passage.check_type, "there is no such resource");
    return std::nullopt;
}

}  // namespace

bool is_scoped(const access::Viewer& viewer) { return !viewer.granted.empty() || is_system(viewer); }

std::optional<Outcome> narrow(House& house, http::Request& request, access::Viewer& viewer) {
    if (!is_scoped(viewer) || viewer.scope == "system/*.cruds") return std::nullopt;
    const auto granted = scopes_of(viewer);
    if (!granted.ok()) return granted.outcome();
    auto passage = oauth::pass(*granted, is_system(viewer), viewer.in_context, request);
    if (!passage.ok()) {
        house.write_down(viewer, request, "refused", 403, "", "", "scope");
        return passage.outcome();
    }
    if (!passage->check_type.empty()) {
        if (const auto no = look_first(house, *passage, viewer)) {
            house.write_down(viewer, request, "read", http_status(no->code()), passage->check_type, passage->check_id, "scope");
            return no;
        }
    }
    leave(viewer, passage->granted);
    if (passage->path.empty()) return std::nullopt;
    request.path = std::move(passage->path);
    request.query = std::move(passage->query);
    request.target = request.path + (request.query.empty() ? "" : "?" + request.query);
    if (request.method == "POST") {  // a search by form has become one by address
        request.method = "GET";
        request.body.clear();
    }
    return std::nullopt;
}

std::optional<Outcome> admit_call(const http::Request& request, access::Viewer& viewer) {
    if (!is_scoped(viewer)) return std::nullopt;
    if (!is_under(request.path, "/api/v1")) {
        if (viewer.granted.empty()) return std::nullopt;
        return refuse(IssueCode::forbidden, "scope", "an app does not act as the person here; log in with a browser");
    }
    const auto asks_itself = [&](std::string_view folder) { return is_under(request.path, folder); };
    if (is_system(viewer) && std::any_of(std::begin(ask_themselves), std::end(ask_themselves), asks_itself)) return std::nullopt;
    const auto granted = scopes_of(viewer);
    const oauth::Scope needed{is_system(viewer) ? oauth::Whose::system : oauth::Whose::user, "*",
                              only_reads(request) ? "rs" : "cruds", ""};
    std::string whole;
    for (const oauth::Scope& each : granted.ok() ? granted->resources : std::vector<oauth::Scope>()) {
        if (each.covers(needed)) whole = each.text();
    }
    if (whole.empty())
        return refuse(IssueCode::forbidden, "scope", "this call tells of records of all types; it needs " + needed.text());
    if (!viewer.granted.empty()) viewer.granted = whole;
    return std::nullopt;
}

}  // namespace xinglin::server
