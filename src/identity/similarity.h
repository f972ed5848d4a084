// SPDX-License-Identifier: Apache-2.0
// How alike two texts are, character by character.
#pragma once

#include <string_view>

namespace xinglin::identity {

/// Jaro-Winkler, 0 to 1 (Winkler 1990; prefix of four, weight 0.1), by code points; texts beyond 64 are cut there.
double jaro_winkler(std::string_view a, std::string_view b);
/// Insertions, deletions, replacements and swapped neighbours (optimal string alignment), by code points; `most` + 1 when more.
int edits(std::string_view a, std::string_view b, int most);
/// Of the words of the one with fewer, how many stand in the other: 0 to 1.
double shared_words(std::string_view a, std::string_view b);

}  // namespace xinglin::identity
