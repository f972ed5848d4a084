// SPDX-License-Identifier: Apache-2.0
// Accounts, sessions and the audit, from one database to another.
#include "access/audit.h"
#include "access/audit_table.h"
#include "sql/sql.h"

namespace xinglin::access {

namespace {

constexpr std::int64_t rows_at_once = 5'000;

/// What lies beside the accounts; failures and half logins are not worth the way.
constexpr std::tuple<std::string_view, std::string_view, std::string_view> beside[] = {
    {"access_factor", "account, secret, last_step, begun_ms", "ibii"},
    {"access_recovery", "account, code_sha256, used_ms", "ibi"},
    {"access_old_password", "account, since_ms, password_hash", "iit"},
    {"access_place", "account, peer, seen_ms", "ibi"}};

/// Column by column as they are: integers, texts, blobs and NULLs find their kind by the letter in `kinds`.
void copy_row(const sql::Statement& row, std::string_view kinds, sql::Statement& into) {
    for (std::size_t i = 0; i < kinds.size(); ++i) {
        const int column = static_cast<int>(i);
        if (row.is_null(column)) into.bind_null(column + 1);
        else if (kinds[i] == 'i') into.bind(column + 1, row.integer(column));
        else if (kinds[i] == 'b') into.bind_blob(column + 1, row.text(column));
        else into.bind(column + 1, row.text(column));
    }
    into.run();
}

std::int64_t number(sql::Connection& connection, std::string_view query) {
    sql::Statement& row = connection.prepare(query);
    row.reset();
    const std::int64_t value = row.step() ? row.integer(0) : 0;
    row.reset();
    return value;
}

std::unique_ptr<sql::Connection> open(const Place& place, std::string_view file) {
    return sql::open(place.store.empty() ? (place.folder / file).string() : place.store,
                     {.lane = file == "audit.db" ? "audit" : "access"});
}

Result<std::uint64_t> copy_accounts(sql::Connection& from, sql::Connection& to) {
    const auto count = static_cast<std::uint64_t>(number(from, "SELECT count(*) FROM access_account"));
    const std::int64_t there = number(to, "SELECT count(*) FROM access_account");
    if (there != 0) {
        if (static_cast<std::uint64_t>(there) == count) return count;  // copied before
        return refuse(IssueCode::conflict, "--to", "has accounts of its own already; name an empty target");
    }
    sql::transaction(to, [&] {
        auto& account = from.prepare(
            "SELECT id, name, display, role, scope, is_client, password_hash, must_change_password, token_sha256, created_ms, "
            "last_used_ms, institution, area, practitioner, disabled, password_ms, factor_ms FROM access_account ORDER BY id");
        account.reset();
        auto& add_account = to.prepare(
            "INSERT INTO access_account (id, name, display, role, scope, is_client, password_hash, must_change_password, "
            "token_sha256, "
            "created_ms, last_used_ms, institution, area, practitioner, disabled, password_ms, factor_ms) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
        while (account.step()) copy_row(account, "ittttitibiitttiii", add_account);
        auto& session = from.prepare("SELECT cookie_sha256, account, created_ms, last_seen_ms, peer, device FROM access_session");
        session.reset();
        auto& add_session = to.prepare(
            "INSERT INTO access_session (cookie_sha256, account, created_ms, last_seen_ms, peer, device) "
            "VALUES (?, ?, ?, ?, ?, ?)");
        while (session.step()) copy_row(session, "biiitt", add_session);
        for (const auto& [table, columns, kinds] : beside) {
            const std::string names(columns);
            auto& row = from.prepare("SELECT " + names + " FROM " + std::string(table));
            row.reset();
            std::string holes = "?";
            for (std::size_t i = 1; i < kinds.size(); ++i) holes += ", ?";
            auto& add = to.prepare("INSERT INTO " + std::string(table) + " (" + names + ") VALUES (" + holes + ")");
            while (row.step()) copy_row(row, kinds, add);
        }
        // Numbers given from here on follow those that came along.
        to.run(
            "/*pg SELECT setval(pg_get_serial_sequence('access_account', 'id'), (SELECT coalesce(max(id), 1) FROM "
            "access_account))*/");
    });
    return count;
}

void copy_checkpoints(sql::Connection& from, sql::Connection& to) {
    sql::transaction(to, [&] {
        auto& checkpoint =
            from.prepare("SELECT " XINGLIN_CHECKPOINT_COLUMNS " FROM audit_checkpoint WHERE number > ? ORDER BY number");
        checkpoint.bind(1, number(to, "SELECT coalesce(max(number), 0) FROM audit_checkpoint"));
        while (checkpoint.step()) insert(to, read_checkpoint(checkpoint));
    });
}

/// Hashes come along as they are: the chain is the same one, and what was wrong with it stays so.
Result<std::uint64_t> copy_audit(sql::Connection& from, sql::Connection& to) {
    constexpr std::string_view newest = "SELECT coalesce(max(row), 0) FROM audit_access";
    const std::int64_t last = number(from, newest);
    std::int64_t at = number(to, newest);
    if (at > last) return refuse(IssueCode::conflict, "--to", "has an audit of its own already; name an empty target");
    while (at < last) {
        sql::transaction(to, [&] {
            auto& access =
                from.prepare("SELECT " XINGLIN_AUDIT_COLUMNS ", hash FROM audit_access WHERE row > ? ORDER BY row LIMIT ?");
            access.bind(1, at).bind(2, rows_at_once);
            auto& add = to.prepare("INSERT INTO audit_access (" XINGLIN_AUDIT_COLUMNS
                                   ", hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
            while (access.step()) {
                at = access.integer(0);
                copy_row(access, "iittttttttttiitttttb", add);
            }
        });
    }
    copy_checkpoints(from, to);
    return static_cast<std::uint64_t>(last);
}

}  // namespace

Result<Copied> copy(const Place& from, const Place& to, const calendar::Clock& clock) {
    // Opened once by those who own the tables, so that they are there and of this version on both sides.
    for (const Place* place : {&from, &to}) {
        Accounts accounts(place->folder, clock, place->store);
        Audit audit(place->folder, place->store);
    }
    Copied copied;
    XINGLIN_TRY(copied.accounts, copy_accounts(*open(from, "access.db"), *open(to, "access.db")));
    XINGLIN_TRY(copied.accesses, copy_audit(*open(from, "audit.db"), *open(to, "audit.db")));
    return copied;
}

}  // namespace xinglin::access
