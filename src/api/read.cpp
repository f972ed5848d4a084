// SPDX-License-Identifier: Apache-2.0
// read, vread, history, $meta.
#include <charconv>

#include "api/as_of.h"
#include "json/json.h"

namespace xinglin::api {
namespace {

http::Response version_answer(Exchange& exchange, const record::Version& version, const Trim& trim) {
    auto response = resource_answer(exchange, 200, trim ? trimmed_body(trim, version.body) : version.body);
    add_version_headers(response, version.version, version.updated_ms);
    return response;
}

/// Conditional read (R4, http.html#cread).
bool not_modified(const Exchange& exchange, const record::Version& version) {
    const std::string_view tag = exchange.request.headers.get("If-None-Match");
    if (!tag.empty()) return tag == "*" || ingest::version_of_tag(tag) == version.version;
    const auto since = parse_http_date(exchange.request.headers.get("If-Modified-Since"));
    return since && version.updated_ms / 1000 * 1000 <= *since;
}

http::Response unmodified_answer(const record::Version& version) {
    http::Response response;
    response.status = 304;
    add_version_headers(response, version.version, version.updated_ms);
    return response;
}

std::optional<std::uint32_t> whole_number(std::string_view text) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

Result<record::HistoryRequest> read_history_request(const Exchange& exchange, const fhir::Type* type, const std::string& id) {
    record::HistoryRequest request{.type = type, .id = id, .count = exchange.house.options.default_count};
    const std::int16_t zone = exchange.house.store.offset_minutes();
    if (const auto text = exchange.parameter("_since"); !text.empty()) {
        const auto moment = calendar::parse_date_time(text, true);
        if (!moment) return refuse(IssueCode::value, "_since", "must be an instant such as 2026-11-22T08:00:00Z");
        request.since_ms = calendar::span_of(*moment, zone).low_ms;
    }
    if (const auto text = exchange.parameter("_at"); !text.empty()) {
        const auto moment = calendar::parse_date_time(text, true);
        if (!moment) return refuse(IssueCode::value, "_at", "must be a date or an instant");
        request.at_ms = calendar::span_of(*moment, zone).high_ms - 1;
    }
    if (const auto text = exchange.parameter("_count"); !text.empty()) {
        const auto count = whole_number(text);
        if (!count) return refuse(IssueCode::value, "_count", "must be a whole number");
        request.count = std::min(std::max(1u, *count), exchange.house.options.max_count);
    }
    request.page = exchange.parameter("_page");
    return request;
}

std::string history_path(const fhir::Type* type, const std::string& id) {
    if (!type) return "_history";
    return std::string(type->name) + (id.empty() ? "" : "/" + id) + "/_history";
}

}  // namespace

Answer answer_read(Exchange& exchange, const fhir::Type& type, const std::string& id) {
    XINGLIN_CHECK(may(exchange.viewer, &type, 'r'));
    XINGLIN_CHECK(only_parameters(exchange, {"_summary", "_elements", "_asOf"}));
    Trim trim;
    if (!exchange.parameters.empty()) {
        XINGLIN_TRY(trim, read_trim(exchange));
    }
    record::Version gone;
    record::Reader reader = exchange.house.store.reader(exchange.viewer);
    XINGLIN_TRY(const auto as_of, read_as_of(exchange, reader));
    auto found = reader.read(type, id, as_of, &gone);
    if (!found.ok()) {
        const Outcome& outcome = found.outcome();
        note(exchange, {.what = "read", .type = &type, .id = id, .status = http_status(outcome.code()), .count = 0});
        auto response = refusal_answer(exchange, outcome);
        if (outcome.code() == IssueCode::deleted && gone.version > 0)
            add_version_headers(response, gone.version, gone.updated_ms);
        return response;
    }
    const bool unchanged = not_modified(exchange, *found);
    note(exchange, {.what = "read",
                    .type = &type,
                    .id = id,
                    .patient = patient_of_body(type, id, found->body),
                    .status = unchanged ? 304 : 200});
    auto response = unchanged ? unmodified_answer(*found) : version_answer(exchange, *found, trim);
    if (as_of) response.headers.add("X-Xinglin-As-Of", std::to_string(*as_of));
    return response;
}

Answer answer_vread(Exchange& exchange, const fhir::Type& type, const std::string& id, std::string_view version) {
    XINGLIN_CHECK(may(exchange.viewer, &type, 'r'));
    XINGLIN_CHECK(only_parameters(exchange, {"_summary", "_elements"}));
    XINGLIN_TRY(const Trim trim, read_trim(exchange));
    const auto number = ingest::version_of_tag(version);
    if (!number) return refuse(IssueCode::not_found, std::string(type.name), "has no version with this number");
    XINGLIN_TRY(const record::Version found, exchange.house.store.reader(exchange.viewer).vread(type, id, *number));
    if (found.deleted) return refuse(IssueCode::deleted, std::string(type.name), "this version is its deletion");
    note(exchange, {.what = "vread", .type = &type, .id = id, .patient = patient_of_body(type, id, found.body)});
    if (not_modified(exchange, found)) return unmodified_answer(found);
    return version_answer(exchange, found, trim);
}

Answer answer_history(Exchange& exchange, const fhir::Type* type, const std::string& id) {
    XINGLIN_CHECK(may(exchange.viewer, type, 'r'));
    XINGLIN_CHECK(only_parameters(exchange, {"_since", "_at", "_count", "_page", "_summary", "_elements"}));
    XINGLIN_TRY(const Trim trim, read_trim(exchange));
    XINGLIN_TRY(record::HistoryRequest request, read_history_request(exchange, type, id));
    record::Reader reader = exchange.house.store.reader(exchange.viewer);
    if (!id.empty()) {
        if (auto known = reader.read(*type, id); !known.ok() && known.outcome().code() == IssueCode::not_found)
            return std::move(known).outcome();
    }
    XINGLIN_TRY(const record::HistoryPage page, reader.history(request));
    BundleText bundle(exchange, "history", exchange.house.clock.now_ms());
    if (page.total) bundle.total(*page.total);
    Parameters asked, unpaged;
    for (const auto& pair : exchange.parameters) {
        if (!is_general_parameter(pair.first)) asked.push_back(pair);
        if (!is_general_parameter(pair.first) && pair.first != "_page") unpaged.push_back(pair);
    }
    bundle.link("self", link_url(exchange, history_path(type, id), asked));
    if (!page.next.empty()) bundle.link("next", link_url(exchange, history_path(type, id), unpaged, {{"_page", page.next}}));
    std::string patient;
    for (const record::Version& version : page.versions) {
        bundle.history(version, trim);
        if (patient.empty() && !id.empty()) patient = patient_of_body(*type, id, version.body);
    }
    note(exchange, {.what = "history",
                    .type = type,
                    .id = id,
                    .patient = patient,
                    .count = static_cast<std::uint32_t>(page.versions.size())});
    return resource_answer(exchange, 200, bundle.finish());
}

Answer answer_meta(Exchange& exchange, const fhir::Type& type, const std::string& id) {
    XINGLIN_CHECK(may(exchange.viewer, &type, 'r'));
    XINGLIN_CHECK(only_parameters(exchange, {}));
    XINGLIN_TRY(const record::Version found, exchange.house.store.reader(exchange.viewer).read(type, id));
    json::Arena arena;
    XINGLIN_TRY(const json::Value resource, json::parse(found.body, arena, {.depth = 1'000, .bytes = found.body.size() + 1}));
    note(exchange,
         {.what = "read", .type = &type, .id = id, .patient = patient_of_body(type, id, found.body), .detail = "$meta"});
    return resource_answer(exchange, 200,
                           R"({"resourceType":"Parameters","parameter":[{"name":"return","valueMeta":)" +
                               json::write(resource.find("meta")) + "}]}");
}

}  // namespace xinglin::api
