// SPDX-License-Identifier: Apache-2.0
// /api/v1/clients: systems and apps that may ask for tokens. For administrators.
#include <algorithm>

#include "oauth/oauth.h"
#include "server/house.h"
#include "server/route.h"
#include "text/text.h"

namespace xinglin::server {

namespace {

bool may(Visit& visit) {
    if (visit.viewer.may_administer()) return true;
    visit.refuse(refuse(IssueCode::forbidden, "role", "clients are registered by administrators"));
    return false;
}

json::Value list(json::Arena& arena, const std::vector<std::string>& words) {
    std::vector<json::Value> all;
    for (const std::string& each : words) all.push_back(arena.string(each));
    return arena.array(all);
}

json::Value json_of(json::Arena& arena, const oauth::Client& client) {
    return arena.object(
        {{"name", arena.string(client.name)},
         {"public", arena.boolean(client.is_public)},
         {"grants", list(arena, client.grants)},
         {"redirects", list(arena, client.redirects)},
         {"scope", arena.string(client.scope)},
         {"has_keys", arena.boolean(!client.jwks.empty())},
         {"jwks_url", client.jwks_url.empty() ? json::Value() : arena.string(client.jwks_url)},
         {"certificate", client.certificate.empty() ? json::Value() : arena.string(text::hex(client.certificate))},
         {"id_token", arena.string(client.id_token_algorithm)},
         {"since", arena.string(calendar::instant_text(client.created_ms))}});
}

void list_clients(Visit& visit) {
    if (!may(visit)) return;
    json::Arena arena;
    std::vector<json::Value> all;
    for (const auto& each : visit.house.oauth->clients()) all.push_back(json_of(arena, each));
    visit.answer(200, arena.object({{"clients", arena.array(all)}}));
}

std::vector<std::string> words_of(json::Value value) {
    std::vector<std::string> all;
    for (const json::Node& each : value.items()) all.emplace_back(json::Value(&each).string());
    return all;
}

constexpr std::string_view settings[] = {"name", "public",   "grants",      "redirects", "scope",
                                         "jwks", "jwks_url", "certificate", "id_token"};

void add_client(Visit& visit) {
    if (!may(visit)) return;
    if (!visit.request.headers.get("Content-Type").starts_with("application/json"))
        return visit.refuse(refuse(IssueCode::invalid, "Content-Type", "send the body as application/json"));
    json::Arena arena;
    const auto body = json::parse(visit.request.body, arena, {.depth = 8, .bytes = 128u << 10});
    if (!body.ok()) return visit.refuse(body.outcome());
    for (const json::Member& each : body->members()) {
        if (std::find(std::begin(settings), std::end(settings), each.key()) == std::end(settings))
            return visit.refuse(refuse(IssueCode::value, std::string(each.key()), "is no setting of a client"));
    }
    oauth::Client client;
    client.name = (*body)["name"].string();
    client.is_public = (*body)["public"].as_bool();
    client.grants = words_of((*body)["grants"]);
    client.redirects = words_of((*body)["redirects"]);
    client.scope = (*body)["scope"].string();
    if ((*body)["jwks"]) client.jwks = json::write((*body)["jwks"]);
    client.jwks_url = (*body)["jwks_url"].string();
    if (const auto pem = (*body)["certificate"].string(); !pem.empty()) {
        auto print = oauth::print_of_certificate(pem);
        if (!print.ok()) return visit.refuse(print.outcome());
        client.certificate = std::move(*print);
    }
    if (const auto algorithm = (*body)["id_token"].string(); !algorithm.empty()) client.id_token_algorithm = algorithm;
    const std::string name = client.name;
    const auto added = visit.house.oauth->add_client(std::move(client));
    visit.house.write_down(visit.viewer, visit.request, "client", added.ok() ? 201 : http_status(added.outcome().code()), "", "",
                           added.ok() ? "added " + name : "");
    if (!added.ok()) return visit.refuse(added.outcome());
    json::Arena answer;
    visit.answer(201, json_of(answer, *visit.house.oauth->client(name)));
}

void remove_client(Visit& visit) {
    if (!may(visit)) return;
    const auto removed = visit.house.oauth->remove_client(visit.holes[0]);
    visit.house.write_down(visit.viewer, visit.request, "client", removed.ok() ? 204 : 404, "", "",
                           removed.ok() ? "removed " + visit.holes[0] : "");
    if (!removed.ok()) return visit.refuse(removed.outcome());
    visit.answer_nothing();
}

constexpr std::string_view example =
    R"({"name":"growth-chart","public":true,"grants":["authorization_code","refresh_token"],"redirects":["https://app.example/cb"],"scope":"openid launch/patient patient/*.rs"})";

constexpr Route routes[] = {
    {"GET", "/api/v1/clients", Who::logged_in, "Systems and apps that may ask for tokens; for administrators.", "",
     R"({"clients":[]})", list_clients},
    {"POST", "/api/v1/clients", Who::logged_in, "Register one: public, or with jwks, jwks_url or certificate (PEM).", example,
     example, add_client},
    {"DELETE", "/api/v1/clients/{name}", Who::logged_in, "Remove one; what it holds ends at once.", "", "", remove_client},
};

}  // namespace

std::span<const Route> client_routes() { return routes; }

}  // namespace xinglin::server
