// SPDX-License-Identifier: Apache-2.0
// /api/v1/registry: what comes in and is in no register, by source, each with a suggestion; and references that lead nowhere.
#include <fmt/format.h>

#include "registry/sightings.h"
#include "registry/twins.h"
#include "server/registry_json.h"

namespace xinglin::server {

namespace {

json::Value time_json(json::Arena& arena, std::int64_t ms) {
    return ms == 0 ? json::Value{} : arena.string(calendar::instant_text(ms));
}
json::Value count_json(json::Arena& arena, std::size_t count) { return arena.number(static_cast<std::int64_t>(count)); }

json::Value seen_json(json::Arena& arena, const registry::Seen& seen) {
    return arena.object({{"count", count_json(arena, seen.count)},
                         {"first", time_json(arena, seen.first_ms)},
                         {"last", time_json(arena, seen.last_ms)},
                         {"example", seen.example.empty() ? json::Value{} : arena.string(seen.example)}});
}

Result<std::size_t> number_of(const Visit& visit, std::string_view name, std::size_t usual, std::size_t most) {
    const std::string text = visit.parameter(name);
    if (text.empty()) return usual;
    if (text.size() > 8 || text.find_first_not_of("0123456789") != std::string::npos)
        return refuse(IssueCode::value, std::string(name), fmt::format("must be a number up to {}", most));
    return std::min<std::size_t>(std::stoul(text), most);
}

/// "Organization/x" of a source.
std::string home_of(House& house, const std::string& source) {
    const auto known = house.intake->source(source);
    return known && !known->organization.empty() ? "Organization/" + known->organization : std::string();
}

std::string source_name(House& house, const std::string& source) {
    const auto known = house.intake->source(source);
    return known ? known->name : std::string();
}

void strays(Visit& visit) {
    if (!may_see_registry(visit)) return;
    House& house = visit.house;
    const auto skip = number_of(visit, "skip", 0, 10'000'000), count = number_of(visit, "count", 100, 1'000);
    if (!skip.ok()) return visit.refuse(skip.outcome());
    if (!count.ok()) return visit.refuse(count.outcome());
    const std::string source = visit.parameter("source");
    house.sightings->hurry();
    json::Arena arena;
    std::vector<json::Value> sources, out;
    std::size_t total = 0;
    for (const auto& [id, many] : registry::stray_counts(*house.registry)) {
        const std::string home = home_of(house, id);
        sources.push_back(arena.object({{"source", arena.string(id)},
                                        {"name", arena.string(source_name(house, id))},
                                        {"organization", reference_json(house, arena, home)},
                                        {"count", count_json(arena, many)}}));
        if (source.empty() || source == id) total += many;
    }
    const auto home = [&house](const std::string& id) { return home_of(house, id); };
    for (const registry::Stray& each : registry::strays(*house.registry, source, *skip, *count, home)) {
        const registry::Entry& entry = *each.entry;
        registry::Seen seen = house.sightings->of(entry.reference());
        if (seen.first_ms == 0 || entry.updated_ms < seen.first_ms) seen.first_ms = entry.updated_ms;
        if (seen.last_ms < entry.updated_ms) seen.last_ms = entry.updated_ms;
        const std::string language = registry_language(visit);
        out.push_back(arena.object(
            {{"entry", entry_json(house, arena, entry, "", language)},
             {"suggestion", each.suggestion ? entry_json(house, arena, *each.suggestion, "", language) : json::Value{}},
             {"why", each.why.empty() ? json::Value{} : arena.string(each.why)},
             {"seen", seen_json(arena, seen)}}));
    }
    visit.answer(200, arena.object({{"total", count_json(arena, total)},
                                    {"sources", arena.array(sources)},
                                    {"strays", arena.array(out)},
                                    {"counted", arena.boolean(house.sightings->is_read())}}));
}

void nowhere(Visit& visit) {
    if (!may_see_registry(visit)) return;
    House& house = visit.house;
    house.sightings->hurry();
    json::Arena arena;
    std::vector<json::Value> out;
    for (const registry::Nowhere& each : house.sightings->nowhere()) {
        if (out.size() == 1'000) break;
        out.push_back(arena.object({{"source", arena.string(each.source)},
                                    {"name", arena.string(source_name(house, each.source))},
                                    {"from", arena.string(each.from)},
                                    {"to", arena.string(each.to)},
                                    {"targets", count_json(arena, each.targets)},
                                    {"missing", arena.string(each.missing)},
                                    {"seen", seen_json(arena, each.seen)}}));
    }
    visit.answer(200, arena.object({{"nowhere", arena.array(out)},
                                    {"left_out", count_json(arena, house.sightings->left_out())},
                                    {"counted", arena.boolean(house.sightings->is_read())}}));
}

constexpr Route routes[] = {
    {"GET", "/api/v1/registry/strays", Who::logged_in,
     "What messages brought and no register knows, by source, each with a suggestion, how often it is referred to, since when "
     "and an "
     "example: ?source &count &skip &lang. `counted` is false while the record is being looked through for the first time. Join "
     "many with "
     "POST /api/v1/registry/changes, what = join, entries and targets.",
     "",
     R"({"total":1,"sources":[{"source":"renmin","name":"…","count":1}],"strays":[{"entry":{"reference":"Practitioner/x","source":"renmin"},"suggestion":{"reference":"Practitioner/y"},"why":"same_code","seen":{"count":12,"first":"…","last":"…","example":"Encounter/…"}}],"counted":true})",
     strays},
    {"GET", "/api/v1/registry/nowhere", Who::logged_in,
     "References of the record to resources that are not there, by source and types, each with an example; most first. `counted` "
     "as of strays.",
     "",
     R"({"nowhere":[{"source":"renmin","from":"Observation","to":"Encounter","targets":2,"missing":"Encounter/…","seen":{"count":5,"example":"Observation/…"}}],"left_out":0,"counted":true})",
     nowhere},
};

}  // namespace

std::span<const Route> registry_stray_routes() { return routes; }

}  // namespace xinglin::server
