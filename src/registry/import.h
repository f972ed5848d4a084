// SPDX-License-Identifier: Apache-2.0
// A table of entries from outside: what it would change, row by row and cell by cell, before anything is changed.
//
// Rows that are wrong stand beside their reasons; the others can be taken all the same. Columns that the table does not have are left
// alone; a column that it has counts, an empty cell empties. Nothing is deleted by a row that is missing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "outcome/outcome.h"
#include "registry/revision.h"
#include "registry/sheet.h"

namespace xinglin::registry {

struct CellChange {
    std::string key, before, after;
};
struct Reason {
    std::string key;  // of the column; "" of the row
    std::string zh, en;
};
struct RowPlan {
    enum class State : std::uint8_t { added, changed, unchanged, wrong } state = State::unchanged;
    std::uint64_t number = 0;  // as a spreadsheet counts
    std::string reference, code, name;
    std::vector<CellChange> changes;
    std::vector<Reason> reasons;
};
struct Preview {
    Sheet sheet = Sheet::organizations;
    std::size_t added = 0, changed = 0, unchanged = 0, wrong = 0;
    std::vector<RowPlan> rows;
    std::vector<std::string> ignored;  // titles of columns that are not known
    std::vector<Write> writes;
    std::string basis;  // of what the registries said and what the table says; applying asks for the same
};

/// Refuses what is no table, one without the column of the code, and more than 20,000 rows.
Result<Preview> preview(const Registry& registry, Sheet sheet, std::string_view bytes, const Words& words);

/// All entries of a sheet as rows, in the order of their codes.
std::vector<std::pair<EntryPtr, Cells>> rows_of(const Registry& registry, Sheet sheet);
/// The file, as XLSX: rows, or with `template_only` the header, an example and what may stand where. `zh`: titles in Chinese.
Result<std::string> workbook(const Registry& registry, Sheet sheet, bool template_only, bool zh);

constexpr std::size_t most_rows = 20'000;

}  // namespace xinglin::registry
