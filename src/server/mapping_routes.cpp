// SPDX-License-Identifier: Apache-2.0
// /api/v1/mappings: what the columns of tables mean; tried on a sample before they are saved, and proposed for one.
#include <fmt/format.h>

#include <algorithm>

#include "server/house.h"
#include "server/mapping_shelf.h"
#include "server/route.h"
#include "text/text.h"

namespace xinglin::server {

namespace {

constexpr std::size_t preview_rows = 100, sample_values = 5;

MappingShelf shelf_of(House& house) { return {*house.content, house.options.data / "mappings"}; }

/// A mapping that is not right is 422, whatever is wrong with it.
void refuse_mapping(Visit& visit, const Outcome& outcome) {
    auto response = error_response(outcome, visit.request.trace_id);
    response.status = 422;
    visit.respond(std::move(response));
}

json::Value strings(json::Arena& arena, const std::vector<std::string>& all) {
    std::vector<json::Value> values;
    for (const std::string& one : all) values.push_back(arena.string(one));
    return arena.array(values);
}

json::Value card(const MappingShelf::Kept& kept, json::Arena& arena) {
    const auto mapping = table::Mapping::read(kept.text);
    if (!mapping.ok())
        return arena.object({{"name", arena.string(kept.name)},
                             {"origin", arena.string(kept.origin)},
                             {"error", arena.string(mapping.outcome().line())}});
    return arena.object({{"name", arena.string(kept.name)},
                         {"title", arena.string(mapping->title())},
                         {"title_en", arena.string(mapping->title_en())},
                         {"description", arena.string(mapping->description())},
                         {"version", arena.string(mapping->version())},
                         {"origin", arena.string(kept.origin)},
                         {"columns", arena.number(static_cast<std::int64_t>(mapping->columns().size()))},
                         {"resources", strings(arena, mapping->resource_types())},
                         {"error", arena.null()}});
}

void list(Visit& visit) {
    json::Arena arena;
    std::vector<json::Value> all;
    for (const MappingShelf::Kept& kept : shelf_of(visit.house).list()) all.push_back(card(kept, arena));
    visit.answer(200, arena.object({{"mappings", arena.array(all)}}));
}

void show(Visit& visit) {
    const auto kept = shelf_of(visit.house).find(visit.holes[0]);
    if (!kept) return visit.refuse(refuse(IssueCode::not_found, "name", "there is no mapping of this name"));
    auto response = http::Response::text(200, "application/json", kept->text);
    response.headers.set("Cache-Control", "no-store");
    visit.respond(std::move(response));
}

void save(Visit& visit) {
    const std::string& name = visit.holes[0];
    const auto fresh = shelf_of(visit.house).save(name, visit.request.body);
    visit.house.write_down(visit.viewer, visit.request, "mapping save", fresh.ok() ? 200 : 422, "", name);
    if (!fresh.ok()) return refuse_mapping(visit, fresh.outcome());
    json::Arena arena;
    auto response = json_response(*fresh ? 201 : 200, card(*shelf_of(visit.house).find(name), arena));
    if (*fresh) response.headers.add("Location", "/api/v1/mappings/" + name);
    visit.respond(std::move(response));
}

void erase(Visit& visit) {
    const auto gone = shelf_of(visit.house).erase(visit.holes[0]);
    visit.house.write_down(visit.viewer, visit.request, "mapping delete", gone.ok() ? 204 : http_status(gone.outcome().code()),
                           "", visit.holes[0]);
    if (!gone.ok()) return visit.refuse(gone.outcome());
    visit.answer_nothing();
}

/// {"sample_base64", "kind", "sheet"} of a body.
Result<std::unique_ptr<table::Rows>> open_sample(json::Value body, std::string& bytes) {
    auto decoded = text::base64_decode(body["sample_base64"].string());
    if (!decoded || decoded->empty())
        return refuse(IssueCode::required, "sample_base64", "must be the file's first part, or all of it, in base64");
    bytes = std::move(*decoded);
    const table::XlsxOptions xlsx{.sheet = std::string(body["sheet"].text())};
    const std::string_view kind = body["kind"].string();
    if (kind == "csv") return table::read_csv(table::Source::memory(bytes));
    if (kind == "xlsx") return table::read_xlsx(table::Source::memory(bytes), xlsx);
    return table::read(table::Source::memory(bytes), xlsx);
}

json::Value issues(const Outcome& outcome, json::Arena& arena) {
    std::vector<json::Value> all;
    for (const Issue& issue : outcome.issues)
        all.push_back(arena.object(
            {{"where", arena.string(issue.where)}, {"what", arena.string(issue.what)}, {"key", arena.string(issue.key)}}));
    return arena.array(all);
}

json::Value preview_row(const table::Item& item, json::Arena& arena) {
    std::vector<std::pair<std::string_view, json::Value>> values;
    for (const auto& [column, value] : item.values)
        values.emplace_back(column, value.empty() ? arena.null() : arena.string(value));
    json::Value resources = arena.null();
    std::vector<json::Value> notes;
    if (item.converted) {
        std::vector<json::Value> made;
        if (const auto bundle = json::parse(item.converted->bundle, arena); bundle.ok())
            for (const json::Node& entry : (*bundle)["entry"].items()) made.push_back(json::Value(&entry)["resource"]);
        resources = arena.array(made);
        for (const message::Note& note : item.converted->notes)
            notes.push_back(arena.object(
                {{"where", arena.string(note.where)}, {"what", arena.string(note.what)}, {"key", arena.string(note.key)}}));
    }
    return arena.object({{"number", arena.number(static_cast<std::int64_t>(item.rows.front()))},
                         {"rows", arena.number(static_cast<std::int64_t>(item.rows.size()))},
                         {"values", arena.object(values)},
                         {"resources", resources},
                         {"notes", arena.array(notes)},
                         {"error", item.converted ? arena.null() : issues(item.refusal, arena)}});
}

/// The first values of every column of the file, below its header.
std::vector<std::vector<std::string>> samples_of(json::Value body, std::uint64_t header_row) {
    std::vector<std::vector<std::string>> samples;
    std::string bytes;
    const auto rows = open_sample(body, bytes);
    if (!rows.ok()) return samples;
    table::Row row;
    for (std::size_t count = 0; count < sample_values;) {
        const auto more = (*rows)->next(row);
        if (!more.ok() || !*more) break;
        if (row.number <= header_row) continue;
        ++count;
        if (samples.size() < row.cells.size()) samples.resize(row.cells.size());
        for (std::size_t i = 0; i < row.cells.size(); ++i)
            if (!row.cells[i].empty()) samples[i].emplace_back(row.cells[i].substr(0, 400));
    }
    return samples;
}

json::Value columns_of(const table::Conversion& conversion, json::Value body, json::Arena& arena) {
    const auto samples = samples_of(body, conversion.header_row());
    std::vector<json::Value> all;
    for (const auto& one : conversion.found())
        all.push_back(
            arena.object({{"header", arena.string(one.header)},
                          {"column", arena.string(one.column)},
                          {"place", arena.string(table::column_letters(one.place))},
                          {"samples", one.place < samples.size() ? strings(arena, samples[one.place]) : arena.array({})}}));
    return arena.array(all);
}

void preview(Visit& visit) {
    json::Arena arena;
    const auto body = json::parse(visit.request.body, arena);
    if (!body.ok()) return visit.refuse(body.outcome());
    const json::Value given = (*body)["mapping"];
    auto mapping = given.is_object() ? table::Mapping::read(json::write(given)) : shelf_of(visit.house).load(given.string());
    if (!mapping.ok()) return refuse_mapping(visit, mapping.outcome());
    std::string bytes;
    const auto rows = open_sample(*body, bytes);
    if (!rows.ok()) return refuse_mapping(visit, rows.outcome());
    table::ConversionOptions options;
    options.lookup = terminology_lookup(*visit.house.terminology);
    options.today = calendar::instant_text(visit.house.clock.now_ms()).substr(0, 10);
    options.keep_values = true;
    const message::Sender sender{.id = "preview", .name = "preview"};
    auto conversion = table::Conversion::begin(*mapping, sender, **rows, std::move(options));
    if (!conversion.ok()) return refuse_mapping(visit, conversion.outcome());
    std::vector<json::Value> all;
    table::Item item;
    json::Value stopped = arena.null();
    while (all.size() < preview_rows) {
        const auto more = conversion->next(item);
        if (!more.ok()) stopped = arena.string(more.outcome().line());
        if (!more.ok() || !*more) break;
        all.push_back(preview_row(item, arena));
        item = {};
    }
    visit.answer(200, arena.object({{"rows", arena.array(all)},
                                    {"columns", columns_of(*conversion, *body, arena)},
                                    {"header_row", arena.number(static_cast<std::int64_t>(conversion->header_row()))},
                                    {"encoding", arena.string((*rows)->about().encoding)},
                                    {"sheets", strings(arena, (*rows)->about().sheets)},
                                    {"stopped", stopped}}));
}

void propose(Visit& visit) {
    json::Arena arena;
    const auto body = json::parse(visit.request.body, arena);
    if (!body.ok()) return visit.refuse(body.outcome());
    std::string bytes;
    const auto rows = open_sample(*body, bytes);
    if (!rows.ok()) return refuse_mapping(visit, rows.outcome());
    std::vector<std::pair<std::string, std::string>> known;
    for (MappingShelf::Kept& kept : shelf_of(visit.house).list()) known.emplace_back(kept.name, std::move(kept.text));
    const auto proposal = table::propose(**rows, known);
    if (!proposal.ok()) return refuse_mapping(visit, proposal.outcome());
    std::vector<json::Value> guesses;
    for (const auto& guess : proposal->guesses)
        guesses.push_back(arena.object({{"header", arena.string(guess.header)},
                                        {"column", arena.string(guess.column)},
                                        {"kind", arena.string(guess.kind)},
                                        {"sure", arena.boolean(guess.sure)}}));
    json::Value mapping = arena.null();
    if (!proposal->mapping.empty())
        if (const auto read = json::parse(proposal->mapping, arena); read.ok()) mapping = *read;
    visit.answer(
        200,
        arena.object({{"mapping", mapping}, {"based_on", arena.string(proposal->based_on)}, {"columns", arena.array(guesses)}}));
}

constexpr std::string_view card_example =
    R"({"name":"clinic_visits","title":"门诊登记","title_en":"Outpatient register","description":"","version":"1","origin":"built in","columns":15,"resources":["Patient","Encounter"],"error":null})";

constexpr Route routes[] = {
    {"GET", "/api/v1/mappings", Who::logged_in, "Mappings of tables, built in and saved.", "", R"({"mappings":[]})", list},
    {"POST", "/api/v1/mappings/preview", Who::logged_in,
     "What a mapping (whole, or by name) makes of the first rows of a sample; nothing is stored. 422 names what is wrong with "
     "the mapping or the file.",
     R"({"mapping":{"mapping":"visits","version":"1"},"sample_base64":"5aeT5ZCN","kind":"csv"})",
     R"({"rows":[{"number":2,"rows":1,"values":{"name":"张三"},"resources":[],"notes":[],"error":null}],"columns":[{"header":"姓名","column":"name","place":"A","samples":["张三"]}],"header_row":1,"encoding":"UTF-8","sheets":[],"stopped":null})",
     preview},
    {"POST", "/api/v1/mappings/propose", Who::logged_in, "A mapping for a sample, found by its headers and values.",
     R"({"sample_base64":"5aeT5ZCN","kind":"csv"})",
     R"({"mapping":{},"based_on":"clinic_visits","columns":[{"header":"姓名","column":"name","kind":"text","sure":true}]})",
     propose},
    {"GET", "/api/v1/mappings/{name}", Who::logged_in, "The file of a mapping, as it was written.", "",
     R"({"mapping":"clinic_visits","version":"1"})", show},
    {"PUT", "/api/v1/mappings/{name}", Who::writer,
     "Save a mapping; it takes the place of a built-in one of this name. 201 when it is new, 422 with all that is wrong.",
     R"({"mapping":"visits","version":"1"})", card_example, save},
    {"DELETE", "/api/v1/mappings/{name}", Who::writer, "Remove a saved mapping; a built-in one of that name comes back.", "", "",
     erase},
};

}  // namespace

std::span<const Route> mapping_routes() { return routes; }

}  // namespace xinglin::server
