// SPDX-License-Identifier: Apache-2.0
// Public keys: out of JSON, into JSON, and what they say of a signature. Sources: RFC 7517, 7518 section 6, 7638.
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "oauth/jose.h"
#include "signature/signature.h"
#include "text/text.h"

namespace xinglin::oauth {

namespace {

template <auto Free>
struct Freed {
    template <typename T>
    void operator()(T* it) const {
        Free(it);
    }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Freed<EVP_PKEY_CTX_free>>;
using Digest = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;
using Number = std::unique_ptr<BIGNUM, Freed<BN_free>>;
using Build = std::unique_ptr<OSSL_PARAM_BLD, Freed<OSSL_PARAM_BLD_free>>;
using Parameters = std::unique_ptr<OSSL_PARAM, Freed<OSSL_PARAM_free>>;
using Signature = std::unique_ptr<ECDSA_SIG, Freed<ECDSA_SIG_free>>;

constexpr std::size_t set_bytes = 64u << 10, most_keys = 32;
constexpr char user_id[] = "1234567812345678";  // GB/T 35276-2017, 10

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
EVP_PKEY* key_in(const std::shared_ptr<void>& key) { return static_cast<EVP_PKEY*>(key.get()); }
std::shared_ptr<void> shared(Key key) {
    return {key.release(), [](void* it) { EVP_PKEY_free(static_cast<EVP_PKEY*>(it)); }};
}

Outcome bad(std::string where, std::string what) { return refuse(IssueCode::value, std::move(where), std::move(what)); }

struct Curve {
    std::string_view crv;
    const char *kind, *group;
    std::size_t half;
};
constexpr Curve p256{"P-256", "EC", "P-256", 32}, p384{"P-384", "EC", "P-384", 48}, sm2{"SM2", "SM2", "SM2", 32};

Key made_of(const char* kind, OSSL_PARAM* list) {
    const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, kind, nullptr));
    EVP_PKEY* made = nullptr;
    if (!context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, list) != 1)
        return nullptr;
    return Key(made);
}

Key point_key(const Curve& curve, const std::string& x, const std::string& y) {
    std::string point = "\x04" + x + y, group = curve.group;
    OSSL_PARAM list[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group.data(), group.size()),
                         OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()),
                         OSSL_PARAM_construct_end()};
    Key key = made_of(curve.kind, list);
    const KeyContext check(key ? EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr) : nullptr);
    return check && EVP_PKEY_public_check(check.get()) == 1 ? std::move(key) : nullptr;
}

Key rsa_key(const std::string& n, const std::string& e) {
    const Number modulus(BN_bin2bn(bytes_of(n), static_cast<int>(n.size()), nullptr)),
        exponent(BN_bin2bn(bytes_of(e), static_cast<int>(e.size()), nullptr));
    const Build build(OSSL_PARAM_BLD_new());
    if (!modulus || !exponent || !build || OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
        OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1)
        return nullptr;
    const Parameters list(OSSL_PARAM_BLD_to_param(build.get()));
    return list ? made_of("RSA", list.get()) : nullptr;
}

/// r and s, each half a signature, as DER; "" when OpenSSL cannot.
std::string der_of(std::string_view signature) {
    const std::size_t half = signature.size() / 2;
    Number r(BN_bin2bn(bytes_of(signature), static_cast<int>(half), nullptr)),
        s(BN_bin2bn(bytes_of(signature) + half, static_cast<int>(half), nullptr));
    const Signature both(ECDSA_SIG_new());
    if (!r || !s || !both || ECDSA_SIG_set0(both.get(), r.get(), s.get()) != 1) return "";
    (void)r.release(), (void)s.release();
    unsigned char* der = nullptr;
    const int size = i2d_ECDSA_SIG(both.get(), &der);
    if (size <= 0) return "";
    std::string out(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
    return out;
}

bool digest_fits(EVP_PKEY* key, Algorithm algorithm, std::string_view bytes, std::string_view signature) {
    const char* digest_name = algorithm == Algorithm::sm2                                      ? "SM3"
                              : algorithm == Algorithm::rs384 || algorithm == Algorithm::es384 ? "SHA2-384"
                                                                                               : "SHA2-256";
    char id[sizeof user_id];
    std::copy(std::begin(user_id), std::end(user_id), id);
    OSSL_PARAM list[2] = {OSSL_PARAM_construct_end(), OSSL_PARAM_construct_end()};
    if (algorithm == Algorithm::sm2) list[0] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_DIST_ID, id, sizeof user_id - 1);
    const Digest digest(EVP_MD_CTX_new());
    EVP_PKEY_CTX* within = nullptr;  // the digest's own
    // The id is set after the beginning: OpenSSL 3.0.19 refuses it along with it.
    return digest && EVP_DigestVerifyInit_ex(digest.get(), &within, digest_name, nullptr, nullptr, key, nullptr) == 1 &&
           (algorithm != Algorithm::sm2 || EVP_PKEY_CTX_set_params(within, list) == 1) &&
           EVP_DigestVerify(digest.get(), bytes_of(signature), signature.size(), bytes_of(bytes), bytes.size()) == 1;
}

Result<Done> for_signatures(json::Value jwk) {
    for (const std::string_view secret : {"d", "p", "q", "dp", "dq", "qi", "k"}) {
        if (jwk[secret])
            return bad(std::string(secret),
                       "is part of a private key; it is no longer secret: make another and send its public half");
    }
    if (jwk["use"] && jwk["use"].string() != "sig") return refuse(IssueCode::not_supported, "use", "is not a key for signatures");
    if (const json::Value operations = jwk["key_ops"]) {
        for (const json::Node& each : operations.items()) {
            if (json::Value(&each).string() == "verify") return Done{};
        }
        return refuse(IssueCode::not_supported, "key_ops", "is not a key for signatures");
    }
    return Done{};
}

Result<std::string> part(json::Value jwk, std::string_view name, std::size_t least, std::size_t most) {
    auto bytes = base64_url_decode(jwk[name].string());
    if (!bytes || bytes->size() < least || bytes->size() > most)
        return bad(std::string(name), "is not a number of this kind of key in base64url");
    return std::move(*bytes);
}

}  // namespace

std::string_view text(Algorithm algorithm) {
    switch (algorithm) {
        case Algorithm::rs256: return "RS256";
        case Algorithm::rs384: return "RS384";
        case Algorithm::es256: return "ES256";
        case Algorithm::es384: return "ES384";
        case Algorithm::sm2: return "SM2";
    }
    return "";
}

std::optional<Algorithm> parse_algorithm(std::string_view name) {
    for (const Algorithm each : {Algorithm::rs256, Algorithm::rs384, Algorithm::es256, Algorithm::es384, Algorithm::sm2}) {
        if (text(each) == name) return each;
    }
    return std::nullopt;
}

Result<Jwk> Jwk::of_parts(Kind kind, std::string first, std::string second) {
    Jwk jwk;
    jwk.kind_ = kind;
    Key key;
    if (kind == Kind::rsa) {
        key = rsa_key(first, second);
        const int bits = key ? EVP_PKEY_get_bits(key.get()) : 0;
        if (bits < 2048 || bits > 8192) return bad("n", "an RSA key must have 2,048 to 8,192 bits; make another");
        if ((static_cast<unsigned char>(second.back()) & 1) == 0 || (second.size() == 1 && second[0] < 3))
            return bad("e", "is no exponent of an RSA key");
    } else {
        key = point_key(kind == Kind::p256 ? p256 : kind == Kind::p384 ? p384 : sm2, first, second);
        if (!key) return bad("x", "x and y are no point of the key's curve");
    }
    jwk.first_ = std::move(first);
    jwk.second_ = std::move(second);
    jwk.key_ = shared(std::move(key));
    return jwk;
}

Result<Jwk> Jwk::read(json::Value value) {
    if (!value.is_object()) return bad("keys", "expected keys as JSON objects");
    XINGLIN_CHECK(for_signatures(value));
    const std::string_view kty = value["kty"].string(), crv = value["crv"].string(), alg = value["alg"].string();
    if (value["kid"].string().size() > 200) return bad("kid", "is longer than 200 bytes");
    const auto finished = [&](Jwk jwk) -> Result<Jwk> {
        jwk.kid_ = value["kid"].string();
        if (!alg.empty()) {
            jwk.only_ = parse_algorithm(alg);
            if (!jwk.only_ || !jwk.takes(*jwk.only_))
                return refuse(IssueCode::not_supported, "alg",
                              "is none of RS256 RS384 ES256 ES384 SM2, or not of this key's kind");
        }
        return jwk;
    };
    if (kty == "RSA") {
        XINGLIN_TRY(std::string n, part(value, "n", 128, 1025));
        XINGLIN_TRY(std::string e, part(value, "e", 1, 8));
        XINGLIN_TRY(Jwk jwk, of_parts(Kind::rsa, std::move(n), std::move(e)));
        return finished(std::move(jwk));
    }
    if (kty == "EC" && (crv == "P-256" || crv == "P-384" || crv == "SM2")) {
        const std::size_t half = crv == "P-384" ? 48 : 32;
        XINGLIN_TRY(std::string x, part(value, "x", half, half));
        XINGLIN_TRY(std::string y, part(value, "y", half, half));
        XINGLIN_TRY(Jwk jwk, of_parts(crv == "P-384" ? Kind::p384
                                      : crv == "SM2" ? Kind::sm2
                                                     : Kind::p256,
                                      std::move(x), std::move(y)));
        return finished(std::move(jwk));
    }
    return refuse(IssueCode::not_supported, "kty", "is none of RSA, EC on P-256, P-384 or SM2");
}

Result<Jwk> Jwk::of_der(std::string_view der, std::string kid) {
    const unsigned char* at = bytes_of(der);
    const Key key(d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size())));
    if (!key) return bad("key", "is no public key");
    if (EVP_PKEY_is_a(key.get(), "RSA") == 1) {
        BIGNUM *n = nullptr, *e = nullptr;
        EVP_PKEY_get_bn_param(key.get(), OSSL_PKEY_PARAM_RSA_N, &n);
        EVP_PKEY_get_bn_param(key.get(), OSSL_PKEY_PARAM_RSA_E, &e);
        const Number modulus(n), exponent(e);
        if (!n || !e) return bad("key", "is no public key");
        std::string first(static_cast<std::size_t>(BN_num_bytes(n)), '\0'),
            second(static_cast<std::size_t>(BN_num_bytes(e)), '\0');
        BN_bn2bin(n, bytes_of(first));
        BN_bn2bin(e, bytes_of(second));
        XINGLIN_TRY(Jwk jwk, of_parts(Kind::rsa, std::move(first), std::move(second)));
        jwk.kid_ = std::move(kid);
        return jwk;
    }
    unsigned char point[1 + 96] = {};
    std::size_t size = 0;
    const bool is_sm2 = EVP_PKEY_is_a(key.get(), "SM2") == 1;
    if (EVP_PKEY_get_octet_string_param(key.get(), OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &size) != 1 || point[0] != 4 ||
        (size != 65 && size != 97))
        return bad("key", "is no key on P-256, P-384 or SM2's curve");
    const std::string_view both(reinterpret_cast<char*>(point) + 1, size - 1);
    XINGLIN_TRY(Jwk jwk, of_parts(size == 97 ? Kind::p384
                                  : is_sm2   ? Kind::sm2
                                             : Kind::p256,
                                  std::string(both.substr(0, both.size() / 2)), std::string(both.substr(both.size() / 2))));
    jwk.kid_ = std::move(kid);
    return jwk;
}

bool Jwk::takes(Algorithm algorithm) const {
    if (only_ && *only_ != algorithm) return false;
    switch (algorithm) {
        case Algorithm::rs256:
        case Algorithm::rs384: return kind_ == Kind::rsa;
        case Algorithm::es256: return kind_ == Kind::p256;
        case Algorithm::es384: return kind_ == Kind::p384;
        case Algorithm::sm2: return kind_ == Kind::sm2;
    }
    return false;
}

bool Jwk::fits(Algorithm algorithm, std::string_view bytes, std::string_view signature) const {
    if (!takes(algorithm)) return false;
    if (kind_ == Kind::rsa)  // PKCS #1 v1.5, which OpenSSL pads and checks by default
        return signature.size() == static_cast<std::size_t>(EVP_PKEY_get_size(key_in(key_))) &&
               digest_fits(key_in(key_), algorithm, bytes, signature);
    if (signature.size() != first_.size() * 2) return false;
    const std::string der = der_of(signature);
    return !der.empty() && digest_fits(key_in(key_), algorithm, bytes, der);
}

json::Value Jwk::json(json::Arena& arena) const {
    const bool rsa = kind_ == Kind::rsa;
    const auto number = [&](const std::string& bytes) { return arena.string(text::base64_url(bytes)); };
    return arena.object({{"kty", arena.string(rsa ? "RSA" : "EC")},
                         {"use", arena.string("sig")},
                         {"alg", only_ ? arena.string(oauth::text(*only_)) : json::Value()},
                         {"kid", kid_.empty() ? json::Value() : arena.string(kid_)},
                         {"crv", rsa ? json::Value()
                                     : arena.string(kind_ == Kind::p256   ? "P-256"
                                                    : kind_ == Kind::p384 ? "P-384"
                                                                          : "SM2")},
                         {rsa ? "n" : "x", number(first_)},
                         {rsa ? "e" : "y", number(second_)}});
}

std::string Jwk::thumbprint() const {
    const std::string first = text::base64_url(first_), second = text::base64_url(second_);
    if (kind_ == Kind::rsa)
        return text::base64_url(signature::sha256(R"({"e":")" + second + R"(","kty":"RSA","n":")" + first + R"("})"));
    const std::string_view crv = kind_ == Kind::p256 ? "P-256" : kind_ == Kind::p384 ? "P-384" : "SM2";
    return text::base64_url(
        signature::sha256(R"({"crv":")" + std::string(crv) + R"(","kty":"EC","x":")" + first + R"(","y":")" + second + R"("})"));
}

Result<JwkSet> JwkSet::parse(std::string_view text) {
    json::Arena arena;
    XINGLIN_TRY(const json::Value parsed, json::parse(text, arena, {.depth = 8, .bytes = set_bytes}));
    const json::Value keys = parsed["keys"];
    if (!keys.is_array()) return bad("keys", "a JWK set is {\"keys\":[…]}");
    if (keys.size() > most_keys) return refuse(IssueCode::too_costly, "keys", "a set has at most 32 keys");
    JwkSet set;
    for (const json::Node& each : keys.items()) {
        auto key = Jwk::read(json::Value(&each));
        if (key.ok()) set.keys_.push_back(std::move(*key));
        else if (key.outcome().code() != IssueCode::not_supported) return std::move(key).outcome();
    }
    return set;
}

bool JwkSet::has(std::string_view kid) const {
    for (const Jwk& key : keys_) {
        if (key.kid() == kid) return true;
    }
    return false;
}

std::string JwkSet::json() const {
    json::Arena arena;
    std::vector<json::Value> all;
    for (const Jwk& key : keys_) all.push_back(key.json(arena));
    return json::write(arena.object({{"keys", arena.array(all)}}));
}

}  // namespace xinglin::oauth
