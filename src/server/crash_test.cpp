// SPDX-License-Identifier: Apache-2.0
// The server is killed (kill -9) under load, again and again: what was acknowledged is there, once, and can be found.
//
// Twenty rounds in every test run; XINGLIN_CRASH_ROUNDS=1000 for the long one (bench/crash).
#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "server/test_process.h"

namespace xinglin::server {
namespace {

/// What we know of one resource. At most one write is on its way at a time.
struct Known {
    std::int64_t version = 0;  // acknowledged; 0: none yet
    std::string mark;          // of the acknowledged version
    std::string pending;       // mark of a write that was not acknowledged, "" when none
    bool by_transaction = false;
    std::string partner;  // the other resource of the same transaction
};
using Ledger = std::map<std::string, Known>;

std::string patient(const std::string& id, const std::string& mark) {
    return R"({"resourceType":"Patient","id":")" + id + R"(","identifier":[{"system":"urn:crash","value":")" + mark +
           R"("}],"name":[{"family":"Crash"}]})";
}

std::string entry(const std::string& id, const std::string& mark) {
    return R"({"resource":)" + patient(id, mark) + R"(,"request":{"method":"PUT","url":"Patient/)" + id + R"("}})";
}

/// One client: creates, updates and transactions until the server is gone.
class Writer {
public:
    Writer(std::string name, std::uint64_t seed) : name_(std::move(name)), random_(seed) {}

    void run(const RunningServer& server, const std::string& token) {
        try {
            Caller caller(server, token);
            while (step(caller)) {}
        } catch (const std::exception&) {
            // The server is gone.
        }
    }
    Ledger ledger;

private:
    bool step(Caller& caller) {
        const auto kind = random_() % 10;
        if (kind < 2) return transaction(caller);
        const bool fresh = singles_.empty() || kind < 6;
        if (fresh) singles_.push_back(name_ + "-" + std::to_string(++count_));
        const std::string id = fresh ? singles_.back() : singles_[random_() % singles_.size()];
        Known& known = ledger[id];
        known.pending = mark();
        const auto answer = caller.send("PUT", "/fhir/Patient/" + id, patient(id, known.pending));
        if (answer.status != 200 && answer.status != 201) return answer.status == 429 || answer.status == 503;
        known.version += 1;
        known.mark = std::exchange(known.pending, "");
        return true;
    }

    bool transaction(Caller& caller) {
        const std::string base = name_ + "-t" + std::to_string(++count_), left = base + "a", right = base + "b";
        for (const auto& [id, partner] : {std::pair(left, right), std::pair(right, left)})
            ledger[id] = Known{0, "", mark(), true, partner};
        const std::string body = R"({"resourceType":"Bundle","type":"transaction","entry":[)" +
                                 entry(left, ledger[left].pending) + "," + entry(right, ledger[right].pending) + "]}";
        if (caller.send("POST", "/fhir", body).status != 200) return false;
        for (const auto& id : {left, right}) {
            ledger[id].version = 1;
            ledger[id].mark = std::exchange(ledger[id].pending, "");
        }
        return true;
    }

    std::string mark() { return name_ + "." + std::to_string(++marks_); }

    std::string name_;
    std::mt19937_64 random_;
    std::vector<std::string> singles_;
    std::uint64_t count_ = 0, marks_ = 0;
};

/// Reads, history and search of one resource against what we know; corrects what was on its way.
void check(Caller& caller, const std::string& id, Known& known) {
    const auto read = caller.get("/fhir/Patient/" + id);
    if (read.status == 404) {
        ASSERT_EQ(known.version, 0) << id << ": acknowledged and lost";
        known.pending.clear();
        return;
    }
    ASSERT_EQ(read.status, 200) << id << read.body;
    const std::int64_t version = std::stoll(member(read, {"meta", "versionId"}));
    const bool is_acknowledged =
        version == known.version && !known.mark.empty() && read.body.find("\"" + known.mark + "\"") != std::string::npos;
    const bool is_pending = version == known.version + 1 && !known.pending.empty() &&
                            read.body.find("\"" + known.pending + "\"") != std::string::npos;
    ASSERT_TRUE(is_acknowledged || is_pending)
        << id << ": version " << version << ", acknowledged " << known.version << " " << read.body;
    if (is_pending) {
        known.version = version;
        known.mark = known.pending;
    }
    known.pending.clear();
    const auto found = caller.get("/fhir/Patient?identifier=urn:crash%7C" + known.mark + "&_summary=count");
    ASSERT_EQ(member(found, {"total"}), "1") << id << ": not found exactly once by " << known.mark << " " << found.body;
    const auto history = caller.get("/fhir/Patient/" + id + "/_history?_count=1");
    const std::string total = member(history, {"total"});
    ASSERT_EQ(total, std::to_string(version)) << id << ": versions doubled or lost " << history.body;
}

/// Both halves of a transaction, or none.
void check_partners(const Ledger& ledger) {
    for (const auto& [id, known] : ledger) {
        if (!known.by_transaction) continue;
        ASSERT_EQ(known.version, ledger.at(known.partner).version) << id << " without its partner";
    }
}

TEST(Crash, NothingAcknowledgedIsLostOrDoubled) {
    const char* asked = std::getenv("XINGLIN_CRASH_ROUNDS");
    const int rounds = asked ? std::atoi(asked) : 20;
    const std::uint64_t seed = testing::seed();
    std::mt19937_64 random(seed);
    SCOPED_TRACE("XINGLIN_SEED=" + std::to_string(seed));
    testing::ScratchFolder folder;
    const std::string token = add_client(folder.path(), "machine");
    Ledger all;
    std::uint64_t acknowledged = 0;
    for (int round = 0; round < rounds; ++round) {
        RunningServer server(folder.path());
        ASSERT_TRUE(server.ready()) << server.errors();
        std::vector<Writer> writers;
        for (int t = 0; t < 4; ++t) writers.emplace_back("r" + std::to_string(round) + "w" + std::to_string(t), random());
        std::vector<std::thread> threads;
        for (Writer& writer : writers) threads.emplace_back([&] { writer.run(server, token); });
        std::this_thread::sleep_for(std::chrono::milliseconds(30 + random() % 300));
        server.kill_now();
        for (auto& thread : threads) thread.join();

        RunningServer again(folder.path());
        ASSERT_TRUE(again.ready()) << "round " << round << ": " << again.errors();
        Caller caller(again, token);
        for (Writer& writer : writers) {
            for (auto& [id, known] : writer.ledger) {
                acknowledged += static_cast<std::uint64_t>(known.version);
                check(caller, id, known);
                if (::testing::Test::HasFatalFailure()) return;
            }
            check_partners(writer.ledger);
            if (::testing::Test::HasFatalFailure()) return;
            all.merge(writer.ledger);
        }
        again.kill_now();  // also right after a start
    }
    std::int64_t versions = 0, resources = 0;
    for (const auto& [id, known] : all) {
        versions += known.version;
        resources += known.version > 0 ? 1 : 0;
    }
    {
        RunningServer last(folder.path());
        Caller caller(last, token);
        const auto system = caller.get("/api/v1/system");
        EXPECT_EQ(member(system, {"resources"}), std::to_string(resources));
        EXPECT_EQ(member(system, {"versions"}), std::to_string(versions));
        EXPECT_EQ(last.stop(), 0);
    }
    const Ended verified = command({"verify", "--data", folder.path().string()});
    EXPECT_EQ(verified.status, 0) << verified.out << verified.err;
    EXPECT_GT(acknowledged, 0u);
    std::printf("%d kills, %llu acknowledged writes, none lost\n", rounds, static_cast<unsigned long long>(acknowledged));
}

}  // namespace
}  // namespace xinglin::server
