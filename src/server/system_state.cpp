// SPDX-License-Identifier: Apache-2.0
// Figures of the running server: sizes, rates, checks.
#include "server/system_state.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "access/audit.h"
#include "access/limits.h"
#include "json/json.h"
#include "server/house.h"
#include "server/small_counts.h"
#include "sql/sql.h"

namespace xinglin::server {

std::int64_t memory_bytes() {
    std::ifstream file("/proc/self/statm");
    std::int64_t all = 0, resident = 0;
    file >> all >> resident;
    return resident * sysconf(_SC_PAGESIZE);
}

std::int64_t disk_free_bytes(House& house) {
    std::error_code error;
    const auto space = std::filesystem::space(house.options.data, error);
    return error ? 0 : static_cast<std::int64_t>(space.available);
}

double answer_ms(const http::ServerFigures& figures, double quantile) {
    constexpr std::size_t last = std::size(http::ServerFigures::duration_bounds_ms);
    const double wanted = quantile * static_cast<double>(figures.duration_buckets[last]);
    double low_ms = 0;
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < last; ++i) {
        const double high_ms = http::ServerFigures::duration_bounds_ms[i];
        const std::uint64_t within = figures.duration_buckets[i];
        if (within > below && static_cast<double>(within) >= wanted) {
            return low_ms + (high_ms - low_ms) * (wanted - static_cast<double>(below)) / static_cast<double>(within - below);
        }
        low_ms = high_ms;
        below = within;
    }
    return figures.duration_buckets[last] == 0 ? 0 : low_ms;
}

std::vector<Check> checks(House& house) {
    std::vector<Check> all;
    const record::Figures record = house.store->figures();
    all.push_back({"writer", record.broken ? "critical" : "good",
                   record.broken ? record.broken_why + ", writes are refused until this heals" : ""});
    try {
        house.accounts->check();
        all.push_back({"accounts", "good", ""});
    } catch (const sql::Broken& error) {
        all.push_back({"accounts", "critical", error.what()});
    }
    const std::string trouble = house.audit->trouble();
    const std::uint64_t waiting = house.audit->queued();
    all.push_back({"audit",
                   !trouble.empty()   ? "critical"
                   : waiting > 20'000 ? "warning"
                                      : "good",
                   !trouble.empty()   ? trouble
                   : waiting > 20'000 ? std::to_string(waiting) + " accesses wait to be written"
                                      : ""});
    const std::string intake = house.intake->trouble();
    all.push_back({"intake", intake.empty() ? "good" : "critical", intake});
    const std::string outbound = house.outbound->trouble();
    all.push_back({"outbound", outbound.empty() ? "good" : "critical", outbound});
    const std::int64_t free_mib = disk_free_bytes(house) >> 20;
    all.push_back({"disk",
                   free_mib < 200     ? "critical"
                   : free_mib < 2'000 ? "warning"
                                      : "good",
                   std::to_string(free_mib) + " MiB free"});
    const std::int64_t behind = record.position - house.people->position();
    all.push_back(
        {"people", behind > 10'000 ? "warning" : "good", behind > 0 ? std::to_string(behind) + " changes to follow" : ""});
    return all;
}

bool is_ready(const std::vector<Check>& checks) {
    for (const Check& check : checks) {
        // A nearly full disk still serves; the writer says when it no longer does.
        if (check.status == "critical" && check.name != "disk") return false;
    }
    return true;
}

std::string system_state(House& house) {
    json::Arena arena;
    const record::Figures record = house.store->figures();
    const http::ServerFigures http = house.server->figures();
    const auto whole = [&](auto number) { return arena.number(static_cast<std::int64_t>(number)); };
    const auto real = [&](double number) { return arena.number(fmt::format("{:.2f}", number)); };
    std::vector<json::Value> check_values, history_values;
    for (const Check& check : checks(house)) {
        check_values.push_back(arena.object({{"name", arena.string(check.name)},
                                             {"status", arena.string(check.status)},
                                             {"detail", arena.string(check.detail)}}));
    }
    const auto history = house.pulse->history();
    for (const Sample& sample : history) {
        history_values.push_back(arena.object({{"at", arena.string(calendar::instant_text(sample.at_ms))},
                                               {"writes_per_s", real(sample.writes_per_s)},
                                               {"reads_per_s", real(sample.reads_per_s)}}));
    }
    std::vector<json::Value> process_values;
    for (const Process& each : house.processes ? house.processes->list() : std::vector<Process>{}) {
        process_values.push_back(arena.object({{"name", arena.string(each.name)},
                                               {"started_at", arena.string(calendar::instant_text(each.started_ms))},
                                               {"last_seen_at", arena.string(calendar::instant_text(each.seen_ms))}}));
    }
    std::vector<json::Value> latency_values;
    for (const AnswerKind kind : {AnswerKind::read, AnswerKind::search, AnswerKind::write, AnswerKind::other}) {
        const Latency::Figures figures = house.latency.figures(kind, house.clock.now_ms());
        latency_values.push_back(arena.object({{"kind", arena.string(text(kind))},
                                               {"count", whole(figures.count)},
                                               {"p50_ms", real(figures.p50_ms)},
                                               {"p90_ms", real(figures.p90_ms)},
                                               {"p99_ms", real(figures.p99_ms)},
                                               {"max_ms", real(figures.max_ms)}}));
    }
    const access::Limiter::Figures limits = access::limiter(*house.accounts).figures();
    std::uint64_t limited = 0;
    std::vector<json::Value> limited_values;
    for (std::size_t i = 0; i < access::asks; ++i) {
        if (limits.refused[i] == 0) continue;
        limited += limits.refused[i];
        limited_values.push_back(arena.object(
            {{"asks", arena.string(access::text(static_cast<access::Ask>(i)))}, {"refused", whole(limits.refused[i])}}));
    }
    std::vector<json::Value> storage_values, table_values;
    const record::Store::Storage storage = house.storage->latest();
    // Everybody who is logged in is told of the house, by events too: counts are shown to all as to who sees no records.
    std::vector<record::TypeCount> counts;
    for (const auto& each : storage.types) counts.push_back({each.type, static_cast<std::uint64_t>(each.resources), 0});
    const ShownCounts shown = shown_types(house, counts, false);
    for (const auto& each : storage.types) {
        const std::string name(each.type->name);
        const bool hidden = shown.is_hidden(name, static_cast<std::int64_t>(each.resources));
        storage_values.push_back(arena.object({{"type", arena.string(name)},
                                               {"resources", shown.value(arena, name, static_cast<std::int64_t>(each.resources))},
                                               {"versions", hidden ? arena.null() : whole(each.versions)},
                                               {"bytes", whole(each.bytes)}}));
    }
    for (const auto& each : storage.tables)
        table_values.push_back(arena.object({{"name", arena.string(each.name)}, {"bytes", whole(each.bytes)}}));
    std::vector<json::Value> views;
    for (const view::TableState& state : house.tables->states()) {
        views.push_back(arena.object({{"name", arena.string(state.name)},
                                      {"state", arena.string(state.state)},
                                      {"lag_positions", whole(state.lag_positions)},
                                      {"lag_ms", whole(state.lag_ms)},
                                      {"rows", shown.value(arena, " rows", static_cast<std::int64_t>(state.rows))}}));
    }
    const Sample now = history.empty() ? Sample{} : history.back();
    return json::write(arena.object({{"version", arena.string(version())},
                                     {"built", arena.string(built())},
                                     {"started_at", arena.string(calendar::instant_text(house.started_ms))},
                                     {"uptime_s", whole((house.clock.now_ms() - house.started_ms) / 1000)},
                                     {"store", arena.string(house.options.record.store.empty() ? "sqlite" : "postgres")},
                                     {"processes", arena.array(process_values)},
                                     {"storage", arena.array(storage_values)},
                                     {"tables", arena.array(table_values)},
                                     {"backups", house.backups->list(arena)},
                                     {"data_bytes", whole(record.data_bytes)},
                                     {"wal_bytes", whole(record.wal_bytes)},
                                     {"disk_free_bytes", whole(disk_free_bytes(house))},
                                     {"memory_bytes", whole(memory_bytes())},
                                     {"resources", whole(record.resources)},
                                     {"versions", whole(record.versions)},
                                     {"feed_position", whole(record.position)},
                                     {"writes_per_s", real(now.writes_per_s)},
                                     {"reads_per_s", real(now.reads_per_s)},
                                     {"requests_total", whole(http.requests_total)},
                                     {"limited_total", whole(limited)},
                                     {"limited", arena.array(limited_values)},
                                     {"p50_ms", real(answer_ms(http, 0.5))},
                                     {"p99_ms", real(answer_ms(http, 0.99))},
                                     {"latency", arena.array(latency_values)},
                                     {"queue", whole(record.queued)},
                                     {"views", arena.array(views)},
                                     {"checks", arena.array(check_values)},
                                     {"history", arena.array(history_values)}}));
}

}  // namespace xinglin::server
