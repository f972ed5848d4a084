// SPDX-License-Identifier: Apache-2.0
// Responses: stored bodies as they are, refusals as OperationOutcome; who may; the audit.
#include "access/audit.h"
#include "api/exchange.h"
#include "json/json.h"
#include "record/guard.h"

namespace xinglin::api {

std::string operation_outcome(const Outcome& outcome, std::string_view language) {
    std::string out = R"({"resourceType":"OperationOutcome","issue":[)";
    bool first = true;
    const auto add = [&](const Issue& issue) {
        if (!first) out += ',';
        first = false;
        out += R"({"severity":")" + std::string(fhir_code(issue.severity)) + R"(","code":")" +
               std::string(fhir_code(issue.code)) + '"';
        const std::string said = profile::words(issue, language);
        const std::string line = issue.where.empty() ? said : issue.where + ": " + said;
        if (!issue.key.empty())
            out += R"(,"details":{"coding":[{"system":"urn:xinglin:validation","code":)" + json_text(issue.key) +
                   R"(}],"text":)" + json_text(said) + '}';
        out += R"(,"diagnostics":)" + json_text(line);
        if (!issue.where.empty() && !issue.key.empty()) out += R"(,"location":[)" + json_text(issue.where) + ']';
        if (!issue.where.empty()) out += R"(,"expression":[)" + json_text(issue.where) + ']';
        out += '}';
    };
    for (const Issue& issue : outcome.issues) add(issue);
    if (first) add({Severity::information, IssueCode::informational, "", "all well", "", "没有问题"});
    return out + "]}";
}

http::Response refusal(const Outcome& outcome) {
    auto response =
        http::Response::text(http_status(outcome.code()), "application/fhir+json; charset=utf-8", operation_outcome(outcome));
    if (response.status == 429 || response.status == 503) response.headers.add("Retry-After", "1");
    if (response.status == 401) response.headers.add("WWW-Authenticate", "Bearer");
    return response;
}

http::Response resource_answer(const Exchange& exchange, int status, std::string body) {
    if (exchange.format == Format::xml || exchange.pretty) {
        json::Arena arena;
        const auto value = json::parse(body, arena, {.depth = 1'000, .bytes = body.size() + 1});
        if (value.ok())
            body = exchange.format == Format::xml ? fhir::to_xml(*value, exchange.pretty) : json::write_pretty(*value);
    }
    auto response = http::Response::text(status, exchange.content_type, std::move(body));
    // A record may have changed a moment ago, and the same address answers in JSON and XML.
    response.headers.add("Cache-Control", "private, no-cache");
    response.headers.add("Vary", "Accept");
    return response;
}

namespace {
/// Refusals of HTTP itself, which FHIR's issue codes cannot tell apart.
int status_of(const Outcome& outcome) {
    const int status = http_status(outcome.code());
    if (status != 400 || outcome.code() != IssueCode::not_supported || outcome.issues.size() != 1) return status;
    const std::string& where = outcome.issues.front().where;
    if (where == "Accept" || where == "_format") return 406;
    if (where == "Content-Type") return 415;
    return where == "method" ? 405 : status;
}
}  // namespace

http::Response refusal_answer(const Exchange& exchange, const Outcome& outcome) {
    note_refusal(exchange, outcome);
    auto response = resource_answer(exchange, status_of(outcome), operation_outcome(outcome, language_of(exchange)));
    if (response.status == 429 || response.status == 503) response.headers.add("Retry-After", "1");
    return response;
}

void add_version_headers(http::Response& response, std::int64_t version, std::int64_t updated_ms) {
    response.headers.add("ETag", "W/\"" + std::to_string(version) + "\"");
    response.headers.add("Last-Modified", http_date(updated_ms));
}

Result<Done> may(const access::Viewer& viewer, const fhir::Type* type, char action) {
    const bool writes = action == 'c' || action == 'u' || action == 'd';
    bool allowed = viewer.may_read() && (!writes || viewer.may_write());
    if (allowed && (viewer.role == access::Role::system || !viewer.granted.empty())) {
        if (type) {
            allowed = viewer.allows(type->name, action);
        } else if (!viewer.guard || !viewer.guard->limited) {  // else it sees of every type what its scope names, perhaps nothing
            for (const fhir::Type* each : fhir::resources()) allowed = allowed && viewer.allows(each->name, action);
        }
    }
    // Who treats does not write down alone that the patient allowed it.
    if (allowed && writes && type && type->name == "Consent" && viewer.role == access::Role::clinician)
        return refuse(IssueCode::forbidden, "Consent",
                      "consents are recorded at /api/v1/consent/person/ID, with the paper's number");
    if (allowed) return Done{};
    return refuse(IssueCode::forbidden, type ? std::string(type->name) : "", "your account may not do this");
}

void note(const Exchange& exchange, Look look) {
    access::Access access = access::line_of(exchange.viewer, exchange.house.clock.now_ms());
    access.what = look.what;
    if (look.type) access.type = look.type->name;
    access.id = look.id;
    access.patient = look.patient;
    access.detail = std::move(look.detail);
    access.trace_id = exchange.request.trace_id;
    access.peer = exchange.request.peer;
    access.status = look.status;
    access.count = look.count;
    exchange.house.audit.append(std::move(access));
}

void note_refusal(const Exchange& exchange, const Outcome& outcome) {
    const int status = http_status(outcome.code());
    if (status != 403 && status != 429) return;
    access::Access access = access::line_of(exchange.viewer, exchange.house.clock.now_ms());
    access.what = "refused";
    const bool is_type = !exchange.path.empty() && fhir::find_resource(exchange.path[0]);
    if (is_type) access.type = exchange.path[0];
    access.detail = exchange.request.method;
    access.reason = outcome.line();
    access.trace_id = exchange.request.trace_id;
    access.peer = exchange.request.peer;
    access.status = status;
    access.count = 0;
    exchange.house.audit.append(std::move(access));
}

std::string_view patient_of_body(const fhir::Type& type, std::string_view id, std::string_view body) {
    if (type.name == "Patient") return id;
    constexpr std::string_view mark = "\"reference\":\"Patient/";
    std::size_t best = std::string_view::npos;
    for (std::size_t at = body.find(mark); at != std::string_view::npos; at = body.find(mark, at + 1)) {
        if (best == std::string_view::npos) best = at;
        const std::string_view before = body.substr(0, at);
        if (before.ends_with("\"subject\":{") || before.ends_with("\"patient\":{") || before.ends_with("\"beneficiary\":{") ||
            before.ends_with("\"for\":{")) {
            best = at;
            break;
        }
    }
    if (best == std::string_view::npos) return {};
    const std::string_view rest = body.substr(best + mark.size());
    return rest.substr(0, rest.find_first_of("\"/#"));
}

}  // namespace xinglin::api
