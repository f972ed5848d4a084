// SPDX-License-Identifier: Apache-2.0
// Accounts: making them, logging in, and knowing who comes with a cookie or a token.
//
// Two connections: one to read, asked whenever memory does not know; one to write. What was read is kept until any
// connection, of this process or another, has changed the database (AccountTable::data_version, looked at twice a second).
#include <condition_variable>
#include <cstdlib>
#include <thread>

#include "access/access.h"
#include "access/account_table.h"
#include "access/known.h"
#include "access/scope.h"
#include "access/secret.h"
#include "access/throttle.h"
#include "fhir/id.h"
#include "text/text.h"

namespace xinglin::access {

namespace {

constexpr std::int64_t idle_ms = 30 * 60'000, absolute_ms = 12 * 3'600'000, note_every_ms = 60'000, look_every_ms = 500;
constexpr std::int64_t sessions_per_account = 20;
constexpr std::size_t longest_secret = 200;
// What the password given with an unknown name is compared with, so that it takes as long as a wrong password.
constexpr std::string_view nobodys_hash =
    "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$SbmAPYHjHNLOFR4vxWmgtXKbrjDt1hTL4van3XYnKB0";

bool is_account_name(std::string_view name) {
    if (name.size() < 2 || name.size() > 64) return false;
    for (const char c : name) {
        const bool fine = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
        if (!fine) return false;
    }
    return true;
}

/// Systems go by the name their owners give them: 1 to 64 characters without control characters, no space at the ends.
bool is_client_name(std::string_view name) {
    if (name.empty() || name.size() > 256 || !text::is_utf8(name) || text::code_points(name) > 64) return false;
    for (const char c : name) {
        if (static_cast<unsigned char>(c) < ' ' || c == 0x7F) return false;
    }
    return name.front() != ' ' && name.back() != ' ';
}

Outcome bad_name() { return refuse(IssueCode::value, "name", "an account name has 2 to 64 of a-z 0-9 . _ -, choose another"); }
Outcome no_such(std::string_view kind) {
    return refuse(IssueCode::not_found, "name", "no " + std::string(kind) + " has this name, see the list");
}

/// Lets two passwords be tried at once and 64 wait: each costs 19 MiB and some 30 ms.
class Gate {
public:
    bool enter() {
        std::unique_lock lock(mutex_);
        if (waiting_ >= 64) return false;
        ++waiting_;
        freed_.wait(lock, [&] { return inside_ < 2; });
        --waiting_;
        ++inside_;
        return true;
    }
    void leave() {
        {
            const std::lock_guard lock(mutex_);
            --inside_;
        }
        freed_.notify_one();
    }

private:
    std::mutex mutex_;
    std::condition_variable freed_;
    int inside_ = 0, waiting_ = 0;
};

struct Turn {
    Gate& gate;
    bool granted;
    explicit Turn(Gate& at) : gate(at), granted(at.enter()) {}
    ~Turn() {
        if (granted) gate.leave();
    }
    Turn(const Turn&) = delete;
};

Outcome too_many() { return refuse(IssueCode::throttled, "name", "too many failed logins, wait five minutes and try again"); }

std::string csrf_of(std::string_view cookie) { return text::base64_url(sha256("csrf " + std::string(cookie))); }

}  // namespace

struct Accounts::Inside {
    Inside(const std::string& place, const calendar::Clock& the_clock) : clock(the_clock), writes(place), reads(place) {
        known_version = reads.data_version();
        keeper = std::jthread([this](const std::stop_token& stop) { keep_notes(stop); });
    }
    ~Inside() {
        keeper.request_stop();
        keeper.join();
        try {
            write_notes();
        } catch (const std::exception&) {
            // When someone was last seen is not worth failing for.
        }
    }

    const calendar::Clock& clock;
    Throttle throttle;
    Gate gate;

    std::mutex write_mutex;  // guards writes
    AccountTable writes;
    mutable std::mutex read_mutex;  // guards reads, known_version
    AccountTable reads;
    std::int64_t known_version = 0;
    std::atomic<std::int64_t> looked_ms{INT64_MIN / 2};

    Known sessions, tokens;

    std::mutex keeper_mutex;
    std::condition_variable_any keeper_wakes;
    std::jthread keeper;

    /// Runs a change in a transaction, after which memory starts afresh.
    template <typename Body>
    auto change(Body&& body) {
        const std::lock_guard lock(write_mutex);
        struct Afresh {
            Inside& inside;
            ~Afresh() { inside.forget(); }
        } afresh{*this};
        return sql::transaction(writes.connection(), [&] {
            writes.mark_changed();
            return body(writes);
        });
    }

    void forget() {
        sessions.forget_all();
        tokens.forget_all();
    }

    /// Has anyone else changed the file?
    void look_for_changes(std::int64_t now_ms) {
        std::int64_t looked = looked_ms.load(std::memory_order_relaxed);
        if (now_ms >= looked && now_ms - looked < look_every_ms) return;
        if (!looked_ms.compare_exchange_strong(looked, now_ms)) return;
        const std::lock_guard lock(read_mutex);
        const std::int64_t version = reads.data_version();
        if (version == known_version) return;
        known_version = version;
        forget();
    }

    /// Notes the use of an entry, at most once a minute.
    static void use(Known& known, const std::string& key, Known::Entry& entry, std::int64_t now_ms) {
        entry.seen_ms.store(now_ms, std::memory_order_relaxed);
        std::int64_t noted = entry.noted_ms.load(std::memory_order_relaxed);
        if (now_ms - noted < note_every_ms || !entry.noted_ms.compare_exchange_strong(noted, now_ms)) return;
        known.note(key, now_ms);
    }

    std::shared_ptr<Known::Entry> session(const std::string& key) {
        if (auto found = sessions.find(key)) return found;
        const std::uint64_t generation = sessions.generation();
        std::optional<SessionRow> row;
        {
            const std::lock_guard lock(read_mutex);
            row = reads.session(key);
        }
        if (!row) return nullptr;
        return sessions.keep(key, row->account.viewer(), row->created_ms, std::max(row->last_seen_ms, sessions.noted(key)),
                             generation);
    }

    std::shared_ptr<Known::Entry> token(const std::string& key) {
        if (auto found = tokens.find(key)) return found;
        const std::uint64_t generation = tokens.generation();
        std::optional<AccountRow> row;
        {
            const std::lock_guard lock(read_mutex);
            row = reads.account_by_token(key);
        }
        return row ? tokens.keep(key, row->viewer(), 0, 0, generation) : nullptr;
    }

    Session begin_session(const AccountRow& account, std::int64_t now_ms) {
        Session session;
        session.cookie = fresh_token("");
        session.csrf = csrf_of(session.cookie);
        session.viewer = account.viewer();
        change([&](AccountTable& table) {
            table.insert_session(sha256(session.cookie), account.id, now_ms);
            table.limit_sessions(account.id, sessions_per_account);
            table.erase_sessions_before(now_ms - absolute_ms, now_ms - idle_ms);
        });
        return session;
    }

    void keep_notes(const std::stop_token& stop) {
        std::unique_lock lock(keeper_mutex);
        while (!stop.stop_requested()) {
            keeper_wakes.wait_for(lock, stop, std::chrono::seconds(20), [] { return false; });
            try {
                write_notes();
            } catch (const std::exception&) {  // the disk, or memory
                // The next round has newer notes.
            }
        }
    }

    void write_notes() {
        const auto seen = sessions.take_notes();
        const auto used = tokens.take_notes();
        if (seen.empty() && used.empty()) return;
        const std::int64_t now_ms = clock.now_ms();
        const std::lock_guard lock(write_mutex);
        sql::transaction(writes.connection(), [&] {
            for (const auto& [key, at_ms] : seen) writes.touch_session(key, at_ms);
            for (const auto& [key, at_ms] : used) writes.touch_token(key, at_ms);
            writes.erase_sessions_before(now_ms - absolute_ms, now_ms - idle_ms);
        });
    }
};

Accounts::Accounts(const std::filesystem::path& folder, const calendar::Clock& clock, const std::string& store)
    : inside_(std::make_unique<Inside>(store.empty() ? (folder / "access.db").string() : store, clock)) {}
Accounts::~Accounts() = default;

std::optional<std::string> Accounts::first_start() {
    {
        const std::lock_guard lock(inside_->read_mutex);
        if (inside_->reads.has_users()) return std::nullopt;
    }
    const std::string password = one_time_password();
    AccountRow account;
    account.name = "admin";
    account.display = "admin";
    account.role = Role::administrator;
    account.password_hash = hash_password(password);
    account.must_change_password = true;
    const std::int64_t now_ms = inside_->clock.now_ms();
    return inside_->change([&](AccountTable& table) -> std::optional<std::string> {
        if (table.has_users() || table.account(account.name)) return std::nullopt;  // someone was faster
        table.insert(account, "", now_ms);
        return password;
    });
}

Result<std::string> Accounts::add_user(std::string_view name, Role role, std::string_view display, std::string_view password,
                                       std::string_view patient) {
    if (!is_account_name(name)) return bad_name();
    if (role == Role::resident && !fhir::is_id(patient))
        return refuse(IssueCode::required, "patient", "a resident needs the id of the Patient whose record is theirs");
    if (role != Role::resident && !patient.empty())
        return refuse(IssueCode::value, "patient", "only a resident has one, leave it out");
    if (role == Role::system)
        return refuse(IssueCode::value, "role", "a person cannot have the role system, add a client instead");
    if (!text::is_utf8(display) || display.size() > 200)
        return refuse(IssueCode::value, "display", "expected at most 200 bytes of UTF-8 text");
    if (!password.empty()) XINGLIN_CHECK(strong_enough(password, name));
    const std::string secret = password.empty() ? one_time_password() : std::string(password);
    AccountRow account;
    account.name = name;
    account.display = display.empty() ? name : display;
    account.role = role;
    if (role == Role::resident) account.scope = "patient/" + std::string(patient);
    account.password_hash = hash_password(secret);
    account.must_change_password = password.empty();
    const std::int64_t now_ms = inside_->clock.now_ms();
    return inside_->change([&](AccountTable& table) -> Result<std::string> {
        if (table.account(account.name))
            return refuse(IssueCode::conflict, "name", "an account has this name already, choose another");
        table.insert(account, "", now_ms);
        return secret;
    });
}

Result<Done> Accounts::remove_user(std::string_view name) {
    return inside_->change([&](AccountTable& table) -> Result<Done> {
        const auto account = table.account(name);
        if (!account || account->is_client) return no_such("user");
        if (account->role == Role::administrator && table.administrators() == 1) {
            return refuse(IssueCode::conflict, "name", "this is the last administrator, add another one first");
        }
        table.erase(account->id);
        return Done{};
    });
}

Result<std::string> Accounts::reset_password(std::string_view name) {
    const std::string password = one_time_password();
    const std::string hash = hash_password(password);
    return inside_->change([&](AccountTable& table) -> Result<std::string> {
        const auto account = table.account(name);
        if (!account || account->is_client) return no_such("user");
        table.set_password(account->id, hash, true);
        table.erase_sessions(account->id, "");
        return password;
    });
}

Result<std::string> Accounts::add_client(std::string_view name, std::string_view scope) {
    if (!is_client_name(name))
        return refuse(IssueCode::value, "name",
                      "a client's name has 1 to 64 characters and no control characters, choose another");
    if (!is_scope(scope))
        return refuse(IssueCode::value, "scope", "not a scope we know, write it as \"system/*.cruds\" or \"system/Patient.rs\"");
    const std::string token = fresh_token("xl_");
    AccountRow account;
    account.name = name;
    account.display = name;
    account.role = Role::system;
    account.scope = scope;
    account.is_client = true;
    const std::int64_t now_ms = inside_->clock.now_ms();
    return inside_->change([&](AccountTable& table) -> Result<std::string> {
        if (table.account(account.name))
            return refuse(IssueCode::conflict, "name", "an account has this name already, choose another");
        table.insert(account, sha256(token), now_ms);
        return token;
    });
}

Result<Done> Accounts::remove_client(std::string_view name) {
    return inside_->change([&](AccountTable& table) -> Result<Done> {
        const auto account = table.account(name);
        if (!account || !account->is_client) return no_such("client");
        table.erase(account->id);
        return Done{};
    });
}

std::vector<Accounts::Account> Accounts::list() const {
    const std::lock_guard lock(inside_->read_mutex);
    return inside_->reads.list();
}

Result<Session> Accounts::login(std::string_view given_name, std::string_view password, std::string_view peer) {
    const std::string name = text::lower_ascii(given_name.substr(0, 65));
    const auto stopped = [&] { return inside_->throttle.stopped(name, peer, inside_->clock.now_ms()); };
    if (stopped()) return too_many();
    const Turn turn(inside_->gate);
    if (!turn.granted) return refuse(IssueCode::throttled, "name", "too many people are logging in, try again in a few seconds");
    if (stopped()) return too_many();  // by those who were before us at the gate

    std::optional<AccountRow> account;
    {
        const std::lock_guard lock(inside_->read_mutex);
        account = inside_->reads.account(name);
    }
    const bool is_person = account && !account->is_client;
    const bool fits = password_fits(password, is_person ? std::string_view(account->password_hash) : nobodys_hash);
    const std::int64_t now_ms = inside_->clock.now_ms();
    if (!is_person || !fits) {
        inside_->throttle.failed(name, peer, now_ms);
        return refuse(IssueCode::login, "name", "name or password is wrong, try again");
    }
    inside_->throttle.succeeded(name, peer);

    return inside_->begin_session(*account, now_ms);
}

Result<Session> Accounts::admit(std::string_view name) {
    std::optional<AccountRow> account;
    {
        const std::lock_guard lock(inside_->read_mutex);
        account = inside_->reads.account(name);
    }
    if (!account || account->is_client)
        return refuse(IssueCode::login, "name", "you are known there, but have no account here; ask the administrator");
    return inside_->begin_session(*account, inside_->clock.now_ms());
}

void Accounts::logout(std::string_view cookie) {
    inside_->change([&](AccountTable& table) { table.erase_session(sha256(cookie)); });
}

Result<Done> Accounts::change_password(std::string_view cookie, std::string_view old_password, std::string_view new_password) {
    const auto present = session(cookie);
    if (!present) return refuse(IssueCode::login, "session", "you are not logged in, log in first");
    const std::string name = present->viewer.name;
    XINGLIN_CHECK(strong_enough(new_password, name));
    if (old_password == new_password) return refuse(IssueCode::value, "new", "the new password is the old one, choose another");
    const std::string key = sha256(cookie);
    if (inside_->throttle.stopped(name, "password", inside_->clock.now_ms())) return too_many();
    const Turn turn(inside_->gate);
    if (!turn.granted) return refuse(IssueCode::throttled, "old", "too many people are logging in, try again in a few seconds");

    std::optional<AccountRow> account;
    {
        const std::lock_guard lock(inside_->read_mutex);
        account = inside_->reads.account(name);
    }
    if (!account || !password_fits(old_password, account->password_hash)) {
        inside_->throttle.failed(name, "password", inside_->clock.now_ms());
        return refuse(IssueCode::value, "old", "the old password is wrong, try again");
    }
    const std::string hash = hash_password(new_password);
    return inside_->change([&](AccountTable& table) -> Result<Done> {
        table.set_password(account->id, hash, false);
        table.erase_sessions(account->id, key);
        return Done{};
    });
}

std::optional<Session> Accounts::session(std::string_view cookie) const {
    if (cookie.empty() || cookie.size() > longest_secret) return std::nullopt;
    const std::int64_t now_ms = inside_->clock.now_ms();
    inside_->look_for_changes(now_ms);
    const std::string key = sha256(cookie);
    const auto entry = inside_->session(key);
    if (!entry || now_ms - entry->seen_ms.load() >= idle_ms || now_ms - entry->created_ms >= absolute_ms) return std::nullopt;
    Inside::use(inside_->sessions, key, *entry, now_ms);
    return Session{std::string(cookie), csrf_of(cookie), entry->viewer};
}

std::optional<Viewer> Accounts::bearer(std::string_view token) const {
    if (token.empty() || token.size() > longest_secret) return std::nullopt;
    const std::int64_t now_ms = inside_->clock.now_ms();
    inside_->look_for_changes(now_ms);
    const std::string key = sha256(token);
    const auto entry = inside_->token(key);
    if (!entry) return std::nullopt;
    Inside::use(inside_->tokens, key, *entry, now_ms);
    return entry->viewer;
}

std::optional<Viewer> Accounts::viewer_of(std::string_view name) const {
    inside_->look_for_changes(inside_->clock.now_ms());
    const std::string key = "name " + std::string(name);  // no SHA-256 is as this
    if (const auto found = inside_->tokens.find(key)) return found->viewer;
    const std::uint64_t generation = inside_->tokens.generation();
    std::optional<AccountRow> row;
    {
        const std::lock_guard lock(inside_->read_mutex);
        row = inside_->reads.account(name);
    }
    if (!row) return std::nullopt;
    return inside_->tokens.keep(key, row->viewer(), 0, 0, generation)->viewer;
}

void Accounts::check() const {
    const std::lock_guard lock(inside_->read_mutex);
    inside_->reads.has_users();
}

}  // namespace xinglin::access
