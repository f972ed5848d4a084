// SPDX-License-Identifier: Apache-2.0
#include "server/pulse.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "server/errands.h"
#include "testing/testing.h"

namespace xinglin::server {
namespace {

class PulseTest : public ::testing::Test {
protected:
    testing::StoppedClock clock_;
    Pulse pulse_{clock_, [] { return Totals{}; }, [] { return std::string("{}"); }};

    std::shared_ptr<http::Channel> listen(std::uint64_t after) { return pulse_.listen(after).channel; }
};

TEST_F(PulseTest, WhoListensHearsEachEventAsItHappens) {
    const auto first = listen(0), second = listen(0);
    EXPECT_EQ(first->waiting(), "retry: 3000\n\n");
    pulse_.tell("import", R"({"id":"1"})");
    pulse_.tell("export", "2");
    EXPECT_EQ(first->waiting(), "retry: 3000\n\nid: 1\nevent: import\ndata: {\"id\":\"1\"}\n\nid: 2\nevent: export\ndata: 2\n\n");
    EXPECT_EQ(second->waiting(), first->waiting());
}

TEST_F(PulseTest, WhoComesBackMissesNothing) {
    pulse_.tell("import", "1");
    pulse_.tell("import", "2");
    EXPECT_NE(listen(1)->waiting().find("data: 2\n"), std::string::npos);
    EXPECT_EQ(listen(1)->waiting().find("data: 1\n"), std::string::npos);
    EXPECT_EQ(listen(2)->waiting(), "retry: 3000\n\n") << "nothing new yet";
    EXPECT_EQ(listen(99)->waiting(), "retry: 3000\n\n") << "a number from before a restart waits for what comes";
}

TEST_F(PulseTest, ClosingEndsAllAndThenEveryoneAtOnce) {
    const auto listening = listen(0);
    EXPECT_FALSE(listening->is_over());
    pulse_.close();
    EXPECT_TRUE(listening->is_over());
    EXPECT_TRUE(listen(0)->is_over());
}

TEST_F(PulseTest, AStreamEndsAfterTenMinutesSoThatALostLoginIsNoticed) {
    const auto listening = listen(0);
    clock_.move(Pulse::listening_ms);
    pulse_.tell("import", "1");
    EXPECT_FALSE(listening->is_over());
    clock_.move(1);
    pulse_.tell("import", "2");
    EXPECT_TRUE(listening->is_over());
    EXPECT_EQ(pulse_.listeners(), 0u);
}

TEST_F(PulseTest, TooManyListenersAreEndedAtOnce) {
    std::vector<std::shared_ptr<http::Channel>> all;
    for (std::size_t i = 0; i < Pulse::listeners_most; ++i) all.push_back(listen(0));
    EXPECT_FALSE(all.back()->is_over());
    EXPECT_TRUE(listen(0)->is_over());
}

TEST_F(PulseTest, MayBeToldAndAskedFromManyThreads) {
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 300; ++i) {
                const auto listening = listen(0);
                pulse_.tell("import", "x");
                if (i % 2 == 0) listening->end();
            }
        });
    }
    for (auto& thread : threads) thread.join();
    pulse_.tell("import", "y");
    EXPECT_EQ(pulse_.listeners(), 600u);
}

TEST(ErrandsTest, AreRunInOrderAndFinishedAtTheEnd) {
    std::vector<int> done;
    {
        Errands errands;
        for (int i = 0; i < 20; ++i) ASSERT_TRUE(errands.send([&done, i] { done.push_back(i); }));
    }
    ASSERT_EQ(done.size(), 20u);
    for (int i = 0; i < 20; ++i) EXPECT_EQ(done[static_cast<std::size_t>(i)], i);
}

TEST(ErrandsTest, AreRefusedWhenTooManyWait) {
    std::mutex held;
    std::unique_lock lock(held);
    Errands errands;
    int taken = 0;
    while (taken < 1'000 && errands.send([&held] { const std::lock_guard wait(held); })) ++taken;
    EXPECT_GE(taken, 64);
    EXPECT_LE(taken, 65);
    lock.unlock();
}

}  // namespace
}  // namespace xinglin::server
