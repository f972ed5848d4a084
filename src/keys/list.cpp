// SPDX-License-Identifier: Apache-2.0
// The text of a list of data keys: each wrapped; the whole bound by a check under the key-encrypting key, so that no line of it can
// be exchanged for an older one's without being seen.
#include "keys/list.h"

#include <algorithm>
#include <charconv>

#include "json/json.h"
#include "keys/token.h"
#include "text/text.h"

namespace xinglin::keys {

namespace {

constexpr std::string_view wrap_purpose = "wrapped data key", check_purpose = "check of the list";

Outcome no(const std::string& where, std::string what) { return refuse(IssueCode::invalid, where, std::move(what)); }

std::span<const unsigned char> span_of(std::string_view text) {
    return {reinterpret_cast<const unsigned char*>(text.data()), text.size()};
}
unsigned char* at(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

std::optional<std::string> from_hex(std::string_view text) {
    std::string made;
    if (text.size() % 2) return std::nullopt;
    for (std::size_t i = 0; i < text.size(); i += 2) {
        unsigned value = 0;
        const auto end = std::from_chars(text.data() + i, text.data() + i + 2, value, 16);
        if (end.ec != std::errc() || end.ptr != text.data() + i + 2) return std::nullopt;
        made += static_cast<char>(value);
    }
    return made;
}

std::string about_key(const DataKey& key, Cipher cipher) {
    return std::to_string(key.number) + " " + key.made + " " + std::string(name_of(cipher));
}

/// Salt, what is sealed, tag. The salt is fresh, so the count may be 0.
std::string wrap(Cipher cipher, const Secret& with, std::string_view purpose, std::string_view about, std::string_view text) {
    const std::string salt = random_bytes(salt_bytes);
    std::string sealed(text.size(), '\0'), tag(tag_bytes, '\0');
    Sealer(cipher, with, salt, purpose).seal(0, about, span_of(text), at(sealed), at(tag));
    return salt + sealed + tag;
}

std::optional<std::string> unwrap(Cipher cipher, const Secret& with, std::string_view purpose, std::string_view about,
                                  std::string_view wrapped) {
    if (wrapped.size() < salt_bytes + tag_bytes) return std::nullopt;
    const std::string_view body = wrapped.substr(salt_bytes, wrapped.size() - salt_bytes - tag_bytes);
    std::string text(body.size(), '\0');
    Sealer sealer(cipher, with, wrapped.substr(0, salt_bytes), purpose);
    if (!sealer.open(0, about, span_of(body), at(text), span_of(wrapped.substr(wrapped.size() - tag_bytes)).data()))
        return std::nullopt;
    return text;
}

/// What the check binds: the numbers that say which key is used, and which keys there are.
std::string summary(const Ring& ring) {
    std::string all =
        std::string(name_of(ring.cipher)) + " " + std::to_string(ring.generation) + " " + std::to_string(ring.active);
    for (const DataKey& key : ring.keys) all += " " + about_key(key, ring.cipher);
    return all;
}

std::string written(const Ring& ring, const ListKey& list) {
    const Secret& with = list.secret;
    json::Arena arena;
    std::vector<json::Value> keys;
    for (const DataKey& key : ring.keys) {
        const std::string wrapped = wrap(ring.cipher, with, wrap_purpose, about_key(key, ring.cipher), key.secret.bytes());
        keys.push_back(arena.object({{"number", arena.number(std::int64_t{key.number})},
                                     {"made", arena.string(key.made)},
                                     {"wrapped", arena.string(text::hex(wrapped))}}));
    }
    std::vector<std::pair<std::string_view, json::Value>> all = {
        {"format", arena.number(std::int64_t{list.in_token.empty() ? 1 : 2})},
        {"cipher", arena.string(name_of(ring.cipher))},
        {"generation", arena.number(ring.generation)},
        {"active", arena.number(std::int64_t{ring.active})},
        {"keys", arena.array(keys)},
        {"check", arena.string(text::hex(wrap(ring.cipher, with, check_purpose, summary(ring), "")))}};
    if (!list.in_token.empty()) all.emplace_back("inToken", arena.string(text::hex(list.in_token)));
    return json::write_pretty(arena.object(all)) + "\n";
}
template <typename T>
std::optional<T> number_of(json::Value value) {
    T number = 0;
    const std::string_view text = value.is_number() ? value.text() : std::string_view();
    const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || end.ec != std::errc() || end.ptr != text.data() + text.size()) return std::nullopt;
    return number;
}

/// Nothing when the key does not fit.
Result<std::optional<Ring>> ring_of(const std::string& where, std::string_view text, const Secret& with) {
    json::Arena arena;
    const auto parsed = json::parse(text, arena);
    if (!parsed.ok() || !parsed->is_object()) return no(where, "is no list of keys; restore it from a backup");
    const json::Value object = *parsed;
    Ring ring;
    const auto cipher = cipher_of(object["cipher"].string());
    const auto generation = number_of<std::int64_t>(object["generation"]);
    const auto active = number_of<std::uint32_t>(object["active"]);
    const auto check = from_hex(object["check"].string());
    if (object["format"].text() != (object["inToken"] ? "2" : "1")) return no(where, "is of a newer program; use that one");
    if (!cipher || !generation || !active || !check || !object["keys"].is_array())
        return no(where, "lacks cipher, generation, active, keys or check; restore it from a backup");
    ring.cipher = *cipher, ring.generation = *generation, ring.active = *active;
    bool fits = true;
    for (const json::Node& node : object["keys"].items()) {
        const json::Value each(&node);
        const auto number = number_of<std::uint32_t>(each["number"]);
        const auto wrapped = from_hex(each["wrapped"].string());
        if (!number || *number == 0 || !wrapped)
            return no(where, "holds a key without number or content; restore it from a backup");
        DataKey key{*number, std::string(each["made"].string()), Secret("")};
        const auto secret = unwrap(ring.cipher, with, wrap_purpose, about_key(key, ring.cipher), *wrapped);
        if (!secret || secret->size() != key_bytes) {
            fits = false;
            break;
        }
        key.secret = Secret(*secret);
        ring.keys.push_back(std::move(key));
    }
    if (!fits || !unwrap(ring.cipher, with, check_purpose, summary(ring), *check)) return std::optional<Ring>();
    if (!ring.find(ring.active)) return no(where, "lacks its active key; restore it from a backup");
    return std::optional(std::move(ring));
}

/// What a new list is sealed with.
Result<ListKey> fresh_list_key(const std::string& place) {
    if (!place.starts_with(token_scheme)) {
        XINGLIN_TRY(Secret secret, fetch(place));
        return ListKey{std::move(secret), ""};
    }
    Secret secret(random_bytes(key_bytes));
    XINGLIN_TRY(std::string sealed, seal_in_token(place, secret.bytes()));
    return ListKey{std::move(secret), std::move(sealed)};
}

/// What a list was sealed with; nothing when this place cannot be it, so that no token is asked in vain.
Result<std::optional<ListKey>> list_key(const std::string& place, const std::string& in_token) {
    const bool is_token = place.starts_with(token_scheme);
    if (is_token && in_token.empty()) {
        XINGLIN_CHECK(token_place(place));
        return std::optional<ListKey>();
    }
    if (!is_token) {
        XINGLIN_TRY(Secret secret, fetch(place));
        return in_token.empty() ? std::optional(ListKey{std::move(secret), ""}) : std::nullopt;
    }
    XINGLIN_TRY(const std::string text, open_in_token(place, in_token));
    return std::optional(ListKey{Secret(text), in_token});
}

Result<std::string> token_part(const std::string& where, std::string_view text) {
    json::Arena arena;
    const auto parsed = json::parse(text, arena);
    if (!parsed.ok() || !parsed->is_object() || !(*parsed)["inToken"]) return std::string();
    auto sealed = from_hex((*parsed)["inToken"].string());
    if (!sealed || sealed->size() != 16 + key_bytes) return no(where, "holds no key as tokens seal it; restore it from a backup");
    return std::move(*sealed);
}

DataKey fresh_key(std::uint32_t number, const std::string& date) { return {number, date, Secret(random_bytes(key_bytes))}; }

}  // namespace

Result<OpenedList> open_list(const std::string& where, std::string_view text, const std::vector<std::string>& places,
                             const std::optional<ListKey>& held) {
    if (places.empty())
        return refuse(IssueCode::required, where,
                      std::string("is encrypted; name its key with --data-key, ") + places_wanted + ", or in XINGLIN_DATA_KEY");
    XINGLIN_TRY(const std::string in_token, token_part(where, text));
    if (held && !in_token.empty() && held->in_token == in_token) {
        XINGLIN_TRY(auto ring, ring_of(where, text, held->secret));
        if (ring) return OpenedList{std::move(*ring), *held};
    }
    std::optional<Outcome> unfetched;
    for (const std::string& place : places) {
        auto with = list_key(place, in_token);
        if (!with.ok()) {
            unfetched = with.outcome();
            continue;
        }
        if (!*with) continue;
        XINGLIN_TRY(auto ring, ring_of(where, text, (*with)->secret));
        if (ring) return OpenedList{std::move(*ring), std::move(**with)};
    }
    if (unfetched) return *unfetched;
    return refuse(IssueCode::forbidden, where,
                  std::string("is encrypted under another key") + (in_token.empty() ? "" : ", one in a token") + ", or its " +
                      file_name + " was altered; name the right key with --data-key");
}

std::uint32_t active_in(std::string_view text) {
    json::Arena arena;
    const auto parsed = json::parse(text, arena);
    return parsed.ok() && parsed->is_object() ? number_of<std::uint32_t>((*parsed)["active"]).value_or(0) : 0;
}

Result<std::string> new_list(Cipher cipher, const std::string& place, const std::string& date) {
    XINGLIN_TRY(const ListKey with, fresh_list_key(place));
    Ring ring{cipher, 1, 1, {}};
    ring.keys.push_back(fresh_key(1, date));
    return written(ring, with);
}

Result<std::string> rewrapped(OpenedList list, const std::string& place) {
    XINGLIN_TRY(const ListKey with, fresh_list_key(place));
    ++list.ring.generation;
    return written(list.ring, with);
}

Rotated rotated(OpenedList list, const std::string& date) {
    std::uint32_t last = 0;
    for (const DataKey& key : list.ring.keys) last = std::max(last, key.number);
    list.ring.keys.push_back(fresh_key(last + 1, date));
    list.ring.active = last + 1;
    ++list.ring.generation;
    return {written(list.ring, list.with), list.ring.active};
}

std::string retired(OpenedList list) {
    std::erase_if(list.ring.keys, [&](const DataKey& key) { return key.number != list.ring.active; });
    ++list.ring.generation;
    return written(list.ring, list.with);
}

const DataKey* Ring::find(std::uint32_t number) const {
    const auto found = std::find_if(keys.begin(), keys.end(), [&](const DataKey& key) { return key.number == number; });
    return found == keys.end() ? nullptr : &*found;
}

}  // namespace xinglin::keys
