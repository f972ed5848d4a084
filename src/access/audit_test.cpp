// SPDX-License-Identifier: Apache-2.0
// The audit as it is stored: chained, signed, only added to, found when it was not; on both engines.
#include "access/audit.h"

#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <random>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

#include "sql/sql.h"
#include "testing/postgres.h"
#include "testing/testing.h"

namespace xinglin::access {
namespace {

namespace fs = std::filesystem;

class StoredChain : public ::testing::TestWithParam<std::string> {
protected:
    testing::ScratchFolder folder_;
    const std::string store_ = GetParam() == "postgres" ? testing::fresh_postgres() : "";

    void SetUp() override {
        if (GetParam() == "postgres" && store_.empty()) GTEST_SKIP() << testing::no_postgres;
    }

    static Access some(std::int64_t number) {
        Access line;
        line.at_ms = 1'750'000'000'000 + number;
        line.who = number % 3 == 0 ? "wang" : "li";
        line.role = "clinician";
        line.display = "王医生";
        line.institution = number % 2 == 0 ? "hospital" : "station";
        line.what = number % 10 == 9 ? "break-glass" : "read";
        line.type = "Patient";
        line.id = line.patient = "p" + std::to_string(number % 5);
        line.reason = number % 10 == 9 ? "unconscious" : "";
        line.status = number % 7 == 6 ? 403 : 200;
        return line;
    }
    void write(int count, const fs::path& folder) const {
        Audit audit(folder, store_);
        for (int i = 0; i < count; ++i) audit.append(some(i));
    }
    void write(int count) const { write(count, folder_.path()); }
    std::unique_ptr<sql::Connection> table() const {
        return sql::open(store_.empty() ? (folder_.path() / "audit.db").string() : store_, {.lane = "audit"});
    }
    Verified verified(const Verification& how = {}) const { return verify(folder_.path(), store_, how); }
    /// What somebody does who owns the database.
    static void take_guards_away(sql::Connection& connection) {
        for (const std::string name : {"access_unchanged", "access_kept", "checkpoint_unchanged", "checkpoint_kept"}) {
            if (connection.engine() == sql::Engine::postgres && name == "checkpoint_kept")
                continue;  // one trigger for both there
            connection.run("DROP TRIGGER audit_" + name + "/*pg ON audit_" + name.substr(0, name.find('_')) + "*/");
        }
    }
};
INSTANTIATE_TEST_SUITE_P(Engines, StoredChain, ::testing::ValuesIn(testing::engines()),
                         [](const auto& info) { return info.param; });

TEST_P(StoredChain, IsSoundAndSignedAtTheEnd) {
    write(50);
    write(50);
    const Verified report = verified();
    EXPECT_TRUE(report.good()) << report.faults.front().what;
    EXPECT_EQ(report.lines, 100u);
    ASSERT_TRUE(report.newest_checkpoint);
    EXPECT_EQ(report.newest_checkpoint->row, 100);
    EXPECT_EQ(report.checkpoints, 2u);
    const auto published = public_keys(folder_.path() / "audit.pub");
    ASSERT_TRUE(published.ok());
    EXPECT_EQ(*published, report.keys);
    EXPECT_EQ(fs::status(folder_.path() / "audit.key").permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_P(StoredChain, SignsEveryThousandLinesAndWhenAsked) {
    Audit audit(folder_.path(), store_);
    EXPECT_FALSE(audit.checkpoint()) << "there is nothing to sign";
    for (int i = 0; i < 2'500; ++i) {
        audit.append(some(i));
        if (i % 500 == 499) audit.flush();
    }
    const auto asked = audit.checkpoint();
    ASSERT_TRUE(asked);
    EXPECT_EQ(asked->row, 2'500);
    EXPECT_GE(asked->number, 2);
    EXPECT_EQ(audit.checkpoint()->number, asked->number) << "what is signed is not signed again";
    EXPECT_EQ(asked->hash, audit.hash_of(2'500));
    EXPECT_EQ(audit.signing_trouble(), "");
    EXPECT_TRUE(verified().good());
}

TEST_P(StoredChain, RefusesToBeChangedOrShortened) {
    write(5);
    const auto connection = table();
    for (const char* harm :
         {"UPDATE audit_access SET who = 'nobody' WHERE row = 2", "DELETE FROM audit_access WHERE row = 5",
          "UPDATE audit_checkpoint SET row = 2", "DELETE FROM audit_checkpoint", "/*pg TRUNCATE audit_access*/"}) {
        if (GetParam() == "sqlite" && std::string_view(harm).starts_with("/*pg")) continue;
        EXPECT_THROW(sql::transaction(*connection, [&] { connection->run(harm); }), sql::Broken) << harm;
    }
    EXPECT_TRUE(verified().good());
}

TEST_P(StoredChain, NamesWhatWasDoneByWhoOwnsTheDatabase) {
    write(30);
    const auto connection = table();
    take_guards_away(*connection);
    std::mt19937_64 random(testing::seed());
    const std::vector<std::string> fields = {
        "at_ms = at_ms + 1", "who = who || 'x'",    "role = 'auditor'", "what = 'none'", "type = 'Group'",
        "id = ''",           "patient = 'q'",       "purpose = 'x'",    "detail = 'x'",  "trace_id = 'x'",
        "peer = 'x'",        "status = 4294967496", "count = 9",        "display = ''",  "practitioner = 'x'",
        "institution = 'x'", "authorisation = 'x'", "reason = 'x'",     "hash = NULL"};
    for (int i = 0; i < 40; ++i) {
        const std::int64_t row = 1 + static_cast<std::int64_t>(random() % 29);
        const std::string which = " WHERE row = " + std::to_string(row);
        connection->begin();
        if (i % 4 == 3) connection->run("DELETE FROM audit_access" + which);
        else connection->run("UPDATE audit_access SET " + fields[static_cast<std::size_t>(i) % fields.size()] + which);
        connection->commit();
        const Verified report = verified();
        ASSERT_FALSE(report.good()) << i;
        EXPECT_EQ(report.faults.front().first, row) << report.faults.front().what;
        connection->begin();  // as it was
        connection->run("DELETE FROM audit_access");
        connection->run("DELETE FROM audit_checkpoint");
        connection->commit();
        write(30);
        ASSERT_TRUE(verified().good()) << verified().faults.front().what;
    }
    connection->begin();
    connection->run("DELETE FROM audit_access WHERE row > 20");
    connection->commit();
    const Verified cut = verified();
    ASSERT_FALSE(cut.good());
    EXPECT_EQ(cut.faults.back().kind, Fault::Kind::truncated);
    EXPECT_EQ(cut.faults.back().first, 21);
    EXPECT_EQ(cut.faults.back().last, 30);
}

TEST_P(StoredChain, IsOneForManyProcesses) {
    const testing::ScratchFolder other;  // of another machine, on one database
    const fs::path second = store_.empty() ? folder_.path() : other.path();
    {
        Audit one(folder_.path(), store_), two(second, store_);
        std::thread beside([&] {
            for (int i = 0; i < 1'500; ++i) {
                two.append(some(i));
                if (i % 100 == 0) two.flush();
            }
        });
        for (int i = 0; i < 1'500; ++i) one.append(some(i));
        beside.join();
    }
    const Verified report = verified();
    EXPECT_TRUE(report.good()) << report.faults.front().what;
    EXPECT_EQ(report.lines, 3'000u);
    EXPECT_EQ(report.keys.size(), store_.empty() ? 1u : 2u);
    const auto ours = public_keys(folder_.path() / "audit.pub");
    EXPECT_EQ(verified({.keys = *ours, .anchor = {}}).good(), store_.empty()) << "a key that is not trusted is told";
}

TEST_P(StoredChain, TakesInLinesFromBeforeTheChain) {
    write(12'000);
    {  // as it was before: no hashes, no checkpoints
        const auto connection = table();
        take_guards_away(*connection);
        connection->run("UPDATE audit_access SET hash = NULL");
        connection->run("DELETE FROM audit_checkpoint");
    }
    write(1);
    const Verified report = verified();
    EXPECT_TRUE(report.good()) << report.faults.front().what;
    EXPECT_EQ(report.lines, 12'002u);
    const Audit audit(folder_.path(), store_);
    const auto lines = audit.after(12'000, 10);
    ASSERT_EQ(lines.size(), 2u);
    EXPECT_EQ(lines[0].what, "audit-chain");
    EXPECT_EQ(lines[0].detail, "lines 1 to 12000 were there before the chain");
}

TEST_P(StoredChain, IsCopiedAsItIs) {
    write(1'200);
    const testing::ScratchFolder target;
    const testing::StoppedClock clock;
    ASSERT_TRUE(copy({folder_.path(), store_}, {target.path(), ""}, clock).ok());
    const Verified report = verify(target.path(), "", {});
    EXPECT_TRUE(report.good()) << report.faults.front().what;
    EXPECT_EQ(report.lines, 1'200u);
    EXPECT_EQ(report.newest_checkpoint->json(), verified().newest_checkpoint->json());
}

TEST_P(StoredChain, KeepsWhatWasAcknowledgedWhenItsProcessIsKilled) {
    if (!store_.empty()) write(0);  // the tables
    int pipes[2];
    ASSERT_EQ(::pipe(pipes), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        Audit audit(folder_.path(), store_);
        for (std::uint32_t i = 0;; ++i) {
            audit.append(some(i));
            if (i % 7 != 0) continue;
            audit.flush();
            if (::write(pipes[1], &i, sizeof i) != sizeof i) ::_exit(1);
        }
    }
    ::close(pipes[1]);
    std::uint32_t acknowledged = 0;
    while (acknowledged < 700) ASSERT_EQ(::read(pipes[0], &acknowledged, sizeof acknowledged), ssize_t{sizeof acknowledged});
    ::kill(child, SIGKILL);
    for (std::uint32_t more = 0; ::read(pipes[0], &more, sizeof more) == ssize_t{sizeof more};) acknowledged = more;
    ::close(pipes[0]);
    ::waitpid(child, nullptr, 0);
    write(3);  // and it goes on
    const Verified report = verified();
    EXPECT_TRUE(report.good()) << report.faults.front().what;
    EXPECT_GE(report.lines, acknowledged + 1u + 3u);
}

TEST_P(StoredChain, IsSearched) {
    write(40);
    const Audit audit(folder_.path(), store_);
    EXPECT_EQ(audit.find({.patient = "p1"}, 100).accesses.size(), 8u);
    EXPECT_EQ(audit.find({.who = "wang"}, 100).accesses.size(), 14u);
    EXPECT_EQ(audit.find({.what = "break-glass"}, 100).accesses.size(), 4u);
    EXPECT_EQ(audit.find({.emergency = true}, 100).accesses.size(), 4u);
    EXPECT_EQ(audit.find({.institution = "station"}, 100).accesses.size(), 20u);
    EXPECT_EQ(audit.find({.result = Audit::Asked::Result::refused}, 100).accesses.size(), 5u);
    EXPECT_EQ(audit.find({.result = Audit::Asked::Result::granted}, 100).accesses.size(), 35u);
    EXPECT_EQ(audit.find({.from_ms = 1'750'000'000'010, .until_ms = 1'750'000'000'020}, 100).accesses.size(), 10u);
    EXPECT_EQ(audit.find({.from_ms = 1'760'000'000'000}, 100).accesses.size(), 0u);
    EXPECT_EQ(audit.find({.patient = "p1' OR 1=1 --"}, 100).accesses.size(), 0u);
    std::int64_t before = 0;
    std::vector<std::int64_t> rows;
    do {
        const auto page = audit.find({.who = "li"}, 7, before);
        for (const Access& each : page.accesses) rows.push_back(each.row);
        before = page.next;
    } while (before != 0);
    EXPECT_EQ(rows.size(), 26u);
    EXPECT_TRUE(std::is_sorted(rows.rbegin(), rows.rend()));
    EXPECT_EQ(audit.find({.patient = "p4"}, 1).accesses.front().display, "王医生");
}

TEST(AuditKey, ThatCannotBeReadKeepsNoLineFromBeingWritten) {
    const testing::ScratchFolder folder;
    std::ofstream(folder.path() / "audit.key") << "no key";
    {
        Audit audit(folder.path());
        audit.append({.who = "wang"});
        EXPECT_FALSE(audit.checkpoint());
        EXPECT_NE(audit.signing_trouble(), "");
        EXPECT_EQ(audit.trouble(), "");
    }
    EXPECT_EQ(verify(folder.path(), "", {}).lines, 1u);
}

}  // namespace
}  // namespace xinglin::access
