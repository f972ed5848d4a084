// SPDX-License-Identifier: Apache-2.0
// Expressions made to hurt: refused, never a crash, never a hang.
#include <random>

#include <gtest/gtest.h>

#include "fhirpath/parser.h"
#include "fhirpath/trial.h"
#include "testing/testing.h"

namespace xinglin::fhirpath {
namespace {

using trial::run;

std::string repeated(std::string_view text, int times) {
    std::string out;
    for (int i = 0; i < times; ++i) out += text;
    return out;
}

TEST(Hostile, DeepNestingIsRefused) {
    constexpr int deep = 10'000;
    EXPECT_EQ(run(repeated("(", deep) + "1" + repeated(")", deep)), "!syntax");
    EXPECT_EQ(run(repeated("-", deep) + "1"), "!syntax");
    EXPECT_EQ(run("a" + repeated(".a", deep)), "!syntax");
    EXPECT_EQ(run("a" + repeated("[0]", deep)), "!syntax");
    EXPECT_EQ(run("1" + repeated(" + 1", deep)), "!syntax");
    EXPECT_EQ(run(repeated("a[", deep)), "!syntax");
    EXPECT_EQ(run(repeated("iif(true,", deep)), "!syntax");
    EXPECT_EQ(run(repeated("a.where(", deep)), "!syntax");
    EXPECT_EQ(run("1" + repeated(" is Integer", deep)), "!syntax");
    EXPECT_EQ(run(std::string(300'000, ' ') + "1"), "!syntax");
}

TEST(Hostile, ReasonableLengthIsTaken) {
    EXPECT_EQ(run("1" + repeated(" + 1", 300)), "301");
    EXPECT_EQ(run(repeated("(", 60) + "1" + repeated(")", 60)), "1");
    EXPECT_EQ(run("'a'" + repeated(".trim()", 200)), "a");
}

TEST(Hostile, EndlessWorkRunsOutOfBudget) {
    EXPECT_EQ(run("1.repeat($this + 1)"), "!execution");
    EXPECT_EQ(run("1.repeatAll(1)"), "!execution");
    EXPECT_EQ(run("1.repeatAll($this.combine($this))"), "!execution");
    std::string doubling = "(1|2)";
    for (int i = 0; i < 40; ++i) doubling += ".select($this.combine($this))";
    EXPECT_EQ(run(doubling), "!execution");
    std::string text = "'aaaaaaaaaa'";
    for (int i = 0; i < 40; ++i) text += ".replace('a', 'aaaaaaaaaa')";
    EXPECT_EQ(run(text), "!execution");
    std::string number = "9.9";
    for (int i = 0; i < 40; ++i) number = "(" + number + ").power(9)";
    EXPECT_EQ(run(number), "");
    std::string longer = "'" + std::string(1000, 'a') + "'.replace('a', '" + std::string(1000, 'b') + "')";  // a megabyte
    for (int i = 0; i < 16; ++i) longer = "(" + longer + ").select($this.combine($this))";
    EXPECT_EQ(run(longer), "!execution");  // would be 64 GB
    EXPECT_EQ(
        run("1.repeat(iif($this < 2000, $this + 1, {})).select('" + std::string(24, 'a') + "'.matches('(a|aa)+$b')).count()"),
        "!execution");
    Environment small;
    small.budget = {.steps = 50, .items = 10};
    EXPECT_EQ(run("(1|2|3|4|5|6|7|8|9).select($this.combine($this))", "{}", small), "!execution");
    EXPECT_EQ(run("1 + 1", "{}", small), "2");
}

TEST(Hostile, PatternsThatBacktrackForeverAreStopped) {
    EXPECT_EQ(run("'" + std::string(40, 'a') + "!'.matches('^(a+)+$')").substr(0, 1), "!");
    EXPECT_EQ(run("'" + std::string(5000, 'a') + "'.matches('(a|aa)*b')").substr(0, 1), "!");
    const std::string answer = run("'" + std::string(100'000, 'a') + "'.matches('^(a|b)*$')");  // deep, not slow
    EXPECT_TRUE(answer == "true" || answer == "!execution") << answer;
    EXPECT_EQ(run("'" + std::string(50'000, 'a') + "'.replaceMatches('', '" + std::string(50'000, 'b') + "')").size(), 50'000u);
    EXPECT_EQ(run("'" + std::string(50'000, 'a') + "'.replaceMatches('a', '" + std::string(50'000, 'b') + "')"), "!execution");
    EXPECT_EQ(run("'a'.matches('" + std::string(5000, '(') + "')"), "!execution");
}

TEST(Hostile, ResourcesThatAreNotWhatTheySayDoNoHarm) {
    const char* resources[] = {
        R"({"resourceType": "Patient", "name": "not an array", "birthDate": 5, "active": "yes", "gender": null, "_gender": [], "contact": [[[]]]})",
        R"({"resourceType": "Patient", "_name": 1, "_birthDate": "x", "name": [1, "a", null, {"given": {"a": 1}}], "multipleBirthInteger": "two"})",
        R"({"resourceType": 5, "value": {}})",
        R"({"resourceType": "Observation", "valueQuantity": 5, "valueString": {"a": []}, "_valueString": {}})",
        R"({"resourceType": "Observation", "valueQuantity": {"value": "5", "code": {}}, "component": {"valueQuantity": {"value": 1e400}}})",
        R"({"resourceType": "Bundle", "entry": [{"resource": null}, {"resource": "x"}, {"resource": {"resourceType": "Nonsense", "a": [1.50]}}]})",
    };
    const char* expressions[] = {"descendants()",
                                 "children().type()",
                                 "name.given",
                                 "birthDate + 1 day",
                                 "birthDate < today()",
                                 "value > 5 'mg'",
                                 "value = value",
                                 "value ~ value",
                                 "descendants().distinct()",
                                 "descendants().hasValue()",
                                 "descendants().extension('x')",
                                 "descendants().resolve()",
                                 "entry.resource.a",
                                 "descendants().select(lowBoundary())",
                                 "multipleBirth * 2",
                                 "active.not()",
                                 "component.value.toString()",
                                 "conformsTo('http://hl7.org/fhir/StructureDefinition/Patient')"};
    for (const char* resource : resources) {
        for (const char* expression : expressions) run(expression, resource);
    }
    EXPECT_EQ(run("entry.resource.a", resources[5]), "1.50");
}

/// Random expressions, mostly well formed.
class Grower {
public:
    explicit Grower(std::uint64_t seed) : engine_(seed) {}
    std::string expression(int depth) {
        constexpr const char* leaves[] = {"1",       "2.50",   "'a\\'b'", "true",       "{}",         "@2026-11-22",
                                          "@T08:15", "@2026T", "4 days",  "5 'mg'",     "$this",      "$index",
                                          "%ucum",   "name",   "`a b`",   "Patient",    "name.given", "%`vs-x`",
                                          "''",      "0",      "'1'",     "9999999999L"};
        if (depth <= 0) return pick(leaves);
        constexpr const char* binary[] = {"+",  "-", "*",  "/", "div", "mod", "&",        "|",   "<",  "<=",  ">",
                                          ">=", "=", "!=", "~", "!~",  "in",  "contains", "and", "or", "xor", "implies"};
        constexpr const char* nullary[] = {"count()",           "empty()",        "not()",      "first()",       "toString()",
                                           "toQuantity()",      "length()",       "children()", "abs()",         "type()",
                                           "is(System.String)", "ofType(string)", "distinct()", "lowBoundary()", "toDecimal()",
                                           "descendants()",     "sqrt()",         "single()",   "trim()",        "sort()"};
        constexpr const char* unary[] = {"where",  "select",    "exists",     "all",     "combine",   "union", "exclude",
                                         "repeat", "skip",      "startsWith", "indexOf", "matches",   "split", "round",
                                         "power",  "aggregate", "trace",      "sort",    "intersect", "encode"};
        switch (engine_() % 8) {
            case 0: return "(" + expression(depth - 1) + " " + pick(binary) + " " + expression(depth - 1) + ")";
            case 1: return expression(depth - 1) + " " + pick(binary) + " " + expression(depth - 1);
            case 2: return "(" + expression(depth - 1) + ")." + pick(nullary);
            case 3: return "(" + expression(depth - 1) + ")." + pick(unary) + "(" + expression(depth - 1) + ")";
            case 4: return "-" + expression(depth - 1);
            case 5: return "(" + expression(depth - 1) + ")[" + expression(depth - 2) + "]";
            case 6: return expression(depth - 1) + (engine_() % 2 ? " is " : " as ") + "Quantity";
            default: return "iif(" + expression(depth - 1) + ", " + expression(depth - 1) + ", " + expression(depth - 2) + ")";
        }
    }
    std::uint64_t number() { return engine_(); }

private:
    std::mt19937_64 engine_;
    template <std::size_t size>
    std::string pick(const char* const (&list)[size]) {
        return list[engine_() % size];
    }
};

// Printing a tree and reading it again gives the same tree, and the same answer.
TEST(Property, PrintingAndParsingAreInverse) {
    const auto seed = testing::seed();
    SCOPED_TRACE(fmt::format("XINGLIN_SEED={}", seed));
    Grower grower(seed);
    Environment environment;
    environment.now_ms = 1;
    environment.budget = {.steps = 20'000, .items = 2'000};
    int parsed = 0;
    for (int i = 0; i < 3000; ++i) {
        const std::string text = grower.expression(static_cast<int>(grower.number() % 5));
        Problem problem;
        const NodePtr once = parse(text, problem);
        if (!once) continue;
        ++parsed;
        const std::string printed = print(*once);
        const NodePtr twice = parse(printed, problem);
        ASSERT_TRUE(twice) << text << "\n" << printed << "\n" << problem.message;
        ASSERT_EQ(print(*twice), printed) << text;
        constexpr std::string_view patient = R"({"resourceType": "Patient", "name": [{"given": ["a", "b"]}, {"family": "c"}]})";
        ASSERT_EQ(run(text, patient, environment), run(printed, patient, environment)) << text << "\n" << printed;
    }
    EXPECT_GT(parsed, 2000);
}

TEST(Property, DamagedTextNeverCrashes) {
    const auto seed = testing::seed();
    SCOPED_TRACE(fmt::format("XINGLIN_SEED={}", seed));
    Grower grower(seed);
    Environment environment;
    environment.budget = {.steps = 5'000, .items = 500};
    for (int i = 0; i < 4000; ++i) {
        std::string text = grower.expression(3);
        for (std::uint64_t changes = 1 + grower.number() % 3; changes > 0 && !text.empty(); --changes) {
            const std::size_t at = grower.number() % text.size();
            switch (grower.number() % 3) {
                case 0: text[at] = static_cast<char>(grower.number()); break;
                case 1: text.erase(at, 1 + grower.number() % 4); break;
                default: text.insert(at, 1, "()[]{}'`@$%.,/\\"[grower.number() % 15]); break;
            }
        }
        run(text, R"({"resourceType": "Patient", "name": [{"given": ["a", "b"]}]})", environment);
    }
}

// What holds of sets holds of collections.
TEST(Property, CollectionsObeyTheLawsOfSets) {
    const auto seed = testing::seed();
    SCOPED_TRACE(fmt::format("XINGLIN_SEED={}", seed));
    std::mt19937_64 engine(seed);
    const auto list = [&engine] {
        std::string out = "{}";
        for (std::uint64_t i = engine() % 6; i > 0; --i)
            out = fmt::format("{}.combine({})", out, engine() % 5 == 0 ? "'x'" : std::to_string(engine() % 4));
        return out;
    };
    for (int i = 0; i < 300; ++i) {
        const std::string a = list(), b = list();
        EXPECT_EQ(run(fmt::format("({0} | {1}) ~ ({1} | {0})", a, b)), "true") << a << b;
        EXPECT_EQ(run(fmt::format("({0}).intersect({1}) ~ ({1}).intersect({0})", a, b)), "true") << a << b;
        EXPECT_EQ(run(fmt::format("({0}).exclude({1}).intersect({1}).empty()", a, b)), "true") << a << b;
        EXPECT_EQ(run(fmt::format("({0}).distinct() ~ ({0} | {{}})", a)), "true") << a;
        EXPECT_EQ(run(fmt::format("({0}).isDistinct() = (({0}).count() = ({0}).distinct().count())", a)), "true") << a;
        EXPECT_EQ(run(fmt::format("({0}).subsetOf({0} | {1}) and ({0} | {1}).supersetOf({1})", a, b)), "true") << a << b;
        EXPECT_EQ(run(fmt::format("({0}).take(2).combine(({0}).skip(2)).count() = ({0}).count()", a)), "true") << a;
    }
}

}  // namespace
}  // namespace xinglin::fhirpath
