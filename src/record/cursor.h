// SPDX-License-Identifier: Apache-2.0
// Sorted streams of rids, 64 to a word, met by leapfrog: the moving parts of a search.
//
// Resources of one patient are numbered one after the other, so a common token has many of any 64 neighbours: an AND is
// one instruction for all of them, and a count is their bits. A rare token has a word for each of its rids.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sql/sql.h"

namespace xinglin::record {

constexpr std::int64_t no_more = std::numeric_limits<std::int64_t>::max();
constexpr std::uint64_t many = 1'000'000;  // an estimate for "did not count to the end"

/// Those of 64 neighbours that are members: rid = key * 64 + bit.
struct Word {
    std::int64_t key;
    std::uint64_t bits;
};
constexpr Word no_word{no_more, 0};
constexpr std::int64_t key_of(std::int64_t rid) { return rid >> 6; }
constexpr std::uint64_t bit_of(std::int64_t rid) { return std::uint64_t{1} << (rid & 63); }

class Cursor {
public:
    virtual ~Cursor() = default;
    /// The first word that is not empty at or after `key`, or no_word. Calls must not go back; the same key may be asked again.
    virtual Word seek(std::int64_t key) = 0;
    /// Members, exact when few, else `many` or a better guess.
    virtual std::uint64_t estimate() = 0;
    /// Is this one a member? Asked in any order, beside seeking.
    virtual bool has(std::int64_t rid) = 0;
    /// Whether words hold members only. If not, each rid of the word sought last is asked with keep().
    virtual bool exact() const { return true; }
    virtual bool keep(std::int64_t) { return true; }
    /// Whether keep() may be asked of earlier words too.
    virtual bool keeps_anywhere() const { return exact(); }
    /// How many members there are, where that is known without reading them.
    virtual std::optional<std::uint64_t> count() { return std::nullopt; }

    std::uint64_t touched = 0;  // rows of an index read, or entries of a list
};
using CursorPtr = std::unique_ptr<Cursor>;

/// Who has a term: blocks, and rows that are not in a block yet.
CursorPtr posting_cursor(sql::Connection& connection, std::int64_t term);
CursorPtr reference_cursor(sql::Connection& connection, std::int64_t target, std::int64_t pid);
/// Owns its members; sorts and uniques them.
CursorPtr list_cursor(std::vector<std::int64_t> rids);
CursorPtr either_cursor(std::vector<CursorPtr> parts);

/// Members of every `all`, of no `none` (which must be exact), that pass every filter.
class Meeting final : public Cursor {
public:
    std::vector<CursorPtr> all;
    std::vector<CursorPtr> none;
    std::vector<std::function<bool(std::int64_t)>> filters;
    /// Told whom keep() is going to be asked about, some hundred in advance. Empty: nobody wants to know.
    std::vector<std::function<void(std::span<const std::int64_t>)>> ahead;

    Word seek(std::int64_t key) override;
    std::uint64_t estimate() override;
    bool has(std::int64_t rid) override;
    bool exact() const override;
    bool keep(std::int64_t rid) override;
    bool keeps_anywhere() const override;
    std::optional<std::uint64_t> count() override;
    /// Puts the smallest first, which then leads.
    void arrange();

private:
    Word meet(std::int64_t key);
    void begin();
    void scout(std::int64_t key);

    bool begun_ = false, scouts_ = false;
    std::vector<Cursor*> asked_;  // those of `all` that could not tell by words when reading began
    std::vector<Word> scouted_;   // met already; served before anything else
    std::size_t at_ = 0, reach_ = 16;
};

/// The members of a cursor one by one.
class Members {
public:
    /// From the first that is greater than `after`; rids are positive.
    explicit Members(Cursor& cursor, std::int64_t after = 0) : cursor_(cursor), first_(after + 1), key_(key_of(after + 1)) {}
    std::int64_t next();
    /// How many follow; stops counting above `limit`.
    std::uint64_t rest(std::uint64_t limit);

private:
    Cursor& cursor_;
    std::int64_t first_, key_, at_ = 0;
    std::uint64_t bits_ = 0;
};

/// All members, at most `limit`.
std::vector<std::int64_t> collect(Cursor& cursor, std::size_t limit);

}  // namespace xinglin::record
