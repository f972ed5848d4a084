// SPDX-License-Identifier: Apache-2.0
// Where a refusal points, what bounds a view, and the command line.
#include "view/view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <fstream>
#include <random>
#include <sstream>

#include "testing/testing.h"
#include "view/command.h"

namespace xinglin::view {
namespace {

std::string place(std::string_view text) {
    const auto definition = Definition::compile(text);
    return definition.ok() ? "" : definition.outcome().issues[0].where;
}

std::string of_patient(std::string_view select) { return fmt::format(R"({{"resource":"Patient","select":{}}})", select); }

TEST(Refusal, NamesThePlaceInTheDefinition) {
    EXPECT_EQ(place(of_patient(R"([{"column":[{"name":"a","path":"id"},{"name":"b","path":"id"},{"name":"c","path":"nme"}]}])")),
              "select[0].column[2].path");
    EXPECT_EQ(
        place(of_patient(R"([{"column":[{"name":"a","path":"id"}]},{"forEach":"nme","column":[{"name":"b","path":"use"}]}])")),
        "select[1].forEach");
    EXPECT_EQ(
        place(of_patient(
            R"([{"select":[{"unionAll":[{"column":[{"name":"a","path":"id"}]},{"column":[{"name":"b","path":"id"}]}]}]}])")),
        "select[0].select[0].unionAll[1].column[0].name");
    EXPECT_EQ(place(of_patient(R"([{"repeat":["name","nme"],"column":[{"name":"a","path":"use"}]}])")), "select[0].repeat[1]");
    EXPECT_EQ(place(of_patient(R"([{"column":[{"name":"a","path":"id"},{"name":"a","path":"id"}]}])")),
              "select[0].column[1].name");
    EXPECT_EQ(place(R"({"resource":"Patient","where":[{"path":"%x"}],"select":[{"column":[{"name":"a","path":"id"}]}]})"),
              "where[0].path");
    EXPECT_EQ(
        place(
            R"({"resource":"Patient","constant":[{"name":"x","valueInteger":"1"}],"select":[{"column":[{"name":"a","path":"id"}]}]})"),
        "constant[0].valueInteger");
    EXPECT_EQ(place(R"({"resource":"Patient","selct":[]})"), "selct");
    EXPECT_EQ(place("[]"), "ViewDefinition");
}

TEST(Refusal, CollectsWhatIsWrong) {
    const auto definition =
        Definition::compile(of_patient(R"([{"column":[{"name":"1","path":"nme"},{"path":"id"},{"name":"c"}]}])"));
    ASSERT_FALSE(definition.ok());
    EXPECT_EQ(definition.outcome().issues.size(), 4u);
}

TEST(Columns, HaveTheTypesTheirPathsTell) {
    const auto definition = Definition::compile(of_patient(
        R"json([{"column":[{"name":"a","path":"birthDate"},{"name":"b","path":"name.exists()"},{"name":"c","path":"name.first()"},{"name":"d","path":"getResourceKey()"},
            {"name":"e","path":"multipleBirth.ofType(integer)"},{"name":"f","path":"%rowIndex"},{"name":"g","path":"deceased","type":"dateTime"},
            {"name":"h","path":"name.given.count()"},{"name":"i","path":"id","type":"http://hl7.org/fhirpath/System.String"}]}])json"));
    ASSERT_TRUE(definition.ok()) << definition.outcome().line();
    std::vector<std::string> types;
    for (const Column& column : definition->columns()) types.push_back(column.type);
    EXPECT_THAT(types, ::testing::ElementsAre("date", "boolean", "HumanName", "string", "integer", "integer", "dateTime",
                                              "integer", "string"));
}

std::string run_error(std::string_view text, std::string_view resource) {
    const auto definition = Definition::compile(text);
    if (!definition.ok()) return "compile: " + definition.outcome().line();
    json::Arena arena;
    const auto done = Runner(*definition).run(*json::parse(resource, arena), [](Row) {});
    return done.ok() ? "" : std::string(fhir_code(done.outcome().code())) + " " + done.outcome().issues[0].where;
}

TEST(Bounds, HoldForViewsThatMultiply) {
    std::string names, select = R"([{"column":[{"name":"id","path":"id"}]})";
    for (int i = 0; i < 100; ++i) names += fmt::format(R"({}{{"family":"f{}"}})", i ? "," : "", i);
    for (int i = 0; i < 4; ++i) select += fmt::format(R"(,{{"forEach":"name","column":[{{"name":"c{}","path":"family"}}]}})", i);
    EXPECT_EQ(run_error(of_patient(select + "]"), fmt::format(R"({{"resourceType":"Patient","id":"p","name":[{}]}})", names)),
              "too-costly select");
    // Products that give no row at all are bounded too.
    select.clear();
    for (int i = 0; i < 12; ++i)
        select += fmt::format(R"({}{{"forEach":"name","column":[{{"name":"c{}","path":"family"}}]}})", i ? "," : "[", i);
    select += R"(,{"forEach":"photo","column":[{"name":"none","path":"title"}]}])";
    EXPECT_THAT(run_error(of_patient(select), fmt::format(R"({{"resourceType":"Patient","id":"p","name":[{}]}})", names)),
                ::testing::StartsWith("too-costly select["));
}

TEST(Bounds, HoldForRepeatsThatDoNotEnd) {
    const std::string_view patient = R"({"resourceType":"Patient","id":"p","name":[{"family":"a"},{"family":"b"}]})";
    EXPECT_EQ(run_error(of_patient(R"([{"repeat":["$this","$this"],"column":[{"name":"c","path":"id"}]}])"), patient),
              "too-costly select[0].repeat");
    EXPECT_EQ(run_error(of_patient(R"([{"repeat":["name","%resource.name"],"column":[{"name":"c","path":"family"}]}])"), patient),
              "too-costly select[0].repeat");
}

TEST(Bounds, HoldForDefinitionsThatAreHuge) {
    std::string columns;
    for (int i = 0; i < 1'001; ++i) columns += fmt::format(R"({}{{"name":"c{}","path":"id"}})", i ? "," : "", i);
    EXPECT_EQ(place(of_patient(fmt::format(R"([{{"column":[{}]}}])", columns))), "select[0].column[1000]");
    std::string branches;
    for (int i = 0; i < 2'000; ++i)
        branches += fmt::format(R"({}{{"forEach":"name","column":[{{"name":"c","path":"family"}}]}})", i ? "," : "");
    EXPECT_THAT(place(of_patient(fmt::format(R"([{{"unionAll":[{}]}}])", branches))),
                ::testing::StartsWith("select[0].unionAll["));
}

TEST(Person, IsAskedOfWhoKnows) {
    const auto definition = Definition::compile(
        R"({"resource":"Observation","select":[{"column":[{"name":"p","path":"%person"},{"name":"q","path":"%person & '!'"}]}]})");
    ASSERT_TRUE(definition.ok());
    Environment environment;
    environment.person = [](std::string_view patient) { return patient == "Patient/2" ? "Person/1" : std::string(patient); };
    Runner runner(*definition, environment);
    std::string rows;
    json::Arena arena;
    for (const char* reference : {"Patient/1", "Patient/2", "Group/3"}) {
        const auto resource = json::parse(
            fmt::format(R"({{"resourceType":"Observation","id":"o","subject":{{"reference":"{}"}}}})", reference), arena);
        ASSERT_TRUE(runner.run(*resource, [&rows](Row row) { write_array(row, rows); }).ok());
    }
    EXPECT_EQ(rows, R"(["Patient/1","Patient/1!"]["Person/1","Person/1!"][null,"!"])");
}

TEST(Terminology, AnswersMemberOf) {
    const auto definition = Definition::compile(
        R"json({"resource":"Patient","select":[{"column":[{"name":"m","path":"gender.memberOf('http://v')"}]}]})json");
    ASSERT_TRUE(definition.ok());
    Environment environment;
    environment.member_of = [](std::string_view value_set, std::string_view, std::string_view code) {
        return std::optional(value_set == "http://v" && code == "male");
    };
    Runner runner(*definition, environment);
    std::string rows;
    json::Arena arena;
    for (const char* gender : {"male", "other"}) {
        const auto resource = json::parse(fmt::format(R"({{"resourceType":"Patient","gender":"{}"}})", gender), arena);
        ASSERT_TRUE(runner.run(*resource, [&rows](Row row) { write_array(row, rows); }).ok());
    }
    EXPECT_EQ(rows, "[true][false]");
}

TEST(Csv, IsRfc4180) {
    const Cell row[] = {{.kind = Cell::Kind::text, .text = "a,\"b\"\nc"},
                        {},
                        {.kind = Cell::Kind::text, .text = ""},
                        {.kind = Cell::Kind::number, .text = "1.50"}};
    std::string text;
    write_csv(row, text);
    EXPECT_EQ(text, "\"a,\"\"b\"\"\nc\",,\"\",1.50\r\n");
}

class CommandTest : public ::testing::Test {
protected:
    testing::ScratchFolder folder;
    std::string file(const char* name, std::string_view text) {
        std::ofstream(folder.path() / name, std::ios::binary) << text;
        return (folder.path() / name).string();
    }
    int run(const RunCommand& command) {
        out.str("");
        err.str("");
        return run_command(command, out, err);
    }
    std::ostringstream out, err;
};

TEST_F(CommandTest, PrintsRowsAsTheContractSays) {
    RunCommand command;
    command.view =
        file("v.json",
             R"({"resource":"Patient","select":[{"column":[{"name":"id","path":"id"},{"name":"born","path":"birthDate"}]}]})");
    command.resources = file("r.ndjson",
                             "\xEF\xBB\xBF{\"resourceType\":\"Patient\",\"id\":\"a\"}\r\n\n{\"resourceType\":\"Group\"}\n{"
                             "\"resourceType\":\"Patient\",\"id\":\"b\",\"birthDate\":\"2000\"}");
    EXPECT_EQ(run(command), 0) << err.str();
    EXPECT_EQ(out.str(), "{\"id\":\"a\",\"born\":null}\n{\"id\":\"b\",\"born\":\"2000\"}\n");
    command.format = "csv";
    EXPECT_EQ(run(command), 0);
    EXPECT_EQ(out.str(), "id,born\r\na,\r\nb,2000\r\n");
}

TEST_F(CommandTest, RefusesWithTheContractsStatus) {
    RunCommand command;
    EXPECT_EQ(run(command), 2);
    command.view = file("v.json", R"({"resource":"Patient","select":[{"column":[{"name":"id","path":"idd"}]}]})");
    command.resources = file("r.ndjson", "{}");
    EXPECT_EQ(run(command), 1);
    EXPECT_EQ(err.str(), "error: select[0].column[0].path: is not right: Patient has no element idd\n");
    command.view = file("v.json", R"({"resource":"Patient","select":[{"column":[{"name":"id","path":"name.family"}]}]})");
    command.resources = file("r.ndjson", "{\"resourceType\":\"Patient\",\"name\":[{\"family\":\"a\"},{\"family\":\"b\"}]}");
    EXPECT_EQ(run(command), 1);
    EXPECT_THAT(err.str(), ::testing::HasSubstr("r.ndjson:1: select[0].column[0].path"));
    command.resources = file("r.ndjson", "{not json");
    EXPECT_EQ(run(command), 1);
    command.resources = folder.path() / "none";
    EXPECT_EQ(run(command), 3);
    command.view = folder.path() / "none";
    EXPECT_EQ(run(command), 3);
}

TEST_F(CommandTest, RunsTestFiles) {
    RunCommand command;
    command.tests = {std::filesystem::path(XINGLIN_SOURCE_DIR) / "src/view/testdata/where.json"};
    EXPECT_EQ(run(command), 0);
    EXPECT_THAT(err.str(), ::testing::EndsWith("0 failed\n"));
    command.tests = {file("t.json", R"({"resources":[],"tests":[{"title":"t","view":{},"expect":[]}]})")};
    EXPECT_EQ(run(command), 1);
    EXPECT_THAT(out.str(), ::testing::HasSubstr("\"passed\": false"));
}

// ---- resources that need not be parsed ------------------------------------------------------------------------------

/// Some characters written as JSON may write them too.
std::string written_out(std::string_view text, std::mt19937& random) {
    std::string out;
    bool inside = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '"') inside = !inside;
        if (text[i] == '\\') {
            out += text.substr(i++, 2);
        } else if (inside && text[i] != '"' && static_cast<unsigned char>(text[i]) < 0x80 && random() % 40 == 0) {
            out += fmt::format("\\u{:04x}", static_cast<unsigned>(text[i]));
        } else {
            out += text[i];
        }
    }
    return out;
}

std::string rows_of(const Definition& definition, std::string_view text) {
    json::Arena arena;
    std::string out;
    const auto done =
        Runner(definition).run(*json::parse(text, arena), [&](Row row) { write_object(definition.columns(), row, out); });
    return done.ok() ? out : "refused: " + done.outcome().line();
}

TEST(Skipping, NeverLosesARowHoweverTheTextIsWritten) {
    // What a condition is made of; {} stands for a code out of few, so that it is often met.
    constexpr std::string_view tests[] = {"code.coding.exists(system = 'http://loinc.org' and code = '{}')",
                                          "code.coding.where(code = '{}').exists()",
                                          "status = '{}'",
                                          "code.coding.code = '{}'",
                                          "'{}' = status",
                                          "status != '{}'",
                                          "code.coding.where(code != '{}').empty()",
                                          "(status = '{}').not()",
                                          "code.coding.first().code = '{}'",
                                          "component.where(code.coding.exists(code = '{}')).value.ofType(Quantity).exists()",
                                          "code.text = '{}'",
                                          "extension('http://x/{}').exists()",
                                          "code.text.extension('{}').empty()",
                                          "%c = status",
                                          "subject.getReferenceKey(Patient) = '{}'",
                                          "status.exists()",
                                          "component.count() = 2",
                                          "code.coding.code.contains('{}')"};
    constexpr std::string_view codes[] = {"final", "85354-9", "a/b", "\xE8\xA1\x80\xE5\x8E\x8B", "x", "8480-6", "Patient/p"};
    std::mt19937 random(20261122);
    const auto any = [&random](const auto& all) { return all[random() % std::size(all)]; };
    std::size_t skipped = 0, with_rows = 0;
    for (int round = 0; round < 4'000; ++round) {
        std::string where;
        for (int i = 1 + static_cast<int>(random() % 3); i > 0; --i) {
            std::string test(any(tests));
            if (const auto at = test.find("{}"); at != std::string::npos) test.replace(at, 2, any(codes));
            if (i > 1 && random() % 2) where += fmt::format("({}) {} ", test, random() % 2 ? "and" : "or");
            else where += fmt::format("({}){}", test, i > 1 ? " and " : "");
        }
        const auto definition = Definition::compile(fmt::format(
            R"({{"resource":"Observation","constant":[{{"name":"c","valueCode":"final"}}],"select":[{{"column":[{{"name":"id","path":"id"}}]}}],"where":[{{"path":"{}"}}]}})",
            where));
        ASSERT_TRUE(definition.ok()) << where << definition.outcome().line();
        const std::string plain = fmt::format(
            R"({{"resourceType":"Observation","id":"o","status":"{}","code":{{"coding":[{{"system":"http://loinc.org","code":"{}"}},{{"code":"{}"}}],"text":"{}\"q\\u"}},
                "subject":{{"reference":"Patient/p"}},"extension":[{{"url":"http://x/{}"}}],"component":[{{"code":{{"coding":[{{"code":"{}"}}]}},"valueQuantity":{{"value":1}}}}]}})",
            any(codes), any(codes), any(codes), any(codes), any(codes), any(codes));
        for (const std::string& text : {plain, written_out(plain, random)}) {
            const std::string rows = rows_of(*definition, text);
            with_rows += rows.empty() ? 0 : 1;
            if (definition->may_have_rows(text)) continue;
            ++skipped;
            ASSERT_EQ(rows, "") << where << " on " << text;
        }
    }
    EXPECT_GT(skipped, 500u);
    EXPECT_GT(with_rows, 500u);
}

TEST(Skipping, LeavesMostResourcesUnreadForAViewOfFew) {
    const auto view = [](std::string_view where) {
        return *Definition::compile(fmt::format(
            R"({{"resource":"Observation","select":[{{"column":[{{"name":"id","path":"id"}}]}}],"where":[{{"path":"{}"}}]}})",
            where));
    };
    const Definition panel = view("code.coding.exists(system = 'http://loinc.org' and (code = '85354-9' or code = '55284-4'))");
    EXPECT_FALSE(panel.may_have_rows(R"({"code":{"coding":[{"code":"8480-6"}]}})"));
    EXPECT_TRUE(panel.may_have_rows(R"({"code":{"coding":[{"code":"55284-4"}]}})"));
    EXPECT_TRUE(panel.may_have_rows(R"({"code":{"coding":[{"code":"\u0038480-6"}]}})"));
    EXPECT_FALSE(panel.may_have_rows(R"({"text":"a \"quoted\" \\ word"})"));
    // A condition that may fail must be asked, and so must those behind it not be believed.
    const Definition failing = *Definition::compile(
        R"json({"resource":"Observation","select":[{"column":[{"name":"id","path":"id"}]}],"where":[{"path":"component.value.ofType(boolean)"},{"path":"status = 'final'"}]})json");
    EXPECT_TRUE(failing.may_have_rows("{}"));
}

}  // namespace
}  // namespace xinglin::view
