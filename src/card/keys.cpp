// SPDX-License-Identifier: Apache-2.0
// Keys made, kept, published and ended; tokens used once.
#include "card/keys.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include <fmt/format.h>

#include "text/text.h"

namespace xinglin::card {

namespace {

namespace fs = std::filesystem;

constexpr sql::Migration migrations[] = {{1, R"sql(
    CREATE TABLE card_key (
        kid        INTEGER NOT NULL,     -- 16 bits of the public key's print
        algorithm  INTEGER NOT NULL,     -- 1 ES256, 2 SM2
        point      TEXT NOT NULL,        -- x and y, hex
        from_s     INTEGER NOT NULL,     -- signs from, seconds since 1970
        until_s    INTEGER NOT NULL,     -- signs until
        ends_s     INTEGER NOT NULL,     -- what it signed is accepted until
        PRIMARY KEY (kid, algorithm)
    );
    CREATE TABLE card_used (
        number INTEGER NOT NULL,         -- of the card
        nonce  INTEGER NOT NULL,
        ends_s INTEGER NOT NULL,         -- when the token is over, and this row with it
        at_ms  INTEGER NOT NULL,
        who    TEXT NOT NULL,
        place  TEXT NOT NULL,
        PRIMARY KEY (number, nonce)
    );
    CREATE INDEX card_used_ends ON card_used (ends_s);
)sql"},
                                         {2, R"sql(
    CREATE TABLE card_shown (            -- whose card an account has scanned
        who      TEXT NOT NULL,
        patient  TEXT NOT NULL,
        until_ms BIGINT NOT NULL,
        PRIMARY KEY (who, patient)
    );
)sql"}};

constexpr std::int64_t read_again_ms = 5'000;
constexpr std::int64_t day_s = 86'400, hour_s = 3'600;

std::string bytes_of_hex(std::string_view hex) {
    const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
    std::string out;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) out += static_cast<char>(digit(hex[i]) << 4 | digit(hex[i + 1]));
    return out;
}

std::string file_name(std::uint16_t id, Algorithm algorithm) {
    return key_text(id) + (algorithm == Algorithm::sm2 ? "-sm2.pem" : "-es256.pem");
}

[[noreturn]] void cannot_write(const fs::path& path) {
    throw sql::Broken(sql::Broken::Why::io, "the key of cards cannot be written: " + path.string());
}

/// On disk before it returns, readable by us alone.
void write_secret(const fs::path& folder, const std::string& name, const std::string& text) {
    fs::create_directories(folder);
    ::chmod(folder.c_str(), 0700);
    const fs::path path = folder / name;
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0) cannot_write(path);
    const bool written = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(file) == 0;
    ::close(file);
    const int dir = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir >= 0) {
        ::fsync(dir);
        ::close(dir);
    }
    if (!written) cannot_write(path);
}

/// DATA/secrets/card-key, or XINGLIN_SECRET_CARD_KEY: as other secrets of the house are given.
std::string secret_of(const fs::path& data) {
    std::ifstream in(data / "secrets" / "card-key");
    std::string line;
    if (in && std::getline(in, line) && !line.empty()) return line;
    const char* from = std::getenv("XINGLIN_SECRET_CARD_KEY");
    return from ? from : "";
}

bool others_may_read(const fs::path& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 && (status.st_mode & 077) != 0;
}

}  // namespace

Keys::Keys(const Options& options, const calendar::Clock& clock, const Policy& policy)
    : options_(options), clock_(clock), policy_(policy), secret_(secret_of(options.data)) {
    const std::string place = options.store.empty() ? (options.data / "card.db").string() : options.store;
    connection_ = sql::open(place, {.cache_bytes = 2 << 20, .lane = "xinglin card"});
    if (options.wrap) connection_ = options.wrap(std::move(connection_));
    sql::migrate(*connection_, "card", migrations);
}

Result<std::unique_ptr<Keys>> Keys::open(const Options& options, const calendar::Clock& clock, const Policy& policy) {
    std::unique_ptr<Keys> keys(new Keys(options, clock, policy));
    const std::lock_guard lock(keys->mutex_);
    XINGLIN_CHECK(keys->read_own());
    return keys;
}

Result<Done> Keys::read_own() {
    own_.clear();
    auto& rows = connection_->prepare("SELECT kid, algorithm, from_s, until_s FROM card_key ORDER BY from_s");
    while (rows.step()) {
        Own own{static_cast<std::uint16_t>(rows.integer(0)), static_cast<Algorithm>(rows.integer(1)), rows.integer(2),
                rows.integer(3), nullptr};
        const fs::path path = folder() / file_name(own.id, own.algorithm);
        std::ifstream in(path, std::ios::binary);
        if (!in || own.until_s <= now_s()) continue;  // another process's, or over
        if (others_may_read(path))
            return refuse(IssueCode::forbidden, "key",
                          path.string() + " may be read by others; chmod 600 it, and change the key");
        std::ostringstream pem;
        pem << in.rdbuf();
        auto key = PrivateKey::of_pem(pem.str(), secret_);
        if (!key.ok()) return refuse(IssueCode::invalid, "key", path.string() + " " + key.outcome().issues.front().what);
        own.key = std::make_shared<const PrivateKey>(std::move(*key));
        own_.push_back(std::move(own));
    }
    return Done{};
}

/// The private half is on disk before the public half is known.
void Keys::make(std::int64_t from_s) {
    for (;;) {
        auto key = std::make_shared<const PrivateKey>(PrivateKey::fresh(policy_.algorithm));
        const PublicKey open = key->public_key();
        const std::uint16_t id = key_id(open);
        const std::int64_t until_s = from_s + policy_.sign_days * day_s;
        const std::int64_t ends_s = until_s + std::max(policy_.paper_days * day_s, policy_.lifetime_s) + day_s;
        write_secret(folder(), file_name(id, policy_.algorithm), key->pem(secret_));
        const bool taken = sql::transaction(*connection_, [&] {
            auto& known = connection_->prepare("SELECT 1 FROM card_key WHERE kid = ? AND algorithm = ?");
            known.bind(1, std::int64_t{id}).bind(2, static_cast<std::int64_t>(policy_.algorithm));
            const bool found = known.step();
            known.reset();
            if (!found)
                connection_
                    ->prepare("INSERT INTO card_key (kid, algorithm, point, from_s, until_s, ends_s) VALUES (?, ?, ?, ?, ?, ?)")
                    .bind(1, std::int64_t{id})
                    .bind(2, static_cast<std::int64_t>(policy_.algorithm))
                    .bind(3, text::hex(open.point()))
                    .bind(4, from_s)
                    .bind(5, until_s)
                    .bind(6, ends_s)
                    .run();
            return found;
        });
        if (taken) continue;  // one in 65,536 a key
        own_.push_back({id, policy_.algorithm, from_s, until_s, std::move(key)});
        set_ = nullptr;
        return;
    }
}

void Keys::renew() {
    const std::int64_t now = now_s();
    std::erase_if(own_, [&](const Own& own) { return own.until_s <= now; });
    const bool signs_now = std::any_of(own_.begin(), own_.end(), [&](const Own& own) { return own.from_s <= now; });
    if (!signs_now) make(now);
    std::int64_t last_until = 0;
    for (const Own& own : own_) last_until = std::max(last_until, own.until_s);
    if (last_until - now < policy_.publish_ahead_hours * hour_s) make(std::max(now, last_until - hour_s));
}

Signer Keys::signer() {
    const std::lock_guard lock(mutex_);
    if (is_stale()) read_set();
    renew();
    const Own* best = nullptr;
    for (const Own& own : own_) {
        if (own.from_s <= now_s() && (!best || own.from_s > best->from_s)) best = &own;
    }
    XINGLIN_ASSERT(best != nullptr);
    return {best->id, best->key};
}

void Keys::read_set() {
    auto read = std::make_shared<KeySet>();
    read->region = policy_.region;
    read->issued_s = now_s();
    read->expires_s = read->issued_s + policy_.set_hours * hour_s;
    auto& rows = connection_->prepare(
        "SELECT kid, algorithm, point, from_s, until_s, ends_s FROM card_key WHERE ends_s > ? ORDER BY from_s, kid");
    rows.bind(1, now_s());
    std::map<std::pair<std::uint16_t, Algorithm>, std::int64_t> until;
    while (rows.step()) {
        until[{static_cast<std::uint16_t>(rows.integer(0)), static_cast<Algorithm>(rows.integer(1))}] = rows.integer(4);
        auto key = PublicKey::of_point(static_cast<Algorithm>(rows.integer(1)), bytes_of_hex(rows.text(2)));
        if (key)
            read->keys.push_back({static_cast<std::uint16_t>(rows.integer(0)), std::move(*key), rows.integer(3), rows.integer(4),
                                  rows.integer(5)});
    }
    for (Own& own : own_) {  // another process may have ended it
        const auto found = until.find({own.id, own.algorithm});
        own.until_s = found == until.end() ? 0 : found->second;
    }
    set_ = std::move(read);
    set_read_ms_ = clock_.now_ms();
}

bool Keys::is_stale() const { return !set_ || clock_.now_ms() - set_read_ms_ > read_again_ms || clock_.now_ms() < set_read_ms_; }

std::shared_ptr<const KeySet> Keys::set(bool anew) {
    const std::lock_guard lock(mutex_);
    if (is_stale()) read_set();
    renew();
    if (anew || is_stale()) read_set();
    return set_;
}

Result<Done> Keys::rotate(bool at_once) {
    const std::lock_guard lock(mutex_);
    const std::int64_t now = now_s(), from = at_once ? now : now + policy_.set_hours * hour_s;
    if (!at_once) {
        for (const Own& own : own_) {
            if (own.from_s > now)
                return refuse(IssueCode::conflict, "key", "a new key is published already and begins to sign by itself");
        }
    }
    make(from);
    const std::uint16_t fresh = own_.back().id;
    sql::transaction(*connection_, [&] {
        // Stolen: of every process's, since which one it was is not said. What they signed ends with them.
        auto& end = connection_->prepare(
            at_once ? "UPDATE card_key SET until_s = min(until_s, ?), ends_s = min(ends_s, ?) WHERE kid <> ?"
                    : "UPDATE card_key SET until_s = min(until_s, ?), ends_s = max(ends_s, ?) WHERE kid <> ?");
        end.bind(1, at_once ? now - 1 : from + hour_s)
            .bind(2, at_once ? now - 1 : std::int64_t{0})
            .bind(3, std::int64_t{fresh})
            .run();
    });
    set_ = nullptr;
    return read_own();
}

std::optional<Used> Keys::use(const Token& token, const Used& now, const std::vector<Presence>& opens) {
    const std::lock_guard lock(mutex_);
    constexpr unsigned clean_every = 500;
    const auto nonce = std::int64_t{token.nonce};
    const auto number = static_cast<std::int64_t>(token.number);
    return sql::transaction(*connection_, [&]() -> std::optional<Used> {
        auto& before = connection_->prepare("SELECT at_ms, who, place FROM card_used WHERE number = ? AND nonce = ?");
        before.bind(1, number).bind(2, nonce);
        if (before.step()) {
            Used used{before.integer(0), std::string(before.text(1)), std::string(before.text(2))};
            before.reset();
            return used;
        }
        connection_->prepare("INSERT INTO card_used (number, nonce, ends_s, at_ms, who, place) VALUES (?, ?, ?, ?, ?, ?)")
            .bind(1, number)
            .bind(2, nonce)
            .bind(3, token.expires_s + 2 * policy_.tolerance_s + 60)
            .bind(4, now.at_ms)
            .bind(5, now.who)
            .bind(6, now.place)
            .run();
        insert_shown(now.who, opens);
        if (++uses_ % clean_every == 0)
            connection_->prepare("DELETE FROM card_used WHERE ends_s < ?").bind(1, now.at_ms / 1'000).run();
        return std::nullopt;
    });
}

void Keys::insert_shown(std::string_view who, const std::vector<Presence>& opens) {
    connection_->prepare("DELETE FROM card_shown WHERE until_ms <= ?").bind(1, clock_.now_ms()).run();
    for (const Presence& each : opens) {
        connection_
            ->prepare(
                "INSERT INTO card_shown (who, patient, until_ms) VALUES (?, ?, ?) "
                "ON CONFLICT (who, patient) DO UPDATE SET until_ms = excluded.until_ms")
            .bind(1, who)
            .bind(2, each.patient)
            .bind(3, each.until_ms)
            .run();
    }
}

void Keys::open_to(std::string_view who, const std::vector<Presence>& opens) {
    if (opens.empty()) return;
    const std::lock_guard lock(mutex_);
    sql::transaction(*connection_, [&] { insert_shown(who, opens); });
}

std::vector<Presence> Keys::shown_to(std::string_view who) {
    const std::lock_guard lock(mutex_);
    auto& rows = connection_->prepare("SELECT patient, until_ms FROM card_shown WHERE who = ? AND until_ms > ? ORDER BY patient");
    rows.bind(1, who).bind(2, clock_.now_ms());
    std::vector<Presence> found;
    while (rows.step()) found.push_back({std::string(rows.text(0)), rows.integer(1)});
    return found;
}

}  // namespace xinglin::card
