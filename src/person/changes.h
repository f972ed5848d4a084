// SPDX-License-Identifier: Apache-2.0
// Inside the room: which records came to another person, line by line, for those who keep copies of who is one person.
//
// Only what changed since the last filling is known, so that an index made anew has the same lines.
#pragma once

#include "person/person.h"

namespace xinglin::person {

/// Table person_change.
void make_change_table(sql::Connection& connection);
/// Writes what moved by the change of the record at `position`.
void write_changes(sql::Connection& connection, const std::vector<Moved>& moved, record::Position position, std::int64_t at_ms);
Changes read_changes(sql::Connection& connection, std::string_view since, std::size_t count);

}  // namespace xinglin::person
