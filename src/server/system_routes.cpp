// SPDX-License-Identifier: Apache-2.0
// /api/v1/system, types, events and the description of all calls.
#include <charconv>

#include "server/house.h"
#include "server/route.h"
#include "server/small_counts.h"

namespace xinglin::server {

namespace {

http::Response json_text(std::string body) {
    http::Response response = http::Response::text(200, "application/json", std::move(body));
    response.headers.set("Cache-Control", "no-store");
    return response;
}

void system(Visit& visit) { visit.respond(json_text(system_state(visit.house))); }

void types(Visit& visit) {
    json::Arena arena;
    std::vector<json::Value> all;
    std::uint64_t total = 0;
    const std::vector<record::TypeCount> counts = visit.house.store->reader(visit.viewer).type_counts();
    const ShownCounts shown = shown_types(visit.house, counts, sees_counts(visit.viewer));
    for (const record::TypeCount& each : counts) {
        total += each.count;
        all.push_back(
            arena.object({{"type", arena.string(each.type->name)},
                          {"count", shown.value(arena, std::string(each.type->name), static_cast<std::int64_t>(each.count))},
                          {"last_updated", arena.string(calendar::instant_text(each.last_updated_ms))}}));
    }
    visit.answer(
        200, arena.object({{"types", arena.array(all)}, {"total", shown.value(arena, "", static_cast<std::int64_t>(total))}}));
}

void events(Visit& visit) {
    std::uint64_t after = 0;
    const std::string_view last = visit.request.headers.get("Last-Event-ID");
    std::from_chars(last.data(), last.data() + last.size(), after);
    visit.respond(visit.house.pulse->listen(after));
}

void description(Visit& visit) { visit.respond(json_text(openapi(version()))); }

constexpr std::string_view system_example =
    R"({"version":"0.1.0","built":"…","started_at":"2026-11-22T02:00:00.000Z","uptime_s":60,"store":"sqlite","processes":[],"data_bytes":0,"wal_bytes":0,)"
    R"("disk_free_bytes":0,"memory_bytes":0,"resources":0,"versions":0,"feed_position":0,"writes_per_s":0.00,"reads_per_s":0.00,"requests_total":0,"limited_total":0,"limited":[{"asks":"search","refused":7}],)"
    R"("p50_ms":0.10,"p99_ms":1.00,"latency":[{"kind":"read","count":9,"p50_ms":0.1,"p90_ms":0.2,"p99_ms":1,"max_ms":3}],"queue":0,"checks":[{"name":"writer","status":"good","detail":""}],)"
    R"("history":[{"at":"2026-11-22T02:00:05.000Z","writes_per_s":0.00,"reads_per_s":0.00}]})";

constexpr Route routes[] = {
    {"GET", "/api/v1/types", Who::logged_in,
     "How many resources of each type there are. To who sees no records small counts are \"<5\", and \"*\" what would tell them.",
     "", R"({"types":[{"type":"Patient","count":30,"last_updated":"2026-11-22T02:00:00.000Z"}],"total":30})", types},
    {"GET", "/api/v1/system", Who::logged_in, "How the server is doing; history holds a sample every five seconds.", "",
     system_example, system},
    {"GET", "/api/v1/events", Who::logged_in,
     "Server-sent events: `system` every five seconds, `import` and `export` on progress. The stream ends after ten minutes and "
     "when "
     "the server stops; an EventSource comes back by itself.",
     "", "", events},
    {"GET", "/api/v1/openapi.json", Who::logged_in, "This description.", "", R"({"openapi":"3.0.3"})", description},
};

}  // namespace

std::span<const Route> system_routes() { return routes; }

}  // namespace xinglin::server
