// SPDX-License-Identifier: Apache-2.0
// The real servers: one lets people in whom another knows, documents say where tokens are had, scopes hold on every path.
#include <gmock/gmock.h>

#include <fstream>

#include "http/http.h"
#include "server/test_process.h"
#include "text/text.h"

namespace xinglin::server {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class OauthDoors : public ::testing::Test {
protected:
    testing::ScratchFolder folder_;
    std::filesystem::path here_ = folder_.path() / "here", there_ = folder_.path() / "there";
    const std::string verifier_ = "a-verifier-of-at-least-forty-three-characters-1234";

    void add_user(const std::filesystem::path& data, const std::string& name, const std::vector<std::string>& more) {
        const auto file = folder_.path() / "password";
        std::ofstream(file) << "moderate-rain-7\n";
        std::vector<std::string> words{"user", "add", "--data", data.string(), "--name", name, "--password-file", file.string()};
        words.insert(words.end(), more.begin(), more.end());
        const Ended ended = command(words);
        ASSERT_EQ(ended.status, 0) << ended.err;
    }
    static void log_in(Caller& caller, const std::string& name) {
        caller.extra.clear();
        const auto answer =
            caller.send("POST", "/auth/login", R"({"name":")" + name + R"(","password":"moderate-rain-7"})", "application/json");
        const std::string cookie(answer.headers.get("Set-Cookie"));
        caller.extra = {{"Cookie", cookie.substr(0, cookie.find(';'))}, {"X-Xinglin-CSRF", member(answer, {"csrf"})}};
    }
    static std::string query_of(const std::string& address) { return address.substr(address.find('?') + 1); }
    static std::string json_of(const std::string& text) {
        std::string out;
        json::write_string(text, out);
        return out;
    }
    /// The person who is logged in says yes: the address the app is come back to at.
    static std::string approve(Caller& caller, const std::string& query, const std::string& patient = "") {
        return member(caller.send("POST", "/oauth/approve",
                                  R"({"request":)" + json_of(query) + R"(,"decision":"allow","patient":")" + patient + R"("})",
                                  "application/json"),
                      {"redirect"});
    }
    std::string request_for(const RunningServer& server, const std::string& scope) {
        return "response_type=code&client_id=app&redirect_uri=" + http::percent_encode("http://127.0.0.1:9/cb") +
               "&scope=" + http::percent_encode(scope) +
               "&aud=" + http::percent_encode("http://127.0.0.1:" + std::to_string(server.port()) + "/fhir") +
               "&code_challenge_method=S256&code_challenge=o5UzT0a_u9cbYZpnGY3zj8S5K39iOatNRBAY_40Nmj8";  // SHA-256 of verifier_
    }
    std::string token_for(const RunningServer& server, Caller& person, const std::string& scope,
                          const std::string& patient = "") {
        const std::string to = approve(person, request_for(server, scope), patient);
        const auto begin = to.find("code=") + 5;
        Caller app(server, "");
        return member(
            app.send("POST", "/oauth/token",
                     "grant_type=authorization_code&client_id=app&redirect_uri=" + http::percent_encode("http://127.0.0.1:9/cb") +
                         "&code_verifier=" + verifier_ + "&code=" + to.substr(begin, to.find('&', begin) - begin),
                     "application/x-www-form-urlencoded"),
            {"access_token"});
    }
    static std::string of(const std::string& id, const std::string& kind, const std::string& patient) {
        return R"({"resourceType":"Observation",)" + (id.empty() ? "" : R"("id":")" + id + R"(",)") +
               R"("status":"final","category":[{"coding":[{"code":")" + kind + R"("}]}],"code":{"text":")" + kind + "-" +
               patient + R"("},"effectiveDateTime":"2026-03-01","subject":{"reference":"Patient/)" + patient + R"("}})";
    }
    /// Two patients, each with one result of the laboratory and one vital sign; a weight in grams, and a value set it is in.
    void load(const RunningServer& server) {
        Caller loader(server, add_client(here_, "loader"));
        const auto put = [&](const std::string& at, const std::string& body) {
            EXPECT_EQ(loader.send("PUT", "/fhir/" + at, body).status, 201) << at;
        };
        for (const std::string id : {"p1", "p2"}) {
            put("Patient/" + id, R"({"resourceType":"Patient","id":")" + id + R"("})");
            for (const std::string kind : {"laboratory", "vital-signs"})
                put("Observation/" + kind + "-" + id, of(kind + "-" + id, kind, id));
        }
        put("Patient/p3", R"({"resourceType":"Patient","id":"p3"})");
        put("Observation/weight",
            R"({"resourceType":"Observation","id":"weight","status":"final","code":{"coding":[{"system":"http://example.org/c","code":"w"}]},
            "valueQuantity":{"value":70000,"system":"http://unitsofmeasure.org","code":"g"},"subject":{"reference":"Patient/p3"}})");
        put("ValueSet/weights", R"({"resourceType":"ValueSet","id":"weights","url":"http://example.org/weights","status":"active",
            "compose":{"include":[{"system":"http://example.org/c","concept":[{"code":"w"}]}]}})");
    }
    void register_app(const std::filesystem::path& data, const std::string& name, const std::string& redirect,
                      const std::string& scope) {
        const Ended ended = command(
            {"client", "add", "--data", data.string(), "--name", name, "--public", "--redirect", redirect, "--scope", scope});
        ASSERT_EQ(ended.status, 0) << ended.err;
    }
};

TEST_F(OauthDoors, APersonKnownToAnotherHouseLogsInThroughIt) {
    add_user(there_, "doctor", {"--role", "clinician"});
    add_user(there_, "stranger", {"--role", "clinician"});
    add_user(here_, "doctor", {"--role", "clinician"});
    RunningServer there(there_);
    ASSERT_TRUE(there.ready()) << there.errors();
    std::ofstream(here_ / "providers.json") << R"({"providers":[{"id":"city","name":"City","issuer":"http://127.0.0.1:)"
                                            << there.port()
                                            << R"(","client_id":"relying","plain":true,"private_addresses":true}]})";
    RunningServer here(here_);
    ASSERT_TRUE(here.ready()) << here.errors();
    register_app(there_, "relying", "http://127.0.0.1:" + std::to_string(here.port()) + "/auth/external/city/return",
                 "openid profile");

    const auto arrive = [&](const std::string& who, bool with_cookie) {
        Caller browser(here, ""), at_theirs(there, "");
        const auto away = browser.get("/auth/external/city?to=/people");
        EXPECT_EQ(away.status, 303) << away.body;
        const std::string cookie(away.headers.get("Set-Cookie"));
        EXPECT_THAT(cookie, HasSubstr("HttpOnly; SameSite=Lax"));
        log_in(at_theirs, who);
        const std::string back = approve(at_theirs, query_of(std::string(away.headers.get("Location"))));
        if (with_cookie) browser.extra = {{"Cookie", cookie.substr(0, cookie.find(';'))}};
        return browser.get("/auth/external/city/return?" + query_of(back));
    };
    const auto in = arrive("doctor", true);
    EXPECT_EQ(in.headers.get("Location"), "/people");
    Caller inside(here, "");
    const std::string cookie(in.headers.get("Set-Cookie"));
    inside.extra = {{"Cookie", cookie.substr(0, cookie.find(';'))}};
    EXPECT_EQ(member(inside.get("/auth/me"), {"user", "name"}), "doctor");
    EXPECT_EQ(arrive("stranger", true).headers.get("Location"), "/login?external=name") << "known there, no account here";
    EXPECT_EQ(arrive("doctor", false).headers.get("Location"), "/login?external=state") << "in another browser";
    EXPECT_EQ(inside.get("/auth/external").body, R"({"providers":[{"id":"city","name":"City"}]})");
    EXPECT_EQ(inside.get("/auth/external/nowhere").status, 404);
}

TEST_F(OauthDoors, DocumentsSayWhereTokensAreHad) {
    RunningServer server(here_);
    ASSERT_TRUE(server.ready()) << server.errors();
    Caller anyone(server, "");
    const std::string base = "http://127.0.0.1:" + std::to_string(server.port());
    EXPECT_EQ(member(anyone.get("/.well-known/openid-configuration"), {"issuer"}), base);
    for (const std::string at : {"/.well-known/smart-configuration", "/fhir/.well-known/smart-configuration"}) {
        EXPECT_EQ(member(anyone.get(at), {"token_endpoint"}), base + "/oauth/token");
        EXPECT_THAT(anyone.get(at).body, HasSubstr("client-confidential-asymmetric"));
    }
    EXPECT_THAT(anyone.get("/fhir/metadata").body, HasSubstr(R"({"url":"token","valueUri":")" + base + R"(/oauth/token"})"));
    EXPECT_THAT(anyone.get("/oauth/jwks").body, HasSubstr(R"("alg":"ES256")"));
    const auto form = [&](const std::string& path, const std::string& body) {
        return anyone.send("POST", path, body, "application/x-www-form-urlencoded");
    };
    EXPECT_EQ(form("/oauth/token", "grant_type=client_credentials&client_id=x").status, 401);
    EXPECT_EQ(form("/oauth/token", "grant_type=a&grant_type=b").status, 400) << "twice";
    EXPECT_EQ(anyone.send("POST", "/oauth/token", "{}", "application/json").status, 400);
    EXPECT_EQ(form("/oauth/token", "grant_type=x&client_assertion=" + std::string(60'000, 'a')).status, 400);
    EXPECT_EQ(form("/oauth/token", std::string(70'000, 'a')).status, 413);
    EXPECT_EQ(anyone.get("/oauth/userinfo").status, 401);
    EXPECT_EQ(anyone.get("/oauth/authorize?client_id=x&redirect_uri=https://evil.example").status, 400);
    EXPECT_EQ(anyone.send("POST", "/oauth/approve", "{}", "application/json").status, 401);
    EXPECT_EQ(anyone.get("/oauth/end_session?client_id=x&post_logout_redirect_uri=https://evil.example").headers.get("Location"),
              "/apps/leave");
}

TEST_F(OauthDoors, AnAppSeesWhatItsScopeSaysOnEveryPath) {
    add_user(here_, "doctor", {"--role", "clinician"});
    add_user(here_, "boss", {"--role", "administrator"});
    add_user(here_, "li", {"--role", "resident", "--patient", "p1"});
    register_app(here_, "app", "http://127.0.0.1:9/cb", "openid launch/patient patient/*.rs user/*.cruds");
    RunningServer server(here_);
    ASSERT_TRUE(server.ready()) << server.errors();
    load(server);
    Caller doctor(server, ""), boss(server, ""), li(server, "");
    log_in(doctor, "doctor");
    log_in(boss, "boss");
    log_in(li, "li");
    const auto status = [](Caller& app, const std::string& target) { return app.get(target).status; };
    const auto total = [](Caller& app, const std::string& target) { return member(app.get(target), {"total"}); };

    Caller laboratory(server, token_for(server, doctor, "patient/Observation.rs?category=laboratory", "p1"));
    EXPECT_EQ(total(laboratory, "/fhir/Observation"), "1");
    EXPECT_EQ(total(laboratory, "/fhir/Observation?category=vital-signs"), "0");
    EXPECT_EQ(total(laboratory, "/fhir/Observation?_summary=count"), "1");
    EXPECT_EQ(member(laboratory.send("POST", "/fhir/Observation/_search", "status=final", "application/x-www-form-urlencoded"),
                     {"total"}),
              "1");
    EXPECT_EQ(status(laboratory, "/fhir/Observation/laboratory-p1"), 200);
    for (const std::string other : {"vital-signs-p1", "laboratory-p2", "nothing"}) {
        EXPECT_EQ(status(laboratory, "/fhir/Observation/" + other), 404) << other;
        EXPECT_EQ(laboratory.get("/fhir/Observation/" + other).body, laboratory.get("/fhir/Observation/nothing").body)
            << "as what never was";
        EXPECT_EQ(status(laboratory, "/fhir/Observation/" + other + "/_history/1"), 404);
    }
    for (const std::string path :
         {"/fhir/Patient/p1", "/fhir/Patient", "/fhir/$export", "/fhir/Patient/$export", "/api/v1/people", "/api/v1/people/p1",
          "/api/v1/people/p1/accesses", "/api/v1/persons", "/api/v1/system", "/api/v1/clients", "/auth/me", "/oauth/apps"})
        EXPECT_EQ(status(laboratory, path), 403) << path;
    EXPECT_EQ(status(laboratory, "/fhir/Patient/p1/$everything"), 404) << "the patient is not in the scope";
    const auto of_all = [&](const std::string& target) { return laboratory.get(target).body; };
    for (const std::string path : {"/fhir/_history", "/fhir/Observation/_history", "/fhir?_type=Observation",
                                   "/fhir/Patient/p1/*", "/fhir/Observation?_include=Observation:subject"}) {
        EXPECT_THAT(of_all(path), HasSubstr("laboratory-p1")) << path;
        for (const std::string other : {"vital-signs-p1", "laboratory-p2", R"("resourceType":"Patient")"})
            EXPECT_THAT(of_all(path), Not(HasSubstr(other))) << path;
    }
    EXPECT_EQ(total(laboratory, "/fhir/Observation?subject:Patient._id=p1"), "0")
        << "the way leads over what is not in the scope";
    const auto asked = laboratory.send("POST", "/fhir", R"({"resourceType":"Bundle","type":"batch","entry":[
        {"request":{"method":"GET","url":"Patient/p2"}},{"request":{"method":"GET","url":"Observation/vital-signs-p1"}},
        {"request":{"method":"GET","url":"Observation?status=final"}}]})");
    EXPECT_THAT(asked.body, HasSubstr(R"("status":"403)"));
    EXPECT_THAT(asked.body, HasSubstr(R"("status":"404)"));
    EXPECT_THAT(asked.body, HasSubstr(R"("id":"laboratory-p1")"));
    EXPECT_THAT(asked.body, Not(HasSubstr(R"("id":"vital-signs-p1")")));
    EXPECT_EQ(laboratory.send("PUT", "/fhir/Observation/laboratory-p1", R"({"resourceType":"Observation","id":"laboratory-p1"})")
                  .status,
              403);

    Caller of_li(server, token_for(server, li, "patient/*.rs"));
    EXPECT_EQ(total(of_li, "/fhir/Observation"), "2");
    EXPECT_EQ(status(of_li, "/fhir/Patient/p1/$everything"), 200);
    EXPECT_EQ(status(of_li, "/fhir/Patient/p2"), 404);
    EXPECT_EQ(status(of_li, "/fhir/Patient/p2/$everything"), 404);
    EXPECT_THAT(of_li.get("/fhir/Observation?_include=Observation:subject").body, HasSubstr(R"("resourceType":"Patient")"));
    EXPECT_EQ(status(of_li, "/api/v1/people/p1"), 200);
    EXPECT_EQ(status(of_li, "/api/v1/people/p2"), 403);
    EXPECT_EQ(status(of_li, "/fhir/Observation/laboratory-p2"), 404);

    Caller narrow(server, token_for(server, doctor, "user/Observation.rs"));
    EXPECT_EQ(total(narrow, "/fhir/Observation"), "5");
    EXPECT_EQ(status(narrow, "/fhir/Patient/p1"), 403);
    const auto batch = narrow.send(
        "POST", "/fhir", R"({"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"Patient/p2"}}]})");
    EXPECT_THAT(batch.body, HasSubstr("\"403")) << batch.body;
    Caller whole(server, token_for(server, boss, "user/*.cruds"));
    EXPECT_EQ(status(whole, "/fhir/Patient/p2"), 200);
    EXPECT_EQ(status(whole, "/api/v1/people/p1"), 200);
    EXPECT_EQ(status(whole, "/api/v1/clients"), 403) << "an app does not administer";
    EXPECT_EQ(status(whole, "/auth/me"), 403);
    EXPECT_EQ(boss.send("DELETE", "/api/v1/clients/app").status, 204);
    EXPECT_EQ(status(whole, "/fhir/Patient/p2"), 401);
}

// Two types, one under a condition: whatever path leads to the observations, only those of the laboratory are there.
TEST_F(OauthDoors, AConditionNarrowsWhatIsSearchedIncludedCountedAndGathered) {
    add_user(here_, "doctor", {"--role", "clinician"});
    register_app(here_, "app", "http://127.0.0.1:9/cb", "openid user/*.cruds");
    RunningServer server(here_);
    ASSERT_TRUE(server.ready()) << server.errors();
    load(server);
    Caller doctor(server, "");
    log_in(doctor, "doctor");
    Caller app(server, token_for(server, doctor, "user/Patient.rs user/Observation.rs?category=laboratory"));
    const auto total = [&](const std::string& target) { return member(app.get(target), {"total"}); };
    EXPECT_EQ(total("/fhir/Observation"), "2");
    EXPECT_EQ(total("/fhir/Patient?_has:Observation:subject:category=laboratory"), "2");
    EXPECT_EQ(total("/fhir/Patient?_has:Observation:subject:category=vital-signs"), "0");
    EXPECT_EQ(total("/fhir/Observation?subject:Patient._id=p1"), "1");
    for (const std::string path :
         {"/fhir/Patient?_revinclude=Observation:subject", "/fhir/Patient/p1/$everything", "/fhir/Patient/p1/Observation",
          "/fhir/_history", "/fhir/Observation?_count=1", "/fhir/Observation?_sort=-date&_total=accurate",
          "/api/v1/views/observation/rows?format=ndjson", "/fhir/ViewDefinition/observation/$viewdefinition-run"}) {
        const auto answer = app.get(path);
        EXPECT_EQ(answer.status, 200) << path << answer.body;
        EXPECT_THAT(answer.body, HasSubstr("laboratory-p")) << path;
        EXPECT_THAT(answer.body, Not(HasSubstr("vital-signs-p"))) << path;
    }
    EXPECT_EQ(app.get("/fhir/Observation/vital-signs-p1/_history").status, 404);
    EXPECT_EQ(app.get("/fhir/Observation/vital-signs-p1?_asOf=" +
                      member(doctor.get("/fhir/Observation/laboratory-p1"), {"meta", "versionId"}))
                  .status,
              404);
    EXPECT_THAT(app.get("/api/v1/people").body, HasSubstr(R"("id":"p1")"));
    EXPECT_THAT(app.get("/api/v1/people/p1").body, Not(HasSubstr("vital-signs")));
    EXPECT_EQ(versions_told(app.get("/api/v1/people/p1/timeline")), 2) << "the person and one observation";
    EXPECT_GT(versions_told(doctor.get("/api/v1/people/p1/timeline")), 2);
    EXPECT_EQ(app.get("/api/v1/people/p1/accesses").status, 403);

    // Codes of a value set and amounts in other units are worked out for a scope as for a search.
    Caller coded(server, token_for(server, doctor, "user/Observation.rs?code:in=http://example.org/weights"));
    EXPECT_EQ(member(coded.get("/fhir/Observation"), {"total"}), "1");
    EXPECT_EQ(coded.get("/fhir/Observation/weight").status, 200);
    EXPECT_EQ(coded.get("/fhir/Observation/laboratory-p1").status, 404);
    Caller heavy(server, token_for(server, doctor, "user/Observation.rs?value-quantity=gt60%7Chttp://unitsofmeasure.org%7Ckg"));
    EXPECT_EQ(member(heavy.get("/fhir/Observation"), {"total"}), "1");
    EXPECT_EQ(heavy.get("/fhir/Observation/weight").status, 200) << "70000 g";
    Caller light(server, token_for(server, doctor, "user/Observation.rs?value-quantity=lt60%7Chttp://unitsofmeasure.org%7Ckg"));
    EXPECT_EQ(member(light.get("/fhir/Observation"), {"total"}), "0");
    EXPECT_EQ(light.get("/fhir/Observation/weight").status, 404);
}

TEST_F(OauthDoors, WhatATokenWritesMeetsItsConditionsBeforeAndAfter) {
    add_user(here_, "doctor", {"--role", "clinician"});
    register_app(here_, "app", "http://127.0.0.1:9/cb", "openid user/*.cruds");
    RunningServer server(here_);
    ASSERT_TRUE(server.ready()) << server.errors();
    load(server);
    Caller doctor(server, "");
    log_in(doctor, "doctor");
    Caller app(server, token_for(server, doctor, "user/Observation.cruds?category=laboratory"));
    const auto put = [&](const std::string& id, const std::string& kind) {
        return app.send("PUT", "/fhir/Observation/" + id, of(id, kind, "p1")).status;
    };
    EXPECT_EQ(put("laboratory-p1", "laboratory"), 200);
    EXPECT_EQ(put("laboratory-p1", "vital-signs"), 403) << "it would leave the scope";
    EXPECT_EQ(put("vital-signs-p1", "laboratory"), 403) << "it was not in the scope";
    EXPECT_EQ(put("fresh", "vital-signs"), 403);
    EXPECT_EQ(put("fresh", "laboratory"), 201);
    EXPECT_EQ(app.send("POST", "/fhir/Observation", of("", "vital-signs", "p1")).status, 403);
    EXPECT_EQ(app.send("POST", "/fhir/Observation", of("", "laboratory", "p1")).status, 201);
    const std::string patch = R"([{"op":"replace","path":"/category/0/coding/0/code","value":"vital-signs"}])";
    EXPECT_EQ(app.send("PATCH", "/fhir/Observation/laboratory-p1", patch, "application/json-patch+json").status, 403);
    EXPECT_EQ(app.send("PATCH", "/fhir/Observation/vital-signs-p1", patch, "application/json-patch+json").status, 404);
    EXPECT_EQ(app.send("DELETE", "/fhir/Observation/vital-signs-p1").status, 403);
    EXPECT_EQ(app.send("DELETE", "/fhir/Observation?status=final&_id=vital-signs-p2").status, 403);
    EXPECT_EQ(app.send("DELETE", "/fhir/Observation/fresh").status, 204);

    const auto entry = [&](const std::string& id, const std::string& kind) {
        return R"({"resource":)" + of(id, kind, "p1") + R"(,"request":{"method":"PUT","url":"Observation/)" + id + R"("}})";
    };
    const auto bundle = [&](const std::string& type) {
        return app.send("POST", "/fhir",
                        R"({"resourceType":"Bundle","type":")" + type + R"(","entry":[)" + entry(type + "-1", "laboratory") +
                            "," + entry(type + "-2", "vital-signs") + "]}");
    };
    EXPECT_EQ(bundle("transaction").status, 403);
    EXPECT_EQ(app.get("/fhir/Observation/transaction-1").status, 404) << "whole or not at all";
    EXPECT_EQ(bundle("batch").status, 200);
    EXPECT_EQ(app.get("/fhir/Observation/batch-1").status, 200);
    EXPECT_EQ(doctor.get("/fhir/Observation/batch-2").status, 404);
    EXPECT_THAT(doctor.get("/fhir/Observation/laboratory-p1").body, HasSubstr(R"("code":"laboratory")"));
}

TEST_F(OauthDoors, ClientsAreRegisteredOnTheCommandLine) {
    const auto add = [&](std::vector<std::string> more) {
        std::vector<std::string> words{"client", "add", "--data", here_.string()};
        words.insert(words.end(), more.begin(), more.end());
        return command(words);
    };
    std::ofstream(folder_.path() / "keys.json") << "{}";
    EXPECT_THAT(add({"--name", "a", "--jwks", (folder_.path() / "keys.json").string()}).err, HasSubstr("--jwks"));
    EXPECT_THAT(add({"--name", "a", "--jwks", "/nowhere"}).err, HasSubstr("--jwks"));
    EXPECT_THAT(add({"--name", "a", "--public", "--redirect", "http://a.example/cb", "--scope", "openid"}).err,
                HasSubstr("--redirect"));
    EXPECT_EQ(add({"--name", "a", "--jwks", "https://a.example/keys", "--scope", "system/*.rs"}).out, "a registered\n");
    EXPECT_EQ(add({"--name", "a", "--scope", "system/*.rs", "--jwks", "https://a.example/keys"}).status, 1);
    EXPECT_THAT(command({"client", "list", "--data", here_.string()}).out, HasSubstr("a                        system/*.rs"));
    EXPECT_EQ(command({"client", "remove", "--data", here_.string(), "--name", "a"}).status, 0);
    EXPECT_EQ(command({"client", "remove", "--data", here_.string(), "--name", "a"}).status, 1);
}

}  // namespace
}  // namespace xinglin::server
