// SPDX-License-Identifier: Apache-2.0
// Several processes on one PostgreSQL database: three stores, each with a folder, a writer and readers of its own.
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "record/record.h"
#include "testing/postgres.h"
#include "testing/testing.h"

namespace xinglin::record {
namespace {

const access::Viewer viewer = access::Viewer::program("test");

class Shared : public ::testing::Test {
protected:
    void SetUp() override {
        place_ = testing::fresh_postgres();
        if (place_.empty()) GTEST_SKIP() << testing::no_postgres;
        // All at the same moment: they make the tables together.
        std::vector<std::thread> opening;
        for (std::size_t i = 0; i < stores_.size(); ++i)
            opening.emplace_back([this, i] { stores_[i] = open(std::to_string(i)); });
        for (std::thread& each : opening) each.join();
    }
    std::unique_ptr<Store> open(const std::string& folder) {
        auto opened =
            Store::open(folder_.path() / folder, clock_, {.readers = 4, .offset_minutes = std::int16_t{0}, .store = place_});
        EXPECT_TRUE(opened.ok()) << (opened.ok() ? "" : opened.outcome().line());
        return opened.ok() ? std::move(*opened) : nullptr;
    }
    static Prepared prepared(Store& store, const std::string& text) {
        json::Arena arena;
        const json::Value value = json::parse(text, arena).value();
        return store.prepare(*fhir::find_resource(value["resourceType"].string()), value["id"].string(), value);
    }
    static void put(Store& store, const std::string& text) {
        const Prepared ready = prepared(store, text);
        const auto done = store.submit_and_wait([&](Transaction& t) -> Result<Done> {
            t.put(ready, false, false);
            return Done{};
        });
        EXPECT_TRUE(done.ok()) << done.outcome().line();
    }
    static std::string patient(const std::string& id, const std::string& family) {
        return R"({"resourceType":"Patient","id":")" + id + R"(","name":[{"family":")" + family + R"("}]})";
    }
    static std::string observation(const std::string& id, const std::string& patient) {
        return R"({"resourceType":"Observation","id":")" + id +
               R"(","status":"final","code":{"coding":[{"system":"urn:c","code":")" + id +
               R"("}]},"subject":{"reference":"Patient/)" + patient + R"("}})";
    }
    static search::Query query(std::string_view type, std::vector<std::pair<std::string, std::string>> parameters) {
        const fhir::Type* types[] = {fhir::find_resource(type)};
        return search::parse(types, parameters, {}).value();
    }
    testing::ScratchFolder folder_;
    testing::StoppedClock clock_;
    std::string place_;
    std::array<std::unique_ptr<Store>, 3> stores_;
};

TEST_F(Shared, WhatOneWritesTheOthersSeeAtOnce) {
    put(*stores_[0], patient("a", "Li"));
    EXPECT_TRUE(stores_[1]->reader(viewer).read(*fhir::find_resource("Patient"), "a").ok());
    put(*stores_[1], observation("o", "a"));
    put(*stores_[2], patient("a", "Wang"));  // a second version, of a resource it never wrote
    const auto read = stores_[0]->reader(viewer).read(*fhir::find_resource("Patient"), "a");
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(read->version, 2);
    EXPECT_EQ(read->position, 3);
    for (const auto& store : stores_) {
        EXPECT_EQ(store->reader(viewer).search(query("Observation", {{"subject.family", "wang"}}))->entries.size(), 1u);
        EXPECT_EQ(store->reader(viewer).count(query("Patient", {{"family", "li"}})).value(), 0u);
    }
}

// Numbers within a patient's range are remembered by each writer: the others' must not be given again.
TEST_F(Shared, TurnByTurnNoPlaceIsGivenTwice) {
    put(*stores_[0], patient("a", "Li"));
    for (int i = 0; i < 60; ++i) put(*stores_[static_cast<std::size_t>(i % 3)], observation("o" + std::to_string(i), "a"));
    EXPECT_EQ(
        stores_[1]->reader(viewer).search(query("Observation", {{"subject", "Patient/a"}, {"_count", "100"}}))->entries.size(),
        60u);
    EXPECT_EQ(stores_[1]->verify(true), std::vector<std::string>{});
}

TEST_F(Shared, TheFeedNeverSkipsOrRepeatsUnderManyWriters) {
    constexpr int writers_each = 4, writes_each = 40;
    std::atomic<bool> writing{true};
    std::vector<std::vector<std::string>> seen(stores_.size());
    std::vector<std::thread> tails, writers;
    for (std::size_t s = 0; s < stores_.size(); ++s) {
        tails.emplace_back([&, s] {
            Position at = 0;
            for (bool more = true; more;) {
                more = writing;  // one last look after the end
                Reader reader = stores_[s]->reader(viewer);
                const Position upto = reader.position();
                Position expected = at;
                reader.changes(at, upto, [&](const Change& change) {
                    EXPECT_EQ(change.position, ++expected);
                    seen[s].push_back(std::string(change.type->name) + "/" + change.id + "/" + std::to_string(change.version));
                    return true;
                });
                EXPECT_EQ(expected, upto);
                at = upto;
            }
        });
        for (int w = 0; w < writers_each; ++w) {
            writers.emplace_back([&, s, w] {
                for (int i = 0; i < writes_each; ++i)
                    put(*stores_[s], patient("p" + std::to_string((w * writes_each + i) % 50), "f" + std::to_string(s)));
            });
        }
    }
    for (std::thread& writer : writers) writer.join();
    writing = false;
    for (std::thread& tail : tails) tail.join();
    constexpr std::size_t all = 3 * writers_each * writes_each;
    EXPECT_EQ(seen[0].size(), all);
    EXPECT_EQ(seen[1], seen[0]);
    EXPECT_EQ(seen[2], seen[0]);
    EXPECT_EQ(std::set<std::string>(seen[0].begin(), seen[0].end()).size(), all);
    EXPECT_EQ(stores_[2]->verify(true), std::vector<std::string>{});
}

TEST_F(Shared, OfManyConditionalCreatesOneCreates) {
    const search::Query asked = query("Patient", {{"identifier", "urn:x|1"}});
    std::atomic<int> created{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 12; ++t) {
        threads.emplace_back([&, t] {
            Store& store = *stores_[static_cast<std::size_t>(t % 3)];
            const Prepared ready = prepared(store, R"({"resourceType":"Patient","id":"c)" + std::to_string(t) +
                                                       R"(","identifier":[{"system":"urn:x","value":"1"}]})");
            const auto done = store.submit_and_wait([&](Transaction& transaction) -> Result<Done> {
                const auto found = transaction.search(asked, 2);
                if (!found.ok()) return found.outcome();
                if (!found->empty()) return Done{};
                transaction.put(ready, true, false);
                ++created;
                return Done{};
            });
            EXPECT_TRUE(done.ok());
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(created, 1);
    EXPECT_EQ(stores_[0]->reader(viewer).count(asked).value(), 1u);
}

TEST_F(Shared, BodiesPackedWithAnothersDictionaryAreRead) {
    const fhir::Type& type = *fhir::find_resource("Observation");
    const auto text = [](int i) {
        return R"({"resourceType":"Observation","id":"o)" + std::to_string(i) +
               R"(","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8480-6","display":"Systolic blood pressure"}]},)"
               R"("valueQuantity":{"value":)" +
               std::to_string(100 + i % 60) + R"(,"unit":"mmHg"}})";
    };
    // Plainly packed at first; after a few hundred the first store trains a dictionary beside its work.
    std::size_t before = 0;
    for (int i = 0; i < 4'000; ++i) {
        std::vector<Prepared> batch;
        for (int j = 0; j < 50; ++j) batch.push_back(prepared(*stores_[0], text(i * 50 + j)));
        ASSERT_TRUE(stores_[0]->load(std::move(batch)).ok());
        const auto trained = sql::open(place_);
        auto& count = trained->prepare("SELECT count(*) FROM record_dictionary");
        ASSERT_TRUE(count.step());
        if (count.integer(0) > 0 && ++before == 2) {
            for (const auto& store : stores_)
                EXPECT_TRUE(store->reader(viewer).read(type, "o" + std::to_string(i * 50 + 7)).ok());
            return;
        }
    }
    FAIL() << "no dictionary was trained";
}

TEST_F(Shared, AFolderOfAnotherRecordIsRefused) {
    const std::string other = testing::fresh_postgres();
    stores_[0].reset();
    const auto wrong = Store::open(folder_.path() / "0", clock_, {.store = other});
    ASSERT_FALSE(wrong.ok());
    EXPECT_NE(wrong.outcome().line().find("another database"), std::string::npos) << wrong.outcome().line();
    auto local = Store::open(folder_.path() / "local", clock_, {});
    ASSERT_TRUE(local.ok());
    local->reset();
    EXPECT_FALSE(Store::open(folder_.path() / "local", clock_, {.store = place_}).ok());
    const auto nowhere = Store::open(folder_.path() / "n", clock_, {.store = "postgres://me:secret@/x?host=/nowhere"});
    ASSERT_FALSE(nowhere.ok());
    EXPECT_EQ(nowhere.outcome().line().find("secret"), std::string::npos) << nowhere.outcome().line();
}

}  // namespace
}  // namespace xinglin::record
