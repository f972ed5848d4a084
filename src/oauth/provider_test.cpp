// SPDX-License-Identifier: Apache-2.0
// The endpoints, and what is tried at them; on both engines.
#include <gmock/gmock.h>

#include <map>

#include "oauth/fetch.h"
#include "oauth/oauth.h"
#include "oauth/test_key.h"
#include "signature/signature.h"
#include "testing/postgres.h"
#include "testing/testing.h"

namespace xinglin::oauth {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

const std::string issuer = "https://record.example", endpoint = issuer + "/oauth/token";
const std::string verifier = "a-verifier-of-at-least-forty-three-characters-1234";

class ProviderTest : public ::testing::Test {
protected:
    testing::ScratchFolder folder;
    testing::StoppedClock clock;
    std::map<std::string, access::Viewer, std::less<>> people;
    std::map<std::string, std::string> web;
    int fetches = 0;
    std::vector<std::string> notices;
    TestKey key{"ES384"};
    std::unique_ptr<Provider> provider = open();
    int letters = 0;

    ProviderTest() {
        people["doctor"] = {.account = 7, .name = "doctor", .display = "Dr Li", .role = access::Role::clinician};
        people["doctor"].practitioner = "d1";
        people["li"] = {.account = 8, .name = "li", .display = "Li Na", .role = access::Role::resident, .scope = "patient/p1"};
        people["planner"] = {.account = 9, .name = "planner", .role = access::Role::planner};
        add({.name = "hospital", .grants = {"client_credentials"}, .scope = "system/*.rs system/Patient.u", .jwks = key.jwks()});
        add({.name = "app",
             .is_public = true,
             .grants = {"authorization_code", "refresh_token"},
             .redirects = {"https://app.example/cb", "http://127.0.0.1:9/cb"},
             .scope = "openid fhirUser profile launch/patient offline_access online_access patient/*.rs user/*.cruds"});
    }
    std::unique_ptr<Provider> open() {
        Options options;
        options.data = folder.path();
        options.store = testing::store_beside(folder.path());
        options.issuer = [] { return issuer; };
        options.account = [this](std::string_view name) -> std::optional<access::Viewer> {
            const auto found = people.find(name);
            return found == people.end() ? std::nullopt : std::optional(found->second);
        };
        options.fetch = [this](const std::string& url) -> Result<std::string> {
            ++fetches;
            const auto found = web.find(url);
            return found == web.end() ? Result<std::string>(refuse(IssueCode::not_found, "url", "nothing there"))
                                      : Result<std::string>(found->second);
        };
        options.notice = [this](std::string_view what, std::string_view client, std::string_view account) {
            notices.push_back(fmt::format("{} {} {}", what, client, account));
        };
        return std::make_unique<Provider>(std::move(options), clock);
    }
    void add(Client client) {
        const auto added = provider->add_client(std::move(client));
        ASSERT_TRUE(added.ok()) << added.outcome().line();
    }
    std::string claims(std::string_view name, std::int64_t lasts_s = 200, std::string jti = "", std::string aud = endpoint) {
        if (jti.empty()) jti = "j" + std::to_string(++letters);
        return fmt::format(R"({{"iss":"{0}","sub":"{0}","aud":"{1}","exp":{2},"jti":"{3}"}})", name, aud,
                           clock.now_ms() / 1000 + lasts_s, jti);
    }
    Form by(const std::string& letter, std::string_view scope = "system/*.rs") {
        return {{"grant_type", "client_credentials"},
                {"client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
                {"client_assertion", letter},
                {"scope", std::string(scope)}};
    }
    static std::string said(const Result<Given>& given, std::string_view member) {
        return given.ok() ? std::string(given->body[member].text()) : "refused: " + given.outcome().line();
    }
    static std::string error(const Result<Given>& given) { return given.ok() ? "ok" : given.outcome().issues[0].where; }

    Form request(std::string scope = "openid fhirUser user/Observation.rs offline_access") {
        return {{"response_type", "code"},
                {"client_id", "app"},
                {"redirect_uri", "https://app.example/cb"},
                {"scope", std::move(scope)},
                {"state", "s 1"},
                {"nonce", "n1"},
                {"aud", issuer + "/fhir"},
                {"code_challenge", text::base64_url(signature::sha256(verifier))},
                {"code_challenge_method", "S256"}};
    }
    static void set(Form& form, std::string_view name, std::string value) {
        for (auto& [key, old] : form) {
            if (key == name) old = value;
        }
    }
    std::string code_for(const Form& form, std::string_view account = "doctor", std::string_view patient = "") {
        const auto proposed = provider->propose(form, &people[std::string(account)]);
        if (const auto* no = std::get_if<Rejected>(&proposed)) return "rejected: " + no->error;
        const auto to = provider->approve(std::get<Proposal>(proposed), people[std::string(account)], patient);
        if (!to.ok()) return "refused: " + to.outcome().line();
        const auto begin = to->find("code=") + 5;
        return to->substr(begin, to->find('&', begin) - begin);
    }
    Result<Given> redeem(const std::string& code, std::string proof = verifier, std::string client = "app",
                         std::string redirect = "https://app.example/cb") {
        return provider->token({{"grant_type", "authorization_code"},
                                {"client_id", client},
                                {"code", code},
                                {"redirect_uri", redirect},
                                {"code_verifier", proof}},
                               {});
    }
    Result<Given> refresh(const std::string& token, std::string scope = "", std::string client = "app") {
        Form form{{"grant_type", "refresh_token"}, {"client_id", client}, {"refresh_token", token}};
        if (!scope.empty()) form.emplace_back("scope", scope);
        return provider->token(form, {});
    }
    bool lives(const std::string& token) { return provider->bearer(token, "").has_value(); }
};

TEST_F(ProviderTest, ASystemGetsATokenForALetterItSigned) {
    for (const std::string algorithm : {"RS384", "ES384", "ES256", "SM2"}) {
        const TestKey own(algorithm);
        add({.name = "system " + algorithm, .grants = {"client_credentials"}, .scope = "system/*.rs", .jwks = own.jwks()});
        const auto given =
            provider->token(by(own.letter(claims("system " + algorithm)), "system/Patient.rs openid patient/*.rs"), {});
        ASSERT_TRUE(given.ok()) << algorithm << given.outcome().line();
        EXPECT_EQ(said(given, "scope"), "system/Patient.rs");
        EXPECT_EQ(said(given, "expires_in"), "600");
        EXPECT_EQ(said(given, "refresh_token"), "") << "a system signs again";
        const auto known = provider->bearer(said(given, "access_token"), "");
        ASSERT_TRUE(known);
        EXPECT_EQ(known->viewer.role, access::Role::system);
        EXPECT_TRUE(known->viewer.allows("Patient", 'r'));
        EXPECT_FALSE(known->viewer.allows("Observation", 'r'));
        clock.move(600'000);
        EXPECT_FALSE(lives(said(given, "access_token")));
    }
}

TEST_F(ProviderTest, ALetterCountsOnceAlsoAfterARestart) {
    const std::string letter = key.letter(claims("hospital"));
    EXPECT_EQ(error(provider->token(by(letter), {})), "ok");
    EXPECT_EQ(error(provider->token(by(letter), {})), "invalid_client");
    EXPECT_EQ(error(provider->token(by(key.letter(claims("hospital", 100, "j1"))), {})), "invalid_client")
        << "the same jti, signed anew";
    provider.reset();
    provider = open();
    EXPECT_EQ(error(provider->token(by(letter), {})), "invalid_client");
    EXPECT_EQ(error(provider->token(by(key.letter(claims("hospital"))), {})), "ok");
}

TEST_F(ProviderTest, LettersThatAreNotRightAreRefused) {
    const TestKey stranger("ES384"), rs256("RS256");
    add({.name = "rsa", .grants = {"client_credentials"}, .scope = "system/*.rs", .jwks = rs256.jwks()});
    const std::int64_t now = clock.now_ms() / 1000;
    const auto with = [&](std::string_view more) {
        return fmt::format(R"({{"iss":"hospital","sub":"hospital","aud":"{}","exp":{},"jti":"x{}"{}}})", endpoint, now + 100,
                           ++letters, more);
    };
    for (const auto& [what, letter] : std::map<std::string, std::string>{
             {"a stranger's key", stranger.letter(claims("hospital"))},
             {"over", key.letter(claims("hospital", 0))},
             {"too long a life", key.letter(claims("hospital", 400))},
             {"for somebody else", key.letter(claims("hospital", 100, "", "https://other.example/oauth/token"))},
             {"unknown client", key.letter(claims("nobody"))},
             {"public client", key.letter(claims("app"))},
             {"no jti",
              key.letter(fmt::format(R"({{"iss":"hospital","sub":"hospital","aud":"{}","exp":{}}})", endpoint, now + 100))},
             {"iss is not sub",
              key.letter(fmt::format(R"({{"iss":"rsa","sub":"hospital","aud":"{}","exp":{},"jti":"q"}})", endpoint, now + 100))},
             {"not yet", key.letter(with(fmt::format(R"(,"nbf":{})", now + 100)))},
             {"made tomorrow", key.letter(with(fmt::format(R"(,"iat":{})", now + 86400)))},
             {"wrong kid", TestKey("ES384", "k9").letter(claims("hospital"))},
             {"RS256", rs256.letter(claims("rsa"))},
             {"none", text::base64_url(R"({"alg":"none"})") + "." + text::base64_url(claims("hospital")) + "."},
             {"key confusion", hmac_letter(R"({"alg":"HS256","kid":"k1"})", claims("hospital"), key.jwks())},
             {"huge", std::string(100'000, 'a')}})
        EXPECT_EQ(error(provider->token(by(letter), {})), "invalid_client") << what;
    EXPECT_EQ(error(provider->token(by(key.letter(claims("hospital", 100, "", issuer))), {})), "ok") << "the issuer as audience";
    Form form = by(key.letter(claims("hospital")));
    form.emplace_back("client_id", "app");
    EXPECT_EQ(error(provider->token(form, {})), "invalid_client");
    EXPECT_EQ(error(provider->token({{"grant_type", "client_credentials"}, {"client_id", "hospital"}}, {})), "invalid_client");
    EXPECT_EQ(
        error(provider->token({{"grant_type", "client_credentials"}, {"client_id", "hospital"}, {"client_secret", "x"}}, {})),
        "invalid_client");
    EXPECT_EQ(error(provider->token({{"grant_type", "password"}, {"client_id", "app"}}, {})), "unsupported_grant_type");
    EXPECT_EQ(error(provider->token({{"grant_type", "client_credentials"}, {"client_id", "app"}}, {})), "unauthorized_client");
}

TEST_F(ProviderTest, ASystemGetsNoMoreThanItIsRegisteredFor) {
    EXPECT_EQ(
        said(provider->token(by(key.letter(claims("hospital")), "system/Observation.cruds system/Patient.cruds"), {}), "scope"),
        "system/Observation.rs system/Patient.rs system/Patient.u");
    EXPECT_EQ(error(provider->token(by(key.letter(claims("hospital")), "system/Observation.c"), {})), "invalid_scope");
    EXPECT_EQ(error(provider->token(by(key.letter(claims("hospital")), "user/*.cruds"), {})), "invalid_scope");
    EXPECT_EQ(error(provider->token(by(key.letter(claims("hospital")), "system/Observation.rs?nonsense=1"), {})),
              "invalid_scope");
}

TEST_F(ProviderTest, KeysAtAnAddressAreFetchedSeldomAndFollowTheirChange) {
    add({.name = "far", .grants = {"client_credentials"}, .scope = "system/*.rs", .jwks_url = "https://far.example/keys"});
    EXPECT_EQ(error(provider->token(by(key.letter(claims("far"))), {})), "invalid_client") << "nothing there yet";
    for (int i = 0; i < 5; ++i) (void)provider->token(by(key.letter(claims("far"))), {}).ok();
    EXPECT_EQ(fetches, 1) << "not asked again at once";
    web["https://far.example/keys"] = key.jwks();
    clock.move(61'000);
    EXPECT_EQ(error(provider->token(by(key.letter(claims("far"))), {})), "ok");
    EXPECT_EQ(error(provider->token(by(key.letter(claims("far"))), {})), "ok");
    EXPECT_EQ(fetches, 2);
    const TestKey next("ES384", "k2");
    web["https://far.example/keys"] = next.jwks();
    for (int i = 0; i < 5; ++i) (void)provider->token(by(TestKey("ES384", "guess").letter(claims("far"))), {}).ok();
    EXPECT_LE(fetches, 3) << "guessed names do not make us ask";
    clock.move(61'000);
    EXPECT_EQ(error(provider->token(by(next.letter(claims("far"))), {})), "ok");
    web["https://far.example/keys"] = "rubbish";
    clock.move(700'000);
    EXPECT_EQ(error(provider->token(by(next.letter(claims("far"))), {})), "ok") << "the keys we had";
}

TEST_F(ProviderTest, ACodeGivesTokensOnceAndASecondTryTakesThemBack) {
    const std::string code = code_for(request());
    ASSERT_THAT(code, StartsWith("xc_"));
    const auto given = redeem(code);
    ASSERT_TRUE(given.ok()) << given.outcome().line();
    const std::string access = said(given, "access_token"), again = said(given, "refresh_token");
    EXPECT_EQ(said(given, "scope"), "openid fhirUser offline_access user/Observation.rs");
    const auto id = Jwt::parse(said(given, "id_token"));
    ASSERT_TRUE(id.ok());
    EXPECT_TRUE(id->fits(*JwkSet::parse(provider->jwks())));
    EXPECT_EQ(id->text("nonce"), "n1");
    EXPECT_EQ(id->text("sub"), "7");
    EXPECT_EQ(id->text("aud"), "app");
    EXPECT_EQ(id->text("iss"), issuer);
    EXPECT_EQ(id->text("fhirUser"), issuer + "/fhir/Practitioner/d1");
    EXPECT_TRUE(lives(access));
    EXPECT_EQ(provider->bearer(access, "")->viewer.granted, said(given, "scope"));
    EXPECT_EQ(provider->bearer(access, "")->viewer.role, access::Role::clinician);

    EXPECT_EQ(error(redeem(code)), "invalid_grant");
    EXPECT_FALSE(lives(access));
    EXPECT_EQ(error(refresh(again)), "invalid_grant");
    EXPECT_THAT(notices, ::testing::ElementsAre("code used twice app doctor"));
}

TEST_F(ProviderTest, ACodeIsForWhoAskedForIt) {
    add({.name = "other",
         .is_public = true,
         .grants = {"authorization_code"},
         .redirects = {"https://app.example/cb"},
         .scope = "openid"});
    EXPECT_EQ(error(redeem(code_for(request()), verifier, "other")), "invalid_grant") << "injected into another client";
    EXPECT_EQ(error(redeem(code_for(request()), verifier + "x")), "invalid_grant");
    EXPECT_EQ(error(redeem(code_for(request()), "")), "invalid_grant") << "PKCE left out";
    EXPECT_EQ(error(redeem(code_for(request()), text::base64_url(signature::sha256(verifier)))), "invalid_grant")
        << "the challenge itself: plain";
    EXPECT_EQ(error(redeem(code_for(request()), verifier, "app", "http://127.0.0.1:9/cb")), "invalid_grant");
    const std::string spent = code_for(request());
    EXPECT_EQ(error(redeem(spent, "wrong-verifier-of-at-least-forty-three-characters")), "invalid_grant");
    EXPECT_EQ(error(redeem(spent)), "invalid_grant") << "one try";
    const std::string late = code_for(request());
    clock.move(60'000);
    EXPECT_EQ(error(redeem(late)), "invalid_grant");
    const std::string gone = code_for(request());
    const access::Viewer doctor = people["doctor"];
    people.erase("doctor");
    EXPECT_EQ(error(redeem(gone)), "invalid_grant") << "the account was removed meanwhile";
}

TEST_F(ProviderTest, ARefreshTokenIsExchangedAndAStolenOneEndsAll) {
    const auto first = redeem(code_for(request()));
    const std::string one = said(first, "refresh_token");
    const auto second = refresh(one);
    ASSERT_TRUE(second.ok()) << second.outcome().line();
    const std::string two = said(second, "refresh_token");
    EXPECT_NE(one, two);
    EXPECT_EQ(Jwt::parse(said(second, "id_token"))->text("nonce"), "");
    EXPECT_EQ(error(refresh(two, "", "hospital")), "invalid_client");
    EXPECT_FALSE(lives(two)) << "a refresh token opens nothing";

    EXPECT_EQ(error(refresh(one)), "invalid_grant") << "somebody has it too";
    EXPECT_EQ(error(refresh(two)), "invalid_grant");
    EXPECT_FALSE(lives(said(second, "access_token")));
    EXPECT_FALSE(lives(said(first, "access_token")));
    EXPECT_THAT(notices, ::testing::ElementsAre("refresh token used twice app doctor"));
}

TEST_F(ProviderTest, ARefreshAsksForLessNeverForMore) {
    const std::string token = said(redeem(code_for(request("openid user/Observation.rs offline_access"))), "refresh_token");
    EXPECT_EQ(error(refresh(token, "user/Patient.rs")), "invalid_scope");
    EXPECT_EQ(error(refresh(token, "user/*.rs")), "invalid_scope");
    EXPECT_EQ(error(refresh(token, "user/Observation.cruds")), "invalid_scope");
    const auto less = refresh(token, "user/Observation.r");
    EXPECT_EQ(said(less, "scope"), "user/Observation.r");
    EXPECT_EQ(said(refresh(said(less, "refresh_token")), "scope"), "openid offline_access user/Observation.rs");
}

TEST_F(ProviderTest, OnlineEndsWithTheSessionOfflineLastsLonger) {
    const auto online = redeem(code_for(request("openid online_access user/Observation.rs")));
    const auto offline = redeem(code_for(request("openid offline_access user/Observation.rs")));
    const auto neither = redeem(code_for(request("openid user/Observation.rs")));
    EXPECT_EQ(said(neither, "refresh_token"), "");
    EXPECT_EQ(provider->grants("doctor").size(), 3u);
    provider->end_online("doctor");
    EXPECT_FALSE(lives(said(online, "access_token")));
    EXPECT_EQ(error(refresh(said(online, "refresh_token"))), "invalid_grant");
    const auto later = refresh(said(offline, "refresh_token"));
    EXPECT_EQ(error(later), "ok");
    ASSERT_EQ(provider->grants("doctor").size(), 1u);
    EXPECT_FALSE(provider->end_grant("li", provider->grants("doctor")[0].id).ok()) << "not one's own";
    EXPECT_TRUE(provider->end_grant("doctor", provider->grants("doctor")[0].id).ok());
    EXPECT_FALSE(lives(said(later, "access_token")));
    clock.move(31ll * 86'400'000);
    EXPECT_EQ(error(refresh(said(later, "refresh_token"))), "invalid_grant");
}

TEST_F(ProviderTest, AnAppIsSentAwayWithoutTrustingAddressesItIsNotRegisteredFor) {
    const auto rejected = [&](const Form& form) {
        const auto proposed = provider->propose(form, &people["doctor"]);
        const auto* no = std::get_if<Rejected>(&proposed);
        return no ? *no : Rejected{"none", "", ""};
    };
    for (const std::string to :
         {"https://app.example/cb/", "https://app.example/cb?x=1", "https://app.example/CB", "https://app.example",
          "https://app.example/cb/../evil", "https://app.example.evil.example/cb", "http://app.example/cb",
          "https://app.example@evil.example/cb", "//evil.example", "javascript:alert(1)", "http://127.0.0.1:10/cb", ""}) {
        Form form = request();
        set(form, "redirect_uri", to);
        EXPECT_EQ(rejected(form).redirect, "") << to;
        EXPECT_EQ(rejected(form).error, "invalid_request") << to;
    }
    Form unknown = request();
    set(unknown, "client_id", "nobody");
    EXPECT_EQ(rejected(unknown).redirect, "");
    for (const auto& [name, value, error] : {std::tuple{"response_type", "token", "unsupported_response_type"},
                                             {"response_type", "code id_token", "unsupported_response_type"},
                                             {"code_challenge", "", "invalid_request"},
                                             {"code_challenge", "short", "invalid_request"},
                                             {"code_challenge_method", "plain", "invalid_request"},
                                             {"code_challenge_method", "", "invalid_request"},
                                             {"aud", "https://evil.example/fhir", "invalid_request"},
                                             {"aud", "", "invalid_request"},
                                             {"scope", "user/Nothing.rs", "invalid_scope"},
                                             {"scope", "", "invalid_scope"},
                                             {"scope", "system/*.rs", "invalid_scope"}}) {
        Form form = request();
        set(form, name, value);
        EXPECT_EQ(rejected(form).error, error) << name << value;
        EXPECT_THAT(rejected(form).redirect, StartsWith("https://app.example/cb?error=")) << name;
        EXPECT_THAT(rejected(form).redirect, HasSubstr("&state=s%201&iss=https%3A%2F%2Frecord.example")) << "whose answer it is";
    }
    for (const auto& [name, error] :
         {std::pair{"request", "request_not_supported"}, {"request_uri", "request_uri_not_supported"}}) {
        Form form = request();
        form.emplace_back(name, "https://evil.example/r");
        EXPECT_EQ(rejected(form).error, error);
    }
    EXPECT_EQ(rejected(request()).error, "none");
}

TEST_F(ProviderTest, APersonGivesNoMoreThanTheyHave) {
    const auto scope = [&](std::string asked, std::string account) {
        const auto proposed = provider->propose(request(std::move(asked)), &people[account]);
        const auto* yes = std::get_if<Proposal>(&proposed);
        return yes ? yes->scope.text() + (yes->needs_patient ? " ?" : "") + (yes->patient.empty() ? "" : " of " + yes->patient)
                   : "rejected";
    };
    EXPECT_EQ(scope("user/Observation.cruds", "doctor"), "user/Observation.cruds");
    EXPECT_EQ(scope("patient/*.cruds openid", "doctor"), "openid patient/*.rs ?");
    EXPECT_EQ(scope("patient/*.rs user/*.rs", "li"), "patient/*.rs of p1");
    EXPECT_EQ(scope("openid user/*.rs", "planner"), "openid");
    EXPECT_EQ(scope("user/*.rs", "planner"), "rejected");
    people["doctor"].role = access::Role::epidemiologist;
    EXPECT_EQ(scope("user/Observation.cruds", "doctor"), "user/Observation.rs");
    EXPECT_THAT(code_for(request("launch/patient patient/*.rs"), "doctor", ""), StartsWith("refused: patient"));
    EXPECT_THAT(code_for(request("launch/patient patient/*.rs"), "doctor", "../p"), StartsWith("refused: patient"));
    const auto given = redeem(code_for(request("launch/patient patient/*.rs"), "li", "somebody-else"));
    EXPECT_EQ(said(given, "patient"), "p1") << "a resident's app sees the resident";
    EXPECT_EQ(provider->bearer(said(given, "access_token"), "")->context, "p1");
}

TEST_F(ProviderTest, ACertificateProvesWhoItIsAndBindsTheToken) {
    const std::string mine(32, 'm'), thiefs(32, 't');
    add({.name = "lab", .grants = {"client_credentials"}, .scope = "system/*.rs", .certificate = mine});
    const Form form{{"grant_type", "client_credentials"}, {"client_id", "lab"}};
    EXPECT_EQ(error(provider->token(form, {})), "invalid_client");
    EXPECT_EQ(error(provider->token(form, {.certificate = thiefs})), "invalid_client");
    const auto given = provider->token(form, {.certificate = mine});
    ASSERT_TRUE(given.ok());
    EXPECT_TRUE(provider->bearer(said(given, "access_token"), mine));
    EXPECT_FALSE(provider->bearer(said(given, "access_token"), ""));
    EXPECT_FALSE(provider->bearer(said(given, "access_token"), thiefs));
    EXPECT_THAT(*provider->introspect({{"client_id", "lab"}, {"token", said(given, "access_token")}}, {.certificate = mine}),
                HasSubstr("x5t#S256"));
}

TEST_F(ProviderTest, TokensAreTakenBackAndAskedAboutByTheirOwnersOnly) {
    const auto given = redeem(code_for(request()));
    const std::string access = said(given, "access_token"), again = said(given, "refresh_token");
    const auto asked = [&](const std::string& token) {
        Form form = by(key.letter(claims("hospital")));
        form.emplace_back("token", token);
        return provider->introspect(form, {}).value();
    };
    EXPECT_THAT(
        asked(access),
        HasSubstr(
            R"("active":true,"scope":"openid fhirUser offline_access user/Observation.rs","client_id":"app","username":"doctor")"));
    EXPECT_EQ(asked("xa_nothing"), R"({"active":false})");
    EXPECT_FALSE(provider->introspect({{"client_id", "app"}, {"token", access}}, {}).ok()) << "a public client";
    add({.name = "small", .grants = {"client_credentials"}, .scope = "system/Patient.r", .jwks = key.jwks()});
    Form small = by(key.letter(claims("small")));
    small.emplace_back("token", access);
    EXPECT_EQ(*provider->introspect(small, {}), R"({"active":false})") << "somebody else's token";
    small = by(key.letter(claims("small")));
    small.emplace_back("token", access);
    EXPECT_TRUE(provider->revoke(small, {}).ok());
    EXPECT_TRUE(lives(access)) << "not by another client";
    EXPECT_TRUE(provider->revoke({{"client_id", "app"}, {"token", access}}, {}).ok());
    EXPECT_FALSE(lives(access));
    EXPECT_EQ(asked(access), R"({"active":false})");
    const std::string fresh = said(refresh(again), "access_token");
    EXPECT_TRUE(lives(fresh));
    EXPECT_TRUE(provider->revoke({{"client_id", "app"}, {"token", again}}, {}).ok());
    EXPECT_FALSE(lives(fresh)) << "with the refresh token goes all it gave";
    EXPECT_TRUE(provider->revoke({{"client_id", "app"}, {"token", "nonsense"}}, {}).ok());
}

TEST_F(ProviderTest, WhatIsRemovedOpensNothingAnyMore) {
    const std::string access = said(redeem(code_for(request())), "access_token");
    people["doctor"].must_change_password = true;
    EXPECT_FALSE(lives(access));
    people["doctor"].must_change_password = false;
    EXPECT_TRUE(lives(access));
    EXPECT_TRUE(provider->remove_client("app").ok());
    EXPECT_FALSE(lives(access));
    EXPECT_FALSE(provider->remove_client("app").ok());
}

TEST_F(ProviderTest, KeysChangeByThemselvesAndOldOnesStayWhileTheirLettersLive) {
    const auto kid_of = [&] { return Jwt::parse(said(redeem(code_for(request())), "id_token"))->kid; };
    const std::string first = kid_of();
    EXPECT_EQ(kid_of(), first);
    clock.move(29 * 86'400'000ll + 3'600'000);
    EXPECT_EQ(kid_of(), first);
    const std::string announced = provider->jwks();
    clock.move(86'400'000);
    const std::string second = kid_of();
    EXPECT_NE(second, first);
    EXPECT_THAT(announced, HasSubstr(second)) << "published before it signs";
    EXPECT_THAT(provider->jwks(), HasSubstr(first));
    clock.move(2 * 86'400'000ll);
    EXPECT_THAT(provider->jwks(), Not(HasSubstr(first)));
    provider.reset();
    provider = open();
    EXPECT_EQ(kid_of(), second) << "kept over a restart";
    EXPECT_THAT(provider->jwks(), Not(HasSubstr("\"d\"")));
}

TEST_F(ProviderTest, ClientsAreRegisteredOnlyWhole) {
    const auto where = [&](Client client) {
        const auto added = provider->add_client(std::move(client));
        return added.ok() ? "ok" : added.outcome().issues[0].where;
    };
    const Client app{.name = "new",
                     .is_public = true,
                     .grants = {"authorization_code"},
                     .redirects = {"https://a.example/cb"},
                     .scope = "openid"};
    const auto but = [&](auto change) {
        Client client = app;
        change(client);
        return where(client);
    };
    for (const std::string bad :
         {"http://a.example/cb", "javascript:alert(1)", "data:text/html,x", "https://a.example/#x", "https://a.example/*",
          "https://", "app:/cb", "https://u@a.example/", "http://127.0.0.1.evil.example/", "http://localhost@evil.example/"})
        EXPECT_EQ(but([&](Client& client) { client.redirects = {bad}; }), "redirect") << bad;
    EXPECT_EQ(but([](Client& client) { client.name = ""; }), "name");
    EXPECT_EQ(but([](Client& client) { client.name = "app"; }), "name") << "is there";
    EXPECT_EQ(but([](Client& client) { client.name = "doctor"; }), "name") << "a person's";
    EXPECT_EQ(but([](Client& client) { client.grants = {"implicit"}; }), "grant");
    EXPECT_EQ(but([](Client& client) { client.grants = {"refresh_token"}; }), "grant");
    EXPECT_EQ(but([](Client& client) { client.grants.push_back("client_credentials"); }), "grant");
    EXPECT_EQ(but([](Client& client) { client.is_public = false; }), "jwks");
    EXPECT_EQ(but([this](Client& client) { client.jwks = key.jwks(); }), "public");
    EXPECT_EQ(but([](Client& client) { client.is_public = false, client.jwks = "{}"; }), "jwks");
    EXPECT_EQ(but([](Client& client) { client.redirects = {}; }), "redirect");
    EXPECT_EQ(but([](Client& client) { client.scope = "system/*.rs"; }), "scope");
    EXPECT_EQ(but([](Client& client) { client.scope = "nothing"; }), "scope");
    EXPECT_EQ(but([](Client& client) { client.redirects = {"com.example.app:/cb"}; }), "ok");
}

TEST(Fetch, GoesToNobodysSurroundings) {
    for (const std::string_view never :
         {"169.254.169.254", "0.0.0.0", "224.0.0.1", "255.255.255.255", "100.100.100.200", "::", "fe80::1%eth0", "ff02::1",
          "::ffff:169.254.169.254", "fd00:ec2::254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "rubbish"}) {
        EXPECT_FALSE(admits(never, false).ok()) << never;
        EXPECT_FALSE(admits(never, true).ok()) << never;
    }
    for (const std::string_view local : {"127.0.0.1", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1",
                                         "::1", "fd12::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1"}) {
        EXPECT_FALSE(admits(local, false).ok()) << local;
        EXPECT_TRUE(admits(local, true).ok()) << local;
    }
    for (const std::string_view fine : {"8.8.8.8", "172.32.0.1", "2001:4860::1"}) EXPECT_TRUE(admits(fine, false).ok()) << fine;
    for (const std::string url :
         {"http://a.example/k", "ftp://a.example/k", "https://", "https://u@a.example/", "https://a.example:0/", "https://a b/",
          "file:///etc/passwd", "https://127.0.0.1:1/k", "https://[::1]:1/k", "https://localhost:1/k"})
        EXPECT_FALSE(get(url, {}).ok()) << url;
}

}  // namespace
}  // namespace xinglin::oauth
