// SPDX-License-Identifier: Apache-2.0
// PATCH: the present version with a JSON Patch or a FHIRPath Patch applied, written like an update of that version.
#include "patch/patch.h"

#include "api/as_of.h"
#include "api/closed.h"

namespace xinglin::api {
namespace {

Result<std::string> only_match(const Exchange& exchange, const fhir::Type& type) {
    Parameters condition = exchange.parameters;
    std::erase_if(condition, [](const auto& pair) { return is_general_parameter(pair.first); });
    const fhir::Type* types[] = {&type};
    XINGLIN_TRY(search::Query query, search::parse(types, condition, {.offset_minutes = exchange.house.store.offset_minutes()}));
    if (query.all.empty())
        return refuse(IssueCode::invalid, std::string(type.name), "name one resource: by its id, or by search parameters");
    query.count = 2;
    query.total = search::Total::none;
    query.includes.clear();
    XINGLIN_TRY(const record::Found found, exchange.house.store.reader(exchange.viewer).search(query));
    if (found.entries.empty()) return refuse(IssueCode::not_found, std::string(type.name), "nothing matches the condition");
    if (found.entries.size() > 1)
        return refuse(IssueCode::multiple_matches, std::string(type.name),
                      "several resources match; make the condition say which");
    return found.entries.front().version.id;
}

Result<patch::Patch> patch_of_body(const Exchange& exchange, json::Arena& arena) {
    const std::string_view content = exchange.request.headers.get("Content-Type");
    if (content.starts_with("application/json-patch+json")) return patch::read_json_patch(exchange.request.body);
    if (content.starts_with("application/xml-patch+xml"))
        return refuse(
            IssueCode::not_supported, "Content-Type",
            "XML Patch is not offered: send the same change as JSON Patch (application/json-patch+json) or as FHIRPath Patch "
            "(a Parameters resource, application/fhir+json or application/fhir+xml)");
    if (!content.starts_with("application/fhir+") && !content.starts_with("application/json"))
        return refuse(
            IssueCode::not_supported, "Content-Type",
            "a patch must be application/json-patch+json, or the Parameters of a FHIRPath Patch as application/fhir+json "
            "or application/fhir+xml");
    XINGLIN_TRY(const json::Value parameters, read_body(exchange, arena));
    return patch::Patch([parameters](json::Value resource, json::Arena& into) {
        return patch::apply_fhirpath_patch(resource, parameters, into);
    });
}

Result<ingest::Change> read_patch(const Exchange& exchange, const fhir::Type& type, const std::string& named,
                                  json::Arena& arena) {
    XINGLIN_CHECK(may(exchange.viewer, &type, 'u'));
    if (!named.empty()) XINGLIN_CHECK(only_parameters(exchange, {}));
    XINGLIN_TRY(const patch::Patch patch, patch_of_body(exchange, arena));
    std::string id = named;
    if (id.empty()) {
        XINGLIN_TRY(id, only_match(exchange, type));
    }
    XINGLIN_TRY(const record::Version found, exchange.house.store.reader(exchange.viewer).read(type, id));
    if (const auto tag = exchange.request.headers.get("If-Match"); !tag.empty() && ingest::version_of_tag(tag) != found.version)
        return refuse(IssueCode::precondition, "If-Match", "the present version is another; read it again and decide anew");
    XINGLIN_TRY(const json::Value resource,
                json::parse(arena.keep(found.body), arena, {.depth = 1'000, .bytes = found.body.size() + 1}));
    XINGLIN_TRY(const json::Value changed, patch(resource, arena));
    XINGLIN_CHECK(may_write_about(exchange, changed));
    return ingest::Change{.kind = ingest::Change::Kind::update,
                          .type = &type,
                          .id = id,
                          .resource = changed,
                          .if_match = found.version,  // of the version the patch was applied to
                          .want_body = exchange.wanted == Return::unsaid || exchange.wanted == Return::representation,
                          .held = held_to(exchange)};
}

http::Response patched_answer(const Exchange& exchange, const ingest::Written& written) {
    http::Response response;
    if (exchange.wanted != Return::minimal)
        response = resource_answer(exchange, 200, exchange.wanted == Return::outcome ? operation_outcome({}) : written.body);
    response.headers.add("Location",
                         fmt::format("{}/{}/{}/_history/{}", exchange.base_url, written.type->name, written.id, written.version));
    add_version_headers(response, written.version, written.updated_ms);
    return response;
}

}  // namespace

void do_patch(const Shared& exchange, const fhir::Type& type, const std::string& id) {
    auto arena = std::make_shared<json::Arena>();
    auto change = read_patch(*exchange, type, id, *arena);
    if (!change.ok()) {
        note(*exchange, {.what = "patch", .type = &type, .id = id, .status = http_status(change.outcome().code()), .count = 0});
        return exchange->respond(refusal_answer(*exchange, change.outcome()));
    }
    const std::string target = change->id;
    exchange->house.ingest.write(
        arena, std::move(change).value(), [exchange, type = &type, target](Result<ingest::Written> written) {
            note(*exchange, {.what = "patch",
                             .type = type,
                             .id = target,
                             .patient = written.ok() ? std::string_view(written->patient) : std::string_view(),
                             .status = written.ok() ? 200 : http_status(written.outcome().code())});
            // Made in the record's writer thread: no time for compression there.
            auto response = written.ok() ? patched_answer(*exchange, *written) : refusal_answer(*exchange, written.outcome());
            response.compress = false;
            exchange->respond(std::move(response));
        });
}

}  // namespace xinglin::api
