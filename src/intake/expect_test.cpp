// SPDX-License-Identifier: Apache-2.0
// What a source is expected to send, and when its silence is an alarm.
#include "intake/expect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "json/json.h"
#include "testing/testing.h"

namespace xinglin::intake {
namespace {

constexpr std::int64_t hour_ms = 3'600'000, monday = 20'416 * 24;  // 2025-11-24, 00:00 UTC

/// Forty an hour from 8 to 17 on weekdays, four otherwise.
History four_weeks() {
    History history;
    for (std::int64_t hour = 0; hour < 28 * 24; ++hour) {
        const bool works = hour / 24 % 7 < 5 && hour % 24 >= 8 && hour % 24 < 17;
        history.add(monday + hour, works ? 40 : 4);
    }
    return history;
}
constexpr std::int64_t next_monday = monday + 28 * 24;

TEST(History, ExpectsWhatTheSameHourOfTheSameWeekdayBrought) {
    const History history = four_weeks();
    EXPECT_EQ(history.expected(next_monday + 9), 40);
    EXPECT_EQ(history.expected(next_monday + 3), 4);
    EXPECT_EQ(history.expected(next_monday + 5 * 24 + 9), 4) << "Saturday";
}

TEST(History, IsNotMovedByOneWildWeek) {
    History history = four_weeks();
    history.add(monday + 27 * 24 + 9, 1'000'000);  // a Sunday morning
    EXPECT_EQ(history.expected(next_monday + 6 * 24 + 9), 4);
}

TEST(History, TakesTheSameHourOfOtherDaysWhileThereAreTooFewWeeks) {
    History history;
    for (std::int64_t day = 0; day < 5; ++day) history.add(monday + day * 24 + 9, 10 + day);
    EXPECT_EQ(history.expected(monday + 5 * 24 + 9), 12);
    History young;
    young.add(monday + 9, 10);
    young.add(monday + 33, 10);
    EXPECT_EQ(young.expected(monday + 2 * 24 + 9), std::nullopt) << "two days are no habit";
}

TEST(History, CountsPartsOfHoursInPart) {
    const History history = four_weeks();
    const std::int64_t at = (next_monday + 9) * hour_ms;
    EXPECT_DOUBLE_EQ(*history.expected_between(at + hour_ms / 2, at + hour_ms * 2), 20 + 40);
}

// The median against sorting and taking the middle.
TEST(History, MediansAreMedians) {
    std::mt19937_64 random(testing::seed());
    for (int round = 0; round < 200; ++round) {
        History history;
        const int weeks = 3 + static_cast<int>(random() % 8);
        std::vector<double> values;
        for (int week = weeks; week >= 1; --week) {
            const auto count = static_cast<std::int64_t>(random() % 50);
            history.add(next_monday - week * 168, count);
            if (week <= 8) values.push_back(static_cast<double>(count));
        }
        std::sort(values.begin(), values.end());
        const std::size_t half = values.size() / 2;
        const double expected = values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
        EXPECT_EQ(history.expected(next_monday), expected);
    }
}

// content/intake/cases/silence.json: what a health commission may add to.
TEST(Judge, DecidesTheCasesOfContent) {
    const std::string text = testing::read_file(std::filesystem::path(XINGLIN_SOURCE_DIR) / "content/intake/cases/silence.json");
    json::Arena arena;
    const auto cases = json::parse(text, arena);
    ASSERT_TRUE(cases.ok()) << cases.outcome().line();
    ASSERT_GT((*cases)["cases"].size(), 5u);
    const auto number = [](json::Value value, double absent) {
        return value ? std::strtod(std::string(value.text()).c_str(), nullptr) : absent;
    };
    for (const json::Node& node : (*cases)["cases"].items()) {
        const json::Value one(&node);
        History history;
        const json::Value week = one["week"];  // messages an hour on workdays, nights and weekends
        for (std::int64_t hour = 0; week && hour < static_cast<std::int64_t>(number(one["weeks"], 4)) * 168; ++hour) {
            const bool works = hour / 24 % 7 < 5 && hour % 24 >= 8 && hour % 24 < 17;
            history.add(monday + hour, static_cast<std::int64_t>(number(week[works ? "work" : "other"], 0)));
        }
        const auto weeks = static_cast<std::int64_t>(number(one["weeks"], 4));
        const std::int64_t now =
            (monday + weeks * 168) * hour_ms + static_cast<std::int64_t>(number(one["hour"], 0) * static_cast<double>(hour_ms));
        const double silent_minutes = number(one["silent_minutes"], -1);
        const Condition condition{.paused = one["paused"].as_bool(),
                                  .now_ms = now,
                                  .last_ms = silent_minutes < 0 ? 0 : now - static_cast<std::int64_t>(silent_minutes * 60'000),
                                  .received_hour = static_cast<std::int64_t>(number(one["received"], 0)),
                                  .rejected_hour = static_cast<std::int64_t>(number(one["rejected"], 0))};
        EXPECT_EQ(judge(history, condition).state, one["state"].string()) << one["name"].string();
    }
}

}  // namespace
}  // namespace xinglin::intake
