// SPDX-License-Identifier: Apache-2.0
// batch and transaction: writes go to ingest, reads are answered afterwards as if they had come alone.
#include <map>

#include "api/exchange.h"
#include "json/json.h"

namespace xinglin::api {
namespace {

/// Operations that only read and answer at once: these may be asked by POST within a bundle.
bool may_be_inside(std::string_view url) {
    const std::string_view path = url.substr(0, url.find('?'));
    for (const std::string_view name : {"/$lookup", "/$validate-code", "/$subsumes", "/$expand", "/$translate", "/$validate"}) {
        if (path.ends_with(name)) return true;
    }
    return false;
}

/// Answers a GET of a bundle (or such an operation by POST) by routing it like a request of its own.
http::Response read_inside(const Shared& outer, const ingest::ReadAsked& asked) {
    if (asked.method == "POST" && !may_be_inside(asked.url))
        return refusal(
            refuse(IssueCode::not_supported, "Bundle.entry.request.url", "this operation cannot be asked within a bundle"));
    auto inner = std::make_shared<Exchange>(Exchange{.house = outer->house, .viewer = outer->viewer});
    const std::size_t question = asked.url.find('?');
    const auto path = http::percent_decode(std::string_view(asked.url).substr(0, question));
    if (!path) return refusal(refuse(IssueCode::value, "Bundle.entry.request.url", "is not well encoded"));
    inner->request.method = asked.method;
    inner->request.path = "/fhir/" + *path;
    if (question != std::string::npos) inner->request.query = asked.url.substr(question + 1);
    inner->request.body = asked.body;
    if (!asked.body.empty()) inner->request.headers.add("Content-Type", "application/fhir+json");
    for (const std::string_view kept : {"Host", "X-Forwarded-Host", "X-Forwarded-Proto", "Prefer"}) {
        if (const auto value = outer->request.headers.get(kept); !value.empty())
            inner->request.headers.add(std::string(kept), std::string(value));
    }
    if (!asked.if_none_match.empty()) inner->request.headers.add("If-None-Match", asked.if_none_match);
    inner->request.scheme = outer->request.scheme;
    inner->request.peer = outer->request.peer;
    inner->request.trace_id = outer->request.trace_id;
    http::Response answer;
    inner->respond = [&](http::Response response) { answer = std::move(response); };
    if (auto agreed = negotiate(*inner, "/fhir"); !agreed.ok()) return refusal(agreed.outcome());
    inner->format = Format::json;  // it becomes part of our bundle
    inner->pretty = false;
    route_fhir(inner);  // a GET: answered before it returns
    return answer;
}

void write_read(BundleText& text, const http::Response& answer, std::string_view method) {
    const std::string_view tag = answer.headers.get("ETag");
    const auto version = ingest::version_of_tag(tag);
    const auto updated = parse_http_date(answer.headers.get("Last-Modified"));
    text.answer(answer.status, "", version.value_or(0), updated.value_or(0),
                method == "HEAD" ? std::string_view() : std::string_view(answer.body), nullptr);
}

void write_written(BundleText& text, const Result<ingest::Written>& written, bool want_body) {
    if (!written.ok()) return text.answer(http_status(written.outcome().code()), "", 0, 0, "", &written.outcome());
    std::string location;
    if (written->status != 204) {
        location = std::string(written->type->name) + '/' + written->id + "/_history/" + std::to_string(written->version);
    }
    text.answer(written->status, location, written->version, written->updated_ms,
                want_body ? std::string_view(written->body) : std::string_view(), nullptr);
}

/// One audit row per patient touched.
void note_bundle(const Exchange& exchange, const ingest::BundleAnswer& answer) {
    std::map<std::string_view, std::uint32_t> touched;
    for (const ingest::EntryAnswer& entry : answer.entries) {
        if (!entry.read && entry.written.ok()) ++touched[entry.written->patient];
    }
    std::size_t rows = 0;
    for (const auto& [patient, count] : touched) {
        if (++rows > 1'000) break;
        note(exchange, {.what = answer.is_transaction ? "transaction" : "batch", .patient = patient, .count = count});
    }
}

std::string bundle_answer(const Shared& exchange, const ingest::BundleAnswer& answer, bool want_body) {
    BundleText text(*exchange, answer.is_transaction ? "transaction-response" : "batch-response", exchange->house.clock.now_ms());
    for (const ingest::EntryAnswer& entry : answer.entries) {
        if (entry.read) write_read(text, read_inside(exchange, *entry.read), entry.read->method);
        else write_written(text, entry.written, want_body);
    }
    return text.finish();
}

bool is_read(json::Value request) {
    const std::string_view method = request.find("method").string();
    return method == "GET" || method == "HEAD" || ingest::is_operation_address(request.find("url").string());
}

/// A write costs what it weighs; a search of thirty bytes may cost a thousand times that.
Result<Done> not_too_many_reads(json::Value bundle) {
    constexpr std::size_t most = 1'000;
    std::size_t count = 0;
    for (const json::Node& item : bundle.find("entry").items())
        if (is_read(json::Value(&item).find("request")) && ++count > most)
            return refuse(IssueCode::too_costly, "Bundle.entry", "reads more than 1000 times; send several");
    return Done{};
}

}  // namespace

void do_bundle(const Shared& exchange) {
    auto arena = std::make_shared<json::Arena>();
    const auto read = [&]() -> Result<json::Value> {
        XINGLIN_CHECK(only_parameters(*exchange, {}));
        if (!exchange->viewer.may_read()) return refuse(IssueCode::forbidden, "", "your account may not do this");
        XINGLIN_TRY(const json::Value bundle, read_body(*exchange, *arena));
        XINGLIN_CHECK(may_change_all(*exchange, bundle));
        XINGLIN_CHECK(not_too_many_reads(bundle));
        return bundle;
    };
    auto bundle = read();
    exchange->request.body.clear();
    exchange->request.body.shrink_to_fit();
    if (!bundle.ok()) return exchange->respond(refusal_answer(*exchange, bundle.outcome()));
    bool has_reads = false;
    for (const json::Node& item : bundle->find("entry").items()) {
        const json::Value request = json::Value(&item).find("request");
        has_reads = has_reads || is_read(request);
    }
    const bool want_body = exchange->wanted == Return::representation;
    const auto allowed = [&viewer = exchange->viewer](const fhir::Type& type, char action) { return may(viewer, &type, action); };
    const auto answered = [exchange, want_body](const Result<ingest::BundleAnswer>& answer) {
        if (!answer.ok()) {
            note(*exchange, {.what = "transaction", .status = http_status(answer.outcome().code()), .count = 0});
            return exchange->respond(refusal_answer(*exchange, answer.outcome()));
        }
        note_bundle(*exchange, *answer);
        auto response = resource_answer(*exchange, 200, bundle_answer(exchange, *answer, want_body));
        response.compress = false;
        exchange->respond(std::move(response));
    };
    if (has_reads) {  // wait here, so that the reads do not run in the writer's thread
        return answered(exchange->house.ingest.bundle_and_wait(std::move(arena), *bundle, exchange->base_url, want_body, allowed,
                                                               held_to(*exchange)));
    }
    exchange->house.ingest.bundle(std::move(arena), *bundle, exchange->base_url, want_body, allowed, answered,
                                  held_to(*exchange));
}

}  // namespace xinglin::api
