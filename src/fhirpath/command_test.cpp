// SPDX-License-Identifier: Apache-2.0
// `xinglin fhirpath` prints what its contract says.
#include "fhirpath/command.h"

#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "testing/testing.h"

namespace xinglin::fhirpath {
namespace {

struct Answer {
    int status;
    std::string out, err;
};
Answer ask(std::vector<std::string> arguments) {
    std::ostringstream out, err;
    const int status = fhirpath_command(arguments, out, err);
    return {status, out.str(), err.str()};
}

class Command : public ::testing::Test {
protected:
    testing::ScratchFolder folder;
    std::string file(const std::string& name, const std::string& content) {
        const auto path = folder.path() / name;
        std::ofstream(path) << content;
        return path.string();
    }
};

TEST_F(Command, PrintsOneObjectPerExpressionInOrder) {
    const std::string patient =
        file("p.json",
             R"({"resourceType":"Patient","active":true,"name":[{"family":"Li","given":["Na"]}],"contact":[{"gender":"male"}]})");
    const std::string list = file("e.json", R"(["name.given", "1.50"])");
    const Answer answer = ask({"--resource", patient, "--expressions", list, "active", "name", "1 +", "(1|2).single()",
                               "1.nope()", "contact.gender", "2", "1 'mg'", "contact", "@2026-11"});
    EXPECT_EQ(answer.status, 0) << answer.err;
    const std::string expected[] = {
        R"x({"expression":"name.given","result":[{"type":"string","value":"Na"}]})x",
        R"x({"expression":"1.50","result":[{"type":"decimal","value":"1.50"}]})x",
        R"x({"expression":"active","result":[{"type":"boolean","value":true}]})x",
        R"x({"expression":"name","result":[{"type":"HumanName","value":{"family":"Li","given":["Na"]}}]})x",
        R"x({"expression":"1 +","error":{"kind":"syntax")x",
        R"x({"expression":"(1|2).single()","error":{"kind":"execution")x",
        R"x({"expression":"1.nope()","error":{"kind":"semantic")x",
        R"x({"expression":"contact.gender","result":[{"type":"code","value":"male"}]})x",
        R"x({"expression":"2","result":[{"type":"integer","value":2}]})x",
        R"x({"expression":"1 'mg'","result":[{"type":"Quantity","value":{"value":1,"unit":"mg",)x",
        R"x({"expression":"contact","result":[{"type":"BackboneElement","value":{"gender":"male"}}]})x",
        R"x({"expression":"@2026-11","result":[{"type":"date","value":"2026-11"}]})x",
    };
    std::size_t at = 0;
    for (const std::string& part : expected) {
        const std::size_t found = answer.out.find(part, at);
        ASSERT_NE(found, std::string::npos) << part << "\nnot in\n" << answer.out;
        at = found + part.size();
    }
}

TEST_F(Command, ReadsXml) {
    const std::string patient =
        file("p.xml", R"(<Patient xmlns="http://hl7.org/fhir"><birthDate value="1970-03-04"/></Patient>)");
    EXPECT_EQ(ask({"--resource", patient, "birthDate"}).out,
              "[{\"expression\":\"birthDate\",\"result\":[{\"type\":\"date\",\"value\":\"1970-03-04\"}]}]\n");
}

TEST_F(Command, RefusesUnknownNamesUnlessLenient) {
    const std::string patient = file("p.json", R"({"resourceType":"Patient"})");
    EXPECT_EQ(ask({"--resource", patient, "--lenient", "nmae"}).out, "[{\"expression\":\"nmae\",\"result\":[]}]\n");
    EXPECT_NE(ask({"--resource", patient, "nmae"}).out.find("semantic"), std::string::npos);
}

TEST_F(Command, TellsWhatIsWrongWithItsArguments) {
    const std::string patient = file("p.json", R"({"resourceType":"Patient"})");
    EXPECT_EQ(ask({}).status, 2);
    EXPECT_EQ(ask({"--resource"}).status, 2);
    EXPECT_EQ(ask({"--resource", patient}).status, 2);
    EXPECT_EQ(ask({"--resource", patient, "--bogus", "1"}).status, 2);
    EXPECT_EQ(ask({"--help"}).status, 0);
    EXPECT_EQ(ask({"--resource", patient + ".none", "1"}).status, 3);
    EXPECT_EQ(ask({"--resource", folder.path().string(), "1"}).status, 3);
    EXPECT_EQ(ask({"--resource", file("bad.json", "{"), "1"}).status, 1);
    EXPECT_EQ(ask({"--resource", file("bad.xml", "<a>"), "1"}).status, 1);
    EXPECT_EQ(ask({"--resource", file("list.json", "[]"), "1"}).status, 1);
    EXPECT_EQ(ask({"--resource", patient, "--expressions", file("e.json", "[1]")}).status, 1);
    EXPECT_EQ(ask({"--resource", patient, "--", "--1"}).out,
              "[{\"expression\":\"--1\",\"result\":[{\"type\":\"integer\",\"value\":1}]}]\n");
}

TEST_F(Command, RunsTestFiles) {
    file("p.json", R"({"resourceType":"Patient","id":"a"})");
    const std::string good = file(
        "good.xml",
        R"(<tests><group name="g"><test name="one" inputfile="p.xml"><expression>id</expression><output type="id">a</output></test>
        <test name="two"><expression invalid="syntax">1 +</expression></test></group></tests>)");
    EXPECT_EQ(ask({"--tests", good}).out, "2 passed, 0 failed\n");
    const std::string bad = file(
        "bad.xml",
        R"(<tests><group name="g"><test name="one" inputfile="p.xml"><expression>id</expression><output type="id">b</output></test></group></tests>)");
    const Answer answer = ask({"--tests", bad});
    EXPECT_EQ(answer.status, 1);
    EXPECT_EQ(answer.out, "g/one: id b expected, got [id:a]\n0 passed, 1 failed\n");
    EXPECT_EQ(ask({"--tests", file("none.xml", "<a/>")}).status, 1);
    EXPECT_EQ(ask({"--tests", "/no/such/file"}).status, 3);
}

}  // namespace
}  // namespace xinglin::fhirpath
