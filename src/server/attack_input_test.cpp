// SPDX-License-Identifier: Apache-2.0
// SQL, wildcards, paths and rubbish in every parameter of every call, on both engines: nothing breaks, nothing changes, nothing tells.
#include <gmock/gmock.h>

#include <set>

#include "server/test_attack.h"
#include "testing/postgres.h"

namespace xinglin::server {
namespace {

using ::testing::AnyOf;
using ::testing::Lt;

const std::vector<std::string>& payloads() {
    static const std::vector<std::string> all = {"'",
                                                 "\"",
                                                 "' OR '1'='1",
                                                 "1' OR 1=1--",
                                                 "'; DROP TABLE record_version;--",
                                                 "1; SELECT pg_sleep(1)--",
                                                 "x' UNION SELECT name,1 FROM pg_class--",
                                                 "%",
                                                 "_",
                                                 "\\",
                                                 "\\' OR 1=1#",
                                                 "$$; SELECT 1; $$",
                                                 "E'\\x27'",
                                                 "?1",
                                                 ":id",
                                                 "$1",
                                                 "\xE2\x80\x99 OR 1=1",
                                                 "\xEF\xBC\x87",
                                                 "\xCA\xBC",
                                                 "NULL",
                                                 "0x27",
                                                 "* NOT",
                                                 "\"a\" NEAR(\"b\")",
                                                 "a AND (b",
                                                 "-1",
                                                 "99999999999999999999",
                                                 "1e309",
                                                 "NaN",
                                                 "../../../../etc/passwd",
                                                 "..\\..\\..\\etc\\passwd",
                                                 "/etc/passwd",
                                                 "file:///etc/passwd",
                                                 "{\"$ne\":null}",
                                                 "${7*7}",
                                                 "<script>alert(1)</script>",
                                                 "a|b|c|d",
                                                 "|",
                                                 ",",
                                                 ",,,,",
                                                 "$",
                                                 "2024-13-45",
                                                 "a:b:c",
                                                 "\t",
                                                 "\x7f",
                                                 std::string(3'000, 'A'),
                                                 std::string(300, '\''),
                                                 "\xF0\x9F\x92\x89"};
    return all;
}
/// Sent as they stand: they are no text at all.
constexpr std::string_view rough[] = {
    "%00", "a%00'", "%ff%fe", "%c0%af", "%e2%80", "%ed%a0%80", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "..%5c..%5c", "%", "%zz"};

class AttackInput : public ::testing::TestWithParam<std::string> {
protected:
    testing::ScratchFolder folder_;
    std::unique_ptr<RunningServer> server_;
    std::unique_ptr<Caller> admin_, client_;

    void SetUp() override {
        const std::string data = (folder_.path() / "data").string();
        std::vector<std::string> where = {"--data", data}, more;
        if (GetParam() == "postgres") {
            const std::string store = testing::fresh_postgres();
            if (store.empty()) GTEST_SKIP() << testing::no_postgres;
            where.insert(where.end(), {"--store", store});
            more = {"--store", store};
        }
        std::ofstream(folder_.path() / "password") << "a-long-password-of-hers\n";
        std::vector<std::string> user = {"user",   "add",           "--name",          "root",
                                         "--role", "administrator", "--password-file", (folder_.path() / "password").string()};
        std::vector<std::string> client = {"client", "add", "--name", "all", "--scope", "system/*.cruds"};
        user.insert(user.end(), where.begin(), where.end());
        client.insert(client.end(), where.begin(), where.end());
        ASSERT_EQ(command(user).status, 0);
        const Ended added = command(client);
        server_ = std::make_unique<RunningServer>(data, more);
        ASSERT_TRUE(server_->ready()) << server_->errors();
        client_ = std::make_unique<Caller>(*server_, without_line_end(added.out));
        admin_ = std::make_unique<Caller>(*server_, "");
        const auto entered =
            admin_->send("POST", "/auth/login", R"({"name":"root","password":"a-long-password-of-hers"})", "application/json");
        ASSERT_EQ(entered.status, 200) << entered.body;
        const std::string_view header = entered.headers.get("Set-Cookie");
        admin_->extra = {{"Cookie", std::string(header.substr(0, header.find(';')))},
                         {"X-Xinglin-CSRF", member(entered, {"csrf"})}};
    }
    void put(const std::string& address, const std::string& members) {
        const std::size_t slash = address.find('/');
        const auto answer = client_->send("PUT", "/fhir/" + address,
                                          R"({"resourceType":")" + address.substr(0, slash) + R"(","id":")" +
                                              address.substr(slash + 1) + "\"," + members + "}");
        ASSERT_EQ(answer.status / 100, 2) << answer.body;
    }
    std::string total() { return member(client_->get("/fhir/Patient?_summary=count"), {"total"}); }
    /// The server answered, was not broken by it, and told nothing of its inside.
    void expect_calm(const http::Response& answer, const std::string& what) {
        EXPECT_NE(answer.status, 0) << what << ": the connection broke: " << answer.body;
        EXPECT_LT(answer.status, 500) << what << "\n" << answer.body;
        EXPECT_EQ(leaks(answer.body), "") << what << "\n" << answer.body.substr(0, 400);
    }
    std::set<std::string> found(const std::string& target) {
        const auto answer = client_->get(target);
        EXPECT_EQ(answer.status, 200) << target << answer.body;
        std::set<std::string> ids;
        json::Arena arena;
        const auto bundle = json::parse(answer.body, arena);
        if (bundle.ok())
            for (const json::Node& entry : (*bundle)["entry"].items())
                ids.insert(std::string(json::Value(&entry)["resource"]["id"].string()));
        return ids;
    }
};

TEST_P(AttackInput, EveryParameterOfEveryCallTakesItAsText) {
    put("Patient/one", R"("name":[{"text":"One"}])");
    put("Patient/two", R"("name":[{"text":"Two"}])");
    std::size_t turn = 0;
    const auto next = [&] { return http::percent_encode(payloads()[turn++ % payloads().size()]); };
    for (const Described& call : described(*admin_)) {
        if (call.pattern == "/auth/logout" || call.pattern == "/api/v1/events")
            continue;  // the one ends the session, the other does not end
        const bool has_hole = call.pattern.find('{') != std::string::npos;
        for (std::size_t i = 0; has_hole && i < payloads().size(); ++i) {
            const std::string target = filled(call.pattern, http::percent_encode(payloads()[i]));
            expect_calm(admin_->send(call.method, target, call.method == "GET" ? "" : "{}", "application/json"),
                        call.method + " " + target);
        }
        for (const std::string_view raw : rough) {
            if (!has_hole || turn % 3 != 0) {
                ++turn;
                continue;
            }
            expect_calm(admin_->send(call.method, filled(call.pattern, raw)),
                        call.method + " " + call.pattern + " " + std::string(raw));
            ++turn;
        }
        if (call.method != "GET") {
            for (int i = 0; i < 3; ++i) {  // names that forms read, each with something else
                std::string body = "{";
                for (const char* name : {"name", "id", "code", "password", "patient", "number", "token", "ticket", "source",
                                         "reason", "query", "title", "field", "scope"})
                    body += (body.size() > 1 ? "," : "") + std::string("\"") + name + "\":\"" + "x' OR 1=1;-- %_" +
                            std::to_string(i) + "\"";
                if (call.pattern == "/auth/password" || call.pattern == "/auth/sessions/end-others") continue;
                expect_calm(admin_->send(call.method, filled(call.pattern, "x"), body + "}", "application/json"),
                            call.method + " " + call.pattern);
            }
            continue;
        }
        for (int i = 0; i < 3; ++i) {
            std::string target = filled(call.pattern, "x") + "?";
            for (const std::string_view name : query_parameters) target += std::string(name) + "=" + next().substr(0, 300) + "&";
            expect_calm(admin_->get(target), target);
        }
        for (const std::string_view name : query_parameters) {
            const std::string target = filled(call.pattern, "x") + "?" + std::string(name) + "=" + next();
            expect_calm(admin_->get(target), target);
        }
    }
    EXPECT_EQ(admin_->get("/auth/me").status, 200);
    EXPECT_EQ(total(), "2");
}

TEST_P(AttackInput, EverySearchParameterTakesItAsText) {
    put("Patient/one", R"("name":[{"text":"One"}],"birthDate":"1980-01-01")");
    put("Observation/one",
        R"("status":"final","code":{"coding":[{"system":"s","code":"c"}]},"subject":{"reference":"Patient/one"},"valueQuantity":{"value":1,"unit":"kg"})");
    json::Arena arena;
    const auto metadata = client_->get("/fhir/metadata");
    const auto capability = json::parse(metadata.body, arena);
    ASSERT_TRUE(capability.ok());
    std::size_t turn = 0, tried = 0;
    for (const json::Node& rest : (*capability)["rest"].items()) {
        for (const json::Node& node : json::Value(&rest)["resource"].items()) {
            const auto type = std::string(json::Value(&node)["type"].string());
            const bool is_filled = type == "Patient" || type == "Observation";
            for (const json::Node& parameter : json::Value(&node)["searchParam"].items()) {
                const auto name = std::string(json::Value(&parameter)["name"].string());
                for (std::size_t i = 0; i < (is_filled ? payloads().size() : 2); ++i) {
                    const std::string target =
                        "/fhir/" + type + "?" + name + "=" + http::percent_encode(payloads()[turn++ % payloads().size()]);
                    expect_calm(client_->get(target), target);
                    ++tried;
                }
                const std::string target = "/fhir/" + type + "?" + name + "=" + std::string(rough[turn % std::size(rough)]);
                expect_calm(client_->get(target), target);
            }
            for (const char* control : {"_sort", "_count", "_include", "_revinclude", "_elements", "_summary", "_total",
                                        "_format", "_asOf", "_since", "_at", "_page", "_type"}) {
                if (!is_filled && turn % 8 != 0) {
                    ++turn;
                    continue;
                }
                const std::string target =
                    "/fhir/" + type + "?" + control + "=" + http::percent_encode(payloads()[turn++ % payloads().size()]);
                expect_calm(client_->get(target), target);
            }
        }
    }
    EXPECT_GT(tried, 1'000u);
    for (const std::string& each : payloads()) {
        const std::string value = http::percent_encode(each);
        for (const std::string& target :
             {"/fhir/Patient?" + value + "=1", "/fhir/Patient?name:" + value + "=1",
              "/fhir/Observation?subject:" + value + ".name=1", "/fhir/Patient?_has:" + value + ":subject:code=1",
              "/fhir/Patient/" + value, "/fhir/" + value, "/fhir/Patient/one/_history/" + value, "/fhir/Patient/one/" + value,
              "/" + value, "/assets/" + value})
            expect_calm(client_->get(target), target);
    }
    EXPECT_EQ(total(), "1");
}

TEST_P(AttackInput, WildcardsAreLetters) {
    put("Patient/percent", R"("name":[{"text":"%zhang"}],"identifier":[{"system":"s","value":"a%b"}])");
    put("Patient/score", R"("name":[{"text":"z_ang"}],"identifier":[{"system":"s","value":"a_b"}])");
    put("Patient/star", R"("name":[{"text":"z*ang"}],"identifier":[{"system":"s","value":"a*b"}])");
    put("Patient/plain", R"("name":[{"text":"zhang"}],"identifier":[{"system":"s","value":"axb"}])");
    EXPECT_EQ(found("/fhir/Patient?name=%25"), (std::set<std::string>{"percent"})) << "begins with it";
    EXPECT_EQ(found("/fhir/Patient?name:exact=%25zhang"), (std::set<std::string>{"percent"}));
    EXPECT_EQ(found("/fhir/Patient?name:contains=_"), (std::set<std::string>{"score"}));
    EXPECT_EQ(found("/fhir/Patient?name:exact=z_ang"), (std::set<std::string>{"score"}));
    EXPECT_EQ(found("/fhir/Patient?name:exact=z%25"), (std::set<std::string>{}));
    EXPECT_EQ(found("/fhir/Patient?identifier=a%25b"), (std::set<std::string>{"percent"}));
    EXPECT_EQ(found("/fhir/Patient?identifier=a_b"), (std::set<std::string>{"score"}));
    EXPECT_EQ(found("/fhir/Patient?identifier=a*b"), (std::set<std::string>{"star"}));
    EXPECT_EQ(found("/fhir/Patient?identifier=%25"), (std::set<std::string>{}));
    for (const char* q : {"_hang", "z%25ng", "%25hang", "%25%25", "__", "z__ng"})
        EXPECT_EQ(member(admin_->get("/api/v1/people?q=" + std::string(q)), {"total"}), "0") << q;
}

INSTANTIATE_TEST_SUITE_P(Engines, AttackInput, ::testing::ValuesIn(testing::engines()),
                         [](const auto& each) { return each.param; });

}  // namespace
}  // namespace xinglin::server
