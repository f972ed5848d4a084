// SPDX-License-Identifier: Apache-2.0
// What is nobody's business stays out of the log, and tokens out of the audit: a life of the server, read through afterwards.
#include <gmock/gmock.h>

#include <set>

#include "server/test_attack.h"

namespace xinglin::server {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class AttackLog : public ::testing::Test {
protected:
    testing::ScratchFolder folder_;
    const std::filesystem::path data_ = folder_.path() / "data";
    std::vector<std::string> secrets_ = {"tellnobody-secret-phrase-7", "秘不可言",   "130399196204180013", "13987654321",
                                         "mibukeyan@example.cn",       "隐秘巷三号", "6222020200112233445"};
    std::vector<std::string> tokens_;

    static void remember(std::vector<std::string>& all, std::string_view one) {
        if (one.size() > 7) all.emplace_back(one);
    }
    http::Response enter(Caller& caller, const std::string& name, const std::string& password) {
        const auto entered = caller.send("POST", "/auth/login", R"({"name":")" + name + R"(","password":")" + password + R"("})",
                                         "application/json");
        const std::string cookie(entered.headers.get("Set-Cookie").substr(0, entered.headers.get("Set-Cookie").find(';')));
        caller.extra = {{"Cookie", cookie}, {"X-Xinglin-CSRF", member(entered, {"csrf"})}};
        remember(tokens_, std::string_view(cookie).substr(cookie.find('=') + 1));
        remember(tokens_, member(entered, {"csrf"}));
        remember(tokens_, member(entered, {"ticket"}));
        return entered;
    }
};

TEST_F(AttackLog, HoldsNoNameNumberOrToken) {
    std::ofstream(folder_.path() / "password") << "tellnobody-secret-phrase-7\n";
    for (const auto& [name, role] : {std::pair{"root", "administrator"}, {"audit", "auditor"}, {"doctor", "clinician"}})
        ASSERT_EQ(command({"user", "add", "--data", data_.string(), "--name", name, "--role", role, "--password-file",
                           (folder_.path() / "password").string()})
                      .status,
                  0);
    const std::string token = add_client(data_, "all");
    remember(tokens_, token);
    std::string log, audit;
    {
        RunningServer server(data_);
        ASSERT_TRUE(server.ready()) << server.errors();
        Caller all(server, token), root(server, ""), doctor(server, ""), stranger(server, "");
        enter(root, "root", "tellnobody-secret-phrase-7");
        enter(doctor, "doctor", "tellnobody-secret-phrase-7");
        enter(stranger, "root", "tellnobody-secret-phrase-8");
        enter(stranger, "秘不可言", "130399196204180013");  // what people type into the wrong field
        const std::string person =
            R"("name":[{"text":"秘不可言","family":"秘"}],"telecom":[{"system":"phone","value":"13987654321"},{"system":"email","value":"mibukeyan@example.cn"}],)"
            R"("identifier":[{"system":"urn:oid:2.16.156.10011.1.3","value":"130399196204180013"},{"system":"bank","value":"6222020200112233445"}],"address":[{"text":"隐秘巷三号"}],"birthDate":"1962-04-18","gender":"female")";
        ASSERT_EQ(all.send("PUT", "/fhir/Patient/p1", R"({"resourceType":"Patient","id":"p1",)" + person + "}").status, 201);
        all.send("PUT", "/fhir/Patient/p1", R"({"resourceType":"Patient","id":"p1","秘不可言":"13987654321",)" + person);
        all.send("POST", "/fhir/Patient",
                 R"({"resourceType":"Patient","birthDate":"130399196204180013","gender":"秘不可言",)" +
                     person.substr(0, person.rfind(",\"birthDate\"")) + "}");
        for (Caller* caller : {&all, &root, &doctor, &stranger})
            for (const char* secret : {"%E7%A7%98%E4%B8%8D%E5%8F%AF%E8%A8%80", "130399196204180013", "13987654321"})
                for (const std::string& path :
                     {std::string("/fhir/Patient?name="), std::string("/fhir/Patient?identifier="), std::string("/fhir/Patient/"),
                      std::string("/api/v1/people?q="), std::string("/api/v1/people/"), std::string("/"), std::string("/fhir/"),
                      std::string("/api/v1/"), std::string("/fhir/Patient?"), std::string("/api/v1/card/"),
                      std::string("/fhir/Patient?_count=")})
                    caller->get(path + secret);
        doctor.send("POST", "/api/v1/people/p1/reveal", R"({"field":"identifier","index":0})", "application/json");
        const auto card = doctor.send("POST", "/api/v1/card/issue", R"({"patient":"p1"})", "application/json");
        const auto printed =
            doctor.send("POST", "/api/v1/card/" + member(card, {"number"}) + "/print", R"({"why":""})", "application/json");
        remember(tokens_, member(printed, {"token"}));
        doctor.send("POST", "/api/v1/card/scan", R"({"token":")" + member(printed, {"token"}) + R"(","place":"1"})",
                    "application/json");
        doctor.send("POST", "/api/v1/card/scan", R"({"token":"XH1130399196204180013"})", "application/json");
        all.send("POST", "/api/v1/intake/messages?source=his&wait=stored",
                 "MSH|^~\\&|HIS|his|X|X|20261101080000||ADT^A04|M1|P|2.4\rPID|1||P77^^^his^PI||秘不可言||19620418|F|||隐秘巷三号|"
                 "|13987654321\rPV1|1|O\r",
                 "application/octet-stream");
        all.send("POST", "/api/v1/intake/messages?source=his", "秘不可言|130399196204180013|13987654321",
                 "application/octet-stream");
        for (const auto& [path, body] :
             {std::pair{"/auth/activate", R"({"identity":"130399196204180013","card":"12345"})"},
              {"/oauth/token", "grant_type=client_credentials&client_id=秘不可言&client_secret=tellnobody-secret-phrase-7"},
              {"/auth/password", R"({"old":"tellnobody-secret-phrase-7","new":"tellnobody-secret-phrase-7"})"},
              {"/auth/second-step", R"({"ticket":"tellnobody-secret-phrase-7","code":"秘不可言"})"}})
            for (Caller* caller : {&root, &stranger})
                caller->send(
                    "POST", path, body,
                    std::string_view(path).starts_with("/oauth") ? "application/x-www-form-urlencoded" : "application/json");
        const auto begun =
            doctor.send("POST", "/auth/second-factor", R"({"password":"tellnobody-secret-phrase-7"})", "application/json");
        remember(tokens_, member(begun, {"secret"}));
        stranger.extra = {{"Authorization", "Bearer tellnobody-secret-phrase-7"}};
        stranger.get("/fhir/Patient/p1");
        stranger.extra = {{"Cookie", "xinglin_session=tellnobody-secret-phrase-7"}};
        stranger.get("/fhir/Patient/p1");
        Caller auditor(server, "");
        enter(auditor, "audit", "tellnobody-secret-phrase-7");
        audit = auditor.get("/api/v1/audit?count=500").body + auditor.get("/api/v1/audit/lines.csv").body +
                auditor.get("/api/v1/audit/events?count=500").body;
        EXPECT_EQ(server.stop(), 0);
        log = server.errors();
    }
    ASSERT_THAT(log, HasSubstr("\"event\":\"ready\"")) << "there was a log to be read";
    ASSERT_THAT(audit, HasSubstr("doctor"));
    EXPECT_GT(tokens_.size(), 6u);
    for (const std::string& secret : secrets_) EXPECT_THAT(log, Not(HasSubstr(secret)));
    for (const std::string& secret : tokens_) {
        EXPECT_THAT(log, Not(HasSubstr(secret)));
        EXPECT_THAT(audit, Not(HasSubstr(secret)));
    }
    for (const char* secret : {"tellnobody-secret-phrase-7", "tellnobody-secret-phrase-8"})
        EXPECT_THAT(audit, Not(HasSubstr(secret)));
}

}  // namespace
}  // namespace xinglin::server
