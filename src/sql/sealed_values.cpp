// SPDX-License-Identifier: Apache-2.0
// One sealed value: key number (4 bytes), writer (16), count (8), tag (16), what is sealed. The subkey is of key and writer, and a
// writer counts: no nonce comes twice, as with pages (docs/decisions/0046).
#include "sql/sealed_values.h"

#include <atomic>
#include <unordered_map>

#include "sql/sealed.h"

namespace xinglin::sql {

namespace {

constexpr std::size_t number_bytes = 4, writer_bytes = 16, count_bytes = 8;
constexpr std::size_t head_bytes = number_bytes + writer_bytes + count_bytes + keys::tag_bytes;
constexpr std::size_t most_openers = 64;
constexpr const char* purpose = "value";

std::span<const unsigned char> span_of(std::string_view text) {
    return {reinterpret_cast<const unsigned char*>(text.data()), text.size()};
}
unsigned char* at(std::string& text, std::size_t from = 0) { return reinterpret_cast<unsigned char*>(text.data()) + from; }

void append_number(std::string& out, std::uint64_t number, std::size_t bytes) {
    for (std::size_t i = bytes; i-- > 0;) out += static_cast<char>(number >> (8 * i));
}
std::uint64_t number_at(std::string_view text) {
    std::uint64_t number = 0;
    for (const char c : text) number = number << 8 | static_cast<unsigned char>(c);
    return number;
}

[[noreturn]] void damaged(std::string_view about) {
    throw Broken(Broken::Why::corrupt, std::string(about) + ": what is sealed there is not what was written there");
}

std::uint64_t next_number() {
    static std::atomic<std::uint64_t> last{0};
    return ++last;
}

/// Sealers are for one thread; each keeps those it reads with.
using Openers = std::unordered_map<std::string, std::unique_ptr<keys::Sealer>>;
Openers& openers() {
    static thread_local Openers mine;
    if (mine.size() > most_openers) mine.clear();
    return mine;
}

std::string list_in(Connection& connection) {
    auto& query = connection.prepare("SELECT list FROM sql_key_list");
    std::string text = query.step() ? std::string(query.text(0)) : std::string();
    query.reset();
    return text;
}

}  // namespace

Values::Values(std::string place, std::vector<std::string> key_places, std::string text, keys::OpenedList list)
    : place_(std::move(place)),
      key_places_(std::move(key_places)),
      number_(next_number()),
      text_(std::move(text)),
      ring_(std::make_shared<const keys::Ring>(std::move(list.ring))),
      with_(std::move(list.with)) {}

std::shared_ptr<const keys::Ring> Values::ring() const {
    const std::lock_guard lock(mutex_);
    return ring_;
}

bool Values::is_in_token() const {
    const std::lock_guard lock(mutex_);
    return !with_.in_token.empty();
}

std::string Values::seal(std::string_view about, std::string_view text) {
    const std::lock_guard lock(mutex_);
    if (!sealer_ || sealing_with_ != ring_->active) {
        sealing_with_ = ring_->active;
        writer_ = keys::random_bytes(writer_bytes);
        count_ = 0;
        sealer_ = std::make_unique<keys::Sealer>(ring_->cipher, ring_->find(sealing_with_)->secret, writer_, purpose);
    }
    std::string out;
    out.reserve(head_bytes + text.size());
    append_number(out, sealing_with_, number_bytes);
    out += writer_;
    append_number(out, ++count_, count_bytes);
    out.resize(head_bytes + text.size());
    sealer_->seal(count_, about, span_of(text), at(out, head_bytes), at(out, head_bytes - keys::tag_bytes));
    return out;
}

std::string Values::open(std::string_view about, std::string_view sealed) {
    if (sealed.size() < head_bytes) damaged(about);
    const auto key_number = static_cast<std::uint32_t>(number_at(sealed.substr(0, number_bytes)));
    const std::string_view writer = sealed.substr(number_bytes, writer_bytes);
    std::string name;
    append_number(name, number_, 8);
    name += sealed.substr(0, number_bytes + writer_bytes);
    auto& sealer = openers()[name];
    if (!sealer) {
        auto ring = this->ring();
        if (!ring->find(key_number)) {
            look();
            ring = this->ring();
        }
        const keys::DataKey* key = ring->find(key_number);
        if (!key) {
            openers().erase(name);
            throw Broken(Broken::Why::corrupt,
                         std::string(about) + ": is sealed with key " + std::to_string(key_number) + ", which is not there");
        }
        sealer = std::make_unique<keys::Sealer>(ring->cipher, key->secret, writer, purpose);
    }
    const std::string_view body = sealed.substr(head_bytes);
    std::string out(body.size(), '\0');
    const std::uint64_t count = number_at(sealed.substr(number_bytes + writer_bytes, count_bytes));
    if (!sealer->open(count, about, span_of(body), at(out), span_of(sealed.substr(head_bytes - keys::tag_bytes)).data()))
        damaged(about);
    return out;
}

void Values::refresh(Connection& connection) {
    const std::string text = list_in(connection);
    bool is_new = false;
    {
        const std::lock_guard lock(mutex_);
        is_new = !text.empty() && text != text_ && text != refused_;  // a token is not asked again and again in vain
    }
    if (is_new) take(text);
    const std::lock_guard lock(mutex_);
    if (text == refused_) throw Broken(Broken::Why::other, refusal_);
}

/// By a connection of its own: whoever reads may be anywhere.
void Values::look() {
    const auto connection = open_postgres(place_, {.read_only = true, .cache_bytes = 1 << 20});
    take(list_in(*connection));
}

void Values::take(const std::string& text) {
    std::optional<keys::ListKey> held;
    {
        const std::lock_guard lock(mutex_);
        held = with_;
    }
    auto list = keys::open_list(without_password(place_), text, key_places_, held);
    const std::lock_guard lock(mutex_);
    if (!list.ok()) {  // rewrapped under a key we were not given: what we hold is as good until the data keys change
        if (keys::active_in(text) == ring_->active) text_ = text;
        else refused_ = text, refusal_ = list.outcome().line();
        return;
    }
    if (list->ring.generation < ring_->generation) return;
    for (const keys::DataKey& key : ring_->keys) {  // a snapshot that is held may still show what was sealed with it
        if (!list->ring.find(key.number)) list->ring.keys.push_back(key);
    }
    text_ = text;
    with_ = std::move(list->with);
    ring_ = std::make_shared<const keys::Ring>(std::move(list->ring));
}

std::string about_of(std::string_view name, std::span<const std::int64_t> numbers) {
    std::string about(name);
    for (const std::int64_t number : numbers) about += " " + std::to_string(number);
    return about;
}

bool has_values(const std::string& place) {
    if (!is_postgres(place)) return false;
    const auto connection = open_postgres(place, {.read_only = true, .cache_bytes = 1 << 20});
    auto& query = connection->prepare("SELECT CASE WHEN to_regclass('sql_key_list') IS NULL THEN 0 ELSE 1 END");
    const bool is = query.step() && query.integer(0) != 0;
    query.reset();
    return is;
}

std::shared_ptr<Values> values_of(const std::string& place) {
    if (!has_values(place)) return nullptr;
    const auto key_places = sql::key_places();
    static std::mutex mutex;  // guards the next
    static std::unordered_map<std::string, std::weak_ptr<Values>> known;
    std::string name = place;
    for (const std::string& each : key_places) name += "\n" + each;
    const std::lock_guard lock(mutex);
    if (auto kept = known[name].lock()) return kept;
    const auto connection = open_postgres(place, {.read_only = true, .cache_bytes = 1 << 20});
    std::string text = list_in(*connection);
    auto list = keys::open_list(without_password(place), text, key_places);
    if (!list.ok()) throw Broken(Broken::Why::other, list.outcome().line());
    auto made = std::make_shared<Values>(place, key_places, std::move(text), std::move(*list));
    known[name] = made;
    return made;
}

}  // namespace xinglin::sql
