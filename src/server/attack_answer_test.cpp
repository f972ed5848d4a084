// SPDX-License-Identifier: Apache-2.0
// What every answer carries, and what stored texts become on their way out: never a page, a script, a formula or a header.
#include <gmock/gmock.h>

#include "server/test_attack.h"

namespace xinglin::server {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class AttackAnswer : public ::testing::Test {
protected:
    testing::ScratchFolder folder_;
    const std::filesystem::path data_ = folder_.path() / "data";
    std::unique_ptr<RunningServer> server_;
    std::unique_ptr<Caller> admin_, client_, stranger_;

    void SetUp() override {
        std::ofstream(folder_.path() / "password") << "a-long-password-of-hers\n";
        ASSERT_EQ(command({"user", "add", "--data", data_.string(), "--name", "root", "--display", "=cmd|' /C calc'!A0", "--role",
                           "administrator", "--password-file", (folder_.path() / "password").string()})
                      .status,
                  0);
        const std::string token = add_client(data_, "all");
        server_ = std::make_unique<RunningServer>(data_);
        ASSERT_TRUE(server_->ready()) << server_->errors();
        client_ = std::make_unique<Caller>(*server_, token);
        stranger_ = std::make_unique<Caller>(*server_, "");
        admin_ = std::make_unique<Caller>(*server_, "");
        const auto entered =
            admin_->send("POST", "/auth/login", R"({"name":"root","password":"a-long-password-of-hers"})", "application/json");
        ASSERT_EQ(entered.status, 200) << entered.body;
        const std::string_view header = entered.headers.get("Set-Cookie");
        EXPECT_THAT(std::string(header), HasSubstr("HttpOnly"));
        EXPECT_THAT(std::string(header), HasSubstr("SameSite=Strict"));
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
    static void expect_closed(const http::Response& answer, const std::string& what) {
        ASSERT_NE(answer.status, 0) << what << answer.body;
        const std::string policy(answer.headers.get("Content-Security-Policy"));
        EXPECT_EQ(answer.headers.get("X-Content-Type-Options"), "nosniff") << what;
        EXPECT_THAT(policy, HasSubstr("frame-ancestors 'none'")) << what;
        EXPECT_THAT(policy, HasSubstr("default-src '")) << what;
        EXPECT_THAT(policy, Not(HasSubstr("unsafe-eval"))) << what;
        EXPECT_THAT(policy, Not(HasSubstr("unsafe-inline"))) << what;
        EXPECT_THAT(std::string(answer.headers.get("Content-Type")), Not(HasSubstr("svg"))) << what;
        EXPECT_FALSE(answer.headers.has("X-Injected")) << what;
    }
};

TEST_F(AttackAnswer, CarriesTheSameClosedDoorsWhateverWasAsked) {
    put("Patient/one", R"("name":[{"text":"One"}])");
    for (Caller* caller : {admin_.get(), client_.get(), stranger_.get()}) {
        for (const Described& call : described(*admin_)) {
            if (call.pattern == "/auth/logout" || call.pattern == "/api/v1/events") continue;
            const auto answer = caller->send(call.method == "GET" ? "GET" : "PUT", filled(call.pattern, "x"));
            expect_closed(answer, call.method + " " + call.pattern);
            if (answer.status == 200 && caller == admin_.get() && call.pattern.starts_with("/api/") &&
                call.pattern != "/api/v1/screen/map") {  // the map is everybody's
                EXPECT_THAT(std::string(answer.headers.get("Cache-Control")), HasSubstr("no-store")) << call.pattern;
            }
        }
        for (const char* path :
             {"/", "/login", "/people/one", "/index.html", "/no/such/page", "/no-such.js", "/favicon.svg", "/fhir",
              "/fhir/metadata", "/fhir/Patient", "/fhir/Patient/one", "/fhir/Patient/none", "/fhir/Nothing",
              "/fhir/Patient/one/_history", "/api/v1/nothing", "/auth/nothing", "/oauth/authorize", "/fhir/$export"})
            for (const char* method : {"GET", "POST", "DELETE", "PATCH"}) {
                if (std::string_view(method) == "DELETE" && std::string_view(path).starts_with("/fhir/Patient/one")) continue;
                const auto answer = caller->send(method, path);
                if (std::string_view(path) != "/favicon.svg") expect_closed(answer, std::string(method) + " " + path);
            }
    }
}

TEST_F(AttackAnswer, StoredMarkupIsNeverServedAsAPage) {
    const std::string html = "PGh0bWw+PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0PjwvaHRtbD4=",
                      svg = "PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIG9ubG9hZD0iYWxlcnQoMSkiLz4=";
    put("Binary/page", R"("contentType":"text/html","data":")" + html + "\"");
    put("Binary/picture", R"("contentType":"image/svg+xml","data":")" + svg + "\"");
    put("Patient/one",
        R"("name":[{"text":"<script>alert(1)</script>"}],"photo":[{"contentType":"image/svg+xml","data":")" + svg + "\"}]");
    put("DocumentReference/doc",
        R"("status":"current","subject":{"reference":"Patient/one"},"content":[{"attachment":{"contentType":"text/html","data":")" +
            html + R"(","url":"javascript:alert(1)//"}}])");
    for (const char* accept : {"text/html", "image/svg+xml", "application/xhtml+xml", "*/*",
                               "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/octet-stream"}) {
        client_->extra = {{"Accept", accept}};
        for (const char* path :
             {"/fhir/Binary/page", "/fhir/Binary/picture", "/fhir/Patient/one", "/fhir/DocumentReference/doc", "/fhir/Binary",
              "/fhir/Patient/%3Cscript%3E", "/fhir/Patient?name=%3Cscript%3Ealert(1)%3C/script%3E", "/api/v1/people/one",
              "/api/v1/nothing/%3Cscript%3E", "/api/v1/views/%3Cscript%3E"}) {
            const auto answer = client_->get(path);
            const std::string type(answer.headers.get("Content-Type"));
            // A browser that likes XML gets it, in a sandbox: what a narrative would run there does not run.
            EXPECT_TRUE(type.starts_with("application/fhir+") || type.starts_with("application/json") ||
                        type.starts_with("application/xml"))
                << path << " " << accept << ": " << type;
            expect_closed(answer, path);
            if (std::string_view(path).starts_with("/fhir/")) {
                EXPECT_THAT(std::string(answer.headers.get("Content-Security-Policy")), HasSubstr("sandbox")) << path;
            }
        }
    }
    client_->extra.clear();
    for (const char* format : {"text/html", "html", "image/svg%2Bxml", "javascript"}) {
        const auto answer = client_->get("/fhir/Binary/page?_format=" + std::string(format));
        EXPECT_THAT(std::string(answer.headers.get("Content-Type")), Not(HasSubstr("html"))) << format;
        EXPECT_EQ(answer.status, 406) << format;
    }
}

TEST_F(AttackAnswer, NarrativeThatRunsIsRefused) {
    for (const char* div :
         {"<script>alert(1)</script>", "<img src='x' onerror='alert(1)'/>", "<a href='javascript:alert(1)'>x</a>",
          "<iframe src='//evil'/>", "<form action='//evil'><input/></form>", "<svg onload='alert(1)'/>",
          "<object data='//evil'/>", "<style>@import url(//evil)</style>", "<a href='data:text/html,x'>x</a>",
          "<p onclick='alert(1)'>x</p>", "<link rel='stylesheet' href='//evil'/>", "<base href='//evil'/>",
          "<meta http-equiv='refresh' content='0'/>"}) {
        const auto answer = client_->send(
            "POST", "/fhir/Patient",
            R"({"resourceType":"Patient","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">)" +
                std::string(div) + R"(</div>"}})");
        EXPECT_EQ(answer.status / 100, 4) << div << "\n" << answer.body;
    }
}

TEST_F(AttackAnswer, DownloadsHoldNoFormulas) {
    put("Patient/one", R"("name":[{"text":"=cmd|' /C calc'!A0"}])");
    put("Patient/two", R"("name":[{"text":"@SUM(1+9)*cmd"}])");
    put("Patient/three", R"("name":[{"text":"+1-2"}])");
    put("Patient/four", R"("name":[{"text":"-2+3"}])");
    const std::string view =
        R"({"resourceType":"ViewDefinition","name":"names","status":"active","resource":"Patient","select":[{"column":[{"name":"id","path":"id"},{"name":"name","path":"name.first().text"}]}]})";
    const auto kept = admin_->send("PUT", "/api/v1/views/names", view, "application/json");
    ASSERT_EQ(kept.status / 100, 2) << kept.body;
    const auto is_formula_free = [](const std::string& csv) {
        for (std::size_t i = 0; i < csv.size(); ++i) {
            const bool begins = i == 0 || csv[i - 1] == ',' || csv[i - 1] == '\n' ||
                                (csv[i - 1] == '"' && i > 1 && (csv[i - 2] == ',' || csv[i - 2] == '\n'));
            if (begins && (csv[i] == '=' || csv[i] == '@' || csv[i] == '+' || csv[i] == '-')) return false;
        }
        return true;
    };
    for (int i = 0; i < 200 && admin_->get("/api/v1/views/names/rows?format=csv").body.find("SUM") == std::string::npos; ++i)
        usleep(20'000);  // the table follows the record
    for (const char* path : {"/api/v1/views/names/rows?format=csv", "/api/v1/audit/lines.csv", "/api/v1/intake/ledger.csv"}) {
        const auto answer = admin_->get(path);
        ASSERT_EQ(answer.status, 200) << path << answer.body;
        EXPECT_THAT(std::string(answer.headers.get("Content-Disposition")), ::testing::StartsWith("attachment")) << path;
        EXPECT_TRUE(is_formula_free(answer.body)) << path << "\n" << answer.body;
    }
}

TEST_F(AttackAnswer, NoTextBecomesAHeader) {
    put("Patient/one", R"("name":[{"text":"One"}])");
    for (const char* attack :
         {"%0d%0aX-Injected:%20yes", "%0aX-Injected:yes", "%0d%0a%0d%0a%3Chtml%3E", "a%00b", "\xe5\x98\x8a\xe5\x98\x8d"}) {
        const std::string text(attack);
        for (const std::string& path :
             {"/fhir/Patient?name=" + text, "/fhir/Patient/" + text, "/" + text, "/api/v1/views/" + text + "/rows?format=csv",
              "/api/v1/registry/export?kind=" + text, "/api/v1/documents?encounter=" + text,
              "/oauth/authorize?client_id=x&redirect_uri=https://evil.example/" + text + "&state=" + text,
              "/auth/external/" + text + "/return?code=" + text, "/api/v1/quality/letter?organization=" + text,
              "/api/v1/intake/ledger.csv?day=" + text, "/oauth/end_session?post_logout_redirect_uri=" + text})
            expect_closed(admin_->get(path), path);
    }
    admin_->extra.emplace_back("traceparent", "00-zzzz\tX-Injected: yes-b7ad6b7169203331-01");
    expect_closed(admin_->get("/fhir/Patient/one"), "traceparent");
}

TEST_F(AttackAnswer, NoPathLeadsOutOfItsFolder) {
    for (const char* path : {"/../../../../etc/passwd",
                             "/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
                             "/..%2f..%2f..%2fetc/passwd",
                             "/assets/..%2f..%2fetc%2fpasswd",
                             "/assets/%2e%2e%5c%2e%2e%5cetc%5cpasswd",
                             "/assets/....//....//etc/passwd",
                             "/assets/%252e%252e/etc/passwd",
                             "//etc/passwd",
                             "/assets/%00/etc/passwd",
                             "/fhir/bulk/../../access.db",
                             "/fhir/bulk/x/..%2f..%2faccess.db",
                             "/fhir/bulk/%2e%2e/%2e%2e/access.db",
                             "/api/v1/exports/..%2f..%2faccess.db",
                             "/api/v1/imports/..%2f..%2fx/rejected",
                             "/api/v1/views/..%2f..%2fsecrets%2faccess.key",
                             "/api/v1/mappings/..%2f..%2fpasswd",
                             "/api/v1/terminology/concepts/..%2f..%2fx",
                             "/.well-known/../access.db",
                             "/access.db",
                             "/secrets/access.key"}) {
        for (Caller* caller : {admin_.get(), stranger_.get()}) {
            const auto answer = caller->get(path);
            EXPECT_LT(answer.status, 500) << path;
            EXPECT_EQ(leaks(answer.body), "") << path;
            EXPECT_EQ(answer.body.find("SQLite format"), std::string::npos) << path;
        }
    }
    for (const char* name : {"../../evil", "..", ".", "a/../../b", "/etc/cron.d/x", "a\\..\\b", "%2e%2e%2fevil"}) {
        const std::string held = http::percent_encode(name);
        EXPECT_EQ(
            admin_->send(
                      "PUT", "/api/v1/views/" + held,
                      R"({"resourceType":"ViewDefinition","name":"x","status":"active","resource":"Patient","select":[{"column":[{"name":"id","path":"id"}]}]})",
                      "application/json")
                    .status /
                100,
            4)
            << name;
        EXPECT_EQ(admin_->send("PUT", "/api/v1/mappings/" + held, "{}", "application/json").status / 100, 4) << name;
        EXPECT_EQ(
            admin_->send(
                      "POST", "/api/v1/channels",
                      R"({"id":")" + http::percent_encode(name) +
                          R"(","name":"x","target":{"kind":"folder","folder":"../../../tmp/evil"},"format":"ndjson","filter":{"types":[{"type":"Patient"}]}})",
                      "application/json")
                    .status /
                100,
            4)
            << name;
        EXPECT_EQ(admin_->send("POST", "/api/v1/intake/sources",
                               R"({"id":"evil","name":"x","kind":"folder","folder":")" +
                                   std::string(name == std::string_view("a\\..\\b") ? "..\\\\x" : name) +
                                   R"(/../../../etc","format":"hl7v2"})",
                               "application/json")
                          .status /
                      100,
                  4)
            << name;
    }
    EXPECT_FALSE(std::filesystem::exists(folder_.path() / "evil"));
}

}  // namespace
}  // namespace xinglin::server
