// SPDX-License-Identifier: Apache-2.0
// Scopes: what is understood, how they meet, and how a request is narrowed to them.
#include "oauth/scope.h"

#include <gtest/gtest.h>

namespace xinglin::oauth {
namespace {

Granted granted(std::string_view text) {
    auto parsed = Granted::parse(text);
    EXPECT_TRUE(parsed.ok()) << text;
    return parsed.ok() ? *parsed : Granted();
}

TEST(Scope, IsReadStrictly) {
    EXPECT_EQ(granted("patient/Observation.read openid user/*.* email").text(), "openid patient/Observation.rs user/*.cruds");
    EXPECT_EQ(granted("patient/Observation.rs?category=laboratory").resources[0].query, "category=laboratory");
    EXPECT_EQ(granted("user/Patient.rs user/Patient.r user/Patient.s").text(), "user/Patient.rs") << "held already";
    for (const std::string_view bad : {"patient/Observation",
                                       "patient/.rs",
                                       "patient/Observation.",
                                       "patient/Observation.sr",
                                       "patient/Observation.rr",
                                       "patient/observation.rs",
                                       "patient/Nothing.rs",
                                       "patient/Resource.rs",
                                       "group/Patient.rs",
                                       "/Patient.rs",
                                       "patient/Observation.rs?",
                                       "patient/Observation.rs?category",
                                       "patient/Observation.rs?nonsense=1",
                                       "patient/*.rs?category=x",
                                       "patient/Observation.rs?subject.name=li",
                                       "patient/Observation.rs?_include=x",
                                       "patient/Observation.rs?_has:x=1",
                                       "patient/Observation.rs?date=yesterday",
                                       "patient/Observation.rs?category=",
                                       "patient/Obser\"vation.rs",
                                       "patient/*.rs\\"})
        EXPECT_FALSE(Granted::parse(bad).ok()) << bad;
    std::string many;
    for (int i = 0; i < 70; ++i) many += "user/Observation.rs?category=c" + std::to_string(i) + " ";
    EXPECT_EQ(Granted::parse(many).outcome().code(), IssueCode::too_costly);
    EXPECT_EQ(Granted::parse(std::string(5'000, 'a')).outcome().code(), IssueCode::too_costly);
}

TEST(Scope, MeetsAnotherInWhatBothAllow) {
    const auto meet = [](std::string_view a, std::string_view b) { return granted(a).meet(granted(b)).text(); };
    EXPECT_EQ(meet("user/*.cruds", "user/Observation.rs user/Patient.cu"), "user/Observation.rs user/Patient.cu");
    EXPECT_EQ(meet("user/Observation.rs", "patient/Observation.rs system/*.cruds"), "");
    EXPECT_EQ(meet("user/Observation.rs", "user/Observation.rs?category=x"), "user/Observation.rs?category=x");
    EXPECT_EQ(meet("user/Observation.rs?code=a", "user/Observation.r?category=x"), "user/Observation.r?code=a&category=x");
    EXPECT_EQ(meet("openid offline_access user/Patient.r", "openid user/*.rs"), "openid user/Patient.r");
}

TEST(Scope, IsWithinAnotherOnlyWhenAllOfItIs) {
    const auto within = [](std::string_view a, std::string_view b) { return granted(a).is_within(granted(b)); };
    EXPECT_TRUE(within("user/Patient.r", "user/*.rs openid"));
    EXPECT_TRUE(within("user/Observation.r?category=x", "user/Observation.rs"));
    EXPECT_FALSE(within("user/Observation.r", "user/Observation.rs?category=x"));
    EXPECT_FALSE(within("user/*.r", "user/Patient.r"));
    EXPECT_FALSE(within("user/Patient.ru", "user/Patient.rs"));
    EXPECT_FALSE(within("offline_access user/Patient.r", "user/*.rs"));
    EXPECT_FALSE(within("system/Patient.r", "user/*.cruds"));
}

TEST(Scope, GivesItsConditionsByType) {
    const auto conditions = granted("patient/Observation.rs?category=laboratory user/*.r").conditions();
    ASSERT_EQ(conditions.size(), 2u);
    EXPECT_EQ(conditions[0].type, "Observation");
    EXPECT_EQ(conditions[0].actions, "rs");
    EXPECT_EQ(conditions[0].query, "category=laboratory");
    EXPECT_TRUE(conditions[0].in_context);
    EXPECT_FALSE(conditions[1].in_context);
}

/// What counts without conditions, then the conditions where the guard is to hold them ("@": of the patient in context); or "no".
std::string passes(std::string_view scope, std::string_view method, const std::string& target, bool is_system = false,
                   std::string_view context = "p1", std::string body = "", std::string_view if_none_exist = "") {
    http::Request request;
    request.method = method;
    request.path = target.substr(0, target.find('?'));
    if (target.find('?') != std::string::npos) request.query = target.substr(target.find('?') + 1);
    if (!body.empty()) request.headers.add("Content-Type", "application/x-www-form-urlencoded");
    if (!if_none_exist.empty()) request.headers.add("If-None-Exist", std::string(if_none_exist));
    request.body = std::move(body);
    const auto passage = pass(granted(scope), is_system, context, request);
    if (!passage.ok()) return "no";
    std::string out = passage->granted;
    for (const Granted::Condition& each : passage->conditions)
        out += " | " + std::string(each.in_context ? "@" : "") + each.type + "." + each.actions +
               (each.query.empty() ? "" : "?" + each.query);
    return out;
}

TEST(Passage, OfAUserScopeGoesOnAsItCame) {
    EXPECT_EQ(passes("user/Observation.rs openid", "GET", "/fhir/Observation?code=x"), "user/Observation.rs");
    EXPECT_EQ(passes("user/Observation.rs", "GET", "/fhir/Observation/1"), "user/Observation.rs");
    EXPECT_EQ(passes("user/Observation.rs", "POST", "/fhir/Observation"), "no");
    EXPECT_EQ(passes("user/Observation.cruds", "POST", "/fhir/Observation"), "user/Observation.cruds");
    EXPECT_EQ(passes("user/Observation.rs", "PUT", "/fhir/Observation/1"), "no");
    EXPECT_EQ(passes("user/Observation.rs", "DELETE", "/fhir/Observation/1"), "no");
    EXPECT_EQ(passes("user/Observation.rs", "GET", "/fhir/Patient/p1"), "no");
    EXPECT_EQ(passes("user/Observation.r", "GET", "/fhir/Observation"), "no") << "read is not search";
    EXPECT_EQ(passes("system/Observation.rs", "GET", "/fhir/Observation/1", true), "system/Observation.rs");
    EXPECT_EQ(passes("system/Observation.rs", "GET", "/fhir/Observation/1", false), "no") << "of systems, in a person's token";
    EXPECT_EQ(passes("openid", "GET", "/fhir/Patient"), "no");
    EXPECT_EQ(passes("patient/*.rs", "GET", "/fhir/Observation/7", false, ""), "no") << "nobody in context";
}

// What shows or counts other types than the one searched meets the guard, unless every type may be seen.
TEST(Passage, WhatReachesOutIsHeldToWhatTheScopesName) {
    for (const std::string_view out :
         {"subject:Patient.name=li", "_has:Provenance:target:agent=x", "_include=Observation:subject",
          "_revinclude=Provenance:target", "_include:iterate=*", "_list=1"}) {
        const std::string asked = "/fhir/Observation?" + std::string(out);
        EXPECT_EQ(passes("user/Observation.rs", "GET", asked), "user/Observation.rs | Observation.rs") << out;
        EXPECT_EQ(passes("patient/*.rs", "GET", asked), "patient/*.rs | @*.rs") << out;
        EXPECT_EQ(passes("user/*.rs", "GET", asked), "user/*.rs") << out;
        EXPECT_EQ(passes("user/Observation.rs", "POST", "/fhir/Observation/_search", false, "p1", std::string(out)),
                  "user/Observation.rs | Observation.rs")
            << out;
    }
    EXPECT_EQ(passes("system/Observation.cruds", "POST", "/fhir/Observation", true, "", "", "subject:Patient.name=li"),
              "system/Observation.cruds | Observation.cruds");
    for (const auto& [method, target] : {std::pair{"POST", "/fhir"},
                                         {"GET", "/fhir"},
                                         {"GET", "/fhir/_history"},
                                         {"GET", "/fhir/Patient/p1/*"},
                                         {"GET", "/fhir/Patient/p1/$everything"},
                                         {"GET", "/fhir/Observation/_history"}}) {
        EXPECT_EQ(passes("system/Observation.rs", method, target, true), "system/Observation.rs | Observation.rs") << target;
        EXPECT_EQ(passes("user/*.rs", method, target), "user/*.rs") << target;
        EXPECT_EQ(passes("patient/*.rs user/Practitioner.r", method, target),
                  "patient/*.rs user/Practitioner.r | @*.rs | Practitioner.r");
    }
}

TEST(Passage, OfAPatientOrAConditionIsTheGuards) {
    const std::string_view one = "launch/patient patient/Observation.rs?category=laboratory";
    const std::string held = "patient/Observation.rs | @Observation.rs?category=laboratory";
    for (const std::string_view target :
         {"/fhir/Observation?category=vital-signs", "/fhir/Observation/7", "/fhir/Observation/7/_history/2",
          "/fhir/Patient/p2/Observation", "/fhir/Patient/p1/$everything", "/fhir"})
        EXPECT_EQ(passes(one, "GET", std::string(target)), held) << target;
    EXPECT_EQ(passes(one, "GET", "/fhir/Patient/p1"), "no");
    EXPECT_EQ(passes(one, "PUT", "/fhir/Observation/7"), "no");
    EXPECT_EQ(passes("user/Observation.rs?category=a user/Observation.rs?code=b", "GET", "/fhir/Observation"),
              "user/Observation.rs | Observation.rs?category=a | Observation.rs?code=b");
    EXPECT_EQ(passes("system/*.rs system/Observation.cud?category=a", "PUT", "/fhir/Observation/7", true),
              "system/*.rs system/Observation.cud | *.rs | Observation.cud?category=a");
    EXPECT_EQ(passes("system/*.rs system/Observation.cud?category=a", "GET", "/fhir/Observation", true), "system/*.rs")
        << "costs nothing";
    EXPECT_EQ(passes("system/*.rs system/Observation.cud?category=a", "POST", "/fhir", true),
              "system/*.rs system/Observation.cud | *.rs | Observation.cud?category=a");
}

TEST(Passage, OfAnExportNeedsWholeTypes) {
    for (const std::string target : {"/fhir/$export", "/fhir/Patient/$export", "/fhir/Group/1/$export", "/fhir/bulk/1"}) {
        EXPECT_EQ(passes("system/Observation.rs?category=a", "GET", target, true), "no") << target;
        EXPECT_EQ(passes("patient/*.rs", "GET", target), "no") << target;
        EXPECT_EQ(passes("system/Observation.rs system/Patient.rs?active=true", "GET", target, true), "system/Observation.rs")
            << target;
    }
}

}  // namespace
}  // namespace xinglin::oauth
