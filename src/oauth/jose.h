// SPDX-License-Identifier: Apache-2.0
// Signed letters in JSON and the keys they are checked with: JWS compact and JWT (RFC 7515, 7519, 8725), JWK sets (RFC 7517).
//
// RS256, RS384, ES256, ES384 and, by a name of our own as no RFC has one, SM2 (crv "SM2", SM2 with SM3, user id of GB/T 35276).
// A letter's header chooses nothing but which of the known keys is tried: the algorithm must be the key's own kind, `jwk`, `jku`,
// `x5u` and `x5c` are not looked at, `crit` is refused.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/json.h"
#include "outcome/outcome.h"

namespace xinglin::oauth {

enum class Algorithm : std::uint8_t { rs256, rs384, es256, es384, sm2 };
std::string_view text(Algorithm algorithm);
/// Nothing for "none", for every HMAC and for whatever else there is.
std::optional<Algorithm> parse_algorithm(std::string_view text);

/// Strict: no padding, no white space, no bits left over.
std::optional<std::string> base64_url_decode(std::string_view text);

/// A public key. Safe from many threads.
class Jwk {
public:
    /// Refuses (where: the member) a key that is private, weak (RSA under 2,048 bits or over 8,192), not on its curve, or not for
    /// signatures; not_supported for kinds we do not know, which a set may hold.
    static Result<Jwk> read(json::Value jwk);
    /// From SubjectPublicKeyInfo in DER, as OpenSSL writes it.
    static Result<Jwk> of_der(std::string_view der, std::string kid);
    const std::string& kid() const { return kid_; }
    bool takes(Algorithm algorithm) const;
    /// False for an algorithm that is not this key's, whatever the signature.
    bool fits(Algorithm algorithm, std::string_view bytes, std::string_view signature) const;
    json::Value json(json::Arena& arena) const;
    /// RFC 7638 for the members of this kind, base64url.
    std::string thumbprint() const;

private:
    enum class Kind : std::uint8_t { rsa, p256, p384, sm2 };
    Kind kind_ = Kind::rsa;
    std::string kid_;
    std::optional<Algorithm> only_;  // the key's `alg`
    std::string first_, second_;     // n, e or x, y: raw bytes
    std::shared_ptr<void> key_;      // OpenSSL's, counted by references; read only
    static Result<Jwk> of_parts(Kind kind, std::string first, std::string second);
    friend class SigningKey;
};

/// At most 64 KiB and 32 keys; keys of kinds we do not know are passed over, a broken one refuses the set.
class JwkSet {
public:
    static Result<JwkSet> parse(std::string_view text);
    bool empty() const { return keys_.empty(); }
    const std::vector<Jwk>& keys() const { return keys_; }
    bool has(std::string_view kid) const;
    void add(Jwk key) { keys_.push_back(std::move(key)); }
    std::string json() const;

private:
    std::vector<Jwk> keys_;
};

/// A letter taken apart, its signature not yet checked.
struct Jwt {
    Algorithm algorithm = Algorithm::es256;
    std::string kid, type;
    std::shared_ptr<json::Arena> arena;  // shared by copies: claims point into it
    json::Value claims;
    std::string signed_part, signature;

    /// At most 16 KiB; strict in everything: three parts, canonical base64url, objects without duplicate members.
    static Result<Jwt> parse(std::string_view text);
    /// By the key the letter names, or, when it names none, by any of the set that takes its algorithm.
    bool fits(const JwkSet& keys) const;

    std::string_view text(std::string_view claim) const { return claims[claim].string(); }
    /// Whole seconds of a NumericDate; nothing when it is absent or none.
    std::optional<std::int64_t> seconds(std::string_view claim) const;
    /// `aud` is this, or is an array that holds it.
    bool is_for(std::string_view audience) const;
};

/// A private key that signs: ES256 or RS256. Safe from many threads.
class SigningKey {
public:
    /// Throws std::runtime_error when the machine gives no randomness. RSA has 2,048 bits.
    static SigningKey fresh(Algorithm algorithm);
    static Result<SigningKey> of_pem(std::string_view pem);
    std::string pem() const;
    Algorithm algorithm() const { return algorithm_; }
    const Jwk& public_key() const { return public_; }  // its kid is its thumbprint
    /// The whole letter.
    std::string sign(json::Value claims, std::string_view type) const;

private:
    SigningKey(Algorithm algorithm, std::shared_ptr<void> key);
    Algorithm algorithm_;
    std::shared_ptr<void> key_;
    Jwk public_;
};

/// SHA-256 of a certificate in PEM, as http::Request::certificate has it. Refuses (where: "certificate").
Result<std::string> print_of_certificate(std::string_view pem);

}  // namespace xinglin::oauth
