// SPDX-License-Identifier: Apache-2.0
// Splits an expression into tokens.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace xinglin::fhirpath {

struct Token {
    enum class Kind : std::uint8_t {
        end,
        identifier,
        delimited,
        string,
        integer,
        long_integer,
        decimal,
        date,
        date_time,
        time,
        symbol,
        special,
        external,
    };
    Kind kind = Kind::end;
    std::uint32_t offset = 0;
    std::string text;  // unescaped content; of symbols, the symbol; of special, "$this"; of external, the name

    bool is_symbol(std::string_view symbol) const { return kind == Kind::symbol && text == symbol; }
    bool is_word(std::string_view word) const { return kind == Kind::identifier && text == word; }
};

class Lexer {
public:
    explicit Lexer(std::string_view text) : text_(text) {}
    /// The next token; nothing when the text cannot be one, and error() says why.
    std::optional<Token> next();
    const std::string& error() const { return error_; }

private:
    std::string_view text_;
    std::size_t at_ = 0;
    std::string error_;

    char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
    bool skip_blanks();
    std::optional<Token> fail(std::string message);
    std::optional<Token> number();
    std::optional<Token> moment();
    std::optional<Token> quoted(char quote, Token::Kind kind);
    bool escape(std::string& out);
    std::size_t digits_from(std::size_t at) const;
    std::optional<std::size_t> time_end(std::size_t at) const;
    std::size_t zone_end(std::size_t at) const;
};

/// Appends a code point as UTF-8.
void append_utf8(std::uint32_t code_point, std::string& out);

}  // namespace xinglin::fhirpath
