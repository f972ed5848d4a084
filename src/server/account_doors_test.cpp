// SPDX-License-Identifier: Apache-2.0
// Logging in and accounts, attacked through HTTP: the real program.
#include <set>

#include "access/second_factor.h"
#include "server/test_process.h"
#include "text/text.h"

namespace xinglin::server {
namespace {

constexpr std::string_view secret = "apricot-forest-in-spring";

class AccountDoors : public ::testing::Test {
protected:
    testing::ScratchFolder folder_;

    std::string data() const { return (folder_.path() / "data").string(); }
    void add(const std::string& name, const std::string& role, std::vector<std::string> more = {}) {
        const auto file = folder_.path() / "password";
        std::ofstream(file) << secret << "\n";
        std::vector<std::string> words = {"user",   "add", "--data",          data(),       "--name", name,
                                          "--role", role,  "--password-file", file.string()};
        words.insert(words.end(), more.begin(), more.end());
        const Ended ended = command(words);
        ASSERT_EQ(ended.status, 0) << ended.err;
    }
    static http::Response post(Caller& caller, const std::string& path, const std::string& body) {
        return caller.send("POST", path, body, "application/json");
    }
    static void take(Caller& caller, const http::Response& answer) {
        const std::string cookie(answer.headers.get("Set-Cookie"));
        caller.extra = {{"Cookie", cookie.substr(0, cookie.find(';'))}, {"X-Xinglin-CSRF", member(answer, {"csrf"})}};
    }
    static http::Response enter(Caller& caller, const std::string& name, std::string_view password = secret) {
        caller.extra.clear();
        auto answer = post(caller, "/auth/login", R"({"name":")" + name + R"(","password":")" + std::string(password) + R"("})");
        if (answer.status == 200) take(caller, answer);
        return answer;
    }
    static std::string decoded(const std::string& base32) {
        std::string bytes;
        std::uint32_t bits = 0;
        int count = 0;
        for (const char c : base32) {
            if (c == ' ') continue;
            bits = bits << 5 | static_cast<std::uint32_t>(c >= 'A' ? c - 'A' : c - '2' + 26);
            if ((count += 5) >= 8) bytes += static_cast<char>(bits >> (count -= 8) & 0xFF);
        }
        return bytes;
    }
    static std::string code(const std::string& base32, int aside) {
        return access::totp(decoded(base32), calendar::SystemClock().now_ms() / 30'000 + aside);
    }
};

TEST_F(AccountDoors, WithoutADemandedSecondFactorNothingIsOpenAndWithItTheCookieIsAnother) {
    add("boss", "administrator");
    const auto client = command({"client", "add", "--data", data(), "--name", "all", "--scope", "system/*.cruds"});
    RunningServer server(data(), {"strict"});
    ASSERT_TRUE(server.ready()) << server.errors();
    Caller boss(server, ""), house(server, client.out.substr(0, client.out.find('\n')));
    ASSERT_EQ(house.send("PUT", "/fhir/Patient/somebody", R"({"resourceType":"Patient","id":"somebody"})").status, 201);
    ASSERT_EQ(house.send("PUT", "/fhir/Organization/room", R"({"resourceType":"Organization","id":"room","name":"x"})").status,
              201);
    const auto first = enter(boss, "boss");
    EXPECT_EQ(member(first, {"user", "must_enrol"}), "true");
    for (const char* path : {"/api/v1/accounts", "/api/v1/types", "/fhir/Patient", "/api/v1/system"})
        EXPECT_EQ(boss.get(path).status, 403) << path;
    const auto begun = post(boss, "/auth/second-factor", R"({"password":")" + std::string(secret) + R"("})");
    ASSERT_EQ(begun.status, 200) << begun.body;
    const std::string shared = member(begun, {"secret"});
    EXPECT_EQ(post(boss, "/auth/second-factor/confirm", R"({"code":"0"})").status, 422);
    const std::string enrolled = code(shared, 0);
    const auto done = post(boss, "/auth/second-factor/confirm", R"({"code":")" + enrolled + R"("})");
    ASSERT_EQ(done.status, 200) << done.body;
    EXPECT_EQ(boss.get("/auth/me").status, 401) << "the cookie of before opens nothing";
    take(boss, done);
    EXPECT_EQ(boss.get("/api/v1/accounts").status, 200);
    EXPECT_EQ(boss.get("/fhir/Organization/room").status, 200);
    for (const char* path : {"/fhir/Patient/somebody", "/fhir/Patient/somebody/$everything"})
        EXPECT_EQ(boss.get(path).status, 404) << path;
    for (const char* path : {"/api/v1/people/somebody", "/api/v1/persons/queue"})
        EXPECT_EQ(boss.get(path).status, 403) << "who administers reads no records: " << path;

    Caller again(server, "");
    const auto half = post(again, "/auth/login", R"({"name":"boss","password":")" + std::string(secret) + R"("})");
    ASSERT_EQ(half.status, 200);
    EXPECT_FALSE(half.headers.has("Set-Cookie"));
    const std::string ticket = member(half, {"ticket"});
    EXPECT_EQ(post(again, "/auth/second-step", R"({"ticket":")" + ticket + R"(","code":")" + enrolled + R"("})").status, 401)
        << "a code that enrolled does not log in as well";
    const auto in = post(again, "/auth/second-step", R"({"ticket":")" + ticket + R"(","code":")" + code(shared, 1) + R"("})");
    ASSERT_EQ(in.status, 200) << in.body;
    take(again, in);
    EXPECT_EQ(again.get("/auth/me").status, 200);
}

TEST_F(AccountDoors, ACookieThatSomebodyPlantedIsNotTakenOver) {
    add("doctor", "clinician");
    RunningServer server(data());
    Caller doctor(server, "");
    doctor.extra = {{"Cookie", "xinglin_session=planted"}};
    const auto answer = post(doctor, "/auth/login", R"({"name":"doctor","password":")" + std::string(secret) + R"("})");
    ASSERT_EQ(answer.status, 200);
    EXPECT_EQ(answer.headers.get("Set-Cookie").find("planted"), std::string_view::npos);
    EXPECT_EQ(doctor.get("/auth/me").status, 401) << "and what was planted opens nothing";
}

TEST_F(AccountDoors, EveryWriteOfASessionNeedsItsCsrf) {
    add("boss", "administrator");
    RunningServer server(data());
    Caller boss(server, "");
    ASSERT_EQ(enter(boss, "boss").status, 200);
    boss.extra.pop_back();
    for (const auto& [method, path] : {std::pair{"POST", "/auth/password"},
                                       {"POST", "/auth/second-factor"},
                                       {"POST", "/auth/second-factor/confirm"},
                                       {"POST", "/auth/second-factor/drop"},
                                       {"POST", "/auth/recovery-codes"},
                                       {"DELETE", "/auth/sessions/x"},
                                       {"POST", "/auth/sessions/end-others"},
                                       {"POST", "/auth/logout"},
                                       {"POST", "/api/v1/accounts"},
                                       {"PATCH", "/api/v1/accounts/x"},
                                       {"DELETE", "/api/v1/accounts/x"},
                                       {"POST", "/api/v1/accounts/x/password"},
                                       {"DELETE", "/api/v1/accounts/x/second-factor"},
                                       {"DELETE", "/api/v1/accounts/x/sessions"}}) {
        const auto answer = boss.send(method, path, "{}", "application/json");
        EXPECT_EQ(answer.status, 403) << method << " " << path;
        EXPECT_EQ(member(answer, {"error", "where"}), "X-Xinglin-CSRF") << path;
    }
    EXPECT_EQ(boss.get("/auth/me").status, 200) << "nobody was logged out";
}

TEST_F(AccountDoors, MembersThatNobodyReadsAreRefused) {
    add("boss", "administrator");
    RunningServer server(data());
    Caller boss(server, "");
    ASSERT_EQ(enter(boss, "boss").status, 200);
    EXPECT_EQ(post(boss, "/api/v1/accounts", R"({"name":"li.na","role":"clinician","is_client":"1"})").status, 400);
    ASSERT_EQ(post(boss, "/api/v1/accounts", R"({"name":"li.na","role":"clinician","institution":"org-7"})").status, 201);
    for (const char* body :
         {R"({"scope":"patient/1"})", R"({"password_hash":"x"})", R"({"name":"root"})", R"({"must_enrol":"false"})"})
        EXPECT_EQ(boss.send("PATCH", "/api/v1/accounts/li.na", body, "application/json").status, 400) << body;
    EXPECT_EQ(post(boss, "/auth/login", R"({"name":"boss","password":"x","role":"administrator"})").status, 400);
}

TEST_F(AccountDoors, AnInstitutionsAdministratorManagesItsOwnAndNobodyAbove) {
    add("boss", "administrator");
    add("head", "institution-administrator", {"--institution", "org-7"});
    add("other", "clinician", {"--institution", "org-8"});
    RunningServer server(data());
    Caller head(server, "");
    ASSERT_EQ(enter(head, "head").status, 200);
    const auto added = post(head, "/api/v1/accounts", R"({"name":"li.na","role":"clinician"})");
    ASSERT_EQ(added.status, 201) << added.body;
    const auto list = head.get("/api/v1/accounts");
    EXPECT_EQ(member(list, {"total"}), "1") << list.body;
    EXPECT_NE(list.body.find(R"("institution":"org-7")"), std::string::npos);
    EXPECT_EQ(post(head, "/api/v1/accounts", R"({"name":"evil","role":"administrator"})").status, 403);
    EXPECT_EQ(post(head, "/api/v1/accounts", R"({"name":"evil","role":"auditor"})").status, 403);
    EXPECT_EQ(post(head, "/api/v1/accounts", R"({"name":"evil","role":"clinician","institution":"org-8"})").status, 403);
    for (const char* name : {"boss", "other", "head", "nobody"}) {
        EXPECT_EQ(post(head, "/api/v1/accounts/" + std::string(name) + "/password", "{}").status, 404) << name;
        EXPECT_EQ(
            head.send("PATCH", "/api/v1/accounts/" + std::string(name), R"({"disabled":"true"})", "application/json").status, 404)
            << name;
    }
    EXPECT_EQ(head.send("PATCH", "/api/v1/accounts/li.na", R"({"role":"administrator"})", "application/json").status, 403);
    EXPECT_EQ(head.send("PATCH", "/api/v1/accounts/li.na", R"({"institution":"org-8"})", "application/json").status, 403);
    // Nor more than there is to give: an area beyond one's own, another's patients.
    for (const char* body : {R"({"area":"330102"})", R"({"area":"33"})", R"({"practitioner":"dr-8"})"}) {
        EXPECT_EQ(head.send("PATCH", "/api/v1/accounts/li.na", body, "application/json").status, 403) << body;
        const std::string more = R"({"name":"evil","role":"clinician",)" + std::string(body).substr(1);
        EXPECT_EQ(post(head, "/api/v1/accounts", more).status, 403) << more;
    }
    EXPECT_EQ(head.get("/fhir/Patient").status, 403) << "accounts are no records";
    Caller li(server, "");
    ASSERT_EQ(enter(li, "li.na", member(added, {"password"})).status, 200);
    EXPECT_EQ(li.get("/api/v1/accounts").status, 403);
    ASSERT_EQ(head.send("PATCH", "/api/v1/accounts/li.na", R"({"disabled":"true"})", "application/json").status, 200);
    EXPECT_EQ(li.get("/auth/me").status, 401) << "at once";
}

TEST_F(AccountDoors, AreasAndPersonsAreGivenOnlyOutOfOnesOwn) {
    add("boss", "administrator", {"--area", "3301"});
    add("head", "institution-administrator", {"--institution", "org-7", "--area", "330102"});
    const std::string token = add_client(folder_.path() / "data", "all");
    RunningServer server(data());
    Caller boss(server, ""), head(server, ""), writer(server, token);
    for (const char* body :
         {R"({"resourceType":"Organization","id":"org-7","name":"七院","identifier":[{"system":"urn:code","value":"7"}]})",
          R"({"resourceType":"Practitioner","id":"dr-7","name":[{"text":"周七"}]})",
          R"({"resourceType":"PractitionerRole","id":"role-7","practitioner":{"reference":"Practitioner/dr-7"},)"
          R"("organization":{"reference":"Organization/org-7"}})"}) {
        json::Arena arena;
        const json::Value made = json::parse(body, arena).value();
        const std::string to = "/fhir/" + std::string(made["resourceType"].string()) + "/" + std::string(made["id"].string());
        ASSERT_EQ(writer.send("PUT", to, body, "application/fhir+json").status, 201) << to;
    }
    ASSERT_EQ(enter(boss, "boss").status, 200);
    ASSERT_EQ(enter(head, "head").status, 200);
    EXPECT_EQ(boss.send("PATCH", "/api/v1/accounts/boss", R"({"area":""})", "application/json").status, 403) << "one's own";
    EXPECT_EQ(post(head, "/api/v1/accounts", R"({"name":"far","role":"epidemiologist","area":"3301"})").status, 403);
    EXPECT_EQ(post(head, "/api/v1/accounts", R"({"name":"near","role":"epidemiologist","area":"330102001"})").status, 201);
    const auto added = post(head, "/api/v1/accounts", R"({"name":"zhou","role":"clinician","practitioner":"dr-7"})");
    EXPECT_EQ(added.status, 201) << added.body;
    EXPECT_EQ(post(boss, "/api/v1/accounts", R"({"name":"far","role":"epidemiologist","area":"3302"})").status, 201)
        << "administers the whole";
}

TEST_F(AccountDoors, ResidentsAndStrangersAreAnsweredAlike) {
    add("boss", "administrator");
    RunningServer server(data());
    Caller stranger(server, "");
    std::set<std::string> answers;
    for (const char* identity : {"11010519491231002X", "130399198804050268", "nonsense"}) {
        const auto asked = post(stranger, "/auth/activate", R"({"identity":")" + std::string(identity) + R"(","card":"12345"})");
        EXPECT_EQ(asked.status, 202);
        const auto no = post(stranger, "/auth/activate/confirm",
                             R"({"ticket":")" + member(asked, {"ticket"}) + R"(","code":"123456","name":"x1"})");
        EXPECT_EQ(no.status, 401);
        answers.insert(member(no, {"error", "message"}));
    }
    const auto none = post(stranger, "/auth/activate/confirm", R"({"ticket":"none","code":"123456","name":"x1"})");
    answers.insert(member(none, {"error", "message"}));
    EXPECT_EQ(answers.size(), 1u);
    for (int i = 0; i < 2; ++i) post(stranger, "/auth/activate", R"({"identity":"nonsense","card":"1"})");
    EXPECT_EQ(post(stranger, "/auth/activate", R"({"identity":"nonsense","card":"1"})").status, 429);
}

}  // namespace
}  // namespace xinglin::server
