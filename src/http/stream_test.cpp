// SPDX-License-Identifier: Apache-2.0
// Bodies that are made while they are sent, files, and channels.
#include "http/stream.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <fstream>

#include "http/gzip.h"
#include "http/test_server.h"
#include "testing/testing.h"

namespace xinglin::http {
namespace {

/// Serves what its paths say, and counts what is alive.
class StreamTest : public ::testing::Test {
protected:
    void open(ServerOptions options = {}) {
        options.port = 0;
        options.log = [this](std::string_view) { ++log_lines_; };
        server_ = std::make_unique<Server>(options,
                                           [this](const Request& request, const Respond& respond) { answer(request, respond); });
        const auto started = server_->start();
        ASSERT_TRUE(started.ok()) << started.outcome().line();
        tls_ = !options.tls_certificate.empty();
    }
    Client client() {
        auto client = Client::connect(
            {.port = server_->port(), .tls = tls_, .verify = false, .timeout = std::chrono::seconds(20), .inflate = false});
        if (!client.ok()) throw std::runtime_error(client.outcome().line());
        return std::move(client).value();
    }
    static Request request(std::string_view method, std::string_view target,
                           std::initializer_list<std::pair<std::string, std::string>> headers = {}) {
        Request made;
        made.method = method;
        made.target = target;
        for (const auto& [name, value] : headers) made.headers.add(name, value);
        return made;
    }
    /// What a stream of `count` pieces consists of.
    static std::string whole(int count, std::size_t size = piece_bytes) {
        std::string all;
        for (int i = 0; i < count; ++i) all += piece(i, size);
        return all;
    }
    static std::string piece(int i, std::size_t size = piece_bytes) { return std::string(size, static_cast<char>('a' + i % 26)); }
    std::filesystem::path file(std::string_view content) {
        const auto path = folder_.path() / "file";
        std::ofstream(path, std::ios::binary) << content;
        return path;
    }
    std::vector<std::shared_ptr<Channel>> channels() {
        const std::lock_guard lock(channels_mutex_);
        return channels_;
    }

    static constexpr std::size_t piece_bytes = 100'000;
    testing::ScratchFolder folder_;
    std::atomic<int> made_{0}, alive_{0};
    std::atomic<std::size_t> log_lines_{0};
    std::unique_ptr<Server> server_;
    bool tls_ = false;

private:
    struct Life {
        explicit Life(std::atomic<int>& count) : count_(count) { ++count_; }
        ~Life() { --count_; }
        std::atomic<int>& count_;
    };

    void answer(const Request& request, const Respond& respond) {
        if (request.path == "/file") {
            auto response = file_response(request, {folder_.path() / "file", "application/x-test", "", ""});
            if (response.ok()) return respond(std::move(response).value());
            return respond(Response::text(404, "text/plain", "no"));
        }
        Response response;
        response.headers.add("Content-Type", request.path == "/text" ? "text/plain" : "application/octet-stream");
        if (request.path == "/channel") {
            const std::lock_guard lock(channels_mutex_);
            response.channel = channels_.emplace_back(std::make_shared<Channel>());
            return respond(std::move(response));
        }
        if (request.path == "/plain") return respond(Response::text(200, "text/plain", "plain " + request.query));
        const int count = request.query.empty() ? 3 : std::stoi(request.query);
        const bool breaks = request.path == "/breaks";
        auto next = [this, count, breaks, i = 0, life = std::make_shared<Life>(alive_)]() mutable {
            if (i == count && breaks) throw std::runtime_error("the source broke");
            ++made_;
            return i == count ? std::string() : piece(i++);
        };
        response.stream = std::make_shared<Stream>(Stream{next, {}});
        if (request.path == "/measured") response.stream->length = piece_bytes * static_cast<std::size_t>(count);
        if (request.path == "/short") response.stream->length = piece_bytes * static_cast<std::size_t>(count) + 1;
        if (request.path == "/long") response.stream->length = piece_bytes * static_cast<std::size_t>(count) - 1;
        respond(std::move(response));
    }

    std::mutex channels_mutex_;
    std::vector<std::shared_ptr<Channel>> channels_;
};

TEST_F(StreamTest, AnUnknownLengthGoesInChunks) {
    open();
    Client one = client();
    const auto response = one.get("/stream?7");
    ASSERT_TRUE(response.ok());
    EXPECT_EQ(response.value().headers.get("Transfer-Encoding"), "chunked");
    EXPECT_FALSE(response.value().headers.has("Content-Length"));
    EXPECT_EQ(response.value().body, whole(7));
    EXPECT_EQ(one.get("/plain?again").value().body, "plain again") << "the connection goes on";
    EXPECT_EQ(one.get("/stream?0").value().body, "");
    EXPECT_TRUE(TestServer::eventually([&] { return alive_ == 0; }));
}

TEST_F(StreamTest, AKnownLengthIsSaid) {
    open();
    Client one = client();
    const auto response = one.get("/measured?5");
    ASSERT_TRUE(response.ok());
    EXPECT_EQ(response.value().headers.get("Content-Length"), "500000");
    EXPECT_FALSE(response.value().headers.has("Transfer-Encoding"));
    EXPECT_EQ(response.value().body, whole(5));
    EXPECT_EQ(one.get("/plain?again").value().body, "plain again");
}

TEST_F(StreamTest, HttpOneZeroReadsToTheEndOfTheConnection) {
    open();
    Client one = client();
    ASSERT_TRUE(one.send_raw("GET /stream?4 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").ok());
    const auto response = one.receive();
    ASSERT_TRUE(response.ok());
    EXPECT_EQ(response.value().headers.get("Connection"), "close");
    EXPECT_FALSE(response.value().headers.has("Transfer-Encoding"));
    EXPECT_EQ(response.value().body, whole(4));
}

TEST_F(StreamTest, HeadGivesTheHeaderAndMakesNothing) {
    open();
    Client one = client();
    EXPECT_EQ(one.send(request("HEAD", "/measured?5")).value().headers.get("Content-Length"), "500000");
    EXPECT_EQ(one.send(request("HEAD", "/stream?5")).value().headers.get("Transfer-Encoding"), "chunked");
    EXPECT_EQ(one.send(request("HEAD", "/channel")).value().status, 200);
    EXPECT_EQ(one.get("/plain?next").value().body, "plain next");
    EXPECT_EQ(made_, 0);
    ASSERT_EQ(channels().size(), 1u);
    EXPECT_FALSE(channels()[0]->send("x")) << "nobody listens to the body of a HEAD";
    EXPECT_TRUE(TestServer::eventually([&] { return alive_ == 0; }));
}

TEST_F(StreamTest, PipelinedAnswersStayInOrder) {
    open();
    Client one = client();
    std::string all;
    for (const char* target : {"/plain?1", "/stream?3", "/plain?2", "/measured?2", "/stream?0", "/plain?3"}) {
        all += fmt::format("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", target);
    }
    ASSERT_TRUE(one.send_raw(all).ok());
    for (const std::string& body :
         {std::string("plain 1"), whole(3), std::string("plain 2"), whole(2), std::string(), std::string("plain 3")}) {
        const auto response = one.receive();
        ASSERT_TRUE(response.ok());
        EXPECT_EQ(response.value().body, body);
    }
}

TEST_F(StreamTest, AClientThatDoesNotReadIsNotMadeFor) {
    open();
    Client one = client();
    ASSERT_TRUE(one.send_raw("GET /stream?100000 HTTP/1.1\r\nHost: x\r\n\r\n").ok());
    ASSERT_TRUE(TestServer::eventually([&] { return made_ > 0; }));
    int before = -1;
    ASSERT_TRUE(TestServer::eventually([&] {  // until the sockets are full
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        return std::exchange(before, made_.load()) == made_;
    }));
    EXPECT_LT(made_, 1'000) << "what the system's socket buffers hold, not ten gigabytes";
    EXPECT_EQ(client().get("/plain?other").value().body, "plain other");
    { const Client leaving = std::move(one); }
    EXPECT_TRUE(TestServer::eventually([&] { return alive_ == 0; })) << "the source is let go with its client";
}

TEST_F(StreamTest, AClientThatStopsReadingIsDroppedInTime) {
    ServerOptions options;
    options.write_timeout = std::chrono::seconds(1);
    open(options);
    Client one = client();
    ASSERT_TRUE(one.send_raw("GET /stream?100000 HTTP/1.1\r\nHost: x\r\n\r\n").ok());
    ASSERT_TRUE(TestServer::eventually([&] { return made_ > 0; }));
    EXPECT_TRUE(TestServer::eventually([&] { return alive_ == 0; }));
    EXPECT_TRUE(TestServer::eventually([&] { return server_->figures().connections_open == 0; }));
}

TEST_F(StreamTest, AnExceptionInMidBodyBreaksTheConnectionOff) {
    open();
    for (const char* target : {"/breaks?2", "/breaks?0", "/short?2", "/long?2"}) {
        EXPECT_FALSE(client().get(target).ok()) << target;
    }
    Client old = client();
    ASSERT_TRUE(old.send_raw("GET /breaks?2 HTTP/1.0\r\n\r\n").ok());
    EXPECT_FALSE(old.receive().ok()) << "an end of the connection would look like the end of the body";
    EXPECT_TRUE(TestServer::eventually([&] { return alive_ == 0; }));
    EXPECT_GE(log_lines_, 5u);
}

TEST_F(StreamTest, TextIsPackedForThoseWhoTakeIt) {
    open();
    Client one = client();
    const auto packed = one.send(request("GET", "/text?40", {{"Accept-Encoding", "gzip"}}));
    ASSERT_TRUE(packed.ok());
    EXPECT_EQ(packed.value().headers.get("Content-Encoding"), "gzip");
    EXPECT_EQ(packed.value().headers.get("Vary"), "Accept-Encoding");
    EXPECT_LT(packed.value().body.size(), 100'000u);
    std::string plain;
    ASSERT_EQ(inflate_gzip(packed.value().body, 10'000'000, plain), Inflated::whole);
    EXPECT_EQ(plain, whole(40));
    EXPECT_EQ(one.get("/text?2").value().body, whole(2));
    EXPECT_FALSE(one.send(request("GET", "/measured?2", {{"Accept-Encoding", "gzip"}})).value().headers.has("Content-Encoding"));
}

TEST_F(StreamTest, ManyStreamsShareFewWorkers) {
    ServerOptions options;
    options.worker_threads = 2;
    open(options);
    std::vector<Client> clients;
    for (int i = 0; i < 50; ++i) {
        clients.push_back(client());
        ASSERT_TRUE(clients.back().send_raw("GET /stream?20 HTTP/1.1\r\nHost: x\r\n\r\n").ok());
    }
    const std::string expected = whole(20);
    for (Client& one : clients) EXPECT_EQ(one.receive().value().body, expected);
}

TEST_F(StreamTest, WorksUnderTls) {
    const auto key = folder_.path() / "key.pem", chain = folder_.path() / "cert.pem";
    const std::string command = fmt::format(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout {} -out {} -days 2 -subj "
        "/CN=localhost "
        "> /dev/null 2>&1",
        key.string(), chain.string());
    if (std::system(command.c_str()) != 0) GTEST_SKIP() << "openssl is not installed";
    ServerOptions options;
    options.tls_certificate = chain.string();
    options.tls_key = key.string();
    open(options);
    Client one = client();
    EXPECT_EQ(one.get("/stream?30").value().body, whole(30));
    EXPECT_EQ(one.get("/measured?30").value().body, whole(30));
    EXPECT_FALSE(one.get("/breaks?3").ok());
    file(whole(4));
    EXPECT_EQ(client().send(request("GET", "/file", {{"Range", "bytes=99999-200000"}})).value().body,
              whole(4).substr(99'999, 100'002));
    Client listening = client();
    ASSERT_TRUE(listening.send_raw("GET /channel HTTP/1.1\r\nHost: x\r\n\r\n").ok());
    ASSERT_TRUE(TestServer::eventually([&] { return channels().size() == 1; }));
    EXPECT_TRUE(channels()[0]->send("news"));
    channels()[0]->end();
    EXPECT_EQ(listening.receive().value().body, "news");
}

TEST_F(StreamTest, FilesAnswerRanges) {
    open();
    const std::string content = whole(7, 99'991);
    file(content);
    Client one = client();
    const auto full = one.get("/file");
    ASSERT_EQ(full.value().status, 200);
    EXPECT_EQ(full.value().body, content);
    EXPECT_EQ(full.value().headers.get("Accept-Ranges"), "bytes");
    const std::string tag(full.value().headers.get("ETag"));
    struct Case {
        const char* range;
        int status;
        std::size_t from, count;
    };
    const std::size_t size = content.size();
    for (const Case& each :
         {Case{"bytes=0-0", 206, 0, 1}, Case{"bytes=5-", 206, 5, size - 5}, Case{"bytes=-5", 206, size - 5, 5},
          Case{"bytes=100-299999", 206, 100, 299'900}, Case{"bytes=699936-99999999", 206, size - 1, 1},
          Case{"bytes=-99999999", 206, 0, size}, Case{"BYTES= 1-2", 206, 1, 2}, Case{"bytes=0-1,4-5", 200, 0, size},
          Case{"bytes=5-4", 200, 0, size}, Case{"bytes=", 200, 0, size}, Case{"bytes=-", 200, 0, size},
          Case{"bytes=a-b", 200, 0, size}, Case{"lines=1-2", 200, 0, size}, Case{"bytes=18446744073709551616-", 200, 0, size}}) {
        const auto part = one.send(request("GET", "/file", {{"Range", each.range}}));
        ASSERT_TRUE(part.ok()) << each.range;
        EXPECT_EQ(part.value().status, each.status) << each.range;
        EXPECT_TRUE(part.value().body == content.substr(each.from, each.count)) << each.range;
        if (each.status == 206) {
            EXPECT_EQ(part.value().headers.get("Content-Range"),
                      fmt::format("bytes {}-{}/{}", each.from, each.from + each.count - 1, size));
        }
    }
    for (const char* beyond : {"bytes=699937-", "bytes=-0"}) {
        const auto none = one.send(request("GET", "/file", {{"Range", beyond}}));
        EXPECT_EQ(none.value().status, 416) << beyond;
        EXPECT_EQ(none.value().headers.get("Content-Range"), "bytes */699937");
    }
    EXPECT_EQ(one.send(request("GET", "/file", {{"Range", "bytes=1-2"}, {"If-Range", tag}})).value().status, 206);
    EXPECT_EQ(one.send(request("GET", "/file", {{"Range", "bytes=1-2"}, {"If-Range", "\"other\""}})).value().status, 200);
    EXPECT_EQ(one.send(request("GET", "/file", {{"Range", "bytes=1-2"}, {"If-Range", "W/" + tag}})).value().status, 200);
    EXPECT_EQ(one.send(request("GET", "/file", {{"If-None-Match", tag}})).value().status, 304);
    const auto head = one.send(request("HEAD", "/file", {{"Range", "bytes=1-2"}}));
    EXPECT_EQ(head.value().status, 200);
    EXPECT_EQ(head.value().headers.get("Content-Length"), "699937");
    file("");
    EXPECT_EQ(one.get("/file").value().body, "");
    EXPECT_EQ(one.send(request("GET", "/file", {{"Range", "bytes=0-"}})).value().status, 416);
    std::filesystem::remove(folder_.path() / "file");
    EXPECT_EQ(one.get("/file").value().status, 404);
}

TEST_F(StreamTest, AFileCutShortWhileSentBreaksOff) {
    open();
    file(whole(400));
    Client one = client();
    ASSERT_TRUE(one.send_raw("GET /file HTTP/1.1\r\nHost: x\r\n\r\n").ok());
    ASSERT_TRUE(one.receive_head().ok());
    std::filesystem::resize_file(folder_.path() / "file", 10);
    EXPECT_FALSE(one.receive_rest().ok());
}

TEST_F(StreamTest, ChannelsSayWhatHappensWhenItHappens) {
    open();
    Client one = client();
    ASSERT_TRUE(one.send_raw("GET /channel HTTP/1.1\r\nHost: x\r\n\r\n").ok());
    ASSERT_EQ(one.receive_head().value().headers.get("Transfer-Encoding"), "chunked");
    const auto channel = channels().at(0);
    EXPECT_TRUE(channel->send("first"));
    EXPECT_EQ(one.receive_some().value(), "5\r\nfirst\r\n");
    EXPECT_TRUE(channel->send("second"));
    EXPECT_EQ(one.receive_some().value(), "6\r\nsecond\r\n");
    channel->end();
    EXPECT_EQ(one.receive_some().value(), "0\r\n\r\n");
    EXPECT_FALSE(channel->send("late"));
    EXPECT_EQ(one.get("/plain?next").value().body, "plain next") << "the connection goes on";
}

TEST_F(StreamTest, AChannelHearsThatItsClientLeft) {
    open();
    {
        Client one = client();
        ASSERT_TRUE(one.send_raw("GET /channel HTTP/1.1\r\nHost: x\r\n\r\n").ok());
        ASSERT_TRUE(one.receive_head().ok());
        EXPECT_TRUE(channels().at(0)->send("x"));
    }
    EXPECT_TRUE(TestServer::eventually([&] { return channels()[0]->is_over(); }));
    EXPECT_FALSE(channels()[0]->send("y"));
}

TEST_F(StreamTest, AChannelWhoseClientFallsBehindIsLetGo) {
    open();
    Client one = client();
    ASSERT_TRUE(one.send_raw("GET /channel HTTP/1.1\r\nHost: x\r\n\r\n").ok());
    ASSERT_TRUE(one.receive_head().ok());
    const std::string much(60'000, 'x');
    std::size_t sent = 0;
    while (channels()[0]->send(much) && sent < 10'000) ++sent;
    EXPECT_LT(sent, 10'000u);
    EXPECT_TRUE(TestServer::eventually([&] { return channels()[0]->is_over(); }));
}

TEST_F(StreamTest, ThousandsOfIdleChannelsHoldNoWorker) {
    ServerOptions options;
    options.worker_threads = 1;
    open(options);
    std::vector<Client> clients;
    for (int i = 0; i < 400; ++i) {
        clients.push_back(client());
        ASSERT_TRUE(clients.back().send_raw("GET /channel HTTP/1.1\r\nHost: x\r\n\r\n").ok());
        ASSERT_TRUE(clients.back().receive_head().ok());
    }
    EXPECT_EQ(client().get("/plain?x").value().body, "plain x");
    for (const auto& channel : channels()) EXPECT_TRUE(channel->send("event"));
    for (Client& one : clients) EXPECT_EQ(one.receive_some().value(), "5\r\nevent\r\n");
}

TEST_F(StreamTest, AStopEndsChannelsAndFinishesStreams) {
    open();
    Client listening = client(), loading = client();
    ASSERT_TRUE(listening.send_raw("GET /channel HTTP/1.1\r\nHost: x\r\n\r\n").ok());
    ASSERT_TRUE(listening.receive_head().ok());
    ASSERT_TRUE(loading.send_raw("GET /stream?200 HTTP/1.1\r\nHost: x\r\n\r\n").ok());
    ASSERT_TRUE(loading.receive_head().ok());
    std::thread stopping([&] { server_->stop(); });
    std::size_t got = 0;
    for (;;) {
        const auto some = loading.receive_some();
        ASSERT_TRUE(some.ok());
        if (some.value().empty()) break;
        got += some.value().size();
    }
    EXPECT_GT(got, 200 * piece_bytes);
    EXPECT_EQ(listening.receive_rest().value(), "0\r\n\r\n");
    stopping.join();
    EXPECT_TRUE(channels()[0]->is_over());
}

TEST_F(StreamTest, AChannelMayBeToldFromManyThreadsWhileClientsComeAndGo) {
    open();
    std::atomic<bool> over = false;
    std::vector<std::thread> telling;
    for (int t = 0; t < 3; ++t) {
        telling.emplace_back([&] {
            while (!over) {
                for (const auto& channel : channels()) channel->send("tick\n");
                std::this_thread::yield();
            }
        });
    }
    for (int i = 0; i < 60; ++i) {
        Client one = client();
        ASSERT_TRUE(one.send_raw("GET /channel HTTP/1.1\r\nHost: x\r\n\r\n").ok());
        ASSERT_TRUE(one.receive_head().ok());
        ASSERT_FALSE(one.receive_some().value().empty());
    }
    server_->stop(true);
    over = true;
    for (std::thread& thread : telling) thread.join();
    for (const auto& channel : channels()) EXPECT_FALSE(channel->send("late"));
}

}  // namespace
}  // namespace xinglin::http
