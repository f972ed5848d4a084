// SPDX-License-Identifier: Apache-2.0
// Three bytes are one Chinese character, or three letters of its pinyin.
#include "registry/grams.h"

#include <algorithm>

namespace xinglin::registry {

namespace {

std::uint32_t gram_at(std::string_view text, std::size_t at) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(text[at]) << 16 | static_cast<unsigned char>(text[at + 1]) << 8 |
                                      static_cast<unsigned char>(text[at + 2]));
}

}  // namespace

void Grams::add(std::string_view text, std::uint32_t number) {
    for (std::size_t at = 0; at + 3 <= text.size(); ++at) {
        std::vector<std::uint32_t>& list = numbers_[gram_at(text, at)];
        if (list.empty() || list.back() != number) list.push_back(number);
    }
}

const std::vector<std::uint32_t>* Grams::candidates(const std::vector<std::string_view>& words) const {
    static const std::vector<std::uint32_t> none;
    const std::vector<std::uint32_t>* best = nullptr;
    for (const std::string_view word : words) {
        for (std::size_t at = 0; at + 3 <= word.size(); ++at) {
            const auto found = numbers_.find(gram_at(word, at));
            if (found == numbers_.end()) return &none;
            if (!best || found->second.size() < best->size()) best = &found->second;
        }
    }
    return best;
}

}  // namespace xinglin::registry
