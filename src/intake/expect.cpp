// SPDX-License-Identifier: Apache-2.0
// Medians of the same hour, and the verdict on a silence.
#include "intake/expect.h"

#include <algorithm>

#include <fmt/format.h>

namespace xinglin::intake {

namespace {

constexpr std::int64_t hour_ms = 3'600'000, day_hours = 24, week_hours = 7 * day_hours;
constexpr int weeks = 8, days = 14;
constexpr std::size_t fewest = 3;
constexpr std::int64_t patience_ms = 10 * 60'000;
constexpr std::int64_t fewest_to_fail = 5;

double median(std::vector<std::int64_t> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    if (values.size() % 2 == 1) return static_cast<double>(*middle);
    return static_cast<double>(*middle + *std::max_element(values.begin(), middle)) / 2;
}

}  // namespace

void History::add(std::int64_t hour, std::int64_t received) {
    if (received_.empty()) first_ = hour;
    if (hour < first_) return;
    const auto index = static_cast<std::size_t>(hour - first_);
    if (index > 200'000) return;
    if (index >= received_.size()) received_.resize(index + 1, 0);
    received_[index] += received;
}

std::optional<std::int64_t> History::at(std::int64_t hour) const {
    if (received_.empty() || hour < first_) return std::nullopt;
    const auto index = static_cast<std::size_t>(hour - first_);
    return index < received_.size() ? received_[index] : 0;
}

std::optional<double> History::expected(std::int64_t hour) const {
    for (const auto& [step, most] : {std::pair{week_hours, weeks}, std::pair{day_hours, days}}) {
        std::vector<std::int64_t> same;
        for (int back = 1; back <= most; ++back) {
            if (const auto count = at(hour - back * step)) same.push_back(*count);
        }
        if (same.size() >= fewest) return median(std::move(same));
    }
    return std::nullopt;
}

std::optional<double> History::expected_between(std::int64_t from_ms, std::int64_t to_ms) const {
    constexpr std::int64_t longest = 4 * week_hours * hour_ms;  // of a silence that is added up
    from_ms = std::max(from_ms, to_ms - longest);
    std::optional<double> sum;
    for (std::int64_t hour = from_ms / hour_ms; hour * hour_ms < to_ms; ++hour) {
        const auto whole = expected(hour);
        if (!whole) continue;
        const std::int64_t begin = std::max(from_ms, hour * hour_ms), end = std::min(to_ms, (hour + 1) * hour_ms);
        sum = sum.value_or(0) + *whole * static_cast<double>(end - begin) / static_cast<double>(hour_ms);
    }
    return sum;
}

Judgement judge(const History& history, const Condition& condition) {
    if (condition.paused) return {"paused", ""};
    const double share = condition.received_hour > 0
                             ? static_cast<double>(condition.rejected_hour) / static_cast<double>(condition.received_hour)
                             : 0;
    if (condition.rejected_hour >= fewest_to_fail && share >= condition.failing) {
        return {"failing",
                fmt::format("{} of the last {} messages were rejected", condition.rejected_hour, condition.received_hour)};
    }
    if (condition.last_ms == 0 || condition.now_ms - condition.last_ms < patience_ms) return {"ok", ""};
    const double missed = history.expected_between(condition.last_ms, condition.now_ms).value_or(0);
    const std::int64_t minutes = (condition.now_ms - condition.last_ms) / 60'000;
    const std::string why = fmt::format("nothing for {} minutes, in which {:.0f} messages were expected", minutes, missed);
    if (missed >= condition.silent) return {"silent", why};
    if (missed >= condition.late) return {"late", why};
    return {"ok", ""};
}

}  // namespace xinglin::intake
