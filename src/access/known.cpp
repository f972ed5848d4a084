// SPDX-License-Identifier: Apache-2.0
// The memory of recent viewers.
#include "access/known.h"

namespace xinglin::access {

std::shared_ptr<Known::Entry> Known::find(const std::string& key) const {
    const std::shared_lock lock(mutex_);
    const auto found = entries_.find(key);
    return found == entries_.end() ? nullptr : found->second;
}

std::uint64_t Known::generation() const {
    const std::shared_lock lock(mutex_);
    return generation_;
}

std::shared_ptr<Known::Entry> Known::keep(const std::string& key, Viewer viewer, std::int64_t created_ms, std::int64_t seen_ms,
                                          std::uint64_t generation) {
    auto entry = std::make_shared<Entry>();
    entry->viewer = std::move(viewer);
    entry->created_ms = created_ms;
    entry->seen_ms = seen_ms;
    entry->noted_ms = seen_ms;
    const std::unique_lock lock(mutex_);
    if (generation != generation_) return entry;
    if (entries_.size() >= most_) entries_.clear();
    entries_.insert_or_assign(key, entry);
    return entry;
}

void Known::forget_all() {
    const std::unique_lock lock(mutex_);
    entries_.clear();
    ++generation_;
}

void Known::note(const std::string& key, std::int64_t at_ms) {
    const std::unique_lock lock(mutex_);
    auto& noted = notes_[key];
    noted = std::max(noted, at_ms);
}

std::int64_t Known::noted(const std::string& key) const {
    const std::shared_lock lock(mutex_);
    const auto found = notes_.find(key);
    return found == notes_.end() ? 0 : found->second;
}

std::vector<std::pair<std::string, std::int64_t>> Known::take_notes() {
    const std::unique_lock lock(mutex_);
    std::vector<std::pair<std::string, std::int64_t>> taken(notes_.begin(), notes_.end());
    notes_.clear();
    return taken;
}

}  // namespace xinglin::access
