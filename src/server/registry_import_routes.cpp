// SPDX-License-Identifier: Apache-2.0
// /api/v1/registry/import: tables looked at before they are taken; and the registries as tables.
#include <fmt/format.h>

#include "registry/import.h"
#include "server/registry_json.h"
#include "text/text.h"

namespace xinglin::server {

namespace {

constexpr std::size_t most_rows_shown = 500;
constexpr std::string_view xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

std::optional<registry::Sheet> sheet_of(Visit& visit) {
    const auto sheet = registry::parse_sheet(visit.parameter("sheet"));
    if (!sheet)
        visit.refuse(refuse(IssueCode::value, "sheet",
                            "must be organizations, departments, places, beds, staff, devices, consumables or drugs"));
    return sheet;
}

/// Classes by code or by name in either language.
registry::Words words_of(House& house) {
    return {[&house](std::string_view written) -> std::string {
        const std::string code(written);
        if (!house.terminology->display(registry::class_system, code).empty()) return code;
        const auto all = house.terminology->codes_in(std::string(registry::class_system) + "?fhir_vs");
        if (!all.ok()) return {};
        for (const auto& [system, each] : *all) {
            if (text::fold(house.terminology->display(system, each)) == text::fold(written) ||
                text::fold(house.terminology->display(system, each, "en")) == text::fold(written))
                return each;
        }
        return {};
    }};
}

json::Value row_json(json::Arena& arena, registry::Sheet sheet, const registry::RowPlan& row, bool zh) {
    constexpr std::string_view states[] = {"added", "changed", "unchanged", "wrong"};
    const auto title = [&](const std::string& key) {
        const registry::Column* column = registry::column(sheet, key);
        return arena.string(!column ? std::string_view(key) : zh ? column->zh : column->en);
    };
    std::vector<json::Value> changes, reasons;
    for (const registry::CellChange& each : row.changes)
        changes.push_back(arena.object({{"column", title(each.key)},
                                        {"before", arena.string(registry::shown(each.key, each.before, zh))},
                                        {"after", arena.string(registry::shown(each.key, each.after, zh))}}));
    for (const registry::Reason& each : row.reasons)
        reasons.push_back(arena.object({{"column", title(each.key)}, {"why", arena.string(zh ? each.zh : each.en)}}));
    return arena.object({{"row", arena.number(static_cast<std::int64_t>(row.number))},
                         {"state", arena.string(states[static_cast<std::size_t>(row.state)])},
                         {"reference", arena.string(row.reference)},
                         {"code", arena.string(row.code)},
                         {"name", arena.string(row.name)},
                         {"changes", arena.array(changes)},
                         {"reasons", arena.array(reasons)}});
}

json::Value preview_json(json::Arena& arena, const registry::Preview& seen, bool zh) {
    std::vector<json::Value> rows, ignored;
    using State = registry::RowPlan::State;
    for (const State state : {State::wrong, State::changed, State::added}) {  // what wants a look first
        std::size_t shown = 0;
        for (const registry::RowPlan& row : seen.rows) {
            if (row.state == state && shown++ < most_rows_shown) rows.push_back(row_json(arena, seen.sheet, row, zh));
        }
    }
    for (const std::string& title : seen.ignored) ignored.push_back(arena.string(title));
    const auto count = [&](std::size_t n) { return arena.number(static_cast<std::int64_t>(n)); };
    return arena.object({{"sheet", arena.string(registry::text(seen.sheet))},
                         {"added", count(seen.added)},
                         {"changed", count(seen.changed)},
                         {"unchanged", count(seen.unchanged)},
                         {"wrong", count(seen.wrong)},
                         {"writes", count(seen.writes.size())},
                         {"rows", arena.array(rows)},
                         {"ignored", arena.array(ignored)},
                         {"basis", arena.string(seen.basis)}});
}

void import(Visit& visit) {
    if (!may_edit_registry(visit)) return;
    const auto sheet = sheet_of(visit);
    if (!sheet) return;
    const std::string apply = visit.parameter("apply"), name = visit.parameter("name");
    if (name.size() > 200) return visit.refuse(refuse(IssueCode::too_costly, "name", "is longer than 200 bytes"));
    visit.house.registry->catch_up();
    const auto seen = registry::preview(*visit.house.registry, *sheet, visit.request.body, words_of(visit.house));
    if (!seen.ok()) return visit.refuse(seen.outcome());
    json::Arena arena;
    const bool zh = registry_language(visit) != "en";
    if (apply.empty()) return visit.answer(200, preview_json(arena, *seen, zh));
    if (apply != seen->basis)
        return visit.refuse(
            refuse(IssueCode::conflict, "apply", "the registries or the file have changed since the preview; look at it again"));
    registry::Revision revision{.what = "import",
                                .said = name.empty() ? std::string(registry::text(*sheet)) : name,
                                .of = "",
                                .who = visit.viewer.name,
                                .writes = seen->writes};
    const auto done = registry::revise(*visit.house.store, *visit.house.ingest, visit.house.clock, revision);
    visit.house.write_down(visit.viewer, visit.request, "registry", done.ok() ? 200 : http_status(done.outcome().code()), "", "",
                           fmt::format("import {}: {} added, {} changed, {} wrong", registry::text(*sheet), seen->added,
                                       seen->changed, seen->wrong));
    if (!done.ok()) return visit.refuse(done.outcome());
    visit.house.registry->catch_up();
    visit.answer(200, arena.object({{"id", arena.string(*done)},
                                    {"added", arena.number(static_cast<std::int64_t>(seen->added))},
                                    {"changed", arena.number(static_cast<std::int64_t>(seen->changed))},
                                    {"wrong", arena.number(static_cast<std::int64_t>(seen->wrong))}}));
}

void send_workbook(Visit& visit, bool template_only) {
    if (!may_see_registry(visit)) return;
    const auto sheet = sheet_of(visit);
    if (!sheet) return;
    auto bytes = registry::workbook(*visit.house.registry, *sheet, template_only, registry_language(visit) != "en");
    if (!bytes.ok()) return visit.refuse(bytes.outcome());
    if (!template_only)
        visit.house.write_down(visit.viewer, visit.request, "export", 200, "", "",
                               fmt::format("registry {}", registry::text(*sheet)));
    http::Response response = http::Response::text(200, xlsx, std::move(*bytes));
    response.headers.set("Cache-Control", "no-store");
    response.headers.set("Content-Disposition", fmt::format("attachment; filename=\"{}{}.xlsx\"", registry::text(*sheet),
                                                            template_only ? "-template" : "-" + visit.house.registry->today()));
    visit.respond(std::move(response));
}

void export_sheet(Visit& visit) { send_workbook(visit, false); }
void template_sheet(Visit& visit) { send_workbook(visit, true); }

constexpr Route routes[] = {
    {"POST", "/api/v1/registry/import", Who::logged_in,
     "A table of entries: ?sheet (organizations, departments, places, beds, staff, devices, consumables, drugs) &name &lang. "
     "Without &apply nothing is "
     "changed and the answer says what would be, row by row; &apply=BASIS of that answer takes the rows that are not wrong, in "
     "one transaction. For "
     "administrators and operators. Is audited.",
     "the bytes of an XLSX or CSV file",
     R"({"sheet":"beds","added":2,"changed":1,"unchanged":480,"wrong":1,"writes":3,"rows":[{"row":7,"state":"changed","reference":"Location/…","code":"b1","name":"1床","changes":[{"column":"床位状态","before":"空闲","after":"占用"}],"reasons":[]}],"ignored":[],"basis":"…"})",
     import},
    {"GET", "/api/v1/registry/export", Who::logged_in,
     "Entries of one sheet as a workbook: ?sheet &lang. Sent back as it is, it changes nothing. Is audited.", "", "an XLSX file",
     export_sheet},
    {"GET", "/api/v1/registry/template", Who::logged_in, "The workbook to fill in: ?sheet &lang.", "", "an XLSX file",
     template_sheet},
};

}  // namespace

std::span<const Route> registry_import_routes() { return routes; }

}  // namespace xinglin::server
