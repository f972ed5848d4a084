// SPDX-License-Identifier: Apache-2.0
// The language itself: tokens, literals, precedence, what is refused.
#include <gtest/gtest.h>

#include "fhirpath/parser.h"
#include "fhirpath/trial.h"

namespace xinglin::fhirpath {
namespace {

using trial::run;
using trial::types;

std::string printed(std::string_view text) {
    Problem problem;
    const NodePtr node = parse(text, problem);
    return node ? print(*node) : problem.kind;
}

TEST(Literals, KeepTheirDigitsAndPrecision) {
    EXPECT_EQ(run("1.500"), "1.500");
    EXPECT_EQ(run("@2026-11"), "2026-11");
    EXPECT_EQ(run("@2026-11T"), "2026-11");
    EXPECT_EQ(types("@2026-11T | @2026-11-22 | @T08:15"), "dateTime date time");
    EXPECT_EQ(run("@2026-11-22T08:15:00.120+08:00"), "2026-11-22T08:15:00.120+08:00");
    EXPECT_EQ(run("4 days"), "4 days");
    EXPECT_EQ(run("4.50 'mg'"), "4.50 'mg'");
    EXPECT_EQ(run("9007199254740993L"), "9007199254740993");
    EXPECT_EQ(run("12345678901234567890123456.78"), "12345678901234567890123456.78");
}

TEST(Literals, EscapesStandForTheirCharacters) {
    EXPECT_EQ(run(R"('a\'b\"c\`d\\e\r\n\t\f\u0041')"), "a'b\"c`d\\e\r\n\t\fA");
    EXPECT_EQ(run(R"('\p')"), "p");        // no such escape: the backslash goes
    EXPECT_EQ(run(R"('\u005')"), "u005");  // too few digits
    EXPECT_EQ(run(R"('\ud83d\ude00')"), "\U0001F600");
    EXPECT_EQ(run("'杏林'.length()"), "2");
}

TEST(Literals, ThatNameNoDayAreRefused) {
    for (const char* text : {"@2026-02-30", "@2026-13", "@0000", "@2026-11-22T25:00", "@T24:00", "@26-01-01", "@", "@T"}) {
        EXPECT_EQ(run(text), "!syntax") << text;
    }
    EXPECT_EQ(run("@T08:15+08:00"), "!execution");
}

TEST(Syntax, CommentsCountAsBlanks) {
    EXPECT_EQ(run("1 /* one */ + // two\n 2"), "3");
    EXPECT_EQ(run("1 + /* open"), "!syntax");
    EXPECT_EQ(run("// nothing"), "!syntax");
}

TEST(Syntax, BrokenTextIsRefused) {
    for (const char* text :
         {"",      " ",      "1 +",      "(1",   "1)",   "a..b",    "a.",     ".a",     "a[",        "a[]",
          "{1}",   "{",      "'a",       "`a",   "a b",  "1 2",     "#",      "$that",  "% a",       "a.1",
          "and",   "a and",  "not()and", "is",   "1 is", "1 is 2",  "a as",   "div",    "mod.a",     "true.and",
          "a ! b", "a !! b", "a == b",   "\x01", "a;b",  "a = = b", "count(", "@2015.", "exists(,)", "exists(1,)"}) {
        const std::string answer = run(text);
        EXPECT_TRUE(answer == "!syntax" || std::string_view(text) == "is") << text << " gave " << answer;
    }
}

TEST(Syntax, UnknownFunctionsAndWrongArgumentsAreRefusedWhenCompiling) {
    EXPECT_EQ(run("1.frobnicate()"), "!semantic");
    EXPECT_EQ(run("1.where()"), "!semantic");
    EXPECT_EQ(run("1.empty(1)"), "!semantic");
    EXPECT_EQ(run("'a'.substring(1, 2, 3)"), "!semantic");
}

// The table of the specification, two neighbours at a time.
TEST(Precedence, FollowsTheSpecification) {
    EXPECT_EQ(printed("-a.b"), printed("-(a.b)"));
    EXPECT_EQ(printed("-a[0]"), printed("-(a[0])"));
    EXPECT_EQ(printed("-a * b"), printed("(-a) * b"));
    EXPECT_EQ(printed("a + b * c"), printed("a + (b * c)"));
    EXPECT_EQ(printed("a * b div c mod d / e"), printed("(((a * b) div c) mod d) / e"));
    EXPECT_EQ(printed("a - b - c & d"), printed("((a - b) - c) & d"));
    EXPECT_EQ(printed("a + b is C"), printed("(a + b) is C"));
    EXPECT_EQ(printed("a | b is C"), printed("a | (b is C)"));
    EXPECT_EQ(printed("a < b | c"), printed("a < (b | c)"));
    EXPECT_EQ(printed("a = b < c"), printed("a = (b < c)"));
    EXPECT_EQ(printed("a in b = c"), printed("a in (b = c)"));
    EXPECT_EQ(printed("a and b in c"), printed("a and (b in c)"));
    EXPECT_EQ(printed("a or b and c"), printed("a or (b and c)"));
    EXPECT_EQ(printed("a or b xor c"), printed("(a or b) xor c"));
    EXPECT_EQ(printed("a implies b or c"), printed("a implies (b or c)"));
    EXPECT_EQ(printed("a implies b implies c"), printed("(a implies b) implies c"));
}

TEST(Names, MayBeKeywordsWhenTheGrammarAllows) {
    constexpr std::string_view bundle = R"({"contains": {"as": 1, "is": 2}, "div": 3, "day": 4, "with space": 5})";
    EXPECT_EQ(run("contains.as + contains.is", bundle), "3");
    EXPECT_EQ(run("`div`", bundle), "3");
    EXPECT_EQ(run("day", bundle), "4");
    EXPECT_EQ(run("`with space`", bundle), "5");
    EXPECT_EQ(run("div", bundle), "!syntax");
}

TEST(Variables, OfTheEnvironmentCanBeUsedAndUnknownOnesFail) {
    Environment environment;
    environment.variables = {{"limit", {make(std::int64_t{7})}}, {"none", {}}};
    EXPECT_EQ(run("%limit + 1", "{}", environment), "8");
    EXPECT_EQ(run("%`limit` = %'limit'", "{}", environment), "true");
    EXPECT_EQ(run("%none.empty()", "{}", environment), "true");
    EXPECT_EQ(run("%nobody", "{}", environment), "!execution");
    EXPECT_EQ(run("%ucum & ' ' & %sct & ' ' & %loinc"), "http://unitsofmeasure.org http://snomed.info/sct http://loinc.org");
    EXPECT_EQ(run("%`vs-gender` & %`ext-x`"), "http://hl7.org/fhir/ValueSet/genderhttp://hl7.org/fhir/StructureDefinition/x");
}

TEST(Strict, RefusesElementsThatDoNotExist) {
    const auto strict = [](std::string_view text, std::string_view type) {
        return run(text, "{}", {}, {.context_type = fhir::find_type(type), .strict = true});
    };
    EXPECT_EQ(strict("name.givn", "Patient"), "!semantic");
    EXPECT_EQ(strict("Observation.value", "Patient"), "!semantic");
    EXPECT_EQ(strict("name.where(usee = 'official')", "Patient"), "!semantic");
    EXPECT_EQ(strict("valueQuantity.unit", "Observation"), "!semantic");
    EXPECT_EQ(strict("(value as Period).unit", "Observation"), "!semantic");
    EXPECT_EQ(strict("Patient.name.where(use = 'official').given.first()", "Patient"), "");
    EXPECT_EQ(strict("Resource.meta.profile | DomainResource.text.status", "Patient"), "");
    EXPECT_EQ(strict("value.ofType(Quantity).unit | component.value.unit", "Observation"), "");
    EXPECT_EQ(strict("contained.anything", "Patient"), "");  // any resource may be contained
    EXPECT_EQ(strict("item.item.item.answerOption.value", "Questionnaire"), "");
    EXPECT_EQ(run("name.givn", "{}", {}, {.context_type = fhir::find_type("Patient")}), "");
}

TEST(Strict, RefusesOrderWhereThereIsNone) {
    const CompileOptions ordered{.check_ordered_functions = true};
    EXPECT_EQ(run("children().first()", "{}", {}, ordered), "!semantic");
    EXPECT_EQ(run("descendants().where(true).skip(1)", "{}", {}, ordered), "!semantic");
    EXPECT_EQ(run("children()[0]", "{}", {}, ordered), "!semantic");
    EXPECT_EQ(run("children().count()", "{}", {}, ordered), "0");
    EXPECT_EQ(run("children().first()"), "");
}

}  // namespace
}  // namespace xinglin::fhirpath
