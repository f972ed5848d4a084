// SPDX-License-Identifier: Apache-2.0
// Date and time arithmetic against the calendar of the standard library.
#include "fhirpath/moment.h"

#include <chrono>
#include <random>

#include <gtest/gtest.h>

#include "fhirpath/trial.h"
#include "testing/testing.h"

namespace xinglin::fhirpath {
namespace {

using trial::run;

TEST(DateArithmetic, KeepsToTheCalendar) {
    const std::pair<const char*, const char*> rows[] = {
        {"@2024-02-29 + 1 year", "2025-02-28"},
        {"@2026-01-31 + 1 month", "2026-02-28"},
        {"@2024-01-31 + 1 month", "2024-02-29"},
        {"@2026-03-31 - 1 month", "2026-02-28"},
        {"@2026-01-01 - 1 day", "2025-12-31"},
        {"@2026-01-01 + 2 weeks", "2026-01-15"},
        {"@2014 + 24 months", "2016"},
        {"@2014 + 23 months", "2015"},
        {"@2016 + 365 days", "2017"},
        {"@2019-03-01 + 24 months", "2021-03-01"},
        {"@2026-11 + 31 days", "2026-12"},
        {"@2026-11-22 + 1.9 days", "2026-11-23"},
        {"@2026-11-22T23:30:00 + 45 minutes", "2026-11-23T00:15:00"},
        {"@2026-11-22T08 + 90 minutes", "2026-11-22T09"},
        {"@2026-11-22T08:00:00Z + 1500 milliseconds", "2026-11-22T08:00:01.500Z"},
        {"@T23:30 + 1 hour", "00:30"},
        {"@T00:30 - 1 hour", "23:30"},
        {"@T10:00:00 + 1 's'", "10:00:01"},
        {"@2026-11-22 + 1 'd'", "2026-11-23"},
        {"@2026-11-22 + 1 'mo'", "!execution"},
        {"@2026-11-22 + 1 'a'", "!execution"},
        {"@2026-11-22 + 1 'kg'", "!execution"},
        {"@2026-11-22 + 1 hour", "!execution"},
        {"@T10:00 + 1 day", "!execution"},
        {"@9999-12-31 + 1 day", "!execution"},
        {"@0001-01-01 - 1 day", "!execution"},
        {"@2026-11-22 + 99999999999999999999.0 days", "!execution"},
        {"@2026-11-22 + 7", "!semantic"},
        {"@2026-11-22 + {}", ""},
    };
    for (const auto& [expression, answer] : rows) EXPECT_EQ(run(expression), answer) << expression;
}

TEST(DateArithmetic, AgreesWithTheStandardLibrary) {
    const auto seed = testing::seed();
    SCOPED_TRACE(fmt::format("XINGLIN_SEED={}", seed));
    std::mt19937_64 engine(seed);
    using namespace std::chrono;
    for (int i = 0; i < 3000; ++i) {
        const sys_days day = sys_days(year(1800) / January / 1) + days(static_cast<int>(engine() % 150'000));
        const int amount = static_cast<int>(engine() % 4000) - 2000;
        const year_month_day from(day);
        const auto text = [](year_month_day d) {
            return fmt::format("{:04}-{:02}-{:02}", int(d.year()), unsigned(d.month()), unsigned(d.day()));
        };
        const auto moment = calendar::parse_date(text(from));
        ASSERT_TRUE(moment);
        ASSERT_EQ(calendar::text(*moved(*moment, CalendarUnit::day, amount)), text(year_month_day(day + days(amount))));
        year_month_day by_months = from + months(amount);
        if (!by_months.ok()) by_months = by_months.year() / by_months.month() / last;
        ASSERT_EQ(calendar::text(*moved(*moment, CalendarUnit::month, amount)), text(by_months))
            << text(from) << " by " << amount;
    }
}

TEST(MomentOrder, IsConsistent) {
    const char* texts[] = {"2026",
                           "2026-11",
                           "2026-11-22",
                           "2026-11-22T08",
                           "2026-11-22T08:15",
                           "2026-11-22T08:15:00",
                           "2026-11-22T08:15:00.000",
                           "2026-11-22T08:15:00Z",
                           "2026-11-22T16:15:00+08:00",
                           "2026-11-22T08:15:00+08:00",
                           "2027",
                           "2025-12-31T23:59:59-12:00"};
    for (const char* a : texts) {
        for (const char* b : texts) {
            const auto left = moment_of(Item::Kind::date_time, a), right = moment_of(Item::Kind::date_time, b);
            ASSERT_TRUE(left && right);
            const Order there = compare(*left, *right), back = compare(*right, *left);
            const bool mirrored = (there == Order::less && back == Order::greater) ||
                                  (there == Order::greater && back == Order::less) ||
                                  (there == back && (there == Order::equal || there == Order::unknown));
            EXPECT_TRUE(mirrored) << a << " " << b;
        }
        EXPECT_EQ(compare(*moment_of(Item::Kind::date_time, a), *moment_of(Item::Kind::date_time, a)), Order::equal) << a;
    }
    EXPECT_EQ(run("@2026-11-22T08:15:00Z = @2026-11-22T16:15:00+08:00"), "true");
}

// Whatever its precision, a moment lies between its boundaries.
TEST(Boundaries, EncloseTheMoment) {
    for (const char* text : {"@2026", "@2026-02", "@2026-02-03", "@2026T", "@2026-02-03T04:05", "@2026-02-03T04:05:06Z", "@T04",
                             "@T04:05", "@T04:05:06.789"}) {
        EXPECT_EQ(run(fmt::format("({0}).lowBoundary() <= ({0}).highBoundary()", text)).find("!"), std::string::npos) << text;
        EXPECT_EQ(run(fmt::format("({0}).lowBoundary() > ({0}).highBoundary()", text)), "false") << text;
    }
}

}  // namespace
}  // namespace xinglin::fhirpath
