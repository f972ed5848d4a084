// SPDX-License-Identifier: Apache-2.0
// What the sql door promises, asked of both engines.
#include "sql/sql.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <limits>
#include <thread>

#include "testing/postgres.h"
#include "testing/testing.h"

namespace xinglin::sql {
namespace {

class Sql : public ::testing::TestWithParam<std::string> {
protected:
    void SetUp() override {
        place_ = GetParam() == "postgres" ? testing::fresh_postgres() : (folder_.path() / "t.db").string();
        if (place_.empty()) GTEST_SKIP() << testing::no_postgres;
        db_ = open(place_);
    }
    std::int64_t number(Connection& connection, std::string_view query) {
        Statement& row = connection.prepare(query);
        const std::int64_t value = row.step() ? row.integer(0) : -1;
        row.reset();
        return value;
    }
    testing::ScratchFolder folder_;
    std::string place_;
    std::unique_ptr<Connection> db_;
};
INSTANTIATE_TEST_SUITE_P(Engines, Sql, ::testing::ValuesIn(testing::engines()), [](const auto& info) { return info.param; });

TEST_P(Sql, BindsAndReadsEveryKind) {
    db_->run("CREATE TABLE t (a INTEGER, b REAL, text TEXT, d BLOB, e TEXT)");
    const auto add = [&] {
        db_->prepare("INSERT INTO t VALUES (?,?,?,?,?)")
            .bind(1, std::int64_t{-7})
            .bind(2, 1.5)
            .bind(3, "文")
            .bind_blob(4, std::string_view("\0\1", 2))
            .bind_null(5)
            .run();
    };
    add();
    db_->begin();
    add();
    add();  // gathered with the one before
    db_->commit();
    Statement& row = db_->prepare("SELECT a, b, text, d, e FROM t");
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(row.step());
        EXPECT_EQ(row.integer(0), -7);
        EXPECT_EQ(row.real(1), 1.5);
        EXPECT_EQ(row.text(2), "文");
        EXPECT_EQ(row.text(3), std::string_view("\0\1", 2));
        EXPECT_TRUE(row.is_null(4));
    }
    EXPECT_FALSE(row.step());
}

TEST_P(Sql, KeepsTheEndsOfItsNumbers) {
    db_->run("CREATE TABLE t (a INTEGER, b REAL)");
    constexpr double infinity = std::numeric_limits<double>::infinity();
    for (const std::int64_t a : {INT64_MIN, INT64_MAX, std::int64_t{0}}) {
        for (const double b : {infinity, -infinity, 0.1, -1e300}) {
            db_->prepare("INSERT INTO t (a, b) VALUES (?, ?)").bind(1, a).bind(2, b).run();
            Statement& row =
                db_->prepare("SELECT a, b FROM t WHERE a = ? AND b >= ? AND b <= ?").bind(1, a).bind(2, b).bind(3, b);
            ASSERT_TRUE(row.step());
            EXPECT_EQ(row.integer(0), a);
            EXPECT_EQ(row.real(1), b);
            row.reset();
        }
    }
    EXPECT_EQ(number(*db_, "SELECT sum(a) FROM (SELECT a FROM t WHERE a = 0) AS few"), 0);
    EXPECT_EQ(number(*db_, "SELECT sum(a) FROM (SELECT 123456789012 AS a UNION ALL SELECT -456) AS few"), 123456788556);
    EXPECT_EQ(number(*db_, "SELECT max(3, 5) - min(3, 5)"), 2);
}

TEST_P(Sql, RollsBackASavepointAlone) {
    db_->run("CREATE TABLE t (a INTEGER)");
    db_->begin();
    db_->run("INSERT INTO t VALUES (1)");
    db_->savepoint();
    db_->run("INSERT INTO t VALUES (2)");
    db_->prepare("INSERT INTO t (a) VALUES (?)").bind(1, std::int64_t{4}).run();
    db_->rollback_savepoint();
    db_->savepoint();
    db_->prepare("INSERT INTO t (a) VALUES (?)").bind(1, std::int64_t{8}).run();
    db_->release_savepoint();
    db_->commit();
    EXPECT_EQ(number(*db_, "SELECT sum(a) FROM t"), 9);
}

TEST_P(Sql, NumbersRowsByItselfAndIgnoresOrReplacesWhatIsThere) {
    db_->run("CREATE TABLE t (n INTEGER PRIMARY KEY, name TEXT UNIQUE, value INTEGER)");
    db_->begin();
    for (const std::string_view name : {"a", "b", "a"})
        db_->prepare("INSERT INTO t (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING")
            .bind(1, name)
            .bind(2, std::int64_t{1})
            .run();
    for (const std::string_view name : {"b", "b"})
        db_->prepare(
               "INSERT INTO t (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = t.value + excluded.value")
            .bind(1, name)
            .bind(2, std::int64_t{5})
            .run();
    db_->commit();
    EXPECT_EQ(number(*db_, "SELECT count(*) FROM t WHERE n > 0"), 2);
    EXPECT_EQ(number(*db_, "SELECT value FROM t WHERE name = 'b'"), 11);
    db_->prepare("UPDATE t SET value = 7").run();
    EXPECT_EQ(db_->changes(), 2);
}

TEST_P(Sql, SortsTextByBytes) {
    db_->run("CREATE TABLE t (a TEXT PRIMARY KEY) WITHOUT ROWID");
    for (const std::string_view text : {"b", "B", "a", "中", "é"})
        db_->prepare("INSERT INTO t (a) VALUES (?)").bind(1, text).run();
    std::string order;
    Statement& row = db_->prepare("SELECT a FROM t WHERE a > ? ORDER BY a").bind(1, "A");
    while (row.step()) order += row.text(0);
    EXPECT_EQ(order, "Babé中");
}

TEST_P(Sql, BeginsAnewWhatWasLeftInTheMiddle) {
    db_->run("CREATE TABLE t (a INTEGER PRIMARY KEY)");
    for (std::int64_t i = 1; i <= 3; ++i) db_->prepare("INSERT INTO t (a) VALUES (?)").bind(1, i).run();
    try {
        transaction(*db_, [&] {
            Statement& rows = db_->prepare("SELECT a FROM t ORDER BY a");
            ASSERT_TRUE(rows.step());
            ASSERT_TRUE(rows.step());
            throw std::bad_alloc();
        });
    } catch (const std::bad_alloc&) {}
    Statement& rows = db_->prepare("SELECT a FROM t ORDER BY a");
    std::int64_t sum = 0;
    while (rows.step()) sum += rows.integer(0);
    EXPECT_EQ(sum, 6);
}

TEST_P(Sql, WalksManyRowsAmidOtherStatements) {
    db_->run("CREATE TABLE t (a INTEGER PRIMARY KEY)");
    db_->begin();
    for (std::int64_t i = 1; i <= 10'000; ++i) db_->prepare("INSERT INTO t (a) VALUES (?)").bind(1, i).run();
    db_->commit();
    for (const bool reading : {true, false}) {
        if (reading) db_->begin_read();
        Statement& walk = db_->walk("SELECT a FROM t WHERE a > ? ORDER BY a");
        std::int64_t expected = 100;
        walk.bind(1, expected);
        while (walk.step()) {
            ASSERT_EQ(walk.integer(0), ++expected);
            if (expected % 1'000 == 0) {
                Statement& other = db_->prepare("SELECT a FROM t WHERE a = ?");
                ASSERT_TRUE(other.bind(1, expected - 1).step());
                ASSERT_EQ(other.integer(0), expected - 1);
            }
        }
        EXPECT_EQ(expected, 10'000);
        ASSERT_TRUE(walk.bind(1, std::int64_t{5}).step());  // and again, left in the middle
        EXPECT_EQ(walk.integer(0), 6);
        walk.reset();
        if (reading) db_->commit();
    }
}

TEST_P(Sql, TellsAConstraintAndGoesOnAfterARollback) {
    db_->run("CREATE TABLE t (a INTEGER PRIMARY KEY)");
    db_->run("INSERT INTO t VALUES (1)");
    try {
        transaction(*db_, [&] {
            db_->prepare("INSERT INTO t (a) VALUES (?)").bind(1, std::int64_t{2}).run();
            db_->prepare("INSERT INTO t (a) VALUES (?)").bind(1, std::int64_t{1}).run();
        });
        FAIL();
    } catch (const Broken& error) {
        EXPECT_EQ(error.why, Broken::Why::constraint) << error.what();
    }
    EXPECT_FALSE(db_->in_transaction());
    transaction(*db_, [&] { db_->prepare("INSERT INTO t (a) VALUES (?)").bind(1, std::int64_t{3}).run(); });
    EXPECT_EQ(number(*db_, "SELECT sum(a) FROM t"), 4);
    EXPECT_THROW(db_->prepare("SELECT nonsense FROM nowhere").step(), Broken);
    EXPECT_EQ(number(*db_, "SELECT sum(a) FROM t"), 4);
}

TEST_P(Sql, HasOneWriterAtATimeAndSnapshotsForReaders) {
    db_->run("CREATE TABLE t (a INTEGER)");
    db_->run("INSERT INTO t VALUES (0)");
    auto reader = open(place_, {.read_only = true});
    reader->begin_read();
    EXPECT_EQ(number(*reader, "SELECT sum(a) FROM t"), 0);
    std::vector<std::thread> writers;
    for (int w = 0; w < 3; ++w) {
        writers.emplace_back([&] {
            auto mine = open(place_);
            for (int i = 0; i < 50; ++i) {
                transaction(*mine, [&] {
                    const std::int64_t before = number(*mine, "SELECT a FROM t");
                    mine->prepare("UPDATE t SET a = ?").bind(1, before + 1).run();
                });
            }
        });
    }
    for (std::thread& writer : writers) writer.join();
    EXPECT_EQ(number(*reader, "SELECT sum(a) FROM t"), 0);
    reader->commit();
    EXPECT_EQ(number(*reader, "SELECT sum(a) FROM t"), 150);
    EXPECT_THROW(reader->run("UPDATE t SET a = 1"), Broken);
}

TEST_P(Sql, MigratesForwardOnceAndRefusesANewerStore) {
    const Migration one{1, "CREATE TABLE a (x INTEGER) -- a comment; with a semicolon"};
    const Migration two{2, "CREATE TABLE b (x INTEGER /*lite*/ DEFAULT 1 /*pg DEFAULT 2*/); INSERT INTO b DEFAULT VALUES"};
    migrate(*db_, "room", std::vector{one});
    migrate(*db_, "room", std::vector{one, two});
    migrate(*db_, "room", std::vector{one, two});
    EXPECT_EQ(number(*db_, "SELECT x FROM b"), db_->engine() == Engine::postgres ? 2 : 1);
    EXPECT_THROW(migrate(*db_, "room", std::vector{one}), Broken);
    EXPECT_FALSE(db_->in_transaction());
    EXPECT_GT(db_->size_bytes(), 0);
}

class Sqlite : public ::testing::Test {
protected:
    testing::ScratchFolder folder_;
    std::filesystem::path file_ = folder_.path() / "t.db";
    std::unique_ptr<Connection> db_ = open_sqlite(file_);
};

TEST_F(Sqlite, TellsAConstraintFromACorruptFile) {
    db_->run("CREATE TABLE t (a INTEGER PRIMARY KEY)");
    db_->run("INSERT INTO t VALUES (1)");
    try {
        db_->run("INSERT INTO t VALUES (1)");
        FAIL();
    } catch (const Broken& error) {
        EXPECT_EQ(error.why, Broken::Why::constraint);
    }
    const auto other = folder_.path() / "bad.db";
    std::ofstream(other) << std::string(8192, 'x');
    try {
        open_sqlite(other);
        FAIL();
    } catch (const Broken& error) {
        EXPECT_EQ(error.why, Broken::Why::corrupt);
    }
}

TEST_F(Sqlite, CopiesWhileAnotherConnectionHoldsAWrite) {
    db_->run("CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1)");
    auto writer = open_sqlite(file_);
    writer->begin();
    writer->run("INSERT INTO t VALUES (2)");
    db_->copy_to(folder_.path() / "copy.db");
    writer->commit();
    auto copy = open_sqlite(folder_.path() / "copy.db");
    Statement& count = copy->prepare("SELECT count(*) FROM t");
    ASSERT_TRUE(count.step());
    EXPECT_EQ(count.integer(0), 1);
    count.reset();
    EXPECT_TRUE(copy->integrity().empty());
}

TEST_F(Sqlite, KeepsItsLogShortThoughSomebodyIsAlwaysReading) {
    db_->run("CREATE TABLE t (a INTEGER, b BLOB)");
    std::atomic<bool> done = false;
    const auto look = [&](int first_wait_ms) {  // two readers, and at any time one of them in the middle of a read
        auto reader = open_sqlite(file_, {.read_only = true});
        std::this_thread::sleep_for(std::chrono::milliseconds(first_wait_ms));
        while (!done) {
            reader->begin_read();
            Statement& count = reader->prepare("SELECT count(*) FROM t");
            count.step();
            count.reset();
            std::this_thread::sleep_for(std::chrono::milliseconds(60));
            reader->commit();
        }
    };
    std::thread one(look, 0), other(look, 30);
    std::uintmax_t longest = 0, written = 0;
    for (int i = 0; i < 4'000 && (i < 100 || longest * 3 > written * 2); ++i) {  // until it was begun anew: 4 GB at most
        transaction(*db_, [&] { db_->run("INSERT INTO t VALUES (1, zeroblob(1000000)); DELETE FROM t"); });
        written += 1'000'000;
        longest = std::max(longest, std::filesystem::file_size(file_.string() + "-wal"));
    }
    done = true;
    one.join(), other.join();
    EXPECT_LE(longest * 3, written * 2);
}

}  // namespace
}  // namespace xinglin::sql
