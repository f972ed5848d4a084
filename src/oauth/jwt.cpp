// SPDX-License-Identifier: Apache-2.0
// Letters: taken apart strictly, checked, and signed with our own keys.
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <charconv>
#include <stdexcept>

#include "oauth/jose.h"
#include "signature/signature.h"
#include "text/text.h"

namespace xinglin::oauth {

namespace {

constexpr std::size_t letter_bytes = 16u << 10;

int value_of(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

Outcome bad(std::string what) { return refuse(IssueCode::invalid, "token", std::move(what)); }

EVP_PKEY* key_in(const std::shared_ptr<void>& key) { return static_cast<EVP_PKEY*>(key.get()); }
std::shared_ptr<void> owned(EVP_PKEY* key) {
    return {key, [](void* it) { EVP_PKEY_free(static_cast<EVP_PKEY*>(it)); }};
}
[[noreturn]] void fail(const char* what) { throw std::runtime_error(std::string("OpenSSL cannot ") + what); }

Result<json::Value> object_of(std::string_view part, json::Arena& arena) {
    const auto bytes = base64_url_decode(part);
    if (!bytes) return bad("is not in base64url");
    XINGLIN_TRY(const json::Value value, json::parse(arena.keep(*bytes), arena, {.depth = 8, .bytes = letter_bytes}));
    if (!value.is_object()) return bad("header and claims must be JSON objects");
    return value;
}

}  // namespace

std::optional<std::string> base64_url_decode(std::string_view text) {
    if (text.size() % 4 == 1) return std::nullopt;
    std::string out;
    out.reserve(text.size() * 3 / 4);
    std::uint32_t bits = 0;
    int count = 0;
    for (const char c : text) {
        const int value = value_of(c);
        if (value < 0) return std::nullopt;
        bits = bits << 6 | static_cast<std::uint32_t>(value);
        count += 6;
        if (count < 8) continue;
        count -= 8;
        out += static_cast<char>(bits >> count & 0xFF);
    }
    if ((bits & ((1u << count) - 1)) != 0) return std::nullopt;  // two texts for one value
    return out;
}

Result<Jwt> Jwt::parse(std::string_view text) {
    if (text.size() > letter_bytes) return refuse(IssueCode::too_costly, "token", "is longer than 16 KiB");
    const auto parts = text::split(text, '.');
    if (parts.size() != 3) return bad("has not three parts, header.claims.signature");
    Jwt jwt;
    jwt.arena = std::make_shared<json::Arena>();
    XINGLIN_TRY(const json::Value header, object_of(parts[0], *jwt.arena));
    const auto algorithm = parse_algorithm(header["alg"].string());
    if (!algorithm) return refuse(IssueCode::not_supported, "alg", "sign with RS256, RS384, ES256, ES384 or SM2");
    if (header["crit"]) return refuse(IssueCode::not_supported, "crit", "names extensions, and we know none");
    if (header["kid"] && (!header["kid"].is_string() || header["kid"].string().size() > 200))
        return bad("kid must be a short text");
    jwt.algorithm = *algorithm;
    jwt.kid = header["kid"].string();
    jwt.type = header["typ"].string();
    XINGLIN_TRY(jwt.claims, object_of(parts[1], *jwt.arena));
    auto signature = base64_url_decode(parts[2]);
    if (!signature || signature->empty()) return bad("has no signature");
    jwt.signature = std::move(*signature);
    jwt.signed_part = text.substr(0, parts[0].size() + 1 + parts[1].size());
    return jwt;
}

bool Jwt::fits(const JwkSet& keys) const {
    for (const Jwk& key : keys.keys()) {
        if (!kid.empty() && key.kid() != kid) continue;
        if (key.fits(algorithm, signed_part, signature)) return true;
    }
    return false;
}

std::optional<std::int64_t> Jwt::seconds(std::string_view claim) const {
    const json::Value value = claims[claim];
    if (!value.is_number()) return std::nullopt;
    const std::string_view digits = value.text();
    std::int64_t whole = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), whole);
    const std::string_view rest = digits.substr(static_cast<std::size_t>(end - digits.data()));
    if (error != std::errc() || whole < 0 || whole > 100'000'000'000) return std::nullopt;
    if (rest.empty()) return whole;
    if (rest[0] != '.' || rest.find_first_of("eE") != std::string_view::npos) return std::nullopt;
    return whole;
}

bool Jwt::is_for(std::string_view audience) const {
    const json::Value aud = claims["aud"];
    if (aud.is_string()) return aud.string() == audience;
    for (const json::Node& each : aud.items()) {
        if (json::Value(&each).string() == audience) return true;
    }
    return false;
}

Result<std::string> print_of_certificate(std::string_view pem) {
    const std::unique_ptr<BIO, decltype(&BIO_free_all)> in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())),
                                                           BIO_free_all);
    const std::unique_ptr<X509, decltype(&X509_free)> read(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr), X509_free);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (!read || X509_digest(read.get(), EVP_sha256(), digest, &size) != 1)
        return refuse(IssueCode::value, "certificate", "is no certificate in PEM");
    return std::string(reinterpret_cast<char*>(digest), size);
}

SigningKey::SigningKey(Algorithm algorithm, std::shared_ptr<void> key) : algorithm_(algorithm), key_(std::move(key)) {
    unsigned char* der = nullptr;
    const int size = i2d_PUBKEY(key_in(key_), &der);
    if (size <= 0) fail("tell a key's public half");
    auto read = Jwk::of_der({reinterpret_cast<char*>(der), static_cast<std::size_t>(size)}, "");
    OPENSSL_free(der);
    if (!read.ok()) fail("use its own key");
    public_ = std::move(*read);
    public_.kid_ = public_.thumbprint();
    public_.only_ = algorithm;
}

SigningKey SigningKey::fresh(Algorithm algorithm) {
    XINGLIN_ASSERT(algorithm == Algorithm::es256 || algorithm == Algorithm::rs256);
    EVP_PKEY* made = algorithm == Algorithm::es256 ? EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")
                                                   : EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{2048});
    if (!made) fail("make a key");
    return SigningKey(algorithm, owned(made));
}

Result<SigningKey> SigningKey::of_pem(std::string_view pem) {
    const std::unique_ptr<BIO, decltype(&BIO_free_all)> in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())),
                                                           BIO_free_all);
    const auto no_prompt = [](char*, int, int, void*) { return 0; };
    EVP_PKEY* read = PEM_read_bio_PrivateKey(in.get(), nullptr, no_prompt, nullptr);
    if (!read) return refuse(IssueCode::invalid, "key", "is no private key in PEM without a passphrase");
    std::shared_ptr<void> key = owned(read);
    const bool rsa = EVP_PKEY_is_a(read, "RSA") == 1;
    if (!rsa && (EVP_PKEY_is_a(read, "EC") != 1 || EVP_PKEY_get_bits(read) != 256))
        return refuse(IssueCode::invalid, "key", "is neither RSA nor on P-256");
    return SigningKey(rsa ? Algorithm::rs256 : Algorithm::es256, std::move(key));
}

std::string SigningKey::pem() const {
    const std::unique_ptr<BIO, decltype(&BIO_free_all)> out(BIO_new(BIO_s_mem()), BIO_free_all);
    if (PEM_write_bio_PKCS8PrivateKey(out.get(), key_in(key_), nullptr, nullptr, 0, nullptr, nullptr) != 1) fail("write a key");
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(out.get(), &bytes);
    return {bytes, static_cast<std::size_t>(size)};
}

std::string SigningKey::sign(json::Value claims, std::string_view type) const {
    json::Arena arena;
    const json::Value header = arena.object(
        {{"alg", arena.string(text(algorithm_))}, {"kid", arena.string(public_.kid())}, {"typ", arena.string(type)}});
    std::string letter = text::base64_url(json::write(header)) + "." + text::base64_url(json::write(claims));
    if (algorithm_ == Algorithm::es256) {  // as room signature signs: r and s
        auto key = signature::PrivateKey::of_pem(pem(), "");
        if (!key.ok()) fail("use its own key");
        return letter + "." + text::base64_url(key->sign(letter));
    }
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> digest(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    std::string signature(static_cast<std::size_t>(EVP_PKEY_get_size(key_in(key_))), '\0');
    std::size_t size = signature.size();
    if (!digest || EVP_DigestSignInit_ex(digest.get(), nullptr, "SHA2-256", nullptr, nullptr, key_in(key_), nullptr) != 1 ||
        EVP_DigestSign(digest.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                       reinterpret_cast<const unsigned char*>(letter.data()), letter.size()) != 1)
        fail("sign");
    signature.resize(size);
    return letter + "." + text::base64_url(signature);
}

}  // namespace xinglin::oauth
