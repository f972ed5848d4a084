// SPDX-License-Identifier: Apache-2.0
// A condition whose members are many rows in another order than by rid (a range of dates, the union of many terms): read
// only as far as it pays.
#pragma once

#include <functional>

#include "record/cursor.h"

namespace xinglin::record {

/// Where the members come from.
class Source {
public:
    virtual ~Source() = default;
    /// Reads about `rows` more rows into the list; true when none are left.
    virtual bool read(std::size_t rows, std::vector<std::int64_t>& into) = 0;
    std::uint64_t touched = 0;
};

/// Until all is read it cannot say who is a member: it offers every rid, and `confirm` asks the resource. The more it has to
/// confirm, the further it reads, so that together they cost at most about twice the better of the two.
class Lazy final : public Cursor {
public:
    using Confirm = std::function<bool(std::int64_t)>;
    /// Without `confirm` every rid passes: somebody else confirms.
    Lazy(std::unique_ptr<Source> source, Confirm confirm) : source_(std::move(source)), confirm_(std::move(confirm)) {}

    /// True when all is read. Throws nothing; refuses by `too_many()`.
    bool read(std::size_t rows);
    bool too_many() const { return rids_.size() >= most_rids; }

    Word seek(std::int64_t key) override;
    std::uint64_t estimate() override { return list_ ? list_->estimate() : unknown; }  // unknown: never leads
    bool has(std::int64_t rid) override;
    bool exact() const override { return list_ != nullptr; }
    bool keep(std::int64_t rid) override { return has(rid); }
    bool keeps_anywhere() const override { return true; }
    std::optional<std::uint64_t> count() override { return list_ ? list_->count() : std::nullopt; }

    static constexpr std::size_t most_rids = 4'000'000;
    static constexpr std::uint64_t unknown = std::uint64_t{1} << 60;

private:
    std::unique_ptr<Source> source_;
    Confirm confirm_;
    std::vector<std::int64_t> rids_;
    CursorPtr list_;
    std::size_t confirmed_ = 0;
};

}  // namespace xinglin::record
