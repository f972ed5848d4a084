// SPDX-License-Identifier: Apache-2.0
// Tokens of FHIRPath. Source: FHIRPath N1, "Lexical Elements" and the grammar.
#include "fhirpath/lexer.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace xinglin::fhirpath {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

int hex_value(char c) {
    if (is_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

}  // namespace

void append_utf8(std::uint32_t c, std::string& out) {
    if (c < 0x80) {
        out += static_cast<char>(c);
    } else if (c < 0x800) {
        out += static_cast<char>(0xC0 | c >> 6);
        out += static_cast<char>(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        out += static_cast<char>(0xE0 | c >> 12);
        out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
        out += static_cast<char>(0x80 | (c & 0x3F));
    } else {
        out += static_cast<char>(0xF0 | c >> 18);
        out += static_cast<char>(0x80 | (c >> 12 & 0x3F));
        out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
        out += static_cast<char>(0x80 | (c & 0x3F));
    }
}

std::optional<Token> Lexer::fail(std::string message) {
    error_ = fmt::format("at offset {}: {}", at_, message);
    return std::nullopt;
}

bool Lexer::skip_blanks() {
    for (;;) {
        const char c = peek();
        if (c != '\0' && (c == ' ' || c == '\t' || c == '\r' || c == '\n')) {
            ++at_;
        } else if (c == '/' && peek(1) == '/') {
            while (at_ < text_.size() && peek() != '\n' && peek() != '\r') ++at_;
        } else if (c == '/' && peek(1) == '*') {
            const std::size_t close = text_.find("*/", at_ + 2);
            if (close == std::string_view::npos) return false;
            at_ = close + 2;
        } else {
            return true;
        }
    }
}

std::optional<Token> Lexer::next() {
    if (!skip_blanks()) return fail("a comment is not closed");
    Token token;
    token.offset = static_cast<std::uint32_t>(at_);
    if (at_ >= text_.size()) return token;
    const char c = peek();
    if (is_digit(c)) return number();
    if (c == '@') return moment();
    if (c == '\'') return quoted('\'', Token::Kind::string);
    if (c == '`') return quoted('`', Token::Kind::delimited);
    if (is_letter(c)) {
        const std::size_t begin = at_;
        while (is_letter(peek()) || is_digit(peek())) ++at_;
        token.kind = Token::Kind::identifier;
        token.text = text_.substr(begin, at_ - begin);
        return token;
    }
    if (c == '$') {
        for (const std::string_view word : {"$this", "$index", "$total"}) {
            if (text_.substr(at_, word.size()) != word) continue;
            at_ += word.size();
            if (is_letter(peek()) || is_digit(peek())) return fail("unknown word after $");
            token.kind = Token::Kind::special;
            token.text = word;
            return token;
        }
        return fail("unknown word after $");
    }
    if (c == '%') {
        ++at_;
        std::optional<Token> name;
        if (peek() == '\'') {
            name = quoted('\'', Token::Kind::external);
        } else if (peek() == '`') {
            name = quoted('`', Token::Kind::external);
        } else if (is_letter(peek())) {
            const std::size_t begin = at_;
            while (is_letter(peek()) || is_digit(peek())) ++at_;
            name = token;
            name->kind = Token::Kind::external;
            name->text = text_.substr(begin, at_ - begin);
        } else {
            return fail("a name is expected after %");
        }
        if (name) name->offset = token.offset;
        return name;
    }
    token.kind = Token::Kind::symbol;
    constexpr std::array<std::string_view, 4> pairs = {"<=", ">=", "!=", "!~"};
    const std::string_view two = text_.substr(at_, 2);
    if (std::find(pairs.begin(), pairs.end(), two) != pairs.end()) {
        at_ += 2;
        token.text = two;
        return token;
    }
    if (c == '\0' || std::string_view("()[]{}.,+-*/|&<>=~").find(c) == std::string_view::npos) {
        return fail("a character that does not belong in an expression");
    }
    ++at_;
    token.text = c;
    return token;
}

std::optional<Token> Lexer::number() {
    Token token;
    token.offset = static_cast<std::uint32_t>(at_);
    const std::size_t begin = at_;
    at_ = digits_from(at_);
    token.kind = Token::Kind::integer;
    if (peek() == '.' && is_digit(peek(1))) {
        at_ = digits_from(at_ + 1);
        token.kind = Token::Kind::decimal;
    }
    token.text = text_.substr(begin, at_ - begin);
    if (peek() == 'L' && token.kind == Token::Kind::integer) {
        ++at_;
        token.kind = Token::Kind::long_integer;
    }
    if (is_letter(peek())) return fail("a number runs into a name");
    if (token.text.size() > 200) return fail("a number with more than 200 digits");
    return token;
}

std::size_t Lexer::digits_from(std::size_t at) const {
    while (at < text_.size() && is_digit(text_[at])) ++at;
    return at;
}

/// hh[:mm[:ss[.f+]]]; nothing when it does not begin with two digits.
std::optional<std::size_t> Lexer::time_end(std::size_t at) const {
    const auto two_digits = [this](std::size_t i) {
        return i + 1 < text_.size() && is_digit(text_[i]) && is_digit(text_[i + 1]);
    };
    if (!two_digits(at)) return std::nullopt;
    at += 2;
    for (int part = 0; part < 2 && at < text_.size() && text_[at] == ':' && two_digits(at + 1); ++part) {
        at += 3;
        if (part == 1 && at + 1 < text_.size() && text_[at] == '.' && is_digit(text_[at + 1])) at = digits_from(at + 1);
    }
    return at;
}

/// After a time: Z or ±hh:mm; the same place when there is none.
std::size_t Lexer::zone_end(std::size_t at) const {
    if (at >= text_.size()) return at;
    if (text_[at] == 'Z') return at + 1;
    const std::string_view zone = text_.substr(at, 6);
    const bool whole = zone.size() == 6 && (zone[0] == '+' || zone[0] == '-') && is_digit(zone[1]) && is_digit(zone[2]) &&
                       zone[3] == ':' && is_digit(zone[4]) && is_digit(zone[5]);
    return whole ? at + 6 : at;
}

std::optional<Token> Lexer::moment() {
    Token token;
    token.offset = static_cast<std::uint32_t>(at_);
    ++at_;
    const std::size_t begin = at_;
    if (peek() == 'T') {
        const auto end = time_end(at_ + 1);
        if (!end) return fail("a time is written @Thh:mm:ss");
        token.kind = Token::Kind::time;
        at_ = zone_end(*end);  // a zone is refused later, when its meaning is asked for
        token.text = text_.substr(begin + 1, at_ - begin - 1);
        return token;
    }
    std::size_t end = digits_from(at_);
    if (end - at_ != 4) return fail("a date is written @YYYY-MM-DD");
    for (int part = 0;
         part < 2 && end + 2 < text_.size() && text_[end] == '-' && is_digit(text_[end + 1]) && is_digit(text_[end + 2]);
         ++part) {
        end += 3;
    }
    token.kind = Token::Kind::date;
    token.text = text_.substr(begin, end - begin);
    at_ = end;
    if (peek() == 'T') {
        token.kind = Token::Kind::date_time;
        ++at_;
        if (const auto time = time_end(at_)) {
            at_ = zone_end(*time);
            token.text = text_.substr(begin, at_ - begin);
        }
    }
    if (is_letter(peek()) || is_digit(peek())) return fail("a date runs into something else");
    return token;
}

std::optional<Token> Lexer::quoted(char quote, Token::Kind kind) {
    Token token;
    token.kind = kind;
    token.offset = static_cast<std::uint32_t>(at_);
    ++at_;
    while (at_ < text_.size() && peek() != quote) {
        if (peek() != '\\') {
            token.text += text_[at_++];
        } else if (!escape(token.text)) {
            return std::nullopt;
        }
    }
    if (at_ >= text_.size()) return fail("a quotation is not closed");
    ++at_;
    return token;
}

/// After a backslash. One that begins no known escape is dropped, and what follows it stands for itself.
bool Lexer::escape(std::string& out) {
    ++at_;
    if (at_ >= text_.size()) {
        fail("a quotation is not closed");
        return false;
    }
    const char c = text_[at_++];
    switch (c) {
        case 'r': out += '\r'; return true;
        case 'n': out += '\n'; return true;
        case 't': out += '\t'; return true;
        case 'f': out += '\f'; return true;
        case 'u': break;
        default: out += c; return true;
    }
    const auto four_digits = [this](std::size_t at) -> std::int32_t {
        std::int32_t value = 0;
        for (std::size_t i = at; i < at + 4; ++i) {
            const int digit = i < text_.size() ? hex_value(text_[i]) : -1;
            if (digit < 0) return -1;
            value = value * 16 + digit;
        }
        return value;
    };
    std::int32_t code = four_digits(at_);
    if (code < 0) {
        out += 'u';
        return true;
    }
    at_ += 4;
    if (code >= 0xD800 && code < 0xDC00 && peek() == '\\' && peek(1) == 'u') {
        const std::int32_t low = four_digits(at_ + 2);
        if (low >= 0xDC00 && low < 0xE000) {
            code = 0x10000 + (code - 0xD800) * 0x400 + (low - 0xDC00);
            at_ += 6;
        }
    }
    if (code >= 0xD800 && code < 0xE000) code = 0xFFFD;
    append_utf8(static_cast<std::uint32_t>(code), out);
    return true;
}

}  // namespace xinglin::fhirpath
