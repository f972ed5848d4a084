// SPDX-License-Identifier: Apache-2.0
// The power goes off after any write: what was acknowledged is there, nothing is there by half, and the store is sound.
//
// One workload is run on a disk that writes everything down; then the disk is cut after its events, with what was not
// synced lost, kept, kept in part or torn. XINGLIN_POWER_CUTS says how many cuts (default 80, "all": each event in each way).
#include <gtest/gtest.h>

#include "keys/keys.h"
#include "record/test_workload.h"
#include "sql/sealed.h"
#include "testing/power_disk.h"

namespace xinglin::record {
namespace {

using testing::CutDisk;
using testing::DiskEvent;
using testing::PowerDisk;

class Power : public ::testing::Test {
protected:
    testing::StoppedClock clock_;
    testing::ScratchFolder scratch_;
    std::filesystem::path data_ = scratch_.path() / "data";
    std::mt19937_64 random_{testing::seed()};
    int cuts_ = 0;

    Result<std::unique_ptr<Store>> open(const std::filesystem::path& folder, bool bulk = false) {
        return Store::open(folder, clock_,
                           {.cache_bytes = 1 << 20, .bulk = bulk, .fresh_rows = 40, .offset_minutes = std::int16_t{0}});
    }

    /// What a cut left: the history up to a boundary between submissions, not before `acknowledged`.
    void check(const CutDisk& disk, CutDisk::Loss loss, const std::vector<std::string>& whole, std::size_t acknowledged,
               const std::vector<std::size_t>& boundaries) {
        ++cuts_;
        testing::ScratchFolder cut;
        disk.leave(cut.path(), loss, random_);
        auto store = open(cut.path());
        ASSERT_TRUE(store.ok()) << store.outcome().line();
        const auto kept = history(**store);
        ASSERT_GE(kept.size(), acknowledged) << "acknowledged and lost";
        ASSERT_TRUE(std::find(boundaries.begin(), boundaries.end(), kept.size()) != boundaries.end())
            << "a submission is there by half: " << kept.size();
        ASSERT_TRUE(std::equal(kept.begin(), kept.end(), whole.begin())) << "another history";
        ASSERT_EQ((*store)->verify(true), std::vector<std::string>{});
        // It goes on, also after the next opening.
        json::Arena arena;
        const Prepared next = (*store)->prepare(*fhir::find_resource("Patient"), "next",
                                                *json::parse(R"({"resourceType":"Patient","id":"next"})", arena));
        ASSERT_TRUE((*store)
                        ->submit_and_wait([&](Transaction& t) -> Result<Done> {
                            t.put(next, false, false);
                            return Done{};
                        })
                        .ok());
        ASSERT_EQ((*store)->verify(true), std::vector<std::string>{});
    }

    /// Cuts at a share of the events; `safe_after` tells from a note how far the feed is acknowledged.
    void cut(CutDisk disk, const std::vector<DiskEvent>& events, const std::vector<std::string>& whole, bool is_bulk) {
        std::vector<std::size_t> boundaries{0};
        for (const DiskEvent& event : events) {
            if (event.kind == DiskEvent::Kind::note && event.file != "closed") boundaries.push_back(std::stoul(event.file));
        }
        const char* asked = std::getenv("XINGLIN_POWER_CUTS");
        const bool all = asked && std::string_view(asked) == "all";
        const double share = all ? 1 : (asked ? std::atof(asked) : 80.0) / static_cast<double>(events.size());
        std::size_t acknowledged = 0;
        for (std::size_t i = 0; i <= events.size() && !HasFatalFailure(); ++i) {
            using Loss = CutDisk::Loss;
            const std::vector<Loss> losses{Loss::only_synced, Loss::everything_written, Loss::some, Loss::torn};
            for (const Loss loss : losses) {
                SCOPED_TRACE(fmt::format("cut before event {} of {}, loss {}", i, events.size(), static_cast<int>(loss)));
                if (std::uniform_real_distribution<>(0, 1)(random_) < (all ? 1 : share / 4))
                    check(disk, loss, whole, acknowledged, boundaries);
                if (HasFatalFailure()) return;
            }
            if (i == events.size()) break;
            if (events[i].kind == DiskEvent::Kind::note)
                acknowledged = events[i].file == "closed" ? whole.size() : is_bulk ? 0 : std::stoul(events[i].file);
            disk.happen(events[i]);
        }
        std::printf("%zu disk events, %d cuts\n", events.size(), cuts_);
    }
};

TEST_F(Power, ACutAtAnyWriteLosesNothingAcknowledged) {
    PowerDisk disk;
    open(data_).value().reset();
    const CutDisk before(data_);
    disk.record();
    Workload workload(open(data_).value(), [&](Position position) { disk.note(std::to_string(position)); });
    workload.run(random_(), 36, true);
    ASSERT_TRUE(workload.close().ok());
    disk.note("closed");
    const auto events = disk.recorded();
    const auto whole = history(*open(data_).value());
    cut(before, events, whole, false);
}

// The same, with every page sealed below SQLite: torn pages and torn frames do not open, and must be taken for what they are.
TEST_F(Power, ACutInAnEncryptedFolderLosesNothingAcknowledged) {
    PowerDisk disk;
    ::setenv("XINGLIN_TEST_KEY", std::string(64, '9').c_str(), 1);
    std::filesystem::create_directories(data_);
    ASSERT_TRUE(keys::make(data_, keys::Cipher::aes_256_gcm, "env:XINGLIN_TEST_KEY", "2026-11-23").ok());
    sql::give_key_places({"env:XINGLIN_TEST_KEY"});
    open(data_).value().reset();
    const CutDisk before(data_);
    disk.record();
    Workload workload(open(data_).value(), [&](Position position) { disk.note(std::to_string(position)); });
    workload.run(random_(), 36, true);
    ASSERT_TRUE(workload.close().ok());
    disk.note("closed");
    const auto events = disk.recorded();
    for (const DiskEvent& event : events) EXPECT_EQ(event.bytes.find("resourceType"), std::string::npos);
    const auto whole = history(*open(data_).value());
    cut(before, events, whole, false);
    sql::give_key_places({});
}

TEST_F(Power, ACutWhileAStoreIsMadeLeavesAStoreThatCanBeMade) {
    PowerDisk disk;
    std::filesystem::create_directories(data_);
    const CutDisk before(data_);
    disk.record();
    Workload workload(open(data_).value(), [&](Position position) { disk.note(std::to_string(position)); });
    ASSERT_TRUE(workload.close().ok());
    disk.note("closed");
    const auto events = disk.recorded();
    cut(before, events, {}, false);
}

TEST_F(Power, ACutWhileABulkLoadRunsLeavesASoundStore) {
    PowerDisk disk;
    open(data_).value().reset();
    const CutDisk before(data_);
    disk.record();
    Workload workload(open(data_, true).value(), [&](Position position) { disk.note(std::to_string(position)); });
    workload.run(random_(), 36, true);
    ASSERT_TRUE(workload.close().ok());
    disk.note("closed");
    const auto events = disk.recorded();
    const auto whole = history(*open(data_).value());
    cut(before, events, whole, true);
}

}  // namespace
}  // namespace xinglin::record
