// SPDX-License-Identifier: Apache-2.0
// Code points and case, by ICU where ASCII does not do.
#include "fhirpath/unicode.h"

#include <algorithm>

#include <unicode/locid.h>
#include <unicode/unistr.h>

namespace xinglin::fhirpath {

namespace {

bool begins_code_point(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }
bool is_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

icu::UnicodeString wide(std::string_view text) {
    return icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<std::int32_t>(text.size())));
}
std::string narrow(const icu::UnicodeString& text) {
    std::string out;
    text.toUTF8String(out);
    return out;
}

}  // namespace

std::size_t length(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), begins_code_point));
}

std::size_t byte_of(std::string_view text, std::size_t n) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (begins_code_point(text[i]) && n-- == 0) return i;
    }
    return text.size();
}

std::string upper(std::string_view text) {
    if (!is_ascii(text)) return narrow(wide(text).toUpper(icu::Locale::getRoot()));
    std::string out(text);
    for (char& c : out) {
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    return out;
}

std::string lower(std::string_view text) {
    if (!is_ascii(text)) return narrow(wide(text).toLower(icu::Locale::getRoot()));
    std::string out(text);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return out;
}

std::string folded(std::string_view text) {
    std::string out = is_ascii(text) ? lower(text) : narrow(wide(text).foldCase());
    std::replace_if(out.begin(), out.end(), is_blank, ' ');
    return out;
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

}  // namespace xinglin::fhirpath
