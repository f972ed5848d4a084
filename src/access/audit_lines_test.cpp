// SPDX-License-Identifier: Apache-2.0
// Lines of the audit: in order, from many threads and processes, none lost; on both engines.
#include "access/audit.h"

#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "sql/sql.h"
#include "testing/postgres.h"
#include "testing/testing.h"

namespace xinglin::access {
namespace {

Access access_of(std::string patient, std::int64_t at_ms) {
    Access access;
    access.at_ms = at_ms;
    access.who = "wang";
    access.role = "clinician";
    access.what = "read";
    access.type = "Patient";
    access.id = patient;
    access.patient = std::move(patient);
    access.trace_id = "0af7651916cd43dd8448eb211c80319c";
    access.peer = "10.0.0.1";
    return access;
}

class AuditTest : public ::testing::TestWithParam<std::string> {
protected:
    testing::ScratchFolder folder_;
    const std::string store_ = GetParam() == "postgres" ? testing::fresh_postgres() : "";

    void SetUp() override {
        if (GetParam() == "postgres" && store_.empty()) GTEST_SKIP() << testing::no_postgres;
    }
};
INSTANTIATE_TEST_SUITE_P(Engines, AuditTest, ::testing::ValuesIn(testing::engines()),
                         [](const auto& info) { return info.param; });

TEST_P(AuditTest, KeepsWhatWasAppendedInOrder) {
    {
        Audit audit(folder_.path(), store_);
        for (int i = 0; i < 10; ++i) audit.append(access_of(i % 2 ? "odd" : "even", i));
        audit.flush();
        const auto page = audit.of_patient("odd", 3);
        EXPECT_EQ(page.total, 5u);
        ASSERT_EQ(page.accesses.size(), 3u);
        EXPECT_EQ(page.accesses[0].at_ms, 9);
        EXPECT_EQ(page.accesses[2].at_ms, 5);
        EXPECT_EQ(page.accesses[0].trace_id, "0af7651916cd43dd8448eb211c80319c");
        EXPECT_EQ(audit.of_patient("", 3).total, 0u);
        audit.append(access_of("late", 10));
    }
    const Audit again(folder_.path(), store_);
    EXPECT_EQ(again.all(100).total, 11u);
    EXPECT_EQ(again.of_patient("late", 1).total, 1u) << "the end writes what is queued";
    const auto older = again.all(100, 4);
    ASSERT_EQ(older.accesses.size(), 3u);
    EXPECT_EQ(older.accesses[0].at_ms, 2);
}

TEST_P(AuditTest, TakesFromManyThreadsAndLosesNothing) {
    Audit audit(folder_.path(), store_);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&audit, t] {
            for (int i = 0; i < 2'000; ++i) audit.append(access_of("p" + std::to_string(t), i));
            audit.flush();
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(audit.all(1).total, 8'000u);
    EXPECT_EQ(audit.queued(), 0u);
    for (int t = 0; t < 4; ++t) {
        const auto page = audit.of_patient("p" + std::to_string(t), 5'000);
        ASSERT_EQ(page.accesses.size(), 2'000u);
        for (std::size_t i = 1; i < page.accesses.size(); ++i) ASSERT_EQ(page.accesses[i].at_ms + 1, page.accesses[i - 1].at_ms);
    }
}

TEST_P(AuditTest, TakesBytesThatAreNoText) {
    Audit audit(folder_.path(), store_);
    Access strange = access_of("p", 1);
    strange.id = std::string("a\0b\xff", 4);
    audit.append(strange);
    audit.append(access_of("p", 2));
    audit.flush();
    EXPECT_EQ(audit.of_patient("p", 5).total, 2u);
    EXPECT_EQ(audit.of_patient(std::string("\xff\0", 2), 5).total, 0u);
}

TEST_P(AuditTest, TwoProcessesMayAppend) {
    Audit one(folder_.path(), store_), two(folder_.path(), store_);
    std::thread other([&] {
        for (int i = 0; i < 500; ++i) two.append(access_of("b", i));
        two.flush();
    });
    for (int i = 0; i < 500; ++i) one.append(access_of("a", i));
    one.flush();
    other.join();
    EXPECT_EQ(one.all(1).total, 1'000u);
    EXPECT_EQ(one.of_patient("b", 1).total, 500u);
}

TEST(AuditFile, SaysWhenTheDiskRefusesAndGoesOnWhenItHeals) {
    testing::ScratchFolder folder;
    Audit audit(folder.path());
    audit.append(access_of("a", 1));
    audit.flush();
    const auto other = sql::open_sqlite(folder.path() / "audit.db");
    other->run("ALTER TABLE audit_access RENAME TO audit_gone");
    audit.append(access_of("a", 2));
    EXPECT_THROW(audit.flush(), sql::Broken);
    EXPECT_NE(audit.trouble(), "");
    other->run("ALTER TABLE audit_gone RENAME TO audit_access");
    while (!audit.trouble().empty()) std::this_thread::yield();
    audit.flush();
    EXPECT_EQ(audit.all(5).total, 2u);
}

TEST(AuditFile, AFileThatIsNoDatabaseIsRefused) {
    testing::ScratchFolder folder;
    std::ofstream(folder.path() / "audit.db") << std::string(10'000, 'x');
    EXPECT_THROW(Audit(folder.path()), sql::Broken);
}

}  // namespace
}  // namespace xinglin::access
