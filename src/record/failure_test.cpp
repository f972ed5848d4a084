// SPDX-License-Identifier: Apache-2.0
// The disk refuses the n-th thing it is asked, or memory the n-th piece: each ends in a named refusal and a sound store.
//
// XINGLIN_FAILURES says how many n are tried of each kind (default 20, "all": every one).
// Both halves are replaced below; where only one is inlined, g++ takes them for strangers.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

#include <sqlite3.h>

#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "record/test_workload.h"
#include "testing/power_disk.h"

// ---- memory that ends -----------------------------------------------------------------------------------------------

namespace {
thread_local bool counted = false;  // this thread's allocations can fail
std::atomic<std::int64_t> allocations_left{std::numeric_limits<std::int64_t>::max()};
std::atomic<std::int64_t> allocations_refused{0};

bool memory_ends() {
    if (!counted || allocations_left == std::numeric_limits<std::int64_t>::max() || allocations_left-- > 0) return false;
    allocations_left = std::numeric_limits<std::int64_t>::max();  // once; giving up must be possible
    ++allocations_refused;
    return true;
}
void* allocate(std::size_t bytes) {
    if (!memory_ends()) {
        if (void* memory = std::malloc(bytes ? bytes : 1)) return memory;
    }
    throw std::bad_alloc();
}

sqlite3_mem_methods below_sqlite;
const int sqlite_counted = [] {
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &below_sqlite);
    sqlite3_mem_methods counting = below_sqlite;
    counting.xMalloc = [](int bytes) -> void* { return memory_ends() ? nullptr : below_sqlite.xMalloc(bytes); };
    counting.xRealloc = [](void* memory, int bytes) -> void* {
        return memory_ends() ? nullptr : below_sqlite.xRealloc(memory, bytes);
    };
    return sqlite3_config(SQLITE_CONFIG_MALLOC, &counting);
}();
}  // namespace

void* operator new(std::size_t bytes) { return allocate(bytes); }
void* operator new[](std::size_t bytes) { return allocate(bytes); }
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
    return memory_ends() ? nullptr : std::malloc(bytes ? bytes : 1);
}
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept {
    return memory_ends() ? nullptr : std::malloc(bytes ? bytes : 1);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace xinglin::record {
namespace {

using testing::PowerDisk;

class Failure : public ::testing::Test {
protected:
    testing::StoppedClock clock_;
    testing::ScratchFolder scratch_;
    std::mt19937_64 random_{testing::seed()};

    Result<std::unique_ptr<Store>> open(const std::filesystem::path& folder, bool bulk = false) {
        return Store::open(folder, clock_,
                           {.cache_bytes = 1 << 20, .bulk = bulk, .fresh_rows = 40, .offset_minutes = std::int16_t{0}});
    }
    /// A share of 0 … `last`, always with the first and the last.
    std::vector<std::int64_t> numbers(std::int64_t last) {
        const char* asked = std::getenv("XINGLIN_FAILURES");
        const double wanted = asked ? (std::string_view(asked) == "all" ? 1e9 : std::atof(asked)) : 20;
        std::vector<std::int64_t> chosen;
        for (std::int64_t n = 0; n <= last; ++n) {
            if (n == 0 || n == last || std::uniform_real_distribution<>(0, 1)(random_) * static_cast<double>(last) < wanted)
                chosen.push_back(n);
        }
        return chosen;
    }

    /// The workload on a disk that fails at the n-th thing it is asked. How much it was asked in all.
    std::int64_t run(std::int64_t n, PowerDisk::Fault fault, bool lasting, bool bulk, std::uint64_t seed) {
        testing::ScratchFolder folder;
        const auto data = folder.path() / "data";
        {
            PowerDisk disk;
            open(data).value().reset();
            const std::int64_t before = disk.asked();
            disk.fail_after(n, fault, lasting);
            auto opened = open(data, bulk);
            if (!opened.ok()) {
                EXPECT_FALSE(opened.outcome().line().empty());
                EXPECT_GT(disk.failures(), 0) << opened.outcome().line();
            } else {
                Workload workload(std::move(*opened), {});
                workload.run(seed, 24, false);
                for (const Outcome& refused : workload.refused()) {
                    EXPECT_EQ(refused.code(), IssueCode::transient) << refused.line();
                    EXPECT_TRUE(refused.line().find("nothing was stored") != std::string::npos ||
                                refused.line().find("not stored") != std::string::npos ||
                                refused.line().find("read before you send it again") != std::string::npos)
                        << refused.line();
                }
                if (!bulk) {
                    disk.heal();
                    EXPECT_EQ(workload.store().reader(test_viewer()).position(), workload.last());
                    EXPECT_EQ(workload.store().verify(true), std::vector<std::string>{});
                }
                const Position last = workload.last();
                const std::vector<Position> unconfirmed = workload.unconfirmed();
                const bool closed = workload.close().ok();
                disk.heal();
                auto again = open(data);
                EXPECT_TRUE(again.ok()) << again.outcome().line();
                if (again.ok()) {
                    const Position kept = (*again)->reader(test_viewer()).position();
                    if (bulk && !closed) {
                        EXPECT_LE(kept, last);
                    } else if (kept != last) {
                        EXPECT_GT(kept, last);
                        EXPECT_TRUE(std::find(unconfirmed.begin(), unconfirmed.end(), kept) != unconfirmed.end()) << kept;
                    }
                }
            }
            if (n == PowerDisk::never) return disk.asked() - before;
        }
        auto last = open(data);
        EXPECT_TRUE(last.ok()) << last.outcome().line();
        if (last.ok()) {
            EXPECT_EQ((*last)->verify(true), std::vector<std::string>{});
            Workload more(std::move(*last), {});
            more.run(seed + 1, 3, false);
            EXPECT_TRUE(more.refused().empty());
        }
        return 0;
    }

    void every(PowerDisk::Fault fault, bool bulk) {
        const std::uint64_t seed = random_();
        const std::int64_t all = run(PowerDisk::never, fault, false, bulk, seed);
        std::size_t runs = 0;
        for (const std::int64_t n : numbers(all - 1)) {
            const bool lasting = random_() % 2;
            SCOPED_TRACE(fmt::format("n = {} of {}, lasting {}, seed {}", n, all, lasting, seed));
            run(n, fault, lasting, bulk, seed);
            ++runs;
            if (HasFailure()) return;
        }
        std::printf("%lld chances to fail, %zu taken\n", static_cast<long long>(all), runs);
    }
};

TEST_F(Failure, OfTheDiskAtTheNthRequestIsRefusedByNameAndLeavesASoundStore) { every(PowerDisk::Fault::io_error, false); }
TEST_F(Failure, OfSpaceAtTheNthRequestIsRefusedByNameAndLeavesASoundStore) { every(PowerDisk::Fault::full, false); }
TEST_F(Failure, OfTheDiskDuringABulkLoadIsToldAtItsEndAtTheLatest) { every(PowerDisk::Fault::io_error, true); }
TEST_F(Failure, OfSpaceDuringABulkLoadIsToldAtItsEndAtTheLatest) { every(PowerDisk::Fault::full, true); }

TEST_F(Failure, OfTheNthAllocationInTheWriterIsRefusedAndLeavesASoundStore) {
    ASSERT_EQ(sqlite_counted, SQLITE_OK);
    auto store = open(scratch_.path() / "data").value();
    ASSERT_TRUE(store
                    ->submit_and_wait([](Transaction&) -> Result<Done> {
                        counted = true;  // the writer's thread, from here on
                        return Done{};
                    })
                    .ok());
    Store& watched = *store;
    Workload workload(std::move(store), {});
    std::int64_t refused = 0;
    for (std::int64_t n = 0, spared = 0; spared < 20; ++n) {
        SCOPED_TRACE("n = " + std::to_string(n));
        const std::int64_t before = allocations_refused;
        allocations_left = n;
        workload.run(random_(), 3, false);
        allocations_left = std::numeric_limits<std::int64_t>::max();
        if (allocations_refused == before) {
            ++spared;  // three other submissions may need more
            continue;
        }
        ++refused;
        ASSERT_EQ(watched.reader(test_viewer()).position(), workload.last());
        if (refused % 50 == 0) {
            ASSERT_EQ(watched.verify(true), std::vector<std::string>{});
        }
    }
    ASSERT_EQ(watched.verify(true), std::vector<std::string>{});
    for (const Outcome& each : workload.refused()) EXPECT_FALSE(each.line().empty());
    EXPECT_TRUE(workload.close().ok());
    std::printf("%lld allocations refused\n", static_cast<long long>(refused));
}

}  // namespace
}  // namespace xinglin::record
