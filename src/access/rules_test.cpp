// SPDX-License-Identifier: Apache-2.0
// What needs no store: passwords, secrets, scopes, roles, and how long a guesser waits.
#include "access/access.h"

#include <gtest/gtest.h>

#include "access/secret.h"
#include "access/throttle.h"
#include "text/text.h"

namespace xinglin::access {
namespace {

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

}  // namespace
}  // namespace xinglin::access
