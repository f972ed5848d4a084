// SPDX-License-Identifier: Apache-2.0
// $export and what comes after it: status, manifest, files. Source: HL7 FHIR Bulk Data Access STU 2 (v2.0.0).
#include "bulk/bulk.h"
#include "api/operation.h"
#include "http/stream.h"

namespace xinglin::api {
namespace {

bool wants_async(const Exchange& exchange) {
    for (const auto& [name, value] : exchange.request.headers.all()) {
        if (name.size() == 6 && (name[0] | 32) == 'p' && value.find("respond-async") != std::string::npos) return true;
    }
    return false;
}

Result<bulk::Exports*> exports_of(const Exchange& exchange) {
    if (!exchange.house.options.exports)
        return refuse(IssueCode::not_supported, "$export", "this server was started without exports");
    return exchange.house.options.exports;
}

Answer kick_off(Exchange& exchange, bulk::Level level, const std::string& group) {
    XINGLIN_TRY(bulk::Exports * exports, exports_of(exchange));
    if (!wants_async(exchange))
        return refuse(IssueCode::invalid, "Prefer", "an export takes a while: send the header Prefer: respond-async");
    bulk::Parameters parameters = exchange.parameters;
    const std::string_view type = exchange.request.headers.get("Content-Type");
    if (exchange.request.method == "POST" && !exchange.request.body.empty() &&
        !type.starts_with("application/x-www-form-urlencoded")) {
        json::Arena arena;
        XINGLIN_TRY(const json::Value body, read_body(exchange, arena));
        XINGLIN_TRY(bulk::Parameters more, bulk::parameters_of(body));
        parameters.insert(parameters.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    }
    XINGLIN_TRY(bulk::Order order, bulk::read_order(level, group, parameters, exchange.lenient,
                                                    exchange.house.store.offset_minutes(), exchange.house.clock.now_ms()));
    if (!order.release.empty())
        return refuse(IssueCode::not_supported, "_release",
                      "releases are asked for at POST /api/v1/exports, where another person approves them");
    XINGLIN_CHECK(bulk::admit(order, exchange.viewer));
    std::string request = exchange.base_url + exchange.request.path.substr(5);
    if (!exchange.request.query.empty()) request += "?" + exchange.request.query;
    XINGLIN_TRY(const std::string id, exports->add(order, exchange.viewer.name, request));
    note(exchange, {.what = "export", .id = id, .detail = std::string(bulk::text(level)), .status = 202, .count = 0});
    auto response = resource_answer(
        exchange, 202,
        R"({"resourceType":"OperationOutcome","issue":[{"severity":"information","code":"informational","diagnostics":"the export has begun; ask at the address in Content-Location"}]})");
    response.headers.add("Content-Location", exchange.base_url + "/bulk/" + id);
    return response;
}

constexpr Operation rows[] = {
    {"$export", "", Operation::on_system, "GET, POST", "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/export",
     [](const Shared& exchange, const fhir::Type*, const std::string&) {
         send(*exchange, kick_off(*exchange, bulk::Level::system, ""));
     }},
    {"$export", "Patient", Operation::on_type, "GET, POST", "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/patient-export",
     [](const Shared& exchange, const fhir::Type*, const std::string&) {
         send(*exchange, kick_off(*exchange, bulk::Level::patient, ""));
     }},
    {"$export", "Group", Operation::on_instance, "GET, POST", "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/group-export",
     [](const Shared& exchange, const fhir::Type*, const std::string& id) {
         send(*exchange, kick_off(*exchange, bulk::Level::group, id));
     }},
};

std::string progress_words(const bulk::Job& job) {
    if (job.state == bulk::Job::State::asked) return "waiting for an approval";
    if (job.state == bulk::Job::State::waiting) return "waiting for an export before it";
    if (job.resources_total == 0) return std::to_string(job.resources) + " resources written";
    return fmt::format("{} of at most {} resources written", job.resources, job.resources_total);
}

Answer status_of(const Exchange& exchange, const bulk::Job& job) {
    http::Response response;
    switch (job.state) {
        case bulk::Job::State::asked:
        case bulk::Job::State::waiting:
        case bulk::Job::State::running:
            response.status = 202;
            response.headers.add("X-Progress", progress_words(job));
            response.headers.add("Retry-After", "2");
            break;
        case bulk::Job::State::done:
            response = http::Response::text(200, "application/json", bulk::manifest_of(job, exchange.base_url));
            response.headers.add("Expires", http_date(job.finished_ms + bulk::kept_ms));
            break;
        case bulk::Job::State::failed: return refuse(IssueCode::exception, "$export", job.error);
        case bulk::Job::State::cancelled: return refuse(IssueCode::not_found, "$export", "this export was cancelled");
    }
    response.headers.set("Cache-Control", "no-store");
    return response;
}

Answer file_of(Exchange& exchange, bulk::Exports& exports, const bulk::Job& job, std::string_view name) {
    for (const bulk::File& file : job.files) {
        if (file.name != name) continue;
        const bool packed = name.ends_with(".gz");
        XINGLIN_TRY(http::Response response,
                    http::file_response(exchange.request, {.path = exports.path_of(job, file),
                                                           .content_type = "application/fhir+ndjson",
                                                           .content_encoding = packed ? "gzip" : "",
                                                           .etag = fmt::format("\"{}-{}\"", job.id, file.name),
                                                           .plain_bytes = file.plain_bytes}));
        response.headers.add("Cache-Control", "private, no-store");
        const std::string_view plain_name = packed ? name.substr(0, name.size() - 3) : name;
        response.headers.add("Content-Disposition", fmt::format("attachment; filename=\"{}\"", plain_name));
        note(exchange,
             {.what = "export",
              .id = job.id,
              .detail = "file " + file.name,
              .status = response.status,
              .count = exchange.is_head() ? 0 : static_cast<std::uint32_t>(std::min<std::uint64_t>(file.count, UINT32_MAX))});
        return response;
    }
    return refuse(IssueCode::not_found, "file", "this export has no such file");
}

Answer answer_bulk(Exchange& exchange) {
    XINGLIN_TRY(bulk::Exports * exports, exports_of(exchange));
    const auto& path = exchange.path;
    const auto job = path.size() == 2 || path.size() == 3 ? exports->find(path[1]) : std::nullopt;
    // Another's export is as if it were not there.
    if (!job || (job->by != exchange.viewer.name && !exchange.viewer.may_administer()))
        return refuse(IssueCode::not_found, "export", "there is no such export (any more)");
    if (exchange.request.method == "DELETE" && path.size() == 2) {
        XINGLIN_CHECK(exports->remove(job->id));
        note(exchange, {.what = "export", .id = job->id, .detail = "removed", .status = 202, .count = 0});
        http::Response response;
        response.status = 202;
        return response;
    }
    if (!exchange.is_get())
        return refuse(IssueCode::not_supported, "method", path.size() == 2 ? "use GET, HEAD or DELETE" : "use GET or HEAD");
    return path.size() == 2 ? status_of(exchange, *job) : file_of(exchange, *exports, *job, path[2]);
}

}  // namespace

std::span<const Operation> bulk_operations() { return rows; }

void route_bulk(Exchange& exchange) { send(exchange, answer_bulk(exchange)); }

}  // namespace xinglin::api
