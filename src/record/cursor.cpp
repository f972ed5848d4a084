// SPDX-License-Identifier: Apache-2.0
// Cursors over lists and unions, and their meetings. Those over tables: cursor_rows.cpp.
#include "record/cursor.h"

#include <algorithm>
#include <bit>

namespace xinglin::record {

namespace {

class ListCursor final : public Cursor {
public:
    explicit ListCursor(std::vector<std::int64_t> rids) : rids_(std::move(rids)) {
        if (!std::is_sorted(rids_.begin(), rids_.end())) std::sort(rids_.begin(), rids_.end());
        rids_.erase(std::unique(rids_.begin(), rids_.end()), rids_.end());
    }
    Word seek(std::int64_t key) override {
        if (key > key_of(no_more)) return no_word;
        advance(key << 6);
        if (at_ == rids_.size()) return no_word;
        Word word{key_of(rids_[at_]), 0};
        for (std::size_t i = at_; i < rids_.size() && key_of(rids_[i]) == word.key; ++i) word.bits |= bit_of(rids_[i]);
        touched = at_ + 1;
        return word;
    }
    std::uint64_t estimate() override { return rids_.size(); }
    bool has(std::int64_t rid) override { return std::binary_search(rids_.begin(), rids_.end(), rid); }
    std::optional<std::uint64_t> count() override { return rids_.size(); }

private:
    void advance(std::int64_t at_least) {
        // Near ahead most of the time: gallop.
        std::size_t step = 1, low = at_;
        while (low + step < rids_.size() && rids_[low + step] < at_least) {
            low += step;
            step *= 2;
        }
        const auto end = rids_.begin() + static_cast<std::ptrdiff_t>(std::min(low + step + 1, rids_.size()));
        at_ = static_cast<std::size_t>(std::lower_bound(rids_.begin() + static_cast<std::ptrdiff_t>(low), end, at_least) -
                                       rids_.begin());
    }
    std::vector<std::int64_t> rids_;
    std::size_t at_ = 0;
};

/// A heap of the parts by the key where each stands: what is behind comes up first.
class EitherCursor final : public Cursor {
public:
    explicit EitherCursor(std::vector<CursorPtr> parts) : parts_(std::move(parts)), heads_(parts_.size(), Word{-1, 0}) {
        for (std::size_t i = 0; i < parts_.size(); ++i) order_.push_back(i);
    }
    Word seek(std::int64_t key) override {
        const auto behind = [this](std::size_t a, std::size_t b) { return heads_[a].key > heads_[b].key; };
        while (!order_.empty() && heads_[order_.front()].key < key) {
            std::pop_heap(order_.begin(), order_.end(), behind);
            heads_[order_.back()] = parts_[order_.back()]->seek(key);
            ++touched;
            std::push_heap(order_.begin(), order_.end(), behind);
        }
        Word word{order_.empty() ? no_more : heads_[order_.front()].key, 0};
        if (word.key == no_more) return no_word;
        gather(0, word);
        return word;
    }
    std::uint64_t estimate() override {
        if (!estimated_) {
            estimated_ = 0;
            for (const CursorPtr& part : parts_) {
                *estimated_ += part->estimate();
                if (*estimated_ >= many) break;
            }
        }
        return *estimated_;
    }
    bool has(std::int64_t rid) override {
        return std::any_of(parts_.begin(), parts_.end(), [&](const CursorPtr& part) { return part->has(rid); });
    }
    bool exact() const override {
        return std::all_of(parts_.begin(), parts_.end(), [](const CursorPtr& part) { return part->exact(); });
    }
    bool keep(std::int64_t rid) override {
        for (std::size_t i = 0; i < parts_.size(); ++i) {
            if (heads_[i].key == key_of(rid) && (heads_[i].bits & bit_of(rid)) && parts_[i]->keep(rid)) return true;
        }
        return false;
    }

private:
    /// The heads at the word's key are a subtree at the top of the heap.
    void gather(std::size_t at, Word& word) const {
        if (at >= order_.size() || heads_[order_[at]].key != word.key) return;
        word.bits |= heads_[order_[at]].bits;
        gather(2 * at + 1, word);
        gather(2 * at + 2, word);
    }
    std::vector<CursorPtr> parts_;
    std::vector<Word> heads_;
    std::vector<std::size_t> order_;
    std::optional<std::uint64_t> estimated_;
};

}  // namespace

CursorPtr list_cursor(std::vector<std::int64_t> rids) { return std::make_unique<ListCursor>(std::move(rids)); }
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

bool Meeting::exact() const {
    return filters.empty() && std::all_of(all.begin(), all.end(), [](const CursorPtr& part) { return part->exact(); });
}

bool Meeting::keep(std::int64_t rid) {
    // Also those that have come to know their members since: the word may be from before.
    return std::all_of(asked_.begin(), asked_.end(), [&](Cursor* part) { return part->keep(rid); }) &&
           std::all_of(filters.begin(), filters.end(), [&](const auto& filter) { return filter(rid); });
}

bool Meeting::keeps_anywhere() const {
    return std::all_of(all.begin(), all.end(), [](const CursorPtr& part) { return part->keeps_anywhere(); });
}

std::optional<std::uint64_t> Meeting::count() {
    return all.size() == 1 && none.empty() && filters.empty() ? all.front()->count() : std::nullopt;
}

void Meeting::begin() {
    begun_ = true;
    for (const CursorPtr& part : all) {
        if (!part->exact()) asked_.push_back(part.get());
    }
    scouts_ = !ahead.empty() && keeps_anywhere();
}

Word Meeting::seek(std::int64_t key) {
    if (!begun_) begin();
    while (at_ < scouted_.size() && scouted_[at_].key < key) ++at_;
    if (at_ < scouted_.size()) return scouted_[at_];
    if (!scouts_ || exact()) return meet(key);
    scout(key);
    return scouted_.front();
}

// Goes on by some words and says who is in them.
void Meeting::scout(std::int64_t key) {
    scouted_.clear();
    at_ = 0;
    std::vector<std::int64_t> rids;
    do {
        const Word word = meet(key);
        scouted_.push_back(word);
        if (word.key == no_more) break;
        key = word.key + 1;
        for (std::uint64_t bits = word.bits; bits != 0; bits &= bits - 1) rids.push_back(word.key * 64 + std::countr_zero(bits));
    } while (rids.size() < reach_);
    reach_ = std::min<std::size_t>(reach_ * 2, 256);
    for (const auto& tell : ahead) tell(rids);
}

Word Meeting::meet(std::int64_t key) {
    if (all.empty()) return no_word;
    for (;;) {
        Word word = all.front()->seek(key);
        if (word.key == no_more) return no_word;
        ++touched;
        key = word.key + 1;
        for (std::size_t i = 1; i < all.size() && word.bits != 0; ++i) {
            const Word other = all[i]->seek(word.key);
            if (other.key == no_more) return no_word;
            if (other.key != word.key) key = other.key;
            word.bits = other.key == word.key ? word.bits & other.bits : 0;
        }
        for (std::size_t i = 0; i < none.size() && word.bits != 0; ++i) {
            const Word other = none[i]->seek(word.key);
            if (other.key == word.key) word.bits &= ~other.bits;
        }
        if (word.bits != 0) return word;
    }
}

std::int64_t Members::next() {
    for (;;) {
        while (bits_ != 0) {
            const std::int64_t rid = at_ * 64 + std::countr_zero(bits_);
            bits_ &= bits_ - 1;
            if (rid >= first_ && cursor_.keep(rid)) return rid;
        }
        if (key_ == no_more) return no_more;
        const Word word = cursor_.seek(key_);
        at_ = word.key;
        bits_ = word.bits;
        key_ = word.key == no_more ? no_more : word.key + 1;
    }
}

std::uint64_t Members::rest(std::uint64_t limit) {
    std::uint64_t found = 0;
    while (found <= limit && (!cursor_.exact() || bits_ != 0 || key_ == key_of(first_))) {
        if (next() == no_more) return found;
        ++found;
    }
    for (Word word{}; found <= limit && key_ != no_more; key_ = word.key + 1) {
        word = cursor_.seek(key_);
        if (word.key == no_more) break;
        found += static_cast<std::uint64_t>(std::popcount(word.bits));
    }
    return found;
}

std::vector<std::int64_t> collect(Cursor& cursor, std::size_t limit) {
    std::vector<std::int64_t> rids;
    Members members(cursor);
    for (std::int64_t rid = 0; rids.size() < limit && (rid = members.next()) != no_more;) rids.push_back(rid);
    return rids;
}

}  // namespace xinglin::record
