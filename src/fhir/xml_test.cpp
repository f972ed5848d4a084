// SPDX-License-Identifier: Apache-2.0
// FHIR XML both ways: what is kept, what is refused.
#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <random>

#include "fhir/fhir.h"
#include "fhir/markup.h"
#include "testing/testing.h"

namespace xinglin::fhir {
namespace {

using ::testing::HasSubstr;

std::string json_of(std::string_view xml) {
    json::Arena arena;
    const auto read = from_xml(xml, arena);
    return read.ok() ? json::write(*read) : "refused: " + read.outcome().line();
}

std::string xml_of(std::string_view text, bool pretty = false) {
    json::Arena arena;
    const auto parsed = json::parse(text, arena);
    EXPECT_TRUE(parsed.ok());
    return to_xml(*parsed, pretty);
}

std::string patient(std::string_view content) {
    return "<Patient xmlns=\"http://hl7.org/fhir\">" + std::string(content) + "</Patient>";
}

TEST(FromXml, TurnsAttributesAndChildrenIntoMembers) {
    EXPECT_EQ(json_of(R"(<?xml version="1.0" encoding="UTF-8"?>
        <!-- a comment -->
        <Patient xmlns="http://hl7.org/fhir">
          <id value="a"/>
          <active value="true"/>
          <name id="n1"><given value="A"/><given value="B"><extension url="u"><valueDecimal value="1.50"/></extension></given></name>
          <multipleBirthInteger value="2"/>
        </Patient>)"),
              R"({"resourceType":"Patient","id":"a","active":true,"name":[{"id":"n1","given":["A","B"],)"
              R"("_given":[null,{"extension":[{"url":"u","valueDecimal":1.50}]}]}],"multipleBirthInteger":2})");
}

TEST(FromXml, KeepsTheDigitsOfNumbersAndTheTextOfNarratives) {
    const std::string div = "<div xmlns=\"http://www.w3.org/1999/xhtml\">a &lt; b<br/>\n<!-- c --><p title='&quot;'>d</p></div>";
    EXPECT_EQ(
        json_of(patient("<text><status value=\"generated\"/>" + div + "</text>")),
        R"({"resourceType":"Patient","text":{"status":"generated","div":)" +
            [&] {
                std::string quoted;
                json::write_string(div, quoted);
                return quoted;
            }() +
            "}}");
}

TEST(FromXml, ReadsPrefixesAndMakesNarrativesStandAlone) {
    EXPECT_EQ(
        json_of(R"(<f:Patient xmlns:f="http://hl7.org/fhir" xmlns:h="http://www.w3.org/1999/xhtml">
                           <f:text><f:status value="empty"/><h:div><h:p class="x">y</h:p></h:div></f:text></f:Patient>)"),
        R"({"resourceType":"Patient","text":{"status":"empty","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><p class=\"x\">y</p></div>"}})");
}

TEST(FromXml, PutsElementsInTheOrderOfTheDefinition) {
    EXPECT_EQ(json_of(patient(
                  R"(<gender value="male"/><name><family value="A"/></name><id value="x"/><name><family value="B"/></name>)")),
              R"({"resourceType":"Patient","id":"x","name":[{"family":"A"},{"family":"B"}],"gender":"male"})");
}

TEST(FromXml, ReadsResourcesInsideOfResources) {
    EXPECT_EQ(json_of(R"(<Bundle xmlns="http://hl7.org/fhir"><type value="collection"/><entry><resource><Patient><contained>
                           <Organization><id value="o"/></Organization></contained></Patient></resource></entry></Bundle>)"),
              R"({"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient",)"
              R"("contained":[{"resourceType":"Organization","id":"o"}]}}]})");
}

TEST(FromXml, RefusesWhatIsNotFhir) {
    for (const std::string& bad : {
             std::string(),
             std::string("{}"),
             std::string("<Patient/>"),
             std::string("<Patient xmlns=\"http://hl7.org/fhir\">"),
             std::string("<Patience xmlns=\"http://hl7.org/fhir\"/>"),
             std::string("<Resource xmlns=\"http://hl7.org/fhir\"/>"),
             std::string("<Patient xmlns=\"urn:hl7-org:v3\"/>"),
             patient("<nickname value=\"a\"/>"),
             patient("<name>A</name>"),
             patient("<gender value=\"male\"/><gender value=\"male\"/>"),
             patient("<gender/>"),
             patient("<gender code=\"male\"/>"),
             patient("<active value=\"yes\"/>"),
             patient("<multipleBirthInteger value=\"two\"/>"),
             patient("<multipleBirthInteger value=\"\"/>"),
             patient("<name/>"),
             patient("<contained/>"),
             patient("<contained><HumanName/></contained>"),
             patient("<contained><Patient/><Patient/></contained>"),
             patient("<text><status value=\"empty\"/><div>a</div></text>"),
             patient("<gender xmlns=\"urn:else\" value=\"male\"/>"),
             patient("<gender value=\"&other;\"/>"),
             patient("<gender value=\"m"),
             patient("") + "<Patient/>",
             patient("") + "text",
             std::string("\xFF\xFE<"),
             std::string("<?xml version=\"1.0\" encoding=\"GB18030\"?>") + patient(""),
         }) {
        EXPECT_THAT(json_of(bad), HasSubstr("refused: ")) << bad;
    }
}

TEST(FromXml, NamesTheElementItRefuses) {
    EXPECT_THAT(json_of(patient("<contact><name><nick value=\"a\"/></name></contact>")),
                HasSubstr("refused: Patient.contact.name.nick: "));
    EXPECT_THAT(json_of(patient("<active value=\"yes\"/>")), HasSubstr("refused: Patient.active: must be true or false"));
}

TEST(FromXml, RefusesDocumentTypesAndEntities) {
    const std::string bomb =
        R"(<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;">]>)" + patient("<gender value=\"&c;\"/>");
    EXPECT_THAT(json_of(bomb), HasSubstr("document type"));
    EXPECT_THAT(json_of(R"(<!DOCTYPE a SYSTEM "file:///etc/passwd">)" + patient("")), HasSubstr("document type"));
    EXPECT_THAT(json_of(patient("<gender value=\"&c;\"/>")), HasSubstr("entity"));
}

TEST(FromXml, RefusesDepthWithoutRecursingIntoIt) {
    std::string deep;
    for (int i = 0; i < 100'000; ++i) deep += "<extension url=\"u\">";
    EXPECT_THAT(json_of(patient(deep)), HasSubstr("nested too deeply"));
    std::string comments(100'000, '-');
    EXPECT_THAT(json_of(patient("<!--" + comments)), HasSubstr("refused"));
}

TEST(FromXml, RefusesMoreElementsThanMemoryIsWorth) {
    std::string many;
    for (int i = 0; i < 4'100'000; ++i) many += "<a/>";
    EXPECT_THAT(json_of(patient(many)), HasSubstr("too many"));
}

TEST(FromXml, RefusesNumbersThatJsonCouldNotReadAgain) {
    EXPECT_THAT(json_of(patient("<extension url=\"u\"><valueDecimal value=\"1e999\"/></extension>")),
                HasSubstr("Patient.extension.value: must be a number"));
    EXPECT_THAT(json_of(patient("<extension url=\"u\"><valueDecimal value=\"1.0e300\"/></extension>")), HasSubstr("1.0e300"));
}

TEST(ToXml, WritesElementsInTheOrderOfTheDefinition) {
    EXPECT_EQ(
        xml_of(R"({"gender":"male","resourceType":"Patient","name":[{"given":["A","B"],"family":"C \"<&>"}],"id":"x"})"),
        R"(<Patient xmlns="http://hl7.org/fhir"><id value="x"/><name><family value="C &quot;&lt;&amp;&gt;"/><given value="A"/>)"
        R"(<given value="B"/></name><gender value="male"/></Patient>)");
}

TEST(ToXml, IndentsForPeople) {
    EXPECT_EQ(xml_of(R"({"resourceType":"Patient","active":true,"name":[{"id":"n","family":"C"}]})", true),
              "<Patient xmlns=\"http://hl7.org/fhir\">\n  <active value=\"true\"/>\n  <name id=\"n\">\n    <family "
              "value=\"C\"/>\n  </name>\n</Patient>");
}

TEST(ToXml, KeepsWhiteSpaceInValues) {
    const std::string json = R"({"resourceType":"Patient","name":[{"text":" a\tb\r\nc  "}]})";
    EXPECT_EQ(json_of(xml_of(json)), json);
}

TEST(ToXml, IsAlwaysWellFormed) {
    for (const char* odd :
         {R"({"resourceType":"Patient","text":{"div":"<div>a"}})", R"({"resourceType":"Patient","gender":"\u0000\u001f\uffff"})",
          R"({"resourceType":"Patient","name":[null,{},7,{"given":[null,{"a":1},[]]}],"nickname":1,"_birthDate":7})",
          R"({"resourceType":"Patient","contained":[{"resourceType":"Nothing"}]})"}) {
        EXPECT_TRUE(scan_document(xml_of(odd)).ok()) << xml_of(odd) << scan_document(xml_of(odd)).fault;
    }
    EXPECT_EQ(xml_of(R"({"resourceType":"Nothing"})"), "");
    EXPECT_EQ(xml_of("[]"), "");
}

// Test inputs of the FHIRPath suite come in JSON and XML, made by others.
TEST(FromXml, ReadsTheInputsOfTheFhirPathSuite) {
    const auto folder = testing::shared_data() / "fhirpath";
    if (testing::shared_data().empty()) GTEST_SKIP() << "no shared data beside the checkout";
    json::Arena arena;
    std::size_t read = 0;
    for (const auto& path : testing::files_below(folder, ".xml")) {
        const std::string xml = testing::read_file(path);
        if (path.filename().string().starts_with("tests-")) continue;
        const auto made = from_xml(xml, arena);
        ASSERT_TRUE(made.ok()) << path << made.outcome().line();
        EXPECT_EQ(validate(*made).line(), "") << path;
        ++read;
        auto twin = path;
        if (!std::filesystem::exists(twin.replace_extension(".json"))) continue;
        const std::string text = testing::read_file(twin);
        const auto other = json::parse(text, arena);
        ASSERT_TRUE(other.ok());
        // The twins differ in how their narratives are written, and one XML file has an extension more.
        const auto comparable = [&](json::Value value) { return arena.with(arena.with(value, "text", {}), "extension", {}); };
        EXPECT_TRUE(json::same_content(comparable(*made), comparable(*other))) << path;
    }
    EXPECT_GE(read, 5u);
}

// Python's expat is a parser made by others.
TEST(ToXml, IsReadByAnotherParser) {
    const std::string texts = testing::read_packed(std::string(XINGLIN_SOURCE_DIR) + "/src/fhir/testdata/r4-examples.ndjson.gz");
    const testing::ScratchFolder scratch;
    std::ofstream out(scratch.path() / "all.xml");
    out << "<all>";
    std::string_view rest = texts;
    json::Arena arena;
    for (std::size_t end; (end = rest.find('\n')) != std::string_view::npos; rest.remove_prefix(end + 1)) {
        arena.clear();
        out << to_xml(*json::parse(rest.substr(0, end), arena), true);
    }
    out << "</all>";
    out.close();
    const std::string command =
        "python3 -c 'import sys, xml.parsers.expat as e; e.ParserCreate(namespace_separator=\" \").ParseFile(open(sys.argv[1], "
        "\"rb\"))' '" +
        (scratch.path() / "all.xml").string() + "'";
    EXPECT_EQ(std::system(command.c_str()), 0);  // NOLINT(concurrency-mt-unsafe)
}

// The same laws as in the fuzz targets, with a few thousand broken examples in every test run.
TEST(Xml, SurvivesBrokenInput) {
    const std::string texts = testing::read_packed(std::string(XINGLIN_SOURCE_DIR) + "/src/fhir/testdata/r4-examples.ndjson.gz");
    const std::uint64_t seed = testing::seed();
    std::mt19937_64 random(seed);
    json::Arena arena;
    std::string_view rest = texts;
    for (std::size_t end; (end = rest.find('\n')) != std::string_view::npos; rest.remove_prefix(end + 1)) {
        if (end > 3000) continue;
        for (int round = 0; round < 5; ++round) {
            arena.clear();
            std::string text(rest.substr(0, end));
            for (std::uint64_t changes = random() % 3; changes > 0; --changes) text[random() % end] = text[random() % end];
            const auto parsed = json::parse(text, arena);
            if (!parsed.ok()) continue;
            // A carriage return within a div ends a line of XML, and comes back as a line feed.
            const bool valid = text.find("\\r") == std::string::npos && validate(*parsed).ok();
            std::string xml = to_xml(*parsed);
            const auto back = from_xml(xml, arena);
            EXPECT_TRUE(!valid || (back.ok() && json::same_content(*parsed, *back))) << "seed " << seed << "\n" << text;
            if (xml.empty()) continue;
            xml[random() % xml.size()] = xml[random() % xml.size()];
            const auto read = from_xml(xml, arena);
            if (!read.ok() || !validate(*read).ok()) continue;
            const auto again = from_xml(to_xml(*read), arena);
            EXPECT_TRUE(again.ok() && json::same_content(*read, *again)) << "seed " << seed << "\n" << xml;
        }
    }
}

TEST(Xml, LinesEndWithALineFeedHoweverTheFileWasWritten) {
    const auto with = [](std::string_view end) {
        json::Arena arena;
        const std::string xml = fmt::format(R"(<Patient xmlns="http://hl7.org/fhir"><text><status value="generated"/>{0})"
                                            R"(<div xmlns="http://www.w3.org/1999/xhtml"><p>a{0}b</p></div></text></Patient>)",
                                            end);
        return json::write(*from_xml(xml, arena));
    };
    EXPECT_EQ(with("\r\n"), with("\n"));
    EXPECT_EQ(with("\r"), with("\n"));
    EXPECT_EQ(with("\n").find("\\r"), std::string::npos);
}

}  // namespace
}  // namespace xinglin::fhir
