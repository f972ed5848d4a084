// SPDX-License-Identifier: Apache-2.0
// The server's counters: each I/O thread writes its own, a reader adds them up. Within this room only.
#pragma once

#include <atomic>
#include <chrono>

#include "http/http.h"

namespace xinglin::http {

/// A number one thread writes and any thread reads. A plain load and store: no locked instruction on the request path.
class Count {
public:
    void add(std::uint64_t by = 1) { value_.store(value_.load(std::memory_order_relaxed) + by, std::memory_order_relaxed); }
    void take(std::uint64_t by = 1) { add(0 - by); }
    std::uint64_t now() const { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> value_{0};
};

/// Written by one I/O thread.
struct alignas(64) Tally {
    Count connections_open, connections_total, requests, in_flight, refused_busy, bytes_in, bytes_out;
    Count by_status_class[6];
    Count durations[12];  // not cumulative: bucket i alone
    Count duration_microseconds;

    void answered(int status, std::chrono::steady_clock::duration took);
    void add_to(ServerFigures& figures) const;
};

}  // namespace xinglin::http
