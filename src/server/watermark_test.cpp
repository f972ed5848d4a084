// SPDX-License-Identifier: Apache-2.0
// What marks promise: every row says who took it, wherever the file is cut, and the rows stay what they were.
#include "server/watermark.h"

#include <gtest/gtest.h>

#include "json/json.h"

namespace xinglin::server {
namespace {

constexpr std::string_view mark = "XINGLIN 0af7651916cd43dd8448eb211c80319c zhang 2026-11-23T02:00:00.000Z 10.0.0.7";

std::string stamped(Stamp::Kind kind, std::string_view text, std::size_t step) {
    Stamp stamp(kind, std::string(mark));
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += step) out += stamp.next(text.substr(at, step));
    out += stamp.end();
    EXPECT_EQ(stamp.end(), "");
    return out;
}

TEST(Watermark, EveryRowOfATableSaysWhoTookItWhereverItIsCut) {
    constexpr std::string_view table = "\xef\xbb\xbfname,note\r\n张三,\"two\r\nlines, \"\"quoted\"\"\"\r\n李四,\r\n";
    const std::string expected = fmt::format(
        "\xef\xbb\xbfname,note,downloaded_by\r\n张三,\"two\r\nlines, \"\"quoted\"\"\",\"{0}\"\r\n李四,,\"{0}\"\r\n", mark);
    for (std::size_t step = 1; step <= table.size(); ++step) EXPECT_EQ(stamped(Stamp::Kind::csv, table, step), expected) << step;
    EXPECT_EQ(stamped(Stamp::Kind::csv, "a\n1", 2), fmt::format("a,downloaded_by\n1,\"{}\"", mark));
    EXPECT_EQ(stamped(Stamp::Kind::ndjson, "{\"a\":1}", 3), fmt::format("{{\"a\":1,\"downloaded_by\":\"{}\"}}", mark));
    EXPECT_EQ(stamped(Stamp::Kind::csv, "a\n1\n", 2), fmt::format("a,downloaded_by\n1,\"{}\"\n", mark));
}

TEST(Watermark, LinesOfJsonStayJson) {
    constexpr std::string_view lines = "{\"a\":{\"b\":\"}\"}}\n{}\n{\"c\":[{}]}\n";
    for (std::size_t step = 1; step <= lines.size(); ++step) {
        const std::string out = stamped(Stamp::Kind::ndjson, lines, step);
        std::size_t at = 0, count = 0;
        while (at < out.size()) {
            const std::size_t end = out.find('\n', at);
            json::Arena arena;
            const auto parsed = json::parse(out.substr(at, end - at), arena);
            ASSERT_TRUE(parsed.ok()) << out;
            EXPECT_EQ((*parsed)["downloaded_by"].string(), mark);
            at = end + 1;
            ++count;
        }
        EXPECT_EQ(count, 3u);
    }
}

TEST(Watermark, AMarkIsReadBack) {
    const auto read = read_mark(fmt::format("rubbish XINGLIN no\n1,\"{}\"\r\n", mark));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->number, "0af7651916cd43dd8448eb211c80319c");
    EXPECT_EQ(read->who, "zhang");
    EXPECT_EQ(read->at, "2026-11-23T02:00:00.000Z");
    EXPECT_EQ(read->address, "10.0.0.7");
    EXPECT_FALSE(read_mark("XINGLIN but no mark"));
}

TEST(Watermark, OnlyFilesThatAreTakenAwayAreMarked) {
    http::Request request;
    request.trace_id = "0af7651916cd43dd8448eb211c80319c";
    request.peer = "10.0.0.7";
    access::Viewer viewer;
    viewer.name = "zhang\",\n";
    auto page = http::Response::text(200, "text/csv; charset=utf-8", "a\n1\n");
    EXPECT_EQ(marked(page, viewer, request, 0).body, "a\n1\n");
    page.headers.set("Content-Disposition", "attachment; filename=\"a.csv\"");
    const auto taken = marked(page, viewer, request, 0);
    EXPECT_EQ(taken.headers.get("X-Xinglin-Download"), request.trace_id);
    const auto read = read_mark(taken.body);
    ASSERT_TRUE(read) << taken.body;
    EXPECT_EQ(read->who, "zhang___");  // nothing of a name breaks out of its cell
    const std::string empty_archive = "PK\5\6" + std::string(18, '\0');
    for (const auto& [type, body] :
         {std::pair<std::string, std::string>{"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", empty_archive},
          {"application/pdf", "%PDF-1.7\n%%EOF"}}) {
        auto file = http::Response::text(200, type, body);
        file.headers.set("Content-Disposition", "attachment; filename=\"a\"");
        const std::string marked_body = marked(file, viewer, request, 0).body;
        const auto found = read_mark(marked_body);
        ASSERT_TRUE(found) << type;
        EXPECT_EQ(found->number, request.trace_id);
        EXPECT_EQ(found->address, "10.0.0.7");
    }
}

}  // namespace
}  // namespace xinglin::server
