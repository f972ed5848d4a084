// SPDX-License-Identifier: Apache-2.0
// Accounts and clients: sessions, passwords, guesses, administrators; on both engines.
#include "access/access.h"

#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "access/secret.h"
#include "access/throttle.h"
#include "sql/sql.h"
#include "testing/postgres.h"
#include "testing/testing.h"
#include "text/text.h"

namespace xinglin::access {
namespace {

constexpr std::int64_t minute_ms = 60'000;

class AccountsTest : public ::testing::TestWithParam<std::string> {
protected:
    testing::ScratchFolder folder_;
    testing::StoppedClock clock_;
    const std::string store_ = GetParam() == "postgres" ? testing::fresh_postgres() : "";
    Accounts accounts_{folder_.path(), clock_, store_};

    void SetUp() override {
        if (GetParam() == "postgres" && store_.empty()) GTEST_SKIP() << testing::no_postgres;
    }
    std::string add(std::string_view name, Role role = Role::clinician) {
        auto password = accounts_.add_user(name, role, "");
        EXPECT_TRUE(password.ok()) << password.outcome().line();
        return *password;
    }
    IssueCode login_code(std::string_view name, std::string_view password, std::string_view peer = "10.0.0.1") {
        const auto session = accounts_.login(name, password, peer);
        return session.ok() ? IssueCode::informational : session.outcome().code();
    }
};

INSTANTIATE_TEST_SUITE_P(Engines, AccountsTest, ::testing::ValuesIn(testing::engines()),
                         [](const auto& info) { return info.param; });

TEST_P(AccountsTest, FirstStartMakesOneAdministratorOnce) {
    const auto password = accounts_.first_start();
    ASSERT_TRUE(password);
    EXPECT_FALSE(accounts_.first_start());
    const auto session = accounts_.login("admin", *password, "10.0.0.1");
    ASSERT_TRUE(session.ok());
    EXPECT_TRUE(session->viewer.may_administer());
    EXPECT_TRUE(session->viewer.must_change_password);
}

TEST_P(AccountsTest, AClientMadeBeforeTheFirstStartDoesNotPreventIt) {
    ASSERT_TRUE(accounts_.add_client("hospital-7", "system/*.cruds").ok());
    EXPECT_TRUE(accounts_.first_start());
}

TEST_P(AccountsTest, ASessionEndsAfterHalfAnHourWithoutUse) {
    const auto session = accounts_.login("wang", add("wang"), "10.0.0.1");
    ASSERT_TRUE(session.ok());
    clock_.move(29 * minute_ms);
    ASSERT_TRUE(accounts_.session(session->cookie));
    clock_.move(29 * minute_ms);
    const auto seen = accounts_.session(session->cookie);
    ASSERT_TRUE(seen);
    EXPECT_EQ(seen->csrf, session->csrf);
    EXPECT_EQ(seen->viewer.name, "wang");
    clock_.move(30 * minute_ms);
    EXPECT_FALSE(accounts_.session(session->cookie));
}

TEST_P(AccountsTest, UseIsRememberedWhenMemoryIsForgotten) {
    const auto session = accounts_.login("wang", add("wang"), "10.0.0.1");
    clock_.move(20 * minute_ms);
    ASSERT_TRUE(accounts_.session(session->cookie));
    add("li");  // every change makes memory start afresh
    clock_.move(20 * minute_ms);
    EXPECT_TRUE(accounts_.session(session->cookie));
}

TEST_P(AccountsTest, ASessionEndsAfterTwelveHoursInAnyCase) {
    const auto session = accounts_.login("wang", add("wang"), "10.0.0.1");
    for (int i = 0; i < 12 * 3 - 1; ++i) {
        clock_.move(20 * minute_ms);
        ASSERT_TRUE(accounts_.session(session->cookie)) << i;
    }
    clock_.move(20 * minute_ms);
    EXPECT_FALSE(accounts_.session(session->cookie));
}

TEST_P(AccountsTest, LogoutEndsTheSessionAtOnce) {
    const auto session = accounts_.login("wang", add("wang"), "10.0.0.1");
    ASSERT_TRUE(accounts_.session(session->cookie));
    accounts_.logout(session->cookie);
    EXPECT_FALSE(accounts_.session(session->cookie));
    EXPECT_FALSE(accounts_.session(""));
    EXPECT_FALSE(accounts_.session(std::string(5'000, 'x')));
}

TEST_P(AccountsTest, FiveWrongGuessesStopTheSixthEvenIfItIsRight) {
    const std::string password = add("wang");
    for (int i = 0; i < 5; ++i) EXPECT_EQ(login_code("wang", "guess"), IssueCode::login);
    EXPECT_EQ(login_code("wang", password), IssueCode::throttled);
    EXPECT_EQ(login_code("wang", password, "10.0.0.2"), IssueCode::informational) << "another place is not locked out";
    clock_.move(minute_ms);
    EXPECT_EQ(login_code("wang", password), IssueCode::informational);
}

TEST_P(AccountsTest, AnUnknownNameIsRefusedLikeAWrongPassword) {
    add("wang");
    const auto wrong = accounts_.login("wang", "guess", "a");
    const auto unknown = accounts_.login("nobody", "guess", "a");
    EXPECT_EQ(wrong.outcome().line(), unknown.outcome().line());
    ASSERT_TRUE(accounts_.add_client("machine", "system/*.rs").ok());
    EXPECT_EQ(accounts_.login("machine", "", "a").outcome().line(), unknown.outcome().line());
}

TEST_P(AccountsTest, ChangingThePasswordEndsTheOtherSessions) {
    const std::string password = add("wang");
    const auto first = accounts_.login("wang", password, "a"), second = accounts_.login("wang", password, "a");
    EXPECT_EQ(accounts_.change_password(first->cookie, "wrong", "moderate-rain-7").outcome().issues[0].where, "old");
    EXPECT_EQ(accounts_.change_password(first->cookie, password, "short").outcome().code(), IssueCode::value);
    const auto fresh = accounts_.change_password(first->cookie, password, "moderate-rain-7");
    ASSERT_TRUE(fresh.ok());
    EXPECT_FALSE(accounts_.session(second->cookie));
    EXPECT_FALSE(accounts_.session(first->cookie)) << "a cookie does not outlive its password";
    ASSERT_TRUE(accounts_.session(fresh->cookie));
    EXPECT_FALSE(accounts_.session(fresh->cookie)->viewer.must_change_password);
    EXPECT_EQ(login_code("wang", password), IssueCode::login);
    EXPECT_EQ(login_code("wang", "moderate-rain-7"), IssueCode::informational);
}

TEST_P(AccountsTest, ResetEndsSessionsAndGivesAnotherPassword) {
    const std::string password = add("wang");
    const auto session = accounts_.login("wang", password, "a");
    const auto fresh = accounts_.reset_password("wang");
    ASSERT_TRUE(fresh.ok());
    EXPECT_FALSE(accounts_.session(session->cookie));
    EXPECT_EQ(login_code("wang", password), IssueCode::login);
    EXPECT_EQ(login_code("wang", *fresh), IssueCode::informational);
    EXPECT_EQ(accounts_.reset_password("nobody").outcome().code(), IssueCode::not_found);
}

TEST_P(AccountsTest, NamesAreUniqueAndPlain) {
    add("wang");
    EXPECT_EQ(accounts_.add_user("wang", Role::clinician, "").outcome().code(), IssueCode::conflict);
    EXPECT_EQ(accounts_.add_client("wang", "system/*.rs").outcome().code(), IssueCode::conflict);
    for (const std::string_view bad : {"", "a", "Wang", "wang li", "王", "a/b", "x\n"}) {
        EXPECT_EQ(accounts_.add_user(bad, Role::clinician, "").outcome().code(), IssueCode::value) << bad;
    }
    EXPECT_FALSE(accounts_.add_user(std::string(65, 'a'), Role::clinician, "").ok());
    EXPECT_FALSE(accounts_.add_user("machine", Role::system, "").ok());
}

TEST_P(AccountsTest, TheLastAdministratorStays) {
    accounts_.first_start();
    EXPECT_EQ(accounts_.remove_user("admin").outcome().code(), IssueCode::conflict);
    add("li", Role::administrator);
    EXPECT_TRUE(accounts_.remove_user("admin").ok());
    EXPECT_EQ(accounts_.remove_user("admin").outcome().code(), IssueCode::not_found);
}

TEST_P(AccountsTest, ATokenWorksUntilItsClientIsRemoved) {
    const auto token = accounts_.add_client("hospital-7", "system/*.cruds");
    ASSERT_TRUE(token.ok());
    const auto viewer = accounts_.bearer(*token);
    ASSERT_TRUE(viewer);
    EXPECT_EQ(viewer->name, "hospital-7");
    EXPECT_EQ(viewer->scope, "system/*.cruds");
    EXPECT_EQ(viewer->role, Role::system);
    EXPECT_FALSE(accounts_.bearer(*token + "x"));
    ASSERT_TRUE(accounts_.remove_client("hospital-7").ok());
    EXPECT_FALSE(accounts_.bearer(*token));
}

TEST_P(AccountsTest, SystemsMayHaveAnyReadableName) {
    for (const std::string_view name : {"a", "County Hospital 7", "县医院 LIS"})
        EXPECT_TRUE(accounts_.add_client(name, "system/*.rs").ok()) << name;
    for (const std::string_view bad : {"", " ", "a\nb", "x ", "\xFF"})
        EXPECT_FALSE(accounts_.add_client(bad, "system/*.rs").ok());
    EXPECT_TRUE(accounts_.remove_client("County Hospital 7").ok());
}

TEST_P(AccountsTest, AnotherProcessIsSeenWithinHalfASecond) {
    Accounts other(folder_.path(), clock_, store_);  // a connection of its own, as another process has
    const auto token = other.add_client("hospital-7", "system/*.cruds");
    EXPECT_TRUE(accounts_.bearer(*token));
    ASSERT_TRUE(other.remove_client("hospital-7").ok());
    clock_.move(500);
    EXPECT_FALSE(accounts_.bearer(*token));

    const auto session = accounts_.login("wang", *other.add_user("wang", Role::clinician, ""), "a");
    ASSERT_TRUE(session.ok());
    ASSERT_TRUE(accounts_.session(session->cookie));
    ASSERT_TRUE(other.remove_user("wang").ok());
    clock_.move(500);
    EXPECT_FALSE(accounts_.session(session->cookie));
}

TEST_P(AccountsTest, SecretsAreNotInTheFile) {
    const std::string password = add("wang");
    const auto token = accounts_.add_client("hospital-7", "system/*.cruds");
    const auto session = accounts_.login("wang", password, "a");
    for (const auto& file : testing::files_below(folder_.path(), "")) {
        const std::string bytes = testing::read_file(file);
        EXPECT_EQ(bytes.find(password), std::string::npos) << file;
        EXPECT_EQ(bytes.find(*token), std::string::npos) << file;
        EXPECT_EQ(bytes.find(session->cookie), std::string::npos) << file;
    }
}

TEST_P(AccountsTest, ListSaysWhoThereIs) {
    add("wang");
    const auto token = accounts_.add_client("hospital-7", "system/Patient.rs");
    const auto all = accounts_.list();
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[0].name, "wang");
    EXPECT_EQ(all[0].role, "clinician");
    EXPECT_FALSE(all[0].last_used_ms);
    EXPECT_TRUE(all[1].is_client);
    EXPECT_EQ(all[1].scope, "system/Patient.rs");
}

TEST_P(AccountsTest, ManyThreadsAskWhileOthersChange) {
    const auto token = accounts_.add_client("steady", "system/*.cruds");
    std::atomic<int> wrong = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
        threads.emplace_back([&] {
            for (int n = 0; n < 2'000; ++n) wrong += accounts_.bearer(*token) ? 0 : 1;
        });
    }
    threads.emplace_back([&] {
        for (int n = 0; n < 20; ++n) {
            const std::string name = "passing-" + std::to_string(n);
            const auto passing = accounts_.add_client(name, "system/*.rs");
            wrong += passing.ok() && accounts_.bearer(*passing) ? 0 : 1;
            wrong += accounts_.remove_client(name).ok() && !accounts_.bearer(*passing) ? 0 : 1;
        }
    });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(wrong, 0);
}

TEST_P(AccountsTest, SayWhereSomebodyWorks) {
    const Post post{"org-7", "330102001", "p-12"};
    const auto password = accounts_.add_user("wang", Role::clinician, "", "", "", post);
    ASSERT_TRUE(password.ok());
    const auto session = accounts_.login("wang", *password, "a");
    ASSERT_TRUE(session.ok());
    EXPECT_EQ(session->viewer.institution, "org-7");
    EXPECT_EQ(session->viewer.area, "330102001");
    EXPECT_EQ(session->viewer.practitioner, "p-12");
    ASSERT_TRUE(accounts_.change_user("wang", {.area = "330102", .practitioner = ""}).ok());
    const auto seen = accounts_.session(session->cookie);
    ASSERT_TRUE(seen) << "another post is no reason to log in again";
    EXPECT_EQ(seen->viewer.institution, "org-7");
    EXPECT_EQ(seen->viewer.area, "330102");
    EXPECT_EQ(seen->viewer.practitioner, "");
    EXPECT_EQ(accounts_.list()[0].institution, "org-7");
    EXPECT_EQ(accounts_.list()[0].area, "330102");
    for (const Post& bad : {Post{"a/b", "", ""}, Post{"", "33x", ""}, Post{"", "3", ""}, Post{"", "", "p 1"}}) {
        EXPECT_EQ(accounts_.add_user("li", Role::clinician, "", "", "", bad).outcome().code(), IssueCode::value);
        EXPECT_FALSE(
            accounts_.change_user("wang", {.institution = bad.institution, .area = bad.area, .practitioner = bad.practitioner})
                .ok());
    }
}

TEST_P(AccountsTest, AnotherRoleEndsTheSessions) {
    const auto session = accounts_.login("wang", add("wang"), "a");
    EXPECT_EQ(accounts_.change_user("wang", {.role = Role::resident}).outcome().code(), IssueCode::value);
    EXPECT_EQ(accounts_.change_user("wang", {.role = Role::system}).outcome().code(), IssueCode::value);
    EXPECT_EQ(accounts_.change_user("wang", {.role = Role::institution_administrator}).outcome().issues[0].where, "institution");
    ASSERT_TRUE(accounts_.session(session->cookie));
    ASSERT_TRUE(accounts_.change_user("wang", {.role = Role::institution_administrator, .institution = "org-7"}).ok());
    EXPECT_FALSE(accounts_.session(session->cookie));
    EXPECT_EQ(accounts_.list()[0].role, "institution-administrator");
    EXPECT_EQ(accounts_.change_user("nobody", {}).outcome().code(), IssueCode::not_found);
}

TEST_P(AccountsTest, ADisabledAccountIsRefusedLikeAWrongPassword) {
    const std::string password = add("wang");
    const auto session = accounts_.login("wang", password, "a");
    ASSERT_TRUE(accounts_.change_user("wang", {.disabled = true}).ok());
    EXPECT_FALSE(accounts_.session(session->cookie));
    EXPECT_EQ(accounts_.login("wang", password, "a").outcome().line(), accounts_.login("nobody", "x", "a").outcome().line());
    EXPECT_TRUE(accounts_.list()[0].disabled);
    ASSERT_TRUE(accounts_.change_user("wang", {.disabled = false}).ok());
    EXPECT_FALSE(accounts_.session(session->cookie));
    EXPECT_TRUE(accounts_.login("wang", password, "a").ok());
}

TEST_P(AccountsTest, TheLastAdministratorIsNeitherDisabledNorMadeAnother) {
    accounts_.first_start();
    EXPECT_EQ(accounts_.change_user("admin", {.role = Role::clinician}).outcome().code(), IssueCode::conflict);
    EXPECT_EQ(accounts_.change_user("admin", {.disabled = true}).outcome().code(), IssueCode::conflict);
    add("li", Role::administrator);
    EXPECT_TRUE(accounts_.change_user("admin", {.disabled = true}).ok());
    EXPECT_EQ(accounts_.remove_user("li").outcome().code(), IssueCode::conflict) << "a disabled one cannot help";
}

TEST(AccountsFile, OfTheFirstReleaseKeepsItsAccounts) {
    testing::ScratchFolder folder;
    const testing::StoppedClock clock;
    std::string password;
    {
        Accounts accounts(folder.path(), clock);
        password = *accounts.add_user("wang", Role::clinician, "Wang");
    }
    const auto file = sql::open_sqlite(folder.path() / "access.db");
    for (const char* table : {"factor", "recovery", "ticket", "old_password", "failure", "place"})
        file->run("DROP TABLE access_" + std::string(table));
    for (const char* column : {"institution", "area", "practitioner", "disabled", "password_ms", "factor_ms"})
        file->run("ALTER TABLE access_account DROP COLUMN " + std::string(column));
    for (const char* column : {"peer", "device"}) file->run("ALTER TABLE access_session DROP COLUMN " + std::string(column));
    file->run("UPDATE schema_version SET number = 1");
    Accounts accounts(folder.path(), clock);
    EXPECT_TRUE(accounts.login("wang", password, "a").ok());
    EXPECT_EQ(accounts.list()[0].institution, "");
    EXPECT_TRUE(accounts.change_user("wang", {.institution = "org-7"}).ok());
}

TEST(AccountsFile, ThatIsNoDatabaseIsRefusedAndLeftAlone) {
    testing::ScratchFolder folder;
    const std::string rubbish(10'000, 'x');
    std::ofstream(folder.path() / "access.db") << rubbish;
    const testing::StoppedClock clock;
    try {
        Accounts accounts(folder.path(), clock);
        FAIL() << "opened rubbish";
    } catch (const sql::Broken& error) {
        EXPECT_EQ(error.why, sql::Broken::Why::corrupt);
    }
    EXPECT_EQ(testing::read_file(folder.path() / "access.db"), rubbish);
}

TEST(AccountsFile, OfANewerProgramIsRefused) {
    testing::ScratchFolder folder;
    const testing::StoppedClock clock;
    { Accounts accounts(folder.path(), clock); }
    sql::open_sqlite(folder.path() / "access.db")->run("UPDATE schema_version SET number = 99");
    EXPECT_THROW(Accounts(folder.path(), clock), sql::Broken);
}

TEST(AccountsFile, MayBeMadeByTwoAtOnce) {
    testing::ScratchFolder folder;
    const testing::StoppedClock clock;
    std::atomic<int> passwords = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            Accounts accounts(folder.path(), clock);
            if (accounts.first_start()) ++passwords;
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(passwords, 1);
}

TEST_P(AccountsTest, WhoProvedItElsewhereGetsASessionOfAnAccountThatExists) {
    EXPECT_EQ(accounts_.admit("nobody").outcome().code(), IssueCode::login);
    ASSERT_TRUE(accounts_.add_client("machine", "system/*.rs").ok());
    EXPECT_EQ(accounts_.admit("machine").outcome().code(), IssueCode::login);
    ASSERT_TRUE(accounts_.add_user("doctor", Role::clinician, "Dr Li").ok());
    const auto session = accounts_.admit("doctor");
    ASSERT_TRUE(session.ok());
    EXPECT_EQ(accounts_.session(session->cookie)->viewer.name, "doctor");
    EXPECT_EQ(accounts_.viewer_of("doctor")->role, Role::clinician);
    ASSERT_TRUE(accounts_.remove_user("doctor").ok());
    EXPECT_FALSE(accounts_.viewer_of("doctor"));
}

TEST_P(AccountsTest, AScopeThatIsNotUnderstoodIsRefused) {
    for (const std::string_view bad : {"", "all", "system/*.sr", "system/Patient.rs?category=x", "system/*.cruds nonsense"}) {
        EXPECT_EQ(accounts_.add_client("machine", bad).outcome().code(), IssueCode::value) << bad;
    }
}

TEST_P(AccountsTest, AResidentIsOnePatientAndNobodyElseIs) {
    EXPECT_EQ(accounts_.add_user("zhao", Role::resident, "").outcome().issues[0].where, "patient");
    EXPECT_EQ(accounts_.add_user("zhao", Role::resident, "", "", "a/b").outcome().issues[0].where, "patient");
    EXPECT_EQ(accounts_.add_user("zhao", Role::clinician, "", "", "p1").outcome().issues[0].where, "patient");
    const auto password = accounts_.add_user("zhao", Role::resident, "", "", "p1");
    ASSERT_TRUE(password.ok());
    const auto session = accounts_.login("zhao", *password, "a");
    ASSERT_TRUE(session.ok());
    EXPECT_EQ(session->viewer.patient(), "p1");
    EXPECT_TRUE(session->viewer.may_read());
    EXPECT_FALSE(session->viewer.may_write());
    EXPECT_FALSE((Viewer{.role = Role::resident, .scope = "p1"}.may_read()));
}

}  // namespace
}  // namespace xinglin::access
