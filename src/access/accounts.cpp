// SPDX-License-Identifier: Apache-2.0
// Accounts: making them, logging in, and knowing who comes with a cookie or a token.
//
// Two connections: one to read, asked whenever memory does not know; one to write. What was read is kept until any
// connection, of this process or another, has changed the database (AccountTable::data_version, looked at twice a second).
#include "access/accounts_inside.h"
#include "access/scope.h"
#include "access/secret.h"
#include "fhir/id.h"
#include "text/text.h"

namespace xinglin::access {

namespace {

constexpr std::int64_t ticket_ms = 5 * 60'000;
// What the password given with an unknown name is compared with, so that it takes as long as a wrong password.
constexpr std::string_view nobodys_hash =
    "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$SbmAPYHjHNLOFR4vxWmgtXKbrjDt1hTL4van3XYnKB0";

constexpr const char* two_duties =
    "this person has another account with a duty that excludes this one (administrator, operator, auditor), disable it first";

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

bool is_area(std::string_view code) {
    return code.size() >= 2 && code.size() <= 12 && code.find_first_not_of("0123456789") == std::string_view::npos;
}

Result<Done> sound(const Post& post, Role role) {
    if (!post.institution.empty() && !fhir::is_id(post.institution))
        return refuse(IssueCode::value, "institution", "expected the id of an Organization");
    if (!post.practitioner.empty() && !fhir::is_id(post.practitioner))
        return refuse(IssueCode::value, "practitioner", "expected the id of a Practitioner");
    if (!post.area.empty() && !is_area(post.area))
        return refuse(IssueCode::value, "area", "expected the beginning of a division code, 2 to 12 digits");
    if (role == Role::institution_administrator && post.institution.empty())
        return refuse(IssueCode::required, "institution", "an institution's administrator needs the id of that Organization");
    return Done{};
}

}  // namespace

Accounts::Accounts(const std::filesystem::path& folder, const calendar::Clock& clock, const std::string& store)
    : inside_(std::make_unique<Inside>(store.empty() ? (folder / "access.db").string() : store, folder, clock)) {}
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
                                       std::string_view patient, const Post& post) {
    if (!is_account_name(name)) return bad_name();
    XINGLIN_CHECK(sound(post, role));
    if (role == Role::resident && !fhir::is_id(patient))
        return refuse(IssueCode::required, "patient", "a resident needs the id of the Patient whose record is theirs");
    if (role != Role::resident && !patient.empty())
        return refuse(IssueCode::value, "patient", "only a resident has one, leave it out");
    if (role == Role::system)
        return refuse(IssueCode::value, "role", "a person cannot have the role system, add a client instead");
    if (!text::is_utf8(display) || display.size() > 200)
        return refuse(IssueCode::value, "display", "expected at most 200 bytes of UTF-8 text");
    if (!password.empty()) XINGLIN_CHECK(strong_enough(password, name, inside_->rules.passwords));
    const std::string secret = password.empty() ? one_time_password() : std::string(password);
    AccountRow account;
    account.name = name;
    account.display = display.empty() ? name : display;
    account.role = role;
    if (role == Role::resident) account.scope = "patient/" + std::string(patient);
    account.password_hash = hash_password(secret);
    account.must_change_password = password.empty();
    account.post = post;
    const std::int64_t now_ms = inside_->clock.now_ms();
    return inside_->change([&](AccountTable& table) -> Result<std::string> {
        if (table.account(account.name))
            return refuse(IssueCode::conflict, "name", "an account has this name already, choose another");
        if (is_duty(account.role) && table.holds_another_duty(account))
            return refuse(IssueCode::conflict, "practitioner", two_duties);
        table.insert(account, "", now_ms);
        return secret;
    });
}

Result<Done> Accounts::change_user(std::string_view name, const Change& change) {
    return inside_->change([&](AccountTable& table) -> Result<Done> {
        auto account = table.account(name);
        if (!account || account->is_client) return no_such("user");
        const Role before = account->role;
        account->role = change.role.value_or(before);
        if (account->role == Role::system || (account->role == Role::resident) != (before == Role::resident))
            return refuse(IssueCode::value, "role",
                          "residents stay residents and systems are clients, add another account instead");
        if (change.display && (!text::is_utf8(*change.display) || change.display->empty() || change.display->size() > 200))
            return refuse(IssueCode::value, "display", "expected 1 to 200 bytes of UTF-8 text");
        account->display = change.display.value_or(account->display);
        account->post = {change.institution.value_or(account->post.institution), change.area.value_or(account->post.area),
                         change.practitioner.value_or(account->post.practitioner)};
        XINGLIN_CHECK(sound(account->post, account->role));
        const bool was_disabled = account->disabled;
        account->disabled = change.disabled.value_or(was_disabled);
        const bool steps_down = account->role != Role::administrator || account->disabled;
        if (before == Role::administrator && !was_disabled && steps_down && table.administrators() == 1)
            return refuse(IssueCode::conflict, "name", "this is the last administrator, add another one first");
        if (is_duty(account->role) && !account->disabled && table.holds_another_duty(*account))
            return refuse(IssueCode::conflict, "practitioner", two_duties);
        table.update(*account);
        if (account->role != before || account->disabled) table.erase_sessions(account->id, "");
        return Done{};
    });
}

Result<Done> Accounts::remove_user(std::string_view name) {
    return inside_->change([&](AccountTable& table) -> Result<Done> {
        const auto account = table.account(name);
        if (!account || account->is_client) return no_such("user");
        if (account->role == Role::administrator && !account->disabled && table.administrators() == 1) {
            return refuse(IssueCode::conflict, "name", "this is the last administrator, add another one first");
        }
        table.erase(account->id);
        return Done{};
    });
}

Result<std::string> Accounts::reset_password(std::string_view name) {
    const std::string password = one_time_password();
    const std::string hash = hash_password(password);
    const std::int64_t now_ms = inside_->clock.now_ms();
    return inside_->change([&](AccountTable& table) -> Result<std::string> {
        const auto account = table.account(name);
        if (!account || account->is_client) return no_such("user");
        table.set_password(account->id, hash, true, now_ms);
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

namespace {
struct From {
    std::string_view peer, device;
};

/// What was proved so far, as a ticket that goes with a code.
Session half_session(AccountTable& table, const AccountRow& account, std::int64_t now_ms, From from) {
    Session half;
    half.ticket = fresh_token("");
    FactorTable factors(table.connection());
    factors.erase_tickets_before(now_ms - ticket_ms);
    factors.insert_ticket(sha256(half.ticket), {account.id, now_ms, std::string(from.peer), std::string(shortened(from.device))});
    return half;
}
}  // namespace

Result<Session> Accounts::login(std::string_view given_name, std::string_view password, std::string_view peer,
                                std::string_view device) {
    const std::string name = text::lower_ascii(given_name.substr(0, 65));
    const auto keys = inside_->keys_of_login(name, peer);
    const auto account = inside_->account(name);
    const bool is_person = account && !account->is_client && !account->disabled;
    const bool known_place = inside_->knows_place(is_person ? account->id : 0, peer);
    const auto stopped = [&] { return inside_->stopped_until_ms(keys, known_place) > inside_->clock.now_ms(); };
    if (stopped()) return too_many();
    const Turn turn(inside_->gate);
    if (!turn.granted) return refuse(IssueCode::throttled, "name", "too many people are logging in, try again in a few seconds");
    if (stopped()) return too_many();  // by those who were before us at the gate

    const bool fits = password_fits(password, is_person ? std::string_view(account->password_hash) : nobodys_hash);
    if (!is_person || !fits) {
        inside_->failed(keys);
        return refuse(IssueCode::login, "name", "name or password is wrong, try again");
    }
    inside_->succeeded(keys.front());
    const std::int64_t now_ms = inside_->clock.now_ms();
    return inside_->change([&](AccountTable& table) {
        if (account->factor_ms == 0) return inside_->begin_session(table, *account, peer, device);
        return half_session(table, *account, now_ms, {peer, device});
    });
}

Result<Session> Accounts::admit(std::string_view name, std::string_view peer, std::string_view device) {
    const auto account = inside_->account(name);
    if (!account || account->is_client || account->disabled)
        return refuse(IssueCode::login, "name", "you are known there, but have no account here; ask the administrator");
    return inside_->change([&](AccountTable& table) {
        if (account->factor_ms == 0) return inside_->begin_session(table, *account, peer, device);
        return half_session(table, *account, inside_->clock.now_ms(), {peer, device});
    });
}

void Accounts::logout(std::string_view cookie) {
    inside_->change([&](AccountTable& table) { table.erase_session(sha256(cookie)); });
}

Result<Session> Accounts::change_password(std::string_view cookie, std::string_view old_password, std::string_view new_password) {
    const auto present = session(cookie);
    if (!present) return not_logged_in();
    XINGLIN_CHECK(strong_enough(new_password, present->viewer.name, inside_->rules.passwords));
    if (old_password == new_password) return refuse(IssueCode::value, "new", "the new password is the old one, choose another");
    XINGLIN_TRY(AccountRow account, inside_->prove(cookie, old_password, "old"));
    const Turn turn(inside_->gate);
    if (!turn.granted) return refuse(IssueCode::throttled, "old", "too many people are logging in, try again in a few seconds");
    const std::size_t history = inside_->rules.passwords.history;
    std::vector<std::string> before;
    {
        const std::lock_guard lock(inside_->read_mutex);
        before = FactorTable(inside_->reads.connection()).old_passwords(account.id, history);
    }
    for (const std::string& old : before) {
        if (password_fits(new_password, old))
            return refuse(IssueCode::value, "new", "you have had this password before, choose another");
    }
    const std::string hash = hash_password(new_password), key = sha256(cookie);
    const std::int64_t now_ms = inside_->clock.now_ms();
    return inside_->change([&](AccountTable& table) -> Result<Session> {
        const auto used = table.session(key);
        if (!used) return not_logged_in();
        FactorTable(table.connection()).keep_password(account.id, account.password_hash, now_ms, history);
        table.set_password(account.id, hash, false, now_ms);
        table.erase_sessions(account.id, "");
        account.must_change_password = false;
        account.password_ms = now_ms;
        return inside_->begin_session(table, account, used->peer, used->device);
    });
}

std::optional<Session> Accounts::session(std::string_view cookie) const {
    if (cookie.empty() || cookie.size() > longest_secret) return std::nullopt;
    const std::int64_t now_ms = inside_->clock.now_ms();
    inside_->look_for_changes(now_ms);
    const std::string key = sha256(cookie);
    const auto entry = inside_->session(key);
    if (!entry) return std::nullopt;
    const RoleRules& rules = inside_->rules.of(entry->viewer.role);
    if (now_ms - entry->seen_ms.load() >= rules.idle_ms || now_ms - entry->created_ms >= rules.longest_ms) return std::nullopt;
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
    const auto row = inside_->account(name);
    if (!row || row->disabled) return std::nullopt;
    return inside_->tokens.keep(key, inside_->viewer(*row), 0, 0, generation)->viewer;
}

void Accounts::check() const {
    const std::lock_guard lock(inside_->read_mutex);
    inside_->reads.has_users();
}

}  // namespace xinglin::access
