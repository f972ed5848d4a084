// SPDX-License-Identifier: Apache-2.0
// Where strays are referred to from, and what leads nowhere.
#include "registry/sightings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "registry/test_house.h"

namespace xinglin::registry {
namespace {

class SightingsTest : public TestHouse {
protected:
    Sightings sightings{registry};
    void visit(std::string_view id, std::string_view patient, std::string_view provider, std::string_view source = "renmin") {
        put(fmt::format(
            R"({{"resourceType":"Encounter","id":"{}","meta":{{"source":"urn:xinglin:source:{}#1"}},"status":"finished","subject":{{"reference":"Patient/{}"}},"serviceProvider":{{"reference":"Organization/{}"}}}})",
            id, source, patient, provider));
    }
    void catch_up() {
        registry.catch_up();
        sightings.catch_up();
    }
    std::string told() {
        std::string out;
        for (const Nowhere& each : sightings.nowhere())
            out += fmt::format("{} {}>{} {}x{} {};", each.source, each.from, each.to, each.targets, each.seen.count,
                               each.seen.example);
        return out;
    }
};

TEST_F(SightingsTest, CountsWhereAStrayIsReferredToAndKeepsUp) {
    put(R"({"resourceType":"Patient","id":"p"})");
    put(R"({"resourceType":"Organization","id":"x","meta":{"source":"urn:xinglin:source:renmin#1","tag":[{"system":"urn:xinglin:codesystem:registry-standing","code":"stray"}]},"name":"某院"})");
    put(R"({"resourceType":"Organization","id":"known","name":"医院"})");
    visit("a", "p", "x");
    visit("b", "p", "x");
    visit("c", "p", "known");
    EXPECT_FALSE(sightings.is_read());
    catch_up();
    EXPECT_TRUE(sightings.is_read());
    EXPECT_EQ(sightings.of("Organization/x").count, 2u);
    EXPECT_LT(sightings.of("Organization/x").first_ms, sightings.of("Organization/x").last_ms);
    EXPECT_EQ(sightings.of("Organization/known").count, 0u);
    EXPECT_EQ(told(), "");
    visit("d", "p", "x");
    visit("a", "p", "known");
    catch_up();
    EXPECT_EQ(sightings.of("Organization/x").count, 2u) << "one more, and one that says another now";
}

TEST_F(SightingsTest, WhatLeadsNowhereIsListedBySourceUntilItComes) {
    visit("a", "gone", "nobody");
    visit("b", "gone", "nobody", "clinic");
    visit("c", "late", "nobody");
    put(R"({"resourceType":"Patient","id":"late"})");
    catch_up();
    EXPECT_EQ(told(),
              "renmin Encounter>Organization 1x2 Encounter/a;clinic Encounter>Organization 1x1 Encounter/b;"
              "clinic Encounter>Patient 1x1 Encounter/b;renmin Encounter>Patient 1x1 Encounter/a;");
    put(R"({"resourceType":"Patient","id":"gone"})");
    put(R"({"resourceType":"Organization","id":"nobody","name":"医院"})");
    visit("e", "never", "nobody");
    catch_up();
    EXPECT_EQ(told(), "renmin Encounter>Patient 1x1 Encounter/e;");
}

}  // namespace
}  // namespace xinglin::registry
