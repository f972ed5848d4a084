// SPDX-License-Identifier: Apache-2.0
// /healthz, /readyz and /metrics: for the machines that watch us.
//
// Format of /metrics: Prometheus text exposition 0.0.4.
#include "access/audit.h"
#include "access/limits.h"
#include "server/house.h"
#include "server/route.h"
#include "server/system_state.h"

namespace xinglin::server {

namespace {

void health(Visit& visit) {
    json::Arena arena;
    visit.answer(200, arena.object({{"status", arena.string("alive")}}));
}

void ready(Visit& visit) {
    json::Arena arena;
    std::vector<json::Value> all;
    const auto found = checks(visit.house);
    for (const Check& check : found) {
        // Anyone may ask: what exactly is wrong stands in /api/v1/system and the log.
        all.push_back(arena.object({{"name", arena.string(check.name)}, {"status", arena.string(check.status)}}));
    }
    const bool is_good = is_ready(found);
    visit.answer(is_good ? 200 : 503,
                 arena.object({{"status", arena.string(is_good ? "ready" : "not ready")}, {"checks", arena.array(all)}}));
}

class Metrics {
public:
    void figure(std::string_view name, std::string_view kind, std::string_view help, double value) {
        head(name, kind, help);
        line(name, "", value);
    }
    void head(std::string_view name, std::string_view kind, std::string_view help) {
        text_ += fmt::format("# HELP xinglin_{} {}\n# TYPE xinglin_{} {}\n", name, help, name, kind);
    }
    void line(std::string_view name, std::string_view labels, double value) {
        text_ += fmt::format("xinglin_{}{} {}\n", name, labels, value);
    }
    std::string take() { return std::move(text_); }

private:
    std::string text_;
};

void add_http(Metrics& out, const http::ServerFigures& http) {
    out.figure("http_connections_open", "gauge", "Connections open now.", static_cast<double>(http.connections_open));
    out.figure("http_connections_total", "counter", "Connections accepted.", static_cast<double>(http.connections_total));
    out.figure("http_requests_in_flight", "gauge", "Requests being answered.", static_cast<double>(http.requests_in_flight));
    out.figure("http_refused_busy_total", "counter", "Requests refused because too many waited.",
               static_cast<double>(http.refused_busy));
    out.figure("http_bytes_in_total", "counter", "Bytes received.", static_cast<double>(http.bytes_in));
    out.figure("http_bytes_out_total", "counter", "Bytes sent.", static_cast<double>(http.bytes_out));
    out.head("http_requests_total", "counter", "Requests answered, by class of status.");
    for (int each = 1; each <= 5; ++each) {
        out.line("http_requests_total", fmt::format("{{status=\"{}xx\"}}", each),
                 static_cast<double>(http.by_status_class[each]));
    }
    out.head("http_request_seconds", "histogram", "Time from the whole request to the answer.");
    constexpr std::size_t bounds = std::size(http::ServerFigures::duration_bounds_ms);
    for (std::size_t i = 0; i < bounds; ++i) {
        out.line("http_request_seconds_bucket", fmt::format("{{le=\"{}\"}}", http::ServerFigures::duration_bounds_ms[i] / 1000),
                 static_cast<double>(http.duration_buckets[i]));
    }
    out.line("http_request_seconds_bucket", "{le=\"+Inf\"}", static_cast<double>(http.duration_buckets[bounds]));
    out.line("http_request_seconds_sum", "", http.duration_sum_seconds);
    out.line("http_request_seconds_count", "", static_cast<double>(http.duration_buckets[bounds]));
}

void add_record(Metrics& out, const record::Figures& record) {
    out.figure("record_resources", "gauge", "Resources that are not deleted.", static_cast<double>(record.resources));
    out.figure("record_versions", "gauge", "Versions kept.", static_cast<double>(record.versions));
    out.figure("record_feed_position", "gauge", "Newest position of the feed.", static_cast<double>(record.position));
    out.figure("record_groups_total", "counter", "Group commits.", static_cast<double>(record.groups));
    out.figure("record_writes_total", "counter", "Versions written since the start.", static_cast<double>(record.writes));
    out.figure("record_reads_total", "counter", "Reads by id.", static_cast<double>(record.reads));
    out.figure("record_searches_total", "counter", "Searches.", static_cast<double>(record.searches));
    out.figure("record_refused_busy_total", "counter", "Writes refused because too many waited.",
               static_cast<double>(record.refused_busy));
    out.figure("record_queue", "gauge", "Writes waiting.", static_cast<double>(record.queued));
    out.figure("record_data_bytes", "gauge", "Size of the record's file.", static_cast<double>(record.data_bytes));
    out.figure("record_wal_bytes", "gauge", "Size of its write-ahead log.", static_cast<double>(record.wal_bytes));
    out.figure("record_fresh_rows", "gauge", "Index rows in record_fresh and in memory, not settled in their tables yet.",
               static_cast<double>(record.fresh_rows));
    out.figure("record_last_commit_seconds", "gauge", "How long the last commit took.", record.last_commit_ms / 1000);
    out.figure("record_broken", "gauge", "1 while the disk refuses.", record.broken ? 1 : 0);
}

void add_views(Metrics& out, const std::vector<view::TableState>& views) {
    const auto each = [&](const char* name, const char* what, auto value) {
        out.head(name, "gauge", what);
        for (const view::TableState& state : views)
            out.line(name, fmt::format("{{view=\"{}\"}}", state.name), static_cast<double>(value(state)));
    };
    each("view_lag_positions", "Changes of the record that a view's table does not show yet.",
         [](const auto& state) { return state.lag_positions; });
    each("view_lag_seconds", "Since a view's table was last up to date; 0 when it is.",
         [](const auto& state) { return static_cast<double>(state.lag_ms) / 1000; });
    each("view_rows", "Rows of a view's table.", [](const auto& state) { return state.rows; });
    each("view_resources_failed", "Resources a view fails on, which have no rows.",
         [](const auto& state) { return state.resources_failed; });
}

void add_limits(Metrics& out, const access::Limiter::Figures& figures) {
    out.head("limited_total", "counter", "Requests refused because their caller made too many (content/access/limits.json).");
    for (std::size_t i = 0; i < access::asks; ++i)
        out.line("limited_total", fmt::format("{{asks=\"{}\"}}", access::text(static_cast<access::Ask>(i))),
                 static_cast<double>(figures.refused[i]));
    out.figure("limit_buckets", "gauge", "Callers counted now.", static_cast<double>(figures.buckets));
}

void metrics(Visit& visit) {
    House& house = visit.house;
    Metrics out;
    out.head("info", "gauge", "What runs.");
    out.line("info", fmt::format("{{version=\"{}\"}}", version()), 1);
    add_http(out, house.server->figures());
    add_limits(out, access::limiter(*house.accounts).figures());
    add_record(out, house.store->figures());
    out.figure("people_position", "gauge", "Feed position up to which people can be found.",
               static_cast<double>(house.people->position()));
    add_views(out, house.tables->states());
    out.figure("audit_queue", "gauge", "Accesses waiting to be written.", static_cast<double>(house.audit->queued()));
    out.figure("audit_broken", "gauge", "1 while the audit cannot be written.", house.audit->trouble().empty() ? 0 : 1);
    out.figure("process_resident_bytes", "gauge", "Memory in use.", static_cast<double>(memory_bytes()));
    out.figure("process_start_seconds", "gauge", "When the server started, in seconds since 1970.",
               static_cast<double>(house.started_ms) / 1000);
    out.figure("disk_free_bytes", "gauge", "Free on the disk of the data folder.", static_cast<double>(disk_free_bytes(house)));
    visit.respond(http::Response::text(200, "text/plain; version=0.0.4; charset=utf-8", out.take()));
}

constexpr Route routes[] = {
    {"GET", "/healthz", Who::anyone, "Is the server alive?", "", R"({"status":"alive"})", health},
    {"GET", "/readyz", Who::anyone, "Can it read and write? 503 when it cannot.", "",
     R"({"status":"ready","checks":[{"name":"writer","status":"good"}]})", ready},
    {"GET", "/metrics", Who::anyone, "Figures for Prometheus.", "", "", metrics},
};

}  // namespace

std::span<const Route> open_routes() { return routes; }

}  // namespace xinglin::server
