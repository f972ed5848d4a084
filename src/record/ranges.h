// SPDX-License-Identifier: Apache-2.0
// Rows of the date and the number index in their order, those of the table and the fresh ones together. Inside the room.
#pragma once

#include "record/find.h"
#include "record/fresh.h"

namespace xinglin::record {

/// The next `most` rows of the same key (or parameter) beyond a place whose low end is at most `upto`; fewer at the end only.
void rows_beyond(const Context& context, const DateRow& place, std::int64_t upto, std::size_t most, std::vector<DateRow>& rows);
void rows_beyond(const Context& context, const NumberRow& place, double upto, std::size_t most, std::vector<NumberRow>& rows);
/// In reverse.
void rows_before(const Context& context, const DateRow& place, std::size_t most, std::vector<DateRow>& rows);
void rows_before(const Context& context, const NumberRow& place, std::size_t most, std::vector<NumberRow>& rows);

/// About how many rows have their low end from `from` to `upto`, counted no further than `most`; a row that is just being
/// settled may count twice.
std::int64_t count_rows(const Context& context, std::int64_t key, const Bounds& bounds, std::int64_t most);
std::int64_t count_rows(const Context& context, std::int64_t pid, double from, double upto, std::int64_t most);

bool has_row(const Context& context, const DateRow& row);
bool has_row(const Context& context, const NumberRow& row);

}  // namespace xinglin::record
