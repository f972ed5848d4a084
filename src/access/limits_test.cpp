// SPDX-License-Identifier: Apache-2.0
#include "access/limits.h"

#include <gtest/gtest.h>

#include <fmt/format.h>
#include <thread>

#include "testing/testing.h"

namespace xinglin::access {
namespace {

LimitRules rules_of(Limit limit) {
    LimitRules rules;
    for (auto& party : rules.limits) party.fill(limit);
    return rules;
}

class Limits : public ::testing::Test {
protected:
    testing::StoppedClock clock_;
    Limiter limiter_{rules_of({.per_minute = 60, .burst = 10}), clock_};

    int granted(std::string_view who, int requests, Party party = Party::address) {
        int count = 0;
        for (int i = 0; i < requests; ++i) count += limiter_.take(party, who, Ask::page).granted ? 1 : 0;
        return count;
    }
};

TEST(LimitRules, TheBuiltInOnesPassTheirCases) {
    std::vector<content::Complaint> complaints;
    std::size_t checked = 0;
    check_limits(content::Files{}, complaints, checked);
    for (const auto& each : complaints) ADD_FAILURE() << each.file << ": " << each.where << " " << each.what;
    EXPECT_GT(checked, 15u);
}

TEST_F(Limits, ABurstIsGrantedAndThenOneASecond) {
    EXPECT_EQ(granted("a", 100), 10);
    clock_.move(999);
    EXPECT_EQ(granted("a", 100), 0);
    clock_.move(1);
    EXPECT_EQ(granted("a", 100), 1);
    clock_.move(3'600'000);
    EXPECT_EQ(granted("a", 100), 10) << "no more than a burst is saved up";
}

TEST_F(Limits, WhatIsGrantedNeverExceedsBurstAndRate) {
    std::uint64_t state = testing::seed() | 1;
    std::int64_t passed_ms = 0;
    int count = 0;
    for (int i = 0; i < 20'000; ++i) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        const auto step_ms = static_cast<std::int64_t>(state >> 58);
        clock_.move(step_ms);
        passed_ms += step_ms;
        count += limiter_.take(Party::app, "b", Ask::read).granted ? 1 : 0;
        ASSERT_LE(count, 10 + passed_ms / 1'000) << "seed " << state;
    }
    EXPECT_GE(count, passed_ms / 1'000 - 1) << "and it is not less either";
}

TEST_F(Limits, EachCallerAndEachKindHasItsOwn) {
    EXPECT_EQ(granted("a", 20), 10);
    EXPECT_EQ(granted("b", 20), 10);
    EXPECT_TRUE(limiter_.take(Party::address, "a", Ask::login).granted);
    EXPECT_TRUE(limiter_.take(party_of(Role::clinician), "a", Ask::page).granted);
    EXPECT_FALSE(limiter_.take(Party::address, "a", Ask::page).granted);
}

TEST_F(Limits, OneIsToldWhenToComeBackAndItIsTrue) {
    granted("a", 10);
    EXPECT_EQ(limiter_.take(Party::address, "a", Ask::page).wait_s, 1);
    const Verdict heavy = limiter_.take(Party::address, "a", Ask::page, 5);
    EXPECT_EQ(heavy.wait_s, 5);
    clock_.move(5'000);
    EXPECT_TRUE(limiter_.take(Party::address, "a", Ask::page, 5).granted);
    EXPECT_TRUE(limiter_.take(Party::address, "c", Ask::page, 1'000'000).granted)
        << "what costs more than a burst takes all of it";
    EXPECT_FALSE(limiter_.take(Party::address, "c", Ask::page).granted);
}

TEST_F(Limits, ARefusalIsToldOnceAMinute) {
    granted("a", 10);
    int told = 0;
    for (int i = 0; i < 1'000; ++i) told += limiter_.take(Party::address, "a", Ask::page, 10).tell ? 1 : 0;
    EXPECT_EQ(told, 1);
    clock_.move(60'000);
    granted("a", 10);
    for (int i = 0; i < 1'000; ++i) told += limiter_.take(Party::address, "a", Ask::page).tell ? 1 : 0;
    EXPECT_EQ(told, 2);
    EXPECT_EQ(limiter_.figures().refused[static_cast<std::size_t>(Ask::page)], 2'000u);
}

TEST_F(Limits, AFloodFromEverywhereTakesNeitherMemoryNorTheLimitsOfAccounts) {
    granted("doctor", 10, party_of(Role::clinician));
    for (int i = 0; i < 200'000; ++i)
        limiter_.take(Party::address, fmt::format("2001:db8:{:x}:{:x}::/64", i / 65'536, i % 65'536), Ask::page);
    EXPECT_LE(limiter_.figures().buckets, 32'768u + 1);
    EXPECT_EQ(granted("2001:db8:ffff:1::/64", 5) + granted("2001:db8:ffff:2::/64", 5), 0)
        << "newcomers share what strangers have";
    EXPECT_FALSE(limiter_.take(party_of(Role::clinician), "doctor", Ask::page).granted) << "nobody was forgotten";
    EXPECT_TRUE(limiter_.take(party_of(Role::clinician), "other", Ask::page).granted);
    clock_.move(120'000);
    EXPECT_EQ(granted("2001:db8:ffff:3::/64", 20), 10) << "and when it is over everybody is met as before";
}

TEST_F(Limits, ProcessesOfOneHouseGrantTheirParts) {
    limiter_.share_between([] { return 2; });
    EXPECT_EQ(granted("a", 100), 5);
    clock_.move(10'000);
    EXPECT_EQ(granted("a", 100), 5);
}

TEST_F(Limits, AClockSetBackClosesNoDoorForLong) {
    granted("a", 10);
    clock_.move(-86'400'000);
    EXPECT_EQ(granted("a", 1), 0);
    clock_.move(10'000);
    EXPECT_EQ(granted("a", 20), 10);
}

TEST_F(Limits, ManyThreadsGetNoMoreThanOne) {
    std::atomic<int> count = 0;
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 4; ++i) threads.emplace_back([&] { count += granted("a", 1'000); });
    }
    EXPECT_EQ(count, 10);
}

TEST(Place, OfIPv6IsTheNetworkOfTheHousehold) {
    EXPECT_EQ(place_of("192.0.2.7"), "192.0.2.7");
    EXPECT_EQ(place_of("::ffff:192.0.2.7"), "192.0.2.7");
    EXPECT_EQ(place_of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
    EXPECT_EQ(place_of("2001:db8:1:2:ffff::"), place_of("2001:db8:1:2::1"));
    EXPECT_NE(place_of("2001:db8:1:3::"), place_of("2001:db8:1:2::"));
    EXPECT_EQ(place_of("fe80::1%eth0"), "fe80::/64");
    EXPECT_EQ(place_of("?"), "?");
}

}  // namespace
}  // namespace xinglin::access
