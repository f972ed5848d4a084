// SPDX-License-Identifier: Apache-2.0
// What is in an encrypted folder: nothing in plain, nothing that opens without the key, nothing that was changed or moved.
#include "sql/sealed.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <csignal>
#include <fstream>
#include <random>
#include <thread>

#include "sql/sql.h"
#include "testing/power_disk.h"
#include "testing/testing.h"

namespace xinglin::sql {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* digits = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
constexpr const char* other_digits = "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100";

class Sealed : public ::testing::TestWithParam<keys::Cipher> {
protected:
    void SetUp() override {
        ::setenv("XINGLIN_TEST_KEY", digits, 1);
        ::setenv("XINGLIN_OTHER_KEY", other_digits, 1);
        fs::create_directories(data_);
        ASSERT_TRUE(keys::make(data_, GetParam(), "env:XINGLIN_TEST_KEY", "2026-11-23").ok());
        give_key_places({"env:XINGLIN_TEST_KEY"});
    }
    void TearDown() override { give_key_places({}); }

    std::unique_ptr<Connection> fill(const fs::path& file, int rows = 400) {
        auto db = open_sqlite(file);
        db->run(
            "CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, name TEXT, body TEXT); CREATE INDEX IF NOT EXISTS t_name ON t "
            "(name)");
        transaction(*db, [&] {
            for (int i = 0; i < rows; ++i)
                db->prepare("INSERT INTO t (name, body) VALUES (?,?)")
                    .bind(1, "王小明" + std::to_string(i))
                    .bind(2, std::string(300, 'x') + "110105194912310021")
                    .run();
        });
        return db;
    }
    static std::int64_t number(Connection& db, const std::string& query) {
        Statement& row = db.prepare(query);
        const std::int64_t value = row.step() ? row.integer(0) : -1;
        row.reset();
        return value;
    }
    void expect_nothing_plain() {
        for (const auto& entry : fs::recursive_directory_iterator(scratch_.path())) {
            if (!entry.is_regular_file()) continue;
            const std::string text = testing::read_file(entry.path());
            EXPECT_EQ(text.find("王小明"), std::string::npos) << entry.path();
            EXPECT_EQ(text.find("110105194912310021"), std::string::npos) << entry.path();
            EXPECT_EQ(text.find("CREATE TABLE"), std::string::npos) << entry.path();
            EXPECT_EQ(text.find(digits), std::string::npos) << entry.path();
        }
    }
    testing::ScratchFolder scratch_;
    fs::path data_ = scratch_.path() / "data", file_ = data_ / "record.db";
};
INSTANTIATE_TEST_SUITE_P(Ciphers, Sealed, ::testing::Values(keys::Cipher::aes_256_gcm, keys::Cipher::sm4_ctr_hmac_sm3),
                         [](const auto& info) { return info.index == 0 ? "aes" : "sm4"; });

TEST_P(Sealed, FilesHoldNothingPlainAndReadBackAsWritten) {
    {
        auto db = fill(file_);
        expect_nothing_plain();  // in the log
        db->checkpoint();
        expect_nothing_plain();
        EXPECT_EQ(number(*db, "SELECT count(*) FROM t WHERE name = '王小明7'"), 1);
        const auto reader = open_sqlite(file_, {.read_only = true});
        EXPECT_EQ(number(*reader, "SELECT count(*) FROM t"), 400);
    }
    expect_nothing_plain();
    auto again = open_sqlite(file_);
    EXPECT_EQ(number(*again, "SELECT count(*) FROM t"), 400);
    EXPECT_TRUE(again->integrity().empty());
    EXPECT_TRUE(is_sealed_file(file_));
    EXPECT_EQ(pages_by_key(file_).size(), 1u);
}

TEST_P(Sealed, FoldersBelowTakeItsKeys) {
    fs::create_directories(data_ / "views" / "deep");
    fill(data_ / "views" / "a.db");
    fill(data_ / "views" / "deep" / "b.db");
    expect_nothing_plain();
}

TEST_P(Sealed, LargeTransactionsThatRollBackAndSavepointsSpillNothing) {
    auto db = open_sqlite(file_, {.cache_bytes = 64 << 10});
    db->run("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)");
    for (const bool keeps : {true, false}) {
        db->begin();
        for (int i = 0; i < 3'000; ++i)
            db->prepare("INSERT INTO t (name) VALUES (?)").bind(1, "王小明" + std::string(400, 'y')).run();
        db->savepoint();
        db->run("UPDATE t SET name = name || '110105194912310021'");
        expect_nothing_plain();
        db->rollback_savepoint();
        keeps ? db->commit() : db->rollback();
    }
    EXPECT_EQ(number(*db, "SELECT count(*) FROM t WHERE name LIKE '%110105194912310021'"), 0);
    EXPECT_EQ(number(*db, "SELECT count(*) FROM t"), 3'000);
    EXPECT_TRUE(db->integrity().empty());
    db->run("DELETE FROM t WHERE id % 2; VACUUM");
    EXPECT_EQ(number(*db, "SELECT count(*) FROM t"), 1'500);
    EXPECT_TRUE(db->integrity().empty());
}

TEST_P(Sealed, WithoutTheKeyNothingOpensAndTheOptionIsNamed) {
    fill(file_);
    for (const std::vector<std::string>& places : {std::vector<std::string>{},
                                                   {"env:XINGLIN_OTHER_KEY"},
                                                   {"env:NOT_SET_ANYWHERE"},
                                                   {"file:/nowhere/key"},
                                                   {"magic:key"}}) {
        give_key_places(places);
        try {
            open_sqlite(file_);
            ADD_FAILURE() << "opened";
        } catch (const Broken& broken) {
            EXPECT_THAT(broken.what(),
                        ::testing::AnyOf(HasSubstr("--data-key"), HasSubstr("NOT_SET_ANYWHERE"), HasSubstr("/nowhere/key")));
            EXPECT_THAT(broken.what(), Not(HasSubstr("ffeeddcc")));
        }
    }
    give_key_places({"env:XINGLIN_OTHER_KEY", "env:XINGLIN_TEST_KEY"});
    EXPECT_EQ(number(*open_sqlite(file_), "SELECT count(*) FROM t"), 400) << "the one that fits is taken";
}

TEST_P(Sealed, AFlippedBitAnywhereIsRefusedAndNeverReadAsSomethingElse) {
    testing::PowerDisk disk;  // for its speed
    fill(file_).reset();
    const std::string whole = testing::read_file(file_);
    std::mt19937_64 random(testing::seed());
    for (int i = 0; i < 300; ++i) {
        const std::size_t byte = i < 80 ? static_cast<std::size_t>(i) * 51 : random() % whole.size();
        SCOPED_TRACE(byte);
        std::string changed = whole;
        changed[byte] = static_cast<char>(changed[byte] ^ (1 << (random() % 8)));
        for (const char* tail : {"-wal", "-shm"}) fs::remove(file_.string() + tail);
        std::ofstream(file_, std::ios::binary | std::ios::trunc) << changed;
        try {
            auto db = open_sqlite(file_, {.read_only = true});
            const auto problems = db->integrity();
            if (problems.empty()) db->copy_to(data_ / "copy.db");  // every page, those nobody uses too
            EXPECT_FALSE(problems.empty());
        } catch (const Broken& broken) {
            EXPECT_EQ(broken.why, Broken::Why::corrupt) << broken.what();
            EXPECT_THAT(broken.what(), HasSubstr("page "));
        }
        fs::remove(data_ / "copy.db");
    }
}

TEST_P(Sealed, PagesMovedWithinAFileOrFromAnotherAreRefused) {
    testing::PowerDisk disk;
    fill(file_).reset();
    fill(data_ / "other.db").reset();
    const std::string whole = testing::read_file(file_), other = testing::read_file(data_ / "other.db");
    const auto opens_with = [&](std::size_t at, const std::string& page) {
        std::string changed = whole;
        changed.replace(at * 4'096, 4'096, page);
        std::ofstream(file_, std::ios::binary | std::ios::trunc) << changed;
        for (const char* tail : {"-wal", "-shm"}) fs::remove(file_.string() + tail);
        try {
            return open_sqlite(file_)->integrity().empty();
        } catch (const Broken&) {
            return false;
        }
    };
    EXPECT_TRUE(opens_with(5, whole.substr(5 * 4'096, 4'096)));
    EXPECT_FALSE(opens_with(5, whole.substr(6 * 4'096, 4'096)));
    EXPECT_FALSE(opens_with(5, other.substr(5 * 4'096, 4'096)));
    EXPECT_FALSE(opens_with(0, other.substr(0, 4'096)));
    EXPECT_FALSE(opens_with(5, std::string(4'096, '\0'))) << "a page that a disk lost";
}

TEST_P(Sealed, APlainDatabaseInAnEncryptedFolderIsRefused) {
    testing::ScratchFolder elsewhere;
    fill(elsewhere.path() / "plain.db").reset();
    fs::copy(elsewhere.path() / "plain.db", file_);
    try {
        open_sqlite(file_);
        ADD_FAILURE() << "opened";
    } catch (const Broken& broken) {
        EXPECT_THAT(broken.what(), HasSubstr("xinglin keys encrypt"));
    }
}

TEST_P(Sealed, CopiesAreSealedOrRefused) {
    auto db = fill(file_);
    testing::ScratchFolder elsewhere;
    EXPECT_THROW(db->copy_to(elsewhere.path() / "plain.db"), Broken);
    EXPECT_FALSE(fs::exists(elsewhere.path() / "plain.db"));
    fs::create_directories(data_ / "backup");
    db->copy_to(data_ / "backup" / "record.db");
    expect_nothing_plain();
    EXPECT_EQ(number(*open_sqlite(data_ / "backup" / "record.db"), "SELECT count(*) FROM t"), 400);
    auto plain = fill(elsewhere.path() / "p.db", 20);
    plain->copy_to(data_ / "sealed.db");
    expect_nothing_plain();
    auto sealed = open_sqlite(data_ / "sealed.db");
    EXPECT_EQ(number(*sealed, "SELECT count(*) FROM t"), 20);
    sealed->run("DELETE FROM t");
    EXPECT_TRUE(sealed->integrity().empty());
}

}  // namespace
}  // namespace xinglin::sql
