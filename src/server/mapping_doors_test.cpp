// SPDX-License-Identifier: Apache-2.0
// Mappings by HTTP, and tables and shared documents through the command line into the record.
#include <gtest/gtest.h>

#include <fstream>

#include "json/json.h"
#include "server/test_process.h"
#include "text/text.h"

namespace xinglin::server {
namespace {

constexpr const char* sample =
    "门诊号,姓名,性别,身份证号,就诊时间,诊断,备注\nMZ1,张三,女,11010519491231002X,2026-11-20 "
    "08:15,急性上呼吸道感染,x\nMZ2,,男,,2026-11-20,感冒,\n";
constexpr const char* own =
    R"({"mapping":"own","version":"1","title":"自定","columns":{"name":{"headers":["姓名"],"required":true}},)"
    R"("resources":[{"name":"patient","type":"Patient","key":["n","$name"],"set":{"name.text":"$name"}}]})";

class MappingDoors : public ::testing::Test {
protected:
    testing::ScratchFolder folder_;
    const std::filesystem::path data_ = folder_.path() / "data";
    std::string token_ = [this] {
        const auto added = command({"client", "add", "--data", data_.string(), "--name", "tables"});
        return added.out.substr(0, added.out.find('\n'));
    }();
    const std::string json_ = "application/json";

    std::string write(const std::string& name, const std::string& text) {
        const auto file = folder_.path() / name;
        std::ofstream(file) << text;
        return file.string();
    }
};

TEST_F(MappingDoors, MappingsAreListedTriedSavedAndRemoved) {
    RunningServer server(data_);
    ASSERT_TRUE(server.ready()) << server.errors();
    Caller caller(server, token_);
    EXPECT_NE(caller.get("/api/v1/mappings").body.find("\"clinic_visits\""), std::string::npos);
    EXPECT_NE(caller.get("/api/v1/mappings/clinic_visits").body.find("门诊号"), std::string::npos);
    EXPECT_EQ(caller.get("/api/v1/mappings/nothing").status, 404);

    const std::string asked = R"("sample_base64":")" + text::base64(sample) + R"(","kind":"csv"})";
    const auto tried = caller.send("POST", "/api/v1/mappings/preview", R"({"mapping":"clinic_visits",)" + asked, json_);
    ASSERT_EQ(tried.status, 200) << tried.body;
    json::Arena arena;
    const json::Value preview = *json::parse(tried.body, arena);
    ASSERT_EQ(preview["rows"].size(), 2u);
    std::size_t good = 0;
    for (const json::Node& row : preview["rows"].items()) good += json::Value(&row)["resources"].size() > 0 ? 1 : 0;
    EXPECT_EQ(good, 1u);
    const auto proposed = caller.send("POST", "/api/v1/mappings/propose", "{" + asked, json_);
    EXPECT_NE(proposed.body.find(R"("based_on":"clinic_visits")"), std::string::npos) << proposed.body;

    EXPECT_EQ(caller.send("PUT", "/api/v1/mappings/own", own, json_).status, 201);
    EXPECT_EQ(caller.send("PUT", "/api/v1/mappings/own", own, json_).status, 200);
    EXPECT_EQ(caller.get("/api/v1/mappings/own").body, own);
    std::string wrong = own;
    wrong.replace(wrong.find("name.text"), 9, "birthDate");
    const auto refused = caller.send("PUT", "/api/v1/mappings/own", wrong, json_);
    EXPECT_EQ(refused.status, 422);
    EXPECT_NE(refused.body.find("Patient.birthDate"), std::string::npos) << refused.body;
    EXPECT_EQ(caller.send("PUT", "/api/v1/mappings/other", own, json_).status, 422);
    EXPECT_EQ(caller.send("DELETE", "/api/v1/mappings/own", "", json_).status, 204);
    EXPECT_EQ(caller.send("DELETE", "/api/v1/mappings/clinic_visits", "", json_).status, 403);
    ASSERT_EQ(server.stop(), 0);
}

TEST_F(MappingDoors, TablesAndDocumentsGoThroughTheCommandIntoTheRecord) {
    const auto out = folder_.path() / "out";
    const auto ended =
        command({"intake", "csv:clinic_visits", write("visits.csv", sample), "--to-bundle", out.string(), "--sender", "clinic"});
    EXPECT_EQ(ended.status, 0) << ended.err;
    const std::string report = whole_file(out / "report.csv");
    EXPECT_NE(report.find("row 2,converted,"), std::string::npos) << report;
    EXPECT_NE(report.find("row 3,rejected,\"row 3, column 姓名: is empty"), std::string::npos) << report;

    const auto documents = std::filesystem::path(XINGLIN_SOURCE_DIR) / "src/cda/testdata";
    const auto shared = folder_.path() / "shared";
    EXPECT_EQ(command({"intake", "cda", documents.string(), "--to-bundle", shared.string(), "--sender", "hospital"}).status, 0);
    EXPECT_EQ(whole_file(shared / "report.csv").find("rejected"), std::string::npos) << whole_file(shared / "report.csv");
    std::filesystem::remove(out / "report.csv");
    std::filesystem::remove(shared / "report.csv");
    const auto imported = command({"import", "--data", data_.string(), out.string(), shared.string(), "--json"});
    EXPECT_EQ(imported.status, 0) << imported.out << imported.err;
    EXPECT_NE(imported.out.find(R"("rejected":0)"), std::string::npos) << imported.out << imported.err;

    EXPECT_EQ(command({"intake", "csv:nothing", write("a.csv", sample), "--to-bundle", out.string()}).status, 3);
    EXPECT_EQ(command({"intake", "csv", write("a.csv", sample), "--to-bundle", out.string()}).status, 2);
}

}  // namespace
}  // namespace xinglin::server
