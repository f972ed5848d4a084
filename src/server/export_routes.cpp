// SPDX-License-Identifier: Apache-2.0
// /api/v1/exports: bulk exports for the web pages. The same jobs as FHIR's $export.
#include <fstream>
#include <sstream>

#include "server/house.h"
#include "server/release_desk.h"
#include "server/route.h"

namespace xinglin::server {

namespace {

http::Response json_text(std::string body) {
    http::Response response = http::Response::text(200, "application/json", std::move(body));
    response.headers.set("Cache-Control", "no-store");
    return response;
}

bool is_theirs(const Visit& visit, const bulk::Job& job) { return job.by == visit.viewer.name || visit.viewer.may_administer(); }
/// Of releases those who approve them see that they are, and their report.
bool is_shown(const Visit& visit, const bulk::Job& job) {
    return is_theirs(visit, job) || (!job.release().empty() && may_approve_release(visit.house, visit.viewer));
}

void list(Visit& visit) {
    std::string body = R"({"exports":[)";
    for (const bulk::Job& job : visit.house.exports->list()) {
        if (is_shown(visit, job))
            body += (body.back() == '[' ? "" : ",") + bulk::json_of(job, "/fhir", visit.house.clock.now_ms(), false);
    }
    body += fmt::format(R"(],"may_ask":{},"may_approve":{}}})", may_ask_for_release(visit.house, visit.viewer),
                        may_approve_release(visit.house, visit.viewer));
    visit.respond(json_text(std::move(body)));
}

/// The members of the body as parameters of $export.
Result<bulk::Parameters> read_parameters(json::Value body) {
    bulk::Parameters parameters;
    std::string types;
    for (const json::Node& node : body.find("types").items())
        types += (types.empty() ? "" : ",") + std::string(json::Value(&node).string());
    if (!types.empty()) parameters.emplace_back("_type", types);
    for (const json::Node& node : body.find("type_filter").items())
        parameters.emplace_back("_typeFilter", json::Value(&node).string());
    for (const auto& [member, parameter] :
         {std::pair{"since", "_since"}, std::pair{"until", "_until"}, std::pair{"release", "_release"}}) {
        if (const auto value = body.find(member); value && !value.is_null() && !value.text().empty())
            parameters.emplace_back(parameter, value.text());
    }
    constexpr std::string_view known[] = {"level", "group", "types", "since", "until", "type_filter", "release"};
    for (const json::Member& member : body.members()) {
        if (std::find(std::begin(known), std::end(known), member.key()) == std::end(known))
            return refuse(IssueCode::value, std::string(member.key()),
                          "expected level, group, types, since, until, type_filter or release");
    }
    return parameters;
}

Result<std::string> begin(Visit& visit) {
    json::Arena arena;
    XINGLIN_TRY(const json::Value body, json::parse(visit.request.body, arena));
    if (!body.is_object()) return refuse(IssueCode::invalid, "body", "expected a JSON object such as {\"level\":\"system\"}");
    XINGLIN_TRY(const bulk::Parameters parameters, read_parameters(body));
    const std::string_view level_name = body.find("level").string(), group = body.find("group").string();
    bulk::Level level = bulk::Level::system;
    if (level_name == "patient") level = bulk::Level::patient;
    else if (level_name == "group") level = bulk::Level::group;
    else if (level_name != "system" && !level_name.empty())
        return refuse(IssueCode::value, "level", "must be system, patient or group");
    if (level == bulk::Level::group && group.empty()) return refuse(IssueCode::required, "group", "name the Group by its id");
    XINGLIN_TRY(bulk::Order order, bulk::read_order(level, level == bulk::Level::group ? group : "", parameters, false,
                                                    visit.house.store->offset_minutes(), visit.house.clock.now_ms()));
    if (!order.release.empty() && !may_ask_for_release(visit.house, visit.viewer))
        return refuse(IssueCode::forbidden, "role", "your role asks for no releases (deidentify/release.json, asked_by)");
    XINGLIN_CHECK(bulk::admit(order, visit.viewer));
    const std::string address = level == bulk::Level::system    ? "/fhir/$export"
                                : level == bulk::Level::patient ? "/fhir/Patient/$export"
                                                                : fmt::format("/fhir/Group/{}/$export", group);
    return visit.house.exports->add(order, visit.viewer.name, address);
}

void add(Visit& visit) {
    const auto id = begin(visit);
    visit.house.write_down(visit.viewer, visit.request, "export", id.ok() ? 202 : http_status(id.outcome().code()), "",
                           id.ok() ? *id : "", "begun");
    if (!id.ok()) return visit.refuse(id.outcome());
    json::Arena arena;
    auto response = json_response(202, arena.object({{"id", arena.string(*id)}}));
    response.headers.add("Location", "/api/v1/exports/" + *id);
    visit.respond(std::move(response));
}

/// The job in the address, if it is the viewer's to see; otherwise it has been answered.
std::optional<bulk::Job> job_of(Visit& visit) {
    auto job = visit.house.exports->find(visit.holes[0]);
    if (job && is_theirs(visit, *job)) return job;
    visit.refuse(refuse(IssueCode::not_found, "id", "there is no such export (any more)"));
    return std::nullopt;
}

void show(Visit& visit) {
    const auto found = visit.house.exports->find(visit.holes[0]);
    if (found && !is_theirs(visit, *found) && is_shown(visit, *found))  // who approves sees what it is, not its files
        return visit.respond(json_text(bulk::json_of(*found, "/fhir", visit.house.clock.now_ms(), false)));
    if (const auto job = job_of(visit)) visit.respond(json_text(bulk::json_of(*job, "/fhir", visit.house.clock.now_ms(), true)));
}

void end(Visit& visit, Result<Done> (bulk::Exports::*act)(std::string_view), std::string_view word) {
    const auto job = job_of(visit);
    if (!job) return;
    const auto done = ((*visit.house.exports).*act)(job->id);
    visit.house.write_down(visit.viewer, visit.request, "export", done.ok() ? 204 : http_status(done.outcome().code()), "",
                           job->id, word);
    if (!done.ok()) return visit.refuse(done.outcome());
    visit.answer_nothing();
}

void cancel(Visit& visit) { end(visit, &bulk::Exports::cancel, "cancelled"); }
void remove(Visit& visit) { end(visit, &bulk::Exports::remove, "removed"); }

void approve(Visit& visit) {
    const auto job = visit.house.exports->find(visit.holes[0]);
    if (!job || !is_shown(visit, *job))
        return visit.refuse(refuse(IssueCode::not_found, "id", "there is no such export (any more)"));
    Result<Done> done = Done{};
    if (!may_approve_release(visit.house, visit.viewer))
        done = refuse(IssueCode::forbidden, "role", "your role approves no releases (deidentify/release.json, approved_by)");
    else done = visit.house.exports->approve(job->id, visit.viewer.name);
    visit.house.write_down(visit.viewer, visit.request, "export", done.ok() ? 204 : http_status(done.outcome().code()), "",
                           job->id, "approved");
    if (!done.ok()) return visit.refuse(done.outcome());
    visit.answer_nothing();
}

void report_as(Visit& visit, std::string_view name, std::string_view type) {
    const auto job = visit.house.exports->find(visit.holes[0]);
    if (!job || !is_shown(visit, *job))
        return visit.refuse(refuse(IssueCode::not_found, "id", "there is no such export (any more)"));
    std::ifstream in(visit.house.exports->path_of(*job, {.name = std::string(name)}), std::ios::binary);
    if (!in) return visit.refuse(refuse(IssueCode::not_found, "id", "has no report (yet): it is no release, or is not done"));
    std::ostringstream content;
    content << in.rdbuf();
    auto response = http::Response::text(200, type, std::move(content).str());
    response.headers.set("Cache-Control", "no-store");
    if (name == bulk::report_page_file) response.headers.set("Content-Disposition", "attachment; filename=\"release.html\"");
    visit.respond(std::move(response));
}
void report(Visit& visit) { report_as(visit, bulk::report_file, "application/json"); }
void report_page(Visit& visit) { report_as(visit, bulk::report_page_file, "text/html; charset=utf-8"); }

constexpr std::string_view job_example =
    R"({"id":"01…","state":"done","level":"system","types":["Patient"],"since":null,"type_filter":[],"position":1200,"resources":1000,)"
    R"("resources_total":1000,"bytes":90000,"files":1,"started_at":"2026-11-22T02:00:00.000Z","finished_at":"2026-11-22T02:00:01.000Z",)"
    R"("per_second":1000,"by":"admin","error":null,"outputs":[{"type":"Patient","url":"/fhir/bulk/01…/Patient.1.ndjson.gz","count":1000,"bytes":90000}]})";

constexpr Route routes[] = {
    {"GET", "/api/v1/exports", Who::logged_in, "Bulk exports, newest first: one's own, for administrators all.", "",
     R"({"exports":[],"may_ask":true,"may_approve":false})", list},
    {"POST", "/api/v1/exports", Who::logged_in,
     "Begin a bulk export; for administrators and systems with a scope. With release (what it is for): a de-identified release, "
     "which waits "
     "for another person's approval; for the roles of deidentify/release.json.",
     R"({"level":"system","types":["Patient","Observation"],"since":"2026-11-01T00:00:00Z","type_filter":["Observation?status=final"]})",
     R"({"id":"01…"})", add},
    {"GET", "/api/v1/exports/{id}", Who::logged_in, "One export with its files.", "", job_example, show},
    {"POST", "/api/v1/exports/{id}/approve", Who::logged_in,
     "Approve a release that somebody else asked for (state asked); for the roles of deidentify/release.json. Is audited.", "",
     "", approve},
    {"GET", "/api/v1/exports/{id}/report", Who::logged_in, "What a release did to hide everybody, and the risk that stays.", "",
     R"({"release":"…","k":10,"reached":true,"quasi":[],"before":{},"after":{"persons":1200,"smallest_class":10,"prosecutor":{"highest":0.1}}})",
     report},
    {"GET", "/api/v1/exports/{id}/report.html", Who::logged_in, "The same as a page.", "", "an HTML page", report_page},
    {"POST", "/api/v1/exports/{id}/cancel", Who::logged_in, "Stop an export; its files are removed.", "", "", cancel},
    {"DELETE", "/api/v1/exports/{id}", Who::logged_in, "Forget an export and remove its files.", "", "", remove},
};

}  // namespace

std::span<const Route> export_routes() { return routes; }

}  // namespace xinglin::server
