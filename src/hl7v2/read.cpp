// SPDX-License-Identifier: Apache-2.0
// Bytes to segments and fields.
//
// Lenient in what real systems do (line ends, a frame left around the message, texts that run over several lines), strict in what
// makes the rest unreadable: no MSH, delimiters that can't be, lines that are no segment.
#include <fmt/format.h>

#include <map>

#include "hl7v2/charset.h"
#include "hl7v2/hl7v2.h"
#include "text/text.h"

namespace xinglin::hl7v2 {

namespace {

constexpr std::string_view white = " \t\r\n\x0B\x1C";
constexpr std::string_view utf8_mark = "\xEF\xBB\xBF";

std::string_view trimmed(std::string_view bytes) {
    for (;;) {
        if (bytes.starts_with(utf8_mark)) bytes.remove_prefix(3);
        else if (!bytes.empty() && (white.find(bytes.front()) != std::string_view::npos || bytes.front() == '\0'))
            bytes.remove_prefix(1);
        else break;
    }
    while (!bytes.empty() &&
           (white.find(bytes.back()) != std::string_view::npos || bytes.back() == '\0' || bytes.back() == '\x1A'))
        bytes.remove_suffix(1);
    return bytes;
}

std::string_view first_line(std::string_view bytes) { return bytes.substr(0, bytes.find_first_of("\r\n")); }

/// MSH-18 of bytes not decoded yet: the header is ASCII in every encoding that can be named there but UTF-16.
std::string_view said_encoding(std::string_view bytes) {
    const std::string_view header = first_line(bytes.substr(0, 4096));
    if (header.size() < 5) return {};
    const char separator = header[3];
    std::size_t at = 3;
    for (int field = 2; field < 18; ++field) {
        at = header.find(separator, at + 1);
        if (at == std::string_view::npos) return {};
    }
    std::string_view value = header.substr(at + 1);
    value = value.substr(0, value.find(separator));
    return value.substr(0, value.find('~'));  // the first is the one in use
}

struct Decoded {
    std::string text, encoding;
};

std::optional<Decoded> decode_marked(std::string_view bytes) {
    for (const auto& [mark, name] :
         {std::pair<std::string_view, const char*>{"\xFF\xFE", "UTF-16LE"}, {"\xFE\xFF", "UTF-16BE"}}) {
        if (!bytes.starts_with(mark)) continue;
        if (auto text = to_utf8(bytes.substr(2), name)) return Decoded{std::move(*text), name};
    }
    return std::nullopt;
}

Result<Decoded> decode(std::string_view bytes, const message::Sender& sender, std::vector<message::Note>& notes) {
    if (auto marked = decode_marked(bytes)) return std::move(*marked);
    bytes = trimmed(bytes);
    if (!sender.encoding.empty()) {
        const std::string_view name = encoding_named(sender.encoding);
        if (name.empty()) return refuse(IssueCode::not_supported, "encoding", "of the source is not known, set UTF-8 or GB18030");
        if (auto text = to_utf8(bytes, name)) return Decoded{std::move(*text), std::string(name)};
    }
    const std::string_view said = said_encoding(bytes);
    const std::string_view name = encoding_named(said);
    if (!name.empty()) {
        if (auto text = to_utf8(bytes, name)) return Decoded{std::move(*text), std::string(name)};
        notes.push_back({"MSH-18", "the text is not of the character set that is named here", "charset"});
    } else if (!said.empty()) {
        notes.push_back({"MSH-18", "names an unknown character set", "charset"});
    }
    for (const char* guess : {"UTF-8", "GB18030", "windows-1252"}) {
        if (auto text = to_utf8(bytes, guess)) return Decoded{std::move(*text), guess};
    }
    return refuse(IssueCode::invalid, "MSH-18",
                  "the text is neither UTF-8 nor GB18030, name its character set here or in the source's settings");
}

bool is_name(std::string_view text) {
    if (text.size() < 3) return false;
    const auto upper = [](char c) { return c >= 'A' && c <= 'Z'; };
    const auto either = [&](char c) { return upper(c) || (c >= '0' && c <= '9'); };
    return upper(text[0]) && either(text[1]) && either(text[2]);
}

Result<Delimiters> delimiters_of(std::string_view header) {
    if (header.size() < 8) return refuse(IssueCode::structure, "MSH", "ends early: the message is cut off, send it whole");
    Delimiters d;
    d.field = header[3];
    const std::string_view encoding = header.substr(4, header.find(d.field, 4) - 4);
    const auto usable = [](char c) {
        const bool word = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        return static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7F && !word && c != '"';
    };
    if (!usable(d.field)) return refuse(IssueCode::structure, "MSH-1", "is no separator, put one after MSH, usually |");
    if (encoding.size() < 2 || encoding.size() > 5)
        return refuse(IssueCode::structure, "MSH-2", "must hold two to five delimiters, usually ^~\\&");
    char* const places[] = {&d.component, &d.repetition, &d.escape, &d.subcomponent, &d.truncation};
    d.escape = d.subcomponent = '\0';
    for (std::size_t i = 0; i < encoding.size(); ++i) {
        if (!usable(encoding[i]) || encoding[i] == d.field || encoding.find(encoding[i]) != i)
            return refuse(IssueCode::structure, "MSH-2", "holds the same delimiter twice or a letter, usually it is ^~\\&");
        *places[i] = encoding[i];
    }
    return d;
}

/// Cuts decoded text into segments and fields.
class Cutter {
public:
    Cutter(Message& message, const Limits& limits) : m_(message), limits_(limits), all_(*message.text) {}

    Result<Done> cut() {
        std::size_t at = 0;
        while (at < all_.size()) {
            std::size_t end = all_.find_first_of("\r\n", at);
            if (end == std::string_view::npos) end = all_.size();
            ++line_;
            if (end < all_.size() && all_[end] == '\r' && end + 1 < all_.size() && all_[end + 1] == '\n') {
                XINGLIN_CHECK(take(at, end));
                at = end + 2;
                continue;
            }
            XINGLIN_CHECK(take(at, end));
            at = end + 1;
        }
        count();
        return Done{};
    }

private:
    std::string place() const {
        return m_.segments.empty() ? fmt::format("line {}", line_)
                                   : fmt::format("line {}, after {}", line_, m_.segments.back().name);
    }

    Result<Done> take(std::size_t at, std::size_t end) {
        std::string_view line = all_.substr(at, end - at);
        while (!line.empty() && (line.back() == '\x1C' || line.back() == '\x0B' || line.back() == '\0')) line.remove_suffix(1);
        const std::size_t start = line.find_first_not_of(" \t\x0B\x1C");
        if (start == std::string_view::npos) return Done{};
        const std::string_view content = line.substr(start);
        if (is_name(content) && (content.size() == 3 || content[3] == m_.delimiters.field)) return segment(content);
        return continuation(at, line);
    }

    Result<Done> segment(std::string_view line) {
        if (m_.segments.size() >= limits_.segments)
            return refuse(IssueCode::too_costly, place(),
                          fmt::format("more than {} segments, split the message", limits_.segments));
        const std::string_view name = line.substr(0, 3);
        if (name == "MSH" && !m_.segments.empty())
            return refuse(IssueCode::structure, place(), "a second MSH, send messages one by one");
        if (name == "BTS" || name == "FTS") return Done{};
        Segment segment{name, static_cast<std::uint32_t>(m_.fields.size()), 0, line_, 1, 1};
        if (name == "MSH") m_.fields.push_back(line.substr(3, 1));
        std::size_t at = 3;
        while (at < line.size()) {
            std::size_t end = line.find(m_.delimiters.field, at + 1);
            if (end == std::string_view::npos) end = line.size();
            m_.fields.push_back(line.substr(at + 1, end - at - 1));
            at = end;
            if (m_.fields.size() > limits_.fields)
                return refuse(IssueCode::too_costly, place(),
                              fmt::format("more than {} fields, split the message", limits_.fields));
        }
        segment.count = static_cast<std::uint32_t>(m_.fields.size()) - segment.first;
        m_.segments.push_back(segment);
        return Done{};
    }

    /// A text may run over several lines, though it should not: then the line belongs to the last field.
    Result<Done> continuation(std::size_t at, std::string_view line) {
        const Segment& last = m_.segments.back();
        const bool named = is_name(line.substr(line.find_first_not_of(" \t")));
        if (named) {
            return refuse(
                IssueCode::structure, place(),
                "a segment name is not followed by the delimiter of MSH-1, use the same delimiters in the whole message");
        }
        if ((last.name != "OBX" && last.name != "NTE" && last.name != "TXA") || last.count == 0)
            return refuse(IssueCode::structure, place(),
                          "this line is no segment: a segment begins with three letters and ends with CR");
        std::string_view& field = m_.fields.back();
        const char* const begin = field.data();
        field = {begin, static_cast<std::size_t>(all_.data() + at + line.size() - begin)};
        if (const auto stop = line.find(m_.delimiters.field); stop != std::string_view::npos) {  // the segment goes on behind it
            field = {begin, static_cast<std::size_t>(line.data() + stop - begin)};
            std::size_t from = stop;
            while (from < line.size() && m_.fields.size() <= limits_.fields) {
                std::size_t end = line.find(m_.delimiters.field, from + 1);
                if (end == std::string_view::npos) end = line.size();
                m_.fields.push_back(line.substr(from + 1, end - from - 1));
                ++m_.segments.back().count;
                from = end;
            }
        }
        if (continued_ != m_.segments.size())
            m_.notes.push_back({m_.place(m_.segments.back()), "its text runs over several lines", "continued"});
        continued_ = m_.segments.size();
        return Done{};
    }

    void count() {
        std::map<std::string_view, std::uint32_t> seen;
        for (Segment& each : m_.segments) each.occurrence = ++seen[each.name];
        for (Segment& each : m_.segments) each.occurrences = seen[each.name];
    }

    Message& m_;
    const Limits& limits_;
    std::string_view all_;
    std::uint32_t line_ = 0;
    std::size_t continued_ = 0;
};

}  // namespace

std::string_view Message::field(const Segment& segment, std::uint32_t number) const {
    return number == 0 || number > segment.count ? std::string_view{} : fields[segment.first + number - 1];
}

const Segment* Message::find(std::string_view name) const {
    for (const Segment& each : segments) {
        if (each.name == name) return &each;
    }
    return nullptr;
}

std::string Message::place(const Segment& segment, std::uint32_t number) const {
    std::string out(segment.name);
    if (segment.occurrences > 1) out += fmt::format("[{}]", segment.occurrence);
    if (number > 0) out += fmt::format("-{}", number);
    return out;
}

Result<Message> read(std::string_view bytes, const message::Sender& sender, const Limits& limits) {
    if (bytes.size() > limits.bytes)
        return refuse(IssueCode::too_costly, "message", fmt::format("is larger than {} bytes, split it", limits.bytes));
    Message out;
    XINGLIN_TRY(Decoded decoded, decode(bytes, sender, out.notes));
    std::string_view text = trimmed(decoded.text);
    while (text.starts_with("FHS") || text.starts_with("BHS")) {  // the envelope of a batch of one
        const std::size_t end = text.find_first_of("\r\n");
        text = end == std::string_view::npos ? std::string_view{} : trimmed(text.substr(end));
    }
    if (text.empty()) return refuse(IssueCode::structure, "message", "is empty");
    if (!text.starts_with("MSH")) return refuse(IssueCode::structure, "line 1", "the message does not begin with MSH");
    out.text = std::make_unique<const std::string>(text);
    out.encoding = std::move(decoded.encoding);
    XINGLIN_TRY(out.delimiters, delimiters_of(first_line(*out.text)));
    XINGLIN_CHECK(Cutter(out, limits).cut());
    return out;
}

Result<message::Facts> facts_of(std::string_view bytes, const message::Sender& sender) {
    XINGLIN_TRY(const Message message, read(bytes, sender));
    return facts_of(message, sender);
}

std::vector<Piece> split(std::string_view file) {
    std::vector<Piece> out;
    std::size_t begin = 0, begin_line = 1, line = 1;
    bool is_message = false;
    const auto close = [&](std::size_t end) {
        const std::string_view piece = file.substr(begin, end - begin);
        if (is_message || !trimmed(piece).empty()) out.push_back({piece, begin_line});
    };
    std::size_t at = 0;
    while (at < file.size()) {
        std::size_t end = file.find_first_of("\r\n", at);
        if (end == std::string_view::npos) end = file.size();
        const std::string_view content = trimmed(file.substr(at, end - at));
        const bool envelope =
            content.starts_with("FHS") || content.starts_with("BHS") || content.starts_with("BTS") || content.starts_with("FTS");
        const bool named = content.size() > 3 && !(content[3] >= '0' && content[3] <= '9') &&
                           !(content[3] >= 'A' && content[3] <= 'z' && content[3] != '^' && content[3] != '\\');
        std::size_t next = std::min(file.size(), end + 1);
        if (end + 1 < file.size() && file[end] == '\r' && file[end + 1] == '\n') ++next;
        if ((content.starts_with("MSH") || envelope) && (named || content.size() == 3)) {
            close(at);
            begin = envelope ? next : at;
            begin_line = envelope ? line + 1 : line;
            is_message = !envelope;
        }
        at = next;
        ++line;
    }
    close(file.size());
    if (out.empty()) out.push_back({file, 1});
    return out;
}

std::string canonical(std::string_view bytes) {
    bytes = trimmed(bytes);
    std::string out;
    out.reserve(bytes.size());
    for (const char c : bytes) {
        const bool end = c == '\r' || c == '\n';
        if (end && !out.empty() && out.back() == '\r') continue;
        out += end ? '\r' : c;
    }
    return out;
}

}  // namespace xinglin::hl7v2
