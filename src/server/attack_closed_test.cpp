// SPDX-License-Identifier: Apache-2.0
// A closed record, asked for on every path the server describes, by everybody it is closed to: no answer holds anything of it.
#include <gmock/gmock.h>

#include <set>

#include "server/test_attack.h"

namespace xinglin::server {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view identity = "130399196204180013", phone = "13912345678", name = "章隐秘", weight = "隐秘的体重",
                           street = "隐秘路七号";

class AttackClosed : public ::testing::Test {
protected:
    testing::ScratchFolder folder_;
    const std::filesystem::path data_ = folder_.path() / "data";
    std::unique_ptr<RunningServer> server_;
    std::unique_ptr<Caller> house_;

    void SetUp() override {
        std::ofstream(folder_.path() / "password") << "a-long-password-of-hers\n";
        const auto add = [&](const std::string& who, const std::string& role, std::vector<std::string> more) {
            std::vector<std::string> words = {
                "user", "add",    "--data", data_.string(),    "--name",
                who,    "--role", role,     "--password-file", (folder_.path() / "password").string()};
            words.insert(words.end(), more.begin(), more.end());
            const Ended ended = command(words);
            ASSERT_EQ(ended.status, 0) << ended.err;
        };
        add("root", "administrator", {});
        add("near", "clinician", {"--institution", "room-a", "--area", "330102001201"});
        add("far", "clinician", {"--institution", "room-b", "--area", "330102001202"});
        add("plan", "planner", {"--institution", "room-b", "--area", "330102001202"});
        add("desk", "institution-administrator", {"--institution", "room-b"});
        add("audit", "auditor", {});
        add("other", "resident", {"--patient", "wang"});
        const std::string token = add_client(data_, "all");
        server_ = std::make_unique<RunningServer>(data_);
        ASSERT_TRUE(server_->ready()) << server_->errors();
        house_ = std::make_unique<Caller>(*server_, token);
        put("Organization/room-a", R"("name":"甲村卫生室","identifier":[{"system":"s","value":"jia"}])");
        put("Organization/room-b", R"("name":"乙村卫生室","identifier":[{"system":"s","value":"yi"}])");
        put("Patient/wang",
            R"("name":[{"text":"王旁人"}],"identifier":[{"system":"urn:oid:2.16.156.10011.1.3","value":"130399198804050268"}])");
        put("Patient/closed",
            R"("name":[{"text":")" + std::string(name) + R"("}],"telecom":[{"system":"phone","value":")" + std::string(phone) +
                R"("}],"identifier":[{"system":"urn:oid:2.16.156.10011.1.3","value":")" + std::string(identity) +
                R"("}],"birthDate":"1962-04-18","gender":"female","address":[{"text":")" + std::string(street) +
                R"(","extension":[{"url":"urn:xinglin:extension:division-code","valueString":"330102001201"}]}])");
        put("Encounter/visit",
            R"("status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/closed"},"serviceProvider":{"reference":"Organization/room-a"})");
        put("Observation/weight",
            R"("status":"final","code":{"text":")" + std::string(weight) +
                R"("},"subject":{"reference":"Patient/closed"},"encounter":{"reference":"Encounter/visit"})");
    }
    void put(const std::string& address, const std::string& members) {
        const std::size_t slash = address.find('/');
        const auto answer = house_->send("PUT", "/fhir/" + address,
                                         R"({"resourceType":")" + address.substr(0, slash) + R"(","id":")" +
                                             address.substr(slash + 1) + "\"," + members + "}");
        ASSERT_EQ(answer.status / 100, 2) << answer.body;
    }
    std::unique_ptr<Caller> enter(const std::string& who) {
        auto caller = std::make_unique<Caller>(*server_, "");
        const auto entered = caller->send(
            "POST", "/auth/login", R"({"name":")" + who + R"(","password":"a-long-password-of-hers"})", "application/json");
        EXPECT_EQ(entered.status, 200) << who << entered.body;
        const std::string_view header = entered.headers.get("Set-Cookie");
        caller->extra = {{"Cookie", std::string(header.substr(0, header.find(';')))},
                         {"X-Xinglin-CSRF", member(entered, {"csrf"})}};
        return caller;
    }
    static void expect_nothing_of_it(const http::Response& answer, const std::string& what) {
        ASSERT_NE(answer.status, 0) << what;
        EXPECT_LT(answer.status, 500) << what << answer.body;
        for (const std::string_view secret : {identity, phone, name, weight, street})
            EXPECT_THAT(answer.body, Not(HasSubstr(std::string(secret)))) << what;
    }
};

TEST_F(AttackClosed, IsClosedOnEveryDescribedPath) {
    auto root = enter("root");
    const auto calls = described(*root);
    for (const char* who : {"far", "plan", "desk", "audit", "other"}) {
        auto caller = enter(who);
        for (const Described& call : calls) {
            if (call.pattern == "/auth/logout" || call.pattern == "/api/v1/events" ||
                call.pattern == "/auth/sessions/end-others" || call.pattern.starts_with("/api/v1/emergency"))
                continue;
            for (const char* hole : {"closed", "visit", "weight", "1"}) {
                if (call.pattern.find('{') == std::string::npos && std::string_view(hole) != "closed") continue;
                const std::string path = filled(call.pattern, hole);
                if (call.method != "GET") {
                    const std::string body =
                        R"({"patient":"closed","holder":"closed","ward":"closed","id":"closed","identity":")" +
                        std::string(identity) + R"("})";
                    expect_nothing_of_it(caller->send(call.method, path, body, "application/json"),
                                         std::string(who) + " " + call.method + " " + path);
                    continue;
                }
                expect_nothing_of_it(caller->get(path), std::string(who) + " " + path);
                expect_nothing_of_it(caller->get(path + "?patient=closed&encounter=visit&id=closed&type=Patient&q=closed&text="
                                                        "closed&who=near&count=100&kind=practitioner"),
                                     std::string(who) + " " + path + "?…");
            }
        }
        for (const char* path : {"/fhir/Patient",
                                 "/fhir/Patient/closed",
                                 "/fhir/Patient/closed/$everything",
                                 "/fhir/Observation",
                                 "/fhir/Encounter/visit",
                                 "/fhir/Observation?subject=Patient/closed",
                                 "/fhir/Patient?_has:Observation:subject:code=x",
                                 "/fhir/Patient?_revinclude=Observation:subject",
                                 "/fhir/Observation?_include=Observation:subject",
                                 "/fhir/_history",
                                 "/fhir/Patient/closed/_history/1",
                                 "/fhir/Patient?_id=closed",
                                 "/fhir/Patient?_format=xml",
                                 "/fhir?_type=Patient,Observation,Encounter",
                                 "/fhir/Patient?_elements=name",
                                 "/fhir/Patient?_asOf=2030-01-01",
                                 "/fhir/Patient/closed?_asOf=2030-01-01",
                                 "/fhir/Encounter?_include:iterate=Encounter:subject",
                                 "/fhir/Basic",
                                 "/fhir/Provenance",
                                 "/fhir/AuditEvent",
                                 "/fhir/Consent"})
            expect_nothing_of_it(caller->get(path), std::string(who) + " " + path);
    }
    EXPECT_THAT(enter("near")->get("/fhir/Patient/closed").body, HasSubstr(std::string(name)))
        << "there was something to be found";
}

TEST_F(AttackClosed, NothingIsWrittenAboutSomebodyWhoseRecordIsClosed) {
    auto far = enter("far"), near = enter("near");
    const std::string visit =
        R"({"resourceType":"Encounter","status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/closed"},"serviceProvider":{"reference":"Organization/room-b"}})";
    EXPECT_EQ(far->send("POST", "/fhir/Encounter", visit).status, 403) << "a visit would open the record";
    EXPECT_EQ(far->send("PUT", "/fhir/Encounter/mine", R"({"resourceType":"Encounter","id":"mine",)" + visit.substr(28)).status,
              403);
    EXPECT_EQ(
        far->send(
               "POST", "/fhir/Observation",
               R"({"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/closed"}})")
            .status,
        403);
    EXPECT_EQ(far->send("POST", "/fhir/Patient",
                        R"({"resourceType":"Patient","link":[{"type":"seealso","other":{"reference":"Patient/closed"}}]})")
                  .status,
              403);
    EXPECT_EQ(far->send("POST", "/fhir",
                        R"({"resourceType":"Bundle","type":"transaction","entry":[{"resource":)" + visit +
                            R"(,"request":{"method":"POST","url":"Encounter"}}]})")
                  .status,
              403);
    const auto own = far->send(
        "POST", "/fhir/Patient",
        R"({"resourceType":"Patient","name":[{"text":"自己人"}],"address":[{"extension":[{"url":"urn:xinglin:extension:division-code","valueString":"330102001202"}]}]})");
    EXPECT_EQ(own.status, 201) << own.body;
    const std::string address = "/fhir/Patient/" + member(own, {"id"});
    for (int i = 0; i < 200 && far->get(address).status != 200; ++i)
        usleep(50'000);  // whose patients they are is known a second later
    const std::string of_own =
        R"({"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/)" +
        member(own, {"id"}) + "\"}}";
    const auto written = far->send("POST", "/fhir/Observation", of_own);
    EXPECT_EQ(written.status, 201) << written.body;
    const auto patched =
        far->send("PATCH", "/fhir/Observation/" + member(written, {"id"}),
                  R"([{"op":"replace","path":"/subject/reference","value":"Patient/closed"}])", "application/json-patch+json");
    EXPECT_EQ(patched.status, 403) << patched.body;
    EXPECT_EQ(near->send("POST", "/fhir/Encounter", visit).status, 201);
    for (const char* call : {"/api/v1/card/issue", "/api/v1/card/family"})
        EXPECT_EQ(
            far->send("POST", call, R"({"patient":"closed","holder":"wang","relation":"parent","proof":"x"})", "application/json")
                .status,
            403)
            << call;
    EXPECT_EQ(far->get("/fhir/Patient/closed").status, 404);
}

TEST_F(AttackClosed, WhatIsNotSeenIsAsIfItWereNotThere) {
    auto far = enter("far");
    const auto shape = [&](const http::Response& answer) {
        std::set<std::string> headers;
        for (const auto& [header, value] : answer.headers.all())
            if (header != "X-Request-Id" && header != "Date" && header != "Content-Length") headers.insert(header);
        std::string text = std::to_string(answer.status);
        for (const auto& header : headers) text += " " + header;
        return text;
    };
    const auto without = [](std::string text, const std::string& what) {
        for (auto at = text.find(what); at != std::string::npos; at = text.find(what)) text.erase(at, what.size());
        return text;
    };
    for (const char* pattern :
         {"/fhir/Patient/ID", "/fhir/Patient/ID/_history", "/fhir/Patient/ID/_history/1", "/fhir/Patient/ID/$everything",
          "/fhir/Patient?_id=ID", "/fhir/Observation?subject=Patient/ID", "/fhir/Patient/ID/Observation", "/fhir/Observation/ID",
          "/fhir/Encounter/ID/_history", "/api/v1/persons/ID", "/api/v1/policy/decision?type=Observation&id=ID"}) {
        const std::string_view text(pattern);
        const auto at = text.find("ID");
        const std::string there =
            text.find("Observation/ID") != std::string_view::npos || text.find("&id=ID") != std::string_view::npos ? "weight"
            : text.find("Encounter/") != std::string_view::npos                                                    ? "visit"
                                                                                                                   : "closed";
        const auto asked = [&](const std::string& id) {
            return far->get(std::string(text.substr(0, at)) + id + std::string(text.substr(at + 2)));
        };
        const auto hidden = asked(there), absent = asked("absent");
        EXPECT_EQ(shape(hidden), shape(absent)) << pattern << hidden.body << absent.body;
        if (std::string(hidden.headers.get("Content-Type")).find("json") == std::string::npos || hidden.status == 200) continue;
        EXPECT_EQ(without(without(hidden.body, there), hidden.headers.get("X-Request-Id").data()),
                  without(without(absent.body, "absent"), absent.headers.get("X-Request-Id").data()))
            << pattern;
    }
}

TEST_F(AttackClosed, AMessageIsOfTheRecordItBecame) {
    ASSERT_EQ(house_
                  ->send("POST", "/api/v1/intake/sources", R"({"id":"clinic","name":"卫生院","kind":"http","format":"fhir"})",
                         "application/json")
                  .status,
              201);
    const auto sent = house_->send(
        "POST", "/api/v1/intake/messages?source=clinic&wait=stored",
        R"({"resourceType":"Bundle","type":"collection","identifier":{"value":"m1"},"entry":[{"resource":{"resourceType":"Patient","id":"p1","name":[{"text":"章隐秘"}]}}]})");
    const std::string number = member(sent, {"id"});
    ASSERT_FALSE(number.empty()) << sent.status << sent.body;
    const auto far = enter("far")->get("/api/v1/intake/messages/" + number);
    EXPECT_EQ(far.status, 404) << far.body;
    EXPECT_EQ(enter("root")->get("/api/v1/intake/messages/" + number).status, 200);
}

TEST_F(AttackClosed, WhoAdministersByCommandLineStandsInTheAudit) {
    const auto lines = enter("audit")->get("/api/v1/audit?count=100");
    EXPECT_THAT(lines.body, HasSubstr("far: clinician"));
    EXPECT_THAT(lines.body, HasSubstr("all: added"));
    EXPECT_THAT(lines.body, Not(HasSubstr("a-long-password")));
}

}  // namespace
}  // namespace xinglin::server
