// SPDX-License-Identifier: Apache-2.0
// Packing and unpacking words.
#include "record/block.h"

#include <bit>

namespace xinglin::record {

namespace {
// Control bytes: 0-63 one bit; 64 bytes follow; 65 all bits; 128-191 one bit, the next byte another.
constexpr std::uint8_t bytes_follow = 64, all_bits = 65, two_bits = 128;

void put_distance(std::string& out, std::uint64_t distance) {
    for (; distance >= 128; distance >>= 7) out += static_cast<char>(distance | 128);
    out += static_cast<char>(distance);
}

void put_bits(std::string& out, std::uint64_t bits) {
    if (bits == ~std::uint64_t{0}) {
        out += static_cast<char>(all_bits);
        return;
    }
    const int first = std::countr_zero(bits);
    const std::uint64_t rest = bits & (bits - 1);
    if (rest == 0) {
        out += static_cast<char>(first);
        return;
    }
    if ((rest & (rest - 1)) == 0) {
        out += static_cast<char>(two_bits | first);
        out += static_cast<char>(std::countr_zero(rest));
        return;
    }
    out += static_cast<char>(bytes_follow);
    const std::size_t which_at = out.size();
    std::uint8_t which = 0;
    out += '\0';
    for (int i = 0; i < 8; ++i) {
        const auto byte = static_cast<std::uint8_t>(bits >> (8 * i));
        if (byte == 0) continue;
        which = static_cast<std::uint8_t>(which | 1u << i);
        out += static_cast<char>(byte);
    }
    out[which_at] = static_cast<char>(which);
}

class Unpacking {
public:
    explicit Unpacking(std::string_view bytes)
        : at_(reinterpret_cast<const std::uint8_t*>(bytes.data())), end_(at_ + bytes.size()) {}
    bool more() const { return at_ != end_; }
    bool distance(std::uint64_t& distance) {
        distance = 0;
        for (int shift = 0; at_ != end_ && shift < 63; shift += 7) {
            const std::uint8_t byte = *at_++;
            distance |= static_cast<std::uint64_t>(byte & 127) << shift;
            if (byte < 128) return true;
        }
        return false;
    }
    bool bits(std::uint64_t& bits) {
        if (at_ == end_) return false;
        const std::uint8_t control = *at_++;
        bits = 0;
        if (control < bytes_follow) {
            bits = std::uint64_t{1} << control;
        } else if (control == all_bits) {
            bits = ~bits;
        } else if (control == bytes_follow) {
            if (at_ == end_) return false;
            for (unsigned which = *at_++; which != 0; which &= which - 1) {
                if (at_ == end_) return false;
                bits |= static_cast<std::uint64_t>(*at_++) << (8 * std::countr_zero(which));
            }
        } else if (control >= two_bits && control < two_bits + 64) {
            if (at_ == end_ || *at_ > 63) return false;
            bits = std::uint64_t{1} << (control - two_bits) | std::uint64_t{1} << *at_++;
        }
        return bits != 0;
    }

private:
    const std::uint8_t* at_;
    const std::uint8_t* end_;
};
}  // namespace

std::string pack(std::int64_t first, std::span<const Word> words) {
    std::string out;
    out.reserve(largest_block);
    std::int64_t before = first - 1;
    for (const Word& word : words) {
        put_distance(out, static_cast<std::uint64_t>(word.key - before - 1));
        put_bits(out, word.bits);
        before = word.key;
    }
    return out;
}

bool unpack(std::int64_t first, std::string_view bytes, std::vector<Word>& words) {
    Unpacking from(bytes);
    std::int64_t before = first - 1;
    while (from.more()) {
        std::uint64_t distance = 0;
        Word word{};
        if (!from.distance(distance) || !from.bits(word.bits)) return false;
        if (distance >= static_cast<std::uint64_t>(key_of(no_more) - before)) return false;
        word.key = before + 1 + static_cast<std::int64_t>(distance);
        words.push_back(word);
        before = word.key;
    }
    return true;
}

std::vector<std::span<const Word>> pieces(std::span<const Word> words, bool even) {
    std::vector<std::span<const Word>> cut;
    if (words.empty()) return cut;
    const std::size_t whole = pack(words.front().key, words).size();
    std::size_t most = largest_block;
    if (even && whole > most) most = whole / (whole / largest_block + 1) + 1;
    std::size_t from = 0, size = 0;
    std::string one;
    for (std::size_t i = 0; i < words.size(); ++i) {
        one.clear();
        put_distance(one, i == from ? 0 : static_cast<std::uint64_t>(words[i].key - words[i - 1].key - 1));
        put_bits(one, words[i].bits);
        if (i > from && size + one.size() > most) {
            cut.push_back(words.subspan(from, i - from));
            from = i;
            size = 0;
        }
        size += one.size();
    }
    cut.push_back(words.subspan(from));
    return cut;
}

std::uint64_t members(std::span<const Word> words) {
    std::uint64_t sum = 0;
    for (const Word& word : words) sum += static_cast<std::uint64_t>(std::popcount(word.bits));
    return sum;
}

std::vector<Word> merged(std::span<const Word> a, std::span<const Word> b) {
    std::vector<Word> both;
    both.reserve(a.size() + b.size());
    std::size_t i = 0, j = 0;
    while (i < a.size() || j < b.size()) {
        const std::int64_t left = i < a.size() ? a[i].key : no_more, right = j < b.size() ? b[j].key : no_more;
        Word word{std::min(left, right), 0};
        if (left == word.key) word.bits |= a[i++].bits;
        if (right == word.key) word.bits |= b[j++].bits;
        both.push_back(word);
    }
    return both;
}

std::vector<Word> words_of(std::span<const std::int64_t> rids) {
    std::vector<Word> words;
    for (const std::int64_t rid : rids) {
        if (words.empty() || words.back().key != key_of(rid)) words.push_back({key_of(rid), 0});
        words.back().bits |= bit_of(rid);
    }
    return words;
}

}  // namespace xinglin::record
