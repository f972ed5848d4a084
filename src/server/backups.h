// SPDX-License-Identifier: Apache-2.0
// Inside the room: backups asked for by HTTP, made one at a time beside the serving.
#pragma once

#include <filesystem>
#include <mutex>
#include <string>
#include <thread>

#include "backup/backup.h"
#include "calendar/calendar.h"
#include "json/json.h"
#include "record/record.h"
#include "server/log.h"

namespace xinglin::server {

/// Safe from any thread.
class Backups {
public:
    /// `store`: the address of the database when the record is not in `data`.
    Backups(record::Store& store, std::filesystem::path data, std::filesystem::path folder, std::string store_address,
            const calendar::Clock& clock, Log& log);
    ~Backups();  // waits for the one that is being made

    /// Begins one and names its folder; a differential one continues the newest there is. Refuses: conflict while one is
    /// being made, or when there is nothing to continue.
    Result<std::string> begin(bool differential);
    /// For /api/v1/system: [{"at","folder","bytes","kind","seconds","verified"}], newest first.
    json::Value list(json::Arena& arena);

private:
    void work(const backup::Request& request);

    record::Store& store_;
    const std::filesystem::path data_, folder_;
    const std::string store_address_;  // "" when the record lies in files
    const calendar::Clock& clock_;
    Log& log_;
    std::mutex mutex_;  // guards what follows
    bool running_ = false;
    std::thread thread_;
};

}  // namespace xinglin::server
