// SPDX-License-Identifier: Apache-2.0
// Fresh rows: index rows of dates, numbers and names that are stored but not yet sorted into their tables. Inside the room.
//
// A row of these tables belongs to any leaf of a large B-tree: writing it there at once costs a page read, a page in the log
// and a page in the file. So a commit appends its rows to record_fresh, packed, and keeps them here, sorted; when enough have
// gathered they are settled, in the order of the tables, a little with each later commit. SQLite only.
#pragma once

#include <algorithm>
#include <boost/container/string.hpp>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "record/layout.h"

namespace xinglin::record {

struct NameRow {
    NameRow(std::string_view key, std::int64_t tid, std::int64_t rid) : id(key.data(), key.size()), tid(tid), rid(rid) {}
    std::string_view key() const { return {id.data(), id.size()}; }
    bool operator==(const NameRow& other) const { return tid == other.tid && key() == other.key(); }
    auto operator<=>(const NameRow& other) const {
        const auto order = key() <=> other.key();
        return order != 0 ? order : tid <=> other.tid;
    }
    boost::container::string id;  // as id_key() has it; 22 bytes need no memory of their own
    std::int64_t tid, rid;
};

template <typename Row>
struct FreshRow {
    Row row;
    bool removed = false;  // takes back the same row of an earlier run
};

/// Fresh rows of one table, as sorted runs that never change: a copy is a snapshot. A later run has the last word.
template <typename Row>
class Layer {
public:
    using Run = std::vector<FreshRow<Row>>;
    /// A run at rest. Its filter says of nearly every row that is not there that it isn't: two bits a row among sixteen.
    struct Kept {
        explicit Kept(Run sorted);
        bool may_hold(const Row& row) const;
        Run rows;
        std::vector<std::uint64_t> filter;
    };

    /// `run`: sorted, each row once.
    void add(Run run);
    /// What is there now is what is settled next. Only when nothing is being settled.
    void freeze();
    bool is_settling() const { return !frozen_.empty(); }
    /// The next `most` rows that are due in the table; they are settled from then on. Empty at the end only.
    std::vector<Row> settle(std::size_t most);
    /// With those taken back.
    std::size_t size() const { return size_of(frozen_) + size_of(newer_); }
    bool contains(const Row& row) const { return find(row) != nullptr; }
    const Row* find(const Row& row) const;

    /// Rows beyond a place, in order or in reverse, without those taken back.
    class Walk {
    public:
        Walk(const Layer& layer, const Row& beyond, bool descending = false);
        /// From the least.
        explicit Walk(const Layer& layer);
        const Row* next();

    private:
        struct Stretch {
            const FreshRow<Row>*from, *upto;
        };
        void add(const Layer& layer, const Row* beyond, bool descending);
        std::vector<Stretch> stretches_;  // newest first
        bool descending_ = false;
    };

private:
    using Runs = std::vector<std::shared_ptr<const Kept>>;
    static std::size_t size_of(const Runs& runs) {
        std::size_t size = 0;
        for (const auto& run : runs) size += run->rows.size();
        return size;
    }
    static const FreshRow<Row>* find_in(const Runs& runs, const Row& row);

    Runs frozen_, newer_;         // oldest first
    std::optional<Row> settled_;  // the frozen rows up to this one are in the table
};

extern template class Layer<DateRow>;
extern template class Layer<NumberRow>;
extern template class Layer<NameRow>;

/// All fresh rows as of one commit.
struct Fresh {
    std::int64_t number = 0;   // the last line of record_fresh
    std::int64_t frozen = 0;   // lines up to here are being settled
    std::int64_t settled = 0;  // lines up to here say nothing any more
    Layer<DateRow> dates;
    Layer<NumberRow> numbers;
    Layer<NameRow> names;

    std::size_t size() const { return dates.size() + numbers.size() + names.size(); }
    bool is_settling() const { return dates.is_settling() || numbers.is_settling() || names.is_settling(); }
    void freeze();
    std::int64_t name(std::string_view key, std::int64_t tid) const;  // rid; 0 when not there
};
/// Of a store that keeps none.
const Fresh& no_fresh();

/// Lines of record_fresh.
class FreshLine {
public:
    void add(const Layer<DateRow>::Run& run);
    void add(const Layer<NumberRow>::Run& run);
    void add(const Layer<NameRow>::Run& run);
    bool empty() const { return bytes_.empty(); }
    std::size_t size() const { return bytes_.size(); }
    void cut(std::size_t size) { bytes_.resize(size); }
    /// With a check sum, of its number too, at its end.
    std::string sealed(std::int64_t number) const;
    /// Adds what a line says; false when it is damaged or another one.
    static bool read(std::int64_t number, std::string_view line, Fresh& into);

private:
    std::string bytes_;
};
/// All of record_fresh. Throws sql::Broken (corrupt).
Fresh load_fresh(sql::Connection& connection);

class FreshShelf;
/// Settles every fresh row and empties record_fresh, in one transaction; before there are readers.
void settle_all(sql::Connection& connection, FreshShelf& shelf);
void insert_rows(sql::Connection& connection, std::span<const DateRow> rows);
void insert_rows(sql::Connection& connection, std::span<const NumberRow> rows);

/// Where the writer lays down what its commits leave, and readers take what belongs to their snapshot.
class FreshShelf {
public:
    FreshShelf() { kept_.push_back(std::make_shared<Fresh>()); }
    void start_from(Fresh fresh);
    /// Of the last commit.
    std::shared_ptr<const Fresh> latest() const;
    /// As of the commit whose last line this is; nothing when that was too long ago.
    std::shared_ptr<const Fresh> of(std::int64_t number) const;
    /// Before a commit: readers may see it at any moment from then on …
    void announce(std::shared_ptr<const Fresh> fresh);
    /// … and after it.
    void confirm() noexcept;
    void withdraw() noexcept;

private:
    mutable std::mutex mutex_;  // guards the rest
    std::deque<std::shared_ptr<const Fresh>> kept_;
    bool announced_ = false;  // the last of them is not committed yet
};

}  // namespace xinglin::record
