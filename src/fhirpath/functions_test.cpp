// SPDX-License-Identifier: Apache-2.0
// Functions and operators, each line from the words (or an example) of the specification.
#include <gtest/gtest.h>

#include "fhirpath/trial.h"

namespace xinglin::fhirpath {
namespace {

using trial::run;

struct Row {
    const char* expression;
    const char* answer;
};

void expect(std::initializer_list<Row> rows) {
    for (const Row& row : rows) EXPECT_EQ(run(row.expression), row.answer) << row.expression;
}

TEST(Existence, AnswersAsSpecified) {
    expect({{"{}.empty()", "true"},
            {"{}.exists()", "false"},
            {"(1|2|3).exists($this > 2)", "true"},
            {"{}.all(false)", "true"},
            {"(1|2).all($this > 1)", "false"},
            {"{}.allTrue()", "true"},
            {"(true|false).allTrue()", "false"},
            {"(true|false).anyTrue()", "true"},
            {"{}.anyTrue()", "false"},
            {"{}.allFalse()", "true"},
            {"(true|false).anyFalse()", "true"},
            {"(1|true).allTrue()", "!execution"},
            {"(1|2).subsetOf(1|2|3)", "true"},
            {"{}.subsetOf({})", "true"},
            {"(1|4).subsetOf(1|2|3)", "false"},
            {"(1|2|3).supersetOf(2|3)", "true"},
            {"{}.supersetOf(1)", "false"},
            {"{}.count()", "0"},
            {"(1).combine(1).combine(1.0).distinct().count()", "1"},
            {"(1).combine(1).isDistinct()", "false"},
            {"{}.isDistinct()", "true"},
            {"true.not()", "false"},
            {"{}.not()", ""},
            {"'a'.not()", "false"}});
}

TEST(Filtering, AnswersAsSpecified) {
    expect({{"(1|2|3).where($this > 1)", "2, 3"},
            {"(1|2|3).where({})", ""},
            {"(1|2).where(1|2)", "!execution"},
            {"(1|2|3).select($this * 2)", "2, 4, 6"},
            {"(1|2|3).select($index)", "0, 1, 2"},
            {"('a'|'b').select($this | 'c')", "a, c, b, c"},
            {"1.repeat(iif($this < 5, $this + 1, {}))", "2, 3, 4, 5"},
            {"(1|'a'|2.0|@2026).ofType(Integer)", "1"},
            {"(1|'a').ofType(System.String)", "a"},
            {"1.ofType(Nonsense)", "!execution"},
            {"(3|1|2).sort()", "1, 2, 3"},
            {"(3|1|2).sort($this desc)", "3, 2, 1"},
            {"(3|1|2).sort(-$this)", "3, 2, 1"},
            {"('b'|'a'|'c').sort()", "a, b, c"},
            {"(1|'a').sort()", "!execution"},
            {"coalesce({}, 2, 3)", "2"}});
}

TEST(Subsetting, AnswersAsSpecified) {
    expect({{"(1|2|3)[1]", "2"},
            {"(1|2|3)[3]", ""},
            {"(1|2|3)[-1]", ""},
            {"(1|2|3)[{}]", ""},
            {"(1|2)['a']", "!execution"},
            {"1.single()", "1"},
            {"{}.single()", ""},
            {"(1|2).single()", "!execution"},
            {"(1|2|3).first()", "1"},
            {"(1|2|3).last()", "3"},
            {"(1|2|3).tail()", "2, 3"},
            {"(1|2|3).skip(2)", "3"},
            {"(1|2|3).skip(-1)", "1, 2, 3"},
            {"(1|2|3).take(2)", "1, 2"},
            {"(1|2|3).take(0)", ""},
            {"(1|2|3).skip(9)", ""},
            {"(1|2|3).intersect(3|2)", "2, 3"},
            {"1.combine(1).intersect(1)", "1"},
            {"1.combine(1).combine(2).exclude(2)", "1, 1"}});
}

TEST(Combining, AnswersAsSpecified) {
    expect({{"1.combine(1|2)", "1, 1, 2"},
            {"1.union(1|2)", "1, 2"},
            {"1 | {} | 1.0", "1"},
            {"(1|2|3).aggregate($this + $total, 0)", "6"},
            {"(1|2|3).aggregate($total + $this)", ""},
            {"(5|3|8).aggregate(iif($total.empty() or $this < $total, $this, $total))", "3"},
            {"(1|2|3).sum()", "6"},
            {"(1|2|3|4).avg()", "2.5"},
            {"(3|1|2).min()", "1"},
            {"('a'|'c').max()", "c"},
            {"{}.sum()", ""}});
}

TEST(Conversion, AnswersAsSpecified) {
    expect({{"'yes'.toBoolean()", "true"},
            {"'F'.toBoolean()", "false"},
            {"1.0.toBoolean()", "true"},
            {"2.toBoolean()", ""},
            {"'2'.convertsToBoolean()", "false"},
            {"'+12'.toInteger()", "12"},
            {"'2147483648'.toInteger()", ""},
            {"'2147483648'.toLong()", "2147483648"},
            {"1.5.toInteger()", ""},
            {"true.toInteger()", "1"},
            {"'1.50'.toDecimal()", "1.50"},
            {"'1e3'.toDecimal()", ""},
            {"'.5'.toDecimal()", ""},
            {"true.toDecimal()", "1.0"},
            {"'2014-12-14'.toDate()", "2014-12-14"},
            {"'2014-13'.toDate()", ""},
            {"@2014-12-14T10:00.toDate()", "2014-12-14"},
            {"@2014.toDateTime()", "2014"},
            {"'2014-12-14T10'.toDateTime()", "2014-12-14T10"},
            {"'10:00'.toTime()", "10:00"},
            {"'25:00'.toTime()", ""},
            {"1.toString()", "1"},
            {"@T10:00.toString()", "10:00"},
            {"5 'mg'.toString()", "5 'mg'"},
            {"'5 \\'mg\\''.toQuantity()", "5 'mg'"},
            {"'5 days'.toQuantity()", "5 days"},
            {"'5 mg'.toQuantity()", ""},
            {"'5'.toQuantity() = 5 '1'", "true"},
            {"true.toQuantity()", "1.0 '1'"},
            {"1 'kg'.toQuantity('g')", "1000 'g'"},
            {"1 'kg'.convertsToQuantity('m')", "false"},
            {"(1|2).toString()", "!execution"},
            {"{}.toInteger()", ""},
            {"{}.convertsToInteger()", ""}});
}

TEST(Strings, AnswerAsSpecified) {
    expect({{"'abcdefg'.indexOf('bc')", "1"},
            {"'abc'.indexOf('x')", "-1"},
            {"'abc'.indexOf('')", "0"},
            {"'abc abc'.lastIndexOf('a')", "4"},
            {"'abcdefg'.substring(1, 2)", "bc"},
            {"'abcdefg'.substring(7, 1)", ""},
            {"'abcdefg'.substring(-1, 1)", ""},
            {"'abcdefg'.substring(3, 0)", ""},
            {"'abcdefg'.substring(3, 0).exists()", "true"},
            {"'abcdefg'.substring(6, {})", "g"},
            {"'abc'.startsWith('')", "true"},
            {"'abc'.endsWith('bc')", "true"},
            {"'abc'.contains('b')", "true"},
            {"'abc'.contains({})", ""},
            {"'Grüße'.upper()", "GRÜSSE"},
            {"'ÀB'.lower()", "àb"},
            {"'abc'.replace('', 'x')", "xaxbxcx"},
            {"'aXbX'.replace('X', '')", "ab"},
            {"'abc'.toChars()", "a, b, c"},
            {"'杏林医院'.substring(1, 2)", "林医"},
            {"'杏林医院'.indexOf('医')", "2"},
            {"' a '.trim()", "a"},
            {"'A,,C'.split(',')", "A, , C"},
            {"('a'|'b').join('-')", "a-b"},
            {"('a'|'b').join()", "ab"},
            {"{}.join(',')", ""},
            {"(1|2).join(',')", "!execution"},
            {"1.length()", "!execution"},
            {"('a'|'b').length()", "!execution"}});
}

TEST(RegularExpressions, AnswerAsSpecified) {
    expect({{"'N8000123123'.matches('^N[0-9]{8}$')", "false"},
            {"'N8000123123'.matches('N[0-9]{8}')", "true"},
            {"'N8000123123'.matchesFull('N[0-9]{8}')", "false"},
            {"'N8000123123'.matchesFull('N[0-9]{10}')", "true"},
            {"'a\\nb'.matches('a.b')", "true"},
            {"'A'.matches('a')", "false"},
            {"'杏林'.matches('^..$')", "true"},
            {"'11/30/1972'.replaceMatches('\\\\b(?<month>\\\\d{1,2})/(?<day>\\\\d{1,2})/(?<year>\\\\d{2,4})\\\\b', "
             "'${day}-${month}-${year}')",
             "30-11-1972"},
            {"'abc'.replaceMatches('(b)', '[$1]')", "a[b]c"},
            {"'abc'.matches('(')", "!execution"},
            {"'abc'.replaceMatches('b', '$7')", "!execution"}});
}

TEST(Encoding, AnswersAsSpecified) {
    expect({{"'test'.encode('hex')", "74657374"},
            {"'74657374'.decode('hex')", "test"},
            {"'7'.decode('hex')", ""},
            {"'subjects?_d'.encode('base64')", "c3ViamVjdHM/X2Q="},
            {"'c3ViamVjdHM_X2Q='.decode('urlbase64')", "subjects?_d"},
            {"'a'.encode('rot13')", ""},
            {"'<a & \"b\">'.escape('html')", "&lt;a &amp; &quot;b&quot;&gt;"},
            {"'&lt;&#65;&#x42;&nbsp;&bogus;'.unescape('html')", "<AB\u00A0&bogus;"},
            {"'a\\n\"'.escape('json')", "a\\n\\\""},
            {"'\\\\u0041\\\\\"'.unescape('json')", "A\""},
            {"{}.encode('hex')", ""},
            {"'ff'.decode('hex')", ""}});
}

TEST(Math, AnswersAsSpecified) {
    expect({{"(-5).abs()", "5"},
            {"(-5.5 'mg').abs()", "5.5 'mg'"},
            {"(-1.1).ceiling()", "-1"},
            {"(-2.1).floor()", "-3"},
            {"(-1.56).truncate()", "-1"},
            {"3.14159.round(3)", "3.142"},
            {"(-1.5).round()", "-2"},
            {"1.5.round(-1)", "!execution"},
            {"0.exp()", "1"},
            {"1.ln()", "0"},
            {"16.log(2)", "4"},
            {"100.0.log(10.0)", "2"},
            {"0.ln()", ""},
            {"2.power(3)", "8"},
            {"2.5.power(2)", "6.25"},
            {"(-1).power(0.5)", ""},
            {"2.power(-1)", "0.5"},
            {"2.power(31)", ""},
            {"81.sqrt()", "9"},
            {"(-1).sqrt()", ""},
            {"'a'.sqrt()", "!execution"},
            {"(1|2).abs()", "!execution"},
            {"{}.round(2)", ""}});
}

TEST(Arithmetic, IsExactAndOverflowIsEmpty) {
    expect({{"0.1 + 0.2 = 0.3", "true"},
            {"1.1 * 1.1", "1.21"},
            {"1 / 3", "0.3333333333333333333333333333"},
            {"2 / 3", "0.6666666666666666666666666667"},
            {"5 div 2", "2"},
            {"-5 div 2", "-2"},
            {"5.5 div 0.7", "7"},
            {"5.5 mod 0.7", "0.6"},
            {"-5 mod 3", "-2"},
            {"1 / 0", ""},
            {"1 div 0", ""},
            {"1 mod 0.0", ""},
            {"2147483647 + 1", ""},
            {"2147483647 * 2", ""},
            {"2147483648 + 1", "2147483649"},
            {"9223372036854775807 + 1", ""},
            {"1 + 'a'", "!execution"},
            {"'a' + 'b'", "ab"},
            {"'a' + {}", ""},
            {"'a' & {} & 'b'", "ab"},
            {"1 + 2.50", "3.50"},
            {"+5", "5"},
            {"-{}", ""},
            {"-'a'", "!execution"},
            {"(1|2) + 1", "!execution"}});
}

TEST(Equality, AnswersAsSpecified) {
    expect({{"{} = {}", ""},
            {"1 = {}", ""},
            {"1 = 1.0", "true"},
            {"1 = 'a'", "false"},
            {"(1|2) = (2|1)", "false"},
            {"(1|2) ~ (2|1)", "true"},
            {"{} ~ {}", "true"},
            {"1 ~ {}", "false"},
            {"'abc' ~ 'A B'", "false"},
            {"'a\\tB' ~ 'A b'", "true"},
            {"1.20 ~ 1.2", "true"},
            {"1.234 ~ 1.23", "true"},
            {"1.24 ~ 1.23", "false"},
            {"@2012 = @2012-01", ""},
            {"@2012 = @2013-01", "false"},
            {"@2012 ~ @2012-01", "false"},
            {"@2012-01-01T10:30:31.0 = @2012-01-01T10:30:31", "true"},
            {"@T10:30 = @T10:30:00", ""},
            {"@2012 = 'a'", "false"},
            {"1 'g' = 1000 'mg'", "true"},
            {"1 'g' = 1 'm'", "false"},
            {"1 'g' ~ 1 'm'", "false"},
            {"1 year = 1 'a'", ""},
            {"1 year ~ 1 'a'", "true"},
            {"1 second = 1 's'", "true"},
            {"1 'nonsense' = 2 'other'", ""},
            {"1 != 1", "false"},
            {"1 !~ 2", "true"}});
}

TEST(Comparison, AnswersAsSpecified) {
    expect({{"10 > 5.0", "true"},
            {"'abc' > 'ABC'", "true"},
            {"4 'm' > 4 'cm'", "true"},
            {"@2018-03 > @2018-03-01", ""},
            {"@2018-04 > @2018-03-01", "true"},
            {"@2018-03-01T10:30:00 > @2018-03-01T10:30:00.0", "false"},
            {"@T10 > @T10:30", ""},
            {"1 > 'a'", "!execution"},
            {"true > false", "!execution"},
            {"1 > {}", ""},
            {"(1|2) > 1", "!execution"},
            {"1 year > 1 'a'", ""},
            {"10 seconds > 1 's'", "true"},
            {"1 'm' < 1 'g'", ""},
            {"@2018 < @T10", "!execution"},
            {"@2017-11-05T01:30:00.0-04:00 < @2017-11-05T01:15:00.0-05:00", "true"},
            {"@2012-04-15T15:00:00Z < @2012-04-18T10:00:00", "true"},
            {"@2012-04-15T15:00:00Z = @2012-04-15T10:00:00", ""}});
}

TEST(Logic, IsThreeValued) {
    const char* values[] = {"true", "false", "{}"};
    const char* answers[4][9] = {
        {"true", "false", "", "false", "false", "false", "", "false", ""},  // and
        {"true", "true", "true", "true", "false", "", "true", "", ""},      // or
        {"false", "true", "", "true", "false", "", "", "", ""},             // xor
        {"true", "false", "", "true", "true", "true", "true", "", ""},      // implies
    };
    const char* operators[] = {"and", "or", "xor", "implies"};
    for (int o = 0; o < 4; ++o) {
        for (int i = 0; i < 9; ++i) {
            const std::string text = fmt::format("{} {} {}", values[i / 3], operators[o], values[i % 3]);
            EXPECT_EQ(run(text), answers[o][i]) << text;
        }
    }
    EXPECT_EQ(run("'x' and 1"), "true");
    EXPECT_EQ(run("(1|2) and true"), "!execution");
}

TEST(Membership, UsesEquality) {
    expect({{"1 in (1|2)", "true"},
            {"3 in (1|2)", "false"},
            {"{} in (1|2)", ""},
            {"1 in {}", "false"},
            {"(1|2) in (1|2)", "!execution"},
            {"(1|2) contains 2", "true"},
            {"{} contains 1", "false"},
            {"(1|2) contains {}", ""}});
}

TEST(TypesOfValues, AreToldApart) {
    expect({{"1 is Integer", "true"},
            {"1 is System.Integer", "true"},
            {"1 is Decimal", "false"},
            {"1.0 is Decimal", "true"},
            {"'a' is String", "true"},
            {"1 is Any", "true"},
            {"{} is Integer", ""},
            {"1 is Nonsense", "!execution"},
            {"(1|2) is Integer", "!execution"},
            {"1 as Integer", "1"},
            {"1 as String", ""},
            {"1 'mg' is Quantity", "true"},
            {"1 is string", "false"},
            {"1.type().name", "Integer"},
            {"@2026T.type().namespace & '.' & @2026T.type().name", "System.DateTime"}});
}

TEST(Utility, DefinesVariablesWithinTheirScope) {
    expect({{"defineVariable('x', 5).select(%x + 1).count()", "1"},
            {"(1|2).defineVariable('n').select(%n.count())", "2, 2"},
            {"(1|2).select(defineVariable('y', $this * 10).select(%y))", "10, 20"},
            {"(1|2).select(defineVariable('z')).select(%z)", "!execution"},
            {"1.defineVariable('a').defineVariable('a')", "!execution"},
            {"1.defineVariable('context')", "!execution"},
            {"1.defineVariable('a', 2).select(%a) | 1.defineVariable('a', 3).select(%a)", "2, 3"}});
}

TEST(Utility, EvaluatesOnlyTheBranchThatIsAskedFor) {
    expect({{"iif(true, 'yes', (1|2).single())", "yes"},
            {"iif(false, (1|2).single(), 'no')", "no"},
            {"iif({}, 1)", ""},
            {"iif(1|2, 1, 2)", "!execution"},
            {"iif('text', 1, 2)", "!semantic"},
            {"('a'|'b').iif(true, 1, 2)", "!execution"},
            {"'a'.iif($this = 'a', 'was a', 'other')", "was a"}});
}

TEST(Utility, TracesWithoutChangingAnything) {
    Environment environment;
    std::string log;
    environment.trace = [&log](std::string_view name, const Collection& items) {
        log += fmt::format("{}={};", name, trial::show(items));
    };
    EXPECT_EQ(run("(1|2).trace('a').where($this > 1).trace('b', $this * 10)", "{}", environment), "2");
    EXPECT_EQ(log, "a=1, 2;b=20;");
}

TEST(CurrentTime, StandsStillWithinAnEvaluation) {
    Environment environment;
    environment.now_ms = 1'795'305'600'000;  // 2026-11-22T00:00:00Z
    environment.offset_minutes = 8 * 60;
    EXPECT_EQ(run("now()", "{}", environment), "2026-11-22T08:00:00.000+08:00");
    EXPECT_EQ(run("today()", "{}", environment), "2026-11-22");
    EXPECT_EQ(run("timeOfDay()", "{}", environment), "08:00:00.000");
    EXPECT_EQ(run("(1|2|3).select(now()).distinct().count()"), "1");
}

TEST(Boundaries, SpanWhatTheValueMayMean) {
    expect({{"1.587.lowBoundary()", "1.58650000"},
            {"1.587.highBoundary()", "1.58750000"},
            {"(-1.587).lowBoundary(2)", "-1.59"},
            {"1.lowBoundary(0)", "0"},
            {"1.587.lowBoundary(-1)", ""},
            {"1.587.lowBoundary(99)", ""},
            {"@2014.lowBoundary()", "2014-01-01"},
            {"@2014.highBoundary()", "2014-12-31"},
            {"@2012-02.highBoundary()", "2012-02-29"},
            {"@2014-01-01T08:05.lowBoundary()", "2014-01-01T08:05:00.000+14:00"},
            {"@2014-01-01T08:05Z.highBoundary()", "2014-01-01T08:05:59.999Z"},
            {"@T10.highBoundary(4)", "10:00"},
            {"@2014.lowBoundary(5)", ""},
            {"'a'.lowBoundary()", "!execution"},
            {"@2014-01-05T10:30:00.000.precision()", "17"},
            {"@T10:30.precision()", "4"},
            {"1.50.precision()", "2"},
            {"@2014-01-05T10:30:00.002-07:00.timezoneOffsetOf()", "-7.0"},
            {"@2014-01-05T10:30:00.002.millisecondOf()", "2"},
            {"@2014.monthOf()", ""},
            {"@2014-01-05T10:30.dateOf()", "2014-01-05"},
            {"@2014-01-05T10:30.timeOf()", "10:30"},
            {"@2014-01-05T10:30.yearOf()", "2014"}});
}

}  // namespace
}  // namespace xinglin::fhirpath
