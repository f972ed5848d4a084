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

    /// Waits for events after `after`; what came is in the string, "" while nothing did.
    std::shared_ptr<std::string> wait(std::uint64_t after) {
        auto came = std::make_shared<std::string>();
        pulse_.wait(after, [came](http::Response response) { *came = std::move(response.body); });
        return came;
    }
};

TEST_F(PulseTest, WhoWaitsHearsTheNextEvent) {
    const auto first = wait(0), second = wait(0);
    EXPECT_EQ(*first, "");
    pulse_.tell("import", R"({"id":"1"})");
    EXPECT_EQ(*first, "retry: 100\n\nid: 1\nevent: import\ndata: {\"id\":\"1\"}\n\n");
    EXPECT_EQ(*second, *first);
}

TEST_F(PulseTest, WhoComesBackMissesNothing) {
    pulse_.tell("import", "1");
    pulse_.tell("import", "2");
    const auto after_first = wait(1);
    EXPECT_NE(after_first->find("data: 2\n"), std::string::npos);
    EXPECT_EQ(after_first->find("data: 1\n"), std::string::npos);
    EXPECT_EQ(*wait(2), "") << "nothing new yet";
    EXPECT_EQ(*wait(99), "") << "a number from before a restart waits for what comes";
}

TEST_F(PulseTest, ClosingAnswersAllAndThenEveryoneAtOnce) {
    const auto waiting = wait(0);
    pulse_.close();
    EXPECT_NE(*waiting, "");
    EXPECT_NE(*wait(0), "");
}

TEST_F(PulseTest, TooManyWhoWaitAreAnsweredEmpty) {
    std::vector<std::shared_ptr<std::string>> all;
    for (std::size_t i = 0; i < Pulse::waiters_most; ++i) all.push_back(wait(0));
    EXPECT_EQ(*all.back(), "");
    EXPECT_EQ(*wait(0), "retry: 100\n\n");
}

TEST_F(PulseTest, MayBeToldAndAskedFromManyThreads) {
    std::atomic<int> answers = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 500; ++i) {
                pulse_.wait(0, [&](http::Response) { ++answers; });
                pulse_.tell("import", "x");
            }
        });
    }
    for (auto& thread : threads) thread.join();
    pulse_.close();
    EXPECT_EQ(answers, 2'000);
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
