// SPDX-License-Identifier: Apache-2.0
// data-keys.json: data keys, each wrapped; the whole bound by a check under the key-encrypting key, so that no line of it can be
// exchanged for an older one's without being seen.
#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "json/json.h"
#include "keys/keys.h"
#include "keys/token.h"
#include "text/text.h"

namespace xinglin::keys {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view wrap_purpose = "wrapped data key", check_purpose = "check of the list";
constexpr std::size_t largest_file = 1 << 20;

Outcome no(const fs::path& folder, std::string what) {
    return refuse(IssueCode::invalid, (folder / file_name).string(), std::move(what));
}

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
    if (!sealer.open(0, about, span_of(body), at(text), span_of(wrapped.substr(wrapped.size() - tag_bytes)).data())) return std::nullopt;
    return text;
}

/// What the check binds: the numbers that say which key is used, and which keys there are.
std::string summary(const Ring& ring) {
    std::string all = std::string(name_of(ring.cipher)) + " " + std::to_string(ring.generation) + " " + std::to_string(ring.active);
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

bool write_all(int file, std::string_view text) {
    while (!text.empty()) {
        const ssize_t done = ::write(file, text.data(), text.size());
        if (done < 0 && errno != EINTR) return false;
        if (done > 0) text.remove_prefix(static_cast<std::size_t>(done));
    }
    return true;
}

/// Whole or not at all: beside, to the disk, renamed, and the folder to the disk.
Result<Done> put(const fs::path& folder, const std::string& text) {
    const fs::path beside = folder / (std::string(file_name) + ".new");
    const int file = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool done = file >= 0 && write_all(file, text) && ::fsync(file) == 0;
    if (file >= 0) ::close(file);
    done = done && ::rename(beside.c_str(), (folder / file_name).c_str()) == 0;
    const int there = done ? ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    done = done && there >= 0 && ::fsync(there) == 0;
    const int why = errno;
    if (there >= 0) ::close(there);
    if (!done) return refuse(IssueCode::exception, (folder / file_name).string(), std::string("cannot be written: ") + std::strerror(why));
    return Done{};
}

Result<std::string> text_of(const fs::path& folder) {
    const int file = ::open((folder / file_name).c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return no(folder, std::string("cannot be read: ") + std::strerror(errno));
    std::string text;
    char piece[1 << 14];
    ssize_t got = 0;
    while (text.size() < largest_file && (got = ::read(file, piece, sizeof piece)) > 0) text.append(piece, static_cast<std::size_t>(got));
    ::close(file);
    if (got < 0) return no(folder, std::string("cannot be read: ") + std::strerror(errno));
    return text;
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
Result<std::optional<Ring>> ring_of(const fs::path& folder, std::string_view text, const Secret& with) {
    json::Arena arena;
    const auto parsed = json::parse(text, arena);
    if (!parsed.ok() || !parsed->is_object()) return no(folder, "is no list of keys; restore it from a backup");
    const json::Value object = *parsed;
    Ring ring;
    const auto cipher = cipher_of(object["cipher"].string());
    const auto generation = number_of<std::int64_t>(object["generation"]);
    const auto active = number_of<std::uint32_t>(object["active"]);
    const auto check = from_hex(object["check"].string());
    if (object["format"].text() != (object["inToken"] ? "2" : "1")) return no(folder, "is of a newer program; use that one");
    if (!cipher || !generation || !active || !check || !object["keys"].is_array())
        return no(folder, "lacks cipher, generation, active, keys or check; restore it from a backup");
    ring.cipher = *cipher, ring.generation = *generation, ring.active = *active;
    bool fits = true;
    for (const json::Node& node : object["keys"].items()) {
        const json::Value each(&node);
        const auto number = number_of<std::uint32_t>(each["number"]);
        const auto wrapped = from_hex(each["wrapped"].string());
        if (!number || *number == 0 || !wrapped) return no(folder, "holds a key without number or content; restore it from a backup");
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
    if (!ring.find(ring.active)) return no(folder, "lacks its active key; restore it from a backup");
    return std::optional(std::move(ring));
}

/// One process at a time changes the file, or asks the token about it: SoftHSM shows no token while another process logs in.
class Turn {
public:
    explicit Turn(const fs::path& folder) : folder_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
        if (folder_ >= 0) ::flock(folder_, LOCK_EX);
    }
    ~Turn() {
        if (folder_ >= 0) ::close(folder_);
    }
    Turn(const Turn&) = delete;

private:
    int folder_;
};

struct Opened {
    Ring ring;
    ListKey with;
};

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

Result<std::string> token_part(const fs::path& folder, std::string_view text) {
    json::Arena arena;
    const auto parsed = json::parse(text, arena);
    if (!parsed.ok() || !parsed->is_object() || !(*parsed)["inToken"]) return std::string();
    auto sealed = from_hex((*parsed)["inToken"].string());
    if (!sealed || sealed->size() != 16 + key_bytes) return no(folder, "holds no key as tokens seal it; restore it from a backup");
    return std::move(*sealed);
}

/// `held` is what this process opened the list with before: as long as that fits, nobody is asked for a key in a token.
Result<Opened> open_ring(const fs::path& folder, const std::vector<std::string>& places, const std::optional<ListKey>& held = std::nullopt) {
    XINGLIN_TRY(const std::string text, text_of(folder));
    if (places.empty())
        return refuse(IssueCode::required, folder.string(),
                      std::string("is encrypted; name its key with --data-key, ") + places_wanted + ", or in XINGLIN_DATA_KEY");
    XINGLIN_TRY(const std::string in_token, token_part(folder, text));
    if (held && !in_token.empty() && held->in_token == in_token) {
        XINGLIN_TRY(auto ring, ring_of(folder, text, held->secret));
        if (ring) return Opened{std::move(*ring), *held};
    }
    std::optional<Outcome> unfetched;
    for (const std::string& place : places) {
        auto with = list_key(place, in_token);
        if (!with.ok()) {
            unfetched = with.outcome();
            continue;
        }
        if (!*with) continue;
        XINGLIN_TRY(auto ring, ring_of(folder, text, (*with)->secret));
        if (ring) return Opened{std::move(*ring), std::move(**with)};
    }
    if (unfetched) return *unfetched;
    return refuse(IssueCode::forbidden, folder.string(),
                  std::string("is encrypted under another key") + (in_token.empty() ? "" : ", one in a token") + ", or its " + file_name +
                      " was altered; name the right key with --data-key");
}

DataKey fresh_key(std::uint32_t number, const std::string& date) { return {number, date, Secret(random_bytes(key_bytes))}; }

}  // namespace

const DataKey* Ring::find(std::uint32_t number) const {
    const auto found = std::find_if(keys.begin(), keys.end(), [&](const DataKey& key) { return key.number == number; });
    return found == keys.end() ? nullptr : &*found;
}

bool is_sealed(const fs::path& folder) {
    std::error_code ignored;
    return fs::exists(folder / file_name, ignored);
}

Folder::Stamp Folder::stamp() const {
    struct stat about = {};
    if (::stat((path_ / file_name).c_str(), &about) != 0) return {};
    return {static_cast<std::int64_t>(about.st_ino), about.st_size, about.st_mtim.tv_sec * 1'000'000'000 + about.st_mtim.tv_nsec};
}

Result<std::shared_ptr<Folder>> Folder::open(const fs::path& folder, const std::vector<std::string>& places) {
    std::shared_ptr<Folder> made(new Folder(folder, places));
    made->read_ = made->stamp();
    const Turn turn(folder);
    XINGLIN_TRY(Opened opened, open_ring(folder, places));
    made->with_ = opened.with;
    made->ring_ = std::make_shared<const Ring>(std::move(opened.ring));
    return made;
}

std::shared_ptr<const Ring> Folder::ring() const {
    const std::lock_guard lock(mutex_);
    return ring_;
}

bool Folder::is_in_token() const {
    const std::lock_guard lock(mutex_);
    return with_ && !with_->in_token.empty();
}

std::shared_ptr<const Ring> Folder::refresh() {
    const Stamp now = stamp();
    std::optional<ListKey> held;
    {
        const std::lock_guard lock(mutex_);
        if (now == read_) return ring_;
        held = with_;
    }
    const Turn turn(path_);
    auto opened = open_ring(path_, places_, held);
    const std::lock_guard lock(mutex_);
    read_ = now;  // also when it failed: a wrong PIN that is tried again locks a token
    if (!opened.ok() || opened->ring.generation < ring_->generation) return ring_;
    with_ = opened->with;
    return ring_ = std::make_shared<const Ring>(std::move(opened->ring));
}

Result<Done> make(const fs::path& folder, Cipher cipher, const std::string& place, const std::string& date) {
    const Turn turn(folder);
    XINGLIN_TRY(const ListKey with, fresh_list_key(place));
    if (is_sealed(folder)) return refuse(IssueCode::conflict, folder.string(), "has keys already");
    Ring ring{cipher, 1, 1, {}};
    ring.keys.push_back(fresh_key(1, date));
    return put(folder, written(ring, with));
}

Result<Done> rewrap(const fs::path& folder, const std::vector<std::string>& places, const std::string& place) {
    const Turn turn(folder);
    XINGLIN_TRY(const ListKey with, fresh_list_key(place));
    XINGLIN_TRY(Opened opened, open_ring(folder, places));
    ++opened.ring.generation;
    return put(folder, written(opened.ring, with));
}

Result<std::uint32_t> rotate(const fs::path& folder, const std::vector<std::string>& places, const std::string& date) {
    const Turn turn(folder);
    XINGLIN_TRY(Opened opened, open_ring(folder, places));
    Ring& ring = opened.ring;
    std::uint32_t last = 0;
    for (const DataKey& key : ring.keys) last = std::max(last, key.number);
    ring.keys.push_back(fresh_key(last + 1, date));
    ring.active = last + 1;
    ++ring.generation;
    XINGLIN_CHECK(put(folder, written(ring, opened.with)));
    return ring.active;
}

Result<Done> retire(const fs::path& folder, const std::vector<std::string>& places) {
    const Turn turn(folder);
    XINGLIN_TRY(Opened opened, open_ring(folder, places));
    Ring& ring = opened.ring;
    std::erase_if(ring.keys, [&](const DataKey& key) { return key.number != ring.active; });
    ++ring.generation;
    return put(folder, written(ring, opened.with));
}

}  // namespace xinglin::keys
