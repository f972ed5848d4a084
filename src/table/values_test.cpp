// SPDX-License-Identifier: Apache-2.0
// Dates, numbers, ids and telephone numbers as they are typed.
#include "table/values.h"

#include <gtest/gtest.h>

#include "calendar/calendar.h"
#include "table/cell.h"

namespace xinglin::table {
namespace {

std::string date(std::string_view text, DateOptions options = {}) { return read_date(text, options).value_or("none"); }

TEST(Dates, AreReadInEveryWayPeopleWriteThem) {
    for (const char* text :
         {"2026-11-22", "2026/11/22", "2026.11.22", "20261122", "2026年11月22日", "２０２６-１１-２２", "2026年11月22号"})
        EXPECT_EQ(date(text), "2026-11-22") << text;
    EXPECT_EQ(date("2026/1/2"), "2026-01-02");
    EXPECT_EQ(date("2026年1月2日"), "2026-01-02");
    EXPECT_EQ(date("2026年11月"), "2026-11");
    EXPECT_EQ(date("2026-11"), "2026-11");
    EXPECT_EQ(date("202611"), "2026-11");
    EXPECT_EQ(date("2026"), "2026");
    EXPECT_EQ(date("2026年"), "2026");
}

TEST(Dates, CarryTheTimeAndTheSendersZone) {
    for (const char* text : {"2026-11-22 08:15", "2026/11/22 8:15", "20261122 0815", "2026-11-22T08:15:00", "20261122081500",
                             "2026年11月22日 8时15分", "2026年11月22日8时15分", "2026-11-22 上午8:15", "2026-11-22 08:15:00.123"})
        EXPECT_EQ(date(text), "2026-11-22T08:15:00+08:00") << text;
    EXPECT_EQ(date("2026-11-22 下午3:05"), "2026-11-22T15:05:00+08:00");
    EXPECT_EQ(date("2026-11-22T08:15:00Z"), "2026-11-22T08:15:00Z");
    EXPECT_EQ(date("2026-11-22T08:15:00+0900"), "2026-11-22T08:15:00+09:00");
    EXPECT_EQ(date("2026-11-22 08:15", {.offset_minutes = -210}), "2026-11-22T08:15:00-03:30");
}

TEST(Dates, ThatDoNotExistAreNone) {
    for (const char* text : {"2026-02-30", "2026-13-01", "20261301", "22/11/2026", "11-22", "昨天", "2026-11-22 25:00", "1234",
                             "2026-", "2026-11-22x", "26-11-22", "2026-11-22 08:15 +", "", "00000000", "46348"})
        EXPECT_EQ(date(text), "none") << text;
}

TEST(Dates, ComeInOtherOrdersAndAsSerialsWhereTheMappingSaysSo) {
    EXPECT_EQ(date("22/11/2026", {.order = DateOptions::Order::day_first}), "2026-11-22");
    EXPECT_EQ(date("11/22/2026", {.order = DateOptions::Order::month_first}), "2026-11-22");
    EXPECT_EQ(date("46348", {.serials = true}), "2026-11-22");
    EXPECT_EQ(date("46348.34375", {.serials = true}), "2026-11-22T08:15:00+08:00");
    EXPECT_EQ(date("99999", {.serials = true}), "none");
}

TEST(Serials, AgreeWithTheCalendarOnEveryDayOfExcel) {
    for (int serial = 61; serial < 73'050; ++serial) {
        const auto civil = calendar::civil_from_days(serial - 25'569);
        char text[16];
        std::snprintf(text, sizeof text, "%04d-%02d-%02d", civil.year, civil.month, civil.day);
        ASSERT_EQ(serial_text(serial, false, DateStyle::date), text);
        ASSERT_EQ(serial_text(serial - 1462 >= 0 ? serial - 1462 : serial, serial >= 1462, DateStyle::date), text);
    }
    EXPECT_EQ(serial_text(1, false, DateStyle::date), "1900-01-01");
    EXPECT_EQ(serial_text(59, false, DateStyle::date), "1900-02-28");
    EXPECT_EQ(serial_text(0.34375, false, DateStyle::time), "08:15:00");
    EXPECT_EQ(serial_text(-1, false, DateStyle::date), "");
    EXPECT_EQ(serial_text(1e300, false, DateStyle::date), "");
}

TEST(NumberFormats, AreKnownForDates) {
    for (const char* format : {"yyyy-mm-dd", "yyyy\"年\"m\"月\"d\"日\"", "[$-804]yyyy/m/d;@", "m/d/yy", "mmm"})
        EXPECT_EQ(written_style(format), DateStyle::date) << format;
    EXPECT_EQ(written_style("yyyy-mm-dd hh:mm:ss"), DateStyle::date_time);
    EXPECT_EQ(written_style("[h]:mm"), DateStyle::time);
    for (const char* format :
         {"General", "0.00", "#,##0;[Red]-#,##0", "0.00E+00", "@", "\"days\" 0", "[$¥-804]#,##0.00", "0_);(0)"})
        EXPECT_EQ(written_style(format), DateStyle::none) << format;
}

TEST(Numbers, AreReadStrictly) {
    const auto number = [](std::string_view text) {
        const auto read = read_number(text);
        return read ? read->comparator + read->digits : "none";
    };
    EXPECT_EQ(number("36.60"), "36.60");
    EXPECT_EQ(number("-0.5"), "-0.5");
    EXPECT_EQ(number("+3"), "3");
    EXPECT_EQ(number(".5"), "0.5");
    EXPECT_EQ(number("007"), "7");
    EXPECT_EQ(number("1,234,567.8"), "1234567.8");
    EXPECT_EQ(number("＜0.5"), "<0.5");
    EXPECT_EQ(number("≥ 100"), ">=100");
    for (const char* text : {"", "1,23", "12%", "3.5.1", "阴性", "1e5", "--1", "1 2", "1/2", ".", "1234567890123456789"})
        EXPECT_EQ(number(text), "none") << text;
}

TEST(Decimals, AreMultipliedAndComparedExactly) {
    EXPECT_EQ(multiplied("100", "0.0555"), "5.55");
    EXPECT_EQ(multiplied("0.1", "0.2"), "0.02");
    EXPECT_EQ(multiplied("-3", "0.5"), "-1.5");
    EXPECT_EQ(multiplied("0", "5"), "0");
    EXPECT_EQ(compared("1.50", "1.5"), 0);
    EXPECT_LT(compared("-2", "1"), 0);
    EXPECT_GT(compared("10.01", "10"), 0);
}

// MOD 11-2 catches every single-digit typing error; so must we.
TEST(ResidentIds, RefuseEveryOneDigitTypo) {
    const std::string valid = "11010519491231002X";  // the example printed in GB 11643-1999
    EXPECT_EQ(read_resident_id(valid).problem, "");
    EXPECT_EQ(read_resident_id("11010519491231002x").number, valid);
    EXPECT_EQ(read_resident_id("１１０１０５１９４９１２３１００２Ｘ").number, valid);
    EXPECT_EQ(read_resident_id(valid).birth_date(), "1949-12-31");
    EXPECT_EQ(read_resident_id(valid).sex(), "female");
    for (std::size_t place = 0; place < 17; ++place) {
        for (char digit = '0'; digit <= '9'; ++digit) {
            std::string typo = valid;
            typo[place] = digit;
            EXPECT_EQ(read_resident_id(typo).problem.empty(), typo == valid) << typo;
        }
    }
}

TEST(ResidentIds, OfFifteenDigitsAreCompleted) {
    EXPECT_EQ(read_resident_id("110105491231002").number, "11010519491231002X");
    EXPECT_EQ(read_resident_id("110105491331002").problem, "birth date");
    EXPECT_EQ(read_resident_id("123").problem, "length");
    EXPECT_EQ(read_resident_id("G1234567X012345678").problem, "character");
    EXPECT_EQ(read_resident_id("").problem, "length");
}

TEST(Phones, AreMobileOrWithTheirAreaCode) {
    EXPECT_EQ(read_phone("138 0013-8000"), "13800138000");
    EXPECT_EQ(read_phone("+86 13800138000"), "13800138000");
    EXPECT_EQ(read_phone("(0335)5051234"), "03355051234");
    EXPECT_EQ(read_phone("5051234"), "5051234");
    for (const char* text : {"", "123", "1380013800", "138001380001", "无", "12345678901"})
        EXPECT_FALSE(read_phone(text)) << text;
}

TEST(Cells, AreTidied) {
    EXPECT_EQ(tidy("  张三\t "), "张三");
    EXPECT_EQ(tidy("'0012"), "0012");
    EXPECT_EQ(tidy("\xE3\x80\x80张三\xC2\xA0"), "张三");
    EXPECT_EQ(tidy(std::string_view("a\0b\x01", 4)), "ab");
    EXPECT_TRUE(is_excel_error("#N/A"));
    EXPECT_TRUE(is_excel_error("#####"));
    EXPECT_FALSE(is_excel_error("#1 楼"));
}

}  // namespace
}  // namespace xinglin::table
