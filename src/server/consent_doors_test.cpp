// SPDX-License-Identifier: Apache-2.0
// Consents, proxies, requests and emergencies by HTTP: who may decide for whom, what others may not write, what is told to whom.
#include <gtest/gtest.h>

#include <fstream>

#include "json/json.h"
#include "server/test_process.h"

namespace xinglin::server {
namespace {

constexpr const char* json_type = "application/json";
constexpr std::string_view secret = "a-long-password-of-theirs";

class ConsentDoors : public ::testing::Test {
protected:
    testing::ScratchFolder folder_;
    const std::filesystem::path data_ = folder_.path() / "data";

    void add(const std::string& name, const std::string& role, const std::string& patient = "") {
        std::ofstream(folder_.path() / "password") << secret << "\n";
        std::vector<std::string> words{"user", "add",    "--data", data_.string(),    "--name",
                                       name,   "--role", role,     "--password-file", (folder_.path() / "password").string()};
        if (!patient.empty()) words.insert(words.end(), {"--patient", patient});
        ASSERT_EQ(command(words).status, 0);
    }
    static std::string member(const std::string& body, std::string_view name) {
        json::Arena arena;
        const auto value = json::parse(body, arena);
        return value.ok() ? std::string((*value)[name].text()) : "";
    }
    static void enter(Caller& caller, const std::string& name) {
        const auto entered = caller.send("POST", "/auth/login",
                                         R"({"name":")" + name + R"(","password":")" + std::string(secret) + R"("})", json_type);
        const std::string_view header = entered.headers.get("Set-Cookie");
        caller.extra = {{"Cookie", std::string(header.substr(0, header.find(';')))},
                        {"X-Xinglin-CSRF", member(entered.body, "csrf")}};
    }
};

TEST_F(ConsentDoors, ResidentsDecideOfTheirOwnRecordOnly) {
    const auto client = command({"client", "add", "--data", data_.string(), "--name", "all", "--scope", "system/*.cruds"});
    add("anna", "resident", "anna");
    add("li", "clinician");
    add("officer", "auditor");
    RunningServer server(data_);
    ASSERT_TRUE(server.ready()) << server.errors();
    Caller desk(server, client.out.substr(0, client.out.find('\n'))), phone(server, ""), doctor(server, ""), officer(server, "");
    ASSERT_EQ(
        desk.send(
                "PUT", "/fhir/Patient/anna",
                R"({"resourceType":"Patient","id":"anna","name":[{"text":"马雨桐"}],"gender":"female","birthDate":"1990-03-01"})")
            .status,
        201);
    ASSERT_EQ(
        desk.send("PUT", "/fhir/Organization/hospital", R"({"resourceType":"Organization","id":"hospital","name":"人民医院"})")
            .status,
        201);
    enter(phone, "anna");
    enter(doctor, "li");
    enter(officer, "officer");

    const auto closed = phone.send("POST", "/api/v1/consent/mine", R"({"permit":"no","institution":"hospital"})", json_type);
    ASSERT_EQ(closed.status, 200) << closed.body;
    EXPECT_NE(phone.get("/api/v1/consent/mine").body.find("人民医院"), std::string::npos);
    EXPECT_EQ(phone.send("POST", "/api/v1/consent/mine", R"({"permit":"no","ward":"hospital"})", json_type).status, 404)
        << "for whom she does not act";
    EXPECT_EQ(phone.get("/api/v1/consent/person/anna").status, 403);
    EXPECT_EQ(phone.get("/api/v1/emergency/reviews").status, 403);
    EXPECT_EQ(doctor.get("/api/v1/consent/mine").status, 403);

    const std::string own =
        R"({"resourceType":"Consent","id":"c1","status":"active","scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},"category":[{"coding":[{"system":"http://loinc.org","code":"59284-0"}]}],"patient":{"reference":"Patient/anna"},"policyRule":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"OPTIN"}]}})";
    EXPECT_EQ(doctor.send("PUT", "/fhir/Consent/c1", own).status, 403) << "whoever treats does not write consents";
    EXPECT_EQ(desk.send("PUT", "/fhir/Consent/c1", own).status, 201);
    std::string forged = own;
    forged.replace(forged.find("http://loinc.org"), 16, "urn:xinglin:consent");
    EXPECT_EQ(desk.send("PUT", "/fhir/Consent/c1", forged).status, 403) << "a proxy or a decision by another door";
    EXPECT_EQ(
        desk.send(
                "PUT", "/fhir/Basic/b1",
                R"({"resourceType":"Basic","id":"b1","code":{"coding":[{"system":"urn:xinglin:emergency","code":"emergency"}]}})")
            .status,
        403);

    EXPECT_EQ(doctor.send("POST", "/api/v1/consent/person/anna", R"({"permit":"yes"})", json_type).status, 422)
        << "without a paper";
    EXPECT_EQ(doctor
                  .send("POST", "/api/v1/consent/person/anna",
                        R"({"permit":"yes","institution":"hospital","document":"2026-0117","witness":"王"})", json_type)
                  .status,
              200);
    const auto asked =
        doctor.send("POST", "/api/v1/consent/requests", R"({"patient":"anna","reason":"术前会诊","months":"1"})", json_type);
    ASSERT_EQ(asked.status, 200) << asked.body;
    EXPECT_EQ(phone.send("POST", "/api/v1/consent/mine/" + member(asked.body, "id") + "/accept", "{}", json_type).status, 200);

    EXPECT_EQ(member(doctor.get("/api/v1/emergency/person/anna").body, "name"), "马**");
    const auto opened = doctor.send("POST", "/api/v1/emergency",
                                    R"({"patient":"anna","reason_code":"unconscious","reason":"昏迷送来，家属不在"})", json_type);
    ASSERT_EQ(opened.status, 200) << opened.body;
    EXPECT_NE(phone.get("/api/v1/consent/mine").body.find("昏迷送来"), std::string::npos) << "told at once";
    EXPECT_EQ(officer
                  .send("POST", "/api/v1/emergency", R"({"patient":"anna","reason_code":"unconscious","reason":"想看看档案"})",
                        json_type)
                  .status,
              403);
    EXPECT_EQ(doctor.get("/api/v1/emergency/reviews").status, 403);
    EXPECT_NE(officer.get("/api/v1/emergency/reviews?state=open").body.find(member(opened.body, "id")), std::string::npos);
    EXPECT_EQ(officer
                  .send("POST", "/api/v1/emergency/" + member(opened.body, "id") + "/reviewed",
                        R"({"finding":"justified","note":"已核对"})", json_type)
                  .status,
              200);
}

}  // namespace
}  // namespace xinglin::server
