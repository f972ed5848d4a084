// SPDX-License-Identifier: Apache-2.0
// `xinglin intake`: every message in is one row out, and what is converted can be imported.
#include "server/test_process.h"

namespace xinglin::server {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view admission =
    "MSH|^~\\&|HIS|县医院|||20261120093000||ADT^A01|17|P|2.4\rPID|1||42^^^县医院^MR||王小明||19491231|1\rPV1|1|I|内三科||||||||||"
    "||||||ZY17\r";

class IntakeCommandTest : public ::testing::Test {
protected:
    fs::path in(const std::string& name) const { return folder_.path() / "in" / name; }
    fs::path out(const std::string& name = "") const { return folder_.path() / "out" / name; }
    void put(const std::string& name, std::string_view content) {
        fs::create_directories(in(name).parent_path());
        std::ofstream(in(name), std::ios::binary) << content;
    }
    testing::ScratchFolder folder_;
};

TEST_F(IntakeCommandTest, AccountsForEveryMessageOfAFolder) {
    put("a.hl7", admission);
    put("deeper/b.hl7", std::string(admission) + "\n");  // the same, with another end
    put("c.hl7", "FHS|^~\\&\rBHS|^~\\&\r" + std::string(admission).replace(49, 2, "18") +
                     "MSH|^~\\&|HIS|县医院|||2026||ADT^A01|19|P|2.4\rPID|1||\rBTS|2\r");
    put("d.hl7", "no message");
    put("notes.pdf", "not taken");
    const Ended ended = command(
        {"intake", "hl7v2", (folder_.path() / "in").string(), "--to-bundle", out().string(), "--sender", "county", "--json"});
    ASSERT_EQ(ended.status, 0) << ended.err;
    EXPECT_NE(ended.out.find(R"("messages":5,"converted":2,"duplicate":1,"rejected":2)"), std::string::npos) << ended.out;
    const std::string report = whole_file(out("report.csv"));
    EXPECT_TRUE(report.starts_with("source,item,status,reason\r\n")) << report;
    EXPECT_EQ(std::count(report.begin(), report.end(), '\n'), 6) << report;
    EXPECT_NE(report.find("a.hl7,1,converted,\r\n"), std::string::npos) << report;
    EXPECT_NE(report.find("b.hl7,1,duplicate,the same as "), std::string::npos) << report;
    EXPECT_NE(report.find("d.hl7,1,rejected,line 1: the message does not begin with MSH\r\n"), std::string::npos) << report;
    json::Arena arena;
    EXPECT_EQ(json::parse(whole_file(out("a.json")), arena).value()["type"].string(), "transaction");
    const Ended imported =
        command({"import", "--data", (folder_.path() / "data").string(), "--check-profiles", "--json", out("a.json").string()});
    EXPECT_EQ(imported.status, 0) << imported.err;
    EXPECT_NE(imported.out.find("\"rejected\":0"), std::string::npos) << imported.out;
}

TEST_F(IntakeCommandTest, PrintsBundlesAndWordsAndRefusesWhatItDoesNotKnow) {
    put("a.hl7", admission);
    EXPECT_TRUE(command({"intake", "hl7v2", in("a.hl7").string()}).out.starts_with("{\"resourceType\":\"Bundle\""));
    EXPECT_NE(command({"intake", "explain", in("a.hl7").string()}).out.find("患者基本信息"), std::string::npos);
    EXPECT_EQ(command({"intake", "hl7v3", in("a.hl7").string()}).status, 2);
    EXPECT_EQ(command({"intake", "hl7v2", in("none.hl7").string()}).status, 3);
    EXPECT_EQ(command({"intake", "hl7v2", in("a.hl7").string(), "--sender", "A B"}).status, 2);
}

}  // namespace
}  // namespace xinglin::server
