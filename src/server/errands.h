// SPDX-License-Identifier: Apache-2.0
// Inside the room: one thread for what is slow by intention (passwords), so that it never holds up a reader.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace xinglin::server {

/// Runs errands one after the other; its thread starts with the first one. `send` is safe from any thread.
class Errands {
public:
    ~Errands();  // finishes what was taken
    /// False when 64 are waiting. An errand that throws is forgotten.
    bool send(std::function<void()> errand);

private:
    void work();
    std::mutex mutex_;  // guards what follows
    std::condition_variable changed_;
    std::deque<std::function<void()>> waiting_;
    bool ending_ = false;
    std::thread thread_;
};

}  // namespace xinglin::server
