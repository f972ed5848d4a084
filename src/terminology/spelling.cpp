// SPDX-License-Identifier: Apache-2.0
// Scanning names, codes and pinyin for what was typed.
#include "terminology/spelling.h"

#include <cstring>

#include "text/text.h"

namespace xinglin::terminology {

namespace {

bool is_ascii(std::string_view text) {
    for (const char c : text) {
        if (static_cast<unsigned char>(c) >= 0x80) return false;
    }
    return true;
}

bool is_letters(std::string_view text) {
    for (const char c : text) {
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))) return false;
    }
    return true;
}

void improve(Matched& best, Matched found) {
    if (best == Matched::none || found < best) best = found;
}

}  // namespace

std::string_view text(Matched matched) {
    switch (matched) {
        case Matched::code:
        case Matched::code_start: return "code";
        case Matched::spelled:
        case Matched::spelled_start:
        case Matched::spelled_part: return "pinyin";
        case Matched::initials_start:
        case Matched::initials_part: return "initials";
        case Matched::none: return "";
        default: return "text";
    }
}

void Spelling::Lines::end_line() {
    if (begins.empty()) begins.push_back(0);
    text += '\n';
    begins.push_back(static_cast<std::uint32_t>(text.size()));
}

void Spelling::Lines::scan(std::string_view needle,
                           const std::function<bool(std::uint32_t row, std::size_t column)>& each) const {
    std::size_t at = 0;
    std::uint32_t row = 0;
    while (at < text.size()) {
        const void* found = memmem(text.data() + at, text.size() - at, needle.data(), needle.size());
        if (!found) return;
        at = static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
        while (begins[row + 1] <= at) ++row;
        at = each(row, at - begins[row]) ? begins[row + 1] : at + 1;
    }
}

void Spelling::match_text(std::string_view word, std::vector<Matched>& best) const {
    names_.scan(word, [&](std::uint32_t row, std::size_t column) {
        const std::string_view line = names_.line(row);
        const bool starts = column == 0 || line[column - 1] == '\x1f';
        const std::size_t end = column + word.size();
        const bool ends = end == line.size() || line[end] == '\x1f';
        improve(best[row], starts && ends ? Matched::display : starts ? Matched::display_start : Matched::display_part);
        return false;  // a later name of the line may fit better
    });
    if (!is_ascii(word)) return;
    codes_.scan(word, [&](std::uint32_t row, std::size_t column) {
        if (column == 0) improve(best[row], codes_.line(row).size() == word.size() ? Matched::code : Matched::code_start);
        return true;
    });
}

void Spelling::match_letters(std::string_view word, std::vector<Matched>& best) const {
    const Letters& spelled = letters();
    spelled.pinyin.scan(word, [&](std::uint32_t row, std::size_t column) {
        if (!spelled.starts[spelled.pinyin.begins[row] + column]) return false;
        const bool whole = column == 0 && spelled.pinyin.line(row).size() == word.size();
        improve(best[row], whole ? Matched::spelled : column == 0 ? Matched::spelled_start : Matched::spelled_part);
        return true;
    });
    if (word.size() < 2) return;  // one letter begins half of all names
    spelled.initials.scan(word, [&](std::uint32_t row, std::size_t column) {
        const bool whole = column == 0 && spelled.initials.line(row).size() == word.size();
        improve(best[row], whole ? Matched::spelled : column == 0 ? Matched::initials_start : Matched::initials_part);
        return true;
    });
}

std::vector<Spelling::Hit> Spelling::find(std::string_view words) const {
    std::string folded = text::fold(words);
    for (char& c : folded) {
        if (static_cast<unsigned char>(c) < ' ') c = ' ';
    }
    std::vector<Matched> all, best;
    bool is_first = true;
    std::size_t taken = 0;
    for (const std::string_view word : text::split(folded, ' ')) {
        if (word.empty()) continue;
        if (++taken > 8) break;  // more words than anybody types
        best.assign(lengths_.size(), Matched::none);
        match_text(word, best);
        if (is_letters(word)) match_letters(word, best);
        if (is_first) {
            all.swap(best);
        } else {
            for (std::size_t row = 0; row < all.size(); ++row) {
                if (best[row] == Matched::none) all[row] = Matched::none;
            }
        }
        is_first = false;
    }
    std::vector<Hit> hits;
    for (std::uint32_t row = 0; row < all.size(); ++row) {
        if (all[row] != Matched::none) hits.push_back({row, all[row]});
    }
    return hits;
}

const Spelling::Letters& Spelling::letters() const {
    std::call_once(spelled_, [this] {
        auto made = std::make_unique<Letters>();
        std::vector<std::uint32_t> starts;
        for (std::uint32_t row = 0; row < lengths_.size(); ++row) {
            const std::string_view names = names_.line(row);
            text::spell(names.substr(0, names.find('\x1f')), [&](std::string_view syllable, bool han) {
                starts.push_back(static_cast<std::uint32_t>(made->pinyin.text.size()));
                made->pinyin.text += syllable;
                made->initials.text += han ? syllable.substr(0, 1) : syllable;
            });
            made->pinyin.end_line();
            made->initials.end_line();
        }
        made->starts.resize(made->pinyin.text.size());
        for (const std::uint32_t start : starts) made->starts[start] = true;
        made->pinyin.text.shrink_to_fit();
        made->initials.text.shrink_to_fit();
        letter_bytes_ = made->pinyin.text.capacity() + made->initials.text.capacity() + made->starts.capacity() / 8 +
                        (made->pinyin.begins.capacity() + made->initials.begins.capacity()) * 4;
        letters_ = std::move(made);
    });
    return *letters_;
}

std::string Spelling::pinyin(std::uint32_t row) const {
    std::string out;
    const std::string_view names = names_.line(row);
    text::spell(names.substr(0, names.find('\x1f')), [&](std::string_view syllable, bool) { out += syllable; });
    return out;
}

std::size_t Spelling::bytes() const {
    std::size_t bytes = names_.text.capacity() + codes_.text.capacity() +
                        (names_.begins.capacity() + codes_.begins.capacity() + lengths_.capacity()) * 4;
    return bytes + letter_bytes_;
}

void SpellingBuilder::add(std::string_view code, std::string_view display, std::string_view other) {
    spelling_.names_.text += text::fold(display);
    spelling_.lengths_.push_back(static_cast<std::uint32_t>(display.size()));
    for (const std::string_view name : text::split(other, '\x1f')) {
        if (name.empty()) continue;
        spelling_.names_.text += '\x1f';
        spelling_.names_.text += text::fold(name);
    }
    spelling_.names_.end_line();
    spelling_.codes_.text += text::lower_ascii(code);
    spelling_.codes_.end_line();
}

const Spelling& LazySpelling::get(const std::function<void(SpellingBuilder&)>& build) const {
    std::call_once(made_, [&] {
        auto spelling = std::make_unique<Spelling>();
        SpellingBuilder builder(*spelling);
        build(builder);
        const std::lock_guard lock(lock_);
        spelling_ = std::move(spelling);
    });
    return *spelling_;
}

std::size_t LazySpelling::bytes() const {
    const std::lock_guard lock(lock_);
    return spelling_ ? spelling_->bytes() : 0;
}

}  // namespace xinglin::terminology
