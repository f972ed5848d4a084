// SPDX-License-Identifier: Apache-2.0
// Inside the room: how much a source is expected to send by hour and weekday, and what its silence means. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace xinglin::intake {

/// What was received in hours that are over, oldest first; hours without a message may be left out.
class History {
public:
    void add(std::int64_t hour, std::int64_t received);
    /// Messages expected in an hour: the median of the same hour of the same weekday in up to eight weeks before; with fewer
    /// than three of them, the median of the same hour in up to fourteen days before; with fewer than three, nothing. Hours
    /// without a message count as 0 from the first message on.
    std::optional<double> expected(std::int64_t hour) const;
    /// Messages expected between two instants: hours that are only partly within count in part. Nothing when no hour between
    /// has an expectation.
    std::optional<double> expected_between(std::int64_t from_ms, std::int64_t to_ms) const;

private:
    std::int64_t first_ = 0;
    std::vector<std::int64_t> received_;  // by hour from first_ on
    std::optional<std::int64_t> at(std::int64_t hour) const;
};

struct Condition {
    bool paused = false;
    std::int64_t now_ms = 0, last_ms = 0;               // last message; 0 for none ever
    std::int64_t received_hour = 0, rejected_hour = 0;  // of the last 60 minutes or more
    double late = 3, silent = 8, failing = 0.2;
};
struct Judgement {
    std::string state;  // ok late silent failing paused
    std::string why;
};
/// Missed messages are like the drops of a Poisson process: when `missed` were expected since the last one, silence by chance has
/// probability e^-missed: 5% at 3, 0.03% at 8. Never before ten minutes of silence.
Judgement judge(const History& history, const Condition& condition);

}  // namespace xinglin::intake
