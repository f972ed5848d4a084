// SPDX-License-Identifier: Apache-2.0
// Who may see what, by HTTP: two villages and a hospital, on every path that leads to a record.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "json/json.h"
#include "server/test_process.h"

namespace xinglin::server {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class GuardDoors : public ::testing::Test {
protected:
    testing::ScratchFolder folder_;
    const std::filesystem::path data_ = folder_.path() / "data";
    std::unique_ptr<RunningServer> server_;
    std::unique_ptr<Caller> house_, near_, far_;

    void SetUp() override {
        const auto added = command({"client", "add", "--data", data_.string(), "--name", "all", "--scope", "system/*.cruds"});
        std::ofstream(folder_.path() / "password") << "a-long-password-of-hers\n";
        for (const auto& [name, clinic, area] :
             {std::tuple("near", "room-a", "330102001201"), std::tuple("far", "room-b", "330102001202")})
            ASSERT_EQ(command({"user", "add", "--data", data_.string(), "--name", name, "--role", "clinician", "--institution",
                               clinic, "--area", area, "--password-file", (folder_.path() / "password").string()})
                          .status,
                      0);
        server_ = std::make_unique<RunningServer>(data_);
        ASSERT_TRUE(server_->ready()) << server_->errors();
        house_ = std::make_unique<Caller>(*server_, added.out.substr(0, added.out.find('\n')));
        near_ = std::make_unique<Caller>(*server_, "");
        far_ = std::make_unique<Caller>(*server_, "");
        enter(*near_, "near");
        enter(*far_, "far");
        put("Organization/room-a", R"("name":"甲村卫生室","identifier":[{"system":"s","value":"jia"}])");
        put("Organization/room-b", R"("name":"乙村卫生室","identifier":[{"system":"s","value":"yi"}])");
        put("Patient/zhang",
            R"("name":[{"text":"章村民"}],"birthDate":"1962-04-18","identifier":[{"system":"urn:oid:2.16.156.10011.1.3","value":"130399196204180010"}],"address":[{"extension":[{"url":"urn:xinglin:extension:division-code","valueString":"330102001201"}]}])");
        put("Observation/weight", R"("status":"final","code":{"text":"体重"},"subject":{"reference":"Patient/zhang"})");
        put("Condition/mind",
            R"("code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10","code":"F20.0"}]},"subject":{"reference":"Patient/zhang"})");
    }
    static std::string member(const std::string& body, std::string_view name) {
        json::Arena arena;
        const auto value = json::parse(body, arena);
        return value.ok() ? std::string((*value)[name].text()) : "";
    }
    void enter(Caller& caller, const std::string& name) {
        const auto entered = caller.send(
            "POST", "/auth/login", R"({"name":")" + name + R"(","password":"a-long-password-of-hers"})", "application/json");
        ASSERT_EQ(entered.status, 200) << entered.body;
        const std::string_view header = entered.headers.get("Set-Cookie");
        caller.extra = {{"Cookie", std::string(header.substr(0, header.find(';')))},
                        {"X-Xinglin-CSRF", member(entered.body, "csrf")}};
    }
    void put(const std::string& address, const std::string& members) {
        const std::size_t slash = address.find('/');
        const auto answer = house_->send("PUT", "/fhir/" + address,
                                         R"({"resourceType":")" + address.substr(0, slash) + R"(","id":")" +
                                             address.substr(slash + 1) + "\"," + members + "}");
        ASSERT_EQ(answer.status / 100, 2) << answer.body;
    }
};

TEST_F(GuardDoors, OneVillageIsClosedToTheNextOnEveryPath) {
    EXPECT_EQ(near_->get("/fhir/Patient/zhang").status, 200);
    EXPECT_EQ(near_->get("/fhir/Observation/weight").status, 200);
    EXPECT_EQ(near_->get("/api/v1/people/zhang").status, 200);
    EXPECT_EQ(near_->get("/fhir/Condition/mind").status, 404) << "sensitive";
    EXPECT_EQ(versions_told(near_->get("/api/v1/people/zhang/timeline")), 2) << "not counted either";
    EXPECT_EQ(versions_told(house_->get("/api/v1/people/zhang/timeline")), 3);
    for (const char* path :
         {"/fhir/Patient/zhang", "/fhir/Observation/weight", "/fhir/Observation/weight/_history",
          "/fhir/Observation/weight/_history/1", "/fhir/Patient/zhang/$everything", "/fhir/Patient/zhang/_history"})
        EXPECT_EQ(far_->get(path).status, 404) << path;
    for (const char* path : {"/api/v1/people/zhang", "/api/v1/people/zhang/accesses", "/api/v1/people/zhang/timeline",
                             "/api/v1/consent/person/zhang", "/api/v1/card/person/zhang", "/api/v1/persons/queue"})
        EXPECT_EQ(far_->get(path).status, 403) << path;
    for (const char* path : {"/api/v1/people/zhang/accesses", "/api/v1/consent/person/zhang", "/api/v1/card/person/zhang"})
        EXPECT_EQ(near_->get(path).status, 200) << path;
    for (Caller* doctor : {near_.get(), far_.get()}) {  // nobody opens a record to the own institution
        const std::string own = doctor == near_.get() ? "room-a" : "room-b";
        const auto wished = doctor->send("POST", "/api/v1/consent/person/zhang",
                                         R"({"permit":"yes","institution":")" + own + R"(","document":"1"})", "application/json");
        EXPECT_EQ(wished.status, 403) << wished.body;
    }
    EXPECT_EQ(far_->send("POST", "/api/v1/intake/messages?source=room-a", "MSH|", "application/octet-stream").status, 403);
    for (const char* path :
         {"/fhir/Observation?subject=Patient/zhang", "/fhir/Observation?subject:Patient.name=章",
          "/fhir/Patient?_has:Observation:subject:code:text=体重", "/fhir/Patient?name=章", "/fhir/Patient/zhang/Observation",
          "/fhir/Observation?_total=accurate", "/fhir/_history", "/fhir/Observation/_history", "/fhir?_type=Patient,Observation",
          "/api/v1/people?q=章村民", "/fhir/Observation?_include=Observation:subject",
          "/fhir/Organization?_id=room-a&_revinclude=Patient:organization", "/fhir/Patient?_summary=count",
          "/fhir/Patient?_sort=name"}) {
        const auto answer = far_->get(path);
        EXPECT_EQ(answer.status, 200) << path;
        EXPECT_THAT(answer.body, Not(HasSubstr(R"("id":"zhang")"))) << path;
        EXPECT_THAT(answer.body, Not(HasSubstr(R"("id":"weight")"))) << path;
        const bool of_registers = std::string_view(path).starts_with("/fhir/Organization");
        if (!of_registers && answer.body.find("\"total\":") != std::string::npos) {
            EXPECT_EQ(member(answer.body, "total"), "0") << path;
        }
    }
    EXPECT_EQ(far_->send("PUT", "/fhir/Observation/weight",
                         R"({"resourceType":"Observation","id":"weight","status":"final","code":{"text":"x"}})")
                  .status,
              403);
    EXPECT_EQ(far_->send("DELETE", "/fhir/Observation/weight").status, 403);
    EXPECT_EQ(far_->send("PUT", "/fhir/Patient?identifier=130399196204180010", R"({"resourceType":"Patient"})").status, 403);
    EXPECT_EQ(
        far_->send(
                "POST", "/fhir",
                R"({"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"DELETE","url":"Observation/weight"}}]})")
            .status,
        403);
    EXPECT_EQ(near_->get("/fhir/Observation/weight").status, 200) << "nothing of it happened";
    const auto run =
        far_->send("POST", "/api/v1/views/run",
                   R"({"view":{"resource":"Patient","select":[{"column":[{"name":"id","path":"id"}]}]}})", "application/json");
    EXPECT_EQ(run.status, 200);
    EXPECT_THAT(run.body, Not(HasSubstr("zhang")));
}

TEST_F(GuardDoors, WhoBringsTheNumberLearnsThatThereIsSomebodyAndNoMore) {
    const std::string asked = "/api/v1/people?q=130399196204180010";
    for (int i = 0; i < 300 && near_->get(asked).body.find("zhang") == std::string::npos; ++i)  // the index follows the record
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    const auto answer = far_->get(asked);
    EXPECT_THAT(answer.body, HasSubstr(R"("closed":true)"));
    EXPECT_THAT(answer.body, Not(HasSubstr("章")));
}

TEST_F(GuardDoors, SensitiveStaysClosedToWhoMaySeeTheRest) {
    EXPECT_EQ(near_->get("/fhir/Condition/mind").status, 404);
    EXPECT_EQ(member(near_->get("/fhir/Condition?subject=Patient/zhang&_total=accurate").body, "total"), "0");
    EXPECT_EQ(house_->get("/fhir/Condition/mind").status, 200);
}

TEST_F(GuardDoors, AShownCardOpensTheRecordToWhoScannedItAndNothingSensitive) {
    const auto issued = near_->send("POST", "/api/v1/card/issue", R"({"patient":"zhang"})", "application/json");
    ASSERT_EQ(issued.status, 200) << issued.body;
    const auto print = near_->send("POST", "/api/v1/card/" + member(issued.body, "number") + "/print", "{}", "application/json");
    const std::string token = R"({"token":")" + member(print.body, "token") + "\"";
    EXPECT_EQ(far_->get("/fhir/Patient/zhang").status, 404);
    EXPECT_EQ(member(far_->send("POST", "/api/v1/card/scan", token + "}", "application/json").body, "accepted"), "false")
        << "no document was compared";
    EXPECT_EQ(far_->get("/fhir/Patient/zhang").status, 404);
    const auto opened = far_->send("POST", "/api/v1/card/scan", token + R"(,"checked":"0010"})", "application/json");
    EXPECT_EQ(member(opened.body, "accepted"), "true") << opened.body;
    EXPECT_EQ(far_->get("/fhir/Patient/zhang").status, 200);
    EXPECT_EQ(far_->get("/api/v1/people/zhang").status, 200);
    EXPECT_EQ(member(far_->get("/fhir/Observation?subject=Patient/zhang&_total=accurate").body, "total"), "1");
    EXPECT_EQ(far_->get("/fhir/Condition/mind").status, 404);
    const auto decision = far_->get("/api/v1/policy/decision?patient=zhang");
    EXPECT_EQ(member(decision.body, "rule"), "card") << decision.body;
    EXPECT_THAT(decision.body, Not(HasSubstr(R"("until":null)"))) << decision.body;
}

TEST_F(GuardDoors, ADecisionIsExplained) {
    const auto own = near_->get("/api/v1/policy/decision?patient=zhang");
    EXPECT_EQ(member(own.body, "allowed"), "true") << own.body;
    EXPECT_EQ(member(own.body, "rule"), "area");
    const auto other = far_->get("/api/v1/policy/decision?patient=zhang");
    EXPECT_EQ(member(other.body, "allowed"), "false") << other.body;
    EXPECT_EQ(far_->get("/api/v1/policy/decision?type=Observation&id=weight").status, 404);
    EXPECT_EQ(far_->get("/api/v1/policy/decision?patient=zhang&as=near").status, 403);
    EXPECT_EQ(near_->get("/api/v1/policy").status, 200);
}

// A family card is about the person whose card it shows: who may not open that record ends none.
TEST_F(GuardDoors, AFamilyCardOfAClosedRecordIsNotEnded) {
    put("Patient/holder",
        R"("name":[{"text":"章小"}],"birthDate":"1949-12-31","identifier":[{"system":"urn:oid:2.16.156.10011.1.3","value":"11010519491231002X"}])");
    const auto granted = house_->send(
        "POST", "/api/v1/card/family",
        R"({"patient":"zhang","holder":"holder","relation":"child","proof":"户口簿","consent":"yes"})", "application/json");
    ASSERT_EQ(granted.status, 200) << granted.body;
    const std::string end = "/api/v1/card/family/" + member(granted.body, "id") + "/end";
    const auto refused = far_->send("POST", end, R"({"why":"x"})", "application/json");
    EXPECT_EQ(refused.status, 403);
    EXPECT_THAT(refused.body, HasSubstr("closed to you"));
    EXPECT_EQ(near_->send("POST", end, R"({"why":"x"})", "application/json").status, 200);
    EXPECT_EQ(far_->send("POST", "/api/v1/card/family/nobody/end", R"({"why":"x"})", "application/json").status, 404);
}

}  // namespace
}  // namespace xinglin::server
