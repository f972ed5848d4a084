// SPDX-License-Identifier: Apache-2.0
// Cycles that no single resource makes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <fstream>

#include "ingest/import.h"
#include "registry/test_house.h"

namespace xinglin::registry {
namespace {

using ::testing::HasSubstr;

class HierarchyTest : public TestHouse {
protected:
    Outcome transaction(std::string_view text) {
        ingest::Options options;
        options.check = [this](json::Value resource) { return check_hierarchy(*store, resource); };
        options.together = [this](std::span<const json::Value> all) { return Hierarchy(*store).add(all); };
        ingest::Ingest door(*store, options);
        auto arena = std::make_shared<json::Arena>();
        const json::Value bundle = json::parse(arena->keep(text), *arena).value();
        const auto done =
            door.bundle_and_wait(arena, bundle, "", false, [](const fhir::Type&, char) -> Result<Done> { return Done{}; });
        return done.ok() ? Outcome{} : done.outcome();
    }
};

TEST_F(HierarchyTest, ACycleThroughEntriesThatOnlyTheBundleNamesIsRefused) {
    const Outcome refused = transaction(
        R"({"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Organization","name":"甲","partOf":{"reference":"urn:uuid:3"}},"request":{"method":"POST","url":"Organization"}},{"fullUrl":"urn:uuid:2","resource":{"resourceType":"Organization","name":"乙","partOf":{"reference":"urn:uuid:1"}},"request":{"method":"POST","url":"Organization"}},{"fullUrl":"urn:uuid:3","resource":{"resourceType":"Organization","name":"丙","partOf":{"reference":"urn:uuid:2"}},"request":{"method":"POST","url":"Organization"}}]})");
    EXPECT_FALSE(refused.ok());
    EXPECT_THAT(refused.line(), HasSubstr("cycle"));
    EXPECT_TRUE(
        transaction(
            R"({"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Location","name":"楼"},"request":{"method":"POST","url":"Location"}},{"fullUrl":"urn:uuid:2","resource":{"resourceType":"Location","name":"病区","partOf":{"reference":"urn:uuid:1"}},"request":{"method":"POST","url":"Location"}}]})")
            .ok());
}

TEST_F(HierarchyTest, AFileWithACycleIsTakenWithoutTheEntryThatClosesIt) {
    put(R"({"resourceType":"Organization","id":"a","name":"甲","partOf":{"reference":"Organization/b"}})");
    const auto file = folder.path() / "o.ndjson";
    std::ofstream(file)
        << "{\"resourceType\":\"Organization\",\"id\":\"c\",\"name\":\"丙\",\"partOf\":{\"reference\":\"Organization/a\"}}\n"
           "{\"resourceType\":\"Organization\",\"id\":\"b\",\"name\":\"乙\",\"partOf\":{\"reference\":\"Organization/c\"}}\n"
           "{\"resourceType\":\"Organization\",\"id\":\"d\",\"name\":\"丁\",\"partOf\":{\"reference\":\"Organization/c\"}}\n";
    Hierarchy hierarchy(*store);
    ingest::ImportOptions options;
    options.prepare_threads = 1;
    options.check = [&](json::Value resource) { return hierarchy.add(resource); };
    ingest::Importer importer(*store, options);
    const auto figures = importer.run({file}, "test", {});
    ASSERT_TRUE(figures.ok()) << figures.outcome().line();
    EXPECT_EQ(figures->rejected, 1u);
    EXPECT_EQ(body("Organization", "b"), "");
    EXPECT_NE(body("Organization", "d"), "");
    registry.catch_up();
    for (const Trouble& each : registry.troubles()) EXPECT_NE(each.kind, "cycle");
}

}  // namespace
}  // namespace xinglin::registry
