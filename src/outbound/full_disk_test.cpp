// SPDX-License-Identifier: Apache-2.0
// The disk of the folder that a receiver reads is full, while ours is not: nothing is lost, nothing half is to be seen.
#include <filesystem>
#include <fstream>
#include <sstream>

#include "outbound/test_outbound.h"
#include "testing/failing_machine.h"

namespace xinglin::outbound {

namespace {

using ::testing::HasSubstr;
using xinglin::testing::FailingMachine;

class FullDisk : public ::testing::TestWithParam<int> {
protected:
    void SetUp() override {
        FailingMachine::spared = true;
        house.open();
        outbox = house.folder.path() / "outbox" / "insurance";
        std::filesystem::create_directories(outbox);
    }
    void TearDown() override { FailingMachine::heal(); }
    std::vector<std::filesystem::path> files(bool whole_names = true) const {
        std::vector<std::filesystem::path> all;
        for (const auto& each : std::filesystem::directory_iterator(outbox)) {
            if (!whole_names || each.path().extension() != ".tmp") all.push_back(each.path());
        }
        return all;
    }
    Delivery only() {
        const auto all = house.deliveries("insurance");
        EXPECT_EQ(all.size(), 1u);
        return all.empty() ? Delivery{} : all.front();
    }
    static std::string text_of(const std::filesystem::path& file) {
        std::ifstream in(file, std::ios::binary);
        std::ostringstream all;
        all << in.rdbuf();
        return std::move(all).str();
    }
    TestOutbound house;
    std::filesystem::path outbox;
};

/// The parameter: how many requests to the disk it still takes: to open, write, synchronise, rename, synchronise the folder.
TEST_P(FullDisk, KeepsTheDeliveryAndShowsNoHalfFile) {
    house.patient("a", "一个很长的姓");
    house.add(csv_channel("insurance"));
    FailingMachine::only_below(outbox.string());
    FailingMachine::fail_after(FailingMachine::Part::full_disk, GetParam(), true);
    house.visit("v", "a");
    ASSERT_TRUE(house.outbound->settle(60));
    EXPECT_GE(FailingMachine::failures(), 1);
    EXPECT_EQ(only().state, State::waiting);
    EXPECT_EQ(only().attempts, 0);  // no fault of the delivery
    EXPECT_EQ(only().where, "target.folder");
    EXPECT_THAT(only().reason, HasSubstr("the disk is full"));
    const Health ill = house.outbound->health("insurance").at(0);
    EXPECT_EQ(ill.state, "unreachable");
    EXPECT_THAT(ill.why, HasSubstr("the disk is full"));
    EXPECT_GT(ill.next_try_ms, house.clock.now_ms());
    EXPECT_EQ(house.outbound->trouble(), "");  // ours is not full
    const std::string whole = house.outbound->payload(only().number)->bytes;
    for (const auto& file : files()) EXPECT_EQ(text_of(file), whole) << file;
    house.wait_out(2);
    EXPECT_EQ(only().state, State::waiting);
    EXPECT_EQ(only().attempts, 0);
    FailingMachine::heal();
    house.wait_out(1);
    EXPECT_EQ(only().state, State::acknowledged) << only().reason;
    ASSERT_EQ(files(false).size(), 1u);
    EXPECT_EQ(text_of(files(false).front()), whole);
    EXPECT_EQ(house.outbound->health("insurance").at(0).state, "ok");
}

INSTANTIATE_TEST_SUITE_P(AtEveryRequest, FullDisk, ::testing::Range(0, 5));

}  // namespace

}  // namespace xinglin::outbound
