// SPDX-License-Identifier: Apache-2.0
// The OpenAPI 3.0.3 document, made from the routes themselves.
#include "server/route.h"
#include "text/text.h"

namespace xinglin::server {

namespace {

/// What room api answers under /api/v1, described here because it is one document.
struct Described {
    std::string_view method, pattern, summary, request, response;
};
constexpr Described people[] = {
    {"GET", "/api/v1/people",
     "Find a person: ?q= takes a name or part of it, pinyin, initials, an identifier, a phone, a birth date; count, after.", "",
     R"({"total":1,"took_ms":0.80,"population":30,"people":[{"id":"…","name":"…","pinyin":"","sex":"female","birth_date":"1959-03-12","deceased":false,"address":"","identifier":"2199**********0428","phone":"138****5207","matched":"name"}],"next":null})"},
    {"GET", "/api/v1/people/{id}",
     "The header of a record: of all Patients that are the person; records says which (?_person=false: this one's alone).", "",
     ""},
    {"POST", "/api/v1/people/{id}/reveal", "One identifier, phone or the address (of address_of) in full; is audited.",
     R"({"field":"identifier","index":0})", R"({"value":"…"})"},
    {"GET", "/api/v1/people/{id}/accesses", "Who looked at this record; ?count=.", "", R"({"total":0,"accesses":[]})"},
    {"POST", "/api/v1/people/{id}/printed", "The record was printed; is audited.", "", ""},
};

json::Value example(json::Arena& arena, std::string_view text) {
    const auto parsed = json::parse(text, arena);
    return parsed.ok() ? *parsed : arena.string(text);
}

json::Value content(json::Arena& arena, std::string_view text) {
    if (!text.starts_with('{')) {
        const json::Value schema = arena.object(
            {{"type", arena.string("string")}, {"format", arena.string("binary")}, {"description", arena.string(text)}});
        return arena.object({{"application/octet-stream", arena.object({{"schema", schema}})}});
    }
    const json::Value schema = arena.object({{"type", arena.string("object")}});
    return arena.object({{"application/json", arena.object({{"schema", schema}, {"example", example(arena, text)}})}});
}

json::Value operation(json::Arena& arena, const Described& call, bool open) {
    std::vector<json::Value> parameters;
    for (const std::string_view part : text::split(call.pattern, '/')) {
        if (!part.starts_with('{')) continue;
        parameters.push_back(arena.object({{"name", arena.string(part.substr(1, part.size() - 2))},
                                           {"in", arena.string("path")},
                                           {"required", arena.boolean(true)},
                                           {"schema", arena.object({{"type", arena.string("string")}})}}));
    }
    const json::Value good =
        call.response.empty() ? arena.object({{"description", arena.string("done")}})
                              : arena.object({{"description", arena.string("done")}, {"content", content(arena, call.response)}});
    const json::Value bad =
        arena.object({{"description", arena.string("refused")},
                      {"content", content(arena, R"({"error":{"code":"login","where":"name","message":"…","trace":"…"}})")}});
    return arena.object(
        {{"summary", arena.string(call.summary)},
         {"parameters", parameters.empty() ? json::Value() : arena.array(parameters)},
         {"requestBody", call.request.empty() ? json::Value() : arena.object({{"content", content(arena, call.request)}})},
         {"security", open ? arena.array(std::span<const json::Value>{}) : json::Value()},
         {"responses", arena.object({{"2XX", good}, {"default", bad}})}});
}

}  // namespace

std::string openapi(std::string_view version) {
    json::Arena arena;
    std::vector<std::pair<std::string_view, json::Value>> paths;
    const auto add = [&](const Described& call, bool open) {
        const std::string_view method = arena.keep(text::lower_ascii(call.method));
        const json::Value made = operation(arena, call, open);
        for (auto& [pattern, operations] : paths) {
            if (pattern != call.pattern) continue;
            operations = arena.with(operations, method, made);
            return;
        }
        paths.emplace_back(call.pattern, arena.object({{method, made}}));
    };
    for (const Route* route : all_routes()) {
        add({route->method, route->pattern, route->summary, route->request, route->response}, route->who == Who::anyone);
    }
    for (const Described& call : people) add(call, false);
    const json::Value schemes =
        arena.object({{"session", arena.object({{"type", arena.string("apiKey")},
                                                {"in", arena.string("cookie")},
                                                {"name", arena.string("xinglin_session")}})},
                      {"token", arena.object({{"type", arena.string("http")}, {"scheme", arena.string("bearer")}})}});
    const std::span<const json::Value> none;
    const json::Value security =
        arena.array({arena.object({{"session", arena.array(none)}}), arena.object({{"token", arena.array(none)}})});
    return json::write(arena.object(
        {{"openapi", arena.string("3.0.3")},
         {"info",
          arena.object({{"title", arena.string("Xinglin, beside FHIR")},
                        {"version", arena.string(version)},
                        {"description",
                         arena.string("What FHIR has no word for. FHIR itself is at /fhir and described by /fhir/metadata.")}})},
         {"paths", arena.object(std::span<const std::pair<std::string_view, json::Value>>(paths))},
         {"components", arena.object({{"securitySchemes", schemes}})},
         {"security", security}}));
}

}  // namespace xinglin::server
