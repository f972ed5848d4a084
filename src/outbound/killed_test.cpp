// SPDX-License-Identifier: Apache-2.0
// kill -9 in the middle of it, again and again: what was stored goes out, nothing is forgotten, the account balances.
#include <fcntl.h>
#include <sys/wait.h>

#include <csignal>
#include <fstream>
#include <set>

#include "outbound/test_outbound.h"

namespace xinglin::outbound {

namespace {

/// A record and its channels on the machine's own clock, in a folder that outlives the process.
struct LivingHouse {
    explicit LivingHouse(const std::filesystem::path& folder) {
        auto opened = record::Store::open(folder, clock, {.offset_minutes = std::int16_t{480}});
        if (!opened.ok()) throw std::runtime_error(opened.outcome().line());
        record = std::move(*opened);
        Options options;
        options.data = folder;
        auto made = Outbound::open(options, *record, clock, files);
        if (!made.ok()) throw std::runtime_error(made.outcome().line());
        outbound = std::move(*made);
    }
    void add(int port) {
        if (outbound->channel("province")) return;
        json::Arena arena;
        auto channel = read_channel(*json::parse(fhir_channel("province", port, R"(,"from":"start")"), arena), Channel{});
        if (!outbound->save(std::move(*channel), true, "test").ok()) throw std::runtime_error("no channel");
    }
    bool put(const std::string& id) {
        json::Arena arena;
        const auto value = json::parse(fmt::format(R"({{"resourceType":"Patient","id":"{}","gender":"male"}})", id), arena);
        const auto ready = record->prepare(*fhir::find_resource("Patient"), id, *value);
        return record
            ->submit_and_wait([&](record::Transaction& t) -> Result<Done> {
                t.put(ready, false, false);
                return Done{};
            })
            .ok();
    }
    calendar::SystemClock clock;
    content::Files files;
    std::unique_ptr<record::Store> record;
    std::unique_ptr<Outbound> outbound;
};

/// Run by the test below in a process of its own, until it is killed.
TEST(Killed, DISABLED_Writer) {
    const char* folder = std::getenv("XINGLIN_OUTBOUND_FOLDER");
    const char* port = std::getenv("XINGLIN_OUTBOUND_PORT");
    const char* round = std::getenv("XINGLIN_OUTBOUND_ROUND");
    if (folder == nullptr || port == nullptr || round == nullptr) GTEST_SKIP() << "only as another test's child";
    LivingHouse house(folder);
    house.add(std::atoi(port));
    const int stored =
        ::open((std::filesystem::path(folder) / "stored.txt").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    for (int i = 0; i < 100'000; ++i) {
        const std::string id = fmt::format("r{}-{}", round, i);
        if (!house.put(id)) break;
        const std::string line = id + "\n";
        if (::write(stored, line.data(), line.size()) < 0) break;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
}

pid_t start_writer(const std::filesystem::path& folder, int port, int round) {
    const pid_t child = ::fork();
    if (child != 0) return child;
    ::setenv("XINGLIN_OUTBOUND_FOLDER", folder.c_str(), 1);
    ::setenv("XINGLIN_OUTBOUND_PORT", std::to_string(port).c_str(), 1);
    ::setenv("XINGLIN_OUTBOUND_ROUND", std::to_string(round).c_str(), 1);
    ::execl("/proc/self/exe", "outbound_test", "--gtest_filter=Killed.DISABLED_Writer", "--gtest_also_run_disabled_tests",
            "--gtest_brief=1", nullptr);
    ::_exit(127);
}

TEST(Killed, InTheMiddleOfSendingNothingIsLostAndNothingGoesUnderTwoNames) {
    const testing::ScratchFolder folder;
    Receiver receiver([](const http::Request& request, int) { return Receiver::accept(request); });
    for (int round = 0; round < 6; ++round) {
        const std::size_t before = receiver.all().size();
        const pid_t child = start_writer(folder.path(), receiver.port(), round);
        ASSERT_GT(child, 0);
        for (int i = 0; i < 3'000 && receiver.all().size() < before + 5 + static_cast<std::size_t>(round) * 7; ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        ::kill(child, SIGKILL);
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself in round " << round;
    }
    LivingHouse house(folder.path());
    for (int i = 0; i < 200; ++i) {
        (void)house.outbound->settle(10);
        const auto health = house.outbound->health("province");
        if (!health.empty() && health[0].deliveries_waiting == 0 && health[0].behind == 0) break;
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    std::set<std::string> sent;
    std::map<std::string, std::string> bodies;  // by control id
    for (const http::Request& each : receiver.all()) {
        const std::string id = each.headers.get("X-Request-Id").empty() ? "" : std::string(each.headers.get("X-Request-Id"));
        const auto [known, is_new] = bodies.try_emplace(id, each.body);
        EXPECT_TRUE(is_new || known->second == each.body) << id << " was sent with two contents";
        json::Arena arena;
        const auto bundle = json::parse(each.body, arena);
        ASSERT_TRUE(bundle.ok());
        for (const json::Node& node : (*bundle)["entry"].items()) sent.emplace(json::Value(&node)["resource"]["id"].string());
    }
    std::ifstream stored(folder.path() / "stored.txt");
    std::size_t count = 0;
    for (std::string id; std::getline(stored, id); ++count) EXPECT_TRUE(sent.contains(id)) << id << " was stored and never sent";
    EXPECT_GT(count, 50u);
    const auto account = house.outbound->reconcile("province", (house.clock.now_ms() + 8 * 3'600'000) / 86'400'000);
    ASSERT_TRUE(account.ok());
    EXPECT_TRUE(account->balanced);
    EXPECT_EQ(account->counts.acknowledged, account->counts.all());
}

}  // namespace

}  // namespace xinglin::outbound
