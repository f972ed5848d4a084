// SPDX-License-Identifier: Apache-2.0
// Inside the room: what a person can be found by, as keys for prefix search.
//
// A key is a kind and a text: A the name shown, once per person · N whole name · n rest of a name from some character on · p pinyin from some syllable on ·
// i initials · d identifier · e identifier backwards · t phone · u phone backwards · b birth date. "Ends in 0428" is then
// a prefix search too.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "json/json.h"

namespace xinglin::people {

/// What is kept of a Patient, all folded; keys follow from it alone.
struct Entry {
    std::vector<std::string> names;        // the one shown first: "单雄信", "jane mary doe"
    std::vector<std::string> pinyin;       // "shan xiong xin", one for each name with Han characters
    std::vector<std::string> identifiers;  // letters and digits only
    std::vector<std::string> phones;       // digits only
    std::string birth;                     // "19590312"
};

Entry entry_of(json::Value patient);
/// Sorted, without doubles.
std::vector<std::string> keys_of(const Entry& entry);

/// One way a search word may be meant: keys that begin with `prefix`.
struct Meaning {
    std::string prefix;
    std::string_view matched;  // "name", "pinyin", …
};
/// In the order in which people expect the hits; empty when the word is too short for anything.
std::vector<Meaning> meanings_of(std::string_view folded_word);
bool fits(const std::vector<std::string>& keys, const std::vector<Meaning>& meanings);

/// Lines to one text and back, for the columns.
std::string join(const std::vector<std::string>& lines);
std::vector<std::string> lines_of(std::string_view text);

}  // namespace xinglin::people
