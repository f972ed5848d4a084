// SPDX-License-Identifier: Apache-2.0
// Messages joined to the registries, and what stays outside them.
#include "registry/join.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "registry/change.h"
#include "registry/test_house.h"

namespace xinglin::registry {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class JoinTest : public TestHouse {
protected:
    void SetUp() override {
        put(R"({"resourceType":"Organization","id":"renmin","identifier":[{"system":"urn:oid:2.16.156.10011.1.5","value":"PDY001"},{"use":"old","system":"urn:oid:2.16.156.10011.1.5","value":"OLD001"}],"active":true,"name":"县人民医院"})");
        put(R"({"resourceType":"Organization","id":"zhongyi","identifier":[{"system":"urn:oid:2.16.156.10011.1.5","value":"PDY002"}],"active":true,"name":"县中医院"})");
        for (const std::string_view at : {"renmin", "zhongyi"})
            put(fmt::format(
                R"({{"resourceType":"Organization","id":"{0}-int","identifier":[{{"system":"urn:xinglin:identifier:registry","value":"{0}-03"}}],"active":true,"type":[{{"coding":[{{"system":"urn:xinglin:codesystem:registry-unit","code":"department"}}]}}],"name":"内科","partOf":{{"reference":"Organization/{0}"}}}})",
                at));
        put(R"({"resourceType":"Practitioner","id":"li","identifier":[{"system":"urn:oid:2.16.156.10011.1.4","value":"D001"}],"active":true,"name":[{"text":"李娜"}]})");
        put(R"({"resourceType":"PractitionerRole","id":"li-renmin","active":true,"practitioner":{"reference":"Practitioner/li","display":"李娜"},"organization":{"reference":"Organization/renmin"}})");
        registry.catch_up();
    }
    /// Entries of a message of `source`; PUTs with the source's mark.
    json::Value bundle(std::initializer_list<std::string_view> resources, std::string_view source = "renmin") {
        std::vector<json::Value> entries;
        for (const std::string_view text : resources) {
            json::Value r = json::parse(arena.keep(text), arena).value();
            r = arena.with_after(r, "id", "meta",
                                 arena.object({{"source", arena.string(fmt::format("urn:xinglin:source:{}#7", source))}}));
            const std::string url = fmt::format("{}/{}", r["resourceType"].string(), r["id"].string());
            entries.push_back(arena.object(
                {{"resource", r}, {"request", arena.object({{"method", arena.string("PUT")}, {"url", arena.string(url)}})}}));
        }
        return arena.object(
            {{"resourceType", arena.string("Bundle")}, {"type", arena.string("transaction")}, {"entry", arena.array(entries)}});
    }
    Joined tell(std::initializer_list<std::string_view> resources, std::string_view source = "renmin",
                std::string_view home = "renmin", std::string_view day = "2026-11-22T08:00:00+08:00") {
        return join(registry, {source, home, day}, bundle(resources, source), arena);
    }
    /// What the entries of the bundle are: "Encounter/e Organization/x(stray)".
    static std::vector<std::string> entries(json::Value bundle) {
        std::vector<std::string> out;
        for (const json::Node& node : bundle["entry"].items()) {
            const json::Value r = json::Value(&node)["resource"];
            out.push_back(fmt::format("{}/{}{}", r["resourceType"].string(), r["id"].string(),
                                      r["meta"]["tag"][std::size_t{0}]["code"].string() == "stray" ? "(stray)" : ""));
        }
        return out;
    }
    std::string command(const Command& asked) {
        const auto planned = plan(registry, asked, "tester");
        if (!planned.ok()) return planned.outcome().line();
        const auto done = revise(*store, *ingest, clock, *planned);
        registry.catch_up();
        return done.ok() ? "ok" : done.outcome().line();
    }
    /// Puts what a message brought, as intake would.
    void store_all(json::Value bundle) {
        for (const json::Node& node : bundle["entry"].items()) put(json::write(json::Value(&node)["resource"]));
        registry.catch_up();
    }
    json::Arena arena;
};

constexpr std::string_view visit =
    R"({"resourceType":"Encounter","id":"e","status":"finished","serviceProvider":{"reference":"Organization/x"},"participant":[{"individual":{"reference":"Practitioner/d"}}]})";
std::string provider(const Joined& told) {
    return std::string(told.bundle["entry"][std::size_t{0}]["resource"]["serviceProvider"]["reference"].string());
}

TEST_F(JoinTest, AnInstitutionIsKnownByItsPresentAndItsFormerCodeAndTheSourcesWordsStay) {
    for (const std::string_view code : {"PDY001", "OLD001"}) {
        const std::string told = fmt::format(
            R"({{"resourceType":"Organization","id":"x","identifier":[{{"system":"urn:oid:2.16.156.10011.1.5","value":"{}"}}],"name":"人民医院（本部）"}})",
            code);
        const Joined joined = tell({visit, told});
        EXPECT_EQ(provider(joined), "Organization/renmin");
        EXPECT_EQ(joined.bundle["entry"][std::size_t{0}]["resource"]["serviceProvider"]["display"].string(), "人民医院（本部）");
        EXPECT_EQ(entries(joined.bundle)[0], "Encounter/e");
        EXPECT_EQ(joined.joined, 2u);
    }
}

TEST_F(JoinTest, ANameJoinsOnlyWhereNothingContradictsIt) {
    EXPECT_EQ(provider(tell({visit, R"({"resourceType":"Organization","id":"x","name":"县 人民医院 "})"})),
              "Organization/renmin");
    const Joined other = tell(
        {visit,
         R"({"resourceType":"Organization","id":"x","identifier":[{"system":"urn:oid:2.16.156.10011.1.5","value":"PDY999"}],"name":"县人民医院"})"});
    EXPECT_EQ(provider(other), "Organization/x") << "another code is another institution";
    EXPECT_THAT(entries(other.bundle), ElementsAre("Encounter/e", "Organization/x(stray)", "Practitioner/d(stray)"));
    EXPECT_EQ(provider(tell({visit, R"({"resourceType":"Organization","id":"x","name":"市人民医院"})"})), "Organization/x");
}

TEST_F(JoinTest, ADepartmentIsThatOfItsInstitution) {
    const Joined here = tell(
        {visit, R"({"resourceType":"Organization","id":"x","name":"内科","partOf":{"reference":"Organization/h"}})",
         R"({"resourceType":"Organization","id":"h","identifier":[{"system":"urn:oid:2.16.156.10011.1.5","value":"PDY002"}]})"});
    EXPECT_EQ(provider(here), "Organization/zhongyi-int");
    EXPECT_EQ(provider(tell({visit, R"({"resourceType":"Organization","id":"x","name":"内科"})"})), "Organization/renmin-int")
        << "of the sender, when nothing is said";
    EXPECT_EQ(provider(tell({visit, R"({"resourceType":"Organization","id":"x","name":"内科"})"}, "clinic", "")),
              "Organization/x");
}

TEST_F(JoinTest, StaffWithANumberNobodyKnowsAreNotJoinedByNameButAPersonNamedWithoutOneIs) {
    const auto doctor = [](const Joined& told) {
        return std::string(
            told.bundle["entry"][std::size_t{0}]["resource"]["participant"][std::size_t{0}]["individual"]["reference"].string());
    };
    EXPECT_EQ(doctor(tell({visit, R"({"resourceType":"Practitioner","id":"d","name":[{"text":"李娜"}]})"})), "Practitioner/li");
    EXPECT_EQ(doctor(tell({visit, R"({"resourceType":"Practitioner","id":"d","name":[{"text":"李娜"}]})"}, "zhongyi", "zhongyi")),
              "Practitioner/d")
        << "she does not work there";
    EXPECT_EQ(
        doctor(tell(
            {visit,
             R"({"resourceType":"Practitioner","id":"d","identifier":[{"system":"urn:xinglin:source:renmin:staff","value":"88"}],"name":[{"text":"李娜"}]})"})),
        "Practitioner/d");
}

TEST_F(JoinTest, TheSameNumberWithTheSameNameIsTheSameWhateverListItIsSaidToBeOf) {
    const auto doctor = [](const Joined& told) {
        return std::string(
            told.bundle["entry"][std::size_t{0}]["resource"]["participant"][std::size_t{0}]["individual"]["reference"].string());
    };
    EXPECT_EQ(
        doctor(tell(
            {visit,
             R"({"resourceType":"Practitioner","id":"d","identifier":[{"system":"urn:xinglin:source:renmin:staff","value":"D001"}],"name":[{"text":"李娜"}]})"})),
        "Practitioner/li");
    EXPECT_EQ(
        doctor(tell(
            {visit,
             R"({"resourceType":"Practitioner","id":"d","identifier":[{"system":"urn:xinglin:source:renmin:staff","value":"D001"}],"name":[{"text":"王五"}]})"})),
        "Practitioner/d")
        << "another name is another person";
}

TEST_F(JoinTest, ASourcesOwnCodeIsMappedOnceAndMeansNothingForOthers) {
    constexpr std::string_view told =
        R"({"resourceType":"Organization","id":"x","identifier":[{"system":"urn:xinglin:source:renmin:department","value":"INT01"}],"name":"一病区"})";
    constexpr std::string_view others =
        R"({"resourceType":"Organization","id":"x","identifier":[{"system":"urn:xinglin:source:zhongyi:department","value":"INT01"}],"name":"一病区"})";
    EXPECT_EQ(provider(tell({visit, told})), "Organization/x");
    EXPECT_EQ(command({.what = "map", .entries = {"Organization/renmin-int"}, .value = "INT01", .system = "renmin"}), "ok");
    EXPECT_EQ(command({.what = "map", .entries = {"Organization/zhongyi-int"}, .value = "INT01", .system = "zhongyi"}), "ok");
    EXPECT_EQ(provider(tell({visit, told})), "Organization/renmin-int");
    EXPECT_EQ(provider(tell({visit, others}, "zhongyi", "zhongyi")), "Organization/zhongyi-int");
    EXPECT_THAT(command({.what = "map", .entries = {"Organization/zhongyi-int"}, .value = "INT01", .system = "renmin"}),
                HasSubstr("means Organization/renmin-int already"));
}

TEST_F(JoinTest, AStrayJoinedByAPersonIsJoinedFromThenOnAndInWhatCameBefore) {
    constexpr std::string_view told =
        R"({"resourceType":"Organization","id":"x","identifier":[{"system":"urn:xinglin:source:renmin:department","value":"INT01"}],"name":"一病区"})";
    store_all(tell({visit, told}).bundle);
    EXPECT_EQ(registry.list({.kinds = {Kind::institution}}).total, 2u) << "a stray is in no register";
    EXPECT_EQ(registry.list({.kinds = {Kind::institution}, .strays = true}).total, 1u);
    EXPECT_EQ(command({.what = "join", .entries = {"Organization/x"}, .value = "Organization/renmin-int"}), "ok");
    EXPECT_EQ(provider(tell({visit, told})), "Organization/renmin-int");
    EXPECT_EQ(
        provider(tell(
            {visit,
             R"({"resourceType":"Organization","id":"y","identifier":[{"system":"urn:xinglin:source:renmin:department","value":"INT01"}],"name":"一"})",
             R"({"resourceType":"Organization","id":"x"})"})),
        "Organization/renmin-int")
        << "under another key, too";
    EXPECT_EQ(provider(tell({visit})), "Organization/renmin-int") << "and where it is only referred to";
    EXPECT_THAT(command({.what = "join", .entries = {"Organization/x"}, .value = "Organization/zhongyi-int"}),
                HasSubstr("already"));
}

TEST_F(JoinTest, WhatIsOnlyReferredToBecomesAStrayWithTheSourcesWords) {
    const Joined told = tell(
        {R"({"resourceType":"Encounter","id":"e","status":"finished","serviceProvider":{"reference":"Organization/z","display":"某医院","identifier":{"system":"s","value":"Z9"}},"location":[{"location":{"reference":"Location/w"}}],"subject":{"reference":"Patient/p"}})"});
    std::vector<std::string> all = entries(told.bundle);
    EXPECT_THAT(all, ::testing::UnorderedElementsAre("Encounter/e", "Organization/z(stray)", "Location/w(stray)"));
    EXPECT_THAT(told.stubs, ::testing::UnorderedElementsAre("Organization/z", "Location/w"));
    EXPECT_THAT(json::write(told.bundle), HasSubstr(R"("name":"某医院")"));
    EXPECT_THAT(json::write(told.bundle), HasSubstr(R"("value":"Z9")"));
}

TEST_F(JoinTest, AReferenceThatSaysACodeGetsTheEntryItMeans) {
    const Joined told = tell(
        {R"({"resourceType":"Encounter","id":"e","status":"finished","serviceProvider":{"type":"Organization","identifier":{"system":"urn:oid:2.16.156.10011.1.5","value":"PDY002"}}})"});
    EXPECT_EQ(provider(told), "Organization/zhongyi");
    const json::Value alone =
        json::parse(
            R"({"resourceType":"Encounter","serviceProvider":{"identifier":{"system":"urn:oid:2.16.156.10011.1.5","value":"OLD001"}},"subject":{"reference":"Patient/1"}})",
            arena)
            .value();
    EXPECT_THAT(json::write(join_codes(registry, alone, arena)), HasSubstr(R"("reference":"Organization/renmin")"));
}

TEST_F(JoinTest, ACodeUsedAgainAfterItsBearerClosedMeansWhoHadItThatDay) {
    EXPECT_EQ(command({.what = "close", .entries = {"Organization/zhongyi"}, .day = "2024-06-30"}), "ok");
    put(R"({"resourceType":"Organization","id":"new","extension":[{"url":"urn:xinglin:extension:registry-period","valuePeriod":{"start":"2025-01-01"}}],"identifier":[{"system":"urn:oid:2.16.156.10011.1.5","value":"PDY002","period":{"start":"2025-01-01"}}],"active":true,"name":"新医院"})");
    registry.catch_up();
    constexpr std::string_view told =
        R"({"resourceType":"Organization","id":"x","identifier":[{"system":"urn:oid:2.16.156.10011.1.5","value":"PDY002"}]})";
    EXPECT_EQ(provider(tell({visit, told}, "clinic", "", "2023-05-01")), "Organization/zhongyi");
    EXPECT_EQ(provider(tell({visit, told}, "clinic", "", "2026-05-01")), "Organization/new");
    EXPECT_EQ(provider(tell({visit, told}, "clinic", "", "")), "Organization/new");
}

TEST_F(JoinTest, AMessageDoesNotWriteOverWhatIsRegisteredAndCyclesInItEnd) {
    const Joined told = tell({visit, R"({"resourceType":"Organization","id":"renmin","name":"别的名字"})",
                              R"({"resourceType":"Organization","id":"a","name":"甲","partOf":{"reference":"Organization/b"}})",
                              R"({"resourceType":"Organization","id":"b","name":"乙","partOf":{"reference":"Organization/a"}})"});
    const auto all = entries(told.bundle);
    EXPECT_EQ(std::count(all.begin(), all.end(), "Organization/renmin"), 0);
    EXPECT_EQ(std::count(all.begin(), all.end(), "Organization/a(stray)"), 1);
}

}  // namespace
}  // namespace xinglin::registry
