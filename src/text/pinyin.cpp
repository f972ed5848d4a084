// SPDX-License-Identifier: Apache-2.0
// Pinyin of Chinese names: one reading for every character, surnames read as surnames.
//
// The everyday reading of a character is that of ICU's Han-Latin transliteration (CLDR, from Unihan): from a table, or for
// rare characters asked once and kept; readings.h corrects it and reads surnames. ü is written v when tones are left out, as every
// input method types it (吕 is "lv"). Spelling for display follows GB/T 28039-2011 (names) and GB/T 16159-2012 (apostrophe).
#include <unicode/translit.h>
#include <unicode/unistr.h>

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>

#include "text/readings.h"
#include "text/readings_table.h"
#include "text/text.h"
#include "text/utf8.h"

namespace xinglin::text {

namespace {

/// As without_tone, for a lone reading and without ICU: thirty thousand names are spelled at once.
std::string bare(std::string_view reading) {
    constexpr std::pair<std::u32string_view, char> vowels[] = {{U"āáǎà", 'a'}, {U"ēéěèê", 'e'}, {U"īíǐì", 'i'}, {U"ōóǒò", 'o'},
                                                               {U"ūúǔù", 'u'}, {U"üǖǘǚǜ", 'v'}, {U"ńňǹ", 'n'},  {U"ḿ", 'm'}};
    std::string out;
    for (std::size_t at = 0; at < reading.size();) {
        const char32_t c = next_code_point(reading, at);
        if (c < 0x80) out += static_cast<char>(c);
        for (const auto& [toned, plain] : vowels) {
            if (toned.find(c) != std::u32string_view::npos) out += plain;
        }
    }
    return out;
}

struct Syllable {
    std::string toned, plain;  // "xióng", "xiong"; "" when there is no reading
    explicit Syllable(std::string_view reading) : toned(reading), plain(bare(reading)) {}
};

/// The everyday reading of a character. Safe from any thread; those of the table are read without a lock.
class Readings {
public:
    Readings() {
        for (const std::string_view reading : split(table_syllables, ' ')) syllables_.emplace_back(reading);
        const auto digit = [](char c) {
            return c <= '-' ? (c == '+' ? 62 : 63) : c <= '9' ? c - '0' : c <= 'Z' ? c - 'A' + 10 : c - 'a' + 36;
        };
        for (std::size_t i = 0; i < std::size(common_); ++i) {
            common_[i] =
                &syllables_[static_cast<std::size_t>(digit(table_numbers[2 * i]) * 64 + digit(table_numbers[2 * i + 1]))];
        }
        for (const auto& [character, reading] : corrected_readings) {
            std::size_t at = 0;
            const char32_t c = next_code_point(character, at);
            const Syllable& syllable = rare_.try_emplace(c, reading).first->second;
            if (is_common(c)) common_[c - first_in_table] = &syllable;
        }
    }

    const Syllable& of(char32_t c) {
        if (is_common(c)) return *common_[c - first_in_table];
        const std::lock_guard lock(mutex_);
        const auto found = rare_.find(c);
        return found != rare_.end() ? found->second : rare_.try_emplace(c, ask(c)).first->second;
    }

private:
    static bool is_common(char32_t c) { return c >= first_in_table && c <= last_in_table; }

    std::string ask(char32_t c) {
        if (!transliterator_) {
            UErrorCode status = U_ZERO_ERROR;
            transliterator_.reset(icu::Transliterator::createInstance("Han-Latin", UTRANS_FORWARD, status));
            if (U_FAILURE(status) || !transliterator_)
                throw std::runtime_error("ICU has no Han-Latin data: is libicu installed whole?");
        }
        icu::UnicodeString text(static_cast<UChar32>(c));
        transliterator_->transliterate(text);
        std::string reading;
        text.trim().toUTF8String(reading);
        return has_han(reading) ? std::string() : reading;
    }

    std::deque<Syllable> syllables_;
    const Syllable* common_[last_in_table - first_in_table + 1];
    std::mutex mutex_;                   // guards the next two
    std::map<char32_t, Syllable> rare_;  // nodes stay where they are
    std::unique_ptr<icu::Transliterator> transliterator_;
};

/// A fact about the language, found piece by piece: the one thing here that outlives a call.
Readings& readings() {
    static Readings all;
    return all;
}

/// A run of Han characters, each with its reading, or a word of anything else.
struct Word {
    std::vector<std::string> han;        // characters
    std::vector<std::string> syllables;  // readings, toned; of a character without one, the character itself
    std::string other;
};

std::vector<Word> words(std::string_view name) {
    std::vector<Word> found;
    bool apart = true;
    for (std::size_t at = 0; at < name.size();) {
        const std::size_t begin = at;
        const char32_t c = next_code_point(name, at);
        const std::string_view bytes = name.substr(begin, at - begin);
        const bool separator =
            c <= ' ' || c == 0x3000 || c == 0xB7 || c == 0x2022 || c == 0x30FB || c == 0xFF0E || c == ',' || c == 0xFF0C;
        if (separator) {
            apart = true;
            continue;
        }
        const bool han = is_han(c);
        if (apart || found.back().han.empty() == han) found.emplace_back();
        apart = false;
        Word& word = found.back();
        if (!han) {
            word.other += bytes;
            continue;
        }
        const std::string& reading = readings().of(c).toned;
        word.han.emplace_back(bytes);
        word.syllables.push_back(reading.empty() ? std::string(bytes) : reading);
    }
    return found;
}

/// How many characters of the word are its surname; reads them as one. `alone`: the name has no other word.
std::size_t read_surname(Word& word, bool alone) {
    if (word.han.empty()) return 0;
    if (word.han.size() >= 2) {
        const std::string two = word.han[0] + word.han[1];
        for (const auto& [surname, reading] : compound_surnames) {
            if (surname != two) continue;
            const auto parts = split(reading, ' ');
            word.syllables[0] = parts[0];
            word.syllables[1] = parts[1];
            return 2;
        }
    }
    if (!alone || word.han.size() > 4) return 0;  // 买买提·阿不都拉, 阿卜杜拉提: no Han surname
    for (const auto& [surname, reading] : surname_readings) {
        if (surname == word.han[0]) word.syllables[0] = reading;
    }
    return 1;
}

std::vector<Word> read_name(std::string_view name, std::size_t& surname_length) {
    auto all = words(name);
    surname_length = all.empty() ? 0 : read_surname(all.front(), all.size() == 1);
    return all;
}

std::string without_tone(std::string_view syllable) {
    std::string out;
    for (std::size_t at = 0; at < syllable.size();) {
        const std::size_t begin = at;
        const char32_t c = next_code_point(syllable, at);
        switch (c) {
            case U'ü':
            case U'ǖ':
            case U'ǘ':
            case U'ǚ':
            case U'ǜ': out += 'v'; break;
            default: out += syllable.substr(begin, at - begin);
        }
    }
    return fold(out);
}

std::string capitalised(std::string_view toned) {
    constexpr std::pair<std::string_view, std::string_view> upper[] = {{"ā", "Ā"}, {"á", "Á"}, {"ǎ", "Ǎ"}, {"à", "À"},
                                                                       {"ē", "Ē"}, {"é", "É"}, {"ě", "Ě"}, {"è", "È"},
                                                                       {"ō", "Ō"}, {"ó", "Ó"}, {"ǒ", "Ǒ"}, {"ò", "Ò"}};
    for (const auto& [small, capital] : upper) {
        if (toned.starts_with(small)) return std::string(capital) + std::string(toned.substr(small.size()));
    }
    std::string out(toned);
    if (!out.empty() && out[0] >= 'a' && out[0] <= 'z') out[0] = static_cast<char>(out[0] - ('a' - 'A'));
    return out;
}

/// Syllables as one word: "Píng'āo".
std::string joined(const std::vector<std::string>& syllables, std::size_t begin, std::size_t end) {
    std::string out;
    for (std::size_t i = begin; i < end; ++i) {
        const char first = without_tone(syllables[i])[0];
        if (i > begin && (first == 'a' || first == 'e' || first == 'o')) out += '\'';
        out += syllables[i];
    }
    return capitalised(out);
}

}  // namespace

std::vector<std::string> pinyin_syllables(std::string_view name) {
    std::size_t surname_length = 0;
    std::vector<std::string> out;
    for (const Word& word : read_name(name, surname_length)) {
        for (const auto& syllable : word.syllables) out.push_back(without_tone(syllable));
        if (word.han.empty()) {
            if (auto folded = fold(word.other); !folded.empty()) out.push_back(std::move(folded));
        }
    }
    return out;
}

std::string pinyin(std::string_view name) {
    std::string out;
    for (const auto& syllable : pinyin_syllables(name)) out += syllable;
    return out;
}

std::string initials(std::string_view name) {
    std::string out;
    for (const auto& syllable : pinyin_syllables(name)) {
        std::size_t end = 0;
        next_code_point(syllable, end);
        out += syllable.substr(0, end);
    }
    return out;
}

std::string pinyin_display(std::string_view name) {
    std::size_t surname_length = 0;
    std::string out;
    const auto add = [&](const std::string& word) {
        if (word.empty()) return;
        if (!out.empty()) out += ' ';
        out += word;
    };
    for (const Word& word : read_name(name, surname_length)) {
        if (word.han.empty()) {
            add(word.other);
            continue;
        }
        if (surname_length > 0) add(joined(word.syllables, 0, surname_length));
        if (surname_length < word.syllables.size()) add(joined(word.syllables, surname_length, word.syllables.size()));
        surname_length = 0;
    }
    return out;
}

namespace {

bool is_punctuation(char32_t c) {
    if (c < 0x80) return !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'));
    return (c >= 0x2000 && c <= 0x206F) || (c >= 0x3000 && c <= 0x303F && c != 0x3007) || (c >= 0xFF00 && c <= 0xFF0F) ||
           (c >= 0xFF1A && c <= 0xFF20) || (c >= 0xFF3B && c <= 0xFF40) || (c >= 0xFF5B && c <= 0xFF65) || c == 0xB7;
}

}  // namespace

void spell(std::string_view words, const std::function<void(std::string_view syllable, bool han)>& each) {
    std::string other;
    const auto finish = [&] {
        if (!other.empty()) each(fold(other), false);
        other.clear();
    };
    for (std::size_t at = 0; at < words.size();) {
        const std::size_t begin = at;
        const char32_t c = next_code_point(words, at);
        if (is_han(c)) {
            finish();
            if (const std::string& syllable = readings().of(c).plain; !syllable.empty()) each(syllable, true);
        } else if (is_punctuation(c)) {
            finish();
        } else {
            other += words.substr(begin, at - begin);
        }
    }
    finish();
}

}  // namespace xinglin::text
