// SPDX-License-Identifier: Apache-2.0
// What the QR code of a card says: 144 characters of 0-9 and A-Z, which every scanner, keyboard layout and QR code's alphanumeric
// mode carries. docs/decisions/0038.
//
//   XH1 + base32 (Crockford) of 88 bytes, big end first:
//   algorithm and kind (1) · key id (2) · card number (6) · issued at (4) · expires at (4) · nonce (4) · region (3) · signature (64)
//
// Signed are "XH1" and the 24 bytes before the signature. No name and no identity number.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "outcome/outcome.h"
#include "signature/signature.h"

namespace xinglin::card {

using signature::Algorithm;
using signature::has_low_s;
using signature::parse_algorithm;
using signature::point_bytes;
using signature::PrivateKey;
using signature::PublicKey;
using signature::random_bytes;
using signature::sha256;
using signature::signature_bytes;
using signature::text;

enum class Kind : std::uint8_t {
    self = 0,    // one's own card, on one's own device
    family = 1,  // shown by somebody of the family
    paper = 2,   // printed: lives long, opens nothing by itself
};
std::string_view text(Kind kind);

/// 48 random bits.
using Number = std::uint64_t;
constexpr Number most_number = (Number{1} << 48) - 1;
/// "4T7K2-9QX0M": as it is printed, and the last part of the card's id in the record.
std::string number_text(Number number);
/// Hyphens, blanks, case and the letters O, I, L do not matter.
std::optional<Number> parse_number(std::string_view text);

struct Token {
    Algorithm algorithm = Algorithm::es256;
    Kind kind = Kind::self;
    std::uint16_t key = 0;
    Number number = 0;
    std::int64_t issued_s = 0, expires_s = 0;  // since 1970
    std::uint32_t nonce = 0;
    std::uint32_t region = 0;  // GB/T 2260, six digits
    std::string signature;

    /// What is signed.
    std::string signed_bytes() const;
    /// Signed with `key`, whose id is `key_id`.
    static Token sign(Token unsigned_token, const PrivateKey& key);
    /// As a QR code carries it.
    std::string text() const;
};

constexpr std::string_view token_mark = "XH1";
constexpr std::size_t token_characters = 144;

/// As it may come from a scanner, an input method or a clipboard, made what it was: full-width characters narrow, small letters
/// capital, blanks and hyphens gone, O read as 0, I and L as 1.
std::string normal(std::string_view scanned);
/// Refuses (where: token) what is no token: another code, cut off, unknown version, nonsense inside. Does not look at the signature.
Result<Token> parse_token(std::string_view scanned);

/// "3f2a": how key sets name a key.
std::string key_text(std::uint16_t key);
/// The id of a public key: the first bytes of its SHA-256.
std::uint16_t key_id(const PublicKey& key);

}  // namespace xinglin::card
