// SPDX-License-Identifier: Apache-2.0
// How far back a search goes; that it is right is shown by search_property_test.cpp.
#include <gtest/gtest.h>

#include "record/record.h"
#include "testing/testing.h"

namespace xinglin::record {
namespace {

const access::Viewer viewer = access::Viewer::program("test");

TEST(AsOf, TooMuchWrittenSinceIsRefusedWithItsRemedy) {
    testing::ScratchFolder folder;
    testing::StoppedClock clock;
    auto store = Store::open(folder.path(), clock, {.readers = 2, .offset_minutes = 0}).value();
    const fhir::Type& type = *fhir::find_resource("Basic");
    constexpr int count = 20'001;
    const auto load = [&](const std::string& status) {
        json::Arena arena;
        std::vector<Prepared> batch;
        for (int i = 0; i < count; ++i) {
            const std::string id = "b" + std::to_string(i);
            const std::string text =
                R"({"resourceType":"Basic","id":")" + id + R"(","code":{"coding":[{"code":")" + status + R"("}]}})";
            batch.push_back(store->prepare(type, id, json::parse(text, arena).value()));
        }
        ASSERT_TRUE(store->load(std::move(batch)).ok());
    };
    load("first");
    const Position then = store->reader(viewer).position();
    load("second");
    const fhir::Type* types[] = {&type};
    using Pairs = std::vector<std::pair<std::string, std::string>>;
    const auto ask = [&](const Pairs& pairs, Position as_of) {
        return store->reader(viewer).search(search::parse(types, pairs, {}).value(), as_of);
    };
    const auto refused = ask({{"code", "first"}}, then);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.outcome().code(), IssueCode::too_costly);
    EXPECT_NE(refused.outcome().line().find("restrict the search to one patient"), std::string::npos);
    EXPECT_FALSE(store->reader(viewer).count(search::parse(types, Pairs{{"code", "first"}}, {}).value(), then).ok());

    const auto named = ask({{"code", "first"}, {"_id", "b7"}}, then);
    ASSERT_TRUE(named.ok()) << named.outcome().line();
    ASSERT_EQ(named->entries.size(), 1u);
    EXPECT_EQ(named->entries[0].version.version, 1);
    const auto later = ask({{"code", "first"}, {"_summary", "count"}}, then + 1);
    ASSERT_TRUE(later.ok()) << later.outcome().line();
    EXPECT_EQ(later->total, count - 1u);
    EXPECT_EQ(later->as_of, then + 1);
}

}  // namespace
}  // namespace xinglin::record
