// SPDX-License-Identifier: Apache-2.0
// Many at once who mean no good or do nothing: the others are served, memory stays bounded, and they are let go in time.
#include <gtest/gtest.h>

#include <fstream>

#include "http/test_crowd.h"
#include "http/test_server.h"

namespace xinglin::http {
namespace {

constexpr const char* small_request = "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n";

std::size_t resident_bytes() {
    std::size_t whole = 0, resident = 0;
    std::ifstream("/proc/self/statm") >> whole >> resident;
    return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

/// Someone else's requests, quick ones and such that a worker answers.
void expect_served(TestServer& server, int times) {
    Client client = server.client();
    for (int i = 0; i < times; ++i) {
        ASSERT_EQ(client.get("/echo")->status, 200);
        ASSERT_EQ(client.get("/slow")->status, 200);
    }
}

TEST(Crowd, OfTenThousandIdleConnectionsCostsLittleAndOthersAreServed) {
    constexpr std::size_t clients = 10'000;
    if (raise_descriptors() < clients + 500)
        GTEST_SKIP() << "ten thousand connections need as many descriptors; this machine allows " << raise_descriptors();
    Crowd crowd(clients, small_request, 0, Crowd::do_nothing);
    TestServer server({.connections = clients + 100});
    const std::size_t before = resident_bytes();
    ASSERT_TRUE(crowd.begin(server->port()));
    ASSERT_TRUE(server.eventually([&] { return server->figures().requests_total >= clients; }));
    EXPECT_EQ(server->figures().connections_open, clients);
    expect_served(server, 200);
    EXPECT_LT(resident_bytes(), before + (clients * 40'000));
    EXPECT_GE(server->figures().connections_open, clients);
    crowd.ended();
    EXPECT_TRUE(server.eventually([&] { return server->figures().connections_open <= 1; }));
}

TEST(Crowd, OfAThousandClientsThatStopReadingIsBoundedInMemoryAndLetGo) {
    constexpr std::size_t clients = 1'000, most = 32u << 20;
    if (raise_descriptors() < clients + 500) GTEST_SKIP() << "this machine allows too few descriptors";
    Crowd crowd(clients, "GET /megabyte HTTP/1.1\r\nHost: x\r\n\r\n", 4096, Crowd::do_nothing);
    ServerOptions options;
    options.unsent_bytes = most;
    options.write_timeout = std::chrono::seconds(4);
    TestServer server(std::move(options));
    ASSERT_TRUE(crowd.begin(server->port()));
    std::uint64_t peak = 0;
    Client client = server.client();
    ASSERT_TRUE(server.eventually([&] {  // all have asked, and none is left that holds an answer back
        const ServerFigures now = server->figures();
        peak = std::max(peak, now.unsent_bytes);
        EXPECT_EQ(client.get("/echo")->status, 200);
        return now.requests_total >= clients && now.requests_in_flight == 0 && now.unsent_bytes == 0;
    }));
    EXPECT_GT(peak, most / 2);
    EXPECT_LT(peak, 2 * most + (8u << 20));
    EXPECT_GT(server->figures().refused_busy, 0u);
    EXPECT_EQ(client.get("/megabyte")->body.size(), 1'100'000u);
    expect_served(server, 20);
}

// One client asks for thirty-two large answers at once and reads none: as bad as thirty-two clients.
TEST(Crowd, OfPipelinedLargeAnswersIsBoundedToo) {
    constexpr std::size_t most = 32u << 20;
    std::string batch;
    for (int i = 0; i < 32; ++i) batch += "GET /huge HTTP/1.1\r\nHost: x\r\n\r\n";
    Crowd crowd(4, batch, 4096, Crowd::do_nothing);
    ServerOptions options;
    options.unsent_bytes = most;
    options.write_timeout = std::chrono::seconds(4);
    TestServer server(std::move(options));
    ASSERT_TRUE(crowd.begin(server->port()));
    std::uint64_t peak = 0;
    Client client = server.client();
    ASSERT_TRUE(server.eventually([&] {
        const ServerFigures now = server->figures();
        peak = std::max(peak, now.unsent_bytes);
        EXPECT_EQ(client.get("/echo")->status, 200);
        return peak > 0 && now.requests_in_flight == 0 && now.unsent_bytes == 0;
    }));
    EXPECT_LT(peak, 2 * most + (64u << 20));  // and one answer for each I/O thread
}

TEST(Crowd, OfHundredsThatSendAByteNowAndThenIsLetGoInTime) {
    constexpr std::size_t clients = 400;
    const auto drip = [](const std::vector<int>& sockets, int until_closed) {
        std::vector<bool> open(sockets.size(), true);
        std::size_t told = 0;
        while (!Crowd::is_over(until_closed, 100)) {
            for (std::size_t i = 0; i < sockets.size(); ++i) {
                if (!open[i]) continue;
                char answer[64] = {};
                if (recv(sockets[i], answer, sizeof answer - 1, MSG_DONTWAIT) > 0)
                    told += std::string_view(answer).starts_with("HTTP/1.1 408") ? 1 : 0;
                else if (send(sockets[i], "a", 1, MSG_NOSIGNAL) == 1) continue;
                open[i] = false;
            }
        }
        return told == sockets.size() ? 0 : 1;
    };
    Crowd headers(clients, "GET /echo HTTP/1.1\r\nX-Slow: ", 0, drip);
    Crowd bodies(clients, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n", 0, drip);
    Crowd chunks(clients, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3;", 0, drip);
    ServerOptions options;
    options.header_timeout = options.body_timeout = std::chrono::seconds(3);
    TestServer server(std::move(options));
    for (Crowd* each : {&headers, &bodies, &chunks}) ASSERT_TRUE(each->begin(server->port()));
    expect_served(server, 50);
    ASSERT_TRUE(server.eventually([&] { return server->figures().by_status_class[4] == 3 * clients; }));
    EXPECT_TRUE(server.eventually([&] { return server->figures().connections_open <= 1; }));
    EXPECT_EQ(headers.ended(), 0);
    EXPECT_EQ(bodies.ended(), 0);
    EXPECT_EQ(chunks.ended(), 0);
}

/// Sends `piece` again and again until the server hangs up. 0 when it did for all, 1 when told to end before.
Crowd::Behaviour flood(std::string piece) {
    return [piece = std::move(piece)](const std::vector<int>& sockets, int until_closed) {
        std::vector<bool> open(sockets.size(), true);
        std::size_t left = sockets.size();
        std::optional<std::chrono::steady_clock::time_point> told;
        while (left > 0) {
            if (Crowd::is_over(until_closed, 0)) {  // what was closed a moment ago shows at the next sending
                const auto now = std::chrono::steady_clock::now();
                if (!told) told = now;
                else if (now - *told > std::chrono::seconds(10)) return 1;
            }
            for (std::size_t i = 0; i < sockets.size(); ++i) {
                if (!open[i] || send(sockets[i], piece.data(), piece.size(), MSG_NOSIGNAL | MSG_DONTWAIT) > 0) continue;
                if (errno == EAGAIN) continue;
                open[i] = false;
                --left;
            }
        }
        return 0;
    };
}

TEST(Crowd, OfHeaderFloodsIsRefusedWithoutKeepingThem) {
    struct Flood {
        const char *name, *begin, *piece;
        bool forever;  // nothing is wrong with it but that it never ends: the clock ends it
    };
    const std::string start = "GET /echo HTTP/1.1\r\nHost: x\r\n", post = "POST /echo HTTP/1.1\r\nHost: x\r\n";
    const std::string long_value(1000, 'v'), cookie = "Cookie: a=" + std::string(200, 'b') + "\r\n";
    const std::string in_chunks = post + "Transfer-Encoding: chunked\r\n\r\n";
    const std::string extension = in_chunks + "1;", trailer = in_chunks + "0\r\nX: ", trailers = in_chunks + "0\r\n";
    const std::string name = start + "X", value = start + "X: ";
    const Flood floods[] = {{"a target without end", "GET /", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
                            {"a method without end", "G", "GGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGG", false},
                            {"fields without end", start.c_str(), "a:b\r\n", false},
                            {"cookies without end", start.c_str(), cookie.c_str(), false},
                            {"a field name without end", name.c_str(), "aaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
                            {"a field value without end", value.c_str(), long_value.c_str(), false},
                            {"empty lines without end", "", "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n", true},
                            {"a chunk extension without end", extension.c_str(), "aaaaaaaaaaaaaaaaaaaaaaaa", false},
                            {"a trailer without end", trailer.c_str(), "aaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
                            {"trailers without end", trailers.c_str(), "a:b\r\n", false}};
    std::vector<std::unique_ptr<Crowd>> crowds;
    for (const Flood& each : floods) crowds.push_back(std::make_unique<Crowd>(20, each.begin, 0, flood(each.piece)));
    ServerOptions options;
    options.header_timeout = options.body_timeout = std::chrono::seconds(3);
    TestServer server(std::move(options));
    const std::size_t before = resident_bytes();
    for (const auto& crowd : crowds) ASSERT_TRUE(crowd->begin(server->port()));
    expect_served(server, 50);
    EXPECT_TRUE(server.eventually([&] { return server->figures().connections_open <= 1; }));
    for (std::size_t i = 0; i < crowds.size(); ++i) EXPECT_EQ(crowds[i]->ended(), 0) << floods[i].name;
    EXPECT_LT(resident_bytes(), before + (300u << 20));
    expect_served(server, 5);
}

}  // namespace
}  // namespace xinglin::http
