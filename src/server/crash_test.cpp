// SPDX-License-Identifier: Apache-2.0
// The server is killed (kill -9) under load, again and again: what was acknowledged is there, once, and can be found, and the
// tables of views catch up. On PostgreSQL the database is killed too: one of its processes, or all of them.
//
// Twenty rounds in every test run; XINGLIN_CRASH_ROUNDS=1000 for the long one (bench/crash).
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "server/test_process.h"
#include "testing/postgres.h"

namespace xinglin::server {
namespace {

/// One engine: a data folder, or a database that several servers share, each with a folder of its own.
struct Place {
    std::filesystem::path folder;
    std::string store;  // "" for the folder's own record

    std::vector<std::string> record() const {
        return store.empty() ? std::vector<std::string>{"--data", folder.string()} : std::vector<std::string>{"--store", store};
    }
    std::string token() const {
        std::vector<std::string> words{"client", "add", "--name", "machine", "--scope", "system/*.cruds"};
        for (const std::string& word : record()) words.push_back(word);
        const Ended ended = command(words);
        EXPECT_EQ(ended.status, 0) << ended.err;
        return without_line_end(ended.out);
    }
    std::unique_ptr<RunningServer> serve(const std::string& name = "0") const {
        if (store.empty()) return std::make_unique<RunningServer>(folder);
        return std::make_unique<RunningServer>(folder / name, std::vector<std::string>{"--store", store});
    }
    Ended verify() const {
        std::vector<std::string> words{"verify"};
        for (const std::string& word : record()) words.push_back(word);
        return command(words);
    }
};

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
    static inline std::atomic<int> answered{0};  // of all writers, since it was set to 0

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
        if (answer.status == 503) std::erase(singles_, id);  // perhaps it was stored: left alone until it is checked
        if (answer.status != 200 && answer.status != 201) return answer.status == 429 || answer.status == 503;
        known.version += 1;
        known.mark = std::exchange(known.pending, "");
        ++answered;
        return true;
    }

    bool transaction(Caller& caller) {
        const std::string base = name_ + "-t" + std::to_string(++count_), left = base + "a", right = base + "b";
        for (const auto& [id, partner] : {std::pair(left, right), std::pair(right, left)})
            ledger[id] = Known{0, "", mark(), true, partner};
        const std::string body = R"({"resourceType":"Bundle","type":"transaction","entry":[)" +
                                 entry(left, ledger[left].pending) + "," + entry(right, ledger[right].pending) + "]}";
        const int status = caller.send("POST", "/fhir", body).status;
        if (status != 200) return status == 429 || status == 503;
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

constexpr const char* view_of_marks =
    R"({"resourceType":"ViewDefinition","resource":"Patient","status":"active","select":[{"column":[{"name":"id","path":"id"},)"
    R"({"name":"mark","path":"identifier.first().value"}]}]})";

/// The lines of an answer, sorted.
std::vector<std::string> sorted_lines(const http::Response& answer) {
    EXPECT_EQ(answer.status, 200) << answer.body;
    std::vector<std::string> lines;
    std::istringstream in(answer.body);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    std::sort(lines.begin(), lines.end());
    return lines;
}

std::uint64_t living(const Ledger& ledger) {
    std::uint64_t count = 0;
    for (const auto& [id, known] : ledger) count += known.version > 0 ? 1 : 0;
    return count;
}

/// The table of the view has caught up with the feed and has a row for each resource; `whole`: the rows are those of a run on demand.
void check_view(Caller& caller, std::uint64_t resources, bool whole) {
    http::Response state;
    for (int i = 0; i < 600; ++i) {
        state = caller.get("/api/v1/views/crash");
        if (member(state, {"lag_positions"}) == "0" && member(state, {"state"}) == "ready") break;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    ASSERT_EQ(member(state, {"lag_positions"}), "0") << "the view does not catch up: " << state.body;
    ASSERT_EQ(member(state, {"rows"}), std::to_string(resources)) << state.body;
    if (!whole) return;
    auto table = caller.get("/api/v1/views/crash/rows?format=csv");
    table.body.erase(0, table.body.find('\n') + 1);
    const auto kept = sorted_lines(table);
    const auto on_demand = sorted_lines(caller.get("/fhir/ViewDefinition/crash/$viewdefinition-run?_format=csv&header=false"));
    ASSERT_EQ(kept.size(), resources);
    ASSERT_TRUE(kept == on_demand) << "the table differs from a run on demand";
}

/// Both halves of a transaction, or none.
void check_partners(const Ledger& ledger) {
    for (const auto& [id, known] : ledger) {
        if (!known.by_transaction) continue;
        ASSERT_EQ(known.version, ledger.at(known.partner).version) << id << " without its partner";
    }
}

/// What every resource must be, and that there is nothing else.
void check_all(const Place& place, const Ledger& all, const std::string& token) {
    std::int64_t versions = 0, resources = 0;
    for (const auto& [id, known] : all) {
        versions += known.version;
        resources += known.version > 0 ? 1 : 0;
    }
    {
        const auto last = place.serve();
        Caller caller(*last, token);
        const auto system = caller.get("/api/v1/system");
        EXPECT_EQ(member(system, {"resources"}), std::to_string(resources));
        EXPECT_EQ(member(system, {"versions"}), std::to_string(versions));
        EXPECT_EQ(last->stop(), 0);
    }
    const Ended verified = place.verify();
    EXPECT_EQ(verified.status, 0) << verified.out << verified.err;
}

class Crash : public ::testing::TestWithParam<std::string> {
protected:
    void SetUp() override {
        if (GetParam() == "sqlite") return;
        if (!testing::PostgresCluster::is_installed()) GTEST_SKIP() << testing::no_postgres;
        cluster_.emplace(testing::PostgresCluster::Options{.fsync = true});
        place_.store = cluster_->url();
    }

    /// Eight writers, until the server is killed in the middle of it.
    std::vector<Writer> load(RunningServer& server, const std::string& token, int round) {
        Writer::answered = 0;
        std::vector<Writer> writers;
        for (int t = 0; t < 8; ++t) writers.emplace_back("r" + std::to_string(round) + "w" + std::to_string(t), random_());
        std::vector<std::thread> threads;
        for (Writer& writer : writers) threads.emplace_back([&] { writer.run(server, token); });
        // However slow the machine: something was acknowledged before.
        for (int i = 0; i < 2'000 && Writer::answered < 8; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
        std::this_thread::sleep_for(std::chrono::milliseconds(random_() % 300));
        if (cluster_ && round % 5 == 3) hurt_database();
        server.kill_now();
        for (auto& thread : threads) thread.join();
        if (cluster_) cluster_->wait_until_ready();
        return writers;
    }

    void hurt_database() {
        if (random_() % 2 == 0) {
            killed_backends_ += cluster_->kill_one(random_()) ? 1 : 0;  // the others end and recover by themselves
        } else {
            cluster_->kill_all();
            ++killed_databases_;
            if (random_() % 2 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(100));  // writers meet a closed door
            cluster_->start();
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(random_() % 500));
    }

    void check_round(Caller& caller, std::vector<Writer>& writers) {
        for (Writer& writer : writers) {
            for (auto& [id, known] : writer.ledger) {
                acknowledged_ += static_cast<std::uint64_t>(known.version);
                check(caller, id, known);
                if (HasFatalFailure()) return;
            }
            check_partners(writer.ledger);
            if (HasFatalFailure()) return;
            resources_ += living(writer.ledger);
            all_.merge(writer.ledger);
        }
    }

    testing::ScratchFolder folder_;
    std::optional<testing::PostgresCluster> cluster_;
    Place place_{folder_.path(), ""};
    std::mt19937_64 random_{testing::seed()};
    Ledger all_;
    std::uint64_t acknowledged_ = 0, resources_ = 0;
    int killed_backends_ = 0, killed_databases_ = 0;
};
INSTANTIATE_TEST_SUITE_P(Engines, Crash, ::testing::ValuesIn(testing::engines()), [](const auto& info) { return info.param; });

// The server that answers the checks of one round is the one that is killed in the next.
TEST_P(Crash, NothingAcknowledgedIsLostOrDoubled) {
    const char* asked = std::getenv("XINGLIN_CRASH_ROUNDS");
    const int rounds = asked ? std::atoi(asked) : 20;
    const std::uint64_t seed = testing::seed();
    random_.seed(seed);
    SCOPED_TRACE("XINGLIN_SEED=" + std::to_string(seed));
    const std::string token = place_.token();
    auto server = place_.serve();
    ASSERT_TRUE(server->ready()) << server->errors();
    ASSERT_EQ(Caller(*server, token).send("PUT", "/api/v1/views/crash", view_of_marks).status, 201);
    for (int round = 0; round < rounds; ++round) {
        std::vector<Writer> writers = load(*server, token, round);
        server = place_.serve();
        if (random_() % 4 == 0) {  // also right after a start
            server->kill_now();
            server = place_.serve();
        }
        ASSERT_TRUE(server->ready()) << "round " << round << ": " << server->errors();
        Caller caller(*server, token);
        check_round(caller, writers);
        if (HasFatalFailure()) return;
        check_view(caller, resources_, resources_ < 20'000 || round % 50 == 0 || round + 1 == rounds);
        if (HasFatalFailure()) return;
        if ((round + 1) % 50 == 0) {
            std::printf("round %d: %llu writes acknowledged\n", round + 1, static_cast<unsigned long long>(acknowledged_));
            std::fflush(stdout);
        }
    }
    server->kill_now();
    check_all(place_, all_, token);
    EXPECT_GT(acknowledged_, 0u);
    std::printf(
        "%d kills (and %d of the whole database, %d of one of its processes), %llu acknowledged writes, none lost, seed %llu\n",
        rounds, killed_databases_, killed_backends_, static_cast<unsigned long long>(acknowledged_),
        static_cast<unsigned long long>(seed));
}

// Three servers on one database; one after the other is killed under load while the others go on.
TEST(CrashTogether, TheOthersGoOnAndNothingIsLostOrDoubled) {
    const Place place{testing::ScratchFolder().path(), testing::fresh_postgres()};
    if (place.store.empty()) GTEST_SKIP() << testing::no_postgres;
    std::filesystem::create_directories(place.folder);
    const std::uint64_t seed = testing::seed();
    std::mt19937_64 random(seed);
    SCOPED_TRACE("XINGLIN_SEED=" + std::to_string(seed));
    const std::string token = place.token();
    Ledger all;
    std::uint64_t of_survivors = 0;
    for (int round = 0; round < 4; ++round) {
        std::vector<std::unique_ptr<RunningServer>> servers;
        for (const char* name : {"0", "1", "2"}) servers.push_back(place.serve(name));
        for (const auto& server : servers) ASSERT_TRUE(server->ready()) << server->errors();
        const std::size_t victim = random() % servers.size();
        std::vector<Writer> writers;
        for (int t = 0; t < 6; ++t) writers.emplace_back("r" + std::to_string(round) + "w" + std::to_string(t), random());
        std::vector<std::thread> threads;
        for (std::size_t w = 0; w < writers.size(); ++w)
            threads.emplace_back([&, w] { writers[w].run(*servers[w % servers.size()], token); });
        std::this_thread::sleep_for(std::chrono::milliseconds(100 + random() % 300));
        servers[victim]->kill_now();
        std::this_thread::sleep_for(std::chrono::milliseconds(300));
        Caller other(*servers[(victim + 1) % servers.size()], token);
        EXPECT_EQ(other.send("PUT", "/fhir/Patient/after", patient("after", "round " + std::to_string(round))).status,
                  round == 0 ? 201 : 200);
        all["after"].version = round + 1;
        for (std::size_t s = 0; s < servers.size(); ++s) {
            if (s == victim) continue;
            EXPECT_EQ(servers[s]->stop(), 0);
        }
        for (auto& thread : threads) thread.join();

        const auto again = place.serve("1");
        ASSERT_TRUE(again->ready()) << again->errors();
        Caller caller(*again, token);
        for (std::size_t w = 0; w < writers.size(); ++w) {
            for (auto& [id, known] : writers[w].ledger) {
                if (w % servers.size() != victim) of_survivors += static_cast<std::uint64_t>(known.version);
                check(caller, id, known);
                if (::testing::Test::HasFatalFailure()) return;
            }
            check_partners(writers[w].ledger);
            all.merge(writers[w].ledger);
        }
    }
    check_all(place, all, token);
    EXPECT_GT(of_survivors, 0u);
    std::filesystem::remove_all(place.folder);
}

// Login at one, use at the other.
TEST(ServersTogether, ShareAccountsAuditAndTheRecord) {
    testing::ScratchFolder folder;
    const Place place{folder.path(), testing::fresh_postgres()};
    if (place.store.empty()) GTEST_SKIP() << testing::no_postgres;
    const std::string token = place.token();
    const auto one = place.serve("1"), two = place.serve("2");
    ASSERT_TRUE(one->ready() && two->ready()) << one->errors() << two->errors();
    Caller here(*one, token), there(*two, token);
    ASSERT_EQ(here.send("PUT", "/fhir/Patient/a", R"({"resourceType":"Patient","id":"a","name":[{"text":"张伟"}]})").status, 201);
    EXPECT_EQ(there.get("/fhir/Patient/a").status, 200);
    std::string people;
    for (int i = 0; i < 200 && people.find("\"a\"") == std::string::npos; ++i) {
        people = there.get("/api/v1/people?q=zhangwei").body;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    EXPECT_NE(people.find("\"a\""), std::string::npos) << people;
    std::string accesses;  // written down by the other server
    for (int i = 0; i < 100 && accesses.find("\"read\"") == std::string::npos; ++i) {
        accesses = here.get("/api/v1/people/a/accesses").body;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    EXPECT_NE(accesses.find("\"read\""), std::string::npos) << accesses;
    std::string system;
    for (int i = 0; i < 200 && system.find("(" + std::to_string(two->process()) + ")") == std::string::npos; ++i) {
        system = here.get("/api/v1/system").body;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    EXPECT_NE(system.find("\"store\":\"postgres\""), std::string::npos);
    EXPECT_NE(system.find("(" + std::to_string(two->process()) + ")"), std::string::npos) << system;
    EXPECT_EQ(one->stop(), 0);
    EXPECT_EQ(two->stop(), 0);
}

// The database goes down under load and comes back: the server refuses by name meanwhile and then goes on.
TEST(ServersTogether, OutliveADatabaseThatGoesDown) {
    if (!testing::PostgresCluster::is_installed()) GTEST_SKIP() << testing::no_postgres;
    testing::PostgresCluster cluster({.fsync = true});
    testing::ScratchFolder folder;
    const Place place{folder.path(), cluster.url()};
    const std::string token = place.token();
    const auto server = place.serve();
    ASSERT_TRUE(server->ready()) << server->errors();
    std::vector<Writer> writers;
    for (int t = 0; t < 4; ++t) writers.emplace_back("w" + std::to_string(t), static_cast<std::uint64_t>(t));
    std::vector<std::thread> threads;
    for (Writer& writer : writers) threads.emplace_back([&] { writer.run(*server, token); });
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    cluster.crash();
    Caller caller(*server, token);
    const auto refused = caller.send("PUT", "/fhir/Patient/x", patient("x", "x"));
    EXPECT_EQ(refused.status, 503) << refused.body;
    EXPECT_NE(refused.body.find("connection to the database was lost"), std::string::npos) << refused.body;
    std::this_thread::sleep_for(std::chrono::seconds(6));  // as long as the pulse takes to look
    EXPECT_EQ(caller.get("/readyz").status, 503);
    cluster.start();
    http::Response healed;
    healed.status = 0;
    for (int i = 0; i < 200 && healed.status != 201 && healed.status != 200; ++i) {
        healed = caller.send("PUT", "/fhir/Patient/x", patient("x", "x"));
        if (healed.status == 503) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    EXPECT_TRUE(healed.status == 201 || healed.status == 200) << healed.body;
    const auto there = caller.get("/fhir/Patient/x");
    EXPECT_EQ(there.status, 200) << there.body << healed.status << healed.body << refused.body;
    EXPECT_EQ(server->stop(), 0) << server->errors();
    for (auto& thread : threads) thread.join();
    const auto again = place.serve();
    Caller reader(*again, token);
    Ledger all;
    EXPECT_EQ(member(reader.get("/fhir/Patient/x"), {"meta", "versionId"}), "1");
    all["x"].version = 1;
    for (Writer& writer : writers) {
        for (auto& [id, known] : writer.ledger) {
            check(reader, id, known);
            if (::testing::Test::HasFatalFailure()) return;
        }
        all.merge(writer.ledger);
    }
    again->kill_now();
    check_all(place, all, token);
}

}  // namespace
}  // namespace xinglin::server
