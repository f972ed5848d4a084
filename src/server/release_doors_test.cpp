// SPDX-License-Identifier: Apache-2.0
// What leaves the house, by HTTP: small counts are not told to who sees no records, a release takes two people, files say who took them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "json/json.h"
#include "server/test_process.h"
#include "server/watermark.h"

namespace xinglin::server {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ReleaseDoors : public ::testing::Test {
protected:
    testing::ScratchFolder folder_;
    const std::filesystem::path data_ = folder_.path() / "data";
    std::unique_ptr<RunningServer> server_;
    std::unique_ptr<Caller> house_;

    void SetUp() override {
        const auto added = command({"client", "add", "--data", data_.string(), "--name", "all", "--scope", "system/*.cruds"});
        std::ofstream(folder_.path() / "password") << "a-long-password-of-theirs\n";
        for (const auto& [name, role] : {std::pair("plan", "planner"),
                                         {"run", "operator"},
                                         {"boss", "administrator"},
                                         {"watch", "auditor"},
                                         {"doc", "clinician"}})
            ASSERT_EQ(command({"user", "add", "--data", data_.string(), "--name", name, "--role", role, "--password-file",
                               (folder_.path() / "password").string()})
                          .status,
                      0);
        server_ = std::make_unique<RunningServer>(data_);
        ASSERT_TRUE(server_->ready()) << server_->errors();
        house_ = std::make_unique<Caller>(*server_, added.out.substr(0, added.out.find('\n')));
        for (int i = 0; i < 24; ++i)
            put(fmt::format("Patient/p{}", i),
                fmt::format(
                    R"("name":[{{"text":"某人{}"}}],"gender":"{}","birthDate":"{}-05-06","address":[{{"extension":[{{"url":"urn:xinglin:extension:division-code","valueString":"130390001002"}}]}}])",
                    i, i % 2 == 0 ? "male" : "female", 1980 + i % 3));
        for (int i = 0; i < 12; ++i)
            put(fmt::format("Observation/o{}", i),
                R"("status":"final","code":{"text":"x"},"effectiveDateTime":"2026-03-01","subject":{"reference":"Patient/p1"})");
        for (int i = 0; i < 3; ++i)
            put(fmt::format("AllergyIntolerance/a{}", i),
                R"("clinicalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical","code":"active"}]},"patient":{"reference":"Patient/p2"})");
    }
    void put(const std::string& address, const std::string& members) {
        const std::size_t slash = address.find('/');
        const auto answer = house_->send("PUT", "/fhir/" + address,
                                         R"({"resourceType":")" + address.substr(0, slash) + R"(","id":")" +
                                             address.substr(slash + 1) + "\"," + members + "}");
        ASSERT_EQ(answer.status / 100, 2) << answer.body;
    }
    static std::string member(const std::string& body, std::string_view name) {
        json::Arena arena;
        const auto value = json::parse(body, arena);
        return value.ok() ? std::string((*value)[name].text()) : "";
    }
    Caller as(const std::string& name) {
        Caller caller(*server_, "");
        const auto entered = caller.send(
            "POST", "/auth/login", R"({"name":")" + name + R"(","password":"a-long-password-of-theirs"})", "application/json");
        EXPECT_EQ(entered.status, 200) << entered.body;
        const std::string_view header = entered.headers.get("Set-Cookie");
        caller.extra = {{"Cookie", std::string(header.substr(0, header.find(';')))},
                        {"X-Xinglin-CSRF", member(entered.body, "csrf")}};
        return caller;
    }
};

TEST_F(ReleaseDoors, SmallCountsAreNotToldToWhoSeesNoRecordsNorWhatWouldTellThem) {
    EXPECT_THAT(house_->get("/api/v1/types").body, HasSubstr(R"({"type":"AllergyIntolerance","count":3,)"));
    for (const char* name : {"plan", "run", "watch"}) {
        Caller planner = as(name);
        const std::string types = planner.get("/api/v1/types").body;
        EXPECT_THAT(types, HasSubstr(R"({"type":"AllergyIntolerance","count":"<5",)")) << name;
        EXPECT_THAT(types, HasSubstr(R"({"type":"Observation","count":"*",)")) << name;  // the total less the others would tell
        EXPECT_THAT(types, HasSubstr(R"("count":24,)")) << name;
        EXPECT_THAT(types, HasSubstr(R"("total":39)")) << name;
        const std::string views = planner.get("/api/v1/views").body;
        EXPECT_THAT(views, Not(HasSubstr(R"("rows":3,)"))) << name;
        EXPECT_THAT(views, Not(HasSubstr(R"("rows":12,)"))) << name << ": the rows of a type that is hidden";
        EXPECT_THAT(planner.get("/api/v1/system").body, Not(HasSubstr(R"("resources":3,)"))) << name;
        EXPECT_EQ(planner.get("/fhir/AllergyIntolerance?_summary=count").status, 403) << name;
    }
    EXPECT_THAT(as("doc").get("/api/v1/types").body, HasSubstr(R"({"type":"AllergyIntolerance","count":)"));
}

TEST_F(ReleaseDoors, StatisticsOfThePersonIndexAndTheWallHideFewPersons) {
    for (int i = 2; i < 24; ++i) ASSERT_EQ(house_->send("DELETE", fmt::format("/fhir/Patient/p{}", i)).status / 100, 2);
    Caller planner = as("plan");
    for (int i = 0; i < 300 && house_->get("/api/v1/persons/statistics").body.find(R"("records":2,)") == std::string::npos; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(100));  // the index follows the record
    EXPECT_THAT(house_->get("/api/v1/persons/statistics").body, HasSubstr(R"("records":2,)"));
    EXPECT_THAT(planner.get("/api/v1/persons/statistics").body, Not(HasSubstr(R"("records":2,)")));
    EXPECT_THAT(planner.get("/api/v1/screen").body, HasSubstr(R"({"key":"people","value":"<5")"));
    EXPECT_THAT(house_->get("/api/v1/screen").body, HasSubstr(R"({"key":"people","value":2,)"));
}

TEST_F(ReleaseDoors, AReleaseTakesTwoPeopleAndComesWithItsReport) {
    Caller planner = as("plan"), boss = as("boss"), auditor = as("watch"), doctor = as("doc");
    const std::string wanted = R"({"level":"system","release":"asthma study"})";
    EXPECT_EQ(doctor.send("POST", "/api/v1/exports", wanted, "application/json").status, 403);
    EXPECT_EQ(planner.send("POST", "/api/v1/exports", R"({"level":"system"})", "application/json").status, 403)
        << "as it is only administrators";
    EXPECT_EQ(planner
                  .send("POST", "/api/v1/exports", R"({"level":"system","release":"x","since":"2026-11-01T00:00:00Z"})",
                        "application/json")
                  .status,
              400);
    EXPECT_EQ(house_->get("/fhir/$export?_release=x").status, 400);
    const auto asked = planner.send("POST", "/api/v1/exports", wanted, "application/json");
    ASSERT_EQ(asked.status, 202) << asked.body;
    const std::string job = "/api/v1/exports/" + member(asked.body, "id");
    EXPECT_EQ(member(planner.get(job).body, "state"), "asked");
    EXPECT_EQ(planner.send("POST", job + "/approve").status, 403);
    EXPECT_EQ(doctor.send("POST", job + "/approve").status, 404);
    EXPECT_THAT(auditor.get("/api/v1/exports").body, HasSubstr("asthma study"));
    EXPECT_EQ(boss.send("POST", job + "/approve").status, 204);
    EXPECT_EQ(boss.send("POST", job + "/approve").status, 409);
    for (int i = 0; i < 600 && member(planner.get(job).body, "state") != "done"; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    const auto done = planner.get(job);
    ASSERT_EQ(member(done.body, "state"), "done") << done.body;
    EXPECT_EQ(member(done.body, "approved_by"), "boss");
    const auto report = auditor.get(job + "/report");
    ASSERT_EQ(report.status, 200) << report.body;
    EXPECT_THAT(report.body, HasSubstr(R"("reached":true)"));
    EXPECT_THAT(report.body, HasSubstr(R"("release":"asthma study")"));
    EXPECT_THAT(planner.get(job + "/report.html").body, HasSubstr("残余风险"));
    const std::string base = "/fhir/bulk/" + member(asked.body, "id");
    EXPECT_THAT(planner.get(base).body, HasSubstr(R"("by":"plan","approved_by":"boss")"));
    EXPECT_EQ(auditor.get(base).status, 404) << "who approves takes nothing away";
    EXPECT_THAT(auditor.get("/api/v1/audit?what=export").body, HasSubstr("approved"));
}

TEST_F(ReleaseDoors, NobodyApprovesTheOwnReleaseAndTooFewPersonsGoNowhere) {
    for (int i = 5; i < 24; ++i) ASSERT_EQ(house_->send("DELETE", fmt::format("/fhir/Patient/p{}", i)).status / 100, 2);
    Caller boss = as("boss"), auditor = as("watch");
    const auto asked = boss.send("POST", "/api/v1/exports", R"({"release":"of five"})", "application/json");
    ASSERT_EQ(asked.status, 202) << asked.body;
    const std::string job = "/api/v1/exports/" + member(asked.body, "id");
    EXPECT_EQ(boss.send("POST", job + "/approve").status, 403);
    EXPECT_EQ(auditor.send("POST", job + "/approve").status, 204);
    for (int i = 0; i < 600 && member(boss.get(job).body, "state") != "failed"; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_THAT(boss.get(job).body, HasSubstr("suppressed_most_percent"));
    EXPECT_EQ(boss.get(job + "/report").status, 404);
}

TEST_F(ReleaseDoors, ATableThatIsTakenAwayNamesItsLineOfTheAudit) {
    Caller auditor = as("watch");
    const auto table = auditor.get("/api/v1/audit/lines.csv");
    ASSERT_EQ(table.status, 200);
    const auto mark = read_mark(table.body);
    ASSERT_TRUE(mark) << table.body;
    EXPECT_EQ(mark->who, "watch");
    EXPECT_EQ(mark->number, table.headers.get("X-Request-Id"));
    EXPECT_THAT(auditor.get("/api/v1/audit?what=export").body, HasSubstr(mark->number));
    const auto file = folder_.path() / "found.csv";
    std::ofstream(file, std::ios::binary) << table.body.substr(table.body.find('\n') + 1);  // a part of it
    const auto found = command({"audit", "watermark", file.string(), "--data", data_.string()});
    EXPECT_EQ(found.status, 0) << found.err;
    EXPECT_THAT(found.out, HasSubstr("audit line"));
    std::ofstream(file, std::ios::binary) << "nothing\n";
    EXPECT_EQ(command({"audit", "watermark", file.string(), "--data", data_.string()}).status, 1);
    // What is mended and comes back, and what systems fetch, stays as it is.
    EXPECT_THAT(house_->get("/api/v1/intake/ledger.csv").body, Not(HasSubstr("downloaded_by")));
}

}  // namespace
}  // namespace xinglin::server
