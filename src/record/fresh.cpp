// SPDX-License-Identifier: Apache-2.0
// Runs of fresh rows: adding, walking, settling; and the shelf they lie on.
#include "record/fresh.h"

#include <bit>

namespace xinglin::record {

namespace {
constexpr std::size_t longest_run = 1u << 17;  // longer ones are not merged: nobody shall wait for it
constexpr std::size_t kept_at_most = 16;

template <typename Row>
bool below(const FreshRow<Row>& each, const Row& row) {
    return each.row < row;
}
template <typename Row>
bool above(const Row& row, const FreshRow<Row>& each) {
    return row < each.row;
}

std::uint64_t mixed(std::uint64_t a, std::uint64_t b) {
    std::uint64_t mix = (a ^ (b * 0x9e3779b97f4a7c15ull)) * 0xff51afd7ed558ccdull;
    return mix ^ (mix >> 32);
}
std::uint64_t hash_of(const DateRow& row) {
    return mixed(static_cast<std::uint64_t>(row.low + row.key), static_cast<std::uint64_t>(row.rid));
}
std::uint64_t hash_of(const NumberRow& row) {
    return mixed(std::bit_cast<std::uint64_t>(row.low + 0.0) + static_cast<std::uint64_t>(row.pid),
                 static_cast<std::uint64_t>(row.rid));
}
std::uint64_t hash_of(const NameRow& row) {
    return mixed(std::hash<std::string_view>()(row.key()), static_cast<std::uint64_t>(row.tid));
}
std::uint64_t bits_of(std::uint64_t hash) { return 1ull << (hash >> 52 & 63) | 1ull << (hash >> 58); }

/// `last`: nothing older is there that a taken-back row could still stand in.
template <typename Row>
std::vector<FreshRow<Row>> merged(const std::vector<FreshRow<Row>>& older, const std::vector<FreshRow<Row>>& newer, bool last) {
    std::vector<FreshRow<Row>> all;
    all.reserve(older.size() + newer.size());
    auto a = older.begin();
    for (const FreshRow<Row>& each : newer) {
        while (a != older.end() && a->row < each.row) all.push_back(*a++);
        if (a != older.end() && a->row == each.row) ++a;
        if (!last || !each.removed) all.push_back(each);
    }
    all.insert(all.end(), a, older.end());
    return all;
}
}  // namespace

template <typename Row>
Layer<Row>::Kept::Kept(Run sorted) : rows(std::move(sorted)), filter(rows.size() / 4 + 1) {
    for (const FreshRow<Row>& each : rows) {
        const std::uint64_t hash = hash_of(each.row);
        filter[(hash & 0xffffffff) * filter.size() >> 32] |= bits_of(hash);
    }
}

template <typename Row>
bool Layer<Row>::Kept::may_hold(const Row& row) const {
    const std::uint64_t hash = hash_of(row), bits = bits_of(hash);
    return (filter[(hash & 0xffffffff) * filter.size() >> 32] & bits) == bits;
}

template <typename Row>
void Layer<Row>::add(Run run) {
    if (run.empty()) return;
    newer_.push_back(std::make_shared<Kept>(std::move(run)));
    while (newer_.size() >= 2) {
        const Run& older = newer_[newer_.size() - 2]->rows;
        const Run& last = newer_.back()->rows;
        if (older.size() > 2 * last.size() || older.size() + last.size() > longest_run) return;
        auto both = std::make_shared<Kept>(merged(older, last, newer_.size() == 2 && frozen_.empty()));
        newer_.pop_back();
        newer_.back() = std::move(both);
    }
    if (newer_.back()->rows.empty()) newer_.pop_back();
}

template <typename Row>
void Layer<Row>::freeze() {
    frozen_ = std::move(newer_);
    newer_.clear();
    settled_.reset();
}

template <typename Row>
std::vector<Row> Layer<Row>::settle(std::size_t most) {
    std::vector<Row> due;
    Layer frozen;
    frozen.frozen_ = frozen_;
    frozen.settled_ = settled_;
    Walk walk(frozen);
    const Row* row = nullptr;
    while (due.size() < most && (row = walk.next())) {
        settled_ = *row;
        const auto* later = find_in(newer_, *row);
        if (!later || !later->removed) due.push_back(*row);
    }
    if (!row) {
        frozen_.clear();
        settled_.reset();
    }
    return due;
}

template <typename Row>
const FreshRow<Row>* Layer<Row>::find_in(const Runs& runs, const Row& row) {
    for (auto run = runs.rbegin(); run != runs.rend(); ++run) {
        if (!(*run)->may_hold(row)) continue;
        const Run& rows = (*run)->rows;
        const auto found = std::lower_bound(rows.begin(), rows.end(), row, below<Row>);
        if (found != rows.end() && found->row == row) return &*found;
    }
    return nullptr;
}

template <typename Row>
const Row* Layer<Row>::find(const Row& row) const {
    if (const auto* found = find_in(newer_, row)) return found->removed ? nullptr : &found->row;
    if (settled_ && !(*settled_ < row)) return nullptr;
    const auto* found = find_in(frozen_, row);
    return found && !found->removed ? &found->row : nullptr;
}

template <typename Row>
Layer<Row>::Walk::Walk(const Layer& layer) {
    add(layer, nullptr, false);
}

template <typename Row>
Layer<Row>::Walk::Walk(const Layer& layer, const Row& beyond, bool descending) : descending_(descending) {
    add(layer, &beyond, descending);
}

template <typename Row>
void Layer<Row>::Walk::add(const Layer& layer, const Row* beyond, bool descending) {
    const auto take = [&](const Run& run, const std::optional<Row>& settled) {
        const FreshRow<Row>*from = run.data(), *upto = run.data() + run.size();
        if (beyond && descending) upto = std::lower_bound(from, upto, *beyond, below<Row>);
        else if (beyond) from = std::upper_bound(from, upto, *beyond, above<Row>);
        if (settled) from = std::upper_bound(from, upto, *settled, above<Row>);
        if (from != upto) stretches_.push_back({from, upto});
    };
    for (auto run = layer.newer_.rbegin(); run != layer.newer_.rend(); ++run) take((*run)->rows, {});
    for (auto run = layer.frozen_.rbegin(); run != layer.frozen_.rend(); ++run) take((*run)->rows, layer.settled_);
}

template <typename Row>
const Row* Layer<Row>::Walk::next() {
    const auto head = [this](const Stretch& stretch) { return descending_ ? stretch.upto - 1 : stretch.from; };
    for (;;) {
        const FreshRow<Row>* best = nullptr;
        for (const Stretch& stretch : stretches_) {
            if (stretch.from == stretch.upto) continue;
            const FreshRow<Row>* each = head(stretch);
            if (!best || (descending_ ? best->row < each->row : each->row < best->row)) best = each;
        }
        if (!best) return nullptr;
        for (Stretch& stretch : stretches_) {
            if (stretch.from == stretch.upto || !(head(stretch)->row == best->row)) continue;
            if (descending_) --stretch.upto;
            else ++stretch.from;
        }
        if (!best->removed) return &best->row;
    }
}

template class Layer<DateRow>;
template class Layer<NumberRow>;
template class Layer<NameRow>;

void Fresh::freeze() {
    dates.freeze();
    numbers.freeze();
    names.freeze();
    frozen = number;
}

std::int64_t Fresh::name(std::string_view key, std::int64_t tid) const {
    if (names.size() == 0) return 0;
    const NameRow* found = names.find({key, tid, 0});
    return found ? found->rid : 0;
}

const Fresh& no_fresh() {
    static const Fresh none;
    return none;
}

// ---- the shelf ------------------------------------------------------------------------------------------------------

void FreshShelf::start_from(Fresh fresh) {
    std::lock_guard lock(mutex_);
    kept_.clear();
    kept_.push_back(std::make_shared<Fresh>(std::move(fresh)));
}

std::shared_ptr<const Fresh> FreshShelf::latest() const {
    std::lock_guard lock(mutex_);
    return announced_ ? kept_[kept_.size() - 2] : kept_.back();
}

std::shared_ptr<const Fresh> FreshShelf::of(std::int64_t number) const {
    std::lock_guard lock(mutex_);
    for (auto each = kept_.rbegin(); each != kept_.rend(); ++each) {
        if ((*each)->number == number) return *each;
    }
    return nullptr;
}

void FreshShelf::announce(std::shared_ptr<const Fresh> fresh) {
    std::lock_guard lock(mutex_);
    kept_.push_back(std::move(fresh));
    announced_ = true;
}

void FreshShelf::confirm() noexcept {
    std::lock_guard lock(mutex_);
    announced_ = false;
    while (kept_.size() > kept_at_most) kept_.pop_front();
}

void FreshShelf::withdraw() noexcept {
    std::lock_guard lock(mutex_);
    if (announced_) kept_.pop_back();
    announced_ = false;
}

}  // namespace xinglin::record
