// SPDX-License-Identifier: Apache-2.0
// /api/v1/terminology: what code systems, value sets and maps there are, their concepts, new editions, and units.
#include <charconv>

#include "fhirpath/fhirpath.h"
#include "server/house.h"
#include "server/route.h"

namespace xinglin::server {

namespace {

using terminology::Terminology;

json::Value text_or_null(json::Arena& arena, std::string_view text) { return text.empty() ? arena.null() : arena.string(text); }
json::Value number(json::Arena& arena, std::size_t value) { return arena.number(static_cast<std::int64_t>(value)); }
json::Value count_or_null(json::Arena& arena, std::int64_t count) { return count < 0 ? arena.null() : arena.number(count); }

json::Value strings(json::Arena& arena, const std::vector<std::string>& all) {
    std::vector<json::Value> values;
    for (const std::string& one : all) values.push_back(arena.string(one));
    return arena.array(values);
}

/// A whole number, or what stands in for it; nothing (answered already) when it is none.
std::optional<std::size_t> number_of(Visit& visit, std::string_view name, std::size_t otherwise, std::size_t most) {
    const std::string text = visit.parameter(name);
    if (text.empty()) return otherwise;
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc{} && end == text.data() + text.size() && value <= most) return value;
    visit.refuse(refuse(IssueCode::value, std::string(name), "must be a whole number up to " + std::to_string(most)));
    return std::nullopt;
}

void systems(Visit& visit) {
    json::Arena arena;
    std::vector<json::Value> all;
    for (const auto& row : visit.house.terminology->systems()) {
        all.push_back(arena.object({{"url", arena.string(row.url)},
                                    {"name", arena.string(row.name)},
                                    {"title", arena.string(row.title)},
                                    {"title_en", text_or_null(arena, row.title_en)},
                                    {"version", arena.string(row.version)},
                                    {"versions", strings(arena, row.versions)},
                                    {"count", count_or_null(arena, row.count)},
                                    {"hierarchical", arena.boolean(row.hierarchical)},
                                    {"languages", strings(arena, row.languages)},
                                    {"source", arena.string(row.source)},
                                    {"copyright", arena.string(row.copyright)},
                                    {"note", arena.string(row.note)},
                                    {"origin", arena.string(row.origin)},
                                    {"in_force_from", text_or_null(arena, row.from)},
                                    {"in_force_to", text_or_null(arena, row.to)}}));
    }
    std::vector<json::Value> troubles;
    for (const std::string& trouble : visit.house.terminology->troubles()) troubles.push_back(arena.string(trouble));
    visit.answer(200, arena.object({{"systems", arena.array(all)}, {"troubles", arena.array(troubles)}}));
}

void value_sets(Visit& visit) {
    json::Arena arena;
    std::vector<json::Value> all;
    for (const auto& row : visit.house.terminology->value_sets()) {
        all.push_back(arena.object({{"url", arena.string(row.url)},
                                    {"name", arena.string(row.name)},
                                    {"title", arena.string(row.title)},
                                    {"title_en", text_or_null(arena, row.title_en)},
                                    {"version", arena.string(row.version)},
                                    {"origin", arena.string(row.origin)},
                                    {"count", arena.null()}}));
    }
    visit.answer(200, arena.object({{"value_sets", arena.array(all)}}));
}

void maps(Visit& visit) {
    json::Arena arena;
    std::vector<json::Value> all;
    for (const auto& row : visit.house.terminology->maps()) {
        all.push_back(arena.object({{"url", arena.string(row.url)},
                                    {"title", arena.string(row.title)},
                                    {"version", arena.string(row.version)},
                                    {"source", arena.string(row.source)},
                                    {"target", arena.string(row.target)},
                                    {"origin", arena.string(row.origin)},
                                    {"count", count_or_null(arena, row.count)}}));
    }
    visit.answer(200, arena.object({{"maps", arena.array(all)}}));
}

void concepts(Visit& visit) {
    const auto offset = number_of(visit, "offset", 0, 10'000'000);
    if (!offset) return;
    const auto count = number_of(visit, "count", 50, 1'000);
    if (!count) return;
    const std::string system = visit.parameter("system"), version = visit.parameter("version"), words = visit.parameter("q"),
                      parent = visit.parameter("parent"), date = visit.parameter("date");
    const std::int64_t begin = visit.house.clock.now_ms();
    visit.house.terminology->refresh();
    const auto page = visit.house.terminology->concepts({.system = system,
                                                         .version = version,
                                                         .date = date,
                                                         .words = words,
                                                         .parent = parent,
                                                         .offset = *offset,
                                                         .count = *count});
    if (!page.ok()) return visit.refuse(page.outcome());
    json::Arena arena;
    std::vector<json::Value> all;
    for (const auto& row : page->concepts) {
        all.push_back(arena.object({{"code", arena.string(row.code)},
                                    {"display", arena.string(row.display)},
                                    {"display_en", text_or_null(arena, row.display_en)},
                                    {"pinyin", text_or_null(arena, row.pinyin)},
                                    {"children", number(arena, row.children)},
                                    {"parents", strings(arena, row.parents)},
                                    {"active", arena.boolean(row.active)},
                                    {"selectable", arena.boolean(!row.is_abstract)},
                                    {"matched", text_or_null(arena, row.matched)}}));
    }
    visit.answer(200, arena.object({{"system", arena.string(page->system)},
                                    {"version", arena.string(page->version)},
                                    {"total", number(arena, page->total)},
                                    {"took_ms", arena.number(visit.house.clock.now_ms() - begin)},
                                    {"concepts", arena.array(all)}}));
}

json::Value maps_of(Visit& visit, json::Arena& arena, const terminology::Concept& found) {
    std::vector<json::Value> all;
    for (const bool reverse : {false, true}) {
        const auto translated =
            visit.house.terminology->translate({.system = found.system, .code = found.code, .reverse = reverse});
        if (!translated.ok()) continue;
        for (const auto& match : translated->matches) {
            if (match.concept_.code.empty() || all.size() >= 200) continue;
            all.push_back(arena.object({{"map", arena.string(match.map)},
                                        {"target_system", arena.string(match.concept_.system)},
                                        {"target_code", arena.string(match.concept_.code)},
                                        {"display", text_or_null(arena, match.concept_.display)},
                                        {"equivalence", arena.string(match.equivalence)},
                                        {"reverse", arena.boolean(reverse)}}));
        }
    }
    return arena.array(all);
}

void concept_of(Visit& visit) {
    const std::string system = visit.parameter("system"), version = visit.parameter("version"), date = visit.parameter("date");
    visit.house.terminology->refresh();
    const auto found =
        visit.house.terminology->lookup({.system = system, .version = version, .code = visit.holes[0], .date = date});
    if (!found.ok()) return visit.refuse(found.outcome());
    json::Arena arena;
    std::vector<json::Value> designations, properties, parents;
    for (const auto& one : found->designations) {
        designations.push_back(arena.object({{"language", arena.string(one.language)},
                                             {"use", text_or_null(arena, one.use)},
                                             {"value", arena.string(one.value)}}));
    }
    for (const auto& one : found->properties)
        properties.push_back(arena.object({{"code", arena.string(one.code)}, {"value", arena.string(one.value)}}));
    for (const auto& one : found->parents)
        parents.push_back(arena.object({{"code", arena.string(one.code)}, {"display", arena.string(one.display)}}));
    visit.answer(200, arena.object({{"system", arena.string(found->system)},
                                    {"version", arena.string(found->version)},
                                    {"code", arena.string(found->code)},
                                    {"display", arena.string(found->display)},
                                    {"display_en", text_or_null(arena, found->display_en)},
                                    {"definition", text_or_null(arena, found->definition)},
                                    {"active", arena.boolean(found->active)},
                                    {"selectable", arena.boolean(!found->is_abstract)},
                                    {"designations", arena.array(designations)},
                                    {"properties", arena.array(properties)},
                                    {"parents", arena.array(parents)},
                                    {"children", number(arena, found->children.size())},
                                    {"maps", maps_of(visit, arena, *found)}}));
}

void add_edition(Visit& visit) {
    const std::string system = visit.parameter("system"), version = visit.parameter("version"), from = visit.parameter("from"),
                      to = visit.parameter("to"), title = visit.parameter("title"), language = visit.parameter("language");
    const auto refused = [&](const Outcome& outcome) {
        visit.house.write_down(visit.viewer, visit.request, "terminology", http_status(outcome.code()), "CodeSystem");
        visit.refuse(outcome);
    };
    const std::string_view type = visit.request.headers.get("Content-Type");
    if (!type.starts_with("text/csv") && !type.starts_with("application/octet-stream"))
        return refused(refuse(IssueCode::invalid, "Content-Type", "send the table as text/csv"));  // no form of another site can
    auto arena = std::make_shared<json::Arena>();
    const auto resource = visit.house.terminology->edition_resource({.system = system,
                                                                     .version = version,
                                                                     .from = from,
                                                                     .to = to,
                                                                     .title = title,
                                                                     .language = language,
                                                                     .csv = visit.request.body},
                                                                    *arena);
    if (!resource.ok()) return refused(resource.outcome());
    ingest::Change change{.kind = ingest::Change::Kind::update,
                          .type = fhir::find_resource("CodeSystem"),
                          .id = std::string((*resource)["id"].string()),
                          .resource = *resource};
    const std::int64_t count = static_cast<std::int64_t>((*resource)["concept"].size());
    const std::string url((*resource)["url"].string());
    const auto written = visit.house.ingest->write_and_wait(arena, std::move(change));
    if (!written.ok()) return refused(written.outcome());
    visit.house.write_down(visit.viewer, visit.request, "terminology", 201, "CodeSystem", written->id, "edition " + version);
    json::Arena answer;
    auto response = json_response(
        201,
        answer.object({{"system", answer.string(url)}, {"version", answer.string(version)}, {"count", answer.number(count)}}));
    response.headers.add("Location", "/fhir/CodeSystem/" + written->id);
    visit.respond(std::move(response));
}

void convert(Visit& visit) {
    const auto converted = fhirpath::ucum_convert(visit.parameter("value"), visit.parameter("from"), visit.parameter("to"));
    if (!converted.ok()) return visit.refuse(converted.outcome());
    json::Arena arena;
    visit.answer(200, arena.object({{"value", arena.number(*converted)}, {"unit", arena.string(visit.parameter("to"))}}));
}

constexpr Route routes[] = {
    {"GET", "/api/v1/terminology/systems", Who::logged_in, "The code systems, with their editions, sources and dates in force.",
     "",
     R"({"systems":[{"url":"urn:oid:2.16.156.10011.2.3.3.4","name":"SexGbt2261_1","title":"生理性别代码（GB/T 2261.1）","title_en":"Sex","version":"2003","versions":["2003"],)"
     R"("count":4,"hierarchical":false,"languages":["zh-CN","en"],"source":"GB/T 2261.1-2003","copyright":"…","note":"","origin":"built in","in_force_from":"2004-12-01","in_force_to":null}],"troubles":[]})",
     systems},
    {"GET", "/api/v1/terminology/value-sets", Who::logged_in, "The value sets.", "",
     R"({"value_sets":[{"url":"urn:xinglin:valueset:sex-gbt2261.1","name":"SexGbt2261_1","title":"生理性别代码（GB/T 2261.1）","title_en":"Sex","version":"1","origin":"built in","count":null}]})",
     value_sets},
    {"GET", "/api/v1/terminology/maps", Who::logged_in, "The concept maps.", "",
     R"({"maps":[{"url":"urn:xinglin:conceptmap:marital-to-v3","title":"GB/T 2261.2 → v3 MaritalStatus","version":"1","source":"…","target":"…","origin":"built in","count":8}]})",
     maps},
    {"GET", "/api/v1/terminology/concepts", Who::logged_in,
     "Concepts of a system: with q those that match (Chinese, English, code, pinyin or its initials), best first; else the "
     "children of parent, or the roots. "
     "Also version, date, offset, count.",
     "",
     R"({"system":"urn:oid:2.16.156.10011.2.3.3.11","version":"nhsa-2021","total":1,"took_ms":2,"concepts":[{"code":"A00.900","display":"霍乱","display_en":null,"pinyin":"huoluan","children":4,)"
     R"("parents":["A00"],"active":true,"selectable":true,"matched":"text"}]})",
     concepts},
    {"GET", "/api/v1/terminology/concepts/{code}", Who::logged_in, "One concept of a system, with what it is called elsewhere.",
     "",
     R"({"system":"urn:oid:2.16.156.10011.2.3.3.4","version":"2003","code":"1","display":"男","display_en":"Male","definition":null,"active":true,"selectable":true,)"
     R"("designations":[{"language":"zh-CN","use":"display","value":"男"}],"properties":[],"parents":[],"children":0,)"
     R"("maps":[{"map":"urn:xinglin:conceptmap:sex-to-administrative-gender","target_system":"http://hl7.org/fhir/administrative-gender","target_code":"male","display":"Male","equivalence":"equivalent","reverse":false}]})",
     concept_of},
    {"POST", "/api/v1/terminology/editions", Who::writer,
     "Adds an edition of a code system (system, version, from, to, title, language in the query), or replaces it; it becomes a "
     "CodeSystem of the record.",
     "text/csv: code,display[,display_en,parent,active,selectable,definition,designation:LANGUAGE,…]",
     R"({"system":"urn:oid:2.16.156.10011.2.3.3.4","version":"2030","count":4})", add_edition},
    {"GET", "/api/v1/terminology/convert", Who::logged_in, "A value in another UCUM unit, exactly: value, from, to.", "",
     R"({"value":5.6,"unit":"g/L"})", convert},
};

}  // namespace

std::span<const Route> terminology_routes() { return routes; }

}  // namespace xinglin::server
