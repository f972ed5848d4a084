// SPDX-License-Identifier: Apache-2.0
#include "access/second_factor.h"

#include <gtest/gtest.h>

#include "access/accounts_inside.h"
#include "access/rules.h"
#include "access/secret.h"
#include "access/sessions.h"
#include "testing/postgres.h"
#include "testing/testing.h"

namespace xinglin::access {
namespace {

// RFC 6238, appendix B, the rows of SHA-1.
TEST(Totp, GivesThePublishedCodes) {
    const std::string secret = "12345678901234567890";
    for (const auto& [seconds, code] : {std::pair{59ll, "94287082"},
                                        {1111111109ll, "07081804"},
                                        {1111111111ll, "14050471"},
                                        {1234567890ll, "89005924"},
                                        {2000000000ll, "69279037"},
                                        {20000000000ll, "65353130"}}) {
        EXPECT_EQ(totp(secret, seconds / 30, 8), code);
        EXPECT_EQ(totp(secret, seconds / 30), std::string(code).substr(2));
    }
}

// RFC 4226, appendix D.
TEST(Totp, GivesThePublishedCodesOfCounters) {
    const char* codes[] = {"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"};
    for (int i = 0; i < 10; ++i) EXPECT_EQ(totp("12345678901234567890", i), codes[i]);
}

// RFC 4648, section 10.
TEST(Totp, WritesBase32AsPublished) {
    EXPECT_EQ(base32(""), "");
    EXPECT_EQ(base32("f"), "MY");
    EXPECT_EQ(base32("foob"), "MZXW6YQ");
    EXPECT_EQ(base32("foobar"), "MZXW6YTBOI");
}

constexpr std::string_view password = "moderate-rain-7";

class FactorTest : public ::testing::TestWithParam<std::string> {
protected:
    testing::ScratchFolder folder_;
    testing::StoppedClock clock_;
    const std::string store_ = GetParam() == "postgres" ? testing::fresh_postgres() : "";
    std::unique_ptr<Accounts> accounts_;

    void SetUp() override {
        if (GetParam() == "postgres" && store_.empty()) GTEST_SKIP() << testing::no_postgres;
        accounts_ = std::make_unique<Accounts>(folder_.path(), clock_, store_);
        ASSERT_TRUE(accounts_->add_user("wang", Role::administrator, "Wang", password).ok());
        ASSERT_TRUE(accounts_->add_user("li", Role::clinician, "Li", password).ok());
    }

    std::string secret_of(const Enrolment& enrolment) const {
        std::string bytes;
        std::uint32_t bits = 0;
        int count = 0;
        for (const char c : enrolment.secret) {
            if (c == ' ') continue;
            bits = bits << 5 | static_cast<std::uint32_t>(c >= 'A' ? c - 'A' : c - '2' + 26);
            if ((count += 5) >= 8) bytes += static_cast<char>(bits >> (count -= 8) & 0xFF);
        }
        return bytes;
    }
    std::string code(const std::string& secret, int aside = 0) const { return totp(secret, clock_.now_ms() / 30'000 + aside); }

    struct Device {
        std::string secret;
        Enrolled enrolled;
    };
    Device enrol(std::string_view name) {
        const auto session = accounts_->login(name, password, "10.0.0.1");
        EXPECT_TRUE(session.ok());
        const auto begun = begin_enrolment(*accounts_, session->cookie, password);
        EXPECT_TRUE(begun.ok()) << begun.outcome().line();
        const std::string secret = secret_of(*begun);
        auto done = finish_enrolment(*accounts_, session->cookie, code(secret));
        EXPECT_TRUE(done.ok()) << done.outcome().line();
        EXPECT_FALSE(accounts_->session(session->cookie)) << "more rights, another cookie";
        clock_.move(60'000);
        return {secret, std::move(done).value()};
    }
};
INSTANTIATE_TEST_SUITE_P(Engines, FactorTest, ::testing::ValuesIn(testing::engines()),
                         [](const auto& info) { return info.param; });

TEST_P(FactorTest, IsDemandedOfAdministratorsAndOpensEverythingElseAfterwards) {
    const auto session = accounts_->login("wang", password, "a");
    ASSERT_TRUE(session.ok());
    EXPECT_TRUE(session->viewer.must_enrol);
    EXPECT_FALSE(accounts_->login("li", password, "a")->viewer.must_enrol);
    const Device device = enrol("wang");
    const auto seen = accounts_->session(device.enrolled.session.cookie);
    ASSERT_TRUE(seen);
    EXPECT_FALSE(seen->viewer.must_enrol);
    EXPECT_EQ(device.enrolled.recovery_codes.size(), 10u);
    EXPECT_EQ(factor_standing(*accounts_, seen->viewer).recovery_left, 10);
    EXPECT_EQ(drop_factor(*accounts_, device.enrolled.session.cookie, password).outcome().code(), IssueCode::forbidden);
}

TEST_P(FactorTest, ALoginByPasswordAloneGivesNoSession) {
    const Device device = enrol("li");
    const auto half = accounts_->login("li", password, "a");
    ASSERT_TRUE(half.ok());
    EXPECT_EQ(half->cookie, "");
    EXPECT_EQ(half->viewer.name, "");
    EXPECT_FALSE(accounts_->session(half->ticket));
    EXPECT_EQ(second_step(*accounts_, half->ticket, "000000").outcome().code(), IssueCode::login);
    const auto session = second_step(*accounts_, half->ticket, code(device.secret));
    ASSERT_TRUE(session.ok()) << session.outcome().line();
    EXPECT_TRUE(accounts_->session(session->cookie));
    EXPECT_EQ(second_step(*accounts_, half->ticket, code(device.secret, 1)).outcome().issues[0].where, "ticket")
        << "a ticket opens once";
}

TEST_P(FactorTest, WhoProvedOnlyOneElsewhereIsAskedForTheSecond) {
    EXPECT_FALSE(accounts_->admit("li")->cookie.empty()) << "has no second one";
    const Device device = enrol("li");
    const auto half = accounts_->admit("li");
    ASSERT_TRUE(half.ok());
    EXPECT_TRUE(half->cookie.empty());
    EXPECT_TRUE(accounts_->session(second_step(*accounts_, half->ticket, code(device.secret))->cookie));
    EXPECT_TRUE(accounts_->session(admit_proven_twice(*accounts_, "li", "10.0.0.1", "")->cookie));
    EXPECT_EQ(admit_proven_twice(*accounts_, "nobody", "10.0.0.1", "").outcome().code(), IssueCode::login);
}

TEST_P(FactorTest, ACodeIsTakenOnceAndOnlyNearItsTime) {
    const Device device = enrol("li");
    const auto step = [&](std::string typed) {
        const auto half = accounts_->login("li", password, "a");
        return second_step(*accounts_, half->ticket, typed).ok();
    };
    const std::string now = code(device.secret);
    EXPECT_TRUE(step(now));
    EXPECT_FALSE(step(now)) << "replayed";
    EXPECT_FALSE(step(code(device.secret, -1))) << "earlier than one that was taken";
    EXPECT_FALSE(step(code(device.secret, 2))) << "too early";
    EXPECT_TRUE(step(code(device.secret, 1))) << "a clock half a minute ahead";
    clock_.move(5 * 60'000);
    EXPECT_FALSE(step(code(device.secret, -2))) << "too late";
    EXPECT_TRUE(step(code(device.secret, -1)));
}

TEST_P(FactorTest, AnotherServerDoesNotTakeTheSameCode) {
    const Device device = enrol("li");
    Accounts other(folder_.path(), clock_, store_);
    const auto one = accounts_->login("li", password, "a"), two = other.login("li", password, "b");
    EXPECT_TRUE(second_step(*accounts_, one->ticket, code(device.secret)).ok());
    EXPECT_FALSE(second_step(other, two->ticket, code(device.secret)).ok());
}

TEST_P(FactorTest, ATicketHoldsFiveMinutes) {
    const Device device = enrol("li");
    const auto half = accounts_->login("li", password, "a");
    clock_.move(5 * 60'000);
    EXPECT_EQ(second_step(*accounts_, half->ticket, code(device.secret)).outcome().issues[0].where, "ticket");
    EXPECT_EQ(second_step(*accounts_, "nothing", code(device.secret)).outcome().issues[0].where, "ticket");
}

TEST_P(FactorTest, ARecoveryCodeOpensOnceHoweverItIsTyped) {
    const Device device = enrol("li");
    const std::string code = device.enrolled.recovery_codes[3];
    std::string shouted;
    for (const char c : code) shouted += c == '-' ? ' ' : static_cast<char>(std::toupper(c));
    const auto first = accounts_->login("li", password, "a"), second = accounts_->login("li", password, "a");
    const auto session = second_step(*accounts_, first->ticket, shouted);
    ASSERT_TRUE(session.ok());
    EXPECT_FALSE(second_step(*accounts_, second->ticket, code).ok());
    EXPECT_EQ(factor_standing(*accounts_, session->viewer).recovery_left, 9);
    const auto fresh = renew_recovery_codes(*accounts_, session->cookie, password);
    ASSERT_TRUE(fresh.ok());
    EXPECT_FALSE(second_step(*accounts_, second->ticket, device.enrolled.recovery_codes[4]).ok()) << "the old ones are void";
    EXPECT_TRUE(second_step(*accounts_, second->ticket, (*fresh)[0]).ok());
}

TEST_P(FactorTest, GuessingCodesIsStoppedHoweverManyTicketsOneGets) {
    const Device device = enrol("li");
    for (int i = 0; i < 5; ++i) {
        const auto half = accounts_->login("li", password, "place-" + std::to_string(i));
        EXPECT_EQ(second_step(*accounts_, half->ticket, "000000").outcome().code(), IssueCode::login);
    }
    const auto half = accounts_->login("li", password, "elsewhere");
    EXPECT_EQ(second_step(*accounts_, half->ticket, code(device.secret)).outcome().code(), IssueCode::throttled);
    clock_.move(60'000);
    EXPECT_TRUE(second_step(*accounts_, half->ticket, code(device.secret)).ok());
}

TEST_P(FactorTest, TheSecretIsSealedAndLostWithItsKey) {
    const Device device = enrol("li");
    for (const auto& file : testing::files_below(folder_.path(), "")) {
        const std::string bytes = testing::read_file(file);
        EXPECT_EQ(bytes.find(device.secret), std::string::npos) << file;
        EXPECT_EQ(bytes.find(device.enrolled.recovery_codes[0]), std::string::npos) << file;
    }
    const auto key = folder_.path() / "secrets" / "access.key";
    EXPECT_EQ(std::filesystem::status(key).permissions(), std::filesystem::perms(0600));
    std::filesystem::remove(key);
    Accounts again(folder_.path(), clock_, store_);
    const auto half = again.login("li", password, "a");
    EXPECT_FALSE(second_step(again, half->ticket, code(device.secret)).ok());
    EXPECT_TRUE(second_step(again, half->ticket, device.enrolled.recovery_codes[0]).ok()) << "these need no key";
}

TEST_P(FactorTest, AResetTakesItAwayAndEndsSessions) {
    const Device device = enrol("li");
    ASSERT_TRUE(reset_factor(*accounts_, "li").ok());
    EXPECT_FALSE(accounts_->session(device.enrolled.session.cookie));
    EXPECT_NE(accounts_->login("li", password, "a")->cookie, "");
    EXPECT_EQ(reset_factor(*accounts_, "nobody").outcome().code(), IssueCode::not_found);
}

TEST_P(FactorTest, EnrollingNeedsThePasswordAndAFittingCode) {
    const auto session = accounts_->login("li", password, "a");
    EXPECT_EQ(begin_enrolment(*accounts_, session->cookie, "wrong").outcome().issues[0].where, "password");
    EXPECT_EQ(finish_enrolment(*accounts_, session->cookie, "123456").outcome().code(), IssueCode::conflict);
    const auto begun = begin_enrolment(*accounts_, session->cookie, password);
    EXPECT_EQ(begun->uri.find("otpauth://totp/Xinglin:li?secret="), 0u);
    EXPECT_EQ(finish_enrolment(*accounts_, session->cookie, "000000").outcome().code(), IssueCode::value);
    EXPECT_NE(accounts_->login("li", password, "a")->cookie, "") << "a secret that was only shown is asked of nobody";
    EXPECT_TRUE(finish_enrolment(*accounts_, session->cookie, code(secret_of(*begun))).ok());
}

TEST_P(FactorTest, StrangersLockNobodyOutOfTheirUsualPlace) {
    ASSERT_TRUE(accounts_->login("li", password, "ward-3").ok());
    for (int i = 0; i < 40; ++i) (void)accounts_->login("li", "guess", "stranger-" + std::to_string(i));
    EXPECT_EQ(accounts_->login("li", password, "stranger-99").outcome().code(), IssueCode::throttled);
    EXPECT_TRUE(accounts_->login("li", password, "ward-3").ok());
}

TEST_P(FactorTest, ARestartAndAnotherServerRememberWrongGuesses) {
    for (int i = 0; i < 5; ++i) (void)accounts_->login("li", "guess", "a");
    Accounts other(folder_.path(), clock_, store_);
    EXPECT_EQ(other.login("li", password, "a").outcome().code(), IssueCode::throttled);
    EXPECT_GT(wait_ms(other, "li", "a"), 0);
    EXPECT_LE(wait_ms(other, "li", "a"), 60'000);
    accounts_.reset();
    accounts_ = std::make_unique<Accounts>(folder_.path(), clock_, store_);
    EXPECT_EQ(accounts_->login("li", password, "a").outcome().code(), IssueCode::throttled);
    clock_.move(60'000);
    EXPECT_EQ(accounts_->login("li", "guess", "a").outcome().code(), IssueCode::login);
    clock_.move(60'000);
    EXPECT_EQ(accounts_->login("li", password, "a").outcome().code(), IssueCode::throttled) << "twice as long the second time";
}

TEST_P(FactorTest, AnUnknownNameCostsAsMuchWorkAsAWrongPassword) {
    ASSERT_TRUE(accounts_->add_client("machine", "system/*.rs").ok());
    ASSERT_TRUE(accounts_->add_user("gone", Role::clinician, "", password).ok());
    ASSERT_TRUE(accounts_->change_user("gone", {.disabled = true}).ok());
    for (const std::string_view name : {"li", "nobody", "machine", "gone", "王"}) {
        const std::uint64_t before = passwords_compared();
        EXPECT_EQ(accounts_->login(name, "guess", "a").outcome().code(), IssueCode::login);
        EXPECT_EQ(passwords_compared() - before, 1u) << name;
    }
    const std::uint64_t before = passwords_compared();
    (void)accounts_->login("nobody", std::string(5'000, 'x'), "a");
    EXPECT_EQ(passwords_compared() - before, 1u) << "an endless password too";
}

TEST_P(FactorTest, APasswordGrowsOldAndNoneComesBack) {
    const auto session = accounts_->login("li", password, "a");
    const auto second = accounts_->change_password(session->cookie, password, "another-rain-8");
    ASSERT_TRUE(second.ok());
    EXPECT_EQ(accounts_->change_password(second->cookie, "another-rain-8", password).outcome().issues[0].where, "new");
    EXPECT_GT(password_until_ms(*accounts_, second->viewer), clock_.now_ms());
    clock_.move(181ll * 86'400'000);
    EXPECT_TRUE(accounts_->login("li", "another-rain-8", "a")->viewer.must_change_password);
}

TEST_P(FactorTest, SessionsAreListedInPlainWordsAndEnded) {
    const auto here = accounts_->login("li", password, "10.0.0.1",
                                       "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/131.0 Safari/537.36");
    const auto there =
        accounts_->login("li", password, "10.0.0.2", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1");
    const auto strange = accounts_->login("li", password, "10.0.0.3", std::string(500, '\xE6'));
    ASSERT_TRUE(strange.ok());
    auto all = open_sessions(*accounts_, here->cookie);
    ASSERT_EQ(all.size(), 3u);
    const auto mine = std::find_if(all.begin(), all.end(), [](const auto& each) { return each.present; });
    const auto phone = std::find_if(all.begin(), all.end(), [](const auto& each) { return each.peer == "10.0.0.2"; });
    ASSERT_NE(mine, all.end());
    EXPECT_EQ(mine->device.browser + " " + mine->device.system, "Chrome Windows");
    EXPECT_EQ(phone->device.browser + " " + phone->device.system, "Safari iPhone");
    const auto wang = accounts_->login("wang", password, "a");
    EXPECT_EQ(end_session(*accounts_, wang->cookie, phone->id).outcome().code(), IssueCode::not_found) << "somebody else's";
    ASSERT_TRUE(end_session(*accounts_, here->cookie, phone->id).ok());
    EXPECT_FALSE(accounts_->session(there->cookie));
    EXPECT_EQ(end_other_sessions(*accounts_, here->cookie), 1);
    EXPECT_TRUE(accounts_->session(here->cookie));
    EXPECT_TRUE(accounts_->session(wang->cookie));
}

TEST_P(FactorTest, NobodyHoldsTwoDutiesThatExcludeEachOther) {
    ASSERT_TRUE(accounts_->add_user("admin-zhao", Role::administrator, "", password, "", {.practitioner = "p-1"}).ok());
    EXPECT_EQ(
        accounts_->add_user("audit-zhao", Role::auditor, "", password, "", {.practitioner = "p-1"}).outcome().issues[0].where,
        "practitioner");
    ASSERT_TRUE(accounts_->add_user("doctor-zhao", Role::clinician, "", password, "", {.practitioner = "p-1"}).ok());
    EXPECT_EQ(accounts_->change_user("doctor-zhao", {.role = Role::operator_}).outcome().code(), IssueCode::conflict);
    ASSERT_TRUE(accounts_->change_user("admin-zhao", {.disabled = true}).ok());
    EXPECT_TRUE(accounts_->change_user("doctor-zhao", {.role = Role::operator_}).ok());
    EXPECT_EQ(accounts_->change_user("admin-zhao", {.disabled = false}).outcome().code(), IssueCode::conflict);
}

TEST_P(FactorTest, GoesAlongWhenAccountsAreCopied) {
    const Device device = enrol("li");
    testing::ScratchFolder target;
    accounts_.reset();
    ASSERT_TRUE(copy({folder_.path(), store_}, {target.path(), ""}, clock_).ok());
    std::filesystem::create_directories(target.path() / "secrets");
    std::filesystem::copy_file(folder_.path() / "secrets" / "access.key", target.path() / "secrets" / "access.key",
                               std::filesystem::copy_options::overwrite_existing);
    Accounts there(target.path(), clock_);
    const auto half = there.login("li", password, "a");
    EXPECT_EQ(half->cookie, "");
    EXPECT_TRUE(second_step(there, half->ticket, code(device.secret)).ok());
}

TEST(Rules, OfTheBuiltInContentDoWhatTheirCasesSay) {
    std::vector<content::Complaint> complaints;
    std::size_t checked = 0;
    check_shelf(content::Files(), complaints, checked);
    EXPECT_GT(checked, 8u);
    for (const auto& each : complaints) ADD_FAILURE() << each.file << ": " << each.where << ": " << each.what;
    const auto rules = Rules::read(content::Files());
    for (const Role role : {Role::administrator, Role::auditor, Role::operator_, Role::institution_administrator})
        EXPECT_TRUE(rules->of(role).second_factor);
    EXPECT_FALSE(rules->of(Role::resident).second_factor);
    EXPECT_EQ(rules->of(Role::resident).idle_ms, 20 * 60'000);
}

}  // namespace
}  // namespace xinglin::access
