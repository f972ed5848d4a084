// SPDX-License-Identifier: Apache-2.0
// The small words of HTTP: headers, percent-encoding, queries, gzip, traces; and our reader against Beast's whole parser.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <zlib.h>

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "http/gzip.h"
#include "http/request_reader.h"
#include "http/trace.h"

namespace xinglin::http {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

TEST(Headers, CompareWithoutCase) {
    Headers headers;
    headers.add("ETag", "1");
    headers.add("etag", "2");
    EXPECT_EQ(headers.get("ETAG"), "1");
    EXPECT_TRUE(headers.has("eTag"));
    EXPECT_FALSE(headers.has("ETa"));
    headers.set("Etag", "3");
    EXPECT_EQ(headers.all().size(), 1u);
    EXPECT_EQ(headers.get("etag"), "3");
    EXPECT_EQ(headers.get("other"), "");
}

TEST(ParseQuery, KeepsOrderAndRepetitions) {
    const auto parsed = parse_query("name=%E7%8E%8B&name=b+c&&flag&empty=&a=b=c&%26=%3D");
    ASSERT_TRUE(parsed.ok());
    EXPECT_EQ(parsed.value(), (Pairs{{"name", "王"}, {"name", "b c"}, {"flag", ""}, {"empty", ""}, {"a", "b=c"}, {"&", "="}}));
    EXPECT_TRUE(parse_query("").value().empty());
}

TEST(ParseQuery, RefusesBrokenEscapesAndTextThatIsNotUtf8) {
    for (const char* bad : {"a=%", "a=%1", "a=%zz", "%=1", "a=%ff", "a=%ed%a0%80", "a=%c0%af", "a=\xff"})
        EXPECT_FALSE(parse_query(bad).ok()) << bad;
}

RC_GTEST_PROP(Percent, DecodesWhatItEncoded, (const std::string& text)) {
    const std::string encoded = percent_encode(text);
    RC_ASSERT(encoded.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%") ==
              std::string::npos);
    RC_ASSERT(percent_decode(encoded) == text);
    RC_ASSERT(percent_decode(encoded, true) == text);
}

TEST(Percent, LeavesPlusAloneUnlessItIsASpace) {
    EXPECT_EQ(percent_decode("a+b"), "a+b");
    EXPECT_EQ(percent_decode("a+b", true), "a b");
    EXPECT_EQ(percent_encode("王 +"), "%E7%8E%8B%20%2B");
}

RC_GTEST_PROP(Gzip, UnpacksWhatItPacked, (const std::string& text)) {
    std::string plain;
    RC_ASSERT(inflate_gzip(gzip(text), text.size(), plain) == Inflated::whole);
    RC_ASSERT(plain == text);
    if (!text.empty()) RC_ASSERT(inflate_gzip(gzip(text), text.size() - 1, plain) == Inflated::too_large);
}

TEST(Gzip, ReadsWhatClientsAccept) {
    for (const char* yes : {"gzip", "GZIP", "deflate, gzip", "gzip;q=0.1", "*", "br;q=1, *;q=0.5", "x-gzip", "gzip; q=1.0"})
        EXPECT_TRUE(accepts_gzip(yes)) << yes;
    for (const char* no : {"", "identity", "br", "gzip;q=0", "gzip; q=0.000", "*;q=0", "gzip;q=0, *", "gzipped"})
        EXPECT_FALSE(accepts_gzip(no)) << no;
}

TEST(Gzip, PacksTextAndNotPictures) {
    for (const char* yes : {"text/html; charset=utf-8", "application/fhir+json", "application/fhir+xml", "Application/JSON",
                            "image/svg+xml", "application/x-ndjson"}) {
        EXPECT_TRUE(packs_well(yes)) << yes;
    }
    for (const char* no : {"image/png", "application/zip", "application/octet-stream", "", "font/woff2"})
        EXPECT_FALSE(packs_well(no)) << no;
}

TEST(Trace, FreshIdsDiffer) {
    EXPECT_EQ(fresh_trace_id().size(), 32u);
    EXPECT_NE(fresh_trace_id(), fresh_trace_id());
}

TEST(Trace, ReadsLaterVersionsAsFarAsItKnowsThem) {
    EXPECT_EQ(trace_id_of("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more"), "0af7651916cd43dd8448eb211c80319c");
    EXPECT_EQ(trace_id_of("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more"), "");
    EXPECT_EQ(trace_id_of("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01more"), "");
}

/// Reads `bytes` given in pieces of the sizes in `cuts`, as a connection would.
struct Reading {
    RequestReader::State state;
    Request request;
};
Reading read_in_pieces(std::string_view bytes, const std::vector<std::size_t>& cuts) {
    static const ServerOptions options;
    RequestReader reader(options, "peer", "http");
    std::string waiting;
    std::size_t cut = 0;
    while (!bytes.empty() && reader.state() != RequestReader::State::done && reader.state() != RequestReader::State::refused) {
        const std::size_t size = std::min(bytes.size(), cuts.empty() ? bytes.size() : cuts[cut++ % cuts.size()]);
        waiting += bytes.substr(0, size);
        bytes.remove_prefix(size);
        waiting.erase(0, reader.take(waiting));
    }
    return {reader.state(), std::move(reader.request())};
}

/// A request that may be right or slightly wrong.
rc::Gen<std::string> nearly_a_request() {
    return rc::gen::map(rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>(
                            "Host: a\r\n", "X-A: b c\t\r\n", "Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n",
                            "Connection: close\r\n", "Bad\r\n", "X:\r\n", "Accept: */*\r\n")),
                        [](const std::vector<std::string>& fields) {
                            std::string text = "POST /a?b HTTP/1.1\r\n";
                            for (const std::string& field : fields) text += field;
                            return text + "\r\n3\r\nabc\r\n0\r\n\r\n";
                        });
}

// Stricter than Beast, never laxer: what we take, Beast takes too and reads the same.
RC_GTEST_PROP(RequestReader, TakesOnlyWhatBeastTakesAndReadsTheSame, ()) {
    namespace beast = boost::beast::http;
    const std::string bytes = *nearly_a_request();
    const auto cuts = *rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange<std::size_t>(1, 20));
    const Reading ours = read_in_pieces(bytes, cuts);
    if (ours.state != RequestReader::State::done) return;

    beast::request_parser<beast::string_body> parser;
    parser.eager(true);
    boost::beast::error_code error;
    parser.put(boost::asio::buffer(bytes), error);
    RC_ASSERT(!error);
    RC_ASSERT(parser.is_done());
    RC_ASSERT(parser.get().body() == ours.request.body);
    RC_ASSERT(parser.get().target() == ours.request.target);
    std::size_t fields = 0;
    for (const auto& field : parser.get()) {
        const std::string name(field.name_string()), value(field.value());
        const auto same = [&](const auto& own) { return own.first == name && own.second == value; };
        RC_ASSERT(std::any_of(ours.request.headers.all().begin(), ours.request.headers.all().end(), same));
        ++fields;
    }
    RC_ASSERT(fields == ours.request.headers.all().size());
}

// How the network cuts a request makes no difference.
RC_GTEST_PROP(RequestReader, ReadsTheSameHoweverTheBytesAreCut, ()) {
    const std::string bytes = *nearly_a_request();
    const auto cuts = *rc::gen::nonEmpty(rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange<std::size_t>(1, 9)));
    const Reading whole = read_in_pieces(bytes, {}), pieces = read_in_pieces(bytes, cuts);
    RC_ASSERT(whole.state == pieces.state);
    if (whole.state == RequestReader::State::refused) return;
    RC_ASSERT(whole.request.body == pieces.request.body);
    RC_ASSERT(whole.request.headers.all() == pieces.request.headers.all());
}

}  // namespace
}  // namespace xinglin::http
