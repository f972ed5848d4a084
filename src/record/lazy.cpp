// SPDX-License-Identifier: Apache-2.0
// Confirming and reading, hand in hand.
#include "record/lazy.h"

namespace xinglin::record {

namespace {
constexpr std::size_t confirmed_freely = 256;
constexpr std::size_t rows_a_confirmation = 64;  // cost about as much as unpacking and asking one resource
}  // namespace

bool Lazy::read(std::size_t rows) {
    if (list_) return true;
    if (too_many()) return false;
    const bool complete = source_->read(rows, rids_);
    touched = source_->touched + confirmed_;
    if (complete) list_ = list_cursor(std::move(rids_));
    return complete;
}

Word Lazy::seek(std::int64_t key) { return list_ ? list_->seek(key) : Word{key, ~std::uint64_t{0}}; }

bool Lazy::has(std::int64_t rid) {
    if (list_) return list_->has(rid);
    ++touched;
    if (++confirmed_ > confirmed_freely && confirmed_ % 16 == 0 && read(16 * rows_a_confirmation)) return list_->has(rid);
    return !confirm_ || confirm_(rid);
}

}  // namespace xinglin::record
