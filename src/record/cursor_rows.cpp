// SPDX-License-Identifier: Apache-2.0
// Cursors over tables: postings and references.
#include <algorithm>

#include "record/block.h"
#include "record/cursor.h"

namespace xinglin::record {

namespace {

constexpr std::int64_t first_batch = 16, usual_batch = 256, largest_batch = 1'024, most_counted = 4'096;

bool has_round_trips(const sql::Connection& connection) { return connection.engine() == sql::Engine::postgres; }

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
        if (ended_ && whole_) return batch_.size();
        if (counted_ == 0) {
            sql::Statement& query = first_rows(most_counted);
            counted_ = query.step() ? static_cast<std::uint64_t>(query.integer(0)) : 0;
            query.reset();
        }
        return counted_ < static_cast<std::uint64_t>(most_counted) ? counted_ : many;
    }
    std::optional<std::uint64_t> count() override {
        if (!fetched_) estimate();
        return ended_ && whole_ ? std::optional<std::uint64_t>(batch_.size()) : std::nullopt;
    }

protected:
    /// Whether this one is a member, when all of them have been read.
    std::optional<bool> known(std::int64_t rid) const {
        if (!fetched_ || !ended_ || !whole_) return std::nullopt;
        return std::binary_search(batch_.begin(), batch_.end(), rid);
    }
    bool was_read() const { return fetched_; }
    /// The first rows, `first_limit` at most, come from a statement that says something else too: its first column, which is
    /// returned. The second is the rid, or nothing in one line when there are none.
    static constexpr std::int64_t first_limit = usual_batch + 64;
    std::int64_t begin_with(sql::Statement& rows) {
        size_ = usual_batch;
        whole_ = fetched_ = true;
        return take(rows, 1);
    }
    /// Binds a statement whose first column is the rid, from `from` on, at most `limit` rows.
    virtual sql::Statement& rows(std::int64_t from, std::int64_t limit) = 0;
    /// Binds a statement that counts the rows, up to `limit`.
    virtual sql::Statement& first_rows(std::int64_t limit) = 0;

private:
    void fetch(std::int64_t from) {
        whole_ = !fetched_ && from == 0;
        fetched_ = true;
        take(rows(from, size_ + 64), 0);
    }
    std::int64_t take(sql::Statement& query, int column) {
        batch_.clear();
        at_ = 0;
        ended_ = true;
        std::int64_t first = 0;
        while (query.step()) {
            first = query.integer(0);
            if (column > 0 && query.is_null(column)) continue;  // there were none
            const std::int64_t rid = query.integer(column);
            ++touched;
            if (batch_.size() >= static_cast<std::size_t>(size_) && key_of(rid) != key_of(batch_.back())) {
                ended_ = false;
                query.reset();
                break;
            }
            batch_.push_back(rid);
        }
        return first;
    }
    std::vector<std::int64_t> batch_;
    std::size_t at_ = 0;
    std::int64_t size_ = first_batch;
    bool ended_ = false, fetched_ = false, whole_ = false;
    std::uint64_t counted_ = 0;
};

/// Blocks of a term, a few at a time: more when they are read one after the other.
class BlockCursor {
public:
    BlockCursor(sql::Connection& connection, std::int64_t term) : connection_(connection), term_(term) {}

    /// As Cursor::seek, in any order.
    Word seek(std::int64_t key) {
        if (key >= none_from_) return no_word;
        if (key < from_ || key > upto_) {
            if (key > upto_ && upto_ >= 0 && key - upto_ <= upto_ - from_ + 64) next();
            else leap(key);
            while (upto_ < key && key < none_from_) next();
            if (upto_ < key) return no_word;
        }
        if (at_ > 0 && words_[at_ - 1].key >= key) at_ = 0;
        if (words_[at_].key < key && words_[++at_].key < key) {  // mostly the next one; the last is not below the key
            const auto below = [](const Word& word, std::int64_t wanted) { return word.key < wanted; };
            at_ = static_cast<std::size_t>(
                std::lower_bound(words_.begin() + static_cast<std::ptrdiff_t>(at_), words_.end(), key, below) - words_.begin());
        }
        return words_[at_];
    }
    std::uint64_t touched = 0;

private:
    static constexpr std::int64_t most_at_once = 64, at_first_over_the_wire = 4;
    static constexpr std::string_view from_the_one_that_may_hold =
        "SELECT first, bytes FROM record_block WHERE term = ?1 AND first >= coalesce((SELECT max(b.first) FROM record_block b "
        "WHERE b.term = ?1 AND b.first <= ?2), ?2) ORDER BY first LIMIT ?3";
    static constexpr std::string_view after =
        "SELECT first, bytes FROM record_block WHERE term = ?1 AND first > ?2 ORDER BY first LIMIT ?3";

    void leap(std::int64_t key) {
        limit_ = has_round_trips(connection_) ? at_first_over_the_wire : 1;
        words_.clear();
        upto_ = -1;
        from_ = no_more;
        if (read(from_the_one_that_may_hold, key)) from_ = std::min(key, words_.front().key);
        else none_from_ = std::min(none_from_, key);
    }
    void next() {
        limit_ = std::min(limit_ * 4, most_at_once);
        const std::int64_t from = upto_ + 1;
        if (read(after, last_first_)) from_ = from;
        else none_from_ = std::min(none_from_, from);
    }
    /// What was held stays when nothing comes.
    bool read(std::string_view sql, std::int64_t key) {
        auto& query = connection_.prepare(sql);
        query.bind(1, term_).bind(2, key).bind(3, limit_);
        std::int64_t rows = 0;
        for (; query.step(); ++rows) {
            if (rows == 0) words_.clear();
            last_first_ = query.integer(0);
            if (!unpack(last_first_, query.text(1), words_) || words_.empty())
                throw sql::Broken(sql::Broken::Why::corrupt, "a block of record_block is damaged");
        }
        touched += static_cast<std::uint64_t>(rows);
        if (rows == 0) return false;
        at_ = 0;
        upto_ = words_.back().key;
        if (rows < limit_) none_from_ = std::min(none_from_, upto_ + 1);
        return true;
    }
    sql::Connection& connection_;
    std::int64_t term_, limit_ = 1, last_first_ = 0;
    std::int64_t from_ = no_more, upto_ = -1;  // what is held answers for keys between
    std::int64_t none_from_ = no_more;         // no member at this key or later
    std::vector<Word> words_;
    std::size_t at_ = 0;
};

/// What is in blocks and what is in rows still.
class PostingCursor final : public Cursor {
public:
    PostingCursor(sql::Connection& connection, std::int64_t term)
        : connection_(connection), term_(term), tail_(connection, term), blocks_(connection, term), probed_(connection, term) {}
    Word seek(std::int64_t key) override {
        if (key >= asked_ && head_.key >= key) return head_;
        begin();
        asked_ = key;
        if (tail_head_.key < key) tail_head_ = tail_.seek(key);
        if (folded() > 0 && block_head_.key < key) block_head_ = blocks_.seek(key);
        head_ = {std::min(tail_head_.key, block_head_.key), 0};
        if (tail_head_.key == head_.key) head_.bits |= tail_head_.bits;
        if (block_head_.key == head_.key) head_.bits |= block_head_.bits;
        touched = tail_.touched + blocks_.touched;
        return head_;
    }
    std::uint64_t estimate() override {
        begin();
        if (folded() > 0 && tail_.goes_on()) return folded() + folded() / 64 + most_counted / 8;  // not worth a round trip
        const std::uint64_t tail = tail_.estimate();
        if (tail < many) return folded() + tail;
        return folded() > 0 ? folded() + static_cast<std::uint64_t>(most_counted) : many;  // a tail is a small part of its list
    }
    std::optional<std::uint64_t> count() override {
        begin();
        if (const auto tail = tail_.count()) return folded() + *tail;
        auto& query = connection_.prepare("SELECT count(*) FROM record_posting WHERE term = ?");
        query.bind(1, term_);
        const std::uint64_t rows = query.step() ? static_cast<std::uint64_t>(query.integer(0)) : 0;
        query.reset();
        return folded() + rows;
    }
    bool has(std::int64_t rid) override {
        begin();
        ++touched;
        const bool there = tail_.has(rid);
        if (there || folded() == 0) return there;
        const Word word = probed_.seek(key_of(rid));
        return word.key == key_of(rid) && (word.bits & bit_of(rid)) != 0;
    }

private:
    class Tail final : public RowCursor {
    public:
        Tail(sql::Connection& connection, std::int64_t term) : connection_(connection), term_(term) {}
        bool has(std::int64_t rid) override {
            if (const auto known = this->known(rid)) return *known;
            if (all_) return std::binary_search(all_->begin(), all_->end(), rid);
            if (has_round_trips(connection_) && ++probes_ > 2) {  // a tail is at most some thousand
                read_all();
                return has(rid);
            }
            auto& probe = connection_.prepare("SELECT 1 FROM record_posting WHERE term = ? AND rid = ? /*pg AND p = ?2 >> 20*/");
            probe.bind(1, term_).bind(2, rid);
            const bool there = probe.step();
            probe.reset();
            return there;
        }
        /// There were more than the first rows, which came over the wire.
        bool goes_on() const { return has_round_trips(connection_) && was_read() && !known(0); }
        /// One statement for how many are in blocks and the first rows of the tail; the number.
        std::int64_t begin() {
            auto& query = connection_.prepare(
                "SELECT (SELECT folded FROM record_term_count WHERE term = ?1), t.rid FROM (SELECT 1) AS one LEFT JOIN "
                "(SELECT rid FROM record_posting WHERE term = ?1 ORDER BY rid LIMIT ?2) AS t ON 1 = 1 ORDER BY t.rid");
            query.bind(1, term_).bind(2, first_limit);
            return begin_with(query);
        }

    private:
        void read_all() {
            all_.emplace();
            auto& query = connection_.prepare("SELECT rid FROM record_posting WHERE term = ? ORDER BY rid");
            query.bind(1, term_);
            while (query.step()) all_->push_back(query.integer(0));
        }
        sql::Statement& rows(std::int64_t from, std::int64_t limit) override {
            return connection_.prepare("SELECT rid FROM record_posting WHERE term = ? AND rid >= ? ORDER BY rid LIMIT ?")
                .bind(1, term_)
                .bind(2, from)
                .bind(3, limit);
        }
        sql::Statement& first_rows(std::int64_t limit) override {
            return connection_.prepare("SELECT count(*) FROM (SELECT 1 FROM record_posting WHERE term = ? LIMIT ?) AS few")
                .bind(1, term_)
                .bind(2, limit);
        }
        sql::Connection& connection_;
        std::int64_t term_;
        int probes_ = 0;
        std::optional<std::vector<std::int64_t>> all_;
    };
    void begin() {
        if (folded_ >= 0 || !has_round_trips(connection_)) return;
        folded_ = tail_.begin();
        if (folded_ == 0) block_head_ = no_word;
    }
    std::uint64_t folded() {
        if (folded_ < 0) {
            auto& query = connection_.prepare("SELECT folded FROM record_term_count WHERE term = ?");
            query.bind(1, term_);
            folded_ = query.step() ? query.integer(0) : 0;
            query.reset();
            if (folded_ == 0) block_head_ = no_word;
        }
        return static_cast<std::uint64_t>(folded_);
    }
    sql::Connection& connection_;
    std::int64_t term_, folded_ = -1, asked_ = 0;
    Tail tail_;
    BlockCursor blocks_, probed_;
    Word head_{-1, 0}, tail_head_{-1, 0}, block_head_{-1, 0};
};

class ReferenceCursor final : public RowCursor {
public:
    ReferenceCursor(sql::Connection& connection, std::int64_t target, std::int64_t pid)
        : connection_(connection), target_(target), pid_(pid) {}
    bool has(std::int64_t rid) override {
        if (has_round_trips(connection_) && !was_read()) estimate();
        if (const auto known = this->known(rid)) return *known;
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
    sql::Statement& first_rows(std::int64_t limit) override {
        return connection_
            .prepare("SELECT count(*) FROM (SELECT 1 FROM record_reference WHERE target = ? AND pid = ? LIMIT ?) AS few")
            .bind(1, target_)
            .bind(2, pid_)
            .bind(3, limit);
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
