// SPDX-License-Identifier: Apache-2.0
// What the sql door promises, asked of SQLite.
#include "sql/sql.h"

#include <gtest/gtest.h>

#include <fstream>

#include "testing/testing.h"

namespace xinglin::sql {
namespace {

class Sqlite : public ::testing::Test {
protected:
    testing::ScratchFolder folder_;
    std::filesystem::path file_ = folder_.path() / "t.db";
    std::unique_ptr<Connection> db_ = open_sqlite(file_);
};

TEST_F(Sqlite, BindsAndReadsEveryKind) {
    db_->run("CREATE TABLE t (a INTEGER, b REAL, c TEXT, d BLOB, e TEXT)");
    db_->prepare("INSERT INTO t VALUES (?,?,?,?,?)")
        .bind(1, std::int64_t{-7})
        .bind(2, 1.5)
        .bind(3, "文")
        .bind_blob(4, std::string_view("\0\1", 2))
        .bind_null(5)
        .run();
    Statement& row = db_->prepare("SELECT a, b, c, d, e FROM t");
    ASSERT_TRUE(row.step());
    EXPECT_EQ(row.integer(0), -7);
    EXPECT_EQ(row.real(1), 1.5);
    EXPECT_EQ(row.text(2), "文");
    EXPECT_EQ(row.text(3), std::string_view("\0\1", 2));
    EXPECT_TRUE(row.is_null(4));
    EXPECT_FALSE(row.step());
}

TEST_F(Sqlite, RollsBackASavepointAlone) {
    db_->run("CREATE TABLE t (a INTEGER)");
    db_->begin();
    db_->run("INSERT INTO t VALUES (1)");
    db_->savepoint();
    db_->run("INSERT INTO t VALUES (2)");
    db_->rollback_savepoint();
    db_->commit();
    Statement& sum = db_->prepare("SELECT sum(a) FROM t");
    ASSERT_TRUE(sum.step());
    EXPECT_EQ(sum.integer(0), 1);
}

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

TEST_F(Sqlite, MigratesForwardOnceAndRefusesANewerStore) {
    const Migration one{1, "CREATE TABLE a (x INTEGER)"};
    const Migration two{2, "CREATE TABLE b (x INTEGER)"};
    migrate(*db_, "room", std::vector{one});
    migrate(*db_, "room", std::vector{one, two});
    migrate(*db_, "room", std::vector{one, two});
    db_->run("INSERT INTO b VALUES (1)");
    EXPECT_THROW(migrate(*db_, "room", std::vector{one}), Broken);
    EXPECT_FALSE(db_->in_transaction());
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

}  // namespace
}  // namespace xinglin::sql
