// SPDX-License-Identifier: Apache-2.0
// What was written of terminology is noticed, whatever else is written, and without reading the feed from its beginning.
#include "server/house_terminology.h"

#include <gtest/gtest.h>

#include <random>

#include "testing/testing.h"

namespace xinglin::server {
namespace {

// Writes fall into one millisecond, seconds apart, or between two looks; the newest position is always the one history tells.
TEST(StoredTerminology, KnowsTheNewestPositionWhateverIsWritten) {
    const testing::ScratchFolder folder;
    testing::StoppedClock clock;
    auto store = record::Store::open(folder.path(), clock).value();
    const auto stored = stored_terminology(*store);
    const access::Viewer viewer = access::Viewer::program("test");
    std::mt19937_64 random(testing::seed());
    EXPECT_EQ(stored.position(), 0);
    for (int step = 0; step < 300; ++step) {
        const auto choice = random() % 12;
        const std::string type = choice < 8 ? "Patient" : choice < 10 ? "ValueSet" : choice == 10 ? "CodeSystem" : "ConceptMap";
        const std::string id = "x" + std::to_string(random() % 5);
        const fhir::Type& known = *fhir::find_resource(type);
        json::Arena arena;
        const std::string text =
            R"({"resourceType":")" + type + R"(","id":")" + id + R"(","language":"l)" + std::to_string(step) + "\"}";
        const auto ready = store->prepare(known, id, *json::parse(text, arena));
        ASSERT_TRUE(store
                        ->submit_and_wait([&](record::Transaction& transaction) -> Result<Done> {
                            const auto state = transaction.state(known, id);
                            if (state && !state->deleted && random() % 5 == 0) transaction.erase(known, id);
                            else transaction.put(ready, false, false);
                            return Done{};
                        })
                        .ok());
        if (random() % 3 == 0) clock.move(static_cast<std::int64_t>(random() % 4'000));
        if (random() % 2 == 0) continue;
        record::Position newest = 0;
        for (const char* each : {"CodeSystem", "ValueSet", "ConceptMap"}) {
            const auto page = store->reader(viewer).history({.type = fhir::find_resource(each), .count = 1});
            if (page.ok() && !page->versions.empty()) newest = std::max(newest, page->versions.front().position);
        }
        ASSERT_EQ(stored.position(), newest) << "step " << step << ", seed " << testing::seed();
    }
}

}  // namespace
}  // namespace xinglin::server
