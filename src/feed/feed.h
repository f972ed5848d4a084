// SPDX-License-Identifier: Apache-2.0
// The feed: one line per version, in the order of commits. Everything that is not the record is a view of it.
//
// Positions are 1, 2, 3 … without gaps; `updated_ms` never goes back. Written only by the record's writer, inside the
// transaction that stores the version.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "sql/sql.h"

namespace xinglin::feed {

struct Change {
    std::int64_t position = 0;
    std::int64_t resource = 0;  // the record's number of the resource
    std::int64_t version = 0;
    std::int64_t type = 0;  // the record's number of the resource type
    std::int64_t updated_ms = 0;
};

/// Makes the table.
void prepare(sql::Connection& connection);
void append(sql::Connection& connection, const Change& change);
/// The newest line; position 0 when the feed is empty.
Change last(sql::Connection& connection);
/// Lines with `after` < position ≤ `upto`, oldest first, until `each` returns false.
void forward(sql::Connection& connection, std::int64_t after, std::int64_t upto, const std::function<bool(const Change&)>& each);
/// Lines with position ≤ `from`, newest first, until `each` returns false. `type` 0: every type.
void backward(sql::Connection& connection, std::int64_t from, const std::function<bool(const Change&)>& each);
/// The last position whose line was written at or before `ms`; 0 when there is none. Logarithmic.
std::int64_t position_at(sql::Connection& connection, std::int64_t ms);

}  // namespace xinglin::feed
