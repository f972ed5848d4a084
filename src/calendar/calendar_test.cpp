// SPDX-License-Identifier: Apache-2.0
// Dates against the C library's calendar, formats against FHIR's own examples.
#include "calendar/calendar.h"

#include <gtest/gtest.h>

#include <ctime>

namespace xinglin::calendar {
namespace {

TEST(Calendar, AgreesWithTheCLibraryOnEveryDayOfSixCenturies) {
    for (std::int64_t day = days_from_civil(1600, 1, 1); day < days_from_civil(2200, 1, 1); ++day) {
        const std::time_t seconds = day * 86'400;
        std::tm expected{};
        gmtime_r(&seconds, &expected);
        const Civil date = civil_from_days(day);
        ASSERT_EQ(date.year, expected.tm_year + 1900);
        ASSERT_EQ(date.month, expected.tm_mon + 1);
        ASSERT_EQ(date.day, expected.tm_mday);
        ASSERT_EQ(days_from_civil(date.year, date.month, date.day), day);
    }
}

TEST(Calendar, ReadsAndWritesWhatFhirAllows) {
    for (const char* text : {"2018", "1973-06", "1905-08-23", "2015-02-07T13:28:17-05:00", "2017-01-01T00:00:00.000Z",
                             "2000-02-29T23:59:59.123456+08:00"}) {
        const auto moment = parse_date_time(text);
        ASSERT_TRUE(moment) << text;
        EXPECT_EQ(calendar::text(*moment), text);
    }
    EXPECT_EQ(calendar::text(*parse_time("23:59:01.5")), "23:59:01.5");
}

TEST(Calendar, RefusesWhatIsNoDate) {
    for (const char* text :
         {"", "0000", "18", "2018-13", "2018-00", "2018-02-30", "1900-02-29", "2018-2-3", "2018-02-03T", "2018-02-03T10:00",
          "2018-02-03T10:00:00", "2018-02-03T24:00:00Z", "2018-02-03T10:60:00Z", "2018-02-03T10:00:60Z", "2018-02-03T10:00:00.Z",
          "2018-02-03T10:00:00+15:00", "2018-02-03 ", "2018T10:00:00Z"})
        EXPECT_FALSE(parse_date_time(text)) << text;
    EXPECT_FALSE(parse_instant("2018-02-03"));
    EXPECT_FALSE(parse_date("2018-02-03T10:00:00Z"));
}

TEST(Calendar, SpansWhatThePrecisionLeavesOpen) {
    const auto hours = [](const char* text, std::int16_t zone = 0) {
        const Span span = span_of(*parse_date_time(text, true), zone);
        return (span.high_ms - span.low_ms) / 3'600'000;
    };
    EXPECT_EQ(hours("2020"), 366 * 24);
    EXPECT_EQ(hours("2021-02"), 28 * 24);
    EXPECT_EQ(hours("2021-02-28"), 24);
    EXPECT_EQ(span_of(*parse_date("1970-01-01"), 480).low_ms, -8 * 3'600'000);
    EXPECT_EQ(span_of(*parse_date_time("1970-01-01T08:00:00+08:00"), 0).low_ms, 0);
    EXPECT_EQ(span_of(*parse_date_time("1970-01-01T00:00:00Z"), 480).high_ms, 1'000);
}

TEST(Calendar, WritesInstantsBeforeAndAfterTheEpoch) {
    EXPECT_EQ(instant_text(0), "1970-01-01T00:00:00.000Z");
    EXPECT_EQ(instant_text(-1), "1969-12-31T23:59:59.999Z");
    EXPECT_EQ(instant_text(1'795'305'600'123), "2026-11-22T00:00:00.123Z");
}

TEST(Calendar, CountsAgeByBirthdays) {
    const Moment birth = *parse_date("2000-02-29");
    EXPECT_EQ(age_in_years(birth, {2001, 2, 28}), 0);
    EXPECT_EQ(age_in_years(birth, {2001, 3, 1}), 1);
    EXPECT_EQ(age_in_years(birth, {2024, 2, 29}), 24);
}

}  // namespace
}  // namespace xinglin::calendar
