// SPDX-License-Identifier: Apache-2.0
// Inside the room: how long answers take, by kind, over the last five to six minutes.
//
// A fixed grid of counters, four to an octave (19 % wide) from 1 us to over a minute; noting costs two additions. Safe from
// any thread. A streamed answer counts until its head is handed over.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "http/http.h"

namespace xinglin::server {

enum class AnswerKind : std::uint8_t { read, search, write, other };
constexpr std::size_t answer_kinds = 4;
std::string_view text(AnswerKind kind);
/// GET of one resource, a search or history, anything that changes the record, all else.
AnswerKind kind_of(const http::Request& request);

class Latency {
public:
    struct Figures {
        std::uint64_t count = 0;
        double p50_ms = 0, p90_ms = 0, p99_ms = 0, max_ms = 0;  // upper edge of the grid's step; max exact
    };
    void note(AnswerKind kind, double us, std::int64_t now_ms);
    Figures figures(AnswerKind kind, std::int64_t now_ms) const;

private:
    static constexpr std::size_t steps = 108, minutes = 6;
    struct Minute {
        std::atomic<std::int64_t> number{-1};  // minutes since 1970
        std::array<std::array<std::atomic<std::uint32_t>, steps>, answer_kinds> counts{};
        std::array<std::atomic<std::uint64_t>, answer_kinds> longest_us{};
    };
    Minute& minute_of(std::int64_t now_ms);
    std::array<Minute, minutes> minutes_;
};

}  // namespace xinglin::server
