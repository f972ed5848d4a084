// SPDX-License-Identifier: Apache-2.0
// Cursors over postings, references, lists and their meetings.
#include "record/cursor.h"

#include <algorithm>

namespace xinglin::record {

namespace {

constexpr std::int64_t first_block = 16, largest_block = 256;

// Blocks grow while they are read one after the other and shrink after a jump.
class BlockCursor : public Cursor {
public:
    std::int64_t seek(std::int64_t at_least) override {
        const auto found = std::lower_bound(block_.begin() + static_cast<std::ptrdiff_t>(at_), block_.end(), at_least);
        if (found != block_.end()) {
            at_ = static_cast<std::size_t>(found - block_.begin());
            return *found;
        }
        if (ended_) return no_more;
        const bool next_door = !block_.empty() && at_least <= block_.back() + 64;
        size_ = block_.empty() ? size_ : next_door ? std::min(size_ * 4, largest_block) : std::max(size_ / 2, first_block);
        fetch(at_least);
        return block_.empty() ? no_more : block_.front();
    }
    std::uint64_t estimate() override {
        if (!fetched_) {
            size_ = largest_block;
            fetch(std::numeric_limits<std::int64_t>::min());
        }
        return ended_ && whole_ ? block_.size() : many;
    }

protected:
    virtual void read(std::int64_t from, std::int64_t limit, std::vector<std::int64_t>& into) = 0;

private:
    void fetch(std::int64_t from) {
        whole_ = !fetched_;
        fetched_ = true;
        block_.clear();
        at_ = 0;
        read(from, size_, block_);
        ended_ = block_.size() < static_cast<std::size_t>(size_);
    }
    std::vector<std::int64_t> block_;
    std::size_t at_ = 0;
    std::int64_t size_ = first_block;
    bool ended_ = false, fetched_ = false, whole_ = false;
};

class PostingCursor final : public BlockCursor {
public:
    PostingCursor(sql::Connection& connection, std::int64_t term)
        : query_(connection.prepare("SELECT rid FROM record_posting WHERE term = ? AND rid >= ? ORDER BY rid LIMIT ?")),
          probe_(connection.prepare("SELECT 1 FROM record_posting WHERE term = ? AND rid = ? /*pg AND p = ?2 >> 20*/")),
          term_(term) {}
    bool has(std::int64_t rid) override {
        probe_.bind(1, term_).bind(2, rid);
        const bool there = probe_.step();
        probe_.reset();
        return there;
    }

private:
    void read(std::int64_t from, std::int64_t limit, std::vector<std::int64_t>& into) override {
        query_.bind(1, term_).bind(2, from).bind(3, limit);
        while (query_.step()) into.push_back(query_.integer(0));
    }
    sql::Statement &query_, &probe_;
    std::int64_t term_;
};

class ReferenceCursor final : public BlockCursor {
public:
    ReferenceCursor(sql::Connection& connection, std::int64_t target, std::int64_t pid)
        : query_(connection.prepare(
              "SELECT rid FROM record_reference WHERE target = ? AND pid = ? AND rid >= ? ORDER BY rid LIMIT ?")),
          probe_(connection.prepare(
              "SELECT 1 FROM record_reference WHERE target = ? AND pid = ? AND rid = ? /*pg AND p = ?3 >> 20*/")),
          target_(target),
          pid_(pid) {}
    bool has(std::int64_t rid) override {
        probe_.bind(1, target_).bind(2, pid_).bind(3, rid);
        const bool there = probe_.step();
        probe_.reset();
        return there;
    }

private:
    void read(std::int64_t from, std::int64_t limit, std::vector<std::int64_t>& into) override {
        query_.bind(1, target_).bind(2, pid_).bind(3, from).bind(4, limit);
        while (query_.step()) into.push_back(query_.integer(0));
    }
    sql::Statement &query_, &probe_;
    std::int64_t target_, pid_;
};

class ListCursor final : public Cursor {
public:
    explicit ListCursor(std::vector<std::int64_t> rids) : rids_(std::move(rids)) {
        std::sort(rids_.begin(), rids_.end());
        rids_.erase(std::unique(rids_.begin(), rids_.end()), rids_.end());
    }
    std::int64_t seek(std::int64_t at_least) override {
        // Near ahead most of the time: gallop.
        std::size_t step = 1, low = at_;
        while (low + step < rids_.size() && rids_[low + step] < at_least) {
            low += step;
            step *= 2;
        }
        const auto end = rids_.begin() + static_cast<std::ptrdiff_t>(std::min(low + step + 1, rids_.size()));
        at_ = static_cast<std::size_t>(std::lower_bound(rids_.begin() + static_cast<std::ptrdiff_t>(low), end, at_least) -
                                       rids_.begin());
        return at_ < rids_.size() ? rids_[at_] : no_more;
    }
    std::uint64_t estimate() override { return rids_.size(); }
    bool has(std::int64_t rid) override { return std::binary_search(rids_.begin(), rids_.end(), rid); }

private:
    std::vector<std::int64_t> rids_;
    std::size_t at_ = 0;
};

class AfterCursor final : public Cursor {
public:
    AfterCursor(CursorPtr rest, std::int64_t last) : rest_(std::move(rest)), last_(last) {}
    std::int64_t seek(std::int64_t at_least) override { return rest_->seek(std::max(at_least, last_ + 1)); }
    std::uint64_t estimate() override { return many; }
    bool has(std::int64_t rid) override { return rid > last_ && rest_->has(rid); }

private:
    CursorPtr rest_;
    std::int64_t last_;
};

class EitherCursor final : public Cursor {
public:
    explicit EitherCursor(std::vector<CursorPtr> parts)
        : parts_(std::move(parts)), heads_(parts_.size(), std::numeric_limits<std::int64_t>::min()) {}
    std::int64_t seek(std::int64_t at_least) override {
        std::int64_t least = no_more;
        for (std::size_t i = 0; i < parts_.size(); ++i) {
            if (heads_[i] < at_least) heads_[i] = parts_[i]->seek(at_least);
            least = std::min(least, heads_[i]);
        }
        return least;
    }
    std::uint64_t estimate() override {
        std::uint64_t sum = 0;
        for (const CursorPtr& part : parts_) {
            sum += part->estimate();
            if (sum >= many) break;
        }
        return sum;
    }
    bool has(std::int64_t rid) override {
        return std::any_of(parts_.begin(), parts_.end(), [&](const CursorPtr& part) { return part->has(rid); });
    }

private:
    std::vector<CursorPtr> parts_;
    std::vector<std::int64_t> heads_;
};

}  // namespace

CursorPtr posting_cursor(sql::Connection& connection, std::int64_t term) {
    return std::make_unique<PostingCursor>(connection, term);
}
CursorPtr reference_cursor(sql::Connection& connection, std::int64_t target, std::int64_t pid) {
    return std::make_unique<ReferenceCursor>(connection, target, pid);
}
CursorPtr list_cursor(std::vector<std::int64_t> rids) { return std::make_unique<ListCursor>(std::move(rids)); }
CursorPtr after_cursor(CursorPtr rest, std::int64_t last) { return std::make_unique<AfterCursor>(std::move(rest), last); }
CursorPtr either_cursor(std::vector<CursorPtr> parts) {
    if (parts.size() == 1) return std::move(parts.front());
    return std::make_unique<EitherCursor>(std::move(parts));
}

void Meeting::arrange() {
    std::vector<std::pair<std::uint64_t, CursorPtr>> sized;
    for (CursorPtr& cursor : all) {
        const std::uint64_t size = cursor->estimate();
        sized.emplace_back(size, std::move(cursor));
    }
    std::stable_sort(sized.begin(), sized.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    for (std::size_t i = 0; i < sized.size(); ++i) all[i] = std::move(sized[i].second);
}

std::uint64_t Meeting::estimate() { return all.empty() ? 0 : all.front()->estimate(); }

bool Meeting::has(std::int64_t rid) {
    const auto holds = [&](const CursorPtr& cursor) { return cursor->has(rid); };
    return std::all_of(all.begin(), all.end(), holds) && std::none_of(none.begin(), none.end(), holds) &&
           std::all_of(filters.begin(), filters.end(), [&](const auto& filter) { return filter(rid); });
}

std::int64_t Meeting::seek(std::int64_t at_least) {
    if (all.empty()) return no_more;
    std::int64_t at = at_least;
    for (;;) {
        at = all.front()->seek(at);
        if (at == no_more) return no_more;
        ++touched;
        bool met = true;
        for (std::size_t i = 1; i < all.size() && met; ++i) {
            const std::int64_t other = all[i]->seek(at);
            if (other == no_more) return no_more;
            if (other != at) {
                at = other;
                met = false;
            }
        }
        if (!met) continue;
        const auto excluded = [&](const CursorPtr& cursor) { return cursor->seek(at) == at; };
        const auto fails = [&](const auto& filter) { return !filter(at); };
        if (std::any_of(none.begin(), none.end(), excluded) || std::any_of(filters.begin(), filters.end(), fails)) {
            ++at;
            continue;
        }
        return at;
    }
}

std::vector<std::int64_t> collect(Cursor& cursor, std::size_t limit) {
    std::vector<std::int64_t> rids;
    std::int64_t at = cursor.seek(std::numeric_limits<std::int64_t>::min());
    while (at != no_more && rids.size() < limit) {
        rids.push_back(at);
        at = cursor.seek(at + 1);
    }
    return rids;
}

}  // namespace xinglin::record
