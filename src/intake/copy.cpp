// SPDX-License-Identifier: Apache-2.0
// The tables of the ledger, row by row into another database.
#include "intake/copy.h"

#include <array>
#include <optional>

#include <fmt/format.h>

#include "intake/ledger.h"
#include "sql/copy.h"

namespace xinglin::intake {

namespace {

constexpr sql::CopiedTable tables[] = {
    {"intake_message",
     "number, source, kind, control_id, print, print_more, state, received_ms, sent_ms, settled_ms, patient, bytes, of, place, "
     "spot, reason, versions",
     "itttiiiiiiiiitttt", 1},
    {"intake_raw", "number, packed", "ib", 1, "message"},
    {"intake_hour", "source, hour, received, stored, rejected, duplicate, ignored, first, last", "tiiiiiiii"},
    {"intake_event", "number, at_ms, what, detail", "iitt"},
    {"intake_file", "source, file, items, done", "ttii"},
    {"intake_swept", "source, number", "ti"},
    {"intake_source", "id, definition", "tt"},
};

/// Is the newest message of `copy` the same one in `original`? Then it was made from it earlier, or broke off.
bool is_copy_of(sql::Connection& copy, sql::Connection& original) {
    using Line = std::array<std::int64_t, 4>;
    const auto line_of = [](sql::Statement& row) {
        std::optional<Line> line;
        if (row.step()) line = Line{row.integer(0), row.integer(1), row.integer(2), row.integer(3)};
        row.reset();
        return line;
    };
    auto& newest = copy.prepare("SELECT number, print, print_more, received_ms FROM intake_message ORDER BY number DESC LIMIT 1");
    newest.reset();
    const auto last = line_of(newest);
    if (!last) return false;
    auto& same = original.prepare("SELECT number, print, print_more, received_ms FROM intake_message WHERE number = ?");
    same.reset();
    same.bind(1, last->front());
    return line_of(same) == last;
}

}  // namespace

Result<std::int64_t> copy_ledger(const std::string& from_place, const std::string& to_place) {
    const auto open = [](const std::string& place) {
        auto connection = sql::open(place, {.cache_bytes = 16 << 20, .lane = "xinglin intake"});
        Ledger::migrate(*connection);  // the tables are there and of this version on both sides
        return connection;
    };
    const auto from = open(from_place), to = open(to_place);
    if (!sql::copy_tables(
            tables, *from, *to, [&](bool as_many) { return as_many || is_copy_of(*to, *from); }, sql::values_of(from_place),
            sql::values_of(to_place)))
        return refuse(IssueCode::conflict, "--to", "has a ledger of its own already; name an empty target");
    auto& count = to->prepare("SELECT count(*) FROM intake_message");
    count.reset();
    const std::int64_t messages = count.step() ? count.integer(0) : 0;
    count.reset();
    return messages;
}

}  // namespace xinglin::intake
