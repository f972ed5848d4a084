// SPDX-License-Identifier: Apache-2.0
// Codes as scanners read them. The GTINs are the examples of the GS1 General Specifications and of the US FDA's UDI guidance.
#include "registry/scan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace xinglin::registry {
namespace {

using ::testing::HasSubstr;

TEST(Scan, TakesAnElementStringApartWithBracketsAndWithout) {
    for (const std::string_view text : {"(01)51022222233336(11)141231(17)150707(10)A213B1(21)1234",
                                        "]d201510222222333361114123117150707"
                                        "10A213B1\x1d"
                                        "211234",
                                        "\x1d"
                                        "015102222223333611141231"
                                        "1715070710A213B1\x1d"
                                        "211234",
                                        "01510222222333361114123117150707"
                                        "10A213B1\x1d"
                                        "211234"}) {
        const auto read = read_scan(text);
        ASSERT_TRUE(read.ok()) << text << " " << read.outcome().line();
        EXPECT_EQ(read->scheme, "gs1");
        EXPECT_EQ(read->product, "51022222233336");
        EXPECT_EQ(read->made, "2014-12-31");
        EXPECT_EQ(read->expires, "2015-07-07");
        EXPECT_EQ(read->lot, "A213B1");
        EXPECT_EQ(read->serial, "1234");
    }
}

TEST(Scan, ADayOfNoughtIsTheLastOfTheMonthAndALotMayHaveBrackets) {
    const auto read = read_scan("(01)51022222233336(17)280200(10)A(2)B");
    ASSERT_TRUE(read.ok()) << read.outcome().line();
    EXPECT_EQ(read->expires, "2028-02-29");
    EXPECT_EQ(read->lot, "A(2)B");
}

TEST(Scan, KnowsAGtinATraceCodeAndAnyOtherCode) {
    EXPECT_EQ(gtin_check_digit("629104150021"), '3');
    EXPECT_EQ(read_scan("6291041500213")->product, "06291041500213");
    EXPECT_EQ(read_scan("6291041500213")->scheme, "gtin");
    const auto trace = read_scan("81234560123456789012");
    EXPECT_EQ(trace->scheme, "trace");
    EXPECT_EQ(trace->product, "8123456");
    EXPECT_EQ(read_scan(" renmin-E1-01 \r\n")->product, "renmin-E1-01");
    EXPECT_EQ(read_scan("86900000000014")->scheme, "plain") << "14 digits, and no GTIN";
}

TEST(Scan, SaysWhereItIsWrong) {
    EXPECT_THAT(read_scan("(01)51022222233337").outcome().line(), HasSubstr("check digit"));
    EXPECT_THAT(read_scan("(01)5102222223333").outcome().line(), HasSubstr("13 characters"));
    EXPECT_THAT(read_scan("(01)51022222233336(17)281301").outcome().line(), HasSubstr("character 25: is no month"));
    EXPECT_THAT(read_scan("(01)51022222233336(17)270230").outcome().line(), HasSubstr("no day"));
    EXPECT_THAT(read_scan("(99)1").outcome().line(), HasSubstr("(99) is not known"));
    EXPECT_THAT(read_scan("(01").outcome().line(), HasSubstr("brackets"));
    EXPECT_THAT(read_scan("").outcome().line(), HasSubstr("missing"));
    EXPECT_THAT(read_scan(std::string(400, '1')).outcome().line(), HasSubstr("longer"));
    EXPECT_THAT(read_scan("]d299").outcome().line(), HasSubstr("character 4"));
}

}  // namespace
}  // namespace xinglin::registry
