// SPDX-License-Identifier: Apache-2.0
// Tables row by row into another database.
#include "sql/copy.h"

#include <array>
#include <string>
#include <vector>

#include <fmt/format.h>

namespace xinglin::sql {

namespace {

constexpr std::int64_t rows_at_once = 2'000;

std::int64_t rows_of(Connection& connection, const CopiedTable& table) {
    Statement& row = connection.prepare(fmt::format("SELECT count(*) FROM {}", table.name));
    row.reset();
    const std::int64_t value = row.step() ? row.integer(0) : 0;
    row.reset();
    return value;
}

struct Sides {
    Connection &from, &to;
    std::shared_ptr<Values> from_values, to_values;
};

void copy_row(const Statement& row, const CopiedTable& table, const Sides& sides, Statement& into) {
    const std::string_view kinds = table.kinds;
    std::string last;  // what is bound stays where it is until it ran
    for (std::size_t i = 0; i < kinds.size(); ++i) {
        const int column = static_cast<int>(i);
        if (!table.about.empty() && i + 1 == kinds.size()) {
            const std::string about = about_of(table.about, std::array<std::int64_t, 1>{row.integer(0)});
            last = sealed(sides.to_values, about, opened(sides.from_values, about, row.text(column)));
            into.bind_blob(column + 1, last);
        } else if (kinds[i] == 'i') into.bind(column + 1, row.integer(column));
        else if (kinds[i] == 'b') into.bind_blob(column + 1, row.text(column));
        else into.bind(column + 1, row.text(column));
    }
    into.run();
}

/// "(a, b) > (?, ?) ORDER BY a, b", of the columns that are the key.
std::string after_key(const CopiedTable& table) {
    std::string names;
    std::string_view rest = table.columns;
    std::string marks;
    for (std::size_t i = 0; i < table.key; ++i) {
        const std::size_t comma = rest.find(',');
        names += (i ? ", " : "") + std::string(rest.substr(0, comma));
        marks += i ? ", ?" : "?";
        rest = rest.substr(rest.find_first_not_of(", ", comma));
    }
    return fmt::format("({}) > ({}) ORDER BY {}", names, marks, names);
}

void copy_pages(const CopiedTable& table, const Sides& sides, Statement& add) {
    auto& [from, to, from_values, to_values] = sides;
    const std::string head = fmt::format("SELECT {} FROM {}", table.columns, table.name), after = after_key(table);
    auto& first =
        from.prepare(fmt::format("{} ORDER BY {} LIMIT {}", head, after.substr(after.find("ORDER BY ") + 9), rows_at_once));
    auto& next = from.prepare(fmt::format("{} WHERE {} LIMIT {}", head, after, rows_at_once));
    std::vector<std::string> texts(table.key);
    std::vector<std::int64_t> numbers(table.key);
    bool begun = false;
    for (std::int64_t count = rows_at_once; count == rows_at_once; begun = true) {
        count = 0;
        Statement& rows = begun ? next : first;
        transaction(sides.to, [&] {
            if (sides.to_values) sides.to_values->refresh(sides.to);
            rows.reset();
            for (std::size_t i = 0; begun && i < table.key; ++i) {
                if (table.kinds[i] == 'i') rows.bind(static_cast<int>(i) + 1, numbers[i]);
                else rows.bind(static_cast<int>(i) + 1, texts[i]);
            }
            for (; rows.step(); ++count) {
                for (std::size_t i = 0; i < table.key; ++i) {
                    if (table.kinds[i] == 'i') numbers[i] = rows.integer(static_cast<int>(i));
                    else texts[i] = rows.text(static_cast<int>(i));
                }
                copy_row(rows, table, sides, add);
            }
            rows.reset();
        });
    }
}

void copy_table(const CopiedTable& table, const Sides& sides) {
    auto& [from, to, from_values, to_values] = sides;
    std::string marks = "?";
    for (std::size_t i = 1; i < table.kinds.size(); ++i) marks += ", ?";
    auto& add = to.prepare(fmt::format("INSERT INTO {} ({}) VALUES ({})", table.name, table.columns, marks));
    if (table.key > 0) return copy_pages(table, sides, add);
    auto& rows = from.prepare(fmt::format("SELECT {} FROM {}", table.columns, table.name));
    rows.reset();
    transaction(sides.to, [&] {
        while (rows.step()) copy_row(rows, table, sides, add);
    });
    rows.reset();
}

}  // namespace

bool copy_tables(std::span<const CopiedTable> tables, Connection& from, Connection& to,
                 const std::function<bool(bool as_many)>& is_former, const std::shared_ptr<Values>& from_values,
                 const std::shared_ptr<Values>& to_values) {
    from.begin_read();
    bool is_empty = true, is_same = true;
    for (const CopiedTable& table : tables) {
        const std::int64_t there = rows_of(to, table);
        is_empty &= there == 0;
        is_same &= there == rows_of(from, table);
    }
    const bool anew = !is_empty && is_former(is_same);  // rows may have changed where there are as many
    if (anew) {
        transaction(to, [&] {
            for (const CopiedTable& table : tables) to.run(fmt::format("DELETE FROM {}", table.name));
        });
    }
    if (is_empty || anew) {
        for (const CopiedTable& table : tables) copy_table(table, {from, to, from_values, to_values});
    }
    from.rollback();
    return is_empty || anew;
}

}  // namespace xinglin::sql
