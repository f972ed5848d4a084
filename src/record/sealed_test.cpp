// SPDX-License-Identifier: Apache-2.0
// A record in a PostgreSQL database that is encrypted at rest: nothing whole in the clear, nothing moved, keys changed beside writers.
#include "record/sealed.h"

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "json/json.h"
#include "record/record.h"
#include "sql/sealed.h"
#include "testing/postgres.h"
#include "testing/testing.h"

namespace xinglin::record {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

class SealedRecord : public ::testing::TestWithParam<keys::Cipher> {
protected:
    void SetUp() override {
        database_ = testing::fresh_postgres();
        if (database_.empty()) GTEST_SKIP() << testing::no_postgres;
        ::setenv("XINGLIN_TEST_KEY", std::string(64, '7').c_str(), 1);
        ::setenv("XINGLIN_OTHER_KEY", std::string(64, '8').c_str(), 1);
        sql::give_key_places({place_});
    }
    void TearDown() override { sql::give_key_places({}); }
    void encrypt() {
        const auto sealed = sql::seal_database(database_, GetParam(), "2026-11-23", sealed_columns());
        ASSERT_TRUE(sealed.ok()) << sealed.outcome().line();
    }
    Result<std::unique_ptr<Store>> try_open() {
        Options options;
        options.store = database_;
        options.offset_minutes = 480;
        return Store::open(folder_.path() / ("data" + std::to_string(++opened_)), clock_, options);
    }
    std::unique_ptr<Store> open() {
        auto store = try_open();
        EXPECT_TRUE(store.ok()) << store.outcome().line();
        return store.ok() ? std::move(*store) : nullptr;
    }
    static void put(Store& store, const std::string& text) {
        json::Arena arena;
        const json::Value value = json::parse(text, arena).value();
        const Prepared ready = store.prepare(*fhir::find_resource("Patient"), value["id"].string(), value);
        const auto done = store.submit_and_wait([&](Transaction& t) -> Result<Done> {
            t.put(ready, false, false);
            return Done{};
        });
        EXPECT_TRUE(done.ok()) << done.outcome().line();
    }
    static std::string patient(const std::string& id, const std::string& secret) {
        return R"({"resourceType":"Patient","id":")" + id + R"(","gender":"female","contact":[{"name":{"text":")" + secret +
               R"("}}]})";
    }
    static std::string text_of(Store& store, const std::string& id) {
        const auto found = store.reader(access::Viewer::program("test")).read(*fhir::find_resource("Patient"), id);
        return found.ok() ? found->body : found.outcome().line();
    }
    /// Every row of every table, as PostgreSQL shows it, and the bytes of its columns of bytes as they are.
    std::string dump() {
        const auto connection = sql::open_postgres(database_);
        std::string all;
        std::vector<std::string> tables;
        auto& names = connection->prepare("SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()");
        while (names.step()) tables.emplace_back(names.text(0));
        for (const std::string& table : tables) {
            auto& rows = connection->prepare("SELECT t::text FROM " + table + " t");
            while (rows.step()) all += std::string(rows.text(0)) + "\n";
        }
        return all;
    }
    testing::ScratchFolder folder_;
    testing::StoppedClock clock_;
    std::string database_;
    int opened_ = 0;
    const std::string place_ = "env:XINGLIN_TEST_KEY", other_ = "env:XINGLIN_OTHER_KEY";
};
INSTANTIATE_TEST_SUITE_P(Ciphers, SealedRecord, ::testing::Values(keys::Cipher::aes_256_gcm, keys::Cipher::sm4_ctr_hmac_sm3),
                         [](const auto& info) { return info.index == 0 ? "aes" : "sm4"; });

std::string hex_of(std::string_view text) {
    std::string out;
    for (const char c : text) {
        char two[3];
        std::snprintf(two, sizeof two, "%02x", static_cast<unsigned char>(c));
        out += two;
    }
    return out;
}

TEST_P(SealedRecord, HoldsNoTextOfAResourceAndOpensWithItsKeyOnly) {
    encrypt();
    {
        const auto store = open();
        for (int i = 0; i < 30; ++i) {
            put(*store, patient("p" + std::to_string(i), "plain secret words " + std::to_string(i)));
            put(*store, patient("p" + std::to_string(i), "plain secret words again " + std::to_string(i)));
        }
        EXPECT_THAT(text_of(*store, "p7"), HasSubstr("plain secret words again 7"));
    }
    const std::string all = dump();
    EXPECT_THAT(all, HasSubstr(hex_of("p7"))) << "what was looked through is the record";
    for (const char* told : {"plain secret", "resourceType"}) {
        EXPECT_THAT(all, Not(HasSubstr(told)));
        EXPECT_THAT(all, Not(HasSubstr(hex_of(told))));
    }
    EXPECT_THAT(all, Not(HasSubstr("28b52ffd"))) << "no compressed frame either, which anybody could unpack";
    sql::give_key_places({});
    EXPECT_THAT(try_open().outcome().line(), HasSubstr("--data-key"));
    sql::give_key_places({other_});
    EXPECT_THAT(try_open().outcome().line(), HasSubstr("another key"));
    sql::give_key_places({place_});
    const auto again = open();
    EXPECT_THAT(text_of(*again, "p7"), HasSubstr("plain secret words again 7"));
    EXPECT_EQ(again->verify(true), std::vector<std::string>{});
}

TEST_P(SealedRecord, RefusesABodyThatWasMovedOrChanged) {
    encrypt();
    const auto store = open();
    for (const char* id : {"a", "b", "c"}) put(*store, patient(id, std::string("words of ") + id));
    const auto connection = sql::open_postgres(database_);
    const std::string of_a = "(SELECT body FROM record_current WHERE rid = (SELECT min(rid) FROM record_current))";
    connection->run("UPDATE record_current SET body = " + of_a + " WHERE rid = (SELECT max(rid) FROM record_current)");
    EXPECT_THAT(store->verify(true), Contains(HasSubstr("not what was written there")));
    connection->run("UPDATE record_current SET body = set_byte(body, length(body) - 1, get_byte(body, length(body) - 1) # 1)");
    EXPECT_GE(store->verify(true).size(), 3u);
}

TEST_P(SealedRecord, IsEncryptedWhereItStands) {
    {
        const auto store = open();
        for (int i = 0; i < 600; ++i) put(*store, patient("p" + std::to_string(i % 400), "words " + std::to_string(i)));
    }
    encrypt();
    EXPECT_THAT(dump(), Not(HasSubstr("28b52ffd")));
    const auto store = open();
    EXPECT_THAT(text_of(*store, "p399"), HasSubstr("words 399"));
    EXPECT_THAT(text_of(*store, "p5"), HasSubstr("words 405"));
    EXPECT_EQ(store->verify(true), std::vector<std::string>{});
    EXPECT_FALSE(*sql::seal_database(database_, GetParam(), "2026-11-23", sealed_columns())) << "once is enough";
}

TEST_P(SealedRecord, TakesNewKeysBesideWritersAndForgetsTheFormer) {
    encrypt();
    const auto store = open();
    std::atomic<bool> ends{false};
    std::atomic<int> written{0};
    std::thread writer([&] {
        for (int i = 0; !ends; ++i) {
            put(*store, patient("p" + std::to_string(i % 50), "words " + std::to_string(i)));
            ++written;
        }
    });
    while (written < 60) std::this_thread::yield();
    for (std::uint32_t number = 2; number <= 3; ++number) {
        ASSERT_EQ(*sql::rotate_database(database_, "2026-11-24"), number);
        const auto done = sql::reseal_database(database_, sealed_columns());
        ASSERT_TRUE(done.ok()) << done.outcome().line();
    }
    ends = true;
    writer.join();
    std::map<std::uint32_t, std::uint64_t> counts;
    for (const auto& column : sealed_columns()) {
        for (const auto& [number, count] : sql::values_by_key(database_, column)) counts[number] += count;
    }
    EXPECT_EQ(counts.size(), 1u);
    EXPECT_GT(counts[3], 60u);
    EXPECT_EQ(store->verify(true), std::vector<std::string>{});
    ASSERT_TRUE(sql::rewrap_database(database_, other_).ok());
    put(*store, patient("late", "words"));
    sql::give_key_places({"env:XINGLIN_TEST_KEY", "env:XINGLIN_TEST_KEY"});  // as another process
    EXPECT_FALSE(try_open().ok());
    sql::give_key_places({place_, other_});
    EXPECT_EQ(open()->verify(true), std::vector<std::string>{});
}

}  // namespace
}  // namespace xinglin::record
