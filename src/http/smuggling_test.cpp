// SPDX-License-Identifier: Apache-2.0
// Requests that two servers in a row could cut apart differently. Each case says what must be answered, and nothing more is.
//
// Sources: RFC 9112 sections 2.2, 5, 6, 7 and 11.2; the shapes named by Linhart et al. (2005), Kettle (2019) and the
// "chunk extension" and "TE.0" findings published since. Every hidden request would ask for /echo/smuggled.
#include <gtest/gtest.h>

#include "http/test_server.h"

namespace xinglin::http {
namespace {

struct Case {
    std::string name, bytes, expected;  // statuses in order; then the connection is closed, or all that was sent is answered
};

const std::string hidden = "GET /echo/smuggled HTTP/1.1\r\nHost: x\r\n\r\n";

/// A POST with these fields (line ends included) and this body.
std::string post(const std::string& fields, const std::string& body) {
    return "POST /echo HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n" + body;
}
/// A length and an encoding beside each other, the latter written so that one server may overlook it.
std::string both(const std::string& encoding) { return post("Content-Length: 6\r\n" + encoding + "\r\n", "0\r\n\r\nX" + hidden); }
std::string encoded(const std::string& encoding) { return post(encoding + "\r\n", "0\r\n\r\n"); }
std::string length(const std::string& value) { return post("Content-Length:" + value + "\r\n", "hello" + hidden); }
std::string chunked(const std::string& body) { return post("Transfer-Encoding: chunked\r\n", body); }
std::string raw(std::string_view bytes) { return std::string(bytes); }

/// The statuses of all answers on one connection, and whether what was hidden was ever asked.
std::string answers_to(TestServer& server, const std::string& bytes) {
    Client client = server.client();
    (void)client.send_raw(bytes);
    client.half_close();
    std::string seen;
    for (;;) {
        const auto answer = client.receive();
        if (!answer.ok()) return seen;
        seen += (seen.empty() ? "" : " ") + std::to_string(answer->status);
        if (answer->body.find("smuggled") != std::string::npos) seen += " (hidden)";
    }
}

void check(const std::vector<Case>& cases) {
    TestServer server;
    for (const Case& each : cases) EXPECT_EQ(answers_to(server, each.bytes), each.expected) << each.name << "\n" << each.bytes;
    EXPECT_EQ(server.client().get("/echo")->status, 200);
}

TEST(Smuggling, ALengthBesideAnEncodingIsRefused) {
    check({{"length, then encoding", both("Transfer-Encoding: chunked"), "400"},
           {"encoding, then length", post("Transfer-Encoding: chunked\r\nContent-Length: 6\r\n", "0\r\n\r\nX" + hidden), "400"},
           {"encoding in other case", both("tRANSFER-eNCODING: CHUNKED"), "400"},
           {"encoding after a tab", both("Transfer-Encoding:\tchunked"), "400"},
           {"encoding without a space", both("Transfer-Encoding:chunked"), "400"},
           {"encoding with spaces behind", both("Transfer-Encoding: chunked  \t"), "400"},
           {"space before the colon", both("Transfer-Encoding : chunked"), "400"},
           {"tab before the colon", both("Transfer-Encoding\t: chunked"), "400"},
           {"space before the name", both(" Transfer-Encoding: chunked"), "400"},
           {"folded value", both("Transfer-Encoding:\r\n chunked"), "400"},
           {"folded name", both("Transfer-Encoding\r\n : chunked"), "400"},
           {"hidden behind a bare line feed", both("X: y\nTransfer-Encoding: chunked"), "400"},
           {"hidden behind a bare carriage return", both("X: y\rTransfer-Encoding: chunked"), "400"},
           {"ended by a bare line feed", both("Transfer-Encoding: chunked\nX: y"), "400"},
           {"value with a vertical tab", both("Transfer-Encoding: \vchunked"), "400"},
           {"value with a NUL", both(raw(std::string_view("Transfer-Encoding: chunked\0", 27))), "400"},
           {"name with a NUL", both(raw(std::string_view("Transfer-Encoding\0: chunked", 27))), "400"},
           {"name with a letter of Latin-1", both("Transfer-Encoding\xff: chunked"), "400"},
           {"another coding", both("Transfer-Encoding: xchunked"), "400"},
           {"identity", both("Transfer-Encoding: identity"), "400"},
           {"empty encoding", both("Transfer-Encoding:"), "400"},
           {"the connection names the length as its own",
            post("Connection: close, Content-Length\r\nContent-Length: 5\r\n", "hello" + hidden), "200"}});
}

TEST(Smuggling, AnEncodingThatIsNotExactlyChunkedIsRefused) {
    check({{"plain", encoded("Transfer-Encoding: chunked"), "200"},
           {"in other case", encoded("transfer-encoding: Chunked"), "200"},
           {"twice", encoded("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"), "400"},
           {"twice, once in a list", encoded("Transfer-Encoding: chunked, chunked"), "501"},
           {"identity last", encoded("Transfer-Encoding: chunked, identity"), "501"},
           {"identity first", encoded("Transfer-Encoding: identity, chunked"), "501"},
           {"identity in a field of its own", encoded("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked"), "501"},
           {"nonsense in a second field", encoded("Transfer-Encoding: chunked\r\nTransfer-Encoding: cow"), "400"},
           {"in quotation marks", encoded("Transfer-Encoding: \"chunked\""), "501"},
           {"with a parameter", encoded("Transfer-Encoding: chunked;q=1"), "501"},
           {"with a comma behind", encoded("Transfer-Encoding: chunked,"), "501"},
           {"gzip before it", encoded("Transfer-Encoding: gzip, chunked"), "501"},
           {"empty", encoded("Transfer-Encoding:"), "501"},
           {"in HTTP/1.0", "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden, "400"},
           {"on a GET", "GET /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "200"}});
}

TEST(Smuggling, ALengthThatIsNotOneNumberIsRefused) {
    check({{"plain", length(" 5"), "200 200 (hidden)"},
           {"no space", length("5"), "200 200 (hidden)"},
           {"spaces around", length(" \t5 \t"), "200 200 (hidden)"},
           {"two numbers", length(" 5 5"), "400"},
           {"a list of the same", length(" 5, 5"), "400"},
           {"a list of two", length(" 5,44"), "400"},
           {"plus", length(" +5"), "400"},
           {"minus", length(" -5"), "400"},
           {"minus nothing", length(" -0"), "400"},
           {"sixteens", length(" 0x5"), "400"},
           {"an exponent", length(" 5e0"), "400"},
           {"a fraction", length(" 5.0"), "400"},
           {"a semicolon", length(" 5;"), "400"},
           {"in quotation marks", length(" \"5\""), "400"},
           {"Arabic digits", length(" \xd9\xa5"), "400"},
           {"a vertical tab", length(" \v5"), "400"},
           {"a NUL behind", post(raw(std::string_view("Content-Length: 5\0\r\n", 20)), "hello" + hidden), "400"},
           {"empty", length(""), "400"},
           {"over 64 bits", length(" 18446744073709551621"), "400"},
           {"as large as it may be", length(" 9223372036854775807"), "413"},
           {"twice the same", post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello" + hidden), "400"},
           {"twice, once in other case", post("Content-Length: 5\r\ncontent-length: 44\r\n", "hello" + hidden), "400"},
           {"space before the colon", post("Content-Length : 5\r\n", "hello" + hidden), "400"},
           {"folded", post("Content-Length:\r\n 5\r\n", "hello" + hidden), "400"},
           {"hidden behind a bare line feed", post("X: y\nContent-Length: 5\r\n", "hello" + hidden), "400"},
           {"hidden behind a bare carriage return", post("X: y\rContent-Length: 5\r\n", "hello" + hidden), "400"},
           {"on a GET", "GET /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello" + hidden, "200 200 (hidden)"},
           {"more than promised is the next request", post("Content-Length: 5\r\n", "hello " + hidden), "200 400"}});
}

TEST(Smuggling, ChunksThatAreNotWellFormedAreRefused) {
    check({{"plain", chunked("5\r\nhello\r\n0\r\n\r\n" + hidden), "200 200 (hidden)"},
           {"capital sixteens and zeros before", chunked("0005\r\nhello\r\n000\r\n\r\n" + hidden), "200 200 (hidden)"},
           {"an extension", chunked("5;a=b;c=\"d;e\"\r\nhello\r\n0;f\r\n\r\n" + hidden), "200 200 (hidden)"},
           {"a trailer", chunked("0\r\nX: y\r\n\r\n" + hidden), "200 200 (hidden)"},
           {"an extension ended by a bare line feed", chunked("5;\nhello\r\n0\r\n\r\n" + hidden), "400"},
           {"an extension with a bare carriage return", chunked("5;\rxhello\r\n0\r\n\r\n" + hidden), "400"},
           {"a line end in a quoted extension", chunked("5;a=\"\r\n\"\r\nhello\r\n0\r\n\r\n" + hidden), "400"},
           {"a bare line feed in a quoted extension", chunked("5;a=\"\n\"\r\nhello\r\n0\r\n\r\n" + hidden), "400"},
           {"a size ended by a bare line feed", chunked("5\nhello\r\n0\r\n\r\n" + hidden), "400"},
           {"a size ended by a bare carriage return", chunked("5\rhello\r\n0\r\n\r\n" + hidden), "400"},
           {"a size with another letter behind", chunked("5 x\r\nhello\r\n0\r\n\r\n" + hidden), "400"},
           {"a size with a plus", chunked("+5\r\nhello\r\n0\r\n\r\n" + hidden), "400"},
           {"a size with a minus", chunked("-5\r\nhello\r\n0\r\n\r\n" + hidden), "400"},
           {"a size with 0x", chunked("0x5\r\nhello\r\n0\r\n\r\n" + hidden), "400"},
           {"a size with an underscore", chunked("0_5\r\nhello\r\n0\r\n\r\n" + hidden), "400"},
           {"an empty size", chunked("\r\nhello\r\n0\r\n\r\n" + hidden), "400"},
           {"a size over 64 bits", chunked("10000000000000005\r\nhello\r\n0\r\n\r\n" + hidden), "400"},
           {"a chunk longer than its size", chunked("3\r\nhello\r\n0\r\n\r\n" + hidden), "400"},
           {"a chunk without a line end", chunked("5\r\nhello0\r\n\r\n" + hidden), "400"},
           {"a chunk ended by a bare line feed", chunked("5\r\nhello\n0\r\n\r\n" + hidden), "400"},
           {"a chunk ended by other two bytes", chunked("5\r\nhelloXX0\r\n\r\n" + hidden), "400"},
           {"a last chunk ended by bare line feeds", chunked("0\n\n" + hidden), "400"},
           {"a trailer ended by a bare line feed", chunked("0\r\nX: y\n\r\n" + hidden), "400"},
           {"a trailer without a colon", chunked("0\r\n" + hidden), "400"},
           {"a trailer with a length", chunked("0\r\nContent-Length: 44\r\n\r\n" + hidden), "400"},
           {"a trailer with an encoding", chunked("0\r\nTransfer-Encoding: chunked\r\n\r\n" + hidden), "400"},
           {"a trailer that is folded", chunked("0\r\nX: y\r\n z\r\n\r\n" + hidden), "400"},
           {"a trailer with a space before its colon", chunked("0\r\nX : y\r\n\r\n" + hidden), "400"}});
}

TEST(Smuggling, LinesThatAreNotWellFormedAreRefused) {
    const auto line = [](const std::string& first) { return first + "\r\nHost: x\r\n\r\n" + hidden; };
    const auto field = [](const std::string& one) { return "GET /echo HTTP/1.1\r\nHost: x\r\n" + one + "\r\n\r\n" + hidden; };
    check({{"plain", line("GET /echo HTTP/1.1"), "200 200 (hidden)"},
           {"empty lines before it", line("\r\n\r\nGET /echo HTTP/1.1"), "200 200 (hidden)"},
           {"a tab between", line("GET\t/echo HTTP/1.1"), "400"},
           {"two spaces", line("GET  /echo HTTP/1.1"), "400"},
           {"a space in the target", line("GET /echo /b HTTP/1.1"), "400"},
           {"a space behind", line("GET /echo HTTP/1.1 "), "400"},
           {"a bare carriage return", line("GET /echo\rHTTP/1.1"), "400"},
           {"a NUL", line(raw(std::string_view("GET /echo\0 HTTP/1.1", 19))), "400"},
           {"version 1.10", line("GET /echo HTTP/1.10"), "400"},
           {"version 1.1.1", line("GET /echo HTTP/1.1.1"), "400"},
           {"version in lower case", line("GET /echo http/1.1"), "400"},
           {"no version", line("GET /echo"), "400"},
           {"version 0.9", line("GET /echo HTTP/0.9"), "505"},
           {"version 2.0, as HTTP/2 begins", line("PRI * HTTP/2.0"), "505"},
           {"a lower-case method", line("get /echo HTTP/1.1"), "400"},
           {"an upgrade is passed over",
            field("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ"), "200 200 (hidden)"},
           {"a second Host", field("Host: y"), "400"},
           {"a folded Host", field(" y"), "400"},
           {"a field without a colon", field("X"), "400"},
           {"a field without a name", field(": y"), "400"},
           {"a name with a space", field("X Y: z"), "400"},
           {"a name with a bracket", field("X(Y): z"), "400"},
           {"a value with a bare carriage return", field("X: y\rz"), "400"},
           {"a value with a bell", field("X: \a"), "400"},
           {"a bare line feed ends the header", "GET /echo HTTP/1.1\r\nHost: x\r\n\n" + hidden, "400"},
           {"only line feeds", "GET /echo HTTP/1.1\nHost: x\n\n" + hidden, "400"}});
}

}  // namespace
}  // namespace xinglin::http
