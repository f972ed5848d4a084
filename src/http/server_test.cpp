// SPDX-License-Identifier: Apache-2.0
// The server as a client sees it: keep-alive, pipelines, HEAD, 1.0, 100-continue, gzip, traces, figures.
#include <gtest/gtest.h>

#include <future>
#include <random>

#include "http/gzip.h"
#include "http/test_server.h"
#include "testing/testing.h"

namespace xinglin::http {
namespace {

TEST(Server, AnswersManyRequestsOnOneConnection) {
    TestServer server;
    Client client = server.client();
    for (int i = 0; i < 100; ++i) {
        const Response response = *client.get(fmt::format("/echo?n={}", i));
        EXPECT_EQ(response.status, 200);
        EXPECT_EQ(response.body, fmt::format("GET /echo n={} ", i));
    }
    EXPECT_EQ(server->figures().connections_total, 1u);
    EXPECT_EQ(server->figures().requests_total, 100u);
}

TEST(Server, SaysWhoWhenAndWhichRequest) {
    TestServer server;
    Client client = server.client();
    const Response response = *client.get("/echo");
    EXPECT_EQ(response.headers.get("Server"), "xinglin");
    EXPECT_EQ(response.headers.get("Date").size(), 29u);
    EXPECT_TRUE(response.headers.get("Date").ends_with(" GMT"));
    EXPECT_EQ(response.headers.get("X-Request-Id").size(), 32u);
    EXPECT_FALSE(response.headers.has("traceparent"));
    EXPECT_NE(client.get("/echo")->headers.get("X-Request-Id"), response.headers.get("X-Request-Id"));
}

TEST(Server, KeepsTheCallersTrace) {
    TestServer server;
    Client client = server.client();
    Request request = get("/trace");
    request.headers.add("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    const Response response = *client.send(request);
    EXPECT_EQ(response.body, "0af7651916cd43dd8448eb211c80319c");
    EXPECT_EQ(response.headers.get("X-Request-Id"), "0af7651916cd43dd8448eb211c80319c");
    EXPECT_TRUE(response.headers.get("traceparent").starts_with("00-0af7651916cd43dd8448eb211c80319c-"));
    EXPECT_TRUE(response.headers.get("traceparent").ends_with("-01"));
    EXPECT_EQ(response.headers.get("traceparent").find("b7ad6b7169203331"), std::string_view::npos);
}

TEST(Server, ReplacesATraceThatIsNotValid) {
    TestServer server;
    Client client = server.client();
    for (const char* bad :
         {"00-00000000000000000000000000000000-b7ad6b7169203331-01", "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
          "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", "00-0af7-b7-01", ""}) {
        Request request = get("/trace");
        request.headers.add("traceparent", bad);
        const Response response = *client.send(request);
        EXPECT_EQ(response.body.size(), 32u) << bad;
        EXPECT_FALSE(response.headers.has("traceparent")) << bad;
    }
}

TEST(Server, HandsOverTheRequestAsSent) {
    TestServer server;
    Client client = server.client();
    Request request = get("/describe/%E7%8E%8B%20a?name=%E7%8E%8B");
    request.headers.add("X-One", " two\t");
    const Response response = *client.send(request);
    EXPECT_EQ(response.body, "GET|/describe/%E7%8E%8B%20a?name=%E7%8E%8B|/describe/王 a|name=%E7%8E%8B|two|127.0.0.1|http");
}

TEST(Server, AnswersAPipelineInOrderThoughAnswersComeOutOfOrder) {
    TestServer server;
    Client client = server.client();
    std::string batch;
    for (int i = 0; i < 40; ++i) batch += fmt::format("GET /held?{} HTTP/1.1\r\nHost: x\r\n\r\n", i);
    ASSERT_TRUE(client.send_raw(batch).ok());
    server.wait_for_held(32);  // reads no further ahead than 32
    server.release_held_backwards();
    server.wait_for_held(8);
    server.release_held_backwards();
    for (int i = 0; i < 40; ++i) EXPECT_EQ(client.receive()->body, std::to_string(i));
}

TEST(Server, LetsNothingOvertakeAChange) {
    TestServer server;
    Client client = server.client();
    ASSERT_TRUE(client
                    .send_raw("GET /held?a HTTP/1.1\r\nHost: x\r\n\r\n"
                              "POST /held?b HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
                              "GET /held?c HTTP/1.1\r\nHost: x\r\n\r\n")
                    .ok());
    for (const char* expected : {"a", "b", "c"}) {
        server.wait_for_held(1);
        EXPECT_EQ(server.held_now(), 1u);
        server.release_held_backwards();
        EXPECT_EQ(client.receive()->body, expected);
    }
}

TEST(Server, MixesQuickAndSlowAnswersInOneBatch) {
    TestServer server;
    Client client = server.client();
    std::string batch;
    for (int i = 0; i < 300; ++i)
        batch += fmt::format("GET /{}?n={} HTTP/1.1\r\nHost: x\r\n\r\n", i % 3 == 0 ? "slow" : "echo", i);
    ASSERT_TRUE(client.send_raw(batch).ok());
    for (int i = 0; i < 300; ++i)
        EXPECT_EQ(client.receive()->body, fmt::format("GET /{} n={} ", i % 3 == 0 ? "slow" : "echo", i));
}

TEST(Server, GivesHeadTheLengthWithoutTheBody) {
    TestServer server;
    Client client = server.client();
    ASSERT_TRUE(client.send_raw("HEAD /echo HTTP/1.1\r\nHost: x\r\n\r\nGET /echo HTTP/1.1\r\nHost: x\r\n\r\n").ok());
    const Response head = *client.receive(true);
    EXPECT_EQ(head.headers.get("Content-Length"), "12");
    EXPECT_EQ(client.receive()->body, "GET /echo  ");
}

TEST(Server, SpeaksHttp10) {
    TestServer server;
    Client client = server.client();
    ASSERT_TRUE(client.send_raw("GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").ok());
    EXPECT_EQ(client.receive()->headers.get("Connection"), "keep-alive");
    ASSERT_TRUE(client.send_raw("GET /echo HTTP/1.0\r\n\r\n").ok());
    EXPECT_EQ(client.receive()->headers.get("Connection"), "close");
    EXPECT_TRUE(client.is_closed_by_server());
}

TEST(Server, ClosesWhenAsked) {
    TestServer server;
    Client client = server.client();
    ASSERT_TRUE(
        client.send_raw("GET /echo HTTP/1.1\r\nHost: x\r\nConnection: foo, Close\r\n\r\nGET /echo HTTP/1.1\r\nHost: x\r\n\r\n")
            .ok());
    EXPECT_EQ(client.receive()->headers.get("Connection"), "close");
    EXPECT_TRUE(client.is_closed_by_server());

    Client other = server.client();
    EXPECT_EQ(other.get("/goodbye")->headers.get("Connection"), "close");
    EXPECT_TRUE(other.is_closed_by_server());
}

TEST(Server, AnswersAfterAHalfClose) {
    TestServer server;
    Client client = server.client();
    ASSERT_TRUE(client.send_raw("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").ok());
    client.half_close();
    EXPECT_EQ(client.receive()->status, 200);
    EXPECT_TRUE(client.is_closed_by_server());
}

TEST(Server, InvitesABodyThatWaitsForAnInvitation) {
    TestServer server;
    Client client = server.client();
    ASSERT_TRUE(client.send_raw("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n").ok());
    ASSERT_TRUE(server.eventually([&] { return server->figures().bytes_out > 0; }));
    ASSERT_TRUE(client.send_raw("hello").ok());
    EXPECT_EQ(client.receive()->body, "POST /echo  hello");
    EXPECT_EQ(client.interim_answers(), 1);
    ASSERT_TRUE(client.send_raw("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello").ok());
    EXPECT_EQ(client.receive()->body, "POST /echo  hello");
    EXPECT_EQ(client.interim_answers(), 1);
}

TEST(Server, ReadsChunkedBodies) {
    TestServer server;
    Client client = server.client();
    const std::string request =
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n"
        "5;a=b\r\nhello\r\n006\r\n world\r\n0\r\nX-Trailer: 1\r\n\r\n";
    ASSERT_TRUE(client.send_raw(request).ok());
    EXPECT_EQ(client.receive()->body, "POST /echo  hello world");
    for (const char byte : request) ASSERT_TRUE(client.send_raw(std::string(1, byte)).ok());
    EXPECT_EQ(client.receive()->body, "POST /echo  hello world");
}

TEST(Server, PacksLargeTextOnlyForThoseWhoTakeIt) {
    TestServer server;
    Client client = server.client();
    const Response plain = *client.get("/large");
    EXPECT_EQ(plain.headers.get("Vary"), "Accept-Encoding");
    EXPECT_FALSE(plain.headers.has("Content-Encoding"));
    EXPECT_EQ(plain.headers.get("ETag"), "\"1\"");

    Request request = get("/large");
    request.headers.add("Accept-Encoding", "br, gzip;q=0.5");
    const Response packed = *client.send(request);
    EXPECT_EQ(packed.headers.get("Content-Encoding"), "gzip");
    EXPECT_EQ(packed.headers.get("ETag"), "W/\"1\"");
    EXPECT_EQ(packed.body, plain.body);
    EXPECT_LT(packed.headers.get("Content-Length").size(), plain.headers.get("Content-Length").size());

    request.headers.set("Accept-Encoding", "gzip;q=0, *");
    EXPECT_FALSE(client.send(request)->headers.has("Content-Encoding"));
    request = get("/echo");
    request.headers.add("Accept-Encoding", "gzip");
    EXPECT_FALSE(client.send(request)->headers.has("Content-Encoding"));  // too small
}

TEST(Server, UnpacksGzipBodies) {
    TestServer server;
    Client client = server.client();
    Request request = get("/echo");
    request.method = "POST";
    request.headers.add("Content-Encoding", "gzip");
    request.body = gzip("hel") + gzip("lo");  // two members
    EXPECT_EQ(client.send(request)->body, "POST /echo  hello");
    request.body = gzip(std::string(100, 'x')).substr(0, 20);
    EXPECT_EQ(client.send(request)->status, 400);
    request.body = "not gzip";
    EXPECT_EQ(client.send(request)->status, 400);
}

TEST(Server, SendsALargeAnswerWhole) {
    TestServer server;
    Client client = server.client();
    const Response response = *client.get("/huge");
    ASSERT_EQ(response.body.size(), 20u << 20);
    EXPECT_EQ(response.body.find_first_not_of('h'), std::string::npos);
}

TEST(Server, SendsManyLargeAnswersInARow) {
    TestServer server;
    Client client = server.client();
    std::string batch = "GET /held HTTP/1.1\r\nHost: x\r\n\r\n";
    for (int i = 0; i < 5; ++i) batch += "GET /megabyte HTTP/1.1\r\nHost: x\r\n\r\nGET /echo HTTP/1.1\r\nHost: x\r\n\r\n";
    ASSERT_TRUE(client.send_raw(batch).ok());
    ASSERT_TRUE(server.eventually([&] { return server->figures().by_status_class[2] == 10; }));
    server.release_held_backwards();
    EXPECT_EQ(client.receive()->status, 200);
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(client.receive()->body.size(), 1'100'000u);
        EXPECT_EQ(client.receive()->body, "GET /echo  ");
    }
}

TEST(Server, Answers500WhenTheHandlerThrowsOrForgets) {
    TestServer server;
    Client client = server.client();
    EXPECT_EQ(client.get("/throw")->status, 500);
    EXPECT_EQ(client.get("/throw/quick")->status, 500);
    EXPECT_EQ(client.get("/forget")->status, 500);
    EXPECT_EQ(client.get("/twice")->body, "first");
    EXPECT_EQ(client.get("/status/0")->status, 500);
    const Response fhir = *client.get("/fhir/throw");
    EXPECT_NE(fhir.body.find("OperationOutcome"), std::string::npos);
    EXPECT_EQ(fhir.headers.get("Content-Type"), "application/fhir+json");
    EXPECT_EQ(server.log_lines(), 3u);
}

TEST(Server, NeverLetsAHeaderFieldBreakTheAnswer) {
    TestServer server;
    Client client = server.client();
    const Response response = *client.get("/injected");
    EXPECT_FALSE(response.headers.has("X-Bad"));
    EXPECT_FALSE(response.headers.has("X-Injected"));
    EXPECT_EQ(response.body, "whole");
}

TEST(Server, LeavesBodiesOutWhereHttpHasNone) {
    TestServer server;
    Client client = server.client();
    for (const int status : {204, 304}) {
        const Response response = *client.get(fmt::format("/status/{}", status));
        EXPECT_EQ(response.status, status);
        EXPECT_FALSE(response.headers.has("Content-Length"));
    }
    EXPECT_EQ(client.get("/echo")->body, "GET /echo  ");
}

TEST(Server, CountsWhatItDid) {
    TestServer server;
    Client client = server.client();
    EXPECT_EQ(client.get("/echo")->status, 200);
    EXPECT_EQ(client.get("/slow")->status, 200);
    EXPECT_EQ(client.get("/status/404")->status, 404);
    EXPECT_EQ(client.get("/throw")->status, 500);
    const ServerFigures figures = server->figures();
    EXPECT_EQ(figures.connections_open, 1u);
    EXPECT_EQ(figures.requests_total, 4u);
    EXPECT_EQ(figures.requests_in_flight, 0u);
    EXPECT_EQ(figures.by_status_class[2], 2u);
    EXPECT_EQ(figures.by_status_class[4], 1u);
    EXPECT_EQ(figures.by_status_class[5], 1u);
    EXPECT_EQ(figures.duration_buckets[11], 4u);
    for (int i = 1; i < 12; ++i) EXPECT_GE(figures.duration_buckets[i], figures.duration_buckets[i - 1]);
    EXPECT_GT(figures.bytes_in, 0u);
    EXPECT_GT(figures.bytes_out, 0u);
}

TEST(Server, AnswersFromManyThreadsToManyClients) {
    TestServer server;
    std::vector<std::thread> clients;
    std::atomic<int> right{0};
    for (int c = 0; c < 8; ++c) {
        clients.emplace_back([&, c] {
            Client client = server.client();
            for (int i = 0; i < 50; ++i) {
                const char* where = i % 3 == 0 ? "slow" : i % 3 == 1 ? "echo" : "elsewhere";
                const auto response = client.get(fmt::format("/{}?{}-{}", where, c, i));
                if (response.ok() && response.value().body == fmt::format("GET /{} {}-{} ", where, c, i)) ++right;
            }
        });
    }
    for (std::thread& client : clients) client.join();
    EXPECT_EQ(right, 400);
}

/// Sends pipelines of random requests, cut anywhere, and checks every answer.
int wrong_answers(Client client, std::uint64_t seed, int pipelines) {
    std::mt19937_64 random(seed);
    int wrong = 0;
    for (int pipeline = 0; pipeline < pipelines; ++pipeline) {
        std::string batch;
        std::vector<std::string> expected;
        const auto count = 1 + random() % 60;
        for (std::size_t i = 0; i < count; ++i) {
            static constexpr const char* places[] = {"echo", "slow", "elsewhere"};
            const std::string path = fmt::format("/{}?{}", places[random() % 3], random());
            const std::string body(random() % 4 == 0 ? random() % 30'000 : random() % 20, 'b');
            std::string shown = path;
            shown[shown.find('?')] = ' ';
            if (random() % 3 != 0) {
                batch += fmt::format("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", path);
                expected.push_back(fmt::format("GET {} ", shown));
            } else if (random() % 2 == 0 || body.empty()) {
                batch += fmt::format("PUT {} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{}", path, body.size(), body);
                expected.push_back(fmt::format("PUT {} {}", shown, body));
            } else {
                batch += fmt::format("PUT {} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{}\r\n0\r\n\r\n",
                                     path, body.size(), body);
                expected.push_back(fmt::format("PUT {} {}", shown, body));
            }
        }
        std::thread sender([&, cut_seed = random()] {
            std::mt19937_64 cuts(cut_seed);
            for (std::string_view rest = batch; !rest.empty();) {
                const std::size_t size = std::min<std::size_t>(rest.size(), 1 + cuts() % 20'000);
                (void)client.send_raw(rest.substr(0, size));
                rest.remove_prefix(size);
            }
        });
        for (const std::string& body : expected) {
            const auto response = client.receive();
            if (!response.ok() || response.value().body != body) ++wrong;
        }
        sender.join();
    }
    return wrong;
}

TEST(Server, KeepsEveryRandomPipelineInOrder) {
    const std::uint64_t seed = testing::seed();
    SCOPED_TRACE(fmt::format("XINGLIN_SEED={}", seed));
    TestServer server;
    std::vector<std::future<int>> clients;
    for (std::uint64_t c = 0; c < 4; ++c) {
        clients.push_back(std::async(std::launch::async, [&, c] { return wrong_answers(server.client(), seed + c, 25); }));
    }
    for (auto& client : clients) EXPECT_EQ(client.get(), 0);
    EXPECT_TRUE(server.eventually([&] { return server->figures().requests_in_flight == 0; }));
}

TEST(Server, CallsNothingLostWhenAnAnswerComesAfterItsEnd) {
    Respond kept;
    std::promise<void> taken;
    {
        Server server({.port = 0}, [&](Request, Respond respond) {
            kept = std::move(respond);
            taken.set_value();
        });
        ASSERT_TRUE(server.start().ok());
        Client client = Client::connect({.port = server.port()}).value();
        ASSERT_TRUE(client.send_raw("GET / HTTP/1.1\r\nHost: x\r\n\r\n").ok());
        taken.get_future().wait();
    }
    kept(Response::text(200, "text/plain", "too late"));
}

}  // namespace
}  // namespace xinglin::http
