// SPDX-License-Identifier: Apache-2.0
// Who serves this database besides us?
#include "server/processes.h"

#include <unistd.h>

#include <chrono>

namespace xinglin::server {

namespace {

constexpr std::int64_t absent_ms = 30'000, forgotten_ms = 3'600'000;

constexpr sql::Migration migrations[] = {{1, R"sql(
    CREATE TABLE server_process (
        name       TEXT PRIMARY KEY,     -- host:port, process number
        started_ms INTEGER NOT NULL,     -- milliseconds since 1970, UTC
        seen_ms    INTEGER NOT NULL
    );
)sql"}};

std::string name_of_this(std::uint16_t port) {
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    return std::string(host) + ":" + std::to_string(port) + " (" + std::to_string(getpid()) + ")";
}

}  // namespace

Processes::Processes(const std::string& store, const calendar::Clock& clock, std::uint16_t port)
    : clock_(clock), name_(name_of_this(port)), started_ms_(clock.now_ms()), connection_(sql::open(store, {.lane = "server"})) {
    sql::migrate(*connection_, "server", migrations);
    beat();
    keeper_ = std::jthread([this](const std::stop_token& stop) { keep(stop); });
}

Processes::~Processes() {
    keeper_.request_stop();
    keeper_.join();
    try {
        sql::transaction(*connection_,
                         [&] { connection_->prepare("DELETE FROM server_process WHERE name = ?").bind(1, name_).run(); });
    } catch (const sql::Broken&) {}  // the others see it grow old
}

void Processes::beat() {
    const std::int64_t now_ms = clock_.now_ms();
    sql::transaction(*connection_, [&] {
        connection_
            ->prepare(
                "INSERT INTO server_process (name, started_ms, seen_ms) VALUES (?, ?, ?) "
                "ON CONFLICT (name) DO UPDATE SET seen_ms = excluded.seen_ms")
            .bind(1, name_)
            .bind(2, started_ms_)
            .bind(3, now_ms)
            .run();
        connection_->prepare("DELETE FROM server_process WHERE seen_ms < ?").bind(1, now_ms - forgotten_ms).run();
    });
    std::vector<Process> list;
    auto& row =
        connection_->prepare("SELECT name, started_ms, seen_ms FROM server_process WHERE seen_ms >= ? ORDER BY started_ms, name");
    row.bind(1, now_ms - absent_ms);
    while (row.step()) list.push_back({std::string(row.text(0)), row.integer(1), row.integer(2)});
    const std::lock_guard lock(mutex_);
    list_ = std::move(list);
}

void Processes::keep(const std::stop_token& stop) {
    std::mutex waiting;
    std::unique_lock lock(waiting);
    while (!stop.stop_requested()) {
        woken_.wait_for(lock, stop, std::chrono::seconds(5), [] { return false; });
        if (stop.stop_requested()) return;
        try {
            beat();
        } catch (const sql::Broken&) {
            if (connection_->in_transaction()) connection_->rollback();  // the next beat tries again
        }
    }
}

std::vector<Process> Processes::list() const {
    const std::lock_guard lock(mutex_);
    return list_;
}

}  // namespace xinglin::server
