// SPDX-License-Identifier: Apache-2.0
// Second factors, tickets, failures, known places, old passwords: the statements.
#include "access/factor_table.h"

namespace xinglin::access {

namespace {

std::int64_t one_number(sql::Statement& query) {
    const std::int64_t number = query.step() ? query.integer(0) : 0;
    query.reset();
    return number;
}

}  // namespace

std::optional<FactorRow> FactorTable::factor(std::int64_t account) {
    sql::Statement& query = connection_.prepare("SELECT secret, last_step, begun_ms FROM access_factor WHERE account = ?");
    query.bind(1, account);
    if (!query.step()) return std::nullopt;
    FactorRow row{std::string(query.text(0)), query.integer(1), query.integer(2)};
    query.reset();
    return row;
}

void FactorTable::set_factor(std::int64_t account, std::string_view sealed, std::int64_t now_ms) {
    connection_.prepare("DELETE FROM access_factor WHERE account = ?").bind(1, account).run();
    connection_.prepare("INSERT INTO access_factor (account, secret, last_step, begun_ms) VALUES (?, ?, 0, ?)")
        .bind(1, account)
        .bind_blob(2, sealed)
        .bind(3, now_ms)
        .run();
}

void FactorTable::hold_factor(std::int64_t account, std::int64_t now_ms) {
    connection_.prepare("UPDATE access_account SET factor_ms = ? WHERE id = ?").bind(1, now_ms).bind(2, account).run();
}

void FactorTable::erase_factor(std::int64_t account) {
    for (const char* table : {"access_factor", "access_recovery", "access_ticket"})
        connection_.prepare("DELETE FROM " + std::string(table) + " WHERE account = ?").bind(1, account).run();
    hold_factor(account, 0);
}

bool FactorTable::take_step(std::int64_t account, std::int64_t step) {
    connection_.prepare("UPDATE access_factor SET last_step = ? WHERE account = ? AND last_step < ?")
        .bind(1, step)
        .bind(2, account)
        .bind(3, step)
        .run();
    return connection_.changes() == 1;
}

void FactorTable::set_recovery(std::int64_t account, const std::vector<std::string>& codes_sha256) {
    connection_.prepare("DELETE FROM access_recovery WHERE account = ?").bind(1, account).run();
    for (const std::string& code : codes_sha256)
        connection_.prepare("INSERT INTO access_recovery (account, code_sha256) VALUES (?, ?)")
            .bind(1, account)
            .bind_blob(2, code)
            .run();
}

bool FactorTable::take_recovery(std::int64_t account, std::string_view code_sha256, std::int64_t now_ms) {
    connection_.prepare("UPDATE access_recovery SET used_ms = ? WHERE account = ? AND code_sha256 = ? AND used_ms IS NULL")
        .bind(1, now_ms)
        .bind(2, account)
        .bind_blob(3, code_sha256)
        .run();
    return connection_.changes() == 1;
}

int FactorTable::recovery_left(std::int64_t account) {
    return static_cast<int>(one_number(
        connection_.prepare("SELECT count(*) FROM access_recovery WHERE account = ? AND used_ms IS NULL").bind(1, account)));
}

void FactorTable::insert_ticket(std::string_view ticket_sha256, const TicketRow& ticket) {
    connection_.prepare("INSERT INTO access_ticket (ticket_sha256, account, created_ms, peer, device) VALUES (?, ?, ?, ?, ?)")
        .bind_blob(1, ticket_sha256)
        .bind(2, ticket.account)
        .bind(3, ticket.created_ms)
        .bind(4, ticket.peer)
        .bind(5, ticket.device)
        .run();
}

std::optional<TicketRow> FactorTable::ticket(std::string_view ticket_sha256) {
    sql::Statement& query =
        connection_.prepare("SELECT account, created_ms, peer, device FROM access_ticket WHERE ticket_sha256 = ?");
    query.bind_blob(1, ticket_sha256);
    if (!query.step()) return std::nullopt;
    TicketRow row{query.integer(0), query.integer(1), std::string(query.text(2)), std::string(query.text(3))};
    query.reset();
    return row;
}

void FactorTable::erase_ticket(std::string_view ticket_sha256) {
    connection_.prepare("DELETE FROM access_ticket WHERE ticket_sha256 = ?").bind_blob(1, ticket_sha256).run();
}

void FactorTable::erase_tickets_before(std::int64_t created_ms) {
    connection_.prepare("DELETE FROM access_ticket WHERE created_ms < ?").bind(1, created_ms).run();
}

std::vector<std::string> FactorTable::old_passwords(std::int64_t account, std::size_t count) {
    std::vector<std::string> hashes;
    sql::Statement& query =
        connection_.prepare("SELECT password_hash FROM access_old_password WHERE account = ? ORDER BY since_ms DESC LIMIT ?");
    query.bind(1, account).bind(2, static_cast<std::int64_t>(count));
    while (query.step()) hashes.emplace_back(query.text(0));
    return hashes;
}

void FactorTable::keep_password(std::int64_t account, std::string_view hash, std::int64_t now_ms, std::size_t count) {
    connection_
        .prepare(
            "INSERT INTO access_old_password (account, since_ms, password_hash) VALUES (?, ?, ?)"
            " ON CONFLICT (account, since_ms) DO UPDATE SET password_hash = excluded.password_hash")
        .bind(1, account)
        .bind(2, now_ms)
        .bind(3, hash)
        .run();
    connection_
        .prepare(
            "DELETE FROM access_old_password WHERE account = ? AND since_ms NOT IN"
            " (SELECT since_ms FROM access_old_password WHERE account = ? ORDER BY since_ms DESC LIMIT ?)")
        .bind(1, account)
        .bind(2, account)
        .bind(3, static_cast<std::int64_t>(count))
        .run();
}

Failures FactorTable::failures(std::string_view blinded) {
    sql::Statement& query = connection_.prepare("SELECT count, last_ms, until_ms FROM access_failure WHERE key = ?");
    query.bind_blob(1, blinded);
    if (!query.step()) return {};
    const Failures failures{query.integer(0), query.integer(1), query.integer(2)};
    query.reset();
    return failures;
}

void FactorTable::set_failures(std::string_view blinded, const Failures& failures) {
    connection_
        .prepare(
            "INSERT INTO access_failure (key, count, last_ms, until_ms) VALUES (?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET"
            " count = excluded.count, last_ms = excluded.last_ms, until_ms = excluded.until_ms")
        .bind_blob(1, blinded)
        .bind(2, failures.count)
        .bind(3, failures.last_ms)
        .bind(4, failures.until_ms)
        .run();
}

void FactorTable::erase_failures(std::string_view blinded) {
    connection_.prepare("DELETE FROM access_failure WHERE key = ?").bind_blob(1, blinded).run();
}

void FactorTable::trim_failures(std::int64_t before_ms, std::int64_t most) {
    connection_.prepare("DELETE FROM access_failure WHERE last_ms < ?").bind(1, before_ms).run();
    connection_
        .prepare(
            "DELETE FROM access_failure WHERE last_ms <= coalesce("
            "(SELECT last_ms FROM access_failure ORDER BY last_ms DESC LIMIT 1 OFFSET ?), -1)")
        .bind(1, most)
        .run();
}

bool FactorTable::knows_place(std::int64_t account, std::string_view blinded, std::int64_t since_ms) {
    return one_number(connection_.prepare("SELECT count(*) FROM access_place WHERE account = ? AND peer = ? AND seen_ms >= ?")
                          .bind(1, account)
                          .bind_blob(2, blinded)
                          .bind(3, since_ms)) > 0;
}

void FactorTable::note_place(std::int64_t account, std::string_view blinded, std::int64_t now_ms, std::int64_t most) {
    connection_
        .prepare(
            "INSERT INTO access_place (account, peer, seen_ms) VALUES (?, ?, ?)"
            " ON CONFLICT (account, peer) DO UPDATE SET seen_ms = excluded.seen_ms")
        .bind(1, account)
        .bind_blob(2, blinded)
        .bind(3, now_ms)
        .run();
    connection_
        .prepare(
            "DELETE FROM access_place WHERE account = ? AND peer NOT IN"
            " (SELECT peer FROM access_place WHERE account = ? ORDER BY seen_ms DESC LIMIT ?)")
        .bind(1, account)
        .bind(2, account)
        .bind(3, most)
        .run();
}

}  // namespace xinglin::access
