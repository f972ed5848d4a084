// SPDX-License-Identifier: Apache-2.0
// Areas whose codes, names, places and boundaries change, asked for as of a day.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "registry/change.h"
#include "registry/test_house.h"

namespace xinglin::registry {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

class AreasTest : public TestHouse {
protected:
    void area(std::string_view id, std::string_view code, std::string_view name, std::string_view above = "") {
        put(fmt::format(
            R"({{"resourceType":"Location","id":"{}","identifier":[{{"system":"urn:xinglin:identifier:division","value":"{}"}}],"status":"active","name":"{}","mode":"instance","physicalType":{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/location-physical-type","code":"jdn"}}]}}{}}})",
            id, code, name, above.empty() ? "" : fmt::format(R"(,"partOf":{{"reference":"Location/{}"}})", above)));
    }
    void SetUp() override {
        area("county", "130303", "山海关区");
        area("east", "130303101", "东镇", "county");
        area("west", "130303102", "西镇", "county");
        area("v1", "130303101001", "一村", "east");
        area("v2", "130303101002", "二村", "east");
        put(R"({"resourceType":"Organization","id":"clinic","name":"一村卫生室","address":[{"extension":[{"url":"urn:xinglin:extension:division-code","valueString":"130303101001"}]}]})");
        registry.catch_up();
    }
    std::string last;
    std::string change(const Command& command) {
        const auto planned = plan(registry, command, "tester");
        if (!planned.ok()) return planned.outcome().line();
        const auto done = revise(*store, *ingest, clock, *planned);
        registry.catch_up();
        if (done.ok()) last = *done;
        return done.ok() ? "ok" : done.outcome().line();
    }
    std::string holder(std::string_view code, std::string_view day) {
        const auto known = registry.who_has(code, division_system, day);
        return known.empty() ? "" : std::string(known.front().entry->name_on(day));
    }
    std::vector<std::string> parts(std::string_view reference, std::string_view day) {
        std::vector<std::string> out;
        for (const Node& each : registry.children(reference, day)) out.emplace_back(each.entry->name());
        return out;
    }
};

TEST_F(AreasTest, ARecodedAreaAndWhatLiesInItAreFoundByTheOldCode) {
    EXPECT_EQ(change({.what = "recode", .entries = {"Location/east"}, .value = "130303201", .day = "2025-01-01"}), "ok");
    EXPECT_EQ(registry.present_area("130303101"), "130303201");
    EXPECT_EQ(registry.list({.kinds = {Kind::institution}, .area = "130303201"}).total, 0u)
        << "its village has its old code still";
    EXPECT_EQ(change({.what = "recode", .entries = {"Location/v1"}, .value = "130303201001", .day = "2025-01-01"}), "ok");
    EXPECT_EQ(registry.list({.kinds = {Kind::institution}, .area = "130303201"}).total, 1u)
        << "the clinic's address has the old one";
    EXPECT_EQ(registry.list({.kinds = {Kind::institution}, .area = "130303101"}).total, 1u) << "and the old one is asked for";
    EXPECT_EQ(registry.present_area("130303101777"), "130303201777") << "a village nobody registered goes with its town";
    EXPECT_EQ(holder("130303101", "2024-12-31"), "东镇");
    EXPECT_EQ(holder("130303101", "2025-01-01"), "");
    EXPECT_EQ(holder("130303201", "2025-01-01"), "东镇");
}

TEST_F(AreasTest, MergedAreasAreOneFromTheDayOnAndTwoBefore) {
    EXPECT_EQ(change({.what = "merge", .entries = {"Location/west"}, .value = "Location/east", .day = "2025-07-01"}), "ok");
    EXPECT_EQ(change({.what = "rename", .entries = {"Location/east"}, .value = "东西镇", .day = "2025-07-01"}), "ok");
    EXPECT_EQ(registry.present_area("130303102"), "130303101");
    EXPECT_EQ(registry.present_area("130303102009"), "130303101009");
    EXPECT_EQ(holder("130303102", "2025-06-30"), "西镇");
    EXPECT_EQ(holder("130303101", "2025-06-30"), "东镇");
    EXPECT_EQ(holder("130303101", "2025-07-01"), "东西镇");
}

TEST_F(AreasTest, ADividedAreaHasItsPartsFromTheDayOnAndIsWholeBefore) {
    const Command split{.what = "split",
                        .entries = {"Location/east"},
                        .parts = {{"130303111", "东上镇", {"Location/v1"}}, {"130303112", "东下镇", {"Location/v2"}}},
                        .day = "2025-07-01"};
    EXPECT_EQ(change(split), "ok");
    EXPECT_THAT(parts("Location/county", "2025-06-30"), UnorderedElementsAre("东镇", "西镇"));
    EXPECT_THAT(parts("Location/county", "2025-07-01"), UnorderedElementsAre("东上镇", "东下镇", "西镇"));
    EXPECT_THAT(parts("Location/east", "2025-06-30"), UnorderedElementsAre("一村", "二村"));
    EXPECT_EQ(holder("130303111", "2025-06-30"), "");
    EXPECT_EQ(holder("130303111", "2025-07-01"), "东上镇");
    EXPECT_EQ(registry.above("Location/v1", "2025-06-30").back()->name(), "东镇");
    EXPECT_EQ(registry.above("Location/v1", "2025-07-02").back()->name(), "东上镇");
    EXPECT_EQ(registry.present_area("130303101"), "130303101") << "divided: nobody can say which";
    const auto back = undoing(*store, last, "tester");
    ASSERT_TRUE(back.ok()) << back.outcome().line();
    ASSERT_TRUE(revise(*store, *ingest, clock, *back).ok());
    registry.catch_up();
    EXPECT_THAT(parts("Location/county", ""), UnorderedElementsAre("东镇", "西镇"));
    EXPECT_THAT(parts("Location/east", ""), UnorderedElementsAre("一村", "二村"));
}

TEST_F(AreasTest, ADivisionNamesWhatIsWrong) {
    const auto split = [&](std::vector<AreaPart> parts) {
        return change({.what = "split", .entries = {"Location/east"}, .parts = std::move(parts), .day = "2025-07-01"});
    };
    EXPECT_THAT(split({{"130303111", "甲"}}), HasSubstr("two or more"));
    EXPECT_THAT(split({{"130303111", "甲"}, {"130303111", "乙"}}), HasSubstr("twice"));
    EXPECT_THAT(split({{"130303111", "甲"}, {"130303102", "乙"}}), HasSubstr("code of Location/west already"));
    EXPECT_THAT(split({{"1303", "甲"}, {"x", "乙"}}), HasSubstr("digits"));
    EXPECT_THAT(split({{"130303111", "甲", {"Location/west"}}, {"130303112", "乙"}}), HasSubstr("no part of"));
    EXPECT_EQ(split({{"130303101", "东镇"}, {"130303112", "东下镇", {"Location/v2"}}}), "ok") << "one part is what is left";
    EXPECT_EQ(holder("130303101", "2025-07-02"), "东镇");
}

TEST_F(AreasTest, ABoundaryHasItsDays) {
    constexpr std::string_view small = R"({"type":"Polygon","coordinates":[[[119,40],[119.5,40],[119.5,40.5],[119,40]]]})";
    constexpr std::string_view large = R"({"type":"Polygon","coordinates":[[[119,40],[120,40],[120,41],[119,40]]]})";
    const auto draw = [&](std::string_view shape, std::string day) {
        return change({.what = "boundary", .entries = {"Location/east"}, .value = std::string(shape), .day = std::move(day)});
    };
    EXPECT_EQ(draw(small, "2020-01-01"), "ok");
    EXPECT_EQ(draw(large, "2024-05-01"), "ok");
    json::Arena arena;
    const json::Value now = json::parse(arena.keep(body("Location", "east")), arena).value();
    EXPECT_EQ(boundary_on(now, ""), large);
    EXPECT_EQ(boundary_on(now, "2024-05-01"), large);
    EXPECT_EQ(boundary_on(now, "2024-04-30"), small);
    EXPECT_THAT(draw("{}", "2024-05-01"), HasSubstr("Polygon"));
    EXPECT_THAT(draw(R"({"type":"Polygon","coordinates":[[[119,40],[120,40],[120,41]]]})", "2024-05-01"),
                HasSubstr("four points"));
    EXPECT_THAT(draw(R"({"type":"Polygon","coordinates":[[[119,400],[120,40],[120,41],[119,400]]]})", "2024-05-01"),
                HasSubstr("degrees"));
    EXPECT_THAT(draw("nonsense", "2024-05-01"), HasSubstr("no GeoJSON"));
}

TEST_F(AreasTest, DaysInForceAreSetForManyAtOnce) {
    EXPECT_EQ(change({.what = "period", .entries = {"Location/east", "Location/west"}, .value = "2000-01-01/2030-12-31"}), "ok");
    EXPECT_EQ(registry.find("Location/west")->days.to, "2030-12-31");
    EXPECT_THAT(change({.what = "period", .entries = {"Location/east"}, .value = "2030-01-01/2000-12-31"}),
                HasSubstr("two days"));
}

}  // namespace
}  // namespace xinglin::registry
