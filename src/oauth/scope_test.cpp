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
    for (const std::string_view bad :
         {"patient/Observation", "patient/.rs", "patient/Observation.", "patient/Observation.sr", "patient/Observation.rr",
          "patient/observation.rs", "patient/Nothing.rs", "patient/Resource.rs", "group/Patient.rs", "/Patient.rs",
          "patient/Observation.rs?", "patient/Observation.rs?category", "patient/Observation.rs?nonsense=1", "patient/*.rs?category=x",
          "patient/Observation.rs?subject.name=li", "patient/Observation.rs?_include=x", "patient/Observation.rs?_has:x=1",
          "patient/Observation.rs?date=yesterday", "patient/Observation.rs?category=", "patient/Obser\"vation.rs", "patient/*.rs\\"})
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

/// "granted | path?query | what is read first", or "no".
std::string passes(std::string_view scope, std::string_view method, const std::string& target, bool is_system = false,
                   std::string_view context = "p1", std::string body = "") {
    http::Request request;
    request.method = method;
    request.path = target.substr(0, target.find('?'));
    if (target.find('?') != std::string::npos) request.query = target.substr(target.find('?') + 1);
    if (!body.empty()) request.headers.add("Content-Type", "application/x-www-form-urlencoded");
    request.body = std::move(body);
    const auto passage = pass(granted(scope), is_system, context, request);
    if (!passage.ok()) return "no";
    std::string out = passage->granted + " | " + passage->path;
    if (!passage->path.empty()) out += "?" + passage->query;
    out += " | ";
    if (!passage->check_type.empty())
        out += passage->check_type + "/" + passage->check_id + "?" + passage->check_query + (passage->check_context ? " in context" : "");
    return out;
}

TEST(Passage, OfAUserScopeGoesOnAsItCame) {
    EXPECT_EQ(passes("user/Observation.rs openid", "GET", "/fhir/Observation?code=x"), "user/Observation.rs |  | ");
    EXPECT_EQ(passes("user/Observation.rs", "GET", "/fhir/Observation/1"), "user/Observation.rs |  | ");
    EXPECT_EQ(passes("user/Observation.rs", "POST", "/fhir/Observation"), "no");
    EXPECT_EQ(passes("user/Observation.cruds", "POST", "/fhir/Observation"), "user/Observation.cruds |  | ");
    EXPECT_EQ(passes("user/Observation.rs", "PUT", "/fhir/Observation/1"), "no");
    EXPECT_EQ(passes("user/Observation.rs", "DELETE", "/fhir/Observation/1"), "no");
    EXPECT_EQ(passes("user/Observation.rs", "GET", "/fhir/Patient/p1"), "no");
    EXPECT_EQ(passes("user/Observation.r", "GET", "/fhir/Observation"), "no") << "read is not search";
    EXPECT_EQ(passes("system/Observation.rs", "GET", "/fhir/Observation/1", true), "system/Observation.rs |  | ");
    EXPECT_EQ(passes("system/Observation.rs", "GET", "/fhir/Observation/1", false), "no") << "of systems, in a person's token";
    EXPECT_EQ(passes("openid", "GET", "/fhir/Patient"), "no");
}

TEST(Passage, OfChainsNeedsEveryType) {
    for (const std::string_view out : {"subject:Patient.name=li", "_has:Provenance:target:agent=x", "_include=Observation:subject",
                                       "_revinclude=Provenance:target", "_include:iterate=*", "_list=1"}) {
        EXPECT_EQ(passes("user/Observation.rs", "GET", "/fhir/Observation?" + std::string(out)), "no") << out;
        EXPECT_EQ(passes("patient/*.rs", "GET", "/fhir/Observation?" + std::string(out)), "no") << out;
        EXPECT_EQ(passes("user/*.rs", "GET", "/fhir/Observation?" + std::string(out)), "user/*.rs |  | ") << out;
        EXPECT_EQ(passes("user/Observation.rs", "POST", "/fhir/Observation/_search", false, "p1", std::string(out)), "no") << out;
    }
}

TEST(Passage, OfAPatientScopeIsLedIntoThePatientsCompartment) {
    const std::string_view scope = "launch/patient patient/*.rs";
    EXPECT_EQ(passes(scope, "GET", "/fhir/Observation?code=a%20b"), "patient/*.rs | /fhir/Patient/p1/Observation?code=a%20b | ");
    EXPECT_EQ(passes(scope, "POST", "/fhir/Observation/_search", false, "p1", "code=x"),
              "patient/*.rs | /fhir/Patient/p1/Observation?code=x | ");
    EXPECT_EQ(passes(scope, "GET", "/fhir/Observation/7"), "patient/*.rs |  | Observation/7? in context");
    EXPECT_EQ(passes(scope, "GET", "/fhir/Observation/7/_history/2"), "patient/*.rs |  | Observation/7? in context");
    EXPECT_EQ(passes(scope, "GET", "/fhir/Patient/p1"), "patient/*.rs |  | ");
    EXPECT_EQ(passes(scope, "GET", "/fhir/Patient/p2"), "no");
    EXPECT_EQ(passes(scope, "GET", "/fhir/Patient?name=li"), "patient/*.rs | /fhir/Patient?name=li&_id=p1 | ");
    EXPECT_EQ(passes(scope, "GET", "/fhir/Patient/p1/Observation"), "patient/*.rs | /fhir/Patient/p1/Observation? | ");
    EXPECT_EQ(passes(scope, "GET", "/fhir/Patient/p2/Observation"), "no");
    EXPECT_EQ(passes(scope, "GET", "/fhir/Patient/p1/$everything"), "patient/*.rs |  | ");
    EXPECT_EQ(passes(scope, "GET", "/fhir/Patient/p2/$everything"), "no");
    EXPECT_EQ(passes("user/Practitioner.r patient/*.rs", "GET", "/fhir/Patient/p1/$everything"), "patient/*.rs |  | ");
    EXPECT_EQ(passes("patient/Observation.rs", "GET", "/fhir/Patient/p1/$everything"), "no");
    EXPECT_EQ(passes(scope, "GET", "/fhir/Practitioner/d1"), "patient/*.rs |  | ");
    EXPECT_EQ(passes(scope, "GET", "/fhir/Observation/7", false, ""), "no") << "nobody in context";
    for (const auto& [method, target] : {std::pair{"POST", "/fhir"},
                                         {"GET", "/fhir"},
                                         {"GET", "/fhir/_history"},
                                         {"GET", "/fhir/Observation/_history"},
                                         {"GET", "/fhir/$export"},
                                         {"GET", "/fhir/Patient/$export"},
                                         {"POST", "/fhir/Patient/$match"},
                                         {"GET", "/fhir/Patient/p1/*"},
                                         {"PUT", "/fhir/Observation/7"},
                                         {"POST", "/fhir/Observation"},
                                         {"GET", "/fhir/Encounter/p1/Observation"},
                                         {"GET", "/fhir/bulk/1"},
                                         {"OPTIONS", "/fhir/Observation"}})
        EXPECT_EQ(passes(scope, method, target), "no") << method << target;
}

TEST(Passage, OfANarrowedScopeHasItsConditionsInTheQuery) {
    const std::string_view one = "patient/Observation.rs?category=laboratory";
    EXPECT_EQ(passes(one, "GET", "/fhir/Observation?category=vital-signs"),
              "patient/Observation.rs?category=laboratory | /fhir/Patient/p1/Observation?category=vital-signs&category=laboratory | ");
    EXPECT_EQ(passes(one, "GET", "/fhir/Observation/7"), std::string(one) + " |  | Observation/7?category=laboratory in context");
    const std::string_view two = "user/Observation.rs?category=a user/Observation.rs?category=b";
    EXPECT_EQ(passes(two, "GET", "/fhir/Observation"), std::string(two) + " | /fhir/Observation?category=a,b | ");
    EXPECT_EQ(passes("user/Observation.rs?category=a user/Observation.rs?code=b", "GET", "/fhir/Observation"), "no");
    EXPECT_EQ(passes("system/Observation.rs?category=a", "GET", "/fhir/Observation/7", true),
              "system/Observation.rs?category=a |  | Observation/7?category=a");
    EXPECT_EQ(passes("system/Observation.cruds?category=a", "PUT", "/fhir/Observation/7", true), "no");
    EXPECT_EQ(passes(two, "POST", "/fhir"), "no");
    EXPECT_EQ(passes(two, "GET", "/fhir/Observation/_history"), "no");
}

}  // namespace
}  // namespace xinglin::oauth
