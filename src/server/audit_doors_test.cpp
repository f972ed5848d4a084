// SPDX-License-Identifier: Apache-2.0
// The audit by HTTP and by command line: searched, asked about, answered, verified, anchored, exported; refusals are lines; who may.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "json/json.h"
#include "server/test_process.h"
#include "sql/sql.h"

namespace xinglin::server {
namespace {

class AuditDoors : public ::testing::Test {
protected:
    testing::ScratchFolder folder_;
    const std::filesystem::path data_ = folder_.path() / "data";

    void SetUp() override { std::ofstream(folder_.path() / "password") << "a-long-password-of-theirs\n"; }
    std::string token(const std::string& name) {
        const auto added = command({"client", "add", "--data", data_.string(), "--name", name, "--scope", "system/*.cruds"});
        return added.out.substr(0, added.out.find('\n'));
    }
    void user(const std::string& name, const std::string& role, const std::string& patient = "") {
        std::vector<std::string> words{"user",   "add", "--data",          data_.string(),
                                       "--name", name,  "--display",       name + " 全名",
                                       "--role", role,  "--password-file", (folder_.path() / "password").string()};
        if (!patient.empty()) words.insert(words.end(), {"--patient", patient});
        ASSERT_EQ(command(words).status, 0);
    }
    static std::string member(const std::string& body, std::string_view name) {
        json::Arena arena;
        const auto value = json::parse(body, arena);
        return value.ok() ? std::string((*value)[name].text()) : "";
    }
    static void log_in(Caller& caller, const std::string& name) {
        const auto entered = caller.send(
            "POST", "/auth/login", R"({"name":")" + name + R"(","password":"a-long-password-of-theirs"})", "application/json");
        ASSERT_EQ(entered.status, 200) << entered.body;
        const std::string_view header = entered.headers.get("Set-Cookie");
        caller.extra = {{"Cookie", std::string(header.substr(0, header.find(';')))},
                        {"X-Xinglin-CSRF", member(entered.body, "csrf")}};
    }
    std::string lines(Caller& officer, const std::string& query) { return officer.get("/api/v1/audit?" + query).body; }
    Ended audit(std::vector<std::string> words) {
        words.insert(words.begin(), "audit");
        words.insert(words.end(), {"--data", data_.string()});
        return command(words);
    }
};

TEST_F(AuditDoors, ALookIsSeenAskedAboutAndAnswered) {
    const std::string all = token("all");
    user("doctor", "clinician");
    user("officer", "auditor");
    user("anna", "resident", "anna");
    user("ben", "resident", "ben");
    RunningServer server(data_);
    ASSERT_TRUE(server.ready()) << server.errors();
    Caller system(server, all), doctor(server, ""), officer(server, ""), anna(server, ""), ben(server, "");
    for (const char* id : {"anna", "ben"})
        ASSERT_EQ(system
                      .send("PUT", std::string("/fhir/Patient/") + id,
                            R"({"resourceType":"Patient","id":")" + std::string(id) + R"("})")
                      .status,
                  201);
    log_in(doctor, "doctor");
    log_in(officer, "officer");
    log_in(anna, "anna");
    log_in(ben, "ben");
    ASSERT_EQ(doctor.get("/fhir/Patient/anna").status, 200);

    const auto looks = anna.get("/api/v1/people/anna/accesses");
    EXPECT_NE(looks.body.find("doctor 全名"), std::string::npos) << looks.body;
    json::Arena arena;
    const auto parsed = json::parse(looks.body, arena);
    std::string row;
    for (std::size_t i = 0; i < (*parsed)["accesses"].size(); ++i) {
        if ((*parsed)["accesses"][i]["who"].string() == "doctor") row = (*parsed)["accesses"][i]["row"].text();
    }
    ASSERT_NE(row, "");
    const std::string question = R"({"row":")" + row + R"(","question":"who is this"})";
    EXPECT_EQ(ben.send("POST", "/api/v1/audit/mine/cases", question, "application/json").status, 404) << "it is not his record";
    const auto opened = anna.send("POST", "/api/v1/audit/mine/cases", question, "application/json");
    ASSERT_EQ(opened.status, 201) << opened.body;
    const std::string number = member(opened.body, "number");
    EXPECT_EQ(doctor.get("/api/v1/audit/cases").status, 403);
    EXPECT_NE(officer.get("/api/v1/audit/cases?state=open").body.find("who is this"), std::string::npos);
    const std::string step = "/api/v1/audit/cases/" + number + "/step";
    EXPECT_EQ(officer.send("POST", step, R"({"step":"answer","words":"your family doctor"})", "application/json").status, 200);
    EXPECT_NE(anna.get("/api/v1/audit/mine/cases").body.find("your family doctor"), std::string::npos);
    const std::string hers = "/api/v1/audit/mine/cases/" + number + "/step";
    EXPECT_EQ(ben.send("POST", hers, R"({"step":"close","words":""})", "application/json").status, 404);
    EXPECT_EQ(anna.send("POST", hers, R"({"step":"close","words":""})", "application/json").status, 200);
    EXPECT_NE(lines(officer, "what=case").find("\"what\":\"case\""), std::string::npos) << "every step is a line";
}

TEST_F(AuditDoors, RefusalsAreLinesAndOnlyAuditorsSeeThem) {
    const std::string all = token("all");
    user("planner", "planner");
    user("officer", "auditor");
    RunningServer server(data_);
    ASSERT_TRUE(server.ready()) << server.errors();
    Caller planner(server, ""), officer(server, ""), forged(server, "no-such-token");
    log_in(planner, "planner");
    log_in(officer, "officer");
    EXPECT_EQ(planner.get("/fhir/Patient").status, 403);
    EXPECT_EQ(planner.get("/api/v1/people").status, 403);
    EXPECT_EQ(planner.get("/api/v1/audit").status, 403);
    EXPECT_EQ(forged.get("/fhir/Patient").status, 401);
    json::Arena arena;
    const std::string body = lines(officer, "what=refused");
    const auto found = json::parse(body, arena);
    int of_planner = 0, of_stranger = 0;
    for (std::size_t i = 0; i < (*found)["lines"].size(); ++i) {
        const json::Value line = (*found)["lines"][i];
        of_planner += line["who"].string() == "planner" && line["status"].text() == "403" && !line["reason"].string().empty();
        of_stranger += line["status"].text() == "401";
    }
    EXPECT_EQ(of_planner, 3) << body;
    EXPECT_EQ(of_stranger, 1) << body;
    EXPECT_EQ(officer.get("/api/v1/audit?result=maybe").status, 422);
    EXPECT_EQ(officer.get("/api/v1/audit?count=0").status, 422);
    EXPECT_NE(officer.get("/api/v1/audit/events?count=5").body.find("\"resourceType\":\"AuditEvent\""), std::string::npos);
    EXPECT_EQ(officer.get("/api/v1/audit/lines.csv").headers.get("Content-Type").substr(0, 8), "text/csv");
    EXPECT_EQ(officer.get("/api/v1/audit/unusual").status, 200);
}

TEST_F(AuditDoors, TheCommandLineVerifiesAnchorsAndExports) {
    token("all");
    user("officer", "auditor");
    {
        RunningServer server(data_);
        ASSERT_TRUE(server.ready()) << server.errors();
        Caller officer(server, "");
        log_in(officer, "officer");
        for (int i = 0; i < 5; ++i) EXPECT_EQ(officer.get("/api/v1/audit/chain").status, 200);
        EXPECT_EQ(server.stop(), 0);
    }
    const auto sound = audit({"verify"});
    EXPECT_EQ(sound.status, 0) << sound.out << sound.err;
    EXPECT_NE(sound.out.find("the chain is whole"), std::string::npos) << sound.out;
    const auto anchored = audit({"anchor"});
    ASSERT_EQ(anchored.status, 0) << anchored.err;
    const auto anchor = folder_.path() / "anchor.json", out = folder_.path() / "events.ndjson";
    std::ofstream(anchor) << anchored.out;
    EXPECT_EQ(audit({"verify", "--anchor", anchor.string()}).status, 0);
    const auto exported = audit({"export", "--out", out.string()});
    EXPECT_EQ(exported.status, 0) << exported.err;
    EXPECT_NE(whole_file(out).find("urn:xinglin:audit-chain"), std::string::npos);
    EXPECT_EQ(audit({"export", "--out", out.string()}).status, 3) << "it is there already";

    const auto table = sql::open_sqlite(data_ / "audit.db");
    table->run("DROP TRIGGER audit_access_unchanged; UPDATE audit_access SET who = 'nobody' WHERE row = 1");
    const auto harmed = audit({"verify", "--json"});
    EXPECT_EQ(harmed.status, 1);
    EXPECT_EQ(member(harmed.out, "good"), "false");
    EXPECT_NE(harmed.out.find("\"first\":1,"), std::string::npos) << harmed.out;
    EXPECT_EQ(command({"audit", "verify", "--data", (folder_.path() / "nothing").string()}).status, 3);
}

}  // namespace
}  // namespace xinglin::server
