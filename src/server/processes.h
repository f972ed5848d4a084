// SPDX-License-Identifier: Apache-2.0
// Inside the room: the servers that share one PostgreSQL database, each with a line that it keeps fresh.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "calendar/calendar.h"
#include "sql/sql.h"

namespace xinglin::server {

struct Process {
    std::string name;  // host:port, and the process's number
    std::int64_t started_ms, seen_ms;
};

/// Writes down every five seconds that this process lives; safe from any thread.
class Processes {
public:
    Processes(const std::string& store, const calendar::Clock& clock, std::uint16_t port);
    ~Processes();  // takes its line away
    /// Who was seen within the last half minute, as of the last beat.
    std::vector<Process> list() const;

private:
    void beat();
    void keep(const std::stop_token& stop);

    const calendar::Clock& clock_;
    const std::string name_;
    const std::int64_t started_ms_;
    std::unique_ptr<sql::Connection> connection_;
    mutable std::mutex mutex_;  // guards list_
    std::vector<Process> list_;
    std::condition_variable_any woken_;
    std::jthread keeper_;
};

}  // namespace xinglin::server
