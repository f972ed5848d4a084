// SPDX-License-Identifier: Apache-2.0
// Inside the room: the tables of access.db and the statements over them.
//
// One object is one connection, for one thread at a time. Secrets arrive here as SHA-256 or argon2id only.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/access.h"
#include "sql/sql.h"

namespace xinglin::access {

struct AccountRow {
    std::int64_t id = 0;
    std::string name, display, scope, password_hash;
    Role role = Role::system;
    bool is_client = false, must_change_password = false, disabled = false;
    Post post;
    std::int64_t password_ms = 0;  // when the password was chosen; 0: before that was kept
    std::int64_t factor_ms = 0;    // since when a second factor is asked for; 0: none

    Viewer viewer() const;
};

/// The three duties nobody holds two of (GB/T 22239 level 3): the accounts, the house, the audit.
bool is_duty(Role role);

struct SessionRow {
    AccountRow account;
    std::int64_t created_ms = 0, last_seen_ms = 0;
    std::string peer, device;
};

class AccountTable {
public:
    /// `place`: the file, or a PostgreSQL database.
    explicit AccountTable(const std::string& place);

    sql::Connection& connection() { return *connection_; }
    /// Changes whenever another connection commits (PostgreSQL: a change that was marked).
    std::int64_t data_version();
    /// Tells the other processes, at the commit, to read anew what they remember.
    void mark_changed();

    std::optional<AccountRow> account(std::string_view name);
    std::optional<AccountRow> account(std::int64_t id);
    std::optional<AccountRow> account_by_token(std::string_view token_sha256);
    std::optional<SessionRow> session(std::string_view cookie_sha256);
    /// By the SHA-256 of their cookies, the last used first.
    std::vector<std::pair<std::string, SessionRow>> sessions_of(std::int64_t account);
    bool has_users();
    std::int64_t administrators();
    /// Does the same person (Practitioner) hold another of the duties that exclude each other?
    bool holds_another_duty(const AccountRow& account);
    std::vector<Accounts::Account> list();

    void insert(const AccountRow& account, std::string_view token_sha256, std::int64_t now_ms);
    void update(const AccountRow& account);  // display, role, post, disabled
    void erase(std::int64_t account);
    void set_password(std::int64_t account, std::string_view hash, bool must_change, std::int64_t now_ms);
    void insert_session(std::string_view cookie_sha256, std::int64_t account, std::int64_t now_ms, std::string_view peer,
                        std::string_view device);
    void erase_session(std::string_view cookie_sha256);
    /// All sessions of an account but one ("" spares none).
    void erase_sessions(std::int64_t account, std::string_view spared_cookie_sha256);
    void erase_sessions_before(std::int64_t created_ms, std::int64_t last_seen_ms);
    /// Keeps the newest `count`.
    void limit_sessions(std::int64_t account, std::int64_t count);
    void touch_session(std::string_view cookie_sha256, std::int64_t seen_ms);
    void touch_token(std::string_view token_sha256, std::int64_t used_ms);

private:
    std::unique_ptr<sql::Connection> connection_;
};

}  // namespace xinglin::access
