// SPDX-License-Identifier: Apache-2.0
// Inside the room: what second factors, failures, known places and old passwords leave in the database.
//
// Over the connection of an AccountTable, which made the tables. Those that change are called within a transaction.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/throttle.h"
#include "sql/sql.h"

namespace xinglin::access {

struct FactorRow {
    std::string sealed;
    std::int64_t last_step = 0, begun_ms = 0;
};
struct TicketRow {
    std::int64_t account = 0, created_ms = 0;
    std::string peer, device;
};

class FactorTable {
public:
    explicit FactorTable(sql::Connection& connection) : connection_(connection) {}

    std::optional<FactorRow> factor(std::int64_t account);
    void set_factor(std::int64_t account, std::string_view sealed, std::int64_t now_ms);  // does not hold yet
    void hold_factor(std::int64_t account, std::int64_t now_ms);
    void erase_factor(std::int64_t account);  // and its recovery codes
    /// False when a code of this step or a later one was taken before.
    bool take_step(std::int64_t account, std::int64_t step);

    void set_recovery(std::int64_t account, const std::vector<std::string>& codes_sha256);
    bool take_recovery(std::int64_t account, std::string_view code_sha256, std::int64_t now_ms);
    int recovery_left(std::int64_t account);

    void insert_ticket(std::string_view ticket_sha256, const TicketRow& ticket);
    std::optional<TicketRow> ticket(std::string_view ticket_sha256);
    void erase_ticket(std::string_view ticket_sha256);
    void erase_tickets_before(std::int64_t created_ms);

    std::vector<std::string> old_passwords(std::int64_t account, std::size_t count);
    void keep_password(std::int64_t account, std::string_view hash, std::int64_t now_ms, std::size_t count);

    Failures failures(std::string_view blinded);
    void set_failures(std::string_view blinded, const Failures& failures);
    void erase_failures(std::string_view blinded);
    /// A stranger can make many: what is older goes, and of what is left the oldest.
    void trim_failures(std::int64_t before_ms, std::int64_t most);

    bool knows_place(std::int64_t account, std::string_view blinded, std::int64_t since_ms);
    void note_place(std::int64_t account, std::string_view blinded, std::int64_t now_ms, std::int64_t most);

private:
    sql::Connection& connection_;
};

}  // namespace xinglin::access
