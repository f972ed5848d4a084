// SPDX-License-Identifier: Apache-2.0
// Folding: the form in which two strings are compared by search.
//
// Unicode's NFKC_Casefold does case, width and compatibility forms; then accents are taken off (the combining diacritical
// marks, not the vowel signs of scripts that cannot be read without them), and the rest is composed again.
#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/stringpiece.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <stdexcept>

#include "text/text.h"
#include "text/utf8.h"

namespace xinglin::text {

namespace {

bool is_space(char32_t c) {
    return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x80 && u_isUWhiteSpace(static_cast<UChar32>(c)));
}

bool is_diacritic(char32_t c) {
    return (c >= 0x0300 && c <= 0x036F) || (c >= 0x1AB0 && c <= 0x1AFF) || (c >= 0x1DC0 && c <= 0x1DFF) ||
           (c >= 0x20D0 && c <= 0x20FF) || (c >= 0xFE20 && c <= 0xFE2F);
}

/// ASCII and the common ideographs fold to themselves but for case and white space.
bool is_plain(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        if (static_cast<unsigned char>(text[at]) < 0x80) {
            ++at;
            continue;
        }
        const char32_t c = next_code_point(text, at);
        if (c < 0x4E00 || c > 0x9FFF) return false;
    }
    return true;
}

/// Lower case for ASCII, white space runs to one space, ends trimmed.
std::string fold_plain(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    bool space = false;
    for (const char c : text) {
        if (c == ' ' || (c >= '\t' && c <= '\r')) {
            space = !out.empty();
            continue;
        }
        if (space) out += ' ';
        space = false;
        out += c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
    }
    return out;
}

std::string without_accents_and_extra_space(std::string_view decomposed) {
    std::string out;
    out.reserve(decomposed.size());
    bool space = false;
    for (std::size_t at = 0; at < decomposed.size();) {
        const char32_t c = next_code_point(decomposed, at);
        if (is_diacritic(c)) continue;
        if (is_space(c)) {
            space = !out.empty();
            continue;
        }
        if (space) out += ' ';
        space = false;
        append_code_point(c, out);
    }
    return out;
}

const icu::Normalizer2& normalizer(const icu::Normalizer2* (*get)(UErrorCode&)) {
    UErrorCode status = U_ZERO_ERROR;
    const icu::Normalizer2* found = get(status);
    if (U_FAILURE(status) || !found) throw std::runtime_error("ICU has no normalisation data: is libicu installed whole?");
    return *found;
}

std::string normalized(const icu::Normalizer2& form, std::string_view text) {
    UErrorCode status = U_ZERO_ERROR;
    std::string out;
    icu::StringByteSink<std::string> sink(&out);
    form.normalizeUTF8(0, icu::StringPiece(text.data(), static_cast<int32_t>(text.size())), sink, nullptr, status);
    if (U_FAILURE(status)) throw std::runtime_error("ICU cannot normalise a text");
    return out;
}

}  // namespace

std::string fold(std::string_view text) {
    if (is_plain(text)) return fold_plain(text);
    static const icu::Normalizer2& caseless = normalizer(icu::Normalizer2::getNFKCCasefoldInstance);
    static const icu::Normalizer2& apart = normalizer(icu::Normalizer2::getNFDInstance);
    static const icu::Normalizer2& together = normalizer(icu::Normalizer2::getNFCInstance);
    const std::string bare = without_accents_and_extra_space(normalized(apart, normalized(caseless, text)));
    return normalized(together, bare);
}

}  // namespace xinglin::text
