// SPDX-License-Identifier: Apache-2.0
// /api/v1/explain: how a search is answered, step by step.
#include <chrono>

#include "server/house.h"
#include "server/route.h"

namespace xinglin::server {

namespace {

/// The refusal of a FHIR call in the words of this one.
Outcome refusal_of(const http::Response& response, json::Value outcome) {
    const json::Value issue = outcome["issue"][std::size_t{0}];
    const std::string where(issue["expression"][std::size_t{0}].string());
    std::string what(issue["diagnostics"].string());
    if (!where.empty() && what.starts_with(where + ": ")) what.erase(0, where.size() + 2);
    const IssueCode code = response.status == 403   ? IssueCode::forbidden
                           : response.status == 404 ? IssueCode::not_found
                                                    : IssueCode::value;
    return refuse(code, where.empty() ? "query" : where, what.empty() ? "the search was refused" : what);
}

void answer_plan(Visit& visit, const http::Response& response, double took_ms) {
    json::Arena arena;
    const auto bundle = json::parse(response.body, arena, {.depth = 1'000, .bytes = response.body.size() + 1});
    if (response.status != 200 || !bundle.ok()) return visit.refuse(refusal_of(response, bundle.ok() ? *bundle : json::Value()));
    std::int64_t returned = 0;
    json::Value steps = arena.array({});
    for (const json::Node& node : (*bundle)["entry"].items()) {
        const json::Value entry(&node);
        if (entry["search"]["mode"].string() == "match") ++returned;
        const std::string_view plan = entry["resource"]["extension"][std::size_t{0}]["valueString"].string();
        if (entry["search"]["mode"].string() != "outcome" || plan.empty()) continue;
        if (auto read = json::parse(plan, arena); read.ok()) steps = *read;
    }
    const json::Value total = (*bundle)["total"];
    visit.answer(200, arena.object({{"total", total ? total : arena.null()},
                                    {"returned", arena.number(returned)},
                                    {"took_ms", arena.number(fmt::format("{:.3f}", took_ms))},
                                    {"steps", steps}}));
}

// Asked through the FHIR door, so that the viewer's rights, limits and the audit are those of the search itself.
void explain(Visit& visit) {
    const std::string type = visit.parameter("type");
    const fhir::Type* known = fhir::find_resource(type);
    if (!known || known->is_abstract)
        return visit.refuse(refuse(IssueCode::value, "type", "expected a resource type such as Observation"));
    std::string query = visit.parameter("query");
    if (query.starts_with('?')) query.erase(0, 1);
    http::Request request;
    request.method = "GET";
    request.path = "/fhir/" + type;
    request.query = query + (query.empty() ? "" : "&") + "_explain=true&_format=json";
    request.target = request.path + "?" + request.query;
    request.headers.set("Host", std::string(visit.request.headers.get("Host")));
    request.peer = visit.request.peer;
    request.scheme = visit.request.scheme;
    request.trace_id = visit.request.trace_id;
    const auto start = std::chrono::steady_clock::now();
    auto asked = std::make_shared<Visit>(std::move(visit));
    asked->house.api->handle(std::move(request), asked->viewer, [asked, start](http::Response response) {
        const double took_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
        answer_plan(*asked, response, took_ms);
    });
}

constexpr Route routes[] = {
    {"GET", "/api/v1/explain", Who::logged_in,
     "How a search is answered: ?type=Observation&query=<the search, encoded>. `touched` counts index rows (a block of a "
     "posting list is one) and resources looked at; the time of a step includes the steps below it.",
     "",
     R"({"total":null,"returned":20,"took_ms":0.41,"steps":[{"id":0,"parent":null,"kind":"page","words":"one page","parameter":null,)"
     R"("estimate":null,"touched":0,"kept":20,"took_ms":0.30}]})",
     explain},
};

}  // namespace

std::span<const Route> explain_routes() { return routes; }

}  // namespace xinglin::server
