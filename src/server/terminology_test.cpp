// SPDX-License-Identifier: Apache-2.0
// Terminology through the real server and the real command line.
#include <gtest/gtest.h>

#include <fstream>

#include "server/test_process.h"

namespace xinglin::server {
namespace {

constexpr const char* sex = "urn:oid:2.16.156.10011.2.3.3.4";

class TerminologyServer : public ::testing::Test {
protected:
    testing::ScratchFolder folder_;
    std::string data() const { return (folder_.path() / "data").string(); }
    std::string token() {
        const auto added = command({"client", "add", "--data", data(), "--name", "hospital"});
        return added.out.substr(0, added.out.find('\n'));
    }
};

TEST_F(TerminologyServer, AnswersPagesSearchesAndNewEditions) {
    const std::string bearer = token();
    RunningServer server(folder_.path() / "data");
    ASSERT_TRUE(server.ready()) << server.errors();
    Caller caller(server, bearer);
    const auto systems = caller.get("/api/v1/terminology/systems");
    ASSERT_EQ(systems.status, 200) << systems.body;
    EXPECT_NE(systems.body.find("nhsa-2021"), std::string::npos);
    EXPECT_EQ(caller.get("/api/v1/terminology/value-sets").status, 200);
    EXPECT_EQ(caller.get("/api/v1/terminology/maps").status, 200);
    const auto found = caller.get("/api/v1/terminology/concepts?system=urn:oid:2.16.156.10011.2.3.3.11&q=huoluan&count=3");
    ASSERT_EQ(found.status, 200) << found.body;
    EXPECT_NE(found.body.find("霍乱"), std::string::npos);
    EXPECT_NE(found.body.find(R"("matched":"pinyin")"), std::string::npos);
    const auto one = caller.get(std::string("/api/v1/terminology/concepts/1?system=") + sex);
    EXPECT_NE(one.body.find(R"("target_code":"male")"), std::string::npos) << one.body;
    EXPECT_EQ(caller.get("/api/v1/terminology/concepts?system=urn:none").status, 404);
    EXPECT_EQ(caller.get("/api/v1/terminology/concepts?system=urn:none&count=x").status, 422);
    EXPECT_EQ(member(caller.get("/api/v1/terminology/convert?value=5.6&from=g%2FdL&to=g%2FL"), {"value"}), "56");

    const std::string at = std::string("/api/v1/terminology/editions?version=2030&from=2020-01-01&system=") + sex;
    EXPECT_EQ(caller.send("POST", at, "code,display\n1\n", "text/csv").status, 400);
    EXPECT_EQ(caller.send("POST", at, "code,display\n1,a\n", "application/json").status, 400);
    const auto added = caller.send("POST", at, "code,display,parent\n1,男性,\n11,男孩,1\n", "text/csv");
    ASSERT_EQ(added.status, 201) << added.body;
    EXPECT_NE(caller.get(std::string("/fhir/CodeSystem/$lookup?code=1&system=") + sex).body.find("男性"), std::string::npos);

    const auto put = [&](const std::string& id, const std::string& code) {
        const std::string body = R"({"resourceType":"Observation","id":")" + id +
                                 R"(","status":"final","code":{"coding":[{"system":")" + sex + R"(","code":")" + code +
                                 R"("}]}})";
        return caller.send("PUT", "/fhir/Observation/" + id, body, "application/fhir+json").status;
    };
    EXPECT_EQ(put("a", "1"), 201);
    EXPECT_EQ(put("b", "11"), 201);
    EXPECT_EQ(put("c", "2"), 201);
    const auto total = [&](const std::string& query) {
        return member(caller.get("/fhir/Observation?_total=accurate&" + query), {"total"});
    };
    EXPECT_EQ(total("code:in=urn:xinglin:valueset:sex-gbt2261.1"), "2");
    EXPECT_EQ(total("code:not-in=urn:xinglin:valueset:sex-gbt2261.1"), "1");
    EXPECT_EQ(total(std::string("code:below=") + sex + "%7C1"), "2");
    EXPECT_EQ(total(std::string("code:above=") + sex + "%7C11"), "2");
    EXPECT_EQ(caller.get("/fhir/Observation?code:in=urn:none").status, 404);

    const auto beside = command({"terminology", "lookup", "--data", data(), "--system", sex, "11", "--json"});
    EXPECT_EQ(beside.status, 0) << beside.err;
    EXPECT_NE(beside.out.find("男孩"), std::string::npos) << "while the server runs";
}

TEST_F(TerminologyServer, AFolderLaidOverTheContentIsUsed) {
    const auto content = folder_.path() / "content";
    std::filesystem::create_directories(content / "terminology");
    std::ofstream(content / "terminology/sex-gbt2261.1.csv") << "code,display\n1,男士\n";
    const auto looked = command({"terminology", "lookup", "--content", content.string(), "--system", sex, "1"});
    EXPECT_NE(looked.out.find("男士"), std::string::npos) << looked.err;
    EXPECT_EQ(command({"serve", "--data", data(), "--content", (folder_.path() / "nowhere").string()}).status, 3);
}

TEST_F(TerminologyServer, CommandsRefuseWithAReason) {
    std::ofstream(folder_.path() / "broken.csv") << "code,display\n1\n";
    const auto refused = command({"terminology", "import", "--data", data(), "--system", "urn:a", "--version", "1",
                                  (folder_.path() / "broken.csv").string()});
    EXPECT_EQ(refused.status, 1);
    EXPECT_NE(refused.err.find("line 2, column 1"), std::string::npos) << refused.err;
    EXPECT_EQ(command({"terminology", "validate", "--system", sex, "7"}).status, 1);
    EXPECT_EQ(command({"terminology", "convert", "1", "m", "g"}).status, 1);
    EXPECT_EQ(command({"terminology", "convert", "5.6", "g/dL", "g/L"}).out, "56\n");
    EXPECT_EQ(command({"terminology"}).status, 2);
}

}  // namespace
}  // namespace xinglin::server
