// SPDX-License-Identifier: Apache-2.0
// Inside the room: what a spreadsheet does with a cell. A text that begins like a formula is one to it, whoever wrote it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "view/view.h"

namespace xinglin::server {

inline bool is_taken_for_a_formula(std::string_view text) {
    return !text.empty() && std::string_view("=+-@\t\r").find(text[0]) != std::string_view::npos;
}

/// A line of CSV for people: texts that begin like a formula get an apostrophe before them, which spreadsheets do not show.
inline void write_csv_for_people(view::Row row, std::string& out) {
    std::vector<std::string> texts;
    std::vector<view::Cell> cells(row.begin(), row.end());
    texts.reserve(cells.size());
    for (view::Cell& cell : cells)
        if (cell.kind == view::Cell::Kind::text && is_taken_for_a_formula(cell.text))
            cell.text = texts.emplace_back("'" + std::string(cell.text));
    view::write_csv(cells, out);
}

}  // namespace xinglin::server
