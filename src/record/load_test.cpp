// SPDX-License-Identifier: Apache-2.0
// Bulk loading: what it holds back in memory ends in the tables all the same, or the load is refused as a whole.
#include <gtest/gtest.h>

#include "record/record.h"
#include "testing/failing_sql.h"
#include "testing/testing.h"

namespace xinglin::record {
namespace {

const access::Viewer viewer = access::Viewer::program("test");

class Load : public ::testing::Test {
protected:
    testing::ScratchFolder folder_;
    testing::StoppedClock clock_;

    std::unique_ptr<Store> open(Options options) {
        options.offset_minutes = std::int16_t{0};
        auto opened = Store::open(folder_.path() / "data", clock_, options);
        EXPECT_TRUE(opened.ok()) << (opened.ok() ? "" : opened.outcome().line());
        return std::move(*opened);
    }
    static Prepared prepared(Store& store, const std::string& text) {
        json::Arena arena;
        const json::Value value = json::parse(text, arena).value();
        return store.prepare(*fhir::find_resource(value["resourceType"].string()), value["id"].string(), value);
    }
    static std::vector<Prepared> people(Store& store, int from, int upto, std::string_view family) {
        std::vector<Prepared> batch;
        for (int i = from; i < upto; ++i) {
            const std::string id = std::to_string(i);
            batch.push_back(prepared(store, R"({"resourceType":"Patient","id":"p)" + id + R"(","name":[{"family":")" +
                                                std::string(family) + R"("}]})"));
            batch.push_back(prepared(store, R"({"resourceType":"Observation","id":"o)" + id +
                                                R"(","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p)" +
                                                id + R"("}})"));
        }
        return batch;
    }
    std::uint64_t count(Store& store, std::string_view type, std::string_view name, std::string_view value) {
        const fhir::Type* types[] = {fhir::find_resource(type)};
        const std::vector<std::pair<std::string, std::string>> parameters{{std::string(name), std::string(value)}};
        return store.reader(viewer).count(search::parse(types, parameters, {}).value()).value();
    }
};

TEST_F(Load, HoldsIndexRowsBackAndLosesNone) {
    // Few names remembered: a number within a patient must not be given twice when the memory of it is dropped.
    auto store = open({.bulk = true, .remembered = 4});
    for (int from = 0; from < 60; from += 20) ASSERT_EQ(store->load(people(*store, from, from + 20, "li"))->stored, 40u);
    ASSERT_EQ(store->load(people(*store, 10, 30, "wang"))->stored, 20u);  // only the patients changed
    ASSERT_EQ(store->load(people(*store, 10, 30, "wang"))->unchanged, 40u);
    ASSERT_TRUE(close(std::move(store)).ok());

    store = open({});
    EXPECT_EQ(count(*store, "Patient", "family", "li"), 40u);
    EXPECT_EQ(count(*store, "Patient", "family", "wang"), 20u);
    EXPECT_EQ(count(*store, "Observation", "subject", "Patient/p59"), 1u);
    EXPECT_EQ(store->figures().versions, 140u);
    EXPECT_EQ(store->verify(true), std::vector<std::string>{});
}

TEST_F(Load, ForgettingNamesBetweenGroupsGivesNoPlaceTwice) {
    auto store = open({.remembered = 2});
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 12; ++i) {
            const Prepared ready = prepared(*store, R"({"resourceType":"Condition","id":"c)" + std::to_string(round * 12 + i) +
                                                        R"(","subject":{"reference":"Patient/p)" + std::to_string(i) + R"("}})");
            ASSERT_TRUE(store
                            ->submit_and_wait([&](Transaction& t) -> Result<Done> {
                                t.put(ready, true, false);
                                return Done{};
                            })
                            .ok());
        }
    }
    EXPECT_EQ(store->figures().resources, 36u);
    for (int i = 0; i < 12; ++i) EXPECT_EQ(count(*store, "Condition", "subject", "Patient/p" + std::to_string(i)), 3u);
    EXPECT_EQ(store->verify(true), std::vector<std::string>{});
}

TEST_F(Load, ThatBreaksOffIsRefusedAsAWhole) {
    const auto plan = std::make_shared<testing::FailingPlan>();
    auto store = open({.bulk = true, .wrap_writer = [&](auto inner) { return testing::make_failing(std::move(inner), plan); }});
    ASSERT_TRUE(store->load(people(*store, 0, 20, "li")).ok());
    plan->fail_after(5);
    EXPECT_FALSE(store->load(people(*store, 20, 40, "li")).ok());
    plan->fail_after(testing::FailingPlan::never);
    EXPECT_FALSE(store->load(people(*store, 40, 60, "li")).ok()) << "what came before it is lost, so nothing may follow";
    EXPECT_FALSE(close(std::move(store)).ok());

    store = open({.bulk = true});
    ASSERT_EQ(store->load(people(*store, 0, 60, "li"))->stored, 120u);
    ASSERT_TRUE(close(std::move(store)).ok());
    EXPECT_EQ(open({})->verify(true), std::vector<std::string>{});
}

}  // namespace
}  // namespace xinglin::record
