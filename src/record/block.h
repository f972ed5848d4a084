// SPDX-License-Identifier: Apache-2.0
// Words of rids, packed: what record_block keeps of a common term. Inside the room only.
//
// Per word: the distance of its key to the one before, less one, seven bits a byte; then which bits are set: one byte for
// one, two for two, one for all 64, else a byte that says which of the eight bytes are not zero, and those. A token that every
// resource of a patient has takes a sixth of a byte a resource, one that each patient has once four bytes.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "record/cursor.h"

namespace xinglin::record {

constexpr std::size_t largest_block = 900;  // bytes: four fit on a page of 4 KiB, none spills over

/// The words must be in order, not empty, and begin at `first` or later.
std::string pack(std::int64_t first, std::span<const Word> words);
/// Appends the words; false when the bytes are not such a block.
bool unpack(std::int64_t first, std::string_view bytes, std::vector<Word>& words);
/// Cuts a list into pieces that each pack into `largest_block` or less: full ones, or (`even`) of about the same size.
std::vector<std::span<const Word>> pieces(std::span<const Word> words, bool even);

std::uint64_t members(std::span<const Word> words);
/// Words with the bits of both, in order.
std::vector<Word> merged(std::span<const Word> a, std::span<const Word> b);
std::vector<Word> words_of(std::span<const std::int64_t> sorted_rids);

}  // namespace xinglin::record
