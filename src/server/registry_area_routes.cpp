// SPDX-License-Identifier: Apache-2.0
// /api/v1/registry: areas and their boundaries as of a day, and what a hand scanner read.
#include <fmt/format.h>

#include "registry/scan.h"
#include "server/registry_json.h"

namespace xinglin::server {

namespace {

constexpr std::size_t most_boundaries = 500;

json::Value said(json::Arena& arena, std::string_view text) { return text.empty() ? json::Value{} : arena.string(text); }

/// GeoJSON as a value; nothing when the area has none that day.
json::Value boundary_json(House& house, json::Arena& arena, const registry::Entry& entry, std::string_view at) {
    if (!entry.has_boundary) return {};
    const auto version = house.store->reader(access::Viewer::program("registry")).read(*entry.type, entry.id);
    if (!version.ok()) return {};
    json::Arena reading;
    const auto resource = json::parse(version->body, reading, {.depth = 1'000, .bytes = version->body.size() + 1});
    if (!resource.ok()) return {};
    const std::string text = registry::boundary_on(*resource, at);
    if (text.empty()) return {};
    const auto shape = json::parse(arena.keep(text), arena, {.depth = 12, .bytes = text.size() + 1});
    return shape.ok() ? *shape : json::Value{};
}

void areas(Visit& visit) {
    if (!may_see_registry(visit)) return;
    House& house = visit.house;
    const std::string at = visit.parameter("at"), below = visit.parameter("below");
    if (!at.empty() && !registry::is_day(at)) return visit.refuse(refuse(IssueCode::value, "at", "must be a day, 2026-11-22"));
    std::vector<registry::EntryPtr> found;
    if (below.empty()) {
        for (registry::EntryPtr& each : house.registry->all()) {
            if (each->kind == registry::Kind::area && !each->is_stray && each->is_in_force(at)) found.push_back(std::move(each));
        }
    } else {
        for (registry::Node& each : house.registry->children(below, at)) {
            if (each.entry->kind == registry::Kind::area && each.entry->is_in_force(at)) found.push_back(std::move(each.entry));
        }
    }
    std::sort(found.begin(), found.end(), [](const registry::EntryPtr& a, const registry::EntryPtr& b) {
        return std::tie(a->area, a->id) < std::tie(b->area, b->id);
    });
    json::Arena arena;
    std::vector<json::Value> out;
    std::size_t drawn = 0;
    for (const registry::EntryPtr& each : found) {
        const json::Value shape = drawn < most_boundaries ? boundary_json(house, arena, *each, at) : json::Value{};
        drawn += static_cast<bool>(shape);
        out.push_back(arena.object({{"entry", entry_json(house, arena, *each, at, registry_language(visit))},
                                    {"parent", reference_json(house, arena, std::string(each->parent_on(at)))},
                                    {"boundary", shape}}));
    }
    visit.answer(200, arena.object({{"areas", arena.array(out)}}));
}

void area(Visit& visit) {
    if (!may_see_registry(visit)) return;
    House& house = visit.house;
    const std::string code = visit.holes[0], at = visit.parameter("at");
    if (!at.empty() && !registry::is_day(at)) return visit.refuse(refuse(IssueCode::value, "at", "must be a day, 2026-11-22"));
    json::Arena arena;
    std::vector<json::Value> had;
    for (const registry::Known& known : house.registry->who_has(code, registry::division_system, at)) {
        std::vector<json::Value> above;
        for (const registry::EntryPtr& each : house.registry->above(known.entry->reference(), at))
            above.push_back(
                arena.object({{"reference", arena.string(each->reference())}, {"name", arena.string(each->name_on(at))}}));
        had.push_back(arena.object({{"entry", entry_json(house, arena, *known.entry, at, registry_language(visit))},
                                    {"above", arena.array(above)},
                                    {"boundary", boundary_json(house, arena, *known.entry, at)}}));
    }
    const std::string now = house.registry->present_area(code);
    if (had.empty() && now == code)
        return visit.refuse(refuse(IssueCode::not_found, "code", "no area has or had this code on that day"));
    visit.answer(200, arena.object({{"code", arena.string(code)}, {"now", arena.string(now)}, {"had_by", arena.array(had)}}));
}

/// Who is meant by what was scanned: the piece with that serial number, else the product.
std::vector<registry::EntryPtr> meant(const registry::Registry& registry, const registry::Scanned& scanned) {
    std::vector<registry::EntryPtr> out;
    const auto add = [&](std::string_view code) {
        for (const registry::Known& known : registry.who_has(code, "", "")) {
            const registry::EntryPtr& one = known.now ? known.now : known.entry;
            if (std::find(out.begin(), out.end(), one) == out.end()) out.push_back(one);
        }
    };
    add(scanned.product);
    if (scanned.scheme == "trace") add(scanned.serial);
    if (scanned.product.size() == 14 && scanned.product.front() == '0') add(std::string_view(scanned.product).substr(1));
    if (scanned.serial.empty() || scanned.scheme == "trace") return out;
    std::stable_sort(out.begin(), out.end(), [&](const registry::EntryPtr& a, const registry::EntryPtr& b) {
        return (a->serial == scanned.serial) > (b->serial == scanned.serial);
    });
    if (!out.empty() && out.front()->serial == scanned.serial) {  // other pieces of the model are not meant
        std::erase_if(out, [&](const registry::EntryPtr& each) {
            return each->kind == registry::Kind::device && each->serial != scanned.serial;
        });
    }
    return out;
}

void scan(Visit& visit) {
    if (!may_see_registry(visit)) return;
    const auto scanned = registry::read_scan(visit.parameter("code"));
    if (!scanned.ok()) return visit.refuse(scanned.outcome());
    json::Arena arena;
    std::vector<json::Value> found;
    const auto all = meant(*visit.house.registry, *scanned);
    for (const registry::EntryPtr& each : all) {
        if (found.size() < 50) found.push_back(entry_json(visit.house, arena, *each, "", registry_language(visit)));
    }
    const std::string today = visit.house.registry->today();
    visit.answer(200, arena.object({{"scheme", arena.string(scanned->scheme)},
                                    {"product", said(arena, scanned->product)},
                                    {"lot", said(arena, scanned->lot)},
                                    {"serial", said(arena, scanned->serial)},
                                    {"made", said(arena, scanned->made)},
                                    {"expires", said(arena, scanned->expires)},
                                    {"expired", arena.boolean(!scanned->expires.empty() && scanned->expires < today)},
                                    {"total", arena.number(static_cast<std::int64_t>(all.size()))},
                                    {"found", arena.array(found)}}));
}

constexpr Route routes[] = {
    {"GET", "/api/v1/registry/areas", Who::logged_in,
     "Areas as they were on a day, with their boundaries (GeoJSON): ?at (nothing: now) &below=Location/ID (what lies directly in "
     "it).",
     "",
     R"({"areas":[{"entry":{"reference":"Location/…","name":"…","area":"130303101"},"parent":{"reference":"Location/…"},"boundary":{"type":"Polygon","coordinates":[]}}]})",
     areas},
    {"GET", "/api/v1/registry/areas/{code}", Who::logged_in,
     "Who had a division code on a day (?at), with what lay above it then; `now` is the code an address with it has today.", "",
     R"({"code":"130303101","now":"130303201","had_by":[{"entry":{"reference":"Location/…"},"above":[]}]})", area},
    {"GET", "/api/v1/registry/scan", Who::logged_in,
     "What a hand scanner read (?code): a GS1 string such as (01)…(17)…(10)…(21)…, with or without brackets, a GTIN, a drug's "
     "trace code, or "
     "any code; taken apart, with the entries it means.",
     "",
     R"j({"scheme":"gs1","product":"06912345678901","lot":"A1","serial":"S1","expires":"2027-06-30","expired":false,"total":1,"found":[{"reference":"Device/…"}]})j",
     scan},
};

}  // namespace

std::span<const Route> registry_area_routes() { return routes; }

}  // namespace xinglin::server
