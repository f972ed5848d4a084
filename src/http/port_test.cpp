// SPDX-License-Identifier: Apache-2.0
// A port of plain bytes: answers from any thread, peers that do not read, half a handshake, TLS with certificates demanded.
#include "http/port.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "http/client.h"
#include "testing/testing.h"

namespace xinglin::http {
namespace {

/// Sends back what it hears, upper case; "hold", "end" and "flood" do what they say.
class Echo final : public Talk {
public:
    explicit Echo(std::shared_ptr<Wire> wire) : wire_(std::move(wire)) {}
    void received(std::string_view bytes) override {
        if (bytes == "end") return wire_->end();
        if (bytes == "flood") {
            for (int i = 0; i < 64; ++i) wire_->send(std::string(1u << 20, 'x'));
            return;
        }
        std::string loud(bytes);
        for (char& c : loud) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
        if (bytes == "later") {
            std::thread([wire = wire_, loud] { wire->send(loud); }).detach();
            return;
        }
        wire_->send(std::move(loud));
    }
    bool keep(std::chrono::steady_clock::time_point) override { return !expired; }
    static inline std::atomic<bool> expired = false;

private:
    const std::shared_ptr<Wire> wire_;
};

class PortTest : public ::testing::Test {
protected:
    void SetUp() override { Echo::expired = false; }
    void open(PortOptions options = {}) {
        port = std::make_unique<Port>(std::move(options),
                                      [](std::shared_ptr<Wire> wire) { return std::make_unique<Echo>(std::move(wire)); });
        const auto started = port->start();
        ASSERT_TRUE(started.ok()) << started.outcome().line();
    }
    Client dial() const {
        auto client = Client::connect({.port = port->port(), .timeout = std::chrono::milliseconds(20'000)});
        if (!client.ok()) throw std::runtime_error(client.outcome().line());
        return std::move(*client);
    }
    static std::string talk(Client& client, std::string_view text) {
        if (!client.send_raw(text).ok()) return "not sent";
        const auto heard = client.receive_some();
        return heard.ok() ? *heard : "refused";
    }
    std::unique_ptr<Port> port;
};

TEST_F(PortTest, CarriesBytesBothWaysFromAnyThread) {
    open();
    Client client = dial();
    EXPECT_EQ(talk(client, "hello"), "HELLO");
    EXPECT_EQ(talk(client, "later"), "LATER");
    EXPECT_EQ(talk(client, "end"), "");
}

TEST_F(PortTest, DropsAPeerThatLetsItsAnswersGather) {
    std::atomic<int> told = 0;
    open({.log = [&](std::string_view) { ++told; }});
    Client client = dial();
    ASSERT_TRUE(client.send_raw("flood").ok());
    for (int i = 0; i < 400 && (told == 0 || port->connections() > 0); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_EQ(port->connections(), 0u);
    EXPECT_EQ(told, 1);
    Client other = dial();
    EXPECT_EQ(talk(other, "hello"), "HELLO") << "others are served";
}

TEST_F(PortTest, ClosesWhoIsNotToBeKept) {
    open();
    Client client = dial();
    EXPECT_EQ(talk(client, "hello"), "HELLO");
    Echo::expired = true;
    EXPECT_EQ(*client.receive_some(), "");
}

TEST_F(PortTest, TakesOnlySoManyConnections) {
    open({.connections = 2});
    Client first = dial(), second = dial();
    EXPECT_EQ(talk(first, "a"), "A");
    EXPECT_EQ(talk(second, "b"), "B");
    Client third = dial();
    const auto heard = third.receive_some();
    EXPECT_TRUE(!heard.ok() || heard->empty());
}

TEST_F(PortTest, AWireOutlivesItsPort) {
    std::shared_ptr<Wire> kept;
    std::mutex mutex;
    Port mine({}, [&](std::shared_ptr<Wire> wire) {
        const std::lock_guard lock(mutex);
        kept = wire;
        return std::make_unique<Echo>(std::move(wire));
    });
    ASSERT_TRUE(mine.start().ok());
    auto client = Client::connect({.port = mine.port()});
    ASSERT_TRUE(client.ok());
    EXPECT_EQ(talk(*client, "hello"), "HELLO");
    mine.stop(std::chrono::seconds(0));
    kept->send("too late");
    kept->end();
}

TEST_F(PortTest, SaysWhatIsWrongWithPortOrAddress) {
    open();
    Port again({.port = port->port(), .option = "--mllp"}, [](std::shared_ptr<Wire>) { return std::unique_ptr<Talk>(); });
    const auto taken = again.start();
    ASSERT_FALSE(taken.ok());
    EXPECT_EQ(taken.outcome().issues.front().where, "--mllp");
    Port nowhere({.bind = "here"}, [](std::shared_ptr<Wire>) { return std::unique_ptr<Talk>(); });
    const auto refused = nowhere.start();
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.outcome().issues.front().where, "--bind");
}

}  // namespace
}  // namespace xinglin::http
