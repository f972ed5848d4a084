// SPDX-License-Identifier: Apache-2.0
// Questions about the built-in tables, and about definitions handed in.
#include "terminology/terminology.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "testing/testing.h"

namespace xinglin::terminology {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr std::string_view icd10 = "urn:oid:2.16.156.10011.2.3.3.11";
constexpr std::string_view sex = "urn:oid:2.16.156.10011.2.3.3.4";
constexpr std::string_view disease = "urn:xinglin:codesystem:notifiable-disease";

/// Definitions as users would have written them.
struct Written {
    std::int64_t position = 0;
    std::vector<std::pair<std::string, std::string>> resources;  // "ValueSet/a", body

    void put(const std::string& type, const std::string& id, const std::string& body) {
        ++position;
        std::erase_if(resources, [&](const auto& one) { return one.first == type + "/" + id; });
        resources.emplace_back(type + "/" + id, body);
    }
    Stored stored() {
        return {[this] { return position; },
                [this](const Stored::Each& each) {
                    for (const auto& [name, body] : resources) {
                        const std::size_t slash = name.find('/');
                        each(name.substr(0, slash), name.substr(slash + 1),
                             static_cast<std::int64_t>(std::hash<std::string>()(body) >> 1), body);
                    }
                },
                [this](std::string_view type, std::string_view id) -> std::optional<std::string> {
                    for (const auto& [name, body] : resources) {
                        if (name == std::string(type) + "/" + std::string(id)) return body;
                    }
                    return std::nullopt;
                }};
    }
};

class TerminologyTest : public ::testing::Test {
protected:
    content::Files files_;
    testing::StoppedClock clock_;  // 2026-11-22
    Written written_;
    Terminology terminology_{files_, clock_, written_.stored()};
    json::Arena arena_;

    json::Value parse(std::string_view text) { return json::parse(text, arena_).value(); }
    static std::vector<std::string> codes(const std::vector<Expanded>& concepts) {
        std::vector<std::string> all;
        for (const Expanded& one : concepts) all.push_back(one.code);
        return all;
    }
    std::vector<std::string> found(std::string_view url, std::string_view words, std::size_t count = 10) {
        const auto expansion = terminology_.expand({.url = url, .filter = words, .count = count});
        EXPECT_TRUE(expansion.ok()) << expansion.outcome().line();
        return expansion.ok() ? codes(expansion->concepts) : std::vector<std::string>();
    }
    std::vector<std::string> expanded(std::string_view compose) {
        const auto expansion = terminology_.expand(
            {.inline_definition = parse(R"({"resourceType":"ValueSet","compose":)" + std::string(compose) + "}"),
             .nested = false});
        EXPECT_TRUE(expansion.ok()) << expansion.outcome().line();
        return expansion.ok() ? codes(expansion->concepts) : std::vector<std::string>();
    }
    Outcome refusal(std::string_view compose) {
        const auto expansion = terminology_.expand(
            {.inline_definition = parse(R"({"resourceType":"ValueSet","compose":)" + std::string(compose) + "}")});
        EXPECT_FALSE(expansion.ok());
        return expansion.ok() ? Outcome() : expansion.outcome();
    }
};

TEST_F(TerminologyTest, EveryBuiltInTableCanBeRead) {
    EXPECT_THAT(terminology_.troubles(), IsEmpty());
    std::size_t concepts = 0, systems = 0;
    for (const SystemRow& row : terminology_.systems()) {
        for (const std::string& version : row.versions) {
            const auto page = terminology_.concepts({.system = row.url, .version = version, .count = 1});
            ASSERT_TRUE(page.ok()) << row.url << " " << page.outcome().line();
        }
        ++systems;
        if (row.count > 0) concepts += static_cast<std::size_t>(row.count);
    }
    EXPECT_GT(systems, 1000u);
    EXPECT_GT(concepts, 60'000u);
}

TEST_F(TerminologyTest, EveryValueSetOfR4CanBeWorkedOutOrSaysWhyNot) {
    std::size_t enumerable = 0, not_here = 0;
    for (const SetRow& row : terminology_.value_sets()) {
        const auto expansion = terminology_.expand({.url = row.url, .count = 5});
        if (expansion.ok()) {
            ++enumerable;
            continue;
        }
        EXPECT_TRUE(expansion.outcome().code() == IssueCode::not_supported || expansion.outcome().code() == IssueCode::not_found)
            << row.url << ": " << expansion.outcome().line();
        ++not_here;
    }
    EXPECT_GT(enumerable, 1'000u);
    EXPECT_LT(not_here, 200u);
}

TEST_F(TerminologyTest, LooksUpAConceptInBothLanguages) {
    const auto male = terminology_.lookup({.system = sex, .code = "1"});
    ASSERT_TRUE(male.ok()) << male.outcome().line();
    EXPECT_EQ(male->display, "男");
    EXPECT_EQ(male->display_en, "Male");
    EXPECT_EQ(terminology_.lookup({.system = sex, .code = "1", .language = "en"})->display, "Male");
    const auto cholera = terminology_.lookup({.system = icd10, .code = "A00.900x002"});
    ASSERT_TRUE(cholera.ok());
    EXPECT_EQ(cholera->display, "霍乱轻型");
    EXPECT_EQ(cholera->parents.front().code, "A00.900");
    EXPECT_EQ(terminology_.lookup({.system = icd10, .code = "A00.999"}).outcome().code(), IssueCode::not_found);
    EXPECT_EQ(terminology_.lookup({.system = "urn:x", .code = "1"}).outcome().issues.front().where, "system");
}

TEST_F(TerminologyTest, FindsByChineseCodePinyinAndInitials) {
    const std::string_view all = "urn:xinglin:valueset:icd-10";
    EXPECT_EQ(found(all, "霍乱").front(), "A00");
    EXPECT_THAT(found(all, "A00.9", 3), ::testing::Contains("A00.900"));
    EXPECT_EQ(found(all, "a00.900").front(), "A00.900");
    EXPECT_THAT(found(all, "huoluan", 3), ::testing::Contains("A00.900"));
    EXPECT_THAT(found(all, "gaoxueya", 20), ::testing::Contains("I10.x00x002"));
    EXPECT_THAT(found(all, "gxy", 20), ::testing::Contains("I10.x00x002"));
    EXPECT_THAT(found(all, "dcpz", 50), ::testing::Contains("B00.902")) << "单纯疱疹 is dan, not the surname Shan";
    EXPECT_THAT(found(all, "2型 糖尿病", 200), ::testing::Contains("E11.900"));
    EXPECT_THAT(found(all, "no such thing at all"), IsEmpty());
    EXPECT_THAT(found(all, "\n\x1f"), IsEmpty());
    const auto middle = terminology_.concepts({.system = icd10, .words = "uoluan"});
    EXPECT_EQ(middle->total, 0u) << "pinyin begins with a syllable";
}

TEST_F(TerminologyTest, PagesAFilteredExpansionWithItsTotal) {
    const auto first = terminology_.expand({.url = "urn:xinglin:valueset:icd-10", .filter = "结核", .count = 7});
    ASSERT_TRUE(first.ok());
    EXPECT_EQ(first->concepts.size(), 7u);
    EXPECT_GT(first->total, 200u);
    std::vector<std::string> paged;
    for (std::size_t offset = 0; offset < first->total; offset += 50) {
        const auto page =
            terminology_.expand({.url = "urn:xinglin:valueset:icd-10", .filter = "结核", .offset = offset, .count = 50});
        for (const auto& code : codes(page->concepts)) paged.push_back(code);
    }
    EXPECT_EQ(paged.size(), first->total);
    EXPECT_EQ(std::set<std::string>(paged.begin(), paged.end()).size(), paged.size()) << "no page repeats another";
}

TEST_F(TerminologyTest, FindsByTheNamesThatAValueSetGives) {
    const auto set = parse(R"({"resourceType":"ValueSet","compose":{"include":[{"system":")" + std::string(sex) +
                           R"(","concept":[{"code":"1","display":"先生"},{"code":"2"}]}]}})");
    EXPECT_THAT(codes(terminology_.expand({.inline_definition = set, .filter = "先生"})->concepts), ElementsAre("1"));
    EXPECT_EQ(terminology_.expand({.inline_definition = set})->concepts.front().display, "先生");
    EXPECT_TRUE(terminology_.validate({.inline_definition = set, .system = sex, .code = "1", .display = "先生"})->result);
}

TEST_F(TerminologyTest, ExpandsAsTheTreeOfTheSystem) {
    const auto education = terminology_.expand({.url = "urn:xinglin:valueset:education-gbt4658"});
    ASSERT_TRUE(education.ok());
    ASSERT_FALSE(education->concepts.empty());
    EXPECT_EQ(education->concepts.front().code, "10");
    EXPECT_EQ(education->concepts.front().contains.size(), 9u);
    EXPECT_EQ(education->total, 40u);
    const auto flat = terminology_.expand({.url = "urn:xinglin:valueset:education-gbt4658", .nested = false});
    EXPECT_EQ(flat->concepts.size(), 40u);
    EXPECT_THAT(education->used_systems, ElementsAre("urn:oid:2.16.156.10011.2.3.3.6|2006"));
}

TEST_F(TerminologyTest, TooLargeAnExpansionAsksForPages) {
    const auto all = terminology_.expand({.url = "urn:xinglin:valueset:icd-10"});
    ASSERT_FALSE(all.ok());
    EXPECT_EQ(all.outcome().code(), IssueCode::too_costly);
    EXPECT_THAT(all.outcome().line(), HasSubstr("offset and count"));
}

TEST_F(TerminologyTest, AppliesEveryFilterOperator) {
    const auto with = [&](std::string_view property, std::string_view op, std::string_view value,
                          std::string_view system = "urn:oid:2.16.156.10011.2.3.3.5") {
        return expanded(fmt::format(R"({{"include":[{{"system":"{}","filter":[{{"property":"{}","op":"{}","value":"{}"}}]}}]}})",
                                    system, property, op, value));
    };
    EXPECT_THAT(with("concept", "is-a", "20"), ElementsAre("20", "21", "22", "23"));
    EXPECT_THAT(with("concept", "descendent-of", "20"), ElementsAre("21", "22", "23"));
    EXPECT_THAT(with("concept", "is-not-a", "20"), ElementsAre("10", "30", "40", "90"));
    EXPECT_THAT(with("concept", "generalizes", "22"), ElementsAre("20", "22"));
    EXPECT_THAT(with("parent", "=", "20"), ElementsAre("21", "22", "23"));
    EXPECT_THAT(with("code", "in", "10, 40"), ElementsAre("10", "40"));
    EXPECT_THAT(with("code", "not-in", "10,20,21,22,23"), ElementsAre("30", "40", "90"));
    EXPECT_THAT(with("code", "regex", "[34]0"), ElementsAre("30", "40"));
    EXPECT_THAT(with("display", "=", "丧偶"), ElementsAre("30"));
    EXPECT_THAT(with("parent", "exists", "true"), ElementsAre("21", "22", "23"));
    EXPECT_THAT(with("parent", "exists", "false"), ElementsAre("10", "20", "30", "40", "90"));
    EXPECT_EQ(with("class", "=", "甲", disease), (std::vector<std::string>{"plague", "cholera"}));
}

TEST_F(TerminologyTest, RefusesFiltersThatMakeNoSense) {
    const auto with = [&](std::string_view property, std::string_view op, std::string_view value) {
        return refusal(fmt::format(R"({{"include":[{{"system":"{}","filter":[{{"property":"{}","op":"{}","value":"{}"}}]}}]}})",
                                   sex, property, op, value));
    };
    EXPECT_EQ(with("concept", "is-a", "77").issues.front().where, "ValueSet.compose.include[0].filter[0].value");
    EXPECT_EQ(with("concept", "resembles", "1").code(), IssueCode::not_supported);
    EXPECT_EQ(with("display", "is-a", "1").code(), IssueCode::not_supported);
    EXPECT_EQ(with("code", "regex", "(").code(), IssueCode::invalid);
    EXPECT_EQ(with("parent", "exists", "maybe").code(), IssueCode::value);
    EXPECT_EQ(refusal(R"({"include":[{}]})").code(), IssueCode::required);
}

TEST_F(TerminologyTest, ARegularExpressionThatNeverEndsIsTooCostly) {
    std::string rows;
    for (int i = 0; i < 200; ++i)
        rows += fmt::format(R"({}{{"code":"c{}","display":"{}b"}})", i ? "," : "", i, std::string(200, 'a'));
    written_.put("CodeSystem", "a",
                 R"({"resourceType":"CodeSystem","url":"urn:a","content":"complete","concept":[)" + rows + "]}");
    const Outcome outcome =
        refusal(R"({"include":[{"system":"urn:a","filter":[{"property":"display","op":"regex","value":"(a*)*(a*)*(a*)*c"}]}]})");
    EXPECT_EQ(outcome.code(), IssueCode::too_costly);
}

TEST_F(TerminologyTest, IncludesAreJoinedAndImportsWithinOneIntersect) {
    const std::string s(sex);
    EXPECT_THAT(expanded(R"({"include":[{"system":")" + s + R"(","concept":[{"code":"2"}]},{"system":")" + s +
                         R"(","concept":[{"code":"1"},{"code":"2"},{"code":"no"}]}]})"),
                ElementsAre("2", "1"));
    written_.put("ValueSet", "a",
                 R"({"resourceType":"ValueSet","url":"urn:vs:a","compose":{"include":[{"system":")" + s +
                     R"(","concept":[{"code":"0"},{"code":"1"}]}]}})");
    written_.put("ValueSet", "b",
                 R"({"resourceType":"ValueSet","url":"urn:vs:b","compose":{"include":[{"system":")" + s +
                     R"(","concept":[{"code":"1"},{"code":"2"}]}]}})");
    terminology_.refresh();
    EXPECT_THAT(expanded(R"({"include":[{"valueSet":["urn:vs:a","urn:vs:b"]}]})"), ElementsAre("1"));
    EXPECT_THAT(expanded(R"({"include":[{"valueSet":["urn:vs:a"]},{"valueSet":["urn:vs:b"]}]})"), ElementsAre("0", "1", "2"));
    EXPECT_THAT(
        expanded(R"({"include":[{"system":")" + s + R"(","valueSet":["urn:vs:b"]}],"exclude":[{"valueSet":["urn:vs:a"]}]})"),
        ElementsAre("2"));
}

TEST_F(TerminologyTest, ACircleOfValueSetsIsNamed) {
    written_.put("ValueSet", "a", R"({"resourceType":"ValueSet","url":"urn:a","compose":{"include":[{"valueSet":["urn:b"]}]}})");
    written_.put("ValueSet", "b", R"({"resourceType":"ValueSet","url":"urn:b","compose":{"include":[{"valueSet":["urn:a"]}]}})");
    const auto expansion = terminology_.expand({.url = "urn:a"});
    ASSERT_FALSE(expansion.ok());
    EXPECT_EQ(expansion.outcome().code(), IssueCode::invariant);
    EXPECT_THAT(expansion.outcome().line(), HasSubstr("urn:a → urn:b → urn:a"));
    EXPECT_EQ(terminology_.has("urn:a", "urn:x", "1"), std::nullopt);
}

TEST_F(TerminologyTest, UnknownSystemsAndSetsAreNamed) {
    EXPECT_THAT(refusal(R"({"include":[{"system":"http://loinc.org"}]})").line(),
                HasSubstr("http://loinc.org has no content here"));
    EXPECT_EQ(refusal(R"({"include":[{"valueSet":["urn:none"]}]})").issues.front().where,
              "ValueSet.compose.include[0].valueSet[0]");
    EXPECT_EQ(terminology_.expand({.url = "urn:none"}).outcome().code(), IssueCode::not_found);
    EXPECT_THAT(expanded(R"({"include":[{"system":"http://loinc.org","concept":[{"code":"8480-6","display":"Systolic"}]}]})"),
                ElementsAre("8480-6"));
    const auto set = parse(R"({"resourceType":"ValueSet","compose":{"include":[{"system":"http://loinc.org"}]}})");
    const auto verdict = terminology_.validate({.inline_definition = set, .system = "http://loinc.org", .code = "8480-6"});
    ASSERT_TRUE(verdict.ok());
    EXPECT_TRUE(verdict->unknown);
}

TEST_F(TerminologyTest, KnowsImplicitValueSets) {
    EXPECT_EQ(terminology_.expand({.url = "urn:oid:2.16.156.10011.2.3.3.4?fhir_vs"})->total, 4u);
    EXPECT_EQ(terminology_.expand({.url = "urn:oid:2.16.156.10011.2.3.3.5?fhir_vs=isa/20"})->total, 4u);
    EXPECT_EQ(terminology_.expand({.url = "urn:nothing?fhir_vs"}).outcome().code(), IssueCode::not_found);
}

TEST_F(TerminologyTest, ValidatesCodesAndDisplays) {
    const std::string_view set = "urn:xinglin:valueset:sex-gbt2261.1";
    EXPECT_TRUE(terminology_.validate({.value_set = set, .system = sex, .code = "1"})->result);
    EXPECT_TRUE(terminology_.validate({.value_set = set, .system = sex, .code = "1", .display = "MALE"})->result);
    const auto wrong = terminology_.validate({.value_set = set, .system = sex, .code = "1", .display = "女"});
    EXPECT_FALSE(wrong->result);
    EXPECT_THAT(wrong->message, HasSubstr("男"));
    EXPECT_FALSE(terminology_.validate({.value_set = set, .system = sex, .code = "3"})->result);
    EXPECT_EQ(terminology_.validate({.value_set = set, .code = "2"})->system, sex) << "the system follows from the set";
    EXPECT_FALSE(terminology_.validate({.value_set = set, .system = "urn:other", .code = "1"})->result);
    EXPECT_FALSE(terminology_.validate({.system = icd10, .code = "A00"})->result) << "a heading";
    EXPECT_TRUE(terminology_.validate({.system = icd10, .code = "A00", .abstract_allowed = true})->result);
    EXPECT_TRUE(terminology_.validate({.system = "urn:unknown", .code = "1"})->unknown);
    EXPECT_EQ(terminology_.has("http://hl7.org/fhir/ValueSet/administrative-gender", "http://hl7.org/fhir/administrative-gender",
                               "male"),
              true);
    EXPECT_EQ(terminology_.has("http://hl7.org/fhir/ValueSet/administrative-gender", "http://hl7.org/fhir/administrative-gender",
                               "man"),
              false);
    EXPECT_EQ(terminology_.has("urn:none", "", "male"), std::nullopt);
}

TEST_F(TerminologyTest, SubsumptionFollowsTheHierarchy) {
    EXPECT_EQ(*terminology_.subsumes(icd10, "", "A00", "A00.900x002"), "subsumes");
    EXPECT_EQ(*terminology_.subsumes(icd10, "", "A00.900x002", "A00-B99"), "subsumed-by");
    EXPECT_EQ(*terminology_.subsumes(icd10, "", "A00", "A00"), "equivalent");
    EXPECT_EQ(*terminology_.subsumes(icd10, "", "A00", "A01.000"), "not-subsumed");
    EXPECT_EQ(terminology_.subsumes(icd10, "", "A00", "nothing").outcome().issues.front().where, "codeB");
    EXPECT_THAT(*terminology_.codes_below("urn:oid:2.16.156.10011.2.3.3.5", "20"), ElementsAre("20", "21", "22", "23"));
    EXPECT_THAT(*terminology_.codes_below("urn:oid:2.16.156.10011.2.3.3.5", "22", Terminology::Direction::above),
                ElementsAre("22", "20"));
}

TEST_F(TerminologyTest, TranslatesBothWays) {
    const auto there =
        terminology_.translate({.map = "urn:xinglin:conceptmap:sex-to-administrative-gender", .system = sex, .code = "1"});
    ASSERT_TRUE(there.ok()) << there.outcome().line();
    ASSERT_EQ(there->matches.size(), 1u);
    EXPECT_TRUE(there->result);
    EXPECT_EQ(there->matches[0].concept_.code, "male");
    EXPECT_EQ(there->matches[0].concept_.display, "Male");
    EXPECT_EQ(there->matches[0].equivalence, "equivalent");
    const auto back = terminology_.translate(
        {.map = "urn:xinglin:conceptmap:sex-to-administrative-gender", .code = "unknown", .reverse = true});
    ASSERT_EQ(back->matches.size(), 2u);
    EXPECT_EQ(back->matches[1].equivalence, "narrower") << "9 was wider on the way there";
    const auto any =
        terminology_.translate({.system = icd10, .code = "I10.x00x002", .target_system = "http://hl7.org/fhir/sid/icd-10"});
    ASSERT_EQ(any->matches.size(), 1u);
    EXPECT_EQ(any->matches[0].concept_.code, "I10");
    const auto none = terminology_.translate({.map = "urn:xinglin:conceptmap:id-document-to-v2-0203", .code = "06"});
    EXPECT_FALSE(none->result);
    EXPECT_EQ(terminology_.translate({.map = "urn:none", .code = "1"}).outcome().code(), IssueCode::not_found);
}

TEST_F(TerminologyTest, ADatePicksTheEditionInForce) {
    EXPECT_EQ(terminology_.lookup({.system = disease, .code = "plague"})->version, "2025");
    EXPECT_EQ(terminology_.lookup({.system = disease, .code = "h7n9", .date = "2025-08-31"})->version, "2013");
    EXPECT_EQ(terminology_.lookup({.system = disease, .code = "h7n9"}).outcome().code(), IssueCode::not_found);
    EXPECT_TRUE(terminology_.lookup({.system = disease, .version = "2013", .code = "h7n9"}).ok());
    EXPECT_EQ(terminology_.expand({.url = "urn:xinglin:valueset:notifiable-disease", .date = "2025-08-31"})->total, 41u);
    EXPECT_EQ(terminology_.expand({.url = "urn:xinglin:valueset:notifiable-disease", .date = "2025-09-01"})->total, 40u);
}

TEST_F(TerminologyTest, AnImportedEditionStandsBesideTheOthers) {
    const auto made = terminology_.edition_resource(
        {.system = sex,
         .version = "2030",
         .from = "2026-06-01",
         .csv = "code,display,display_en,parent,active\n1,男性,Man,,\n2,女性,Woman,,\n3,其他,Other,,false\n"},
        arena_);
    ASSERT_TRUE(made.ok()) << made.outcome().line();
    written_.put("CodeSystem", std::string((*made)["id"].string()), json::write(*made));
    terminology_.refresh();
    EXPECT_EQ(terminology_.lookup({.system = sex, .code = "1"})->display, "男性");
    EXPECT_EQ(terminology_.lookup({.system = sex, .code = "1", .language = "en"})->display, "Man");
    EXPECT_EQ(terminology_.lookup({.system = sex, .code = "1", .date = "2026-05-31"})->display, "男");
    EXPECT_EQ(terminology_.lookup({.system = sex, .version = "2003", .code = "1"})->display, "男");
    const auto inactive = terminology_.validate({.system = sex, .code = "3"});
    EXPECT_TRUE(inactive->result);
    EXPECT_TRUE(inactive->inactive);
    EXPECT_EQ(terminology_.expand({.url = "urn:xinglin:valueset:sex-gbt2261.1", .active_only = true})->total, 2u);
}

TEST_F(TerminologyTest, BrokenTablesNameLineAndColumn) {
    const auto where = [&](std::string_view csv) {
        const auto made = terminology_.edition_resource({.system = "urn:a", .version = "1", .csv = csv}, arena_);
        EXPECT_FALSE(made.ok()) << csv;
        return made.ok() ? std::string() : made.outcome().issues.front().where;
    };
    EXPECT_EQ(where(""), "line 1");
    EXPECT_EQ(where("name,display\n"), "line 1");
    EXPECT_EQ(where("code,code,display\n"), "line 1, column 2");
    EXPECT_EQ(where("code,display\n1\n"), "line 2, column 1 (code)");
    EXPECT_EQ(where("code,display\n1,a\n,b\n"), "line 3, column 1 (code)");
    EXPECT_EQ(where("code,display\n1,\"a\nb\n"), "line 2, column 2");
    EXPECT_EQ(where("code,display\n1,\"a\"b\n"), "line 2, column 2");
    EXPECT_EQ(where("code,display,active\n1,a,perhaps\n"), "line 2, column 3 (active)");
    EXPECT_EQ(where("code,display\n1,a\n1,b\n"), "concept.code");
    EXPECT_EQ(where("code,display,parent\n1,a,9\n"), "concept.parent");
    EXPECT_EQ(where("code,display,parent\n1,a,2\n2,b,1\n"), "concept.parent");
    EXPECT_EQ(where("code,display\n"), "line 2");
    EXPECT_EQ(where("code,display\n1,\xff\n"), "body");
    EXPECT_TRUE(terminology_
                    .edition_resource({.system = "urn:a",
                                       .version = "1",
                                       .csv = "\xEF\xBB\xBF"
                                              "code,display\r\n\"1\",\"a \"\"b\"\"\"\r\n"},
                                      arena_)
                    .ok());
}

TEST_F(TerminologyTest, WhatUsersWriteIsUsedAndForgottenWithThem) {
    EXPECT_EQ(terminology_.has("urn:mine", "urn:s", "x"), std::nullopt);
    written_.put(
        "CodeSystem", "s",
        R"({"resourceType":"CodeSystem","url":"urn:s","content":"complete","concept":[{"code":"x","concept":[{"code":"y"}]}]})");
    written_.put("ValueSet", "mine",
                 R"({"resourceType":"ValueSet","url":"urn:mine","compose":{"include":[{"system":"urn:s"}]}})");
    terminology_.refresh();
    EXPECT_EQ(terminology_.has("urn:mine", "urn:s", "y"), true);
    written_.put(
        "ValueSet", "mine",
        R"({"resourceType":"ValueSet","url":"urn:mine","compose":{"include":[{"system":"urn:s","concept":[{"code":"x"}]}]}})");
    terminology_.refresh();
    EXPECT_EQ(terminology_.has("urn:mine", "urn:s", "y"), false);
    written_.resources.clear();
    ++written_.position;
    terminology_.refresh();
    EXPECT_EQ(terminology_.has("urn:mine", "urn:s", "x"), std::nullopt);
}

TEST_F(TerminologyTest, AnOverlayReplacesHidesAndAdds) {
    const testing::ScratchFolder folder;
    std::filesystem::create_directories(folder.path() / "terminology");
    std::ofstream(folder.path() / "terminology/sex-gbt2261.1.csv") << "code,display\n1,男士\n";
    std::ofstream(folder.path() / "terminology/vaccine-2025.system.json");
    std::ofstream(folder.path() / "terminology/ours.ndjson")
        << R"({"resourceType":"ValueSet","url":"urn:ours","compose":{"include":[{"system":")" << sex << "\"}]}}\n{broken\n";
    const auto files = content::Files::over(folder.path());
    ASSERT_TRUE(files.ok());
    const Terminology terminology(*files, clock_);
    EXPECT_EQ(terminology.display(sex, "1"), "男士");
    EXPECT_EQ(terminology.expand({.url = "urn:ours"})->total, 1u);
    EXPECT_EQ(terminology.lookup({.system = "urn:xinglin:codesystem:vaccine", .code = "HPV2"}).outcome().code(),
              IssueCode::not_found);
    EXPECT_EQ(terminology.troubles().size(), 1u);
}

}  // namespace
}  // namespace xinglin::terminology
