// SPDX-License-Identifier: Apache-2.0
// The registries by HTTP: looked up, changed, imported with a preview, undone; and who may.
#include <gtest/gtest.h>

#include "json/json.h"
#include "server/test_process.h"

namespace xinglin::server {
namespace {

constexpr std::string_view institutions =
    "机构编码,机构名称,机构分类,上级机构编码,状态\n"
    "h1,第一医院,综合医院,,在用\nc1,第一中心,B100,h1,在用\nx,,A100,,在用\n";

class RegistryDoors : public ::testing::Test {
protected:
    testing::ScratchFolder folder_;
    const std::filesystem::path data_ = folder_.path() / "data";
    std::string token(std::vector<std::string> more = {}) {
        std::vector<std::string> words = {"client", "add", "--data", data_.string(), "--name", more.empty() ? "all" : "some"};
        words.insert(words.end(), more.begin(), more.end());
        const auto added = command(words);
        return added.out.substr(0, added.out.find('\n'));
    }
    const std::string json_ = "application/json";
    static std::string member(const std::string& body, std::string_view name) {
        json::Arena arena;
        const auto value = json::parse(body, arena);
        return value.ok() ? std::string((*value)[name].text()) : "";
    }
};

TEST_F(RegistryDoors, ATableIsLookedAtTakenAndUndoneAndACycleIsRefused) {
    const std::string all = token(), reader = token({"--scope", "system/Organization.rs"});
    RunningServer server(data_);
    ASSERT_TRUE(server.ready()) << server.errors();
    Caller caller(server, all), other(server, reader);
    const std::string table(institutions);
    EXPECT_EQ(other.send("POST", "/api/v1/registry/import?sheet=organizations", table, "text/csv").status, 403);
    EXPECT_EQ(caller.send("POST", "/api/v1/registry/import?sheet=nothing", table, "text/csv").status, 422);
    const auto seen = caller.send("POST", "/api/v1/registry/import?sheet=organizations&name=a.csv", table, "text/csv");
    ASSERT_EQ(seen.status, 200) << seen.body;
    EXPECT_EQ(member(seen.body, "added") + member(seen.body, "wrong"), "21") << seen.body;
    EXPECT_NE(seen.body.find("不能为空"), std::string::npos);
    EXPECT_EQ(member(other.get("/api/v1/registry?q=diyi").body, "total"), "0") << "nothing happened yet";
    EXPECT_EQ(caller.send("POST", "/api/v1/registry/import?sheet=organizations&apply=else", table, "text/csv").status, 409);
    const auto taken = caller.send(
        "POST", "/api/v1/registry/import?sheet=organizations&name=a.csv&apply=" + member(seen.body, "basis"), table, "text/csv");
    ASSERT_EQ(taken.status, 200) << taken.body;
    EXPECT_EQ(member(other.get("/api/v1/registry?q=diyi").body, "total"), "2");
    const auto hit = other.get("/api/v1/registry/lookup?code=c1");
    EXPECT_NE(hit.body.find("第一中心"), std::string::npos) << hit.body;
    json::Arena arena;
    const std::string centre((*json::parse(hit.body, arena))["found"][std::size_t{0}]["entry"]["reference"].string());
    const std::string hospital((*json::parse(hit.body, arena))["found"][std::size_t{0}]["entry"]["parent"]["reference"].string());
    EXPECT_EQ(other.get("/api/v1/registry/entries/" + centre).status, 200);
    // A FHIR client says the code alone; the visit is found by the institution it means.
    const auto visit = caller.send(
        "POST", "/fhir/Encounter",
        R"({"resourceType":"Encounter","status":"finished","class":{"code":"AMB"},"serviceProvider":{"identifier":{"system":"urn:oid:2.16.156.10011.1.5","value":"h1"}}})",
        "application/fhir+json");
    ASSERT_EQ(visit.status, 201) << visit.body;
    EXPECT_EQ(member(caller.get("/fhir/Encounter?service-provider=" + hospital + "&_summary=count").body, "total"), "1");
    const auto cycle = caller.send("POST", "/api/v1/registry/changes",
                                   R"({"what":"move","entries":[")" + hospital + R"("],"value":")" + centre + R"("})", json_);
    EXPECT_EQ(cycle.status, 422) << cycle.body;
    EXPECT_NE(cycle.body.find("cycle in the hierarchy"), std::string::npos) << cycle.body;
    const std::string written = R"({"resourceType":"Organization","id":")" + hospital.substr(13) +
                                R"(","name":"x","partOf":{"reference":")" + centre + R"("}})";
    const auto direct = caller.send("PUT", "/fhir/" + hospital, written);
    EXPECT_EQ(direct.status, 422) << direct.body;
    EXPECT_NE(direct.body.find("cycle in the hierarchy"), std::string::npos) << direct.body;
    EXPECT_EQ(other.send("POST", "/api/v1/registry/revisions/" + member(taken.body, "id") + "/undo", "", json_).status, 403);
    EXPECT_EQ(caller.send("POST", "/api/v1/registry/revisions/" + member(taken.body, "id") + "/undo", "", json_).status, 200);
    EXPECT_EQ(caller.send("POST", "/api/v1/registry/revisions/" + member(taken.body, "id") + "/undo", "", json_).status, 409);
    EXPECT_EQ(member(other.get("/api/v1/registry?q=diyi").body, "total"), "0");
    for (const std::string path : {"/tree", "/changes?_since=0", "/troubles", "/duplicates", "/strays", "/nowhere", "/areas",
                                   "/scan?code=6291041500213", "/revisions", "/template?sheet=beds", "/export?sheet=staff"})
        EXPECT_EQ(other.get("/api/v1/registry" + path).status, 200) << path;
    for (const std::string path :
         {"?kind=castle", "?at=2026-02-30", "?count=x", "/lookup", "/changes?_since=-1", "/duplicates?kind=bed", "/areas/999999",
          "/areas?at=x", "/scan", "/scan?code=%2899%291", "/entries/Organization/none"})
        EXPECT_GE(other.get("/api/v1/registry" + path).status, 400) << path;
    ASSERT_EQ(server.stop(), 0);
}

TEST_F(RegistryDoors, ACycleThatOnlyATransactionMakesIsRefusedAndAnAreaIsDividedAsOfADay) {
    const std::string all = token();
    RunningServer server(data_);
    ASSERT_TRUE(server.ready()) << server.errors();
    Caller caller(server, all);
    const auto cycle = caller.send(
        "POST", "/fhir",
        R"({"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Organization","name":"a","partOf":{"reference":"urn:uuid:2"}},"request":{"method":"POST","url":"Organization"}},{"fullUrl":"urn:uuid:2","resource":{"resourceType":"Organization","name":"b","partOf":{"reference":"urn:uuid:1"}},"request":{"method":"POST","url":"Organization"}}]})");
    EXPECT_EQ(cycle.status, 422) << cycle.body;
    EXPECT_NE(cycle.body.find("cycle in the hierarchy"), std::string::npos) << cycle.body;
    const auto town = caller.send(
        "PUT", "/fhir/Location/town",
        R"({"resourceType":"Location","id":"town","name":"东镇","identifier":[{"system":"urn:xinglin:identifier:division","value":"130303101"}],"physicalType":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/location-physical-type","code":"jdn"}]}})");
    ASSERT_EQ(town.status, 201) << town.body;
    const auto split = caller.send(
        "POST", "/api/v1/registry/changes",
        R"({"what":"split","entries":["Location/town"],"day":"2025-07-01","parts":[{"code":"130303111","name":"东上镇"},{"code":"130303112","name":"东下镇"}]})",
        json_);
    EXPECT_EQ(split.status, 200) << split.body;
    EXPECT_NE(caller.get("/api/v1/registry/areas?at=2025-06-30").body.find("东镇"), std::string::npos);
    EXPECT_EQ(caller.get("/api/v1/registry/areas?at=2025-06-30").body.find("东上镇"), std::string::npos);
    EXPECT_NE(caller.get("/api/v1/registry/areas?at=2025-07-01").body.find("东上镇"), std::string::npos);
    EXPECT_EQ(caller.get("/api/v1/registry/areas/130303111?at=2025-07-01").status, 200);
    ASSERT_EQ(server.stop(), 0);
}

}  // namespace
}  // namespace xinglin::server
