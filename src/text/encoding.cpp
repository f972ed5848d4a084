// SPDX-License-Identifier: Apache-2.0
// Base64, hexadecimal, masks and the small ASCII operations.
#include <array>
#include <cstdint>

#include "text/text.h"
#include "text/utf8.h"

namespace xinglin::text {

namespace {

constexpr std::string_view standard_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view url_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string encode(std::string_view bytes, std::string_view alphabet, bool padded) {
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    const auto byte = [&](std::size_t i) {
        return i < bytes.size() ? static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])) : 0u;
    };
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        const std::uint32_t group = byte(at) << 16 | byte(at + 1) << 8 | byte(at + 2);
        const std::size_t digits = std::min<std::size_t>(bytes.size() - at, 3) + 1;
        for (std::size_t i = 0; i < digits; ++i) out += alphabet[group >> (18 - 6 * i) & 63];
        if (padded) out.append(4 - digits, '=');
    }
    return out;
}

constexpr std::array<std::int8_t, 256> digit_values = [] {
    std::array<std::int8_t, 256> values{};
    values.fill(-1);
    for (std::size_t i = 0; i < standard_alphabet.size(); ++i) {
        values[static_cast<unsigned char>(standard_alphabet[i])] = static_cast<std::int8_t>(i);
    }
    return values;
}();

/// Where each code point begins, and the end.
std::vector<std::size_t> boundaries(std::string_view text) {
    std::vector<std::size_t> at{0};
    for (std::size_t i = 0; i < text.size();) {
        next_code_point(text, i);
        at.push_back(i);
    }
    return at;
}

std::string masked(std::string_view text, std::size_t keep_front, std::size_t keep_back) {
    const auto at = boundaries(text);
    const std::size_t count = at.size() - 1;
    std::string out(text.substr(0, at[keep_front]));
    out.append(count - keep_front - keep_back, '*');
    out += text.substr(at[count - keep_back]);
    return out;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::string base64(std::string_view bytes) { return encode(bytes, standard_alphabet, true); }
std::string base64_url(std::string_view bytes) { return encode(bytes, url_alphabet, false); }

std::optional<std::string> base64_decode(std::string_view text) {
    std::string out;
    out.reserve(text.size() / 4 * 3);
    std::uint32_t group = 0;
    int digits = 0, padding = 0;
    for (const char c : text) {
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n') continue;
        const int value = digit_values[static_cast<unsigned char>(c)];
        if (c == '=') {
            if (++padding > 2 || digits + padding > 4 || digits < 2) return std::nullopt;
        } else if (value < 0 || padding > 0) {
            return std::nullopt;
        } else {
            group = group << 6 | static_cast<std::uint32_t>(value);
            ++digits;
        }
        if (digits + padding < 4) continue;
        group <<= 6 * padding;
        if ((padding == 1 && group & 0xFF) || (padding == 2 && group & 0xFFFF))
            return std::nullopt;  // bits that say nothing must be 0
        for (int i = 0; i < 3 - padding; ++i) out += static_cast<char>(group >> (16 - 8 * i) & 0xFF);
        if (padding > 0) {
            digits = -1;  // the end: only white space may follow
        } else {
            digits = 0;
        }
        group = 0;
    }
    if (digits > 0 || (padding > 0 && digits != -1)) return std::nullopt;
    return out;
}

std::string hex(std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    out.reserve(bytes.size() * 2);
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        out += digits[byte >> 4];
        out += digits[byte & 15];
    }
    return out;
}

std::string mask_identifier(std::string_view identifier) {
    const std::size_t count = code_points(identifier);
    const std::size_t kept = std::min<std::size_t>(4, count / 4);
    return masked(identifier, kept, kept);
}

std::string mask_phone(std::string_view phone) {
    std::size_t country = 0;  // the country code says nothing about the person
    if (phone.starts_with("+86")) country = 3;
    if (phone.starts_with("0086")) country = 4;
    std::size_t digits = 0;
    for (const char c : phone.substr(country)) digits += is_digit(c) ? 1 : 0;
    const std::size_t back = digits >= 10 ? 4 : digits / 4;
    const std::size_t front = digits >= 10 ? 3 : digits / 4;
    std::string out(phone.substr(0, country));
    std::size_t seen = 0;
    for (const char c : phone.substr(country)) {
        if (!is_digit(c)) {
            // Separators stay; anything else (an extension in words) does not.
            out += c == ' ' || c == '-' || c == '(' || c == ')' || c == '+' || c == '.' ? c : '*';
            continue;
        }
        out += seen < front || seen >= digits - back ? c : '*';
        ++seen;
    }
    return out;
}

std::string lower_ascii(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    }
    return out;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    std::size_t begin = 0;
    for (;;) {
        const std::size_t end = text.find(separator, begin);
        parts.push_back(text.substr(begin, end == std::string_view::npos ? end : end - begin));
        if (end == std::string_view::npos) return parts;
        begin = end + 1;
    }
}

}  // namespace xinglin::text
