// SPDX-License-Identifier: Apache-2.0
// Letters and keys: what is taken, and what liars try.
#include <gtest/gtest.h>

#include "oauth/test_key.h"
#include "signature/signature.h"

namespace xinglin::oauth {
namespace {

constexpr std::string_view claims = R"({"iss":"me","exp":2000000000,"aud":["a","b"]})";

JwkSet set_of(const TestKey& key) { return JwkSet::parse(key.jwks()).value(); }

TEST(Letter, FitsTheKeyItWasSignedWithAndNoOther) {
    for (const std::string algorithm : {"RS256", "RS384", "ES256", "ES384", "SM2"}) {
        const TestKey key(algorithm), other(algorithm);
        const auto letter = Jwt::parse(key.letter(claims));
        ASSERT_TRUE(letter.ok()) << algorithm << letter.outcome().line();
        EXPECT_TRUE(letter->fits(set_of(key))) << algorithm;
        EXPECT_FALSE(letter->fits(set_of(other))) << algorithm;
        EXPECT_EQ(letter->text("iss"), "me");
        EXPECT_EQ(letter->seconds("exp"), 2000000000);
        EXPECT_TRUE(letter->is_for("b"));
        EXPECT_FALSE(letter->is_for("c"));
    }
}

// RFC 7515 appendix A.3.
TEST(Letter, TheExampleOfTheStandardFits) {
    const auto set = JwkSet::parse(
        R"({"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]})");
    ASSERT_TRUE(set.ok());
    const auto letter = Jwt::parse(
        "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q");
    ASSERT_TRUE(letter.ok());
    EXPECT_TRUE(letter->fits(*set));
}

// RFC 7638 3.1.
TEST(Key, HasTheThumbprintOfTheStandard) {
    json::Arena arena;
    const auto jwk = json::parse(
        R"({"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"})",
        arena);
    EXPECT_EQ(Jwk::read(*jwk)->thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

TEST(Letter, WithoutASignatureOrWithASecretEverybodyKnowsIsRefused) {
    for (const std::string_view alg :
         {"none", "None", "NONE", "nOnE", "HS256", "HS384", "PS256", "ES512", "RS512", "EdDSA", ""}) {
        const std::string header = R"({"alg":")" + std::string(alg) + R"(","kid":"k1"})";
        EXPECT_FALSE(Jwt::parse(text::base64_url(header) + "." + text::base64_url(claims) + ".").ok()) << alg;
        EXPECT_FALSE(Jwt::parse(hmac_letter(header, claims, "secret")).ok()) << alg;
    }
}

// The public key as an HMAC secret, in every writing; and the letter then claims to be RS384.
TEST(Letter, KeyConfusionIsOfNoUse) {
    const TestKey key("RS384");
    for (const std::string& secret : {key.der(), key.jwks()}) {
        EXPECT_FALSE(Jwt::parse(hmac_letter(R"({"alg":"HS256","kid":"k1"})", claims, secret)).ok());
        const auto dressed = Jwt::parse(hmac_letter(R"({"alg":"RS384","kid":"k1"})", claims, secret));
        ASSERT_TRUE(dressed.ok());
        EXPECT_FALSE(dressed->fits(set_of(key)));
    }
    const TestKey p256("ES256");
    const std::string letter = p256.letter(claims);
    for (const std::string_view alg : {"SM2", "ES384", "RS256", "RS384"}) {
        const std::string forged =
            text::base64_url(R"({"alg":")" + std::string(alg) + R"(","kid":"k1"})") + letter.substr(letter.find('.'));
        EXPECT_FALSE(Jwt::parse(forged)->fits(set_of(p256))) << alg;
    }
}

TEST(Letter, AHeaderCannotBringItsOwnKey) {
    const TestKey mine("ES256"), theirs("ES256");
    json::Arena arena;
    const std::string set = theirs.jwks();
    const std::string own_key = set.substr(9, set.size() - 11);
    for (const std::string& more : {R"(,"jwk":)" + own_key, std::string(R"(,"jku":"https://evil.example/keys")"),
                                    std::string(R"(,"x5u":"https://evil.example/c.pem")"), std::string(R"(,"x5c":["MIIB"])")}) {
        const auto letter = Jwt::parse(theirs.letter(claims, more));
        ASSERT_TRUE(letter.ok()) << more;
        EXPECT_FALSE(letter->fits(set_of(mine))) << more;
    }
    EXPECT_FALSE(Jwt::parse(mine.letter(claims, R"(,"crit":["exp"],"exp":1)")).ok());
    EXPECT_FALSE(Jwt::parse(mine.letter(claims, R"(,"alg":"ES256")")).ok()) << "a member twice";
    EXPECT_FALSE(Jwt::parse(mine.letter(R"({"iss":"me","iss":"you"})")).ok()) << "a claim twice";
}

TEST(Letter, NamesAnotherKeyAndFitsNone) {
    const TestKey key("ES256", "k1"), same_set("ES256", "k2");
    JwkSet both = set_of(key);
    both.add(Jwk::of_der(same_set.der(), "k2").value());
    EXPECT_TRUE(Jwt::parse(same_set.letter(claims))->fits(both));
    const std::string letter = key.letter(claims);
    const std::string renamed = text::base64_url(R"({"alg":"ES256","kid":"k2"})") + letter.substr(letter.find('.'));
    EXPECT_FALSE(Jwt::parse(renamed)->fits(both));
    EXPECT_FALSE(Jwt::parse(TestKey("ES256", "nobody").letter(claims))->fits(both));
}

TEST(Letter, EveryChangedCharacterIsNoticed) {
    const TestKey key("ES384");
    const JwkSet set = set_of(key);
    const std::string letter = key.letter(claims);
    for (std::size_t at = 0; at < letter.size(); ++at) {
        std::string changed = letter;
        changed[at] = changed[at] == 'A' ? 'B' : 'A';
        const auto parsed = Jwt::parse(changed);
        EXPECT_FALSE(parsed.ok() && parsed->fits(set)) << at;
    }
}

TEST(Letter, StrangeFormsAreRefused) {
    const TestKey key("ES256");
    const std::string good = key.letter(claims);
    for (const std::string& bad :
         {std::string(), std::string("a.b"), good + ".x", good + "=", " " + good, good + "\n", std::string("..")})
        EXPECT_FALSE(Jwt::parse(bad).ok()) << bad;
    EXPECT_EQ(Jwt::parse(std::string(17'000, 'A')).outcome().code(), IssueCode::too_costly);
    EXPECT_FALSE(Jwt::parse(key.letter("[1]")).ok());
    std::string deep(100, '[');
    EXPECT_FALSE(Jwt::parse(key.letter(R"({"a":)" + deep + std::string(100, ']') + "}")).ok());
    for (const std::string_view exp : {"\"2000000000\"", "-5", "1e99", "null", "[1]"}) {
        const auto odd = Jwt::parse(key.letter(R"({"exp":)" + std::string(exp) + "}"));
        EXPECT_FALSE(odd.ok() && odd->seconds("exp")) << exp;
    }
}

TEST(Base64Url, IsReadStrictly) {
    EXPECT_EQ(base64_url_decode("_-8"), "\xff\xef");
    EXPECT_EQ(base64_url_decode(""), "");
    for (const std::string_view bad : {"A", "_-9", "_-8=", "+/8", "_ 8", "AAAAA"}) EXPECT_FALSE(base64_url_decode(bad)) << bad;
}

TEST(KeySet, PrivateWeakAndWrongKeysAreRefusedStrangeOnesPassedOver) {
    const auto first = [](std::string_view jwk) { return JwkSet::parse(R"({"keys":[)" + std::string(jwk) + "]}"); };
    EXPECT_EQ(first(R"({"kty":"EC","crv":"P-256","x":"AA","y":"AA","d":"AA"})").outcome().issues[0].where, "d");
    EXPECT_EQ(first(R"({"kty":"oct","k":"AAAA"})").outcome().issues[0].where, "k") << "a shared secret among public keys";
    const std::string zeros = text::base64_url(std::string(32, '\0')), half_modulus = text::base64_url(std::string(128, '\xff'));
    EXPECT_EQ(first(R"({"kty":"EC","crv":"P-256","x":")" + zeros + R"(","y":")" + zeros + R"("})").outcome().issues[0].where,
              "x");
    EXPECT_EQ(first(R"({"kty":"RSA","n":")" + half_modulus + R"(","e":"AQAB"})").outcome().issues[0].where, "n") << "1,024 bits";
    EXPECT_TRUE(first(R"({"kty":"OKP","crv":"Ed25519","x":"AA"})")->empty());
    EXPECT_TRUE(first(R"({"kty":"EC","crv":"P-256","x":"AA","y":"AA","use":"enc"})")->empty());
    EXPECT_FALSE(JwkSet::parse("{}").ok());
    EXPECT_FALSE(JwkSet::parse(R"({"keys":[],"keys":[]})").ok());
    std::string many;
    for (int i = 0; i < 33; ++i) many += std::string(i ? "," : "") + R"({"kty":"OKP"})";
    EXPECT_EQ(first(many).outcome().code(), IssueCode::too_costly);
    EXPECT_FALSE(JwkSet::parse(std::string(70'000, ' ')).ok());
}

TEST(SigningKey, SignsWhatItsPublicHalfFitsAndComesBackFromPem) {
    for (const Algorithm algorithm : {Algorithm::es256, Algorithm::rs256}) {
        const SigningKey key = SigningKey::fresh(algorithm);
        const auto again = SigningKey::of_pem(key.pem());
        ASSERT_TRUE(again.ok());
        EXPECT_EQ(again->public_key().kid(), key.public_key().kid());
        json::Arena arena;
        const std::string letter = again->sign(arena.object({{"iss", arena.string("us")}}), "JWT");
        JwkSet set;
        set.add(key.public_key());
        const auto read = JwkSet::parse(set.json());
        ASSERT_TRUE(read.ok());
        EXPECT_TRUE(Jwt::parse(letter)->fits(*read));
    }
}

}  // namespace
}  // namespace xinglin::oauth
