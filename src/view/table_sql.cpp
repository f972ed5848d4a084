// SPDX-License-Identifier: Apache-2.0
// Rows in and out of SQL.
#include "view/table_sql.h"

#include <charconv>

#include <fmt/format.h>

#include "view/library.h"

namespace xinglin::view {

namespace {

std::string_view sql_type(Storage storage) {
    switch (storage) {
        case Storage::boolean:
        case Storage::integer: return "BIGINT";
        case Storage::decimal: return "DOUBLE PRECISION";
        default: return "TEXT";
    }
}

template <typename Number>
std::optional<Number> number_of(std::string_view digits) {
    Number value{};
    const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return end.ec == std::errc() && end.ptr == digits.data() + digits.size() ? std::optional(value) : std::nullopt;
}

}  // namespace

Storage storage_of(const Column& column) { return column.collection ? Storage::json : storage_of(column.type); }

std::string table_name(std::string_view view, bool building) { return (building ? "building_" : "view_") + filed_name(view); }

std::string TableWriter::create_sql(std::string_view table, std::span<const Column> columns) {
    std::string sql = fmt::format("CREATE TABLE \"{}\" (_id TEXT NOT NULL, _row BIGINT NOT NULL", table);
    for (const Column& column : columns) sql += fmt::format(", \"{}\" {}", column.name, sql_type(storage_of(column)));
    return sql + ", PRIMARY KEY (_id, _row)) WITHOUT ROWID";
}

TableWriter::TableWriter(sql::Connection& connection, std::string table, std::span<const Column> columns)
    : connection_(connection), columns_(columns) {
    insert_ = fmt::format("INSERT INTO \"{}\" (_id, _row", table);
    for (const Column& column : columns) {
        insert_ += fmt::format(", \"{}\"", column.name);
        storages_.push_back(storage_of(column));
    }
    insert_ += ") VALUES (?, ?";
    for (std::size_t i = 0; i < columns.size(); ++i) insert_ += ", ?";
    insert_ += ")";
    erase_ = fmt::format("DELETE FROM \"{}\" WHERE _id = ?", table);
}

std::int64_t TableWriter::erase(std::string_view id) {
    connection_.prepare(erase_).bind(1, id).run();
    return connection_.changes();
}

Result<Done> TableWriter::add(std::string_view id, std::int64_t number, Row row) {
    sql::Statement& insert = connection_.prepare(insert_);
    insert.bind(1, id).bind(2, number);
    for (std::size_t i = 0; i < row.size(); ++i) {
        const Cell& cell = row[i];
        const int at = static_cast<int>(i) + 3;
        const auto refused = [&] {
            return refuse(IssueCode::value, columns_[i].where,
                          fmt::format("gives a value that is no {}, mend the column's type", columns_[i].type));
        };
        if (cell.kind == Cell::Kind::null) {
            insert.bind_null(at);
            continue;
        }
        if (storages_[i] == Storage::boolean) {
            if (cell.kind != Cell::Kind::boolean) return refused();
            insert.bind(at, static_cast<std::int64_t>(cell.boolean));
        } else if (storages_[i] == Storage::integer) {
            const auto value = cell.kind == Cell::Kind::number || cell.kind == Cell::Kind::text
                                   ? number_of<std::int64_t>(cell.text)
                                   : std::nullopt;
            if (!value) return refused();
            insert.bind(at, *value);
        } else if (storages_[i] == Storage::decimal) {
            const auto value = cell.kind == Cell::Kind::number ? number_of<double>(cell.text) : std::nullopt;
            if (!value) return refused();
            insert.bind(at, *value);
        } else if (cell.kind == Cell::Kind::text && storages_[i] == Storage::text) {
            insert.bind(at, cell.text);
        } else {
            text_.clear();
            write_array(Row(&cell, 1), text_);
            insert.bind(at, std::string_view(text_).substr(1, text_.size() - 2));
        }
    }
    insert.run();
    return Done{};
}

void write_stored(const sql::Statement& row, int at, Storage storage, std::string& out) {
    if (row.is_null(at)) {
        out += "null";
        return;
    }
    switch (storage) {
        case Storage::boolean: out += row.integer(at) != 0 ? "true" : "false"; return;
        case Storage::integer: out += std::to_string(row.integer(at)); return;
        case Storage::decimal: out += fmt::format("{}", row.real(at)); return;
        case Storage::text: json::write_string(row.text(at), out); return;
        case Storage::json: out += row.text(at); return;
    }
}

}  // namespace xinglin::view
