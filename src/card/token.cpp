// SPDX-License-Identifier: Apache-2.0
// Tokens to text and back. The alphabet is Douglas Crockford's Base 32 (crockford.com/base32.html): no I, L, O, U.
#include "card/token.h"

#include <fmt/format.h>

namespace xinglin::card {

namespace {

constexpr std::string_view alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::size_t head_bytes = 24, all_bytes = head_bytes + signature_bytes;
constexpr std::size_t most_scanned = 4'096;
static_assert(token_mark.size() + (all_bytes * 8 + 4) / 5 == token_characters);

void put(std::string& out, std::uint64_t value, int bytes) {
    for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i) & 0xff);
}

std::uint64_t take(std::string_view bytes, std::size_t& at, std::size_t count) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < count; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at++]);
    return value;
}

std::string base32(std::string_view bytes) {
    std::string out;
    std::uint32_t held = 0;
    int bits = 0;
    for (const char byte : bytes) {
        held = held << 8 | static_cast<unsigned char>(byte);
        for (bits += 8; bits >= 5; bits -= 5) out += alphabet[held >> (bits - 5) & 31];
    }
    if (bits > 0) out += alphabet[held << (5 - bits) & 31];
    return out;
}

/// Nothing when a character is not of the alphabet or the bits left over are not zero: one text for each token.
std::optional<std::string> from_base32(std::string_view text) {
    std::string out;
    std::uint32_t held = 0;
    int bits = 0;
    for (const char c : text) {
        const auto at = alphabet.find(c);
        if (at == std::string_view::npos) return std::nullopt;
        held = held << 5 | static_cast<std::uint32_t>(at);
        bits += 5;
        if (bits >= 8) {
            bits -= 8;
            out += static_cast<char>(held >> bits & 0xff);
        }
    }
    if ((held & ((1u << bits) - 1)) != 0) return std::nullopt;
    return out;
}

Outcome no_token(std::string what) { return refuse(IssueCode::invalid, "token", std::move(what)); }

/// U+FF01 to U+FF5E, as input methods write them, is E0 of UTF-8's three bytes: EF BC 81 to EF BD 9E.
std::optional<char> narrow(std::string_view text, std::size_t at) {
    if (at + 2 >= text.size() || text[at] != '\xef') return std::nullopt;
    const auto second = static_cast<unsigned char>(text[at + 1]), third = static_cast<unsigned char>(text[at + 2]);
    if ((second != 0xbc && second != 0xbd) || third < 0x80 || third > 0xbf) return std::nullopt;
    const int code = (second - 0xbc) * 0x40 + (third - 0x80) + 0x20;
    return code > 0x20 && code < 0x7f ? std::optional(static_cast<char>(code)) : std::nullopt;
}

bool is_blank(char c) { return c == ' ' || c == '-' || (c >= '\t' && c <= '\r'); }

char canonical(char c) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (c == 'O') return '0';
    return c == 'I' || c == 'L' ? '1' : c;
}

}  // namespace

std::string_view text(Kind kind) {
    switch (kind) {
        case Kind::self: return "self";
        case Kind::family: return "family";
        case Kind::paper: return "paper";
    }
    return "";
}

std::string number_text(Number number) {
    std::string out;
    for (int i = 9; i >= 0; --i) {
        out += alphabet[number >> (5 * i) & 31];
        if (i == 5) out += '-';
    }
    return out;
}

std::optional<Number> parse_number(std::string_view text) {
    const std::string plain = normal(text);
    if (plain.size() != 10) return std::nullopt;
    Number number = 0;
    for (const char c : plain) {
        const auto at = alphabet.find(c);
        if (at == std::string_view::npos) return std::nullopt;
        number = number << 5 | at;
    }
    return number <= most_number ? std::optional(number) : std::nullopt;
}

std::string normal(std::string_view scanned) {
    std::string out;
    for (std::size_t at = 0; at < scanned.size() && at < most_scanned; ++at) {
        if (const auto c = narrow(scanned, at)) {
            at += 2;
            if (!is_blank(*c)) out += canonical(*c);
        } else if (scanned.substr(at).starts_with("\xe3\x80\x80") || scanned.substr(at).starts_with("\xef\xbb\xbf")) {
            at += 2;  // an ideographic space, a byte order mark
        } else if (static_cast<unsigned char>(scanned[at]) >= 0x80) {
            out += '?';  // of no card; leaving it out could join what stood around it
        } else if (!is_blank(scanned[at])) {
            out += canonical(scanned[at]);
        }
    }
    return out;
}

std::string Token::signed_bytes() const {
    std::string out(token_mark);
    out += static_cast<char>(static_cast<unsigned>(algorithm) << 3 | static_cast<unsigned>(kind));
    put(out, key, 2);
    put(out, number, 6);
    put(out, static_cast<std::uint64_t>(issued_s), 4);
    put(out, static_cast<std::uint64_t>(expires_s), 4);
    put(out, nonce, 4);
    put(out, region, 3);
    return out;
}

Token Token::sign(Token token, const PrivateKey& key) {
    token.algorithm = key.algorithm();
    token.signature = key.sign(token.signed_bytes());
    return token;
}

std::string Token::text() const { return std::string(token_mark) + base32(signed_bytes().substr(token_mark.size()) + signature); }

Result<Token> parse_token(std::string_view scanned) {
    if (scanned.size() > most_scanned) return no_token("is far too long for a card; scan the card's code and nothing else");
    const std::string plain = normal(scanned);
    if (plain.empty()) return no_token("is empty; scan the code of a card");
    if (!plain.starts_with(token_mark))
        return no_token("is not the code of a card of this kind (it begins with XH1); scan the card again");
    if (plain.size() != token_characters)
        return no_token(fmt::format("has {} of {} characters: it was cut off or two were read as one; scan the card again",
                                    plain.size(), token_characters));
    const auto bytes = from_base32(std::string_view(plain).substr(token_mark.size()));
    if (!bytes || bytes->size() != all_bytes) return no_token("holds characters no card has; scan the card again");
    Token token;
    std::size_t at = 0;
    const auto first = take(*bytes, at, 1);
    const auto algorithm = first >> 3, kind = first & 7;
    if ((algorithm != 1 && algorithm != 2) || kind > 2)
        return no_token("is of a kind this program does not know; it may need to be renewed");
    token.algorithm = static_cast<Algorithm>(algorithm);
    token.kind = static_cast<Kind>(kind);
    token.key = static_cast<std::uint16_t>(take(*bytes, at, 2));
    token.number = take(*bytes, at, 6);
    token.issued_s = static_cast<std::int64_t>(take(*bytes, at, 4));
    token.expires_s = static_cast<std::int64_t>(take(*bytes, at, 4));
    token.nonce = static_cast<std::uint32_t>(take(*bytes, at, 4));
    token.region = static_cast<std::uint32_t>(take(*bytes, at, 3));
    token.signature = bytes->substr(at);
    if (token.expires_s <= token.issued_s || token.region > 999'999)
        return no_token("says what no card says; scan the card again");
    return token;
}

std::string key_text(std::uint16_t key) { return fmt::format("{:04x}", key); }

std::uint16_t key_id(const PublicKey& key) {
    const std::string print = sha256(std::string(text(key.algorithm())) + key.point());
    return static_cast<std::uint16_t>(static_cast<unsigned char>(print[0]) << 8 | static_cast<unsigned char>(print[1]));
}

}  // namespace xinglin::card
