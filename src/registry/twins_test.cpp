// SPDX-License-Identifier: Apache-2.0
// Entries that are there twice, and those that only messages told of.
#include "registry/twins.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "registry/test_house.h"

namespace xinglin::registry {
namespace {

class TwinsTest : public TestHouse {
protected:
    void institution(const std::string& id, std::string_view name, std::string_view phone, std::string_view area,
                     std::string_view credit = "") {
        const std::string code =
            credit.empty() ? "" : fmt::format(R"(,{{"system":"urn:xinglin:identifier:uscc","value":"{}"}})", credit);
        put(fmt::format(
            R"({{"resourceType":"Organization","id":"{0}","identifier":[{{"system":"urn:oid:2.16.156.10011.1.5","value":"{0}"}}{1}],"name":"{2}","telecom":[{{"system":"phone","value":"{3}"}}],"address":[{{"extension":[{{"url":"urn:xinglin:extension:division-code","valueString":"{4}"}}],"text":"{4}号"}}]}})",
            id, code, name, phone, area));
    }
};

TEST_F(TwinsTest, AnInstitutionEnteredTwiceIsSuggestedAndStrangersAreNot) {
    constexpr std::string_view words[] = {"康宁", "仁济", "惠民", "安和", "德善", "同心",
                                          "济世", "益寿", "福康", "春晖", "明德", "博爱"};
    constexpr std::string_view kinds[] = {"诊所", "卫生室", "大药房", "门诊部", "卫生服务站"};
    int number = 0;
    for (const std::string_view word : words) {
        for (const std::string_view kind : kinds) {
            institution(fmt::format("i{}", number), fmt::format("{}{}", word, kind), fmt::format("0335-50{:04}", number * 37),
                        fmt::format("1303031{:05}", number * 11));
            ++number;
        }
    }
    institution("twin1", "康宁诊所", "0335-500000", "130303100000");                                                 // of i0
    institution("twin2", "仁济卫生室（原）", fmt::format("0335-50{:04}", 6 * 37), fmt::format("1303031{:05}", 66));  // of i6
    registry.catch_up();
    const std::vector<Twin> found = twins(registry, Kind::institution);
    std::set<std::string> pairs;
    for (const Twin& each : found) pairs.insert(each.keep->id + "=" + each.other->id);
    EXPECT_TRUE(pairs.contains("i0=twin1"));
    EXPECT_TRUE(pairs.contains("i6=twin2"));
    EXPECT_LE(pairs.size(), 4u) << ::testing::PrintToString(pairs);
}

TEST_F(TwinsTest, OneCreditCodeTwiceIsOneInstitutionAndTwoCodesAreTwo) {
    institution("a", "甲医院", "1", "130303", "12130399X000000018");
    institution("b", "乙医院", "2", "130304", "12130399X000000018");
    institution("c", "甲医院", "1", "130303", "12130399X000000026");
    registry.catch_up();
    const std::vector<Twin> found = twins(registry, Kind::institution);
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found.front().keep->id, "a");
    EXPECT_EQ(found.front().other->id, "b");
    EXPECT_THAT(found.front().agrees, ::testing::ElementsAre("code"));
}

TEST_F(TwinsTest, WhatOnlyMessagesToldOfIsListedBySourceWithASuggestion) {
    put(R"({"resourceType":"Practitioner","id":"li","meta":{"source":"urn:xinglin:source:renmin"},"identifier":[{"system":"urn:oid:2.16.156.10011.1.4","value":"renmin-001"}],"name":[{"text":"李娜"}]})");
    put(R"({"resourceType":"Practitioner","id":"m1","meta":{"source":"urn:xinglin:source:renmin#77"},"identifier":[{"system":"urn:xinglin:source:renmin:staff","value":"renmin-001"}],"name":[{"text":"L."}]})");
    put(R"({"resourceType":"Practitioner","id":"m2","meta":{"source":"urn:xinglin:source:renmin#78"},"name":[{"text":"李娜"}]})");
    put(R"({"resourceType":"Practitioner","id":"m3","meta":{"source":"urn:xinglin:source:clinic#1"},"name":[{"text":"无人"}]})");
    registry.catch_up();
    const std::vector<Stray> all = strays(registry);
    ASSERT_EQ(all.size(), 3u);
    EXPECT_EQ(all[0].entry->id, "m3");
    EXPECT_EQ(all[0].suggestion, nullptr);
    for (const Stray& each : strays(registry, "renmin")) {
        ASSERT_TRUE(each.suggestion);
        EXPECT_EQ(each.suggestion->id, "li");
        EXPECT_EQ(each.why, each.entry->id == "m1" ? "same_code" : "elsewhere");
    }
}

}  // namespace
}  // namespace xinglin::registry
