// SPDX-License-Identifier: Apache-2.0
// Text as people and search write it: folding for search, pinyin, encodings, masking.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xinglin::text {

/// True for well-formed UTF-8 (no surrogates, no overlong forms).
bool is_utf8(std::string_view text);
/// What string search compares: lower case, accents removed, full-width folded to half-width (NFKD + case fold),
/// white space runs folded to one space, ends trimmed. ASCII takes a fast path.
std::string fold(std::string_view text);
/// Full pinyin of a Chinese name without tones or spaces, surname readings preferred ("单雄信" → "shanxiongxin"); Latin
/// letters are kept, folded; ü is v, as input methods type it ("吕布" → "lvbu").
std::string pinyin(std::string_view name);
/// Pinyin syllables of a name, e.g. {"shan","xiong","xin"}; one element per Han character, Latin words kept whole.
std::vector<std::string> pinyin_syllables(std::string_view name);
/// First letters, "单雄信" → "sxx".
std::string initials(std::string_view name);
/// Reads words that are not names (diseases, drugs): `each` gets the everyday reading of every Han character without its
/// tone ("shen"), and every run of anything else but white space and punctuation, folded, with `han` false.
void spell(std::string_view words, const std::function<void(std::string_view syllable, bool han)>& each);
/// With tone marks for display, "Shàn Xióngxìn": surname and given name apart, capitalised.
std::string pinyin_display(std::string_view name);

bool has_han(std::string_view text);
std::size_t code_points(std::string_view text);

std::string base64(std::string_view bytes);
std::optional<std::string> base64_decode(std::string_view text);  // RFC 4648, padding required, white space allowed
std::string base64_url(std::string_view bytes);
std::string hex(std::string_view bytes);

/// "2199**********0428": first 4 and last 4 kept; short texts keep at most half.
std::string mask_identifier(std::string_view identifier);
/// "138****5207"
std::string mask_phone(std::string_view phone);

std::string lower_ascii(std::string_view text);
std::vector<std::string_view> split(std::string_view text, char separator);

}  // namespace xinglin::text
