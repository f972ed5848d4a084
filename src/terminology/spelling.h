// SPDX-License-Identifier: Apache-2.0
// Inside the room: finding concepts by what people type: Chinese, English, a code, pinyin or its initials.
//
// One contiguous text per kind is scanned from end to end: 36,000 names are 1.7 MB of text and 1.6 MB of pinyin, which
// memmem reads in a millisecond or two, exact for words of any length (an index of two-character pieces would take five
// times the memory to save one of them). Pinyin is made when first letters are asked for, not before.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace xinglin::terminology {

/// How a concept was found, best first.
enum class Matched : std::uint8_t {
    none,
    code,     // the very code
    display,  // the very name
    code_start,
    display_start,
    spelled,       // the whole pinyin or all initials
    display_part,  // anywhere in a name, whichever language
    spelled_start,
    initials_start,
    spelled_part,  // from the beginning of a syllable
    initials_part,
};
/// "code", "text", "pinyin" or "initials"
std::string_view text(Matched matched);

class Spelling {
public:
    struct Hit {
        std::uint32_t row;
        Matched matched;
    };
    /// Rows that match every word of `words`, in their order; `matched` is the best of the first word.
    std::vector<Hit> find(std::string_view words) const;
    /// Bytes of the display: shorter names are nearer to what was meant.
    std::uint32_t length(std::uint32_t row) const { return lengths_[row]; }
    /// Makes the pinyin now, so that nobody waits for it.
    void prepare() const { letters(); }
    /// "huoluan"
    std::string pinyin(std::uint32_t row) const;
    std::size_t bytes() const;

private:
    friend class SpellingBuilder;
    /// One line for each row, each ended by '\n'.
    struct Lines {
        std::string text;
        std::vector<std::uint32_t> begins;  // rows + 1
        std::string_view line(std::uint32_t row) const {
            return std::string_view(text).substr(begins[row], begins[row + 1] - begins[row] - 1);
        }
        void end_line();
        /// Calls `each(row, column)` for every place where `needle` stands; skips to the next row when it returns true.
        void scan(std::string_view needle, const std::function<bool(std::uint32_t row, std::size_t column)>& each) const;
    };
    struct Letters {
        Lines pinyin, initials;
        std::vector<bool> starts;  // of pinyin.text: here begins a syllable
    };
    Lines names_, codes_;
    std::vector<std::uint32_t> lengths_;
    mutable std::once_flag spelled_;
    mutable std::unique_ptr<Letters> letters_;
    mutable std::atomic<std::size_t> letter_bytes_{0};

    const Letters& letters() const;
    void match_text(std::string_view word, std::vector<Matched>& best) const;
    void match_letters(std::string_view word, std::vector<Matched>& best) const;
};

class SpellingBuilder {
public:
    explicit SpellingBuilder(Spelling& spelling) : spelling_(spelling) {}
    /// `other`: further names, apart by '\x1f'.
    void add(std::string_view code, std::string_view display, std::string_view other);

private:
    Spelling& spelling_;
};

/// A Spelling that is made when first asked for.
class LazySpelling {
public:
    const Spelling& get(const std::function<void(SpellingBuilder&)>& build) const;
    std::size_t bytes() const;

private:
    mutable std::once_flag made_;
    mutable std::mutex lock_;  // guards the pointer for bytes()
    mutable std::unique_ptr<Spelling> spelling_;
};

}  // namespace xinglin::terminology
