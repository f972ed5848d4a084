// SPDX-License-Identifier: Apache-2.0
// Marks into files that leave, and out of them again.
#include "server/watermark.h"

#include <fmt/format.h>

#include <memory>

#include "calendar/calendar.h"
#include "http/stream.h"
#include "text/text.h"

namespace xinglin::server {

namespace {

constexpr std::string_view begin = "XINGLIN ", column = "downloaded_by";

/// What may stand in a cell and in a JSON string as it is.
std::string plain(std::string_view text) {
    std::string out;
    for (const char c : text.substr(0, 80)) out += c > ' ' && c != '"' && c != '\\' && c != ',' && c != '\x7f' ? c : '_';
    return out.empty() ? "-" : out;
}

/// At the end of a workbook as the comment of the ZIP archive that it is (APPNOTE 6.3.10, 4.3.16), of a PDF as a comment after its end.
void mark_end(std::string& body, const std::string& mark) {
    constexpr std::size_t end_record = 22;
    if (body.starts_with("%PDF-")) {
        body += (body.ends_with('\n') ? "%" : "\n%") + mark + "\n";
    } else if (body.size() >= end_record && body.compare(body.size() - end_record, 4, "PK\5\6") == 0 &&
               body.ends_with(std::string_view("\0\0", 2))) {
        body[body.size() - 2] = static_cast<char>(mark.size() & 0xff);
        body[body.size() - 1] = static_cast<char>(mark.size() >> 8);
        body += mark;
    }
}

}  // namespace

std::string mark_text(const access::Viewer& viewer, const http::Request& request, std::int64_t at_ms) {
    return fmt::format("{}{} {} {} {}", begin, plain(request.trace_id), plain(viewer.name), calendar::instant_text(at_ms),
                       plain(request.peer));
}

std::optional<MarkRead> read_mark(std::string_view text) {
    for (std::size_t at = text.find(begin); at != std::string_view::npos; at = text.find(begin, at + 1)) {
        const std::string_view rest = text.substr(at + begin.size(), 400);
        const auto words = text::split(rest.substr(0, rest.find_first_of("\"<>\r\n,;")), ' ');
        if (words.size() < 4 || words[0].size() != 32 || words[0].find_first_not_of("0123456789abcdef") != std::string_view::npos)
            continue;
        return MarkRead{std::string(words[0]), std::string(words[1]), std::string(words[2]), std::string(words[3])};
    }
    return std::nullopt;
}

void Stamp::end_line(std::string& out, bool carriage_return) {
    if (kind_ == Kind::csv && !empty_) out += header_ ? fmt::format(",{}", column) : fmt::format(",\"{}\"", mark_);
    if (!empty_) header_ = false;
    empty_ = true;
    if (carriage_return) out += '\r';
    out += '\n';
}

std::string Stamp::next(std::string_view piece) {
    std::string out;
    out.reserve(piece.size() + piece.size() / 4);
    for (const char c : piece) {
        if (pending_brace_) {  // of a line of JSON: was it the last one?
            pending_brace_ = false;
            if (c == '\n' || c == '\r') out += fmt::format("{}\"{}\":\"{}\"}}", header_ ? "" : ",", column, mark_);
            else out += '}';
            header_ = false;
        }
        if (kind_ == Kind::ndjson) {
            if (c == '}') {
                pending_brace_ = true;
                continue;
            }
            header_ = c == '{' || (header_ && c == ' ');  // an empty object wants no comma
            out += c;
            continue;
        }
        if (pending_return_) {
            pending_return_ = false;
            if (c == '\n') {
                end_line(out, true);
                continue;
            }
            out += '\r';
        }
        if (c == '"') quoted_ = !quoted_;
        if (!quoted_ && c == '\r') {
            pending_return_ = true;
        } else if (!quoted_ && c == '\n') {
            end_line(out, false);
        } else {
            empty_ = false;
            out += c;
        }
    }
    return out;
}

std::string Stamp::end() {
    std::string out;
    if (pending_brace_) out = fmt::format("{}\"{}\":\"{}\"}}", header_ ? "" : ",", column, mark_);
    if (kind_ == Kind::csv && !empty_) out += header_ ? fmt::format(",{}", column) : fmt::format(",\"{}\"", mark_);
    if (pending_return_) out += '\r';
    pending_brace_ = pending_return_ = false;
    empty_ = true;
    return out;
}

http::Response marked(http::Response response, const access::Viewer& viewer, const http::Request& request, std::int64_t at_ms) {
    const std::string_view type = response.headers.get("Content-Type");
    const bool is_taken = response.headers.get("Content-Disposition").starts_with("attachment") || type == "application/pdf";
    if (response.status != 200 || !is_taken) return response;
    const bool csv = type.starts_with("text/csv"), lines = type.starts_with("application/x-ndjson");
    response.headers.set("X-Xinglin-Download", request.trace_id);
    if (!response.stream) mark_end(response.body, mark_text(viewer, request, at_ms));
    if (!csv && !lines) return response;
    const auto stamp = std::make_shared<Stamp>(csv ? Stamp::Kind::csv : Stamp::Kind::ndjson, mark_text(viewer, request, at_ms));
    if (!response.stream) {
        response.body = stamp->next(response.body) + stamp->end();
        return response;
    }
    if (response.stream->length) return response;  // of a known length: as it lies on the disk, marked by its manifest
    response.stream->next = [inner = std::move(response.stream->next), stamp]() {
        const std::string piece = inner();
        return piece.empty() ? stamp->end() : stamp->next(piece);
    };
    return response;
}

}  // namespace xinglin::server
