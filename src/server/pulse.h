// SPDX-License-Identifier: Apache-2.0
// Inside the room: every five seconds, how fast things go; and the events of that.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "calendar/calendar.h"
#include "http/stream.h"

namespace xinglin::server {

struct Sample {
    std::int64_t at_ms = 0;
    double writes_per_s = 0, reads_per_s = 0;
};

/// Totals at one moment, from which rates are made.
struct Totals {
    std::uint64_t writes = 0, reads = 0;
};

/// Samples rates and hands events to whoever waits for them. Safe from any thread.
class Pulse {
public:
    static constexpr std::size_t samples_kept = 60, events_kept = 64, listeners_most = 10'000;
    static constexpr int seconds = 5;
    /// A stream ends after this long and the browser asks again: so a login that ended is noticed.
    static constexpr std::int64_t listening_ms = 10 * 60'000;

    /// `totals` and `state` (the JSON of /api/v1/system) are asked from the pulse's own thread.
    Pulse(const calendar::Clock& clock, std::function<Totals()> totals, std::function<std::string()> state);
    ~Pulse();

    std::vector<Sample> history() const;  // oldest first
    /// Tells those who listen, at once. Not from an I/O thread of the server.
    void tell(std::string_view event, std::string data);
    /// An answer that goes on: the events after `after`, then each as it happens, in the form of server-sent events. `system`
    /// every five seconds is the heartbeat. When it ends, an EventSource comes back by itself with Last-Event-ID.
    http::Response listen(std::uint64_t after);
    /// Ends all streams and from then on every new one at once: before the server stops.
    void close();
    std::size_t listeners() const;

private:
    struct Event {
        std::uint64_t number;
        std::string name, data;
    };
    struct Listener {
        std::shared_ptr<http::Channel> channel;
        std::int64_t since_ms;
    };
    void work(const std::stop_token& stop);
    void sample(Totals& before, std::chrono::steady_clock::time_point& at);

    const calendar::Clock& clock_;
    std::function<Totals()> totals_;
    std::function<std::string()> state_;
    mutable std::mutex mutex_;  // guards what follows
    std::condition_variable_any wakes_;
    std::deque<Sample> samples_;
    std::deque<Event> events_;
    std::uint64_t last_ = 0;
    std::vector<Listener> listeners_;
    bool closed_ = false;
    std::jthread thread_;  // last: ends first
};

}  // namespace xinglin::server
