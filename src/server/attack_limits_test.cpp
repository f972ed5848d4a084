// SPDX-License-Identifier: Apache-2.0
// Who asks too much, through HTTP: told to wait, in whose words, written down once; and whose address is believed.
#include <gmock/gmock.h>

#include "server/forwarded.h"
#include "server/test_attack.h"
#include "server/turnstile.h"

namespace xinglin::server {
namespace {

using ::testing::HasSubstr;

TEST(Asks, FollowFromMethodAndPath) {
    const auto asked = [](const char* method, const char* path, const char* query = "") {
        http::Request request;
        request.method = method, request.path = path, request.query = query;
        return ask_of(request);
    };
    using access::Ask;
    EXPECT_EQ(asked("GET", "/fhir/Patient/1"), Ask::read);
    EXPECT_EQ(asked("GET", "/fhir/Patient", "name=a"), Ask::search);
    EXPECT_EQ(asked("POST", "/fhir/Patient/_search"), Ask::search);
    EXPECT_EQ(asked("POST", "/fhir"), Ask::write);
    EXPECT_EQ(asked("DELETE", "/fhir/Patient/1"), Ask::write);
    EXPECT_EQ(asked("GET", "/fhir/$export"), Ask::export_);
    EXPECT_EQ(asked("GET", "/fhir/Patient/1/$everything"), Ask::export_);
    EXPECT_EQ(asked("GET", "/api/v1/audit/lines.csv", "from=1"), Ask::export_);
    EXPECT_EQ(asked("POST", "/api/v1/exports"), Ask::export_);
    EXPECT_EQ(asked("POST", "/api/v1/people/1/reveal"), Ask::reveal);
    http::Request batch;
    batch.method = "POST", batch.path = "/fhir", batch.body = std::string(1u << 20, ' ');
    EXPECT_EQ(cost_of(batch), 17) << "a batch is no way round";
}

TEST(Forwarded, IsBelievedOfNamedProxiesOnlyAndOnlyTheirPart) {
    const auto proxies = text::Networks::parse({"10.0.0.0/8", "fd00::/8"}, "proxies").value();
    const auto seen = [&](const char* peer, const char* chain, const char* proto = "https") {
        http::Request request;
        request.peer = peer, request.scheme = "http";
        request.headers.add("X-Forwarded-For", chain);
        request.headers.add("x-forwarded-proto", proto);
        unveil(request, proxies);
        return request.peer + " " + request.scheme + (request.headers.has("X-Forwarded-For") ? " kept" : "");
    };
    EXPECT_EQ(seen("192.0.2.1", "198.51.100.7"), "192.0.2.1 http")
        << "a stranger says what it likes, and nobody after us hears it";
    EXPECT_EQ(seen("10.1.2.3", "198.51.100.7"), "198.51.100.7 https kept");
    EXPECT_EQ(seen("10.1.2.3", "127.0.0.1, 198.51.100.7"), "198.51.100.7 https kept")
        << "what stands before the last was written by the client";
    EXPECT_EQ(seen("10.1.2.3", "198.51.100.7, 10.9.9.9"), "198.51.100.7 https kept") << "two proxies of ours";
    EXPECT_EQ(seen("fd00::7", "2001:db8::1"), "2001:db8::1 https kept");
    EXPECT_EQ(seen("10.1.2.3", "[2001:db8::1]:443"), "2001:db8::1 https kept");
    EXPECT_EQ(seen("10.1.2.3", "198.51.100.7:1234"), "198.51.100.7 https kept");
    for (const char* nonsense : {"", "unknown", "a, b", ",", "' OR 1=1", "999.1.1.1"})
        EXPECT_EQ(seen("10.1.2.3", nonsense), "10.1.2.3 https kept") << nonsense;
    EXPECT_EQ(seen("11.0.0.1", "198.51.100.7"), "11.0.0.1 http");
    EXPECT_FALSE(text::Networks().has("127.0.0.1"));
    for (const char* wrong : {"10.0.0.0/33", "proxy.example", "10.0.0.0/", "fd00::/129", "", "10.0.0.0/8x"})
        EXPECT_FALSE(text::Networks::parse({wrong}, "proxies").ok()) << wrong;
}

class AttackLimits : public ::testing::Test {
protected:
    testing::ScratchFolder folder_;
    const std::filesystem::path data_ = folder_.path() / "data", content_ = folder_.path() / "content";
    std::string token_;

    void SetUp() override {
        token_ = add_client(data_, "feed");
        std::ofstream(folder_.path() / "password") << "a-long-password-of-hers\n";
        for (const auto& [name, role] : {std::pair{"li", "clinician"}, {"wang", "clinician"}, {"chen", "auditor"}})
            ASSERT_EQ(command({"user", "add", "--data", data_.string(), "--name", name, "--role", role, "--password-file",
                               (folder_.path() / "password").string()})
                          .status,
                      0);
    }
    /// The built-in limits, with a small one for clinicians' reads and for logins of an address.
    void tighten() {
        std::filesystem::create_directories(content_ / "access");
        std::string limits = whole_file(std::filesystem::path(XINGLIN_SOURCE_DIR) / "content/access/limits.json");
        const auto put = [&](const std::string& after, const std::string& what, const std::string& limit) {
            const auto party = limits.find("\"" + after + "\": {");
            const auto at = limits.find("\"" + what + "\": {", party);
            limits.replace(at, limits.find('}', at) + 1 - at, "\"" + what + "\": " + limit);
        };
        put("clinician", "read", R"({"per_minute": 1, "burst": 5})");
        put("address", "login", R"({"per_minute": 1, "burst": 7})");
        std::ofstream(content_ / "access" / "limits.json") << limits;
    }
    static void enter(Caller& caller, const std::string& name, int status = 200) {
        const auto forwarded = caller.extra;
        const auto entered = caller.send(
            "POST", "/auth/login", R"({"name":")" + name + R"(","password":"a-long-password-of-hers"})", "application/json");
        ASSERT_EQ(entered.status, status) << entered.body;
        const std::string_view header = entered.headers.get("Set-Cookie");
        caller.extra.emplace_back("Cookie", std::string(header.substr(0, header.find(';'))));
        caller.extra.emplace_back("X-Xinglin-CSRF", member(entered, {"csrf"}));
    }
};

TEST_F(AttackLimits, WhoReadsTooMuchWaitsAndNobodyElseDoes) {
    tighten();
    RunningServer server(data_, {"--content", content_.string()});
    ASSERT_TRUE(server.ready()) << server.errors();
    Caller li(server, ""), wang(server, ""), chen(server, ""), feed(server, token_);
    enter(li, "li"), enter(wang, "wang"), enter(chen, "chen");
    for (int i = 0; i < 5; ++i) EXPECT_EQ(li.get("/fhir/Patient/none").status, 404);
    const auto refused = li.get("/fhir/Patient/none");
    EXPECT_EQ(refused.status, 429);
    EXPECT_GT(std::stoi(std::string(refused.headers.get("Retry-After"))), 30);
    EXPECT_EQ(member(refused, {"resourceType"}), "OperationOutcome") << refused.body;
    EXPECT_THAT(refused.body, HasSubstr("throttled"));
    li.extra.emplace_back("Accept-Language", "zh-CN,zh;q=0.9");
    const auto beside = li.get("/api/v1/types");
    EXPECT_EQ(beside.status, 429);
    EXPECT_EQ(member(beside, {"error", "code"}), "throttled");
    EXPECT_THAT(beside.body, HasSubstr("请求过于频繁"));
    EXPECT_EQ(li.get("/fhir/Patient?name=a").status, 200) << "searches have their own";
    EXPECT_EQ(wang.get("/fhir/Patient/none").status, 404);
    for (int i = 0; i < 50; ++i) li.get("/fhir/Patient/none");
    EXPECT_EQ(feed.get("/fhir/Patient/none").status, 404);
    const auto lines = chen.get("/api/v1/audit?what=refused&count=100");
    std::size_t told = 0;
    for (auto at = lines.body.find("too many requests"); at != std::string::npos;
         at = lines.body.find("too many requests", at + 1))
        ++told;
    EXPECT_EQ(told, 1u) << lines.body;
    EXPECT_THAT(feed.get("/metrics").body, HasSubstr("xinglin_limited_total{asks=\"read\"} 52"));
    EXPECT_EQ(member(chen.get("/api/v1/system"), {"limited_total"}), "52");
}

TEST_F(AttackLimits, AForgedAddressIsNoWayRoundAndAProxysWordIs) {
    tighten();
    for (const bool trusted : {false, true}) {
        std::ofstream(content_ / "access" / "networks.json")
            << R"({"proxies":[)" << (trusted ? R"("127.0.0.0/8")" : "") << R"(],"channels":{"allow":[],"never":[]}})";
        RunningServer server(data_, {"--content", content_.string()});
        ASSERT_TRUE(server.ready()) << server.errors();
        Caller guesser(server, "");
        int refused = 0;
        for (int i = 0; i < 20; ++i) {
            guesser.extra = {{"X-Forwarded-For", "198.51.100." + std::to_string(i)}};
            refused += guesser.send("POST", "/auth/second-step", R"({"ticket":"x","code":"1"})", "application/json").status == 429
                           ? 1
                           : 0;
        }
        EXPECT_EQ(refused, trusted ? 0 : 13);
        if (!trusted) continue;
        Caller li(server, "");
        li.extra = {{"X-Forwarded-For", "203.0.113.9"}, {"X-Forwarded-Proto", "https"}};
        const auto entered =
            li.send("POST", "/auth/login", R"({"name":"li","password":"a-long-password-of-hers"})", "application/json");
        EXPECT_THAT(std::string(entered.headers.get("Set-Cookie")), ::testing::StartsWith("__Host-xinglin_session="));
        EXPECT_THAT(std::string(entered.headers.get("Set-Cookie")), HasSubstr("; Secure"));
        EXPECT_THAT(std::string(entered.headers.get("Strict-Transport-Security")), HasSubstr("max-age="));
        Caller chen(server, "");
        enter(chen, "chen");
        EXPECT_THAT(chen.get("/api/v1/audit?count=20").body, HasSubstr("203.0.113.9"));
    }
}

TEST_F(AttackLimits, FeedsOfACityAreNotHeldUpByDefault) {
    RunningServer server(data_);
    Caller feed(server, token_);
    for (int i = 0; i < 3'000; ++i) ASSERT_EQ(feed.get("/fhir/Patient/none").status, 404) << i;
}

}  // namespace
}  // namespace xinglin::server
