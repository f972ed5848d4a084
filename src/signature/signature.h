// SPDX-License-Identifier: Apache-2.0
// Signatures: ES256 (ECDSA on P-256 with SHA-256, RFC 7518 3.4) and SM2 with SM3 (GB/T 32918.2, user id of GB/T 35276), by OpenSSL 3.
//
// A signature is r and s, 32 bytes each, whichever the algorithm; a public key is the point's x and y, 32 bytes each.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "outcome/outcome.h"

namespace xinglin::signature {

enum class Algorithm : std::uint8_t { es256 = 1, sm2 = 2 };
/// "ES256", "SM2".
std::string_view text(Algorithm algorithm);
std::optional<Algorithm> parse_algorithm(std::string_view text);

constexpr std::size_t signature_bytes = 64, point_bytes = 64;

/// Safe from many threads.
class PublicKey {
public:
    /// Nothing when this is no point of the algorithm's curve.
    static std::optional<PublicKey> of_point(Algorithm algorithm, std::string_view point);
    Algorithm algorithm() const { return algorithm_; }
    const std::string& point() const { return point_; }
    /// Never throws: whatever is not a signature of these bytes is false.
    bool fits(std::string_view bytes, std::string_view signature) const;

private:
    PublicKey(Algorithm algorithm, std::string point, std::shared_ptr<void> key);
    Algorithm algorithm_;
    std::string point_;
    std::shared_ptr<void> key_;  // OpenSSL's, counted by references; read only
};

/// Safe from many threads.
class PrivateKey {
public:
    /// Throws std::runtime_error when the machine gives no randomness.
    static PrivateKey fresh(Algorithm algorithm);
    /// PKCS #8 in PEM, encrypted when `passphrase` is not "". Refuses (where: key) what cannot be read.
    static Result<PrivateKey> of_pem(std::string_view pem, std::string_view passphrase);
    std::string pem(std::string_view passphrase) const;
    Algorithm algorithm() const { return algorithm_; }
    PublicKey public_key() const;
    /// ES256: with the smaller of the two s that fit, so that nobody else can make a second signature of the same bytes.
    std::string sign(std::string_view bytes) const;

private:
    PrivateKey(Algorithm algorithm, std::shared_ptr<void> key) : algorithm_(algorithm), key_(std::move(key)) {}
    Algorithm algorithm_;
    std::shared_ptr<void> key_;
};

/// Is s at most half of P-256's order?
bool has_low_s(std::string_view signature);
/// `count` bytes from the machine's source of randomness.
std::string random_bytes(std::size_t count);
/// 32 raw bytes.
std::string sha256(std::string_view bytes);

}  // namespace xinglin::signature
