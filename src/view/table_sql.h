// SPDX-License-Identifier: Apache-2.0
// Inside the room: the SQL of one table. Names are letters, digits and _, quoted all the same.
#pragma once

#include <string>
#include <string_view>

#include "sql/sql.h"
#include "view/definition.h"

namespace xinglin::view {

/// "view_patient"; while it is being built "building_patient".
std::string table_name(std::string_view view, bool building);

/// Writes rows of one view into one table.
class TableWriter {
public:
    TableWriter(sql::Connection& connection, std::string table, std::span<const Column> columns);

    static std::string create_sql(std::string_view table, std::span<const Column> columns);
    /// Removes a resource's rows; returns how many.
    std::int64_t erase(std::string_view id);
    /// Adds one. Refuses a value that is not of the column's type.
    Result<Done> add(std::string_view id, std::int64_t number, Row row);

private:
    sql::Connection& connection_;
    std::span<const Column> columns_;
    std::vector<Storage> storages_;
    std::string insert_, erase_;
    std::string text_;
};

Storage storage_of(const Column& column);
/// A stored value as JSON.
void write_stored(const sql::Statement& row, int at, Storage storage, std::string& out);

}  // namespace xinglin::view
