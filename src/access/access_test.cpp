// SPDX-License-Identifier: Apache-2.0
#include "access/audit.h"

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

class OnBothEngines : public ::testing::TestWithParam<std::string> {
protected:
    testing::ScratchFolder folder_;
    testing::StoppedClock clock_;
    const std::string store_ = GetParam() == "postgres" ? testing::fresh_postgres() : "";

    void SetUp() override {
        if (GetParam() == "postgres" && store_.empty()) GTEST_SKIP() << testing::no_postgres;
    }
};

class AccountsTest : public OnBothEngines {
protected:
    Accounts accounts_{folder_.path(), clock_, store_};

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

TEST(Password, IsRefusedWhenItIsWeak) {
    const auto common = Rules::read(content::Files())->passwords.common;
    for (const std::string_view weak : {"short", "1234567890", "9876543210", "aaaaaaaaaaaa", "abababababab", "password123",
                                        "Passw0rd!!!!", "qwertyuiop1", "abcdefghijkl", "wang-li-2026", "12345678901"}) {
        EXPECT_FALSE(strong_enough(weak, "wang-li", PasswordRules{.common = common}).ok()) << weak;
    }
    for (const std::string_view strong : {"correct horse battery", "moderate-rain-7", "密码要长一点才好用吧", "one-time-x7f2"}) {
        EXPECT_TRUE(strong_enough(strong, "wang-li", PasswordRules{.common = common}).ok()) << strong;
    }
}

TEST(Password, HashIsArgon2id) {
    EXPECT_TRUE(hash_password("x").starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    EXPECT_NE(hash_password("x"), hash_password("x"));
    EXPECT_TRUE(password_fits("moderate-rain-7", hash_password("moderate-rain-7")));
    EXPECT_FALSE(password_fits("moderate-rain-8", hash_password("moderate-rain-7")));
    EXPECT_FALSE(password_fits("x", "no hash at all"));
}

// FIPS 180-2, appendix B.1.
TEST(Secret, Sha256OfAbcIsThePublishedOne) {
    EXPECT_EQ(text::hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

// SMART App Launch 2.0, "Scopes for requesting FHIR resources".
TEST(Scope, AllowsWhatItSays) {
    EXPECT_TRUE(scope_allows("system/*.cruds", "Patient", 'd'));
    EXPECT_TRUE(scope_allows("system/Patient.rs system/Observation.c", "Observation", 'c'));
    EXPECT_FALSE(scope_allows("system/Patient.rs system/Observation.c", "Observation", 'r'));
    EXPECT_FALSE(scope_allows("system/Patient.rs", "Patient", 'u'));
    EXPECT_TRUE(scope_allows("system/*.read", "Patient", 's'));
    EXPECT_FALSE(scope_allows("system/*.read", "Patient", 'c'));
    EXPECT_TRUE(scope_allows("system/*.write", "Patient", 'd'));
    EXPECT_TRUE(scope_allows("system/*.*", "Patient", 'd'));
    for (const std::string_view broken :
         {"", "system/*.sr", "system/*.x", "user/*.cruds", "system/.r", "system/Patient.", "system/Patient.rs?x=y", "*"}) {
        EXPECT_FALSE(scope_allows(broken, "Patient", 'r')) << broken;
    }
}

TEST(Scope, OfAnAppsTokenNarrowsWhatThePersonMay) {
    Viewer doctor{.name = "doctor", .role = Role::clinician, .granted = "openid user/Observation.rs user/Patient.r"};
    EXPECT_TRUE(doctor.allows("Observation", 's'));
    EXPECT_FALSE(doctor.allows("Patient", 's'));
    EXPECT_FALSE(doctor.allows("Observation", 'u'));
    EXPECT_FALSE(doctor.may_write());
    doctor.granted = "openid";
    EXPECT_FALSE(doctor.allows("Patient", 'r')) << "a token that only says who somebody is";
    doctor.granted = "system/*.cruds user/Observation.rs?category=laboratory";
    EXPECT_FALSE(doctor.allows("Observation", 'r')) << "of systems, and narrowed: neither is this";
    doctor.granted = "user/*.cruds";
    EXPECT_TRUE(doctor.may_write());
    Viewer boss{.role = Role::administrator, .granted = "user/*.cruds"};
    EXPECT_FALSE(boss.may_administer()) << "an app does not administer";
    EXPECT_FALSE(boss.may_operate());
    Viewer machine{.role = Role::system, .scope = "system/Patient.rs"};
    EXPECT_TRUE(machine.allows("Patient", 'r'));
    EXPECT_FALSE(machine.allows("Patient", 'u'));
    machine.scope = "user/*.cruds";
    EXPECT_FALSE(machine.allows("Patient", 'r'));
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

TEST(Role, SaysWhatItMayDo) {
    EXPECT_EQ(parse_role("auditor"), Role::auditor);
    EXPECT_FALSE(parse_role("root"));
    Viewer viewer;
    for (const Role role : {Role::administrator, Role::clinician}) {
        viewer.role = role;
        EXPECT_TRUE(viewer.may_write());
    }
    viewer.role = Role::auditor;
    EXPECT_FALSE(viewer.may_write());
    viewer.role = Role::system;
    viewer.scope = "system/*.rs";
    EXPECT_FALSE(viewer.may_write());
    EXPECT_TRUE(Viewer::program("import").may_write());
    EXPECT_FALSE(Viewer::program("import").may_administer());
    for (const auto& [role, reads, operates] :
         {std::tuple{Role::administrator, true, true}, std::tuple{Role::clinician, true, false},
          std::tuple{Role::epidemiologist, true, false}, std::tuple{Role::planner, false, false},
          std::tuple{Role::operator_, false, true}, std::tuple{Role::auditor, false, false},
          std::tuple{Role::institution_administrator, false, false}}) {
        const Viewer each{.role = role};
        EXPECT_EQ(each.may_read(), reads) << text(role);
        EXPECT_EQ(each.may_operate(), operates) << text(role);
        EXPECT_EQ(parse_role(text(role)), role);
        EXPECT_EQ(each.patient(), "");
    }
    EXPECT_FALSE((Viewer{.role = Role::epidemiologist}.may_write()));
    EXPECT_TRUE(Viewer{.role = Role::administrator}.may_manage_accounts());
    EXPECT_TRUE((Viewer{.role = Role::institution_administrator, .institution = "org-7"}.may_manage_accounts()));
    EXPECT_FALSE(Viewer{.role = Role::institution_administrator}.may_manage_accounts());
    EXPECT_FALSE(Viewer{.role = Role::institution_administrator}.may_administer());
    EXPECT_FALSE((Viewer{.role = Role::clinician, .institution = "org-7"}.may_manage_accounts()));
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

TEST(ThrottleTest, ForgetsTheOldestWhenItKnowsTooMany) {
    Throttle throttle;
    for (int i = 0; i < 12'000; ++i) throttle.keep("name-" + std::to_string(i), {1, i, 0});
    EXPECT_EQ(throttle.of("name-0").count, 0);
    EXPECT_EQ(throttle.of("name-11999").count, 1);
}

TEST(ThrottleTest, WaitsTwiceAsLongEachTimeAndForgetsSlowly) {
    const FailureRule rule{.free = 3, .first_s = 60, .longest_s = 240, .forget_one_s = 600};
    Failures at;
    std::vector<std::int64_t> waits;
    for (int i = 0; i < 7; ++i) {
        at = one_more(at, rule, 1'000'000);
        waits.push_back(at.until_ms == 0 ? 0 : (at.until_ms - 1'000'000) / 1'000);
    }
    EXPECT_EQ(waits, (std::vector<std::int64_t>{0, 0, 60, 120, 240, 240, 240}));
    EXPECT_EQ(one_more(at, rule, 1'000'000 + 3 * 600'000).count, 5) << "three forgotten, one more";
    EXPECT_EQ(one_more(at, rule, 1'000'000 + 100 * 600'000).count, 1);
}

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

class AuditTest : public OnBothEngines {};
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
