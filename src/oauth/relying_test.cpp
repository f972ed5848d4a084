// SPDX-License-Identifier: Apache-2.0
// Logging in elsewhere: a provider that behaves, and one that does not.
#include "oauth/relying.h"

#include <gtest/gtest.h>

#include <atomic>

#include "http/http.h"
#include "oauth/test_key.h"
#include "testing/testing.h"

namespace xinglin::oauth {
namespace {

constexpr std::int64_t now_s = 1'800'000'000;

std::string claims_with(std::string_view changed) {
    std::string claims = R"({"iss":"https://login.example","sub":"7","aud":"us","exp":1800000300,"iat":1800000000,"nonce":"n1"})";
    const auto colon = changed.find(':');
    const auto at = claims.find(changed.substr(0, colon + 1));
    if (changed.empty()) return claims;
    if (at == std::string::npos) return claims.substr(0, claims.size() - 1) + "," + std::string(changed) + "}";
    const auto end = claims.find_first_of(",}", at);
    return claims.substr(0, at) + std::string(changed) + claims.substr(end);
}

TEST(IdToken, IsCheckedWordByWord) {
    const TestKey key("ES256"), other("ES256");
    External provider;
    provider.issuer = "https://login.example";
    provider.client_id = "us";
    const JwkSet keys = JwkSet::parse(key.jwks()).value();
    const auto where = [&](std::string_view changed, std::string_view nonce = "n1") {
        const auto token = Jwt::parse(key.letter(claims_with(changed)));
        EXPECT_TRUE(token.ok()) << changed;
        const auto checked = RelyingParty::check(*token, keys, provider, nonce, now_s);
        return checked.ok() ? "ok" : checked.outcome().issues[0].where;
    };
    EXPECT_EQ(where(""), "ok");
    EXPECT_EQ(where(R"("iss":"https://evil.example")"), "iss");
    EXPECT_EQ(where(R"("aud":"somebody")"), "aud");
    EXPECT_EQ(where(R"("azp":"somebody")"), "azp");
    EXPECT_EQ(where(R"("azp":"us")"), "ok");
    EXPECT_EQ(where(R"("exp":1799999000)"), "exp");
    EXPECT_EQ(where(R"("exp":"soon")"), "exp");
    EXPECT_EQ(where(R"("iat":1800009000)"), "iat");
    EXPECT_EQ(where(R"("iat":1799990000)"), "iat");
    EXPECT_EQ(where(R"("nonce":"n2")"), "nonce");
    EXPECT_EQ(where("", ""), "nonce") << "an empty one is none";
    EXPECT_EQ(where(R"("sub":"")"), "sub");
    const auto several = Jwt::parse(key.letter(
        R"({"iss":"https://login.example","sub":"7","aud":["us","them"],"exp":1800000300,"iat":1800000000,"nonce":"n1"})"));
    EXPECT_EQ(RelyingParty::check(*several, keys, provider, "n1", now_s).outcome().issues[0].where, "azp");
    const auto forged = Jwt::parse(other.letter(claims_with("")));
    EXPECT_EQ(RelyingParty::check(*forged, keys, provider, "n1", now_s).outcome().issues[0].where, "id_token");
}

/// A provider in this process. What it says can be bent.
class ProviderElsewhere : public ::testing::Test {
protected:
    testing::StoppedClock clock{now_s * 1'000};
    TestKey key{"ES256"}, liar{"ES256"};
    std::string said_issuer, nonce, last_form, bend;
    std::atomic<int> tokens_asked = 0;
    std::unique_ptr<http::Server> server;
    std::unique_ptr<RelyingParty> party;

    void SetUp() override {
        server =
            std::make_unique<http::Server>(http::ServerOptions{.port = 0, .worker_threads = 2},
                                           [this](http::Request request, http::Respond respond) { respond(answer(request)); });
        ASSERT_TRUE(server->start().ok());
        External provider;
        provider.id = "city";
        provider.issuer = issuer();
        provider.client_id = "us";
        provider.fetch = {.private_addresses = true, .plain = true};
        External careful = provider;
        careful.id = "careful";
        careful.fetch.private_addresses = false;
        External trusted = provider;
        trusted.id = "trusted";
        trusted.second_factor = true;
        party = std::make_unique<RelyingParty>(std::vector<External>{provider, careful, trusted}, clock);
    }
    std::string issuer() const { return "http://127.0.0.1:" + std::to_string(server->port()); }
    http::Response answer(const http::Request& request) {
        const auto json = [](std::string body) { return http::Response::text(200, "application/json", std::move(body)); };
        if (request.path == "/.well-known/openid-configuration") {
            return json(fmt::format(
                R"({{"issuer":"{0}","authorization_endpoint":"{1}/authorize","token_endpoint":"{1}/token","jwks_uri":"{1}/jwks"}})",
                bend == "issuer" ? "https://evil.example" : issuer(), issuer()));
        }
        if (request.path == "/jwks") return json(bend == "huge" ? std::string(100'000, ' ') : key.jwks());
        ++tokens_asked;
        last_form = request.body;
        const std::string claims = fmt::format(
            R"({{"iss":"{}","sub":"7","aud":"us","exp":{},"iat":{},"nonce":"{}","preferred_username":"doctor","amr":["pwd","mfa"]}})",
            issuer(), now_s + 300, now_s, bend == "nonce" ? "another" : nonce);
        if (bend == "none")
            return json(R"({"id_token":")" + text::base64_url(R"({"alg":"none"})") + "." + text::base64_url(claims) + R"(."})");
        return json(R"({"id_token":")" + (bend == "liar" ? liar : key).letter(claims) + R"("})");
    }
    static std::string value_in(const std::string& address, std::string_view name) {
        const auto query = http::parse_query(address.substr(address.find('?') + 1));
        for (const auto& [key, value] : *query) {
            if (key == name) return value;
        }
        return "";
    }
    RelyingParty::Begun begin(std::string_view provider = "city") {
        auto begun = party->begin(provider, "https://us.example/auth/external/city/return", "/people");
        EXPECT_TRUE(begun.ok()) << begun.outcome().line();
        nonce = value_in(begun->address, "nonce");
        return *begun;
    }
    std::string come_back(const RelyingParty::Begun& begun, Form more = {}, std::string cookie = "-") {
        Form query{{"state", value_in(begun.address, "state")}, {"code", "c1"}};
        query.insert(query.end(), more.begin(), more.end());
        const auto arrived = party->arrive(query, cookie == "-" ? begun.cookie : cookie);
        return arrived.ok() ? arrived->account + " " + arrived->return_to : arrived.outcome().issues[0].where;
    }
};

TEST_F(ProviderElsewhere, SaysWhoSomebodyIs) {
    const auto begun = begin();
    EXPECT_EQ(value_in(begun.address, "code_challenge_method"), "S256");
    EXPECT_EQ(come_back(begun, {{"iss", issuer()}}), "doctor /people");
    EXPECT_NE(last_form.find("code_verifier="), std::string::npos);
    EXPECT_EQ(come_back(begun), "state") << "once";
}

TEST_F(ProviderElsewhere, IsBelievedAboutASecondFactorOnlyWhereThatIsMeant) {
    for (const std::string_view id : {"city", "trusted"}) {
        const auto begun = begin(id);
        const auto arrived = party->arrive({{"state", value_in(begun.address, "state")}, {"code", "c1"}}, begun.cookie);
        ASSERT_TRUE(arrived.ok()) << arrived.outcome().line();
        EXPECT_EQ(arrived->proven_twice, id == "trusted");
    }
}

TEST_F(ProviderElsewhere, IsNotBelievedWhenTheAnswerIsNotOursToThisBrowserNow) {
    EXPECT_EQ(come_back(begin(), {}, ""), "state") << "another browser: login CSRF";
    EXPECT_EQ(come_back(begin(), {}, "other"), "state");
    EXPECT_EQ(come_back(begin(), {{"iss", "https://evil.example"}}), "iss") << "mixed up";
    EXPECT_EQ(come_back({"?state=guessed", "x"}), "state");
    const auto late = begin();
    clock.move(601'000);
    EXPECT_EQ(come_back(late), "state");
    EXPECT_EQ(tokens_asked.load(), 0) << "no code was sent anywhere";
}

TEST_F(ProviderElsewhere, IsNotBelievedWhenItLies) {
    for (const auto& [how, where] : {std::pair{"liar", "id_token"}, {"nonce", "nonce"}, {"none", "alg"}}) {
        bend = how;
        EXPECT_EQ(come_back(begin()), where) << how;
    }
    EXPECT_EQ(party->begin("nobody", "https://us.example/r", "/").outcome().code(), IssueCode::not_found);
}

TEST_F(ProviderElsewhere, IsNotAskedAtPrivateAddressesUnlessThatIsMeant) {
    EXPECT_EQ(party->begin("careful", "https://us.example/r", "/").outcome().code(), IssueCode::forbidden);
}

TEST_F(ProviderElsewhere, ThatSaysItIsAnotherOrFloodsUsIsRefused) {
    bend = "issuer";
    EXPECT_EQ(party->begin("city", "https://us.example/r", "/").outcome().issues[0].where, "issuer");
    bend = "huge";
    EXPECT_FALSE(party->begin("city", "https://us.example/r", "/").ok());
}

TEST(Providers, AreReadFromTheirFileStrictly) {
    const auto read = read_providers(
        R"({"providers":[{"id":"city","issuer":"https://login.example/","client_id":"us","private_addresses":true}]})");
    ASSERT_TRUE(read.ok());
    EXPECT_EQ((*read)[0].issuer, "https://login.example");
    EXPECT_EQ((*read)[0].name, "city");
    EXPECT_TRUE((*read)[0].fetch.private_addresses);
    for (const std::string_view bad :
         {R"({"providers":[{"id":"city"}]})", R"({"providers":[{"id":"CITY","issuer":"x","client_id":"y"}]})",
          R"({"providers":[{"id":"c","issuer":"x","client_id":"y","secret":"z"}]})",
          R"({"providers":[{"id":"c","issuer":"x","client_id":"y","secret_file":"/nowhere"}]})"})
        EXPECT_FALSE(read_providers(bad).ok()) << bad;
}

}  // namespace
}  // namespace xinglin::oauth
