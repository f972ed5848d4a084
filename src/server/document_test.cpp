// SPDX-License-Identifier: Apache-2.0
// Shared documents out of the record and out of files, read back, and who may have them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/test_process.h"

namespace xinglin::server {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view visit = R"({"resourceType":"Bundle","type":"transaction","entry":[
{"resource":{"resourceType":"Organization","id":"h","name":"示例医院"},"request":{"method":"PUT","url":"Organization/h"}},
{"resource":{"resourceType":"Patient","id":"p","name":[{"text":"张三"}],"gender":"female","birthDate":"1949-12-31",
 "identifier":[{"system":"urn:oid:2.16.156.10011.1.3","value":"11010519491231002X"}]},"request":{"method":"PUT","url":"Patient/p"}},
{"resource":{"resourceType":"Encounter","id":"e","status":"finished","class":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"AMB"},
 "subject":{"reference":"Patient/p"},"serviceProvider":{"reference":"Organization/h"},"period":{"start":"2026-11-20T08:15:00+08:00"}},
 "request":{"method":"PUT","url":"Encounter/e"}},
{"resource":{"resourceType":"Condition","id":"c","code":{"coding":[{"system":"urn:oid:2.16.156.10011.2.3.3.11","code":"J11.100","display":"流行性感冒"}],"text":"流行性感冒"},
 "subject":{"reference":"Patient/p"},"encounter":{"reference":"Encounter/e"},"recordedDate":"2026-11-20T08:30:00+08:00"},"request":{"method":"PUT","url":"Condition/c"}},
{"resource":{"resourceType":"Condition","id":"other","code":{"text":"另一次就诊的诊断"},"subject":{"reference":"Patient/p"}},"request":{"method":"PUT","url":"Condition/other"}},
{"resource":{"resourceType":"Immunization","id":"i","status":"completed","vaccineCode":{"text":"流感疫苗"},"patient":{"reference":"Patient/p"},
 "encounter":{"reference":"Encounter/e"},"occurrenceDateTime":"2026-11-20"},"request":{"method":"PUT","url":"Immunization/i"}}]})";

class DocumentTest : public ::testing::Test {
protected:
    testing::ScratchFolder folder_;
};

TEST_F(DocumentTest, AVisitLeavesAsASharedDocumentThatSaysTheSameWhenItIsRead) {
    const fs::path data = folder_.path() / "data";
    const std::string token = add_client(data, "machine"), narrow = add_client(data, "narrow", "system/Observation.rs");
    RunningServer server(data);
    ASSERT_TRUE(server.ready()) << server.errors();
    Caller machine(server, token);
    ASSERT_EQ(machine.send("POST", "/fhir", std::string(visit)).status, 200);
    const auto document = machine.get("/api/v1/documents?encounter=e");
    ASSERT_EQ(document.status, 200) << document.body;
    EXPECT_THAT(document.body, HasSubstr("2.16.156.10011.2.1.1.17")) << "WS/T 483.17, as the visit was an outpatient's";
    EXPECT_THAT(document.body, HasSubstr("流行性感冒"));
    EXPECT_THAT(document.body, Not(HasSubstr("另一次就诊的诊断"))) << "that belongs to no visit";
    const auto told = machine.get("/api/v1/documents?encounter=e&format=json&kind=inpatient-summary");
    EXPECT_THAT(told.body, HasSubstr(R"("left_out":["Immunization/i"])"));

    const fs::path file = folder_.path() / "in" / "document.xml", out = folder_.path() / "out";
    fs::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << document.body;
    const Ended read = command({"intake", "cda", file.string(), "--to-bundle", out.string()});
    EXPECT_EQ(read.status, 0) << read.err;
    const std::string bundle = whole_file(out / "document.json");
    for (const char* fact :
         {"张三", "11010519491231002X", "1949-12-31", "J11.100", "流行性感冒", "示例医院", "2026-11-20T08:15:00+08:00"})
        EXPECT_THAT(bundle, HasSubstr(fact));

    EXPECT_EQ(machine.get("/api/v1/documents").status, 422);
    EXPECT_EQ(machine.get("/api/v1/documents?encounter=nobody").status, 404);
    EXPECT_EQ(machine.get("/api/v1/documents?encounter=e&kind=letter").status, 422);
    EXPECT_EQ(Caller(server, narrow).get("/api/v1/documents?encounter=e").status, 403);
    EXPECT_EQ(Caller(server, "").get("/api/v1/documents?encounter=e").status, 401);
    const auto accesses = machine.get("/api/v1/people/p/accesses");
    EXPECT_THAT(accesses.body, HasSubstr("document")) << "the person can see who took a document: " << accesses.body;
}

TEST_F(DocumentTest, TheCommandWritesOneFromAFile) {
    const fs::path file = folder_.path() / "bundle.json", xml = folder_.path() / "document.xml", out = folder_.path() / "out";
    std::ofstream(file, std::ios::binary) << visit;
    const Ended written = command({"cda", "write", file.string(), "--kind", "outpatient-summary", "--id", "D1", "--now",
                                   "2026-11-22T10:00:00+08:00", "--out", xml.string()});
    EXPECT_EQ(written.status, 0) << written.err;
    EXPECT_THAT(written.err, HasSubstr("left out: Immunization/i"));
    EXPECT_EQ(command({"intake", "cda", xml.string(), "--to-bundle", out.string()}).status, 0);
    EXPECT_THAT(whole_file(out / "document.json"), HasSubstr("J11.100"));
    EXPECT_EQ(command({"cda", "write", file.string(), "--kind", "letter", "--id", "D1"}).status, 2);
    std::ofstream(file, std::ios::trunc) << R"({"resourceType":"Bundle","entry":[]})";
    const Ended refused = command({"cda", "write", file.string(), "--kind", "outpatient-summary", "--id", "D1"});
    EXPECT_EQ(refused.status, 1);
    EXPECT_THAT(refused.err, HasSubstr("Patient"));
}

}  // namespace
}  // namespace xinglin::server
