// SPDX-License-Identifier: Apache-2.0
// What a verifier needs who is not connected: the published keys (a JSON Web Key Set, RFC 7517), the list of dead cards, and the judgement.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "card/token.h"
#include "json/json.h"
#include "outcome/outcome.h"

namespace xinglin::card {

/// Times are seconds since 1970.
struct PublishedKey {
    std::uint16_t id = 0;
    PublicKey key;
    std::int64_t signs_from_s = 0, signs_until_s = 0;
    std::int64_t ends_s = 0;  // what it signed is not accepted any longer
};

/// Public keys, and until when they may be used without asking again.
struct KeySet {
    std::uint32_t region = 0;
    std::int64_t issued_s = 0, expires_s = 0;
    std::vector<PublishedKey> keys;

    const PublishedKey* find(std::uint16_t id, Algorithm algorithm) const;
    std::string json() const;
    /// Refuses (where: keys) what is no key set or says nothing of its end. Keys of algorithms it does not know are passed over.
    static Result<KeySet> parse(std::string_view text);
};

/// Numbers of cards that must not be accepted. A card on a phone needs no list: its tokens end within a minute, and a dead one gets
/// no others; here are dead cards that were printed, and those that died within the last day.
struct Revoked {
    std::int64_t issued_s = 0, expires_s = 0;
    std::vector<Number> numbers;  // sorted

    bool has(Number number) const;
    /// Signed: {"issued","expires","count","cards","kid","signature"}; `cards` are the differences of the sorted numbers, seven bits a
    /// byte, in base64url.
    std::string json(const PrivateKey& key, std::uint16_t key_id) const;
    /// Refuses (where: revoked) what none of the keys has signed.
    static Result<Revoked> parse(std::string_view text, const KeySet& keys);
};

enum class Verdict : std::uint8_t {
    good,
    malformed,
    keys_over,    // the key set is too old to say anything
    unknown_key,  // not in the key set
    signature,
    key_over,
    list_over,  // the list of dead cards is too old
    revoked,
    not_yet,
    expired,
    replayed,
};
/// "good", "unknown-key" …
std::string_view text(Verdict verdict);

struct Judged {
    Verdict verdict = Verdict::malformed;
    Token token;
    std::int64_t seconds = 0;  // expired: since when · not_yet: until when · keys_over, list_over, replayed: since when
    std::string en, zh;        // the reason in a sentence, with what to do
};

struct Judging {
    std::int64_t now_s = 0, tolerance_s = 0;
    const Revoked* revoked = nullptr;
    std::int64_t clock_ahead_s = 0;  // of the one who asks, where it is known: named in the reason
};
/// Everything that can be said of a token without asking anybody. Pure.
Judged judge(std::string_view scanned, const KeySet& keys, const Judging& judging);
/// The reason in both languages; judge() gives it already, others (a replay, say) ask for it.
void put_words(Judged& judged, const Judging& judging);

/// RFC 4648, 5: as JWK writes numbers; nothing when it is not.
std::optional<std::string> base64_url_decode(std::string_view text);

}  // namespace xinglin::card
