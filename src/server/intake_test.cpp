// SPDX-License-Identifier: Apache-2.0
// Messages through the real server: sent by HTTP, stored, looked after, counted; and kill -9 while they come.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "server/test_process.h"

namespace xinglin::server {
namespace {

constexpr const char* json_type = "application/json";
const std::string clinic = R"({"id":"clinic","name":"城关卫生院","kind":"http","format":"fhir"})";

std::string bundle(int number, const std::string& value, const std::string& status = "final") {
    return fmt::format(
        R"({{"resourceType":"Bundle","type":"collection","identifier":{{"value":"m{}"}},"entry":[{{"resource":{{"resourceType":"Patient","id":"p{}"}}}},)"
        R"({{"resource":{{"resourceType":"Observation","id":"o{}","status":"{}","code":{{"text":"pulse"}},"subject":{{"reference":"Patient/p{}"}},"valueString":"{}"}}}}]}})",
        number, number % 10, number, status, number % 10, value);
}

std::string day_of(const http::Response& ledger, std::string_view member) {
    json::Arena arena;
    const auto parsed = json::parse(ledger.body, arena);
    return parsed.ok() ? std::string((*parsed)["lines"][std::size_t{0}][member].text()) : "";
}

/// Until nothing waits.
http::Response settled_ledger(Caller& caller) {
    for (int i = 0; i < 400; ++i) {
        auto ledger = caller.get("/api/v1/intake/ledger?source=clinic");
        if (day_of(ledger, "waiting") == "0") return ledger;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return caller.get("/api/v1/intake/ledger?source=clinic");
}

class IntakeTest : public ::testing::Test {
protected:
    testing::ScratchFolder folder_;
};

TEST_F(IntakeTest, AMessageIsSentStoredFoundAndCounted) {
    const std::string token = add_client(folder_.path(), "machine");
    RunningServer server(folder_.path());
    ASSERT_TRUE(server.ready()) << server.errors();
    Caller machine(server, token);
    EXPECT_EQ(machine.send("POST", "/api/v1/intake/messages?source=clinic", bundle(1, "60")).status, 404)
        << "nobody knows it yet";
    const auto added = machine.send("POST", "/api/v1/intake/sources", clinic, json_type);
    ASSERT_EQ(added.status, 201) << added.body;
    EXPECT_EQ(machine.send("POST", "/api/v1/intake/sources", clinic, json_type).status, 409);

    const auto taken = machine.send("POST", "/api/v1/intake/messages?source=clinic&wait=stored", bundle(1, "60"));
    ASSERT_EQ(taken.status, 200) << taken.body;
    EXPECT_EQ(member(taken, {"state"}), "stored");
    const std::string id = member(taken, {"id"});
    EXPECT_EQ(machine.send("POST", "/api/v1/intake/messages?source=clinic", bundle(1, "60")).status, 200) << "a duplicate";
    const auto refused =
        machine.send("POST", "/api/v1/intake/messages?source=clinic&wait=stored", bundle(2, "60", "sort of done"));
    EXPECT_EQ(refused.status, 422) << refused.body;
    EXPECT_EQ(machine.send("POST", "/api/v1/intake/messages?source=clinic", "MSH|").status, 422);

    const auto found = machine.get("/fhir/Observation?code:text=pulse");
    EXPECT_NE(found.body.find("urn:xinglin:source:clinic#m1"), std::string::npos) << found.body;
    const auto message = machine.get("/api/v1/intake/messages/" + id);
    EXPECT_EQ(member(message, {"raw"}), bundle(1, "60"));
    EXPECT_NE(message.body.find("\"version\":\"1\""), std::string::npos) << message.body;

    const auto errors = machine.get("/api/v1/intake/errors");
    EXPECT_NE(errors.body.find("resource.status"), std::string::npos) << errors.body;
    const std::string bad = member(refused, {"id"});
    const auto mended = machine.send(
        "POST", "/api/v1/intake/messages/" + bad + "/resubmit", json::write([&] {
            static json::Arena arena;
            return arena.object({{"text", arena.string(bundle(2, "60"))}, {"reason", arena.string("status mended")}});
        }()),
        json_type);
    EXPECT_EQ(mended.status, 202) << mended.body;
    const auto ledger = settled_ledger(machine);
    EXPECT_EQ(day_of(ledger, "received"), "5") << ledger.body;
    EXPECT_EQ(day_of(ledger, "stored"), "2");
    EXPECT_EQ(day_of(ledger, "rejected"), "1");
    EXPECT_EQ(day_of(ledger, "duplicate"), "1");
    EXPECT_EQ(day_of(ledger, "ignored"), "1");
    EXPECT_EQ(day_of(ledger, "balanced"), "true");
    EXPECT_NE(machine.get("/api/v1/intake/ledger.csv").body.find(",clinic,5,2,1,1,0,1,true"), std::string::npos);

    // Whoever may not run the platform sees that a message came, not what it holds.
    Caller reader(server, add_client(folder_.path(), "reader", "system/*.rs"));
    const auto seen = reader.get("/api/v1/intake/messages/" + id);
    EXPECT_EQ(seen.status, 200);
    EXPECT_EQ(seen.body.find("pulse"), std::string::npos);
    EXPECT_EQ(reader.get("/api/v1/intake/messages/" + id + "/raw").status, 403);
    EXPECT_EQ(reader.send("POST", "/api/v1/intake/messages?source=clinic", bundle(3, "1")).status, 403);
}

TEST_F(IntakeTest, AFileInAWatchedFolderIsTaken) {
    const std::string token = add_client(folder_.path(), "machine");
    RunningServer server(folder_.path());
    ASSERT_TRUE(server.ready()) << server.errors();
    Caller machine(server, token);
    ASSERT_EQ(
        machine.send("POST", "/api/v1/intake/sources", R"({"id":"clinic","kind":"folder","format":"fhir"})", json_type).status,
        201);
    const auto inbox = folder_.path() / "inbox" / "clinic";
    std::filesystem::create_directories(inbox);
    std::ofstream(inbox / "one.json") << bundle(1, "60");
    for (int i = 0; i < 200 && !std::filesystem::exists(inbox / "done" / "one.json"); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_TRUE(std::filesystem::exists(inbox / "done" / "one.json"));
    EXPECT_EQ(day_of(settled_ledger(machine), "stored"), "1");
    EXPECT_EQ(machine
                  .send("POST", "/api/v1/intake/sources",
                        R"({"id":"spy","kind":"folder","format":"fhir","settings":{"path":"/etc"}})", json_type)
                  .status,
              403);
}

/// Over all pages of their history.
std::size_t versions_of_observations(Caller& machine) {
    std::size_t versions = 0;
    for (std::string page = "/fhir/Observation/_history?_count=100"; !page.empty();) {
        const std::string body = machine.get(page).body;
        for (std::size_t at = 0; (at = body.find("\"valueString\"", at)) != std::string::npos; ++at) ++versions;
        const std::string link = R"("relation":"next","url":")";
        const std::size_t next = body.find(link), path = body.find("/fhir/", std::min(next, body.size()));
        page = path == std::string::npos ? "" : body.substr(path, body.find('"', path) - path);
    }
    return versions;
}

// kill -9 while messages come: whatever was acknowledged is stored once, and the day balances.
TEST_F(IntakeTest, KillLosesNothingThatWasAcknowledged) {
    const std::string token = add_client(folder_.path(), "machine");
    std::map<int, std::string> told;
    int next = 1;
    for (int round = 0; round < 4; ++round) {
        RunningServer server(folder_.path());
        ASSERT_TRUE(server.ready()) << server.errors();
        Caller machine(server, token);
        if (round == 0) {
            ASSERT_EQ(machine.send("POST", "/api/v1/intake/sources", clinic, json_type).status, 201);
        }
        std::jthread killer([&, round] {
            std::this_thread::sleep_for(std::chrono::milliseconds(150 + 130 * round));
            kill(server.process(), SIGKILL);
        });
        for (;; ++next) {
            const auto answer = machine.send("POST", "/api/v1/intake/messages?source=clinic", bundle(next, std::to_string(next)));
            if (answer.status == 0) break;
            EXPECT_TRUE(answer.status == 202 || answer.status == 200) << answer.body;
            told[next] = member(answer, {"id"});
        }
        ++next;  // perhaps taken, perhaps not: nobody was told
    }
    RunningServer server(folder_.path());
    ASSERT_TRUE(server.ready()) << server.errors();
    Caller machine(server, token);
    const auto ledger = settled_ledger(machine);
    EXPECT_EQ(day_of(ledger, "balanced"), "true") << ledger.body;
    EXPECT_EQ(day_of(ledger, "rejected"), "0");
    EXPECT_EQ(day_of(ledger, "waiting"), "0");
    ASSERT_GT(told.size(), 10u);
    for (const auto& [number, id] : told)
        EXPECT_EQ(member(machine.get("/api/v1/intake/messages/" + id), {"state"}), "stored") << number;
    // Each observation has one version: storing again after a crash changed nothing.
    const std::size_t versions = versions_of_observations(machine);
    EXPECT_EQ(std::to_string(versions), member(machine.get("/fhir/Observation?_summary=count"), {"total"}));
    EXPECT_GE(versions, told.size());
    ASSERT_EQ(server.stop(), 0);
    const std::string today = member(ledger, {"day"});
    const Ended printed = command({"intake", "ledger", "--data", folder_.path().string(), "--day", today, "--source", "clinic"});
    EXPECT_EQ(printed.status, 0) << printed.err;
    EXPECT_THAT(printed.out, ::testing::HasSubstr(",true"));
    const testing::ScratchFolder again;
    const Ended replayed =
        command({"intake", "replay", "--data", folder_.path().string(), "--to", (again.path() / "new").string()});
    EXPECT_EQ(replayed.status, 0) << replayed.err;
    std::string said = replayed.out;  // "1,844 messages stored in …"
    std::erase(said, ',');
    EXPECT_THAT(said, ::testing::HasSubstr(day_of(ledger, "stored") + " messages"));
}

}  // namespace
}  // namespace xinglin::server
