// SPDX-License-Identifier: Apache-2.0
// Sorted streams of rids, met by leapfrog: the moving parts of a search.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "sql/sql.h"

namespace xinglin::record {

constexpr std::int64_t no_more = std::numeric_limits<std::int64_t>::max();
constexpr std::uint64_t many = 1'000'000;  // an estimate for "did not count to the end"

class Cursor {
public:
    virtual ~Cursor() = default;
    /// The first member at or after `at_least`, or no_more. Calls must not go back.
    virtual std::int64_t seek(std::int64_t at_least) = 0;
    /// Members, exact when below a block (256), else `many` or a better guess.
    virtual std::uint64_t estimate() = 0;
    /// Is this one a member? Asked in any order, beside seeking.
    virtual bool has(std::int64_t rid) = 0;
};
using CursorPtr = std::unique_ptr<Cursor>;

/// Rows of a table in rid order, fetched in blocks: "SELECT rid … WHERE a = ? AND b = ? AND rid >= ? ORDER BY rid LIMIT ?".
CursorPtr posting_cursor(sql::Connection& connection, std::int64_t term);
CursorPtr reference_cursor(sql::Connection& connection, std::int64_t target, std::int64_t pid);
/// Owns its members; sorts and uniques them.
CursorPtr list_cursor(std::vector<std::int64_t> rids);
/// The members after `last` of a cursor that was read up to it; asked for any earlier one it answers with the first of these.
CursorPtr after_cursor(CursorPtr rest, std::int64_t last);
CursorPtr either_cursor(std::vector<CursorPtr> parts);

/// Members of every `all`, of no `none`, that pass every filter.
class Meeting final : public Cursor {
public:
    std::vector<CursorPtr> all;
    std::vector<CursorPtr> none;
    std::vector<std::function<bool(std::int64_t)>> filters;

    std::int64_t seek(std::int64_t at_least) override;
    std::uint64_t estimate() override;
    bool has(std::int64_t rid) override;
    /// Puts the smallest first, which then leads.
    void arrange();
    std::uint64_t touched = 0;
};

/// All members, at most `limit`.
std::vector<std::int64_t> collect(Cursor& cursor, std::size_t limit);

}  // namespace xinglin::record
