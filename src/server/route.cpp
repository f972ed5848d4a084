// SPDX-License-Identifier: Apache-2.0
// Finding a route, and answering in its manner.
#include "server/route.h"

#include "server/house.h"
#include "server/pages.h"
#include "text/text.h"

namespace xinglin::server {

namespace {

bool fits(std::string_view pattern, std::string_view path, std::vector<std::string>& holes) {
    holes.clear();
    const auto wanted = text::split(pattern, '/'), found = text::split(path, '/');
    if (wanted.size() != found.size()) return false;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (wanted[i].starts_with('{')) {
            if (found[i].empty()) return false;
            holes.emplace_back(found[i]);
        } else if (wanted[i] != found[i]) {
            return false;
        }
    }
    return true;
}

}  // namespace

std::string_view text(Who who) {
    switch (who) {
        case Who::anyone: return "anyone";
        case Who::logged_in: return "whoever is logged in";
        case Who::writer: return "whoever may write";
    }
    return "";
}

std::vector<const Route*> all_routes() {
    std::vector<const Route*> all;
    for (const auto routes :
         {open_routes(),      account_routes(),       security_routes(),       staff_account_routes(), activation_routes(),
          system_routes(),    import_routes(),        export_routes(),         element_routes(),       terminology_routes(),
          explain_routes(),   profile_routes(),       backup_routes(),         mapping_routes(),       view_routes(),
          intake_routes(),    screen_routes(),        channel_routes(),        document_routes(),      quality_routes(),
          registry_routes(),  registry_edit_routes(), registry_stray_routes(), registry_area_routes(), registry_import_routes(),
          persons_routes(),   card_routes(),          oauth_routes(),          client_routes(),        consent_routes(),
          emergency_routes(), audit_routes(),         audit_case_routes(),     policy_routes()}) {
        for (const Route& route : routes) all.push_back(&route);
    }
    return all;
}

const Route* find_route(const http::Request& request, std::vector<std::string>& holes, std::string& methods_allowed) {
    const std::string_view method = request.method == "HEAD" ? std::string_view("GET") : std::string_view(request.method);
    for (const Route* route : all_routes()) {
        if (!fits(route->pattern, request.path, holes)) continue;
        if (route->method == method) return route;
        methods_allowed += (methods_allowed.empty() ? "" : ", ") + std::string(route->method);
    }
    return nullptr;
}

http::Response json_response(int status, json::Value body) {
    http::Response response = http::Response::text(status, "application/json", json::write(body));
    response.headers.set("Cache-Control", "no-store");
    add_security_headers(response.headers);
    return response;
}

http::Response error_response(const Outcome& outcome, std::string_view trace_id) {
    json::Arena arena;
    const Issue* first = outcome.issues.empty() ? nullptr : &outcome.issues.front();
    const json::Value error = arena.object({{"code", arena.string(fhir_code(outcome.code()))},
                                            {"where", arena.string(first ? first->where : "")},
                                            {"message", arena.string(first ? first->what : "")},
                                            {"trace", arena.string(trace_id)}});
    http::Response response = json_response(http_status(outcome.code()), arena.object({{"error", error}}));
    if (outcome.code() == IssueCode::throttled) response.headers.set("Retry-After", "300");
    if (outcome.code() == IssueCode::transient) response.headers.set("Retry-After", "5");
    return response;
}

void Visit::answer(int status, json::Value body) { respond(json_response(status, body)); }

void Visit::answer_nothing(int status) {
    http::Response response;
    response.status = status;
    response.headers.set("Cache-Control", "no-store");
    respond(std::move(response));
}

void Visit::refuse(const Outcome& outcome) {
    if (http_status(outcome.code()) == 403) house.write_down_refusal(viewer, request, outcome);
    respond(error_response(outcome, request.trace_id));
}

std::optional<std::vector<std::pair<std::string, std::string>>> Visit::fields() {
    const auto no = [&](std::string where, std::string what) {
        refuse(xinglin::refuse(IssueCode::invalid, std::move(where), std::move(what)));
        return std::nullopt;
    };
    // A form of another site cannot send this type without being asked first.
    if (!request.headers.get("Content-Type").starts_with("application/json"))
        return no("Content-Type", "send the body as application/json");
    json::Arena arena;
    const auto body = json::parse(request.body, arena, {.depth = 4, .bytes = 64u << 10});
    if (!body.ok()) {
        refuse(body.outcome());
        return std::nullopt;
    }
    if (!body->is_object()) return no("body", "expected a JSON object");
    std::vector<std::pair<std::string, std::string>> all;
    for (const json::Member& member : body->members()) {
        if (!member.value().is_string()) return no(std::string(member.key()), "expected a string");
        all.emplace_back(member.key(), member.value().string());
    }
    return all;
}

std::string Visit::parameter(std::string_view name) const {
    const auto query = http::parse_query(request.query);
    if (!query.ok()) return "";
    for (const auto& [key, value] : *query) {
        if (key == name) return value;
    }
    return "";
}

}  // namespace xinglin::server
