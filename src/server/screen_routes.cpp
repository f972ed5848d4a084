// SPDX-License-Identifier: Apache-2.0
// /api/v1/screen: what the wall display shows. Counts and institutions only, nothing about any person.
#include <map>
#include <set>

#include "intake/intake.h"
#include "server/house.h"
#include "server/route.h"
#include "server/small_counts.h"

namespace xinglin::server {

namespace {

constexpr std::size_t arrivals_shown = 20;
constexpr std::int64_t hour_ms = 3'600'000, day_ms = 24 * hour_ms, minute_ms = 60'000;

json::Value figure(json::Arena& arena, std::string_view key, std::optional<double> value, std::optional<double> delta = {}) {
    const auto number = [&](std::optional<double> each) {
        return each ? arena.number(fmt::format("{:.4g}", *each)) : arena.null();
    };
    return arena.object({{"key", arena.string(key)},
                         {"value", value ? arena.number(fmt::format("{:.10g}", *value)) : arena.null()},
                         {"delta", number(delta)}});
}

struct Today {
    intake::Counts counts;
    std::optional<double> against_yesterday;  // share more or less than at the same time yesterday
};

Today today_of(const std::vector<intake::HourLine>& hours, std::int64_t midnight_ms, std::int64_t now_ms) {
    Today today;
    double yesterday = 0;
    for (const intake::HourLine& line : hours) {
        const std::int64_t at_ms = line.at_ms;
        if (at_ms >= midnight_ms) today.counts += line.counts;
        const std::int64_t passed_ms = std::clamp<std::int64_t>(now_ms - day_ms - at_ms, 0, hour_ms);
        if (at_ms < midnight_ms && at_ms >= midnight_ms - day_ms)
            yesterday +=
                static_cast<double>(line.counts.received) * static_cast<double>(passed_ms) / static_cast<double>(hour_ms);
    }
    if (yesterday >= 1) today.against_yesterday = static_cast<double>(today.counts.received) / yesterday - 1;
    return today;
}

std::vector<json::Value> figures_of(House& house, const access::Viewer& viewer, const Today& today, const intake::Overview& all,
                                    json::Arena& arena) {
    double people = 0, resources = 0;
    for (const record::TypeCount& each : house.store->reader(viewer).type_counts()) {
        resources += static_cast<double>(each.count);
        if (each.type->name == "Patient") people = static_cast<double>(each.count);
    }
    // Persons, not what institutions call so; until the index has been filled nobody knows how many they are.
    if (const person::State index = house.persons->state(); index.people > 0 && !index.filling)
        people = static_cast<double>(index.people);
    std::set<std::string> institutions;
    for (const intake::Source& source : house.intake->sources()) {
        if (!source.organization.empty()) institutions.insert(source.organization);
    }
    double alive = 0, errors = 0;
    for (const intake::Health& each : all.sources) {
        if (each.id != intake::unknown_source && (each.state == "ok" || each.state == "late")) ++alive;
        errors += static_cast<double>(each.total.rejected);
    }
    const double settled = static_cast<double>(today.counts.stored + today.counts.rejected + today.counts.ignored);
    std::optional<double> stored_share, latency_s;
    if (settled > 0) stored_share = static_cast<double>(today.counts.stored) / settled;
    if (all.p99_ms) latency_s = *all.p99_ms / 1'000;
    const ShownCounts shown(house, sees_counts(viewer));
    const auto persons = [&](std::string_view key, double number) {
        const auto whole = static_cast<std::int64_t>(number);
        return arena.object({{"key", arena.string(key)}, {"value", shown.value(arena, "", whole)}, {"delta", arena.null()}});
    };
    return {persons("people", people),
            persons("resources", resources),
            figure(arena, "received_today", static_cast<double>(today.counts.received), today.against_yesterday),
            figure(arena, "stored_share", stored_share),
            figure(arena, "latency_s", latency_s),
            figure(arena, "sources_alive", alive),
            figure(arena, "institutions", static_cast<double>(institutions.size())),
            figure(arena, "waiting_errors", errors)};
}

std::vector<json::Value> sources_of(House& house, const intake::Overview& all, json::Value places, json::Arena& arena) {
    std::map<std::string, intake::Source> known;
    for (intake::Source& source : house.intake->sources()) known.emplace(source.id, std::move(source));
    const auto degrees = [&](double number) { return arena.number(fmt::format("{:.8g}", number)); };
    std::vector<json::Value> sources;
    for (const intake::Health& each : all.sources) {
        if (each.id == intake::unknown_source && each.total.received == 0) continue;
        const auto minute = all.last_minute.find(each.id);
        const intake::Source& source = known[each.id];
        json::Value place = places[each.id];
        if (source.place && !(place.is_array() && place.size() == 2))
            place = arena.array({degrees((*source.place)[0]), degrees((*source.place)[1])});
        sources.push_back(
            arena.object({{"id", arena.string(each.id)},
                          {"name", arena.string(source.name.empty() ? each.id : source.name)},
                          {"place", place.is_array() && place.size() == 2 ? place : arena.null()},
                          {"state", arena.string(each.state)},
                          {"last_minute", arena.number(minute == all.last_minute.end() ? std::int64_t{0} : minute->second)},
                          {"today", arena.number(each.today.received)}}));
    }
    return sources;
}

std::vector<json::Value> hours_of(const std::vector<intake::HourLine>& hours, std::int64_t now_ms, json::Arena& arena) {
    std::vector<json::Value> lines;
    for (const intake::HourLine& line : hours) {
        const std::int64_t at_ms = line.at_ms;
        if (at_ms < now_ms - day_ms) continue;
        lines.push_back(
            arena.object({{"at", arena.string(calendar::instant_text(at_ms))},
                          {"received", arena.number(line.counts.received)},
                          {"expected", line.expected ? arena.number(fmt::format("{:.1f}", *line.expected)) : arena.null()}}));
    }
    return lines;
}

/// What came last, the same source and kind within a second counted together.
std::vector<json::Value> arrivals_of(House& house, json::Arena& arena) {
    struct Arrivals {
        std::int64_t at_ms;
        std::string source, kind;
        std::int64_t count;
    };
    std::vector<Arrivals> all;
    for (const intake::Line& line : house.intake->find({.count = 200}).lines) {
        const std::int64_t at_ms = line.received_ms / 1'000 * 1'000;
        if (!all.empty() && all.back().at_ms == at_ms && all.back().source == line.source && all.back().kind == line.kind) {
            ++all.back().count;
        } else if (all.size() < arrivals_shown) {
            all.push_back({at_ms, line.source, line.kind, 1});
        } else {
            break;
        }
    }
    std::vector<json::Value> lines;
    for (const Arrivals& each : all)
        lines.push_back(arena.object({{"at", arena.string(calendar::instant_text(each.at_ms))},
                                      {"source", arena.string(each.source)},
                                      {"kind", arena.string(each.kind)},
                                      {"count", arena.number(each.count)}}));
    return lines;
}

void screen(Visit& visit) {
    House& house = visit.house;
    json::Arena arena;
    const auto parsed = json::parse(arena.keep(house.content->read("screen/district.json").value_or("{}")), arena);
    if (!parsed.ok())
        return visit.refuse(
            refuse(IssueCode::exception, "screen/district.json", "is no JSON, mend it: " + parsed.outcome().line()));
    const std::int64_t now_ms = house.clock.now_ms(), offset_ms = house.store->offset_minutes() * minute_ms;
    const std::int64_t midnight_ms = (now_ms + offset_ms) / day_ms * day_ms - offset_ms;
    const intake::Overview all = house.intake->overview(2);
    const json::Value area = (*parsed)["area"];
    visit.answer(
        200, arena.object(
                 {{"area", area.is_object() ? area : arena.object({{"code", arena.string("")}, {"name", arena.string("")}})},
                  {"figures", arena.array(figures_of(house, visit.viewer, today_of(all.hours, midnight_ms, now_ms), all, arena))},
                  {"sources", arena.array(sources_of(house, all, (*parsed)["places"], arena))},
                  {"arrivals", arena.array(arrivals_of(house, arena))},
                  {"hours", arena.array(hours_of(all.hours, now_ms, arena))}}));
}

void map(Visit& visit) {
    auto sketch = visit.house.content->read("screen/map.json");
    if (!sketch)
        return visit.refuse(refuse(IssueCode::not_found, "screen/map.json", "there is no map, lay one into the content"));
    http::Response response = http::Response::text(200, "application/json; charset=utf-8", std::move(*sketch));
    response.headers.set("Cache-Control", "private, max-age=3600");
    visit.respond(std::move(response));
}

constexpr Route routes[] = {
    {"GET", "/api/v1/screen", Who::logged_in,
     "What the wall display shows: arrivals, sources and key figures, nothing about any person.", "",
     R"({"area":{"code":"130303","name":"…"},"figures":[{"key":"people","value":165000,"delta":null}],"sources":[{"id":"…","name":"…","place":[119.76,40.0],"state":"ok","last_minute":3,"today":912}],"arrivals":[{"at":"…","source":"…","kind":"ADT^A01","count":1}],"hours":[{"at":"…","received":38,"expected":41.0}]})",
     screen},
    {"GET", "/api/v1/screen/map", Who::logged_in,
     "The sketch of the prefecture around it: areas with rings of longitude and latitude.", "",
     R"({"name":"…","source":"…","areas":[{"code":"130303","name":"…","centre":[119.7,40.0],"rings":[[[119.6,39.9]]]}]})", map},
};

}  // namespace

std::span<const Route> screen_routes() { return routes; }

}  // namespace xinglin::server
