// SPDX-License-Identifier: Apache-2.0
// Escape sequences of ER7 (HL7 v2.8 chapter 2.7), in and out.
#include <fmt/format.h>

#include "hl7v2/charset.h"
#include "hl7v2/hl7v2.h"
#include "text/text.h"

namespace xinglin::hl7v2 {

namespace {

int digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

/// Bytes written in hexadecimal; nothing when they are not.
std::optional<std::string> bytes_of(std::string_view hex) {
    if (hex.empty() || hex.size() % 2 != 0) return std::nullopt;
    std::string out;
    for (std::size_t i = 0; i < hex.size(); i += 2) {
        const int high = digit(hex[i]), low = digit(hex[i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        out += static_cast<char>(high * 16 + low);
    }
    return out;
}

/// \Xhh…\: UTF-8 if it is, else GB18030, else Latin 1; control characters become spaces except tab, CR, LF.
std::optional<std::string> hexadecimal(std::string_view hex) {
    auto bytes = bytes_of(hex);
    if (!bytes) return std::nullopt;
    for (char& c : *bytes) {
        if (static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\r' && c != '\n') c = ' ';
    }
    if (text::is_utf8(*bytes)) return bytes;
    if (auto chinese = to_utf8(*bytes, "GB18030")) return chinese;
    return to_utf8(*bytes, "ISO-8859-1");
}

/// \Cxxyy\ and \Mxxyyzz\ switch the character set (ISO 2022). Messages are decoded as a whole before, so what is switched to is
/// already read; the sequence itself is no text.
bool is_switch(std::string_view inside) { return (inside[0] == 'C' || inside[0] == 'M') && bytes_of(inside.substr(1)); }

std::size_t number_after(std::string_view text) {
    std::size_t number = 0;
    for (const char c : text) {
        if (c >= '0' && c <= '9' && number < 100) number = number * 10 + static_cast<std::size_t>(c - '0');
    }
    return number;
}

/// Formatting commands of FT: a line break, blank lines, the rest are about the look.
std::optional<std::string> command(std::string_view inside) {
    if (inside == ".br" || inside.starts_with(".ce")) return "\n";
    if (inside.starts_with(".sp"))
        return std::string(std::max<std::size_t>(1, std::min<std::size_t>(20, number_after(inside))), '\n');
    if (inside.starts_with(".sk"))
        return std::string(std::max<std::size_t>(1, std::min<std::size_t>(80, number_after(inside))), ' ');
    for (const std::string_view look : {".fi", ".nf", ".in", ".ti"}) {
        if (inside.starts_with(look)) return "";
    }
    return std::nullopt;
}

std::optional<std::string> meaning(std::string_view inside, const Delimiters& d) {
    if (inside.empty()) return std::nullopt;
    if (inside.size() == 1) {
        switch (inside[0]) {
            case 'F': return std::string(1, d.field);
            case 'S': return std::string(1, d.component);
            case 'T': return std::string(1, d.subcomponent);
            case 'R': return std::string(1, d.repetition);
            case 'E': return std::string(1, d.escape);
            case 'P': return std::string(1, d.truncation != '\0' ? d.truncation : '#');
            case 'H':
            case 'N': return "";
            default: return std::nullopt;
        }
    }
    if (inside[0] == 'X') return hexadecimal(inside.substr(1));
    if (inside[0] == '.') return command(inside);
    if (inside[0] == 'Z' || is_switch(inside)) return "";
    return std::nullopt;
}

}  // namespace

std::string unescape(std::string_view text, const Delimiters& d) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c != d.escape) {
            // Control characters are no text in FHIR.
            if (static_cast<unsigned char>(c) >= 0x20 || c == '\t' || c == '\n' || c == '\r') out += c;
            continue;
        }
        const std::size_t end = text.find(d.escape, i + 1);
        const auto found = end == std::string_view::npos ? std::nullopt : meaning(text.substr(i + 1, end - i - 1), d);
        if (!found) {
            out += c;  // a backslash that escapes nothing: real systems write paths
            continue;
        }
        out += *found;
        i = end;
    }
    return out;
}

std::string escape(std::string_view text, const Delimiters& d) {
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        const auto sequence = [&](char letter) {
            out += d.escape;
            out += letter;
            out += d.escape;
        };
        if (c == d.field) sequence('F');
        else if (c == d.component) sequence('S');
        else if (c == d.subcomponent) sequence('T');
        else if (c == d.repetition) sequence('R');
        else if (c == d.escape) sequence('E');
        else if (c == '\n') out += fmt::format("{0}.br{0}", d.escape);
        else if (c == '\r') continue;
        else out += c;
    }
    return out;
}

}  // namespace xinglin::hl7v2
