// SPDX-License-Identifier: Apache-2.0
// access.db: accounts of people and systems, and sessions.
#include "access/account_table.h"

namespace xinglin::access {

namespace {

constexpr sql::Migration migrations[] = {{1, R"sql(
    CREATE TABLE access_account (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,          -- [a-z0-9._-]
        display TEXT NOT NULL,
        role TEXT NOT NULL,                 -- as access::text(Role) says
        scope TEXT NOT NULL,                -- of clients, SMART v2; of residents patient/ID; else ''
        is_client INTEGER NOT NULL,         -- 0 a person, 1 a system
        password_hash TEXT NOT NULL,        -- argon2id, encoded; '' for clients
        must_change_password INTEGER NOT NULL,
        token_sha256 BLOB UNIQUE,           -- of clients; NULL for people
        created_ms INTEGER NOT NULL,        -- milliseconds since 1970, UTC
        last_used_ms INTEGER                -- to the minute; NULL when never
    );
    CREATE TABLE access_session (
        cookie_sha256 BLOB PRIMARY KEY,
        account INTEGER NOT NULL,           -- access_account.id
        created_ms INTEGER NOT NULL,
        last_seen_ms INTEGER NOT NULL       -- to the minute
    );
    CREATE INDEX access_session_account ON access_session (account, created_ms);
    /*pg CREATE TABLE access_change (number BIGINT NOT NULL); INSERT INTO access_change (number) VALUES (0);*/
)sql"},
                                         {2, R"sql(
    ALTER TABLE access_account ADD COLUMN institution TEXT NOT NULL DEFAULT '';   -- id of an Organization
    ALTER TABLE access_account ADD COLUMN area TEXT NOT NULL DEFAULT '';          -- the beginning of a division code
    ALTER TABLE access_account ADD COLUMN practitioner TEXT NOT NULL DEFAULT '';  -- id of a Practitioner
    ALTER TABLE access_account ADD COLUMN disabled INTEGER NOT NULL DEFAULT 0;    -- 1: cannot come in
    ALTER TABLE access_account ADD COLUMN password_ms INTEGER NOT NULL DEFAULT 0; -- when the password was chosen; 0: not known
    ALTER TABLE access_session ADD COLUMN peer TEXT NOT NULL DEFAULT '';          -- from where
    ALTER TABLE access_session ADD COLUMN device TEXT NOT NULL DEFAULT '';        -- what the browser calls itself
)sql"},
                                         {3, R"sql(
    ALTER TABLE access_account ADD COLUMN factor_ms INTEGER NOT NULL DEFAULT 0;   -- since when a second factor is asked for; 0: none
    CREATE TABLE access_factor (
        account INTEGER PRIMARY KEY,        -- access_account.id
        secret BLOB NOT NULL,               -- sealed (sealed.h), about "factor" and the account's number
        last_step INTEGER NOT NULL,         -- of the code that was taken last: none is taken twice; 0 before the first
        begun_ms INTEGER NOT NULL
    );
    CREATE TABLE access_recovery (
        account INTEGER NOT NULL,
        code_sha256 BLOB NOT NULL,
        used_ms INTEGER,                    -- NULL: still good
        PRIMARY KEY (account, code_sha256)
    );
    CREATE TABLE access_ticket (            -- a login between its two steps
        ticket_sha256 BLOB PRIMARY KEY,
        account INTEGER NOT NULL,
        created_ms INTEGER NOT NULL,
        peer TEXT NOT NULL,
        device TEXT NOT NULL
    );
    CREATE TABLE access_old_password (
        account INTEGER NOT NULL,
        since_ms INTEGER NOT NULL,
        password_hash TEXT NOT NULL,
        PRIMARY KEY (account, since_ms)
    );
    CREATE TABLE access_failure (
        key BLOB PRIMARY KEY,               -- blinded (sealed.h): strangers type passwords as names
        count INTEGER NOT NULL,
        last_ms INTEGER NOT NULL,
        until_ms INTEGER NOT NULL
    );
    CREATE INDEX access_failure_last ON access_failure (last_ms);
    CREATE TABLE access_place (             -- from where somebody has come in before
        account INTEGER NOT NULL,
        peer BLOB NOT NULL,                 -- blinded
        seen_ms INTEGER NOT NULL,
        PRIMARY KEY (account, peer)
    );
)sql"}};

constexpr int account_columns = 14;
#define XINGLIN_ACCOUNT_COLUMNS \
    "a.id, a.name, a.display, a.role, a.scope, a.is_client, a.password_hash, a.must_change_password, a.institution, a.area, " \
    "a.practitioner, a.disabled, a.password_ms, a.factor_ms"

AccountRow read_account(const sql::Statement& row) {
    AccountRow account;
    account.id = row.integer(0);
    account.name = row.text(1);
    account.display = row.text(2);
    account.role = parse_role(row.text(3)).value_or(Role::auditor);
    account.scope = row.text(4);
    account.is_client = row.integer(5) != 0;
    account.password_hash = row.text(6);
    account.must_change_password = row.integer(7) != 0;
    account.post = {std::string(row.text(8)), std::string(row.text(9)), std::string(row.text(10))};
    account.disabled = row.integer(11) != 0;
    account.password_ms = row.integer(12);
    account.factor_ms = row.integer(13);
    return account;
}

std::optional<AccountRow> one_account(sql::Statement& query) {
    if (!query.step()) return std::nullopt;
    AccountRow account = read_account(query);
    query.reset();
    return account;
}

std::int64_t one_number(sql::Statement& query) {
    const std::int64_t number = query.step() ? query.integer(0) : 0;
    query.reset();
    return number;
}

}  // namespace

bool is_duty(Role role) { return role == Role::administrator || role == Role::operator_ || role == Role::auditor; }

Viewer AccountRow::viewer() const {
    Viewer viewer;
    viewer.account = id;
    viewer.name = name;
    viewer.display = display;
    viewer.role = role;
    viewer.scope = scope;
    viewer.must_change_password = must_change_password;
    viewer.institution = post.institution;
    viewer.area = post.area;
    viewer.practitioner = post.practitioner;
    return viewer;
}

AccountTable::AccountTable(const std::string& place) : connection_(sql::open(place, {.cache_bytes = 1 << 20, .lane = "access"})) {
    sql::migrate(*connection_, "access", migrations);
}

std::int64_t AccountTable::data_version() {
    const bool is_file = connection_->engine() == sql::Engine::sqlite;
    return one_number(connection_->prepare(is_file ? "PRAGMA data_version" : "SELECT number FROM access_change"));
}

void AccountTable::mark_changed() {
    if (connection_->engine() == sql::Engine::postgres)
        connection_->prepare("UPDATE access_change SET number = number + 1").run();
}

std::optional<AccountRow> AccountTable::account(std::string_view name) {
    return one_account(
        connection_->prepare("SELECT " XINGLIN_ACCOUNT_COLUMNS " FROM access_account a WHERE a.name = ?").bind(1, name));
}

std::optional<AccountRow> AccountTable::account(std::int64_t id) {
    return one_account(
        connection_->prepare("SELECT " XINGLIN_ACCOUNT_COLUMNS " FROM access_account a WHERE a.id = ?").bind(1, id));
}

std::vector<std::pair<std::string, SessionRow>> AccountTable::sessions_of(std::int64_t account) {
    std::vector<std::pair<std::string, SessionRow>> all;
    sql::Statement& query = connection_->prepare(
        "SELECT cookie_sha256, created_ms, last_seen_ms, peer, device FROM access_session WHERE account = ?"
        " ORDER BY last_seen_ms DESC, created_ms DESC");
    query.bind(1, account);
    while (query.step()) {
        SessionRow row;
        row.created_ms = query.integer(1);
        row.last_seen_ms = query.integer(2);
        row.peer = query.text(3);
        row.device = query.text(4);
        all.emplace_back(query.text(0), std::move(row));
    }
    return all;
}

std::optional<AccountRow> AccountTable::account_by_token(std::string_view token_sha256) {
    return one_account(
        connection_
            ->prepare("SELECT " XINGLIN_ACCOUNT_COLUMNS " FROM access_account a WHERE a.token_sha256 = ? AND a.disabled = 0")
            .bind_blob(1, token_sha256));
}

std::optional<SessionRow> AccountTable::session(std::string_view cookie_sha256) {
    sql::Statement& query = connection_->prepare("SELECT " XINGLIN_ACCOUNT_COLUMNS
                                                 ", s.created_ms, s.last_seen_ms, s.peer, s.device"
                                                 "  FROM access_session s JOIN access_account a ON a.id = s.account"
                                                 " WHERE s.cookie_sha256 = ? AND a.disabled = 0");
    query.bind_blob(1, cookie_sha256);
    if (!query.step()) return std::nullopt;
    SessionRow session{read_account(query), query.integer(account_columns), query.integer(account_columns + 1),
                       std::string(query.text(account_columns + 2)), std::string(query.text(account_columns + 3))};
    query.reset();
    return session;
}

bool AccountTable::has_users() {
    return one_number(connection_->prepare("SELECT count(*) FROM access_account WHERE is_client = 0")) > 0;
}

std::int64_t AccountTable::administrators() {
    return one_number(connection_->prepare("SELECT count(*) FROM access_account WHERE role = 'administrator' AND disabled = 0"));
}

bool AccountTable::holds_another_duty(const AccountRow& account) {
    if (account.post.practitioner.empty()) return false;
    sql::Statement& query =
        connection_->prepare("SELECT role FROM access_account WHERE practitioner = ? AND id <> ? AND disabled = 0");
    query.bind(1, account.post.practitioner).bind(2, account.id);
    bool other = false;
    while (query.step()) {
        const auto role = parse_role(query.text(0));
        other = other || (role && is_duty(*role) && *role != account.role);
    }
    return other;
}

std::vector<Accounts::Account> AccountTable::list() {
    std::vector<Accounts::Account> all;
    sql::Statement& query = connection_->prepare(
        "SELECT name, display, role, scope, created_ms, last_used_ms, is_client, id, institution, area, practitioner, disabled, "
        "must_change_password, factor_ms"
        "  FROM access_account ORDER BY is_client, name");
    while (query.step()) {
        Accounts::Account account;
        account.name = query.text(0);
        account.display = query.text(1);
        account.role = query.text(2);
        account.scope = query.text(3);
        account.created_ms = query.integer(4);
        if (!query.is_null(5)) account.last_used_ms = query.integer(5);
        account.is_client = query.integer(6) != 0;
        account.id = query.integer(7);
        account.institution = query.text(8);
        account.area = query.text(9);
        account.practitioner = query.text(10);
        account.disabled = query.integer(11) != 0;
        account.must_change_password = query.integer(12) != 0;
        account.second_factor = query.integer(13) != 0;
        all.push_back(std::move(account));
    }
    return all;
}

void AccountTable::insert(const AccountRow& account, std::string_view token_sha256, std::int64_t now_ms) {
    sql::Statement& insert = connection_->prepare(
        "INSERT INTO access_account (name, display, role, scope, is_client, password_hash, must_change_password, token_sha256, "
        "created_ms, institution, area, practitioner, password_ms)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    insert.bind(1, account.name).bind(2, account.display).bind(3, text(account.role)).bind(4, account.scope);
    insert.bind(5, std::int64_t{account.is_client})
        .bind(6, account.password_hash)
        .bind(7, std::int64_t{account.must_change_password});
    if (token_sha256.empty()) {
        insert.bind_null(8);
    } else {
        insert.bind_blob(8, token_sha256);
    }
    insert.bind(9, now_ms).bind(10, account.post.institution).bind(11, account.post.area).bind(12, account.post.practitioner);
    insert.bind(13, account.password_hash.empty() ? 0 : now_ms).run();
}

void AccountTable::update(const AccountRow& account) {
    connection_
        ->prepare(
            "UPDATE access_account SET display = ?, role = ?, institution = ?, area = ?, practitioner = ?, disabled = ?"
            " WHERE id = ?")
        .bind(1, account.display)
        .bind(2, text(account.role))
        .bind(3, account.post.institution)
        .bind(4, account.post.area)
        .bind(5, account.post.practitioner)
        .bind(6, std::int64_t{account.disabled})
        .bind(7, account.id)
        .run();
}

void AccountTable::erase(std::int64_t account) {
    erase_sessions(account, "");
    for (const char* table : {"access_factor", "access_recovery", "access_ticket", "access_old_password", "access_place"})
        connection_->prepare("DELETE FROM " + std::string(table) + " WHERE account = ?").bind(1, account).run();
    connection_->prepare("DELETE FROM access_account WHERE id = ?").bind(1, account).run();
}

void AccountTable::set_password(std::int64_t account, std::string_view hash, bool must_change, std::int64_t now_ms) {
    connection_->prepare("UPDATE access_account SET password_hash = ?, must_change_password = ?, password_ms = ? WHERE id = ?")
        .bind(1, hash)
        .bind(2, std::int64_t{must_change})
        .bind(3, now_ms)
        .bind(4, account)
        .run();
}

void AccountTable::insert_session(std::string_view cookie_sha256, std::int64_t account, std::int64_t now_ms,
                                  std::string_view peer, std::string_view device) {
    connection_
        ->prepare(
            "INSERT INTO access_session (cookie_sha256, account, created_ms, last_seen_ms, peer, device)"
            " VALUES (?, ?, ?, ?, ?, ?)")
        .bind_blob(1, cookie_sha256)
        .bind(2, account)
        .bind(3, now_ms)
        .bind(4, now_ms)
        .bind(5, peer)
        .bind(6, device)
        .run();
    connection_->prepare("UPDATE access_account SET last_used_ms = ? WHERE id = ?").bind(1, now_ms).bind(2, account).run();
}

void AccountTable::erase_session(std::string_view cookie_sha256) {
    connection_->prepare("DELETE FROM access_session WHERE cookie_sha256 = ?").bind_blob(1, cookie_sha256).run();
}

void AccountTable::erase_sessions(std::int64_t account, std::string_view spared_cookie_sha256) {
    connection_->prepare("DELETE FROM access_session WHERE account = ? AND cookie_sha256 <> ?")
        .bind(1, account)
        .bind_blob(2, spared_cookie_sha256)
        .run();
}

void AccountTable::erase_sessions_before(std::int64_t created_ms, std::int64_t last_seen_ms) {
    connection_->prepare("DELETE FROM access_session WHERE created_ms < ? OR last_seen_ms < ?")
        .bind(1, created_ms)
        .bind(2, last_seen_ms)
        .run();
}

void AccountTable::limit_sessions(std::int64_t account, std::int64_t count) {
    connection_
        ->prepare(
            "DELETE FROM access_session WHERE account = ? AND cookie_sha256 NOT IN"
            " (SELECT cookie_sha256 FROM access_session WHERE account = ? ORDER BY created_ms DESC LIMIT ?)")
        .bind(1, account)
        .bind(2, account)
        .bind(3, count)
        .run();
}

void AccountTable::touch_session(std::string_view cookie_sha256, std::int64_t seen_ms) {
    connection_->prepare("UPDATE access_session SET last_seen_ms = ? WHERE cookie_sha256 = ? AND last_seen_ms < ?")
        .bind(1, seen_ms)
        .bind_blob(2, cookie_sha256)
        .bind(3, seen_ms)
        .run();
}

void AccountTable::touch_token(std::string_view token_sha256, std::int64_t used_ms) {
    connection_->prepare("UPDATE access_account SET last_used_ms = ? WHERE token_sha256 = ?")
        .bind(1, used_ms)
        .bind_blob(2, token_sha256)
        .run();
}

}  // namespace xinglin::access
