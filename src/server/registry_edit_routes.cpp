// SPDX-License-Identifier: Apache-2.0
// /api/v1/registry: entries changed, one or many at once, and changes undone.
#include <fmt/format.h>

#include "registry/change.h"
#include "server/registry_json.h"

namespace xinglin::server {

namespace {

Result<registry::Command> command_of(const http::Request& request, json::Arena& arena) {
    if (!request.headers.get("Content-Type").starts_with("application/json"))
        return refuse(IssueCode::invalid, "Content-Type", "send the body as application/json");
    XINGLIN_TRY(const json::Value body, json::parse(request.body, arena, {.depth = 8, .bytes = 4u << 20}));
    registry::Command out;
    for (const json::Member& member : body.members()) {
        std::string* const text = member.key() == "what"     ? &out.what
                                  : member.key() == "value"  ? &out.value
                                  : member.key() == "system" ? &out.system
                                  : member.key() == "day"    ? &out.day
                                  : member.key() == "note"   ? &out.note
                                                             : nullptr;
        if (text) {
            if (!member.value().is_string()) return refuse(IssueCode::value, std::string(member.key()), "must be a text");
            *text = member.value().string();
        } else if (member.key() == "entries" || member.key() == "targets") {
            std::vector<std::string>& list = member.key() == "entries" ? out.entries : out.targets;
            for (const json::Node& node : member.value().items()) list.emplace_back(json::Value(&node).string());
        } else if (member.key() == "parts") {
            for (const json::Node& node : member.value().items()) {
                const json::Value part(&node);
                registry::AreaPart one{std::string(part["code"].string()), std::string(part["name"].string())};
                for (const json::Node& below : part["takes"].items()) one.takes.emplace_back(json::Value(&below).string());
                out.parts.push_back(std::move(one));
            }
        } else {
            return refuse(IssueCode::structure, std::string(member.key()),
                          "is not known; entries, targets, parts, what, value, system, day and note are");
        }
    }
    return out;
}

void answer_revision(Visit& visit, const registry::Revision& revision, const Result<std::string>& done) {
    visit.house.write_down(visit.viewer, visit.request, "registry", done.ok() ? 200 : http_status(done.outcome().code()), "", "",
                           fmt::format("{} {}: {} entries", revision.what, revision.said, revision.writes.size()));
    if (!done.ok()) return visit.refuse(done.outcome());
    visit.house.registry->catch_up();
    json::Arena arena;
    visit.answer(200, arena.object({{"id", arena.string(*done)},
                                    {"entries", arena.number(static_cast<std::int64_t>(revision.writes.size()))}}));
}

void change(Visit& visit) {
    if (!may_edit_registry(visit)) return;
    json::Arena arena;
    const auto command = command_of(visit.request, arena);
    if (!command.ok()) return visit.refuse(command.outcome());
    visit.house.registry->catch_up();
    const auto planned = registry::plan(*visit.house.registry, *command, visit.viewer.name);
    if (!planned.ok()) return visit.refuse(planned.outcome());
    answer_revision(visit, *planned, registry::revise(*visit.house.store, *visit.house.ingest, visit.house.clock, *planned));
}

void revisions(Visit& visit) {
    if (!may_see_registry(visit)) return;
    const auto all = registry::revisions(*visit.house.store);
    if (!all.ok()) return visit.refuse(all.outcome());
    json::Arena arena;
    std::vector<json::Value> out;
    for (const registry::Revised& each : *all) out.push_back(revised_json(arena, each));
    visit.answer(200, arena.object({{"revisions", arena.array(out)}}));
}

void undo(Visit& visit) {
    if (!may_edit_registry(visit)) return;
    const auto back = registry::undoing(*visit.house.store, visit.holes[0], visit.viewer.name);
    if (!back.ok()) return visit.refuse(back.outcome());
    answer_revision(visit, *back, registry::revise(*visit.house.store, *visit.house.ingest, visit.house.clock, *back));
}

constexpr Route routes[] = {
    {"POST", "/api/v1/registry/changes", Who::logged_in,
     "Changes entries, one or many, in one transaction: what = rename, close, reopen, merge (into value), move (below value), "
     "recode, bed_state, area, class, map (value: what the source `system` calls it), join (strays into value, or each into its "
     "own of "
     "`targets`: the source's codes are written down there), register (a stray becomes an entry), period (value: from/to), split "
     "(an area "
     "into `parts`: code, name, takes) or boundary (of an area; value: GeoJSON). What was is kept with its days. A cycle is "
     "refused. For administrators and operators. Is audited.",
     R"({"what":"rename","entries":["Organization/…"],"value":"山海关区人民医院","day":"2026-03-01","note":"…"})",
     R"({"id":"01…","entries":1})", change},
    {"GET", "/api/v1/registry/revisions", Who::logged_in, "What was imported, changed and undone, newest first.", "",
     R"({"revisions":[{"id":"01…","what":"import","said":"beds.xlsx","who":"admin","at":"…","entries":489,"undone_by":null}]})",
     revisions},
    {"POST", "/api/v1/registry/revisions/{id}/undo", Who::logged_in,
     "Puts every entry back exactly as it was before. Refused (409) when one has changed since; an undo can be undone. Is "
     "audited.",
     "", R"({"id":"01…","entries":489})", undo},
};

}  // namespace

std::span<const Route> registry_edit_routes() { return routes; }

}  // namespace xinglin::server
