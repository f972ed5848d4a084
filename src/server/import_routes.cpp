// SPDX-License-Identifier: Apache-2.0
// /api/v1/imports: files sent in, their progress, what of them was rejected.
#include <fstream>
#include <sstream>

#include "server/house.h"
#include "server/route.h"

namespace xinglin::server {

namespace {

void add(Visit& visit) {
    const std::string name = visit.parameter("name");
    const std::string check = visit.parameter("check");
    if (!check.empty() && check != "structure" && check != "profiles")
        return visit.refuse(refuse(IssueCode::value, "check", "must be structure or profiles"));
    const auto id = visit.house.imports->add(name, visit.request.body, check == "profiles");
    visit.house.write_down(visit.viewer, visit.request, "import", id.ok() ? 202 : http_status(id.outcome().code()), "",
                           id.ok() ? *id : "");
    if (!id.ok()) return visit.refuse(id.outcome());
    json::Arena arena;
    auto response = json_response(202, arena.object({{"id", arena.string(*id)}}));
    response.headers.add("Location", "/api/v1/imports/" + *id);
    visit.respond(std::move(response));
}

http::Response json_text(std::string body) {
    http::Response response = http::Response::text(200, "application/json", std::move(body));
    response.headers.set("Cache-Control", "no-store");
    return response;
}

void list(Visit& visit) {
    std::string body = R"({"imports":[)";
    for (const ImportJob& job : visit.house.imports->list()) body += (body.back() == '[' ? "" : ",") + json_of(job);
    visit.respond(json_text(body + "]}"));
}

Outcome no_such_import() {
    return refuse(IssueCode::not_found, "id", "there is no such import; those before the last start are forgotten");
}

void show(Visit& visit) {
    const auto job = visit.house.imports->find(visit.holes[0]);
    if (!job) return visit.refuse(no_such_import());
    visit.respond(json_text(json_of(*job)));
}

void rejected(Visit& visit) {
    const auto job = visit.house.imports->find(visit.holes[0]);
    if (!job) return visit.refuse(no_such_import());
    std::string body;
    if (!job->figures.rejected_file.empty()) {
        std::ifstream in(job->figures.rejected_file, std::ios::binary);
        std::ostringstream content;
        content << in.rdbuf();
        if (!in) return visit.refuse(refuse(IssueCode::not_found, "id", "the file of rejected entries is gone"));
        body = std::move(content).str();
    }
    visit.house.write_down(visit.viewer, visit.request, "export", 200, "", job->id, "rejected entries of an import");
    http::Response response = http::Response::text(200, "application/x-ndjson", std::move(body));
    response.headers.set("Cache-Control", "no-store");
    response.headers.set("Content-Disposition", "attachment; filename=\"rejected-" + job->id + ".ndjson\"");
    visit.respond(std::move(response));
}

void cancel(Visit& visit) {
    const auto done = visit.house.imports->cancel(visit.holes[0]);
    if (!done.ok()) return visit.refuse(done.outcome());
    visit.answer_nothing();
}

constexpr std::string_view job_example =
    R"({"id":"01…","name":"bundle.json.gz","state":"running","read":1200,"stored":1190,"unchanged":8,"rejected":2,"bytes":900000,"bytes_done":310000,)"
    R"("created_at":"2026-11-22T02:00:00.000Z","started_at":"2026-11-22T02:00:00.000Z","finished_at":null,"per_second":30000,"error":null,"check":"structure"})";

constexpr Route routes[] = {
    {"POST", "/api/v1/imports", Who::writer,
     "Import a file: ?name=file.json.gz says its name; its bytes are the body, at most 512 MiB. With &check=profiles also R4's "
     "rules and "
     "the profiles that resources claim are looked at; without, their structure alone.",
     "the bytes of a bundle, of NDJSON, or of either packed with gzip or zstd", R"({"id":"01…"})", add},
    {"GET", "/api/v1/imports", Who::writer, "The imports since the last start, newest first.", "", R"({"imports":[]})", list},
    {"GET", "/api/v1/imports/{id}", Who::writer, "One import.", "", job_example, show},
    {"GET", "/api/v1/imports/{id}/rejected", Who::writer,
     "What could not be stored, as NDJSON, one entry a line with its reason.", "", R"({"line":12,"reason":"…","resource":{}})",
     rejected},
    {"POST", "/api/v1/imports/{id}/cancel", Who::writer, "Stop an import; what is stored stays.", "", "", cancel},
};

}  // namespace

std::span<const Route> import_routes() { return routes; }

}  // namespace xinglin::server
