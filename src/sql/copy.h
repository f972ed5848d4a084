// SPDX-License-Identifier: Apache-2.0
// Whole tables from one database into another, of the same engine or the other: for backups and for whoever changes the engine.
#pragma once

#include <functional>
#include <span>
#include <string_view>

#include "sql/sealed_values.h"
#include "sql/sql.h"

namespace xinglin::sql {

struct CopiedTable {
    const char* name;
    const char* columns;
    std::string_view kinds;       // of each column i integer, t text, b blob
    std::size_t key = 0;          // so many of the first columns are unique together: copied in pages; 0: at once
    std::string_view about = {};  // its last column is sealed in an encrypted database, about this and the first (a number)
};

/// All rows, as they are at one moment, also while others write to `from`. The tables are there on both sides. `is_former`: asked when
/// `to` holds rows (`as_many`: of every table as many as `from`), whether it is an earlier copy; that one is made anew. False when it
/// is not: nothing is changed then.
bool copy_tables(std::span<const CopiedTable> tables, Connection& from, Connection& to,
                 const std::function<bool(bool as_many)>& is_former, const std::shared_ptr<Values>& from_values = nullptr,
                 const std::shared_ptr<Values>& to_values = nullptr);

}  // namespace xinglin::sql
