// SPDX-License-Identifier: Apache-2.0
// Key sets and lists of dead cards, written and read.
#include "card/key_set.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "text/text.h"

namespace xinglin::card {

namespace {

constexpr std::size_t most_keys = 1'000, most_listed = 20'000'000;
constexpr std::string_view list_mark = "XH1-revoked";

/// Seconds, of a JSON number without fraction from 0 to the year 9999; nothing otherwise.
std::optional<std::int64_t> seconds_in(json::Value value) {
    std::int64_t out = 0;
    const std::string_view digits = value.text();
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
    if (!value.is_number() || error != std::errc() || end != digits.data() + digits.size() || out < 0 || out > 253'402'300'799)
        return std::nullopt;
    return out;
}

std::optional<std::uint16_t> key_in(std::string_view text) {
    std::uint16_t id = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id, 16);
    if (text.size() != 4 || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return id;
}

std::string big_end(std::int64_t value) {
    std::string out;
    for (int i = 7; i >= 0; --i) out += static_cast<char>(value >> (8 * i) & 0xff);
    return out;
}

/// Names of curve and algorithm: of P-256 RFC 7518's; SM2 has none registered, these are in use.
std::string_view curve_name(Algorithm algorithm) { return algorithm == Algorithm::sm2 ? "SM2" : "P-256"; }

Result<std::optional<PublishedKey>> key_of(json::Value jwk) {
    const auto wrong = [](std::string what) { return refuse(IssueCode::value, "keys", std::move(what)); };
    const auto algorithm = parse_algorithm(jwk["alg"].string());
    if (jwk["kty"].string() != "EC" || !algorithm || jwk["crv"].string() != curve_name(*algorithm))
        return std::optional<PublishedKey>();
    const auto id = key_in(jwk["kid"].string());
    const auto x = base64_url_decode(jwk["x"].string()), y = base64_url_decode(jwk["y"].string());
    const auto from = seconds_in(jwk["nbf"]), until = seconds_in(jwk["signs_until"]), end = seconds_in(jwk["exp"]);
    if (!id) return wrong("a key has no kid of four hex digits");
    if (!x || !y || x->size() != 32 || y->size() != 32 || jwk["d"]) return wrong("key " + key_text(*id) + " is no public key");
    if (!from || !until || !end) return wrong("key " + key_text(*id) + " does not say nbf, signs_until and exp");
    auto key = PublicKey::of_point(*algorithm, *x + *y);
    if (!key) return wrong("key " + key_text(*id) + " is no point of its curve");
    return std::optional<PublishedKey>(PublishedKey{*id, std::move(*key), *from, *until, *end});
}

std::string deltas(const std::vector<Number>& sorted) {
    std::string out;
    Number before = 0;
    for (const Number number : sorted) {
        for (Number delta = number - before;; delta >>= 7) {
            out += static_cast<char>(delta > 0x7f ? (delta & 0x7f) | 0x80 : delta);
            if (delta <= 0x7f) break;
        }
        before = number;
    }
    return out;
}

std::optional<std::vector<Number>> from_deltas(std::string_view bytes) {
    std::vector<Number> out;
    Number at = 0, delta = 0;
    int shift = 0;
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        if (shift > 42) return std::nullopt;
        delta |= static_cast<Number>(byte & 0x7f) << shift;
        shift += 7;
        if (byte & 0x80) continue;
        at += delta;
        if (at > most_number || (delta == 0 && !out.empty()) || out.size() >= most_listed) return std::nullopt;
        out.push_back(at);
        delta = 0, shift = 0;
    }
    if (shift != 0) return std::nullopt;
    return out;
}

std::string signed_list(std::int64_t issued_s, std::int64_t expires_s, std::string_view packed) {
    return std::string(list_mark) + big_end(issued_s) + big_end(expires_s) + std::string(packed);
}

}  // namespace

std::optional<std::string> base64_url_decode(std::string_view text) {
    std::string plain(text);
    for (char& c : plain) {
        if (c == '+' || c == '/' || c == '=' || static_cast<unsigned char>(c) <= ' ') return std::nullopt;
        if (c == '-') c = '+';
        if (c == '_') c = '/';
    }
    if (plain.size() % 4 == 1) return std::nullopt;
    plain.append((4 - plain.size() % 4) % 4, '=');
    return text::base64_decode(plain);
}

const PublishedKey* KeySet::find(std::uint16_t id, Algorithm algorithm) const {
    for (const PublishedKey& each : keys) {
        if (each.id == id && each.key.algorithm() == algorithm) return &each;
    }
    return nullptr;
}

std::string KeySet::json() const {
    json::Arena arena;
    std::vector<json::Value> all;
    for (const PublishedKey& each : keys) {
        const std::string_view point = each.key.point();
        all.push_back(arena.object({{"kty", arena.string("EC")},
                                    {"crv", arena.string(curve_name(each.key.algorithm()))},
                                    {"alg", arena.string(card::text(each.key.algorithm()))},
                                    {"use", arena.string("sig")},
                                    {"kid", arena.string(key_text(each.id))},
                                    {"x", arena.string(text::base64_url(point.substr(0, 32)))},
                                    {"y", arena.string(text::base64_url(point.substr(32)))},
                                    {"nbf", arena.number(each.signs_from_s)},
                                    {"signs_until", arena.number(each.signs_until_s)},
                                    {"exp", arena.number(each.ends_s)}}));
    }
    return json::write(arena.object({{"region", arena.string(fmt::format("{:06}", region))},
                                     {"issued", arena.number(issued_s)},
                                     {"expires", arena.number(expires_s)},
                                     {"keys", arena.array(all)}}));
}

Result<KeySet> KeySet::parse(std::string_view text) {
    json::Arena arena;
    const auto parsed = json::parse(text, arena, {.depth = 10, .bytes = 4u << 20});
    if (!parsed.ok()) return refuse(IssueCode::invalid, "keys", "is no JSON: " + parsed.outcome().line());
    if (!(*parsed)["keys"].is_array())
        return refuse(IssueCode::structure, "keys", "is no key set; fetch /.well-known/card-keys.json");
    const auto issued = seconds_in((*parsed)["issued"]), expires = seconds_in((*parsed)["expires"]);
    if (!issued || !expires)
        return refuse(IssueCode::required, "keys", "says no issued and expires, in seconds; fetch /.well-known/card-keys.json");
    KeySet out;
    out.issued_s = *issued, out.expires_s = *expires;
    const std::string_view region = (*parsed)["region"].string();
    std::from_chars(region.data(), region.data() + region.size(), out.region);
    if ((*parsed)["keys"].size() > most_keys) return refuse(IssueCode::too_costly, "keys", "holds more than 1000 keys");
    for (const json::Node& node : (*parsed)["keys"].items()) {
        XINGLIN_TRY(auto key, key_of(json::Value(&node)));
        if (key) out.keys.push_back(std::move(*key));
    }
    return out;
}

bool Revoked::has(Number number) const { return std::binary_search(numbers.begin(), numbers.end(), number); }

std::string Revoked::json(const PrivateKey& key, std::uint16_t key_id) const {
    const std::string packed = deltas(numbers);
    json::Arena arena;
    return json::write(
        arena.object({{"issued", arena.number(issued_s)},
                      {"expires", arena.number(expires_s)},
                      {"count", arena.number(static_cast<std::int64_t>(numbers.size()))},
                      {"cards", arena.string(text::base64_url(packed))},
                      {"alg", arena.string(card::text(key.algorithm()))},
                      {"kid", arena.string(key_text(key_id))},
                      {"signature", arena.string(text::base64_url(key.sign(signed_list(issued_s, expires_s, packed))))}}));
}

Result<Revoked> Revoked::parse(std::string_view text, const KeySet& keys) {
    const auto wrong = [](std::string what) { return refuse(IssueCode::invalid, "revoked", std::move(what)); };
    json::Arena arena;
    const auto parsed = json::parse(text, arena, {.depth = 4, .bytes = 200u << 20});
    if (!parsed.ok()) return wrong("is no JSON: " + parsed.outcome().line());
    const auto issued = seconds_in((*parsed)["issued"]), expires = seconds_in((*parsed)["expires"]);
    const auto packed = base64_url_decode((*parsed)["cards"].string());
    const auto signature = base64_url_decode((*parsed)["signature"].string());
    const auto id = key_in((*parsed)["kid"].string());
    const auto algorithm = parse_algorithm((*parsed)["alg"].string());
    if (!issued || !expires || !packed || !signature || !id || !algorithm)
        return wrong("is no list of dead cards; fetch /.well-known/card-revoked.json");
    const PublishedKey* key = keys.find(*id, *algorithm);
    if (!key) return wrong("was signed with key " + key_text(*id) + ", which is not in the key set; fetch both again");
    if (!key->key.fits(signed_list(*issued, *expires, *packed), *signature))
        return wrong("has a signature that does not fit: it was changed on its way; fetch it again");
    auto numbers = from_deltas(*packed);
    if (!numbers) return wrong("holds something else than card numbers");
    return Revoked{*issued, *expires, std::move(*numbers)};
}

}  // namespace xinglin::card
