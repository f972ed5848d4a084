// SPDX-License-Identifier: Apache-2.0
// Inside the room: what lies where, counted now and then by a thread of its own, because counting reads every row.
#pragma once

#include <chrono>
#include <mutex>
#include <thread>

#include "record/record.h"

namespace xinglin::server {

/// Safe from any thread.
class StorageFigures {
public:
    explicit StorageFigures(record::Store& store) : store_(store) {}
    ~StorageFigures();
    /// As last counted; empty before the first time. Counts anew, in the background, when something was written since and
    /// the last time is ten minutes ago (or ten times as long as it took).
    record::Store::Storage latest();

private:
    record::Store& store_;
    std::mutex mutex_;  // guards what follows
    record::Store::Storage counted_;
    record::Position position_ = -1;
    std::chrono::steady_clock::time_point next_{};
    bool running_ = false;
    std::thread thread_;
};

}  // namespace xinglin::server
