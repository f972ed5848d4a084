// SPDX-License-Identifier: Apache-2.0
// The tables of the ledger, row by row into another database.
#include "intake/copy.h"

#include <array>
#include <optional>

#include <fmt/format.h>

#include "intake/ledger.h"

namespace xinglin::intake {

namespace {

constexpr std::int64_t rows_at_once = 2'000;

/// `kinds`: of each column i integer, t text, b blob.
struct Table {
    const char* name;
    const char* columns;
    std::string_view kinds;
    bool by_number;  // its first column is the number of a message, and unique: copied in pages
};
constexpr Table tables[] = {
    {"intake_message",
     "number, source, kind, control_id, print, print_more, state, received_ms, sent_ms, settled_ms, patient, bytes, of, place, "
     "spot, reason, versions",
     "itttiiiiiiiiitttt", true},
    {"intake_raw", "number, packed", "ib", true},
    {"intake_hour", "source, hour, received, stored, rejected, duplicate, ignored, first, last", "tiiiiiiii", false},
    {"intake_event", "number, at_ms, what, detail", "iitt", false},
    {"intake_file", "source, file, items, done", "ttii", false},
    {"intake_swept", "source, number", "ti", false},
    {"intake_source", "id, definition", "tt", false},
};

std::int64_t rows_of(sql::Connection& connection, const Table& table) {
    sql::Statement& row = connection.prepare(fmt::format("SELECT count(*) FROM {}", table.name));
    row.reset();
    const std::int64_t value = row.step() ? row.integer(0) : 0;
    row.reset();
    return value;
}

void copy_row(const sql::Statement& row, std::string_view kinds, sql::Statement& into) {
    for (std::size_t i = 0; i < kinds.size(); ++i) {
        const int column = static_cast<int>(i);
        if (kinds[i] == 'i') into.bind(column + 1, row.integer(column));
        else if (kinds[i] == 'b') into.bind_blob(column + 1, row.text(column));
        else into.bind(column + 1, row.text(column));
    }
    into.run();
}

void copy_table(const Table& table, sql::Connection& from, sql::Connection& to) {
    std::string marks = "?";
    for (std::size_t i = 1; i < table.kinds.size(); ++i) marks += ", ?";
    auto& add = to.prepare(fmt::format("INSERT INTO {} ({}) VALUES ({})", table.name, table.columns, marks));
    if (!table.by_number) {
        auto& rows = from.prepare(fmt::format("SELECT {} FROM {}", table.columns, table.name));
        rows.reset();
        sql::transaction(to, [&] {
            while (rows.step()) copy_row(rows, table.kinds, add);
        });
        return;
    }
    auto& rows =
        from.prepare(fmt::format("SELECT {} FROM {} WHERE number > ? ORDER BY number LIMIT ?", table.columns, table.name));
    Number last = 0;
    for (std::int64_t count = rows_at_once; count == rows_at_once;) {
        count = 0;
        sql::transaction(to, [&] {
            rows.reset();
            rows.bind(1, last).bind(2, rows_at_once);
            for (; rows.step(); ++count) {
                last = rows.integer(0);
                copy_row(rows, table.kinds, add);
            }
        });
    }
}

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
    from->begin_read();
    const std::int64_t count = rows_of(*from, tables[0]);
    bool is_empty = true, is_same = true;
    for (const Table& table : tables) {
        const std::int64_t there = rows_of(*to, table);
        is_empty &= there == 0;
        is_same &= there == rows_of(*from, table);
    }
    const bool is_former = !is_empty && !is_same && is_copy_of(*to, *from);
    if (is_former) {
        sql::transaction(*to, [&] {
            for (const Table& table : tables) to->run(fmt::format("DELETE FROM {}", table.name));
        });
    }
    if (is_empty || is_former) {
        for (const Table& table : tables) copy_table(table, *from, *to);
    }
    from->rollback();
    if (!is_empty && !is_same && !is_former)
        return refuse(IssueCode::conflict, "--to", "has a ledger of its own already; name an empty target");
    return count;
}

}  // namespace xinglin::intake
