// SPDX-License-Identifier: Apache-2.0
// What the server refuses, and how: hostile, broken, slow and too many requests.
#include <gtest/gtest.h>

#include <random>

#include "http/gzip.h"
#include "http/request_reader.h"
#include "http/test_server.h"
#include "testing/testing.h"

namespace xinglin::http {
namespace {

constexpr std::string_view host = "Host: x\r\n";

TEST(Limits, RefusesWhatIsNotHttp) {
    TestServer server;
    for (const std::string_view bytes : {"GET /\r\n\r\n",
                                         "GET / FOO/1.1\r\n\r\n",
                                         "get / HTTP/1.1\r\nHost: x\r\n\r\n",
                                         "GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
                                         "GET / HTTP/1.1 \r\nHost: x\r\n\r\n",
                                         "GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n",
                                         "\x16\x03\x01\x02",
                                         "{\"resourceType\":1}",
                                         "GET / HTTP/1.1\nHost: x\n\n",
                                         "GET / HTTP/1.1\r\nHost: x\n\r\n",
                                         "GET / HTTP/1.1\r\nNo colon\r\n\r\n",
                                         "GET / HTTP/1.1\r\nHost : x\r\n\r\n",
                                         "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n",
                                         "GET / HTTP/1.1\r\n Host: x\r\n\r\n",
                                         "GET / HTTP/1.1\r\nHost: x\r\n: b\r\n\r\n",
                                         "GET / HTTP/1.1\r\nHost: x\r\nA: b\x7f\r\n\r\n",
                                         "GET example.com HTTP/1.1\r\nHost: x\r\n\r\n",
                                         "CONNECT a:1 HTTP/1.1\r\nHost: x\r\n\r\n",
                                         "GET ftp://a/b HTTP/1.1\r\nHost: x\r\n\r\n",
                                         "GET / HTTP/1.1\r\n\r\n",
                                         "GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n",
                                         "GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n",
                                         "GET /%ff HTTP/1.1\r\nHost: x\r\n\r\n",
                                         "GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n",
                                         "GET /a/../b HTTP/1.1\r\nHost: x\r\n\r\n",
                                         "GET /a/%2e%2E HTTP/1.1\r\nHost: x\r\n\r\n"}) {
        EXPECT_EQ(server.status_of(bytes), 400) << bytes;
    }
    EXPECT_EQ(server.status_of("GET / HTTP/2.0\r\nHost: x\r\n\r\n"), 505);
    EXPECT_EQ(server.status_of("GET http://x/echo?a HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
    EXPECT_EQ(server.status_of("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
    EXPECT_EQ(server.status_of("\r\n\r\nGET /echo HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
}

TEST(Limits, RefusesLengthsThatTwoServersCouldReadDifferently) {
    TestServer server;
    const auto post = [&](std::string_view fields, std::string_view body = "") {
        return server.status_of(fmt::format("POST /echo HTTP/1.1\r\n{}{}\r\n\r\n{}", host, fields, body));
    };
    EXPECT_EQ(post("Content-Length: 5\r\nTransfer-Encoding: chunked", "0\r\n\r\n"), 400);
    EXPECT_EQ(post("Transfer-Encoding: chunked\r\nContent-Length: 5", "0\r\n\r\n"), 400);
    EXPECT_EQ(post("Content-Length: 5\r\nContent-Length: 5", "hello"), 400);
    EXPECT_EQ(post("Content-Length: 5\r\nContent-Length: 6", "hello"), 400);
    EXPECT_EQ(post("Content-Length: 5, 5", "hello"), 400);
    EXPECT_EQ(post("Content-Length: +5", "hello"), 400);
    EXPECT_EQ(post("Content-Length: -5", "hello"), 400);
    EXPECT_EQ(post("Content-Length: 0x5", "hello"), 400);
    EXPECT_EQ(post("Content-Length:", "hello"), 400);
    EXPECT_EQ(post("Content-Length: 99999999999999999999999", "hello"), 400);
    EXPECT_EQ(post("Transfer-Encoding: gzip, chunked", "0\r\n\r\n"), 501);
    EXPECT_EQ(post("Transfer-Encoding: xchunked", "0\r\n\r\n"), 501);
    EXPECT_EQ(post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "0\r\n\r\n"), 400);
    EXPECT_EQ(post("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked", "0\r\n\r\n"), 501);
    EXPECT_EQ(server.status_of("POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400);
    EXPECT_EQ(post("Content-Length: 5", "hello"), 200);
}

TEST(Limits, RefusesChunksThatAreNotWellFormed) {
    TestServer server;
    const auto post = [&](std::string_view chunks) {
        return server.status_of(fmt::format("POST /echo HTTP/1.1\r\n{}Transfer-Encoding: chunked\r\n\r\n{}", host, chunks));
    };
    for (const std::string_view bad :
         {"x\r\n", "-1\r\nab", "5\r\nhello0\r\n\r\n", "5\nhello\r\n0\r\n\r\n", " 5\r\nhello\r\n0\r\n\r\n", "\r\n\r\n",
          "11111111111111111\r\n", "0x5\r\nhello\r\n0\r\n\r\n", "5;\x01\r\nhello\r\n0\r\n\r\n", "0\r\nContent-Length: 3\r\n\r\n",
          "0\r\nbad trailer\r\n\r\n"}) {
        EXPECT_EQ(post(bad), 400) << bad;
    }
    EXPECT_EQ(post("FFFFFFFFFFFFFFFF\r\n"), 413);
    EXPECT_EQ(post("1;" + std::string(10'000, 'a')), 400);
    EXPECT_EQ(post("0\r\nA: " + std::string(10'000, 'a')), 400);
    EXPECT_EQ(post("5\r\nhello\r\n0\r\n\r\n"), 200);
}

TEST(Limits, TakesALastChunkThatComesByteByByte) {
    const ServerOptions options;
    for (const std::string_view body : {"0\r\n\r\n", "0;a\r\n\r\n", "0\r\nA: b\r\n\r\n", "00\r\n\r\n"}) {
        const std::string whole = fmt::format("POST /echo HTTP/1.1\r\n{}Transfer-Encoding: chunked\r\n\r\n{}", host, body);
        RequestReader reader(options, "peer", "http");
        std::string waiting;
        for (const char byte : whole) {
            EXPECT_NE(reader.state(), RequestReader::State::done) << body;
            waiting += byte;
            for (int again = 0; again < 2; ++again) waiting.erase(0, reader.take(waiting));
        }
        EXPECT_EQ(reader.state(), RequestReader::State::done) << body;
    }
}

TEST(Limits, RefusesLongHeaders) {
    TestServer server({.header_bytes = 4096});
    const auto with = [&](std::size_t length) {
        return "GET /echo HTTP/1.1\r\nHost: x\r\nA: " + std::string(length, 'a') + "\r\n\r\n";
    };
    EXPECT_EQ(server.status_of(with(4000)), 200);
    EXPECT_EQ(server.status_of(with(4096)), 431);
    EXPECT_EQ(server.status_of("GET /" + std::string(10'000, 'a')), 431);
    std::string many = "GET /echo HTTP/1.1\r\nHost: x\r\n";
    for (int i = 0; i < 250; ++i) many += "a:b\r\n";
    EXPECT_EQ(server.status_of(many + "\r\n"), 431);
}

TEST(Limits, RefusesAHugeBodyBeforeItIsSent) {
    TestServer server({.body_bytes = 1000});
    EXPECT_EQ(server.status_of("POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 209715200\r\n\r\n"), 413);
    EXPECT_EQ(server.status_of("POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 209715200\r\nExpect: 100-continue\r\n\r\n"),
              413);
    EXPECT_EQ(server.status_of("POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n"), 413);
    EXPECT_EQ(server.status_of("POST /size HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3E8\r\n" +
                               std::string(1000, 'a') + "\r\n1\r\n"),
              413);
    EXPECT_EQ(server.status_of("POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" + std::string(1000, 'a')), 200);
    EXPECT_LT(server->figures().bytes_in, 10'000u);
}

TEST(Limits, TellsAClientThatGoesOnSendingWhyItWasRefused) {
    TestServer server({.body_bytes = 1000});
    Client client = server.client();
    Request request = get("/size");
    request.method = "POST";
    request.body = std::string(200u << 20, 'x');
    const auto response = client.send(request);
    ASSERT_TRUE(response.ok()) << response.outcome().line();
    EXPECT_EQ(response.value().status, 413);
    EXPECT_EQ(response.value().headers.get("Connection"), "close");
}

TEST(Limits, AsksForTheBodyLimitOfEachRequest) {
    ServerOptions options;
    options.body_bytes = 10;
    options.body_limit = [](const Request& request) -> std::size_t { return request.path == "/size" ? 1'000'000 : 10; };
    TestServer server(std::move(options));
    Client client = server.client();
    EXPECT_EQ(client.post("/size", "text/plain", std::string(500'000, 'x'))->body, "500000");
    EXPECT_EQ(client.post("/echo", "text/plain", std::string(11, 'x'))->status, 413);
}

TEST(Limits, StopsAtAZipBomb) {
    TestServer server({.body_bytes = 1u << 20});
    Client client = server.client();
    Request request = get("/size");
    request.method = "POST";
    request.headers.add("Content-Encoding", "gzip");
    request.body = gzip(std::string(100u << 20, '\0'));
    ASSERT_LT(request.body.size(), 1u << 20);
    EXPECT_EQ(client.send(request)->status, 413);
    request.body = gzip(std::string(1u << 20, '\0'));
    EXPECT_EQ(client.send(request)->body, "1048576");
}

TEST(Limits, RefusesEncodingsAndExpectationsItDoesNotKnow) {
    TestServer server;
    EXPECT_EQ(server.status_of("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\na"), 415);
    EXPECT_EQ(server.status_of("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip, gzip\r\nContent-Length: 1\r\n\r\na"),
              415);
    EXPECT_EQ(server.status_of("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Encoding: identity\r\nContent-Length: 1\r\n\r\na"),
              200);
    EXPECT_EQ(server.status_of("POST /echo HTTP/1.1\r\nHost: x\r\nExpect: a miracle\r\nContent-Length: 1\r\n\r\na"), 417);
}

TEST(Limits, SaysItInTheLanguageOfThePath) {
    TestServer server;
    Client client = server.client();
    ASSERT_TRUE(client.send_raw("POST /fhir/Patient HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n").ok());
    const Response fhir = *client.receive();
    EXPECT_EQ(fhir.headers.get("Content-Type"), "application/fhir+json");
    EXPECT_EQ(
        fhir.body,
        R"({"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"invalid","diagnostics":"Content-Length is given more than once"}]})");

    Client other = server.client();
    ASSERT_TRUE(other.send_raw("GET /other HTTP/1.1\r\n\r\n").ok());
    EXPECT_EQ(other.receive()->body, R"({"error":"exactly one Host field is needed"})");
}

TEST(Limits, RefusesHeadWithoutABody) {
    TestServer server;
    Client client = server.client();
    ASSERT_TRUE(client.send_raw("HEAD /echo HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n").ok());
    EXPECT_EQ(client.receive(true)->status, 400);
    EXPECT_TRUE(client.is_closed_by_server());
}

TEST(Limits, AnswersThePipelineBeforeTheRefusal) {
    TestServer server;
    Client client = server.client();
    ASSERT_TRUE(
        client
            .send_raw(
                "GET /slow HTTP/1.1\r\nHost: x\r\n\r\nGET /echo HTTP/1.1\r\nHost: x\r\n\r\nrubbish\r\n\r\nGET /echo HTTP/1.1\r\n")
            .ok());
    EXPECT_EQ(client.receive()->status, 200);
    EXPECT_EQ(client.receive()->status, 200);
    EXPECT_EQ(client.receive()->status, 400);
    EXPECT_TRUE(client.is_closed_by_server());
}

TEST(Limits, TurnsConnectionsAwayBeyondItsNumber) {
    TestServer server({.connections = 3});
    std::vector<Client> clients;
    for (int i = 0; i < 3; ++i) {
        clients.push_back(server.client());
        EXPECT_EQ(clients.back().get("/echo")->status, 200);
    }
    Client fourth = server.client();
    const Response response = *fourth.get("/echo");
    EXPECT_EQ(response.status, 503);
    EXPECT_FALSE(response.headers.get("Retry-After").empty());
    EXPECT_EQ(server->figures().refused_busy, 1u);

    clients.pop_back();
    EXPECT_TRUE(server.eventually([&] { return server.client().get("/echo")->status == 200; }));
    EXPECT_EQ(clients.front().get("/echo")->status, 200);
}

TEST(Limits, RefusesRequestsBeyondItsQueue) {
    ServerOptions options;
    options.worker_threads = 1;
    options.queued_requests = 2;
    std::mutex gate;
    std::unique_lock closed(gate);
    std::atomic<int> inside{0};
    options.port = 0;
    Server server(options, [&](Request, Respond respond) {
        ++inside;
        const std::lock_guard lock(gate);
        respond(Response::text(200, "text/plain", "done"));
    });
    ASSERT_TRUE(server.start().ok());
    Client client = Client::connect({.port = server.port()}).value();
    const std::string_view one = "GET /fhir/x HTTP/1.1\r\nHost: x\r\n\r\n";
    ASSERT_TRUE(client.send_raw(one).ok());
    ASSERT_TRUE(TestServer::eventually([&] { return inside == 1; }));
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(client.send_raw(one).ok());
    ASSERT_TRUE(TestServer::eventually([&] { return server.figures().refused_busy == 1; }));
    closed.unlock();
    for (int i = 0; i < 3; ++i) EXPECT_EQ(client.receive()->status, 200);
    const Response refused = *client.receive();
    EXPECT_EQ(refused.status, 503);
    EXPECT_EQ(refused.headers.get("Retry-After"), "1");
    EXPECT_NE(refused.body.find("transient"), std::string::npos);
    EXPECT_EQ(client.get("/after")->status, 200);
}

TEST(Limits, HoldsReadingWhileAClientDoesNotRead) {
    TestServer server;
    Client client = server.client();
    std::string batch;
    for (int i = 0; i < 400; ++i) batch += "GET /huge HTTP/1.1\r\nHost: x\r\n\r\n";  // 8 GB of answers if it were greedy
    ASSERT_TRUE(client.send_raw(batch).ok());
    ASSERT_TRUE(server.eventually([&] { return server->figures().bytes_out > 0; }));
    EXPECT_LE(server->figures().requests_total, 40u);
    EXPECT_EQ(client.receive()->body.size(), 20u << 20);
}

TEST(Limits, EndsConnectionsThatAreTooSlow) {
    ServerOptions options;
    options.header_timeout = options.body_timeout = options.idle_timeout = std::chrono::seconds(1);
    TestServer server(std::move(options));
    Client silent = server.client(), dripping = server.client(), half = server.client(), idle = server.client();
    ASSERT_TRUE(dripping.send_raw("GET /echo HT").ok());
    ASSERT_TRUE(half.send_raw("POST /fhir/x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345").ok());
    EXPECT_EQ(idle.get("/echo")->status, 200);
    EXPECT_EQ(dripping.receive()->status, 408);
    EXPECT_EQ(half.receive()->status, 408);
    EXPECT_TRUE(silent.is_closed_by_server());
    EXPECT_TRUE(idle.is_closed_by_server());
}

TEST(Limits, DropsAClientThatNeverReads) {
    ServerOptions options;
    options.write_timeout = std::chrono::seconds(1);
    TestServer server(std::move(options));
    Client client = server.client();
    ASSERT_TRUE(client.send_raw("GET /huge HTTP/1.1\r\nHost: x\r\n\r\n").ok());
    EXPECT_TRUE(server.eventually([&] { return server->figures().bytes_out > 0 && server->figures().connections_open == 0; }));
    EXPECT_FALSE(client.receive().ok());
}

TEST(Limits, ForgetsRequestsThatBreakOff) {
    TestServer server;
    for (const std::string_view part :
         {"", "GET", "GET /echo HTTP/1.1\r\nHo", "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe",
          "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"}) {
        Client client = server.client();
        ASSERT_TRUE(client.send_raw(part).ok());
        client.half_close();
        EXPECT_TRUE(client.is_closed_by_server()) << part;
    }
    EXPECT_TRUE(server.eventually([&] { return server->figures().connections_open == 0; }));
    EXPECT_EQ(server->figures().requests_in_flight, 0u);
}

std::string rubbish(std::mt19937_64& random) {
    static constexpr std::string_view pieces[] = {"GET ",
                                                  "POST ",
                                                  "/echo",
                                                  "/fhir/Patient?name=%41",
                                                  " HTTP/1.1",
                                                  " HTTP/1.0",
                                                  "\r\n",
                                                  "\r\n\r\n",
                                                  "Host: x\r\n",
                                                  "Content-Length: ",
                                                  "5",
                                                  "0",
                                                  "18446744073709551616",
                                                  "Transfer-Encoding: chunked\r\n",
                                                  "Expect: 100-continue\r\n",
                                                  "Connection: close\r\n",
                                                  "hello",
                                                  "5\r\nhello\r\n",
                                                  "0\r\n\r\n",
                                                  ":",
                                                  " ",
                                                  "\t",
                                                  "\n",
                                                  "\r",
                                                  ";",
                                                  ",",
                                                  "%",
                                                  "%2e%2e/",
                                                  "Content-Encoding: gzip\r\n",
                                                  "\x1f\x8b\x08",
                                                  "traceparent: 00-",
                                                  "Accept-Encoding: gzip;q=\r\n"};
    std::string bytes;
    const auto count = random() % 24;
    for (std::size_t i = 0; i < count; ++i) {
        if (random() % 8 == 0) {
            bytes += static_cast<char>(random());
        } else {
            bytes += pieces[random() % std::size(pieces)];
        }
    }
    return bytes;
}

TEST(Limits, SurvivesTwoThousandPiecesOfRubbish) {
    const std::uint64_t seed = testing::seed();
    SCOPED_TRACE(fmt::format("XINGLIN_SEED={}", seed));
    std::mt19937_64 random(seed);
    TestServer server({.header_bytes = 512, .body_bytes = 256});
    for (int i = 0; i < 2000; ++i) {
        Client client = server.client();
        std::string bytes = rubbish(random);
        if (random() % 2 == 0) bytes = "POST /echo HTTP/1.1\r\nHost: x\r\n" + bytes;
        (void)client.send_raw(bytes.substr(0, bytes.size() / 2));
        (void)client.send_raw(bytes.substr(bytes.size() / 2));
        if (random() % 4 == 0) continue;  // hangs up
        client.half_close();
        (void)client.receive_rest();
    }
    EXPECT_EQ(server.client().get("/echo")->status, 200);
    EXPECT_TRUE(server.eventually([&] { return server->figures().requests_in_flight == 0; }));
    EXPECT_EQ(server->figures().connections_total, 2001u);
    EXPECT_GT(server->figures().by_status_class[2], 20u);
    EXPECT_GT(server->figures().by_status_class[4], 500u);
}

}  // namespace
}  // namespace xinglin::http
