// SPDX-License-Identifier: Apache-2.0
// The e-health card by HTTP and by command line: shown, scanned, refused when it comes again, lost, replaced; and who may.
#include <gtest/gtest.h>

#include <fstream>

#include "json/json.h"
#include "server/test_process.h"

namespace xinglin::server {
namespace {

constexpr std::string_view anna =
    R"({"resourceType":"Patient","id":"anna","name":[{"text":"马雨桐"}],"gender":"female","birthDate":"1990-03-01","identifier":[{"system":"urn:oid:2.16.156.10011.1.3","value":"11010519491231002X"}]})";

class CardDoors : public ::testing::Test {
protected:
    testing::ScratchFolder folder_;
    const std::filesystem::path data_ = folder_.path() / "data";
    std::string token(const std::string& name, const std::string& scope) {
        const auto added = command({"client", "add", "--data", data_.string(), "--name", name, "--scope", scope});
        return added.out.substr(0, added.out.find('\n'));
    }
    static std::string member(const std::string& body, std::string_view name) {
        json::Arena arena;
        const auto value = json::parse(body, arena);
        return value.ok() ? std::string((*value)[name].text()) : "";
    }
    /// What a resident's phone does: logs in, keeps cookie and csrf.
    http::Response as_resident(Caller& caller, const std::string& method, const std::string& path, const std::string& body = "") {
        if (caller.extra.empty()) {
            const auto entered =
                caller.send("POST", "/auth/login", R"({"name":"anna","password":"a-long-password-of-hers"})", "application/json");
            const std::string_view header = entered.headers.get("Set-Cookie");
            caller.extra = {{"Cookie", std::string(header.substr(0, header.find(';')))},
                            {"X-Xinglin-CSRF", member(entered.body, "csrf")}};
        }
        return caller.send(method, path, body, "application/json");
    }
};

TEST_F(CardDoors, ACardIsTakenOutShownScannedLostAndReplaced) {
    const std::string all = token("all", "system/*.cruds"), reader = token("reader", "system/Observation.rs");
    std::ofstream(folder_.path() / "password") << "a-long-password-of-hers\n";
    ASSERT_EQ(command({"user", "add", "--data", data_.string(), "--name", "anna", "--role", "resident", "--patient", "anna",
                       "--password-file", (folder_.path() / "password").string()})
                  .status,
              0);
    RunningServer server(data_);
    ASSERT_TRUE(server.ready()) << server.errors();
    Caller desk(server, all), stranger(server, reader), phone(server, "");
    ASSERT_EQ(desk.send("PUT", "/fhir/Patient/anna", std::string(anna)).status, 201);
    const auto issued = as_resident(phone, "POST", "/api/v1/card/mine", "{}");
    ASSERT_EQ(issued.status, 200) << issued.body;
    const std::string number = member(issued.body, "number"), of_card = R"({"card":")" + number + R"("})";
    EXPECT_EQ(desk.send("POST", "/api/v1/card/issue", R"({"patient":"anna"})", "application/json").status, 409) << "she has one";
    const auto mine = as_resident(phone, "GET", "/api/v1/card/mine");
    EXPECT_NE(mine.body.find(number), std::string::npos) << mine.body;
    EXPECT_EQ(mine.body.find("马雨桐"), std::string::npos) << "her name is masked";
    const std::string code = member(as_resident(phone, "POST", "/api/v1/card/mine/token", of_card).body, "token");
    ASSERT_EQ(code.size(), 144u);
    const std::string scan = R"({"token":")" + code + R"(","purpose":"TREAT","place":"窗口1"})";
    EXPECT_EQ(stranger.send("POST", "/api/v1/card/scan", scan, "application/json").status, 403);
    EXPECT_EQ(as_resident(phone, "POST", "/api/v1/card/scan", scan).status, 403);
    const auto opened = desk.send("POST", "/api/v1/card/scan", scan, "application/json");
    EXPECT_EQ(member(opened.body, "accepted"), "true") << opened.body;
    EXPECT_NE(opened.body.find(R"("patient":"anna")"), std::string::npos) << opened.body;
    EXPECT_EQ(opened.body.find("11010519491231002X"), std::string::npos) << "her number is masked";
    const auto again = desk.send("POST", "/api/v1/card/scan", scan, "application/json");
    EXPECT_EQ(member(again.body, "accepted") + member(again.body, "reason"), "falsereplayed") << again.body;
    const auto off =
        desk.send("POST", "/api/v1/card/scan", R"({"token":"XH1","clock":"2020-01-01T00:00:00Z"})", "application/json");
    EXPECT_EQ(member(off.body, "reason"), "malformed");
    EXPECT_EQ(member(off.body, "clock_ahead").substr(0, 1), "-") << off.body;

    const std::string fresh = member(as_resident(phone, "POST", "/api/v1/card/mine/token", of_card).body, "token");
    EXPECT_EQ(as_resident(phone, "POST", "/api/v1/card/mine/lost", of_card).status, 200);
    const auto dead = desk.send("POST", "/api/v1/card/scan", R"({"token":")" + fresh + R"("})", "application/json");
    EXPECT_EQ(member(dead.body, "reason"), "revoked") << dead.body;
    const auto replaced = desk.send("POST", "/api/v1/card/" + number + "/reissue", R"({"why":"lost"})", "application/json");
    EXPECT_EQ(member(replaced.body, "replaces"), number) << replaced.body;
    const auto print = desk.send("POST", "/api/v1/card/" + member(replaced.body, "number") + "/print", "{}", "application/json");
    const auto asked =
        desk.send("POST", "/api/v1/card/scan", R"({"token":")" + member(print.body, "token") + R"("})", "application/json");
    EXPECT_EQ(member(asked.body, "accepted") + member(asked.body, "needs_document"), "falsetrue") << asked.body;
    const auto compared = desk.send("POST", "/api/v1/card/scan",
                                    R"({"token":")" + member(print.body, "token") + R"(","checked":"002x"})", "application/json");
    EXPECT_EQ(member(compared.body, "accepted"), "true") << compared.body;

    // What a counter without a connection has.
    Caller anyone(server, "");
    std::ofstream(folder_.path() / "keys.json") << anyone.get("/.well-known/card-keys.json").body;
    std::ofstream(folder_.path() / "dead.json") << anyone.get("/.well-known/card-revoked.json").body;
    const std::string keys = (folder_.path() / "keys.json").string(), list = (folder_.path() / "dead.json").string();
    const auto offline = command({"card", "verify", "--keys", keys, "--revoked", list, member(print.body, "token")});
    EXPECT_EQ(offline.status, 0) << offline.out;
    const auto refused = command({"card", "verify", "--keys", keys, "--revoked", list, "--json", fresh});
    EXPECT_EQ(refused.status, 1);
    EXPECT_EQ(member(refused.out, "reason"), "revoked") << refused.out;

    // Nobody writes a card past its door.
    const auto forged = desk.send("POST", "/fhir/Basic",
                                  R"({"resourceType":"Basic","code":{"coding":[{"system":"urn:xinglin:card","code":"card"}]}})");
    EXPECT_EQ(forged.status, 403) << forged.body;
    EXPECT_NE(desk.get("/api/v1/people/anna/accesses").body.find("card"), std::string::npos) << "every scan is written down";
    EXPECT_EQ(desk.send("POST", "/api/v1/card/keys", R"({"how":"now"})", "application/json").status, 403);
    EXPECT_EQ(desk.get("/api/v1/card/person/anna").status, 200);
    EXPECT_EQ(desk.send("POST", "/api/v1/card/nonsense/lost", "{}", "application/json").status, 422);
    EXPECT_EQ(desk.send("POST", "/api/v1/card/family", R"({"patient":"anna","holder":"anna","relation":"parent","proof":"x"})",
                        "application/json")
                  .status,
              422);
    // A house made again from its backup: what was printed is good there, what it prints is good here, apps are known.
    ASSERT_EQ(command({"client", "add", "--data", data_.string(), "--name", "app", "--public", "--redirect",
                       "http://127.0.0.1:9/cb", "--scope", "launch/patient patient/*.rs"})
                  .status,
              0);
    ASSERT_EQ(server.stop(), 0);
    const std::string kept = (folder_.path() / "kept").string(), anew = (folder_.path() / "again").string();
    const auto backed_up = command({"backup", "--data", data_.string(), kept});
    ASSERT_EQ(backed_up.status, 0) << backed_up.err;
    const auto restored = command({"restore", "--data", anew, kept});
    ASSERT_EQ(restored.status, 0) << restored.err;
    RunningServer other(anew);
    ASSERT_TRUE(other.ready()) << other.errors();
    Caller counter(other, all), nobody(other, "");
    std::ofstream(folder_.path() / "their.json") << nobody.get("/.well-known/card-keys.json").body;
    EXPECT_EQ(command({"card", "verify", "--keys", (folder_.path() / "their.json").string(), member(print.body, "token")}).status,
              0);
    const auto there = counter.send("POST", "/api/v1/card/scan",
                                    R"({"token":")" + member(print.body, "token") + R"(","checked":"002x"})", "application/json");
    EXPECT_EQ(member(there.body, "accepted"), "true") << there.body;
    const auto printed =
        counter.send("POST", "/api/v1/card/" + member(replaced.body, "number") + "/print", "{}", "application/json");
    EXPECT_EQ(command({"card", "verify", "--keys", keys, member(printed.body, "token")}).status, 0) << printed.body;
    EXPECT_EQ(
        nobody.get("/oauth/authorize?response_type=code&client_id=nobody&redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fcb").status,
        400);
    EXPECT_NE(nobody.get("/oauth/authorize?response_type=code&client_id=app&redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fcb").status,
              400);
    ASSERT_EQ(other.stop(), 0);
}

}  // namespace
}  // namespace xinglin::server
