// SPDX-License-Identifier: Apache-2.0
// Sources: Jaro (1989), Winkler (1990); Damerau (1964).
#include "identity/similarity.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace xinglin::identity {

namespace {

constexpr int longest = 64;

struct Points {
    std::array<char32_t, longest> of;
    int size = 0;
};

/// Well-formed UTF-8, as folding gives it; what is not is taken byte by byte.
void decode(std::string_view text, Points& points) {
    points.size = 0;
    for (std::size_t i = 0; i < text.size() && points.size < longest;) {
        const auto byte = static_cast<unsigned char>(text[i]);
        std::size_t length = byte < 0x80 ? 1 : byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
        if (i + length > text.size()) length = 1;
        char32_t point = length == 1 ? byte : byte & (0xffu >> (length + 1));
        for (std::size_t k = 1; k < length; ++k) point = point << 6 | (static_cast<unsigned char>(text[i + k]) & 0x3fu);
        points.of[static_cast<std::size_t>(points.size++)] = point;
        i += length;
    }
}

}  // namespace

double jaro_winkler(std::string_view first, std::string_view second) {
    thread_local Points a, b;
    decode(first, a);
    decode(second, b);
    if (a.size == 0 || b.size == 0) return a.size == b.size ? 1 : 0;
    const int window = std::max(a.size, b.size) / 2 - 1;
    std::uint64_t taken_a = 0, taken_b = 0;
    int common = 0;
    for (int i = 0; i < a.size; ++i) {
        const int from = std::max(0, i - window), to = std::min(b.size - 1, i + window);
        for (int k = from; k <= to; ++k) {
            if ((taken_b >> k & 1) || a.of[static_cast<std::size_t>(i)] != b.of[static_cast<std::size_t>(k)]) continue;
            taken_a |= std::uint64_t{1} << i;
            taken_b |= std::uint64_t{1} << k;
            ++common;
            break;
        }
    }
    if (common == 0) return 0;
    int crossed = 0;
    for (std::uint64_t rest_a = taken_a, rest_b = taken_b; rest_a; rest_a &= rest_a - 1, rest_b &= rest_b - 1) {
        const auto i = static_cast<std::size_t>(std::countr_zero(rest_a)), k = static_cast<std::size_t>(std::countr_zero(rest_b));
        if (a.of[i] != b.of[k]) ++crossed;
    }
    const double m = common;
    const double jaro = (m / a.size + m / b.size + (m - crossed / 2) / m) / 3;  // transpositions: half, rounded down
    int prefix = 0;
    while (prefix < std::min({4, a.size, b.size}) &&
           a.of[static_cast<std::size_t>(prefix)] == b.of[static_cast<std::size_t>(prefix)])
        ++prefix;
    return jaro + prefix * 0.1 * (1 - jaro);
}

/// Drops what both begin with and end with; whole characters only.
void without_common_ends(std::string_view& a, std::string_view& b) {
    const auto inside_character = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; };
    std::size_t front = 0;
    const std::size_t shorter = std::min(a.size(), b.size());
    while (front < shorter && a[front] == b[front]) ++front;
    while (front > 0 && ((front < a.size() && inside_character(a[front])) || (front < b.size() && inside_character(b[front]))))
        --front;
    a.remove_prefix(front);
    b.remove_prefix(front);
    std::size_t back = 0;
    while (back < std::min(a.size(), b.size()) && a[a.size() - 1 - back] == b[b.size() - 1 - back]) ++back;
    while (back > 0 && inside_character(a[a.size() - back])) --back;
    a.remove_suffix(back);
    b.remove_suffix(back);
}

int edits(std::string_view first, std::string_view second, int most) {
    without_common_ends(first, second);
    thread_local Points a, b;
    decode(first, a);
    decode(second, b);
    if (a.size - b.size > most || b.size - a.size > most) return most + 1;
    const int beyond = most + 1;
    std::array<std::array<int, longest + 2>, 3> rows;  // only the cells within `most` of the diagonal are ever written or read
    for (int k = 0; k <= std::min(b.size, most + 1); ++k) rows[0][static_cast<std::size_t>(k)] = k;
    for (int i = 1; i <= a.size; ++i) {
        auto& row = rows[static_cast<std::size_t>(i % 3)];
        const auto& above = rows[static_cast<std::size_t>((i + 2) % 3)];
        const auto& before = rows[static_cast<std::size_t>((i + 1) % 3)];
        const int from = std::max(1, i - most), to = std::min(b.size, i + most);
        row[static_cast<std::size_t>(from - 1)] = from == 1 ? i : beyond;
        int least = row[static_cast<std::size_t>(from - 1)];
        for (int k = from; k <= to; ++k) {
            const auto at = static_cast<std::size_t>(k);
            const char32_t x = a.of[static_cast<std::size_t>(i - 1)], y = b.of[at - 1];
            int cost = std::min(row[at - 1] + 1, above[at - 1] + (x != y));
            if (k < i + most) cost = std::min(cost, above[at] + 1);
            if (i > 1 && k > 1 && x == b.of[at - 2] && a.of[static_cast<std::size_t>(i - 2)] == y)
                cost = std::min(cost, before[at - 2] + 1);
            row[at] = cost;
            least = std::min(least, cost);
        }
        if (least > most) return beyond;
    }
    return std::min(rows[static_cast<std::size_t>(a.size % 3)][static_cast<std::size_t>(b.size)], beyond);
}

double shared_words(std::string_view first, std::string_view second) {
    const auto split = [](std::string_view text, std::array<std::string_view, 16>& words) {
        std::size_t count = 0;
        while (!text.empty() && count < words.size()) {
            const std::size_t end = std::min(text.find(' '), text.size());
            if (end > 0) words[count++] = text.substr(0, end);
            text.remove_prefix(std::min(end + 1, text.size()));
        }
        return count;
    };
    std::array<std::string_view, 16> a, b;
    const std::size_t in_a = split(first, a), in_b = split(second, b);
    if (in_a == 0 || in_b == 0) return 0;
    std::size_t shared = 0;
    for (std::size_t i = 0; i < in_a; ++i) shared += std::find(b.begin(), b.begin() + in_b, a[i]) != b.begin() + in_b;
    return static_cast<double>(shared) / static_cast<double>(std::min(in_a, in_b));
}

}  // namespace xinglin::identity
