// SPDX-License-Identifier: Apache-2.0
// /api/v1/views: the views there are, trying one, keeping one as a table, its rows.
#include <charconv>

#include <fmt/format.h>

#include "http/stream.h"
#include "server/house.h"
#include "server/route.h"
#include "server/small_counts.h"
#include "server/spreadsheet.h"
#include "view/on_demand.h"

namespace xinglin::server {

namespace {

constexpr std::size_t most_rows = 10'000;             // of one answer as JSON
constexpr std::size_t page_rows = 2'000;              // read at once for a file
constexpr auto most_time = std::chrono::seconds(10);  // of one run

Result<Done> may_read(const access::Viewer& viewer, const fhir::Type& type) {
    const bool allowed =
        viewer.may_read() && (viewer.role != access::Role::system || access::scope_allows(viewer.scope, type.name, 's'));
    if (allowed) return Done{};
    return refuse(IssueCode::forbidden, std::string(type.name), "your account may not read this");
}

/// 0: absent. Refuses what is no number.
Result<std::size_t> count_of(std::string_view text) {
    std::size_t count = 0;
    if (text.empty()) return count;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), count);
    if (end.ec != std::errc() || end.ptr != text.data() + text.size() || count == 0)
        return refuse(IssueCode::value, "count", "must be a whole number above 0");
    return count;
}

/// A definition that is not right is 422, whatever is wrong with it.
void refuse_definition(Visit& visit, const Outcome& outcome) {
    auto response = error_response(outcome, visit.request.trace_id);
    response.status = 422;
    visit.respond(std::move(response));
}

json::Value whole(json::Arena& arena, std::int64_t number) { return arena.number(number); }

/// Of a type whose count is hidden the rows of its views are too.
json::Value rows_shown(const ShownCounts& shown, const view::Definition& definition, std::int64_t rows, json::Arena& arena) {
    if (shown.is_hidden(std::string(definition.resource().name), rows)) return arena.string("*");
    return shown.value(arena, " rows", rows);
}

ShownCounts shown_to(Visit& visit) {
    return shown_types(visit.house, visit.house.store->reader(visit.viewer).type_counts(), sees_counts(visit.viewer));
}

std::vector<std::pair<std::string_view, json::Value>> members_of(const view::Shelved& one,
                                                                 const std::optional<view::TableState>& table,
                                                                 const ShownCounts& shown, json::Arena& arena) {
    const view::Definition& definition = one.definition;
    const view::TableState state = table.value_or(view::TableState{.state = "ready"});
    return {
        {"name", arena.string(definition.name())},
        {"title", arena.string(definition.title())},
        {"resource", arena.string(definition.resource().name)},
        {"origin", arena.string(one.saved ? "saved" : "built in")},
        {"state", arena.string(state.state)},
        {"materialized", arena.boolean(table.has_value())},
        {"rows", rows_shown(shown, definition, static_cast<std::int64_t>(state.rows), arena)},
        {"columns", whole(arena, static_cast<std::int64_t>(definition.columns().size()))},
        {"position", whole(arena, state.position)},
        {"lag_positions", whole(arena, state.lag_positions)},
        {"lag_ms", whole(arena, state.lag_ms)},
        {"bytes", whole(arena, state.bytes)},
        {"built_at", state.built_ms > 0 ? arena.string(calendar::instant_text(state.built_ms)) : arena.null()},
        {"error", state.error.empty()           ? arena.null()
                  : state.resources_failed == 0 ? arena.string(state.error)
                                                : arena.string(fmt::format("{} resources have no rows, one of them because {}",
                                                                           state.resources_failed, state.error))}};
}

json::Value state_json(Visit& visit, const view::Shelved& one, const ShownCounts& shown, json::Arena& arena) {
    return arena.object(members_of(one, visit.house.tables->state(one.definition.name()), shown, arena));
}

json::Value column_list(std::span<const view::Column> columns, json::Arena& arena) {
    std::vector<json::Value> all;
    for (const view::Column& column : columns) {
        all.push_back(arena.object({{"name", arena.string(column.name)},
                                    {"type", arena.string(column.collection ? column.type + "[]" : column.type)},
                                    {"description", arena.string(column.description)}}));
    }
    return arena.array(all);
}

http::Response answer_of(std::string_view content_type, std::string body) {
    auto response = http::Response::text(200, content_type, std::move(body));
    response.headers.set("Cache-Control", "no-store");
    return response;
}

void list(Visit& visit) {
    json::Arena arena;
    std::vector<json::Value> all;
    const ShownCounts shown = shown_to(visit);
    for (const view::Shelved& one : visit.house.library->list()) all.push_back(state_json(visit, one, shown, arena));
    visit.answer(200, arena.object({{"views", arena.array(all)}}));
}

void show(Visit& visit) {
    const auto one = visit.house.library->find(visit.holes[0]);
    if (!one) return visit.refuse(refuse(IssueCode::not_found, "name", "there is no view of this name"));
    json::Arena arena;
    auto members = members_of(*one, visit.house.tables->state(one->definition.name()), shown_to(visit), arena);
    const auto definition = json::parse(one->definition.text(), arena);
    members.insert(members.begin(), {"definition", definition.ok() ? *definition : arena.null()});
    visit.answer(200, arena.object(members));
}

void run(Visit& visit) {
    json::Arena arena;
    const auto body = json::parse(visit.request.body, arena);
    if (!body.ok()) return visit.refuse(body.outcome());
    if (!(*body)["view"]) return visit.refuse(refuse(IssueCode::required, "view", "is missing, send a ViewDefinition"));
    const auto definition = view::Definition::compile((*body)["view"]);
    if (!definition.ok()) return refuse_definition(visit, definition.outcome());
    if (const auto may = may_read(visit.viewer, definition->resource()); !may.ok()) return visit.refuse(may.outcome());
    const auto count = count_of((*body)["count"].text());
    if (!count.ok()) return visit.refuse(count.outcome());
    view::Question question{.definition = *definition, .environment = visit.house.library->environment()};
    question.limit = std::min(*count == 0 ? std::size_t{100} : *count, most_rows);
    if (const std::string_view patient = (*body)["patient"].string(); !patient.empty()) {
        question.of_patients = true;
        question.patients.emplace_back(patient.substr(patient.rfind('/') + 1));
    }
    const auto started = std::chrono::steady_clock::now();
    std::string rows;
    bool late = false;
    view::OnDemand walk(visit.house.store->reader(visit.viewer), std::move(question));
    const auto done = walk.go(
        [&rows](view::Row row) {
            if (!rows.empty()) rows += ',';
            view::write_array(row, rows);
        },
        [&] { return late = walk.resources_read() % 64 == 0 && std::chrono::steady_clock::now() - started > most_time; });
    visit.house.write_down(visit.viewer, visit.request, "view", done.ok() ? 200 : 422, definition->resource().name, "",
                           definition->name());
    if (!done.ok()) return refuse_definition(visit, done.outcome());
    const double took_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - started).count();
    visit.respond(answer_of("application/json",
                            fmt::format(R"({{"columns":{},"rows":[{}],"took_ms":{:.2f},"resources_read":{},"truncated":{}}})",
                                        json::write(column_list(definition->columns(), arena)), rows, took_ms,
                                        walk.resources_read(), walk.truncated() || late)));
}

void save(Visit& visit) {
    const std::string& name = visit.holes[0];
    const auto definition = view::Definition::compile(visit.request.body);
    if (!definition.ok()) return refuse_definition(visit, definition.outcome());
    if (const auto may = may_read(visit.viewer, definition->resource()); !may.ok()) return visit.refuse(may.outcome());
    json::Arena arena;
    const auto parsed = json::parse(visit.request.body, arena);
    const auto named = definition->name().empty() && parsed.ok()
                           ? view::Definition::compile(arena.with(*parsed, "name", arena.string(name)))
                           : definition;
    if (!named.ok()) return refuse_definition(visit, named.outcome());
    if (const auto fits = view::Tables::check(*named); !fits.ok()) return refuse_definition(visit, fits.outcome());
    const auto fresh = visit.house.library->save(name, *named);
    visit.house.write_down(visit.viewer, visit.request, "view save", fresh.ok() ? 200 : http_status(fresh.outcome().code()),
                           "ViewDefinition", name);
    if (!fresh.ok()) return visit.refuse(fresh.outcome());
    const auto saved = visit.house.library->find(name);
    if (const auto kept = visit.house.tables->keep(saved->definition); !kept.ok())
        return refuse_definition(visit, kept.outcome());
    auto response = json_response(*fresh ? 201 : 200, state_json(visit, *saved, shown_to(visit), arena));
    if (*fresh) response.headers.add("Location", "/api/v1/views/" + http::percent_encode(name));
    visit.respond(std::move(response));
}

void erase(Visit& visit) {
    const auto gone = visit.house.library->erase(visit.holes[0]);
    visit.house.write_down(visit.viewer, visit.request, "view delete", gone.ok() ? 204 : http_status(gone.outcome().code()),
                           "ViewDefinition", visit.holes[0]);
    if (!gone.ok()) return visit.refuse(gone.outcome());
    const auto built_in = visit.house.library->find(visit.holes[0]);
    if (built_in && visit.house.keeps_views(false)) (void)visit.house.tables->keep(built_in->definition);
    else visit.house.tables->drop(visit.holes[0]);
    visit.answer_nothing();
}

void rebuild(Visit& visit) {
    const auto one = visit.house.library->find(visit.holes[0]);
    if (!one) return visit.refuse(refuse(IssueCode::not_found, "name", "there is no view of this name"));
    const bool is_kept = visit.house.tables->state(one->definition.name()).has_value();
    const auto done = is_kept ? visit.house.tables->rebuild(one->definition.name()) : visit.house.tables->keep(one->definition);
    if (!done.ok()) return visit.refuse(done.outcome());
    json::Arena arena;
    visit.answer(202, state_json(visit, *one, shown_to(visit), arena));
}

std::string as_text(const view::TablePage& page, bool csv) {
    std::string text;
    json::Arena arena;
    std::vector<view::Cell> cells;
    for (const std::string& row : page.rows) {
        arena.clear();
        cells.clear();
        const auto parsed = json::parse(row, arena);
        if (!parsed.ok()) throw std::runtime_error("a stored row is no JSON");
        for (const json::Node& node : parsed->items()) cells.push_back(view::cell_of(json::Value(&node)));
        if (csv) {
            write_csv_for_people(cells, text);
        } else {
            view::write_object(page.columns, cells, text);
            text += '\n';
        }
    }
    return text;
}

/// The whole table, made while it is sent. A rebuild in between may show a resource's older rows once more: positions differ.
http::Response table_file(House& house, const std::string& name, view::TablePage first, bool csv) {
    auto response = answer_of(csv ? "text/csv; charset=utf-8" : "application/x-ndjson", "");
    response.headers.set("Content-Disposition", fmt::format("attachment; filename=\"{}.{}\"", name, csv ? "csv" : "ndjson"));
    response.stream = std::make_shared<http::Stream>();
    std::string head;
    if (csv) view::write_csv_header(first.columns, head);
    head += as_text(first, csv);
    response.stream->next = [&house, name, csv, head = std::move(head), next = first.next]() mutable {
        if (!head.empty()) return std::exchange(head, std::string());
        if (next.empty()) return std::string();
        const auto page = house.tables->rows(name, next, page_rows);
        if (!page.ok()) throw std::runtime_error("the table is gone: " + page.outcome().line());
        next = page->next;
        return as_text(*page, csv);
    };
    return response;
}

/// The kept table holds everybody's rows: who does not see everything gets the view run over what may be seen.
void rows_seen(Visit& visit, const view::Definition& definition, std::size_t wanted, const std::string& format) {
    json::Arena arena;
    std::string text;
    view::Question question{.definition = definition, .environment = visit.house.library->environment(), .limit = wanted};
    view::OnDemand walk(visit.house.store->reader(visit.viewer), std::move(question));
    if (format == "csv") view::write_csv_header(definition.columns(), text);
    const auto started = std::chrono::steady_clock::now();
    bool late = false;
    const auto done = walk.go(
        [&](view::Row row) {
            if (format == "csv") return write_csv_for_people(row, text);
            if (format.empty() || format == "json") text += text.empty() ? "" : ",";
            if (format == "ndjson") view::write_object(definition.columns(), row, text);
            else view::write_array(row, text);
            if (format == "ndjson") text += '\n';
        },
        [&] { return late = walk.resources_read() % 64 == 0 && std::chrono::steady_clock::now() - started > most_time; });
    visit.house.write_down(visit.viewer, visit.request, "view", done.ok() ? 200 : 422, definition.resource().name, "",
                           definition.name());
    if (!done.ok()) return refuse_definition(visit, done.outcome());
    if (format == "csv" || format == "ndjson") {
        auto response = answer_of(format == "csv" ? "text/csv; charset=utf-8" : "application/x-ndjson", std::move(text));
        response.headers.set("Content-Disposition", fmt::format("attachment; filename=\"{}.{}\"", definition.name(), format));
        return visit.respond(std::move(response));
    }
    visit.respond(answer_of(
        "application/json",
        fmt::format(R"({{"columns":{},"rows":[{}],"next":null,"total":{},"truncated":{}}})",
                    json::write(column_list(definition.columns(), arena)), text, walk.rows(), walk.truncated() || late)));
}

void rows(Visit& visit) {
    const auto one = visit.house.library->find(visit.holes[0]);
    if (!one) return visit.refuse(refuse(IssueCode::not_found, "name", "there is no view of this name"));
    if (const auto may = may_read(visit.viewer, one->definition.resource()); !may.ok()) return visit.refuse(may.outcome());
    const std::string format = visit.parameter("format");
    if (!format.empty() && format != "json" && format != "csv" && format != "ndjson")
        return visit.refuse(refuse(IssueCode::value, "format", "must be json, csv or ndjson"));
    const bool file = format == "csv" || format == "ndjson";
    const auto count = count_of(visit.parameter("count"));
    if (!count.ok()) return visit.refuse(count.outcome());
    const std::size_t wanted = *count > 0 ? std::min(*count, most_rows) : file ? page_rows : 100;
    if (visit.viewer.guard) return rows_seen(visit, one->definition, *count == 0 && file ? most_rows : wanted, format);
    auto page = visit.house.tables->rows(one->definition.name(), visit.parameter("after"), wanted);
    visit.house.write_down(visit.viewer, visit.request, "view", page.ok() ? 200 : http_status(page.outcome().code()),
                           one->definition.resource().name, "", one->definition.name());
    if (!page.ok()) return visit.refuse(page.outcome());
    if (file) {
        if (*count > 0) page->next.clear();
        return visit.respond(table_file(visit.house, one->definition.name(), std::move(*page), format == "csv"));
    }
    json::Arena arena;
    visit.respond(answer_of("application/json",
                            fmt::format(R"({{"columns":{},"rows":[{}],"next":{},"total":{}}})",
                                        json::write(column_list(page->columns, arena)), fmt::join(page->rows, ","),
                                        page->next.empty() ? "null" : json::write(arena.string(page->next)), page->total)));
}

constexpr std::string_view view_example =
    R"({"name":"condition","title":"…","resource":"Condition","origin":"built in","state":"ready","materialized":true,"rows":120,"columns":12,"position":900,)"
    R"("lag_positions":0,"lag_ms":0,"bytes":40960,"built_at":"2026-11-22T02:00:00.000Z","error":null})";
constexpr std::string_view run_example =
    R"({"view":{"resource":"Patient","select":[{"column":[{"name":"id","path":"id"}]}]},"count":100})";

constexpr Route routes[] = {
    {"GET", "/api/v1/views", Who::logged_in, "The views there are, built in and saved, and how their tables stand.", "",
     R"({"views":[]})", list},
    {"POST", "/api/v1/views/run", Who::logged_in,
     "Try a ViewDefinition on the record: at most `count` rows, at most ten seconds. 422 names the place in the definition that "
     "is not right.",
     run_example,
     R"({"columns":[{"name":"id","type":"string","description":""}],"rows":[["1"]],"took_ms":0.50,"resources_read":1,"truncated":false})",
     run},
    {"GET", "/api/v1/views/{name}", Who::logged_in, "One view with its definition.", "", view_example, show},
    {"PUT", "/api/v1/views/{name}", Who::writer, "Save a ViewDefinition and keep it as table view_NAME. 201 when it is new.",
     R"({"resource":"Patient","select":[{"column":[{"name":"id","path":"id"}]}]})", view_example, save},
    {"DELETE", "/api/v1/views/{name}", Who::writer, "Remove a saved view and its table; a built-in one of that name comes back.",
     "", "", erase},
    {"POST", "/api/v1/views/{name}/rebuild", Who::writer, "Build the table again, while it serves.", "", view_example, rebuild},
    {"GET", "/api/v1/views/{name}/rows", Who::logged_in,
     "Rows of the table: ?count= &after=NEXT; ?format=csv or ndjson gives all of them as a file.", "",
     R"({"columns":[],"rows":[],"next":null,"total":0})", rows},
};

}  // namespace

std::span<const Route> view_routes() { return routes; }

}  // namespace xinglin::server
