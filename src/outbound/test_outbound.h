// SPDX-License-Identifier: Apache-2.0
// For tests only: a record with channels, on either engine, and receivers that behave as they are told.
#pragma once

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <deque>
#include <mutex>
#include <thread>

#include "fhir/fhir.h"
#include "hl7v2/hl7v2.h"
#include "http/http.h"
#include "outbound/outbound.h"
#include "testing/postgres.h"
#include "testing/testing.h"

namespace xinglin::outbound {

class TestOutbound {
public:
    explicit TestOutbound(const std::string& engine = "sqlite") : place_(engine == "postgres" ? testing::fresh_postgres() : "") {}
    ~TestOutbound() { close(); }

    void open(Options options = {}) {
        close();
        auto opened = record::Store::open(folder.path(), clock, {.offset_minutes = std::int16_t{480}, .store = place_});
        ASSERT_TRUE(opened.ok()) << opened.outcome().line();
        record = std::move(*opened);
        if (!tables) {
            auto loaded = hl7v2::Tables::load(content);
            ASSERT_TRUE(loaded.ok()) << loaded.outcome().line();
            tables = std::make_unique<hl7v2::Tables>(std::move(*loaded));
        }
        options.data = folder.path();
        options.store = place_;
        options.tables = tables.get();
        auto made = Outbound::open(options, *record, clock, content);
        ASSERT_TRUE(made.ok()) << made.outcome().line();
        outbound = std::move(*made);
    }
    void close() {
        outbound.reset();
        record.reset();
    }

    Result<Channel> read(std::string_view text) {
        json::Arena arena;
        const auto value = json::parse(text, arena);
        if (!value.ok()) return value.outcome();
        return read_channel(*value, Channel{});
    }
    void add(std::string_view text) {
        auto channel = read(text);
        ASSERT_TRUE(channel.ok()) << channel.outcome().line();
        const bool is_new = !outbound->channel(channel->id);
        const auto saved = outbound->save(std::move(*channel), is_new, "test");
        ASSERT_TRUE(saved.ok()) << saved.outcome().line();
    }
    void put(std::string_view text) {
        json::Arena arena;
        const auto value = json::parse(text, arena);
        ASSERT_TRUE(value.ok()) << text;
        const auto ready =
            record->prepare(*fhir::find_resource((*value)["resourceType"].string()), (*value)["id"].string(), *value);
        const auto done = record->submit_and_wait([&](record::Transaction& t) -> Result<Done> {
            t.put(ready, false, false);
            return Done{};
        });
        ASSERT_TRUE(done.ok()) << done.outcome().line();
    }
    void erase(std::string_view type, std::string_view id) {
        const auto done = record->submit_and_wait([&](record::Transaction& t) -> Result<Done> {
            t.erase(*fhir::find_resource(type), id);
            return Done{};
        });
        ASSERT_TRUE(done.ok()) << done.outcome().line();
    }
    void patient(std::string_view id, std::string_view family = "王") {
        put(fmt::format(R"({{"resourceType":"Patient","id":"{}","name":[{{"family":"{}"}}],"gender":"male"}})", id, family));
    }
    void visit(std::string_view id, std::string_view patient, std::string_view status = "finished") {
        put(fmt::format(
            R"({{"resourceType":"Encounter","id":"{}","status":"{}","class":{{"code":"IMP"}},"subject":{{"reference":"Patient/{}"}}}})",
            id, status, patient));
    }
    /// "waiting 1, acknowledged 2": deliveries of a channel by state, those there are.
    std::string states(const std::string& channel) {
        std::map<std::string, int> all;
        for (const Delivery& one : outbound->find({.channel = channel, .count = 500}).deliveries)
            ++all[std::string(text(one.state))];
        std::string out;
        for (const auto& [state, count] : all) out += fmt::format("{}{} {}", out.empty() ? "" : ", ", state, count);
        return out;
    }
    /// Lets time pass until nothing is left to be tried, or so many hours went by.
    void wait_out(int hours = 24) {
        for (int i = 0; i < hours * 4; ++i) {
            ASSERT_TRUE(outbound->settle(60));
            clock.move(15 * 60'000);
        }
        ASSERT_TRUE(outbound->settle(60));
    }
    std::int64_t today() const { return (clock.now_ms() + 8 * 3'600'000) / 86'400'000; }
    std::vector<Delivery> deliveries(const std::string& channel) {
        return outbound->find({.channel = channel, .count = 500}).deliveries;
    }

    testing::ScratchFolder folder;
    testing::StoppedClock clock;
    content::Files content;
    std::unique_ptr<hl7v2::Tables> tables;
    std::unique_ptr<record::Store> record;
    std::unique_ptr<Outbound> outbound;

private:
    std::string place_;
};

/// A FHIR server of few words: does what `answer` says; remembers what came.
class Receiver {
public:
    using Answer = std::function<http::Response(const http::Request& request, int number)>;
    explicit Receiver(Answer answer, http::ServerOptions options = {})
        : answer_(std::move(answer)), server_(prepared(std::move(options)), [this](http::Request request, http::Respond respond) {
              int number = 0;
              {
                  const std::lock_guard lock(mutex_);
                  all_.push_back(request);
                  number = static_cast<int>(all_.size());
              }
              auto response = answer_(request, number);
              if (response.status == 0) return hold(std::move(respond));
              respond(std::move(response));
          }) {
        if (!server_.start().ok()) throw std::runtime_error("no port");
    }
    ~Receiver() { server_.stop(true); }
    std::uint16_t port() const { return server_.port(); }
    std::vector<http::Request> all() const {
        const std::lock_guard lock(mutex_);
        return all_;
    }
    /// As a good server answers a transaction.
    static http::Response accept(const http::Request& request) {
        json::Arena arena;
        const auto bundle = json::parse(request.body, arena);
        std::string entries;
        for (std::size_t i = 0; bundle.ok() && i < (*bundle)["entry"].size(); ++i)
            entries += (i ? "," : "") + std::string(R"({"response":{"status":"201 Created"}})");
        return http::Response::text(200, "application/fhir+json",
                                    R"({"resourceType":"Bundle","type":"transaction-response","entry":[)" + entries + "]}");
    }

private:
    static http::ServerOptions prepared(http::ServerOptions options) {
        options.port = 0;
        return options;
    }
    void hold(http::Respond respond) {
        const std::lock_guard lock(mutex_);
        held_.push_back(std::move(respond));
    }
    const Answer answer_;
    mutable std::mutex mutex_;  // guards what follows
    std::vector<http::Request> all_;
    std::vector<http::Respond> held_;
    http::Server server_;
};

/// A peer at the level of bytes: for every connection and message `answer` gives the bytes to send; "" closes at once,
/// "…" (three dots) never answers.
class RawPeer {
public:
    using Answer = std::function<std::string(const std::string& message, int number)>;
    explicit RawPeer(Answer answer) : answer_(std::move(answer)) {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof address;
        if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || ::listen(listener_, 16) != 0 ||
            ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) != 0)
            throw std::runtime_error("no port");
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { run(); });
    }
    ~RawPeer() {
        stopping_ = true;
        ::shutdown(listener_, SHUT_RDWR);
        {
            const std::lock_guard lock(mutex_);
            for (const int one : open_) ::shutdown(one, SHUT_RDWR);
        }
        thread_.join();
        for (std::thread& each : talks_) each.join();
        ::close(listener_);
    }
    std::uint16_t port() const { return port_; }
    std::vector<std::string> all() const {
        const std::lock_guard lock(mutex_);
        return all_;
    }
    /// A field of a message's first segment of that name; fields count from 1, MSH-1 is the separator.
    static std::string field(const std::string& message, std::string_view segment, std::uint32_t number) {
        const auto read = hl7v2::read(message, {});
        if (!read.ok() || read->find(segment) == nullptr) return "";
        return std::string(read->field(*read->find(segment), number));
    }
    static std::string ack(const std::string& message, std::string_view code, std::string_view id = {},
                           std::string_view words = {}) {
        const std::string own = field(message, "MSH", 10);
        return hl7v2::frame(fmt::format("MSH|^~\\&|R|R|X|X|20261122||ACK|1|P|2.5.1\rMSA|{}|{}|{}\r", code,
                                        id.empty() ? own : std::string(id), words));
    }

private:
    void run() {
        while (!stopping_) {
            const int one = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (one < 0) continue;
            const std::lock_guard lock(mutex_);
            open_.push_back(one);
            talks_.emplace_back([this, one] { talk(one); });
        }
    }
    void talk(int one) {
        hl7v2::FrameReader frames;
        char piece[4096];
        for (bool open = true; open;) {
            const ssize_t count = ::recv(one, piece, sizeof piece, 0);
            if (count <= 0 || !frames.take(std::string_view(piece, static_cast<std::size_t>(count))).ok()) break;
            while (auto message = frames.next()) {
                int number = 0;
                {
                    const std::lock_guard lock(mutex_);
                    all_.push_back(*message);
                    number = static_cast<int>(all_.size());
                }
                const std::string bytes = answer_(*message, number);
                if (bytes == "…") continue;
                open = !bytes.empty();
                if (!open) break;
                if (::send(one, bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) break;
            }
        }
        ::shutdown(one, SHUT_RDWR);
        const std::lock_guard lock(mutex_);
        std::erase(open_, one);
        ::close(one);
    }
    const Answer answer_;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::atomic<bool> stopping_{false};
    std::thread thread_;
    mutable std::mutex mutex_;  // guards what follows
    std::vector<std::thread> talks_;
    std::vector<int> open_;
    std::vector<std::string> all_;
};

inline std::string fhir_channel(std::string_view id, int port, std::string_view more = "") {
    return fmt::format(
        R"({{"id":"{}","name":"省平台","target":{{"kind":"fhir","url":"http://127.0.0.1:{}/fhir"}},"format":"transaction",
            "filter":{{"types":[{{"type":"Patient"}},{{"type":"Encounter","where":"status = 'finished'"}}]}},
            "retry":{{"timeout_seconds":2,"attempts":3}}{}}})",
        id, port, more);
}
inline std::string mllp_channel(std::string_view id, int port, std::string_view more = "") {
    return fmt::format(
        R"({{"id":"{}","name":"市一院","target":{{"kind":"mllp","url":"127.0.0.1:{}"}},"format":"hl7v2",
            "filter":{{"types":[{{"type":"Encounter"}}]}},"retry":{{"timeout_seconds":2,"attempts":3}}{}}})",
        id, port, more);
}
inline std::string csv_channel(std::string_view id, std::string_view target = "", std::string_view more = "") {
    return fmt::format(
        R"({{"id":"{}","name":"医保","target":{{"kind":"folder","folder":"insurance"{}}},"format":"csv",
            "filter":{{"types":[{{"type":"Encounter","where":"status = 'finished'"}}]}},
            "transform":{{"columns":[{{"name":"就诊号","path":"id"}},{{"name":"姓名","path":"subject.resolve().name.family"}}]}}{}}})",
        id, target, more);
}

}  // namespace xinglin::outbound
