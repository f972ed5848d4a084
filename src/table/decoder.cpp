// SPDX-License-Identifier: Apache-2.0
// Finding out an encoding, and reading it.
#include "table/decoder.h"

#include <unicode/ucnv.h>
#include <unicode/ustring.h>

#include <algorithm>

#include "text/text.h"

namespace xinglin::table {

namespace {

constexpr std::size_t piece_bytes = 256u << 10;
constexpr std::string_view replacement = "\xEF\xBF\xBD";

bool is_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

/// How many bytes the character at the front ought to have; 0 for a byte that begins none.
std::size_t utf8_length(unsigned char lead) {
    if (lead < 0x80) return 1;
    if (lead >= 0xC2 && lead < 0xE0) return 2;
    if (lead >= 0xE0 && lead < 0xF0) return 3;
    if (lead >= 0xF0 && lead < 0xF5) return 4;
    return 0;
}

/// Bytes at the end that begin a character which goes on in the next piece.
std::size_t begun_at_end(std::string_view text) {
    for (std::size_t back = 1; back <= std::min<std::size_t>(3, text.size()); ++back) {
        const auto byte = static_cast<unsigned char>(text[text.size() - back]);
        if (byte < 0x80) return 0;
        if (byte >= 0xC0) return utf8_length(byte) > back ? back : 0;
    }
    return 0;
}

/// UTF-16 without a mark: text in Latin letters, digits and commas has a zero in every other byte.
std::string by_zeros(std::string_view first) {
    std::size_t even = 0, odd = 0;
    for (std::size_t i = 0; i < first.size(); ++i)
        if (first[i] == 0) ++(i % 2 == 0 ? even : odd);
    const std::size_t needed = first.size() / 20 + 1;  // Chinese text with few delimiters has few zeros
    if (odd >= needed && odd > even * 8) return "UTF-16LE";
    if (even >= needed && even > odd * 8) return "UTF-16BE";
    return "";
}

/// The usual names of what we read; "" for any other.
std::string known_encoding(std::string_view name) {
    const std::string lower = text::lower_ascii(name);
    if (lower == "utf-8" || lower == "utf8") return "UTF-8";
    if (lower == "gb18030" || lower == "gbk" || lower == "gb2312" || lower == "gb-2312" || lower == "cp936") return "GB18030";
    if (lower == "utf-16le" || lower == "utf-16") return "UTF-16LE";
    if (lower == "utf-16be") return "UTF-16BE";
    return "";
}

}  // namespace

Decoder::~Decoder() {
    if (converter_) ucnv_close(converter_);
}

Result<std::unique_ptr<Decoder>> Decoder::open(std::unique_ptr<Bytes> bytes, std::string encoding) {
    std::unique_ptr<Decoder> decoder(new Decoder);
    decoder->bytes_ = std::move(bytes);
    if (!encoding.empty()) {
        decoder->encoding_ = known_encoding(encoding);
        if (decoder->encoding_.empty())
            return refuse(IssueCode::value, "encoding", "is not known, use UTF-8, GB18030, UTF-16LE or UTF-16BE");
    }
    XINGLIN_CHECK(decoder->start());
    return decoder;
}

Result<Done> Decoder::start() {
    XINGLIN_TRY(std::string first, bytes_->peek(4096));
    const std::string_view view = first;
    std::string marked;
    std::size_t mark = 0;
    if (view.starts_with("\xEF\xBB\xBF")) marked = "UTF-8", mark = 3;
    else if (view.starts_with("\xFF\xFE")) marked = "UTF-16LE", mark = 2;
    else if (view.starts_with("\xFE\xFF")) marked = "UTF-16BE", mark = 2;
    if (mark > 0) {
        encoding_ = marked;  // a mark is stronger than what was expected
        char skipped[4];
        XINGLIN_CHECK(bytes_->read(skipped, mark));
    } else if (encoding_.empty()) {
        encoding_ = by_zeros(view.substr(0, view.size() / 2 * 2));
    }
    return open_converter();
}

Result<Done> Decoder::open_converter() {
    if (encoding_.empty() || encoding_ == "UTF-8" || converter_) return Done{};
    UErrorCode error = U_ZERO_ERROR;
    converter_ = ucnv_open(encoding_.c_str(), &error);
    if (U_FAILURE(error) || !converter_)
        return refuse(IssueCode::not_supported, "encoding",
                      "ICU has no converter for " + encoding_ + ", install ICU with its data");
    return Done{};
}

/// At the first byte that is not ASCII: do the bytes from there on read as UTF-8?
void Decoder::decide(std::string_view piece) {
    const auto other = std::find_if(piece.begin(), piece.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
    std::string_view from(&*other, static_cast<std::size_t>(piece.end() - other));
    from.remove_suffix(begun_at_end(from));
    encoding_ = text::is_utf8(from) ? "UTF-8" : "GB18030";
    if (encoding_ == "UTF-8" || from.size() < 64) return;
    // One slip in a long text of UTF-8 does not make it GB18030: most of its characters would still be well formed.
    std::size_t good = 0, bad = 0;
    for (std::size_t i = 0; i < from.size();) {
        const auto lead = static_cast<unsigned char>(from[i]);
        const std::size_t length = utf8_length(lead);
        if (lead < 0x80) {
            ++i;
        } else if (length > 0 && i + length <= from.size() && text::is_utf8(from.substr(i, length))) {
            ++good, i += length;
        } else {
            ++bad, ++i;
        }
    }
    if (good > bad * 20) encoding_ = "UTF-8";
}

Result<bool> Decoder::more(std::string& out) {
    if (done_) return false;
    piece_.resize(piece_bytes);
    XINGLIN_TRY(const std::size_t got, bytes_->read(piece_.data(), piece_.size()));
    piece_.resize(got);
    done_ = got == 0;
    if (encoding_.empty()) {
        if (is_ascii(piece_)) {
            out += piece_;
            return !done_;
        }
        decide(piece_);
        XINGLIN_CHECK(open_converter());
    }
    if (converter_) append_converted(piece_, out, done_);
    else append_utf8(piece_, out, done_);
    return !done_;
}

void Decoder::append_utf8(std::string_view piece, std::string& out, bool last) {
    std::string joined;
    if (!carried_.empty()) {
        joined = carried_;
        joined += piece;
        piece = joined;
        carried_.clear();
    }
    if (!last) {
        carried_ = piece.substr(piece.size() - begun_at_end(piece));
        piece.remove_suffix(carried_.size());
    }
    if (text::is_utf8(piece)) {
        out += piece;
        return;
    }
    for (std::size_t i = 0; i < piece.size();) {
        const std::size_t length = utf8_length(static_cast<unsigned char>(piece[i]));
        if (length > 0 && i + length <= piece.size() && (length == 1 || text::is_utf8(piece.substr(i, length)))) {
            out += piece.substr(i, length);
            i += length;
        } else {
            out += replacement;
            ++i;
        }
    }
}

void Decoder::append_converted(std::string_view piece, std::string& out, bool last) {
    std::u16string units(piece.size() + 64, u'\0');
    const char* from = piece.data();
    UChar* to = units.data();
    UErrorCode error = U_ZERO_ERROR;
    ucnv_toUnicode(converter_, &to, units.data() + units.size(), &from, piece.data() + piece.size(), nullptr, last, &error);
    units.resize(static_cast<std::size_t>(to - units.data()));
    if (U_FAILURE(error)) out += replacement;
    if (units.empty()) return;
    const std::size_t begin = out.size();
    out.resize(begin + units.size() * 3);
    std::int32_t written = 0;
    error = U_ZERO_ERROR;
    u_strToUTF8WithSub(out.data() + begin, static_cast<std::int32_t>(units.size() * 3), &written, units.data(),
                       static_cast<std::int32_t>(units.size()), 0xFFFD, nullptr, &error);
    out.resize(begin + (U_FAILURE(error) ? 0 : static_cast<std::size_t>(written)));
}

}  // namespace xinglin::table
