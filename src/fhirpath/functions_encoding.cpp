// SPDX-License-Identifier: Apache-2.0
// encode, decode, escape, unescape. Source: FHIRPath N1, "Additional String Functions".
#include <algorithm>

#include <fmt/format.h>

#include "fhirpath/functions.h"
#include "fhirpath/lexer.h"
#include "text/text.h"

namespace xinglin::fhirpath {

namespace {

struct Request {
    std::string text, format;
};
std::optional<Request> request_of(Evaluator& evaluator, const Node& call, const Collection& input, const Frame& frame) {
    auto text = evaluator.string_input(input, call.name);
    if (evaluator.failed()) return std::nullopt;
    auto format = evaluator.string_argument(call, 0, frame);
    if (!text || !format || !evaluator.spend(1 + text->size() / 64)) return std::nullopt;
    if (text->size() > (1u << 20)) {
        evaluator.fail("a string longer than a megabyte");
        return std::nullopt;
    }
    return Request{std::move(*text), std::move(*format)};
}

/// base64 with the alphabet of URLs, padded, as the specification of encode() has it.
std::string to_url_alphabet(std::string text) {
    std::replace(text.begin(), text.end(), '+', '-');
    std::replace(text.begin(), text.end(), '/', '_');
    return text;
}
std::string from_url_alphabet(std::string text) {
    std::replace(text.begin(), text.end(), '-', '+');
    std::replace(text.begin(), text.end(), '_', '/');
    text.append((4 - text.size() % 4) % 4, '=');
    return text;
}

Collection run_encode(Evaluator& evaluator, const Node& call, Collection input, const Frame& frame) {
    const auto request = request_of(evaluator, call, input, frame);
    if (!request) return {};
    if (request->format == "hex") return one(make(text::hex(request->text)));
    if (request->format == "base64") return one(make(text::base64(request->text)));
    if (request->format == "urlbase64") return one(make(to_url_alphabet(text::base64(request->text))));
    return {};
}

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

std::optional<std::string> hex_decode(std::string_view hex) {
    if (hex.size() % 2 != 0) return std::nullopt;
    std::string out;
    for (std::size_t i = 0; i < hex.size(); i += 2) {
        const int high = hex_value(hex[i]), low = hex_value(hex[i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        out += static_cast<char>(high * 16 + low);
    }
    return out;
}

Collection run_decode(Evaluator& evaluator, const Node& call, Collection input, const Frame& frame) {
    const auto request = request_of(evaluator, call, input, frame);
    if (!request) return {};
    std::optional<std::string> bytes;
    if (request->format == "hex") bytes = hex_decode(request->text);
    if (request->format == "base64") bytes = text::base64_decode(request->text);
    if (request->format == "urlbase64") bytes = text::base64_decode(from_url_alphabet(request->text));
    if (!bytes || !text::is_utf8(*bytes)) return {};  // strings are text, not bytes
    return one(make(std::move(*bytes)));
}

std::string escape_html(std::string_view text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '&': out += "&amp;"; break;
            case '"': out += "&quot;"; break;
            default: out += c;
        }
    }
    return out;
}

std::string escape_json(std::string_view text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '"': out += "\\\""; break;
            case '\\': out += "\\\\"; break;
            case '\n': out += "\\n"; break;
            case '\r': out += "\\r"; break;
            case '\t': out += "\\t"; break;
            case '\f': out += "\\f"; break;
            case '\b': out += "\\b"; break;
            default:
                if (static_cast<unsigned char>(c) < 0x20) {
                    out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
                } else {
                    out += c;
                }
        }
    }
    return out;
}

Collection run_escape(Evaluator& evaluator, const Node& call, Collection input, const Frame& frame) {
    const auto request = request_of(evaluator, call, input, frame);
    if (!request) return {};
    if (request->format == "html") return one(make(escape_html(request->text)));
    if (request->format == "json") return one(make(escape_json(request->text)));
    return {};
}

/// The character an entity's name ("amp", "#65", "#x41") stands for; nothing when we don't know it.
std::optional<std::string> entity(std::string_view name) {
    constexpr std::pair<std::string_view, std::string_view> names[] = {
        {"lt", "<"}, {"gt", ">"}, {"amp", "&"}, {"quot", "\""}, {"apos", "'"}, {"nbsp", "\u00A0"},
    };
    for (const auto& [known, character] : names) {
        if (known == name) return std::string(character);
    }
    if (name.size() < 2 || name.size() > 8 || name[0] != '#') return std::nullopt;
    const bool hexadecimal = name[1] == 'x' || name[1] == 'X';
    std::uint32_t code = 0;
    std::string_view digits = name.substr(hexadecimal ? 2 : 1);
    if (digits.empty()) return std::nullopt;
    for (const char c : digits) {
        const int digit = hex_value(c);
        if (digit < 0 || (!hexadecimal && digit > 9)) return std::nullopt;
        code = code * (hexadecimal ? 16 : 10) + static_cast<std::uint32_t>(digit);
    }
    if (code == 0 || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return std::nullopt;
    std::string out;
    append_utf8(code, out);
    return out;
}

std::string unescape_html(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const std::size_t end = text[0] == '&' ? text.substr(0, 12).find(';') : std::string_view::npos;
        const auto character = end == std::string_view::npos ? std::nullopt : entity(text.substr(1, end - 1));
        out += character ? *character : std::string(1, text[0]);
        text.remove_prefix(character ? end + 1 : 1);
    }
    return out;
}

/// By our own string escapes, which are JSON's and a few more.
std::optional<std::string> unescape_json(std::string_view text) {
    std::string literal = "\"";
    literal.append(text).append("\"");
    json::Arena arena;
    const auto parsed = json::parse(literal, arena);
    if (parsed.ok() && parsed->is_string()) return std::string(parsed->string());
    std::string out;  // not quite JSON: undo what escape() does
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\' || i + 1 == text.size()) {
            out += text[i];
            continue;
        }
        const char c = text[++i];
        out += c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c == 'f' ? '\f' : c;
    }
    return out;
}

Collection run_unescape(Evaluator& evaluator, const Node& call, Collection input, const Frame& frame) {
    const auto request = request_of(evaluator, call, input, frame);
    if (!request) return {};
    if (request->format == "html") return one(make(unescape_html(request->text)));
    if (request->format != "json") return {};
    auto result = unescape_json(request->text);
    return result ? one(make(std::move(*result))) : Collection();
}

constexpr Function table[] = {
    {"encode", 1, 1, run_encode},
    {"decode", 1, 1, run_decode},
    {"escape", 1, 1, run_escape},
    {"unescape", 1, 1, run_unescape},
};

}  // namespace

std::span<const Function> encoding_functions() { return table; }

}  // namespace xinglin::fhirpath
