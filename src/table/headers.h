// SPDX-License-Identifier: Apache-2.0
// Inside the room: which row of a file is its header, and which of its columns a mapping means.
#pragma once

#include <span>

#include "table/plan.h"

namespace xinglin::table {

/// A header as it is compared: folded, without blanks, stars and colons.
std::string header_key(std::string_view header);
/// The same without what stands in brackets at its end: "收缩压(mmHg)" → "收缩压".
std::string bare_header_key(std::string_view header);

struct Header {
    std::size_t rows = 0;            // how many rows were looked at and belong to it, and to what stands above
    std::vector<std::string> names;  // of the file's columns
    std::vector<int> place;          // by column of the plan; -1 when it is not in the file
    std::size_t matched = 0;
};

/// The best header among the first rows. A header of two rows (a merged cell above several others) reads "血压/收缩压".
Header find_header(const Plan& plan, std::span<const std::vector<std::string>> first_rows);
/// Without a plan: the first row that looks like names.
Header guess_header(std::span<const std::vector<std::string>> first_rows);

}  // namespace xinglin::table
