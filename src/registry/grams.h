// SPDX-License-Identifier: Apache-2.0
// Inside the room: which entries may hold a word, by its rarest three bytes, so that a search need not look at all of them.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace xinglin::registry {

/// Numbers of texts. What was taken away stays listed until its owner builds it anew: to be looked at again anyhow.
class Grams {
public:
    void add(std::string_view text, std::uint32_t number);
    void clear() { numbers_.clear(); }
    /// Numbers of texts that may hold all the words, each once; nothing when the words are too short to tell: then all may.
    const std::vector<std::uint32_t>* candidates(const std::vector<std::string_view>& words) const;

private:
    std::unordered_map<std::uint32_t, std::vector<std::uint32_t>> numbers_;  // three bytes → texts
};

}  // namespace xinglin::registry
