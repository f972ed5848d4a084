// SPDX-License-Identifier: Apache-2.0
// Keys change while others read and write, in this process and in another, and while whoever changes them is killed.
#include <gmock/gmock.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <random>
#include <thread>

#include "sql/sealed.h"
#include "sql/sql.h"
#include "testing/testing.h"

namespace xinglin::sql {
namespace {

namespace fs = std::filesystem;

class SealedAnew : public ::testing::Test {
protected:
    void SetUp() override {
        ::setenv("XINGLIN_TEST_KEY", std::string(64, '7').c_str(), 1);
        ASSERT_TRUE(keys::make(folder_.path(), keys::Cipher::aes_256_gcm, "env:XINGLIN_TEST_KEY", "2026-11-23").ok());
        give_key_places(places_);
        auto db = open_sqlite(file_, {.bulk = true});
        db->run("CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT, sum INTEGER)");
        add(*db, 3'000);
    }
    void TearDown() override { give_key_places({}); }

    static void add(Connection& db, int rows) {
        transaction(db, [&] {
            for (int i = 0; i < rows; ++i)
                db.prepare("INSERT INTO t (body, sum) VALUES (?, 900)")
                    .bind(1, std::string(900, static_cast<char>('a' + i % 26)))
                    .run();
        });
    }
    static std::int64_t number(Connection& db, std::string_view query) {
        Statement& row = db.prepare(query);
        const std::int64_t value = row.step() ? row.integer(0) : -1;
        row.reset();
        return value;
    }
    std::uint32_t rotate() { return *keys::rotate(folder_.path(), places_, "2026-11-24"); }
    /// Until nobody stands in the way.
    void finish() {
        while (!seal_anew(file_)) {}
        ASSERT_TRUE(keys::retire(folder_.path(), places_).ok());
    }
    /// In a process of its own, as `xinglin keys rotate` is: this program once more (SQLite does not survive a fork).
    pid_t start_sealing() {
        ::setenv("XINGLIN_SEAL_ANEW", file_.c_str(), 1);
        char name[] = "sql_test", filter[] = "--gtest_filter=SealedAnewElsewhere.*", quiet[] = "--gtest_brief=1";
        char* const arguments[] = {name, filter, quiet, nullptr};
        pid_t child = -1;
        EXPECT_EQ(::posix_spawn(&child, "/proc/self/exe", nullptr, nullptr, arguments, environ), 0);
        ::unsetenv("XINGLIN_SEAL_ANEW");
        return child;
    }
    testing::ScratchFolder folder_;
    fs::path file_ = folder_.path() / "record.db";
    const std::vector<std::string> places_{"env:XINGLIN_TEST_KEY"};
};

// The other process of the tests below.
TEST(SealedAnewElsewhere, SealsTheFileThatIsNamed) {
    const char* file = std::getenv("XINGLIN_SEAL_ANEW");
    if (!file) GTEST_SKIP() << "asked for by other tests";
    give_key_places({"env:XINGLIN_TEST_KEY"});
    for (int i = 0; i < 1'000 && !seal_anew(file); ++i) {}
}

TEST_F(SealedAnew, EveryPageGoesToTheNewKeyAndTheOldOneIsForgotten) {
    const std::uint32_t number_of_new = rotate();
    EXPECT_EQ(pages_by_key(file_).count(number_of_new), 0u);
    std::uint64_t last = 0;
    EXPECT_TRUE(seal_anew(file_, [&](std::uint64_t done, std::uint64_t) { last = done; }));
    EXPECT_GT(last, 500u);
    const auto pages = pages_by_key(file_);
    EXPECT_EQ(pages.size(), 1u);
    EXPECT_EQ(pages.begin()->first, number_of_new);
    ASSERT_TRUE(keys::retire(folder_.path(), places_).ok());
    give_key_places(places_);  // forgets what it had open
    auto db = open_sqlite(file_);
    EXPECT_EQ(number(*db, "SELECT count(*) FROM t WHERE length(body) = sum"), 3'000);
    EXPECT_TRUE(db->integrity().empty());
}

TEST_F(SealedAnew, WhoHasTheFileOpenWritesWithTheNewKeyAtOnce) {
    auto writer = open_sqlite(file_), reader = open_sqlite(file_, {.read_only = true});
    EXPECT_EQ(number(*reader, "SELECT count(*) FROM t"), 3'000);
    const std::uint32_t number_of_new = rotate();
    add(*writer, 10);
    EXPECT_GT(pages_by_key(file_)[number_of_new], 0u);
    EXPECT_EQ(number(*reader, "SELECT count(*) FROM t"), 3'010);
}

// A reader of an older state keeps pages of the log where they are: said, not waited for.
TEST_F(SealedAnew, AReaderOfAnOlderStateIsNotDisturbed) {
    auto writer = open_sqlite(file_), reader = open_sqlite(file_, {.read_only = true, .cache_bytes = 16 << 10});
    add(*writer, 10);
    reader->begin_read();
    EXPECT_EQ(number(*reader, "SELECT count(*) FROM t"), 3'010);
    add(*writer, 10);
    rotate();
    static_cast<void>(seal_anew(file_));
    EXPECT_EQ(number(*reader, "SELECT count(*) FROM t WHERE length(body) = sum"), 3'010);
    reader->rollback();
    finish();
    EXPECT_EQ(pages_by_key(file_).size(), 1u);
}

TEST_F(SealedAnew, ReadersAndWritersGoOnWhileAnotherProcessSealsAnew) {
    std::atomic<bool> ends{false};
    std::atomic<int> written{0}, wrong{0}, asked{0};
    std::vector<std::jthread> crowd;
    crowd.emplace_back([&] {
        auto db = open_sqlite(file_, {.cache_bytes = 64 << 10});
        for (; !ends; ++written) {
            add(*db, 1);
            db->prepare("UPDATE t SET body = body WHERE id = ?").bind(1, std::int64_t{written % 3'000 + 1}).run();
            if (written % 7 == 0) db->checkpoint();
        }
    });
    for (int i = 0; i < 2; ++i) {
        crowd.emplace_back([&] {
            auto db = open_sqlite(file_, {.read_only = true, .cache_bytes = 16 << 10});
            for (; !ends; ++asked) wrong += number(*db, "SELECT count(*) FROM t WHERE length(body) <> sum") != 0;
        });
    }
    for (int i = 0; i < 3; ++i) {
        rotate();
        const pid_t child = start_sealing();
        int status = -1;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        EXPECT_EQ(status, 0);
    }
    while (asked == 0 || written == 0) std::this_thread::yield();
    ends = true;
    crowd.clear();
    EXPECT_EQ(wrong, 0);
    finish();
    auto db = open_sqlite(file_);
    EXPECT_EQ(number(*db, "SELECT count(*) FROM t"), 3'000 + written);
    EXPECT_TRUE(db->integrity().empty());
    EXPECT_EQ(pages_by_key(file_).size(), 1u);
}

TEST_F(SealedAnew, KilledAtAnyMomentWhileOthersWriteNothingIsLost) {
    std::mt19937_64 random(testing::seed());
    auto writer = open_sqlite(file_, {.bulk = true, .cache_bytes = 64 << 10});
    std::int64_t rows = 3'000;
    for (int round = 0; round < 20; ++round) {
        rotate();
        const pid_t child = start_sealing();
        const int submissions = static_cast<int>(random() % 30);  // how long it lives, in work of ours rather than in time
        for (int i = 0; i < submissions; ++i) {
            add(*writer, 3);
            rows += 3;
            if (i % 5 == 0) writer->checkpoint();
        }
        ::kill(child, SIGKILL);
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        if (round % 4 == 3) {  // the last one to close moves the log on its own
            writer.reset();
            writer = open_sqlite(file_, {.bulk = true, .cache_bytes = 64 << 10});
        }
        ASSERT_EQ(number(*writer, "SELECT count(*) FROM t WHERE length(body) = sum"), rows) << "round " << round;
        ASSERT_TRUE(writer->integrity().empty()) << "round " << round;
    }
    finish();
    EXPECT_EQ(pages_by_key(file_).size(), 1u);
    ASSERT_EQ(number(*open_sqlite(file_), "SELECT count(*) FROM t WHERE length(body) = sum"), rows);
}

// What a power cut in the middle of writing in place leaves: pages half old, half new, and the file of pages on their way.
TEST_F(SealedAnew, PagesTornUnderWayAreReadAndMendedFromTheFileBeside) {
    rotate();
    const std::string before = testing::read_file(file_);
    std::string redo;
    ASSERT_TRUE(seal_anew(file_));
    const std::string after = testing::read_file(file_);
    std::string torn = before;
    for (std::size_t page = 3; page < 40;
         ++page) {  // pages 4 to 40 were on their way; 10 to 20 arrived by half, 21 to 30 in whole
        std::string number(4, '\0');
        number[3] = static_cast<char>(page + 1);
        redo += number + after.substr(page * 4'096, 4'096);
        const std::size_t arrived = page < 9 ? 0 : page < 20 ? 2'048 : page < 30 ? 4'096 : 0;
        torn.replace(page * 4'096, arrived, after.substr(page * 4'096, arrived));
    }
    for (const bool reads_first : {true, false}) {
        for (const char* tail : {"-wal", "-shm"}) fs::remove(file_.string() + tail);
        std::ofstream(file_, std::ios::binary | std::ios::trunc) << torn;
        std::ofstream(file_.string() + "-rekey", std::ios::binary | std::ios::trunc) << redo;
        if (reads_first) {
            auto db = open_sqlite(file_, {.read_only = true});
            EXPECT_EQ(number(*db, "SELECT count(*) FROM t WHERE length(body) = sum"), 3'000);
        }
        auto db = open_sqlite(file_);
        add(*db, 5);
        db->checkpoint();
        EXPECT_EQ(fs::file_size(file_.string() + "-rekey"), 0u) << "mended before anything else was written";
        EXPECT_EQ(number(*db, "SELECT count(*) FROM t WHERE length(body) = sum"), 3'005);
        EXPECT_TRUE(db->integrity().empty());
    }
}

}  // namespace
}  // namespace xinglin::sql
