// SPDX-License-Identifier: Apache-2.0
// Inside the room: the tables of the audit, and lines as rows of them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "access/audit.h"
#include "sql/sql.h"

namespace xinglin::access {

/// In the order in which a line is read; its hash follows.
#define XINGLIN_AUDIT_COLUMNS \
    "row, at_ms, who, role, what, type, id, patient, purpose, detail, trace_id, peer, status, count, display, practitioner, " \
    "institution, authorisation, reason"

/// The head of the chain.
struct Head {
    std::int64_t row = 0;
    std::string hash = std::string(hash_bytes, '\0');
};

/// Opens the database, its tables up to date and every line chained.
std::unique_ptr<sql::Connection> open_audit(const std::string& place);
/// DATA/audit.db, or the address of the database.
std::string audit_place(const std::filesystem::path& folder, const std::string& store);

Head head_of(sql::Connection& connection);
void insert(sql::Connection& connection, const Access& line, std::string_view hash);
Access read_line(const sql::Statement& row);

Checkpoint read_checkpoint(const sql::Statement& row);
#define XINGLIN_CHECKPOINT_COLUMNS "number, row, at_ms, hash, signer, signature"
std::optional<Checkpoint> newest_checkpoint(sql::Connection& connection);
void insert(sql::Connection& connection, const Checkpoint& checkpoint);

}  // namespace xinglin::access
