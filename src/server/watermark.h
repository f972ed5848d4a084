// SPDX-License-Identifier: Apache-2.0
// Inside the room: who took a file, written into the file: by whom, when, from where, and the number its line in the audit has.
//
// Tables get a last column, filled in every row, so that a part of one still says it; lines of JSON get a last member; a
// workbook or a PDF has it behind its end, where only who looks finds it. What comes in
// pieces is marked as it goes by. The number is the request's, as in the audit (column `request`).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "access/access.h"
#include "http/http.h"

namespace xinglin::server {

/// "XINGLIN 0af7… zhang 2026-11-23T02:00:00.000Z 10.0.0.7"
std::string mark_text(const access::Viewer& viewer, const http::Request& request, std::int64_t at_ms);
struct MarkRead {
    std::string number, who, at, address;
};
/// The first mark in some text; nothing without one.
std::optional<MarkRead> read_mark(std::string_view text);

/// Adds the mark to a table or to lines of JSON that come in pieces, cut anywhere.
class Stamp {
public:
    enum class Kind : std::uint8_t { csv, ndjson };
    Stamp(Kind kind, std::string mark) : kind_(kind), mark_(std::move(mark)) {}
    std::string next(std::string_view piece);
    /// What a last line without an end still wants. "" when called again.
    std::string end();

private:
    void end_line(std::string& out, bool carriage_return);

    const Kind kind_;
    const std::string mark_;
    bool quoted_ = false, header_ = true, empty_ = true, pending_return_ = false, pending_brace_ = false;
};

/// An answer that is a file of rows, marked; every other as it is.
http::Response marked(http::Response response, const access::Viewer& viewer, const http::Request& request, std::int64_t at_ms);

}  // namespace xinglin::server
