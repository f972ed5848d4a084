// SPDX-License-Identifier: Apache-2.0
// Cursors over tables: postings and references.
#include <algorithm>

#include "record/cursor.h"

namespace xinglin::record {

namespace {

constexpr std::int64_t first_batch = 16, usual_batch = 256, largest_batch = 1'024;

/// Rows of a table in rid order, fetched in batches that end with a word. Batches grow while they are read one after the
/// other and shrink after a jump.
class RowCursor : public Cursor {
public:
    Word seek(std::int64_t key) override {
        const std::int64_t at_least = key << 6;
        for (;;) {
            const auto found = std::lower_bound(batch_.begin() + static_cast<std::ptrdiff_t>(at_), batch_.end(), at_least);
            at_ = static_cast<std::size_t>(found - batch_.begin());
            if (found != batch_.end()) break;
            if (ended_) return no_word;
            const bool next_door = !batch_.empty() && at_least <= batch_.back() + 64;
            if (fetched_) size_ = next_door ? std::min(size_ * 4, largest_batch) : std::max(size_ / 2, first_batch);
            fetch(at_least);
        }
        Word word{key_of(batch_[at_]), 0};
        for (std::size_t i = at_; i < batch_.size() && key_of(batch_[i]) == word.key; ++i) word.bits |= bit_of(batch_[i]);
        return word;
    }
    std::uint64_t estimate() override {
        if (!fetched_) {
            size_ = usual_batch;
            fetch(0);
        }
        return ended_ && whole_ ? batch_.size() : many;
    }
    std::optional<std::uint64_t> count() override {
        if (!fetched_) estimate();
        return ended_ && whole_ ? std::optional<std::uint64_t>(batch_.size()) : std::nullopt;
    }

protected:
    /// Binds a statement whose first column is the rid, from `from` on, at most `limit` rows.
    virtual sql::Statement& rows(std::int64_t from, std::int64_t limit) = 0;

private:
    void fetch(std::int64_t from) {
        whole_ = !fetched_ && from == 0;
        fetched_ = true;
        batch_.clear();
        at_ = 0;
        ended_ = true;
        sql::Statement& query = rows(from, size_ + 64);
        while (query.step()) {
            const std::int64_t rid = query.integer(0);
            ++touched;
            if (batch_.size() >= static_cast<std::size_t>(size_) && key_of(rid) != key_of(batch_.back())) {
                ended_ = false;
                query.reset();
                break;
            }
            batch_.push_back(rid);
        }
    }
    std::vector<std::int64_t> batch_;
    std::size_t at_ = 0;
    std::int64_t size_ = first_batch;
    bool ended_ = false, fetched_ = false, whole_ = false;
};

class PostingCursor final : public RowCursor {
public:
    PostingCursor(sql::Connection& connection, std::int64_t term) : connection_(connection), term_(term) {}
    bool has(std::int64_t rid) override {
        auto& probe = connection_.prepare("SELECT 1 FROM record_posting WHERE term = ? AND rid = ? /*pg AND p = ?2 >> 20*/");
        probe.bind(1, term_).bind(2, rid);
        const bool there = probe.step();
        probe.reset();
        ++touched;
        return there;
    }

private:
    sql::Statement& rows(std::int64_t from, std::int64_t limit) override {
        return connection_.prepare("SELECT rid FROM record_posting WHERE term = ? AND rid >= ? ORDER BY rid LIMIT ?")
            .bind(1, term_)
            .bind(2, from)
            .bind(3, limit);
    }
    sql::Connection& connection_;
    std::int64_t term_;
};

class ReferenceCursor final : public RowCursor {
public:
    ReferenceCursor(sql::Connection& connection, std::int64_t target, std::int64_t pid)
        : connection_(connection), target_(target), pid_(pid) {}
    bool has(std::int64_t rid) override {
        auto& probe = connection_.prepare(
            "SELECT 1 FROM record_reference WHERE target = ? AND pid = ? AND rid = ? /*pg AND p = ?3 >> 20*/");
        probe.bind(1, target_).bind(2, pid_).bind(3, rid);
        const bool there = probe.step();
        probe.reset();
        ++touched;
        return there;
    }

private:
    sql::Statement& rows(std::int64_t from, std::int64_t limit) override {
        return connection_
            .prepare("SELECT rid FROM record_reference WHERE target = ? AND pid = ? AND rid >= ? ORDER BY rid LIMIT ?")
            .bind(1, target_)
            .bind(2, pid_)
            .bind(3, from)
            .bind(4, limit);
    }
    sql::Connection& connection_;
    std::int64_t target_, pid_;
};

}  // namespace

CursorPtr posting_cursor(sql::Connection& connection, std::int64_t term) {
    return std::make_unique<PostingCursor>(connection, term);
}
CursorPtr reference_cursor(sql::Connection& connection, std::int64_t target, std::int64_t pid) {
    return std::make_unique<ReferenceCursor>(connection, target, pid);
}

}  // namespace xinglin::record
