// SPDX-License-Identifier: Apache-2.0
// Inside the room: what a workbook says beside its rows: sheets, shared strings, which numbers are dates.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "table/archive.h"
#include "table/cell.h"
#include "table/table.h"

namespace xinglin::table {

/// All texts of a workbook, in one block.
class SharedStrings {
public:
    std::size_t size() const { return ends_.size(); }
    std::string_view operator[](std::size_t index) const {
        const std::size_t begin = index == 0 ? 0 : ends_[index - 1];
        return std::string_view(all_).substr(begin, ends_[index] - begin);
    }
    void append(std::string_view text) { all_ += text; }
    void end_one() { ends_.push_back(all_.size()); }
    std::size_t bytes() const { return all_.size(); }

private:
    std::string all_;
    std::vector<std::size_t> ends_;
};

struct Workbook {
    struct Sheet {
        std::string name, part;
        bool hidden = false;
    };
    std::vector<Sheet> sheets;
    bool from_1904 = false;
    std::vector<DateStyle> styles;  // by the number a cell names
    SharedStrings strings;
};

/// Reads everything but the rows of sheets.
Result<Workbook> read_workbook(const Archive& archive, const Limits& limits);
/// The sheet that `wanted` names, by name or number from 1. Refuses, with the names there are, one that is not there.
Result<const Workbook::Sheet*> find_sheet(const Workbook& workbook, const std::string& wanted);

}  // namespace xinglin::table
