// SPDX-License-Identifier: Apache-2.0
// Inside the room: how often someone may guess wrong.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace xinglin::access {

/// Counts failures within a sliding window. One person is stopped after five from one place; a name after twenty from
/// anywhere, so that a stranger cannot lock someone out by five wrong guesses; a place after fifty on any names.
/// Safe from any thread; remembers at most 10,000 keys, the oldest are forgotten first.
class Throttle {
public:
    bool stopped(std::string_view name, std::string_view peer, std::int64_t now_ms);
    void failed(std::string_view name, std::string_view peer, std::int64_t now_ms);
    void succeeded(std::string_view name, std::string_view peer);

    static constexpr std::int64_t window_ms = 5 * 60'000;

private:
    bool full(const std::string& key, std::size_t limit, std::int64_t now_ms);
    void note(const std::string& key, std::int64_t now_ms);

    std::mutex mutex_;  // guards failures_
    std::map<std::string, std::deque<std::int64_t>> failures_;
};

}  // namespace xinglin::access
