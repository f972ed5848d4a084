// SPDX-License-Identifier: Apache-2.0
// Character sets by the names that HL7 table 0211 and real senders give them.
#include "hl7v2/charset.h"

#include <unicode/ucnv.h>

#include "text/text.h"

namespace xinglin::hl7v2 {

namespace {
struct Name {
    std::string_view said, encoding;  // `said` without anything but letters and digits, upper case
};
constexpr Name names[] = {
    {"UNICODEUTF8", "UTF-8"},   {"UTF8", "UTF-8"},          {"UNICODE", "UTF-8"},       {"ASCII", "US-ASCII"},
    {"USASCII", "US-ASCII"},    {"GB18030", "GB18030"},     {"GB180302000", "GB18030"}, {"GB180302005", "GB18030"},
    {"GB180302022", "GB18030"}, {"GBK", "GB18030"},         {"GB2312", "GB18030"},      {"GB23121980", "GB18030"},
    {"CP936", "GB18030"},       {"MS936", "GB18030"},       {"CNS116431992", "EUC-TW"}, {"BIG5", "Big5"},
    {"BIG-5", "Big5"},          {"88591", "ISO-8859-1"},    {"ISO88591", "ISO-8859-1"}, {"88592", "ISO-8859-2"},
    {"88593", "ISO-8859-3"},    {"88594", "ISO-8859-4"},    {"88595", "ISO-8859-5"},    {"88596", "ISO-8859-6"},
    {"88597", "ISO-8859-7"},    {"88598", "ISO-8859-8"},    {"88599", "ISO-8859-9"},    {"885915", "ISO-8859-15"},
    {"ISOIR6", "US-ASCII"},     {"ISOIR100", "ISO-8859-1"}, {"ISOIR14", "Shift_JIS"},   {"ISOIR87", "ISO-2022-JP"},
    {"ISOIR149", "EUC-KR"},     {"KSX1001", "EUC-KR"},      {"UNICODEUTF16", "UTF-16"}, {"UTF16", "UTF-16"},
    {"UNICODEUTF32", "UTF-32"}, {"UTF16LE", "UTF-16LE"},    {"UTF16BE", "UTF-16BE"},    {"WINDOWS1252", "windows-1252"},
};

struct Converter {
    explicit Converter(const char* encoding) : at(ucnv_open(encoding, &status)) {}
    ~Converter() { ucnv_close(at); }
    Converter(const Converter&) = delete;
    Converter& operator=(const Converter&) = delete;
    UErrorCode status = U_ZERO_ERROR;
    UConverter* at;
};

/// From one to the other by way of UTF-16; nothing at the first sequence that can't be.
std::optional<std::string> converted(std::string_view bytes, const char* from_name, const char* to_name) {
    if (bytes.size() > (1u << 30)) return std::nullopt;
    const Converter from(from_name), to(to_name);
    if (U_FAILURE(from.status) || U_FAILURE(to.status)) return std::nullopt;
    UErrorCode status = U_ZERO_ERROR;
    ucnv_setToUCallBack(from.at, UCNV_TO_U_CALLBACK_STOP, nullptr, nullptr, nullptr, &status);
    ucnv_setFromUCallBack(to.at, UCNV_FROM_U_CALLBACK_STOP, nullptr, nullptr, nullptr, &status);
    std::string out(bytes.size() * 4 + 16, '\0');
    char* target = out.data();
    const char* source = bytes.data();
    UChar pivot[1024];
    UChar *pivot_source = pivot, *pivot_target = pivot;
    ucnv_convertEx(to.at, from.at, &target, out.data() + out.size(), &source, bytes.data() + bytes.size(), pivot, &pivot_source,
                   &pivot_target, pivot + 1024, true, true, &status);
    if (U_FAILURE(status)) return std::nullopt;
    out.resize(static_cast<std::size_t>(target - out.data()));
    return out;
}

bool is_ascii(std::string_view bytes) {
    for (const char c : bytes) {
        if (static_cast<unsigned char>(c) >= 0x80) return false;
    }
    return true;
}
}  // namespace

std::string_view encoding_named(std::string_view name) {
    std::string plain;
    for (const char c : name.substr(0, 40)) {
        if (c >= 'a' && c <= 'z') plain += static_cast<char>(c - 32);
        else if ((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) plain += c;
    }
    for (const Name& each : names) {
        if (each.said == plain) return each.encoding;
    }
    return {};
}

std::optional<std::string> to_utf8(std::string_view bytes, std::string_view encoding) {
    if (encoding == "UTF-8") return text::is_utf8(bytes) ? std::optional(std::string(bytes)) : std::nullopt;
    if (encoding == "US-ASCII") return is_ascii(bytes) ? std::optional(std::string(bytes)) : std::nullopt;
    auto out = converted(bytes, std::string(encoding).c_str(), "UTF-8");
    if (out && !text::is_utf8(*out)) return std::nullopt;
    return out;
}

std::optional<std::string> from_utf8(std::string_view text, std::string_view encoding) {
    if (encoding.empty() || encoding == "UTF-8") return std::string(text);
    if (encoding == "US-ASCII") return is_ascii(text) ? std::optional(std::string(text)) : std::nullopt;
    return converted(text, "UTF-8", std::string(encoding).c_str());
}

}  // namespace xinglin::hl7v2
