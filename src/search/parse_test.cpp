// SPDX-License-Identifier: Apache-2.0
// What a query string means.
#include <gtest/gtest.h>

#include <random>

#include "search/search.h"
#include "testing/testing.h"

namespace xinglin::search {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

std::vector<const fhir::Type*> types(std::initializer_list<std::string_view> names) {
    std::vector<const fhir::Type*> types;
    for (const std::string_view name : names) types.push_back(fhir::find_resource(name));
    return types;
}

Result<Query> ask(std::string_view type, const Pairs& pairs, const ParseOptions& options = {}) {
    return parse(type.empty() ? std::vector<const fhir::Type*>{} : types({type}), pairs, options);
}

Query good(std::string_view type, const Pairs& pairs, const ParseOptions& options = {}) {
    auto query = ask(type, pairs, options);
    EXPECT_TRUE(query.ok()) << pairs[0].first << "=" << pairs[0].second << ": " << (query.ok() ? "" : query.outcome().line());
    return query.ok() ? *query : Query{};
}

Criterion criterion(std::string_view type, const std::string& name, const std::string& value) {
    const Query query = good(type, {{name, value}});
    EXPECT_EQ(query.all.size(), 1u);
    return query.all.empty() ? Criterion{} : query.all[0];
}

Operand operand(std::string_view type, const std::string& name, const std::string& value) {
    const Criterion asked = criterion(type, name, value);
    EXPECT_EQ(asked.any.size(), 1u);
    return asked.any.empty() ? Operand{} : asked.any[0];
}

std::string refusal(std::string_view type, const std::string& name, const std::string& value) {
    const auto query = ask(type, {{name, value}});
    EXPECT_FALSE(query.ok()) << name << "=" << value;
    if (query.ok()) return "";
    EXPECT_EQ(query.outcome().issues[0].where, name);
    return std::string(fhir_code(query.outcome().code()));
}

TEST(Parse, a_comma_separates_alternatives_and_escapes_are_undone) {
    const Criterion asked = criterion("Patient", "name", "Eve,a\\,b\\$c\\|d\\\\e");
    ASSERT_EQ(asked.any.size(), 2u);
    EXPECT_EQ(asked.any[0].raw, "Eve");
    EXPECT_EQ(asked.any[1].raw, "a,b$c|d\\e");
}

TEST(Parse, repeated_names_are_conditions_of_their_own) {
    EXPECT_EQ(good("Patient", {{"given", "a"}, {"given", "b"}}).all.size(), 2u);
}

TEST(Parse, a_token_has_system_and_code) {
    const Operand both = operand("Observation", "code", "http://loinc.org|8480-6");
    EXPECT_TRUE(both.has_system);
    EXPECT_EQ(both.system, "http://loinc.org");
    EXPECT_EQ(both.code, "8480-6");
    EXPECT_FALSE(operand("Observation", "code", "8480-6").has_system);
    const Operand none = operand("Observation", "code", "|x");
    EXPECT_TRUE(none.has_system);
    EXPECT_EQ(none.system, "");
    EXPECT_EQ(operand("Observation", "code", "s|").code, "");
    EXPECT_EQ(operand("Observation", "code", "a\\|b").code, "a|b");
    EXPECT_EQ(refusal("Observation", "code", "|"), "value");
}

TEST(Parse, the_written_precision_of_a_number_is_an_interval) {
    const auto interval = [](const std::string& written) {
        const Operand number = operand("RiskAssessment", "probability", written);
        return std::pair(number.low, number.high);
    };
    EXPECT_EQ(interval("100"), std::pair(99.5, 100.5));
    EXPECT_EQ(interval("100.00"), std::pair(99.995, 100.005));
    EXPECT_EQ(interval("1e2"), std::pair(50.0, 150.0));
    EXPECT_EQ(interval("1.0e2"), std::pair(95.0, 105.0));
    EXPECT_EQ(interval("5.4"), std::pair(5.35, 5.45));
    EXPECT_EQ(interval("-0.8"), std::pair(-0.85, -0.75));
    EXPECT_EQ(interval("ap5.4"), std::pair(4.86, 5.94));
    EXPECT_EQ(operand("RiskAssessment", "probability", "gt0.8").number, 0.8);
    for (const std::string bad : {"x", "gt", "1.2.3", "1e", "1e999", "--1", "xx1", "0x10", "1 2", "nan", "inf"}) {
        EXPECT_EQ(refusal("RiskAssessment", "probability", bad), "value") << bad;
    }
}

TEST(Parse, a_quantity_has_a_unit_with_or_without_system) {
    const Operand full = operand("Observation", "value-quantity", "le5.40e-3|http://unitsofmeasure.org|g");
    EXPECT_EQ(full.prefix, Prefix::le);
    EXPECT_EQ(full.number, 0.0054);
    EXPECT_TRUE(full.has_system);
    EXPECT_EQ(full.code, "g");
    const Operand unit = operand("Observation", "value-quantity", "5.4||mg");
    EXPECT_FALSE(unit.has_system);
    EXPECT_EQ(unit.code, "mg");
    EXPECT_EQ(refusal("Observation", "value-quantity", "5.4|mg"), "value");
}

TEST(Parse, a_date_is_the_span_of_its_precision) {
    const Operand month = operand("Patient", "birthdate", "ge2026-11");
    EXPECT_EQ(month.prefix, Prefix::ge);
    EXPECT_EQ(calendar::instant_text(month.span.low_ms), "2026-11-01T00:00:00.000Z");
    EXPECT_EQ(calendar::instant_text(month.span.high_ms), "2026-12-01T00:00:00.000Z");
    const Query east = good("Patient", {{"birthdate", "2026"}}, {.offset_minutes = 480});
    EXPECT_EQ(calendar::instant_text(east.all[0].any[0].span.low_ms), "2025-12-31T16:00:00.000Z");
    EXPECT_EQ(refusal("Patient", "birthdate", "2026-13"), "value");
    EXPECT_EQ(refusal("Patient", "birthdate", "zz2026"), "value");
    EXPECT_EQ(refusal("Patient", "birthdate:exact", "2026"), "not-supported");
}

TEST(Parse, about_a_date_is_a_tenth_of_the_time_to_now) {
    const std::int64_t day = 86'400'000;
    const Query query = good("Patient", {{"birthdate", "ap1970-01-01"}}, {.now_ms = 101 * day});
    EXPECT_EQ(query.all[0].any[0].span.low_ms, -10 * day);
    EXPECT_EQ(query.all[0].any[0].span.high_ms, 11 * day);
}

TEST(Parse, references_come_as_id_as_type_and_id_and_as_url) {
    const Operand relative = operand("Observation", "subject", "Patient/1");
    EXPECT_EQ(relative.target_type, "Patient");
    EXPECT_EQ(relative.target_id, "1");
    EXPECT_EQ(operand("Observation", "subject", "1").target_type, "");
    EXPECT_EQ(operand("Observation", "patient", "1").target_type, "Patient");
    EXPECT_EQ(operand("Observation", "subject:Patient", "1").target_type, "Patient");
    EXPECT_EQ(operand("Observation", "subject", "Patient/1/_history/2").target_id, "1");
    EXPECT_EQ(operand("Observation", "subject", "http://a.b/fhir/Patient/1").url, "http://a.b/fhir/Patient/1");
    EXPECT_EQ(operand("Observation", "subject", "urn:uuid:5").url, "urn:uuid:5");
    EXPECT_EQ(operand("Observation", "subject:identifier", "s|1").system, "s");
    EXPECT_EQ(refusal("Observation", "subject", "Nothing/1"), "value");
    EXPECT_EQ(refusal("Observation", "subject:Patient", "Group/1"), "value");
    EXPECT_EQ(refusal("Observation", "subject:Medication", "1"), "value");
    EXPECT_EQ(refusal("Observation", "subject:Nothing", "1"), "not-supported");
}

TEST(Parse, composites_have_their_components) {
    const Operand pair = operand("Observation", "code-value-quantity", "http://loinc.org|8480-6$gt140||mm[Hg]");
    ASSERT_EQ(pair.components.size(), 2u);
    EXPECT_EQ(pair.components[0].code, "8480-6");
    EXPECT_EQ(pair.components[1].prefix, Prefix::gt);
    EXPECT_EQ(pair.components[1].code, "mm[Hg]");
    EXPECT_EQ(refusal("Observation", "code-value-quantity", "8480-6"), "value");
    EXPECT_EQ(refusal("Observation", "code-value-quantity", "a$1$2"), "value");
    EXPECT_EQ(refusal("Observation", "code-value-quantity", "a$"), "value");
}

TEST(Parse, chains_ask_every_type_that_has_the_parameter) {
    const Criterion chain = criterion("Observation", "subject.name", "eve");
    EXPECT_EQ(chain.kind, Criterion::Kind::chain);
    ASSERT_EQ(chain.target_types.size(), 2u);  // Patient and Location
    for (std::size_t i = 0; i < chain.inner.size(); ++i) EXPECT_EQ(chain.inner[i].parameter->resource, chain.target_types[i]);
    EXPECT_EQ(criterion("Observation", "subject:Patient.name:exact", "Eve").inner[0].modifier, Modifier::exact);
    const Criterion far = criterion("Observation", "subject:Patient.general-practitioner:Practitioner.identifier", "x|1");
    EXPECT_EQ(far.inner[0].inner[0].parameter->resource->name, "Practitioner");
    EXPECT_EQ(refusal("Observation", "subject.nothing", "x"), "not-supported");
    EXPECT_EQ(refusal("Observation", "subject:Patient.nothing", "x"), "not-supported");
    EXPECT_EQ(refusal("Observation", "code.name", "x"), "value");
    EXPECT_EQ(refusal("Observation", "subject.birthdate", "nonsense"), "value");
    EXPECT_EQ(refusal("Observation", "subject.", "x"), "value");
}

TEST(Parse, has_nests_and_mixes_with_chains) {
    const Criterion has = criterion("Patient", "_has:Observation:patient:code", "x");
    EXPECT_EQ(has.kind, Criterion::Kind::has);
    EXPECT_EQ(has.has_type->name, "Observation");
    EXPECT_EQ(has.inner[0].parameter->code, "code");
    const Criterion nested = criterion("Practitioner", "_has:Encounter:practitioner:_has:Observation:encounter:code:not", "x");
    EXPECT_EQ(nested.inner[0].inner[0].modifier, Modifier::negated);
    EXPECT_EQ(criterion("Patient", "_has:Observation:patient:encounter.class", "x").inner[0].kind, Criterion::Kind::chain);
    EXPECT_EQ(criterion("Observation", "patient._has:Group:member:_id", "x").inner[0].kind, Criterion::Kind::has);
    EXPECT_EQ(refusal("Patient", "_has:Observation:code:code", "x"), "not-supported");
    EXPECT_EQ(refusal("Patient", "_has:Nothing:patient:code", "x"), "value");
    EXPECT_EQ(refusal("Patient", "_has:Observation", "x"), "value");
    EXPECT_EQ(refusal("Medication", "_has:Observation:patient:code", "x"), "value");
}

TEST(Parse, what_is_unknown_or_unsupported_is_refused_by_name) {
    EXPECT_EQ(refusal("Patient", "nothing", "x"), "not-supported");
    EXPECT_EQ(refusal("Patient", "name:nothing", "x"), "not-supported");
    EXPECT_EQ(refusal("Patient", "name:", "x"), "value");
    EXPECT_EQ(refusal("Patient", "gender:exact", "x"), "not-supported");
    EXPECT_EQ(refusal("Patient", "name:in", "http://x"), "not-supported");
    EXPECT_EQ(refusal("Observation", "code:below", "8302-2"), "value");
    EXPECT_EQ(refusal("Patient", "identifier:of-type", "a|b"), "value");
    EXPECT_EQ(refusal("Patient", "gender:of-type", "a|b|c"), "not-supported");
    EXPECT_EQ(refusal("Observation", "subject:Patient.identifier:of-type", "|b|"), "value");
    EXPECT_EQ(refusal("Observation", "patient:below", "Patient/1"), "not-supported");
    for (const std::string name : {"_text", "_content", "_filter", "_list", "_query"})
        EXPECT_EQ(refusal("Patient", name, "x"), "not-supported");
    EXPECT_EQ(refusal("Patient", "_contained", "true"), "not-supported");
    EXPECT_EQ(refusal("Patient", "_type", "Patient"), "not-supported");
    EXPECT_EQ(refusal("Patient", "name", "a,,b"), "value");
    EXPECT_EQ(refusal("Patient", "name:missing", "maybe"), "value");
    EXPECT_EQ(refusal("Patient", "_id:not", "a"), "not-supported");
}

TEST(Parse, modifiers_that_ask_terminology_are_understood) {
    const fhir::Type* observation[] = {fhir::find_resource("Observation")};
    const fhir::Type* encounter[] = {fhir::find_resource("Encounter")};
    const fhir::Type* patient[] = {fhir::find_resource("Patient")};
    const std::vector<std::pair<std::string, std::string>> coded{
        {"code:in", "http://x/vs|1"}, {"code:not-in", "http://x/vs"}, {"code:below", "http://loinc.org|8302-2"}};
    auto query = parse(observation, coded);
    ASSERT_TRUE(query.ok()) << query.outcome().line();
    EXPECT_TRUE(needs_codes(*query));
    EXPECT_EQ(resolve_codes(*query, {}).outcome().code(), IssueCode::not_supported);
    Terminology terminology;
    terminology.codes_in = [](std::string_view) {
        return std::vector<std::pair<std::string, std::string>>{{"s", "b"}, {"s", "a"}};
    };
    terminology.codes_below = [](std::string_view, std::string_view, bool below) {
        return std::vector<std::string>{below ? "down" : "up"};
    };
    ASSERT_TRUE(resolve_codes(*query, terminology).ok());
    EXPECT_TRUE(query->all[0].any[0].codes->contains("s", "a"));
    EXPECT_FALSE(query->all[0].any[0].codes->contains("t", "a"));
    EXPECT_TRUE(query->all[2].any[0].codes->contains("http://loinc.org", "8302-2"));
    EXPECT_TRUE(query->all[2].any[0].codes->contains("http://loinc.org", "down"));
    const std::vector<std::pair<std::string, std::string>> placed{{"location:below", "Location/1"}};
    EXPECT_TRUE(parse(encounter, placed).ok());
    const std::vector<std::pair<std::string, std::string>> typed{{"identifier:of-type", "http://t|MR|12"}};
    auto of_type = parse(patient, typed);
    ASSERT_TRUE(of_type.ok());
    EXPECT_EQ(of_type->all[0].any[0].code, "12");
    EXPECT_EQ(of_type->all[0].any[0].components[0].code, "MR");
}

TEST(Parse, lenient_turns_refusals_into_warnings) {
    const Query query = good("Patient", {{"nothing", "x"}, {"name", "eve"}, {"birthdate", "no"}}, {.lenient = true});
    EXPECT_EQ(query.all.size(), 1u);
    ASSERT_EQ(query.warnings.size(), 2u);
    EXPECT_EQ(query.warnings[0].where, "nothing");
    EXPECT_EQ(query.warnings[0].severity, Severity::warning);
    ASSERT_EQ(query.understood.size(), 1u);
    EXPECT_EQ(query.understood[0].first, "name");
}

TEST(Parse, all_problems_are_told_at_once) { EXPECT_EQ(ask("Patient", {{"a", "x"}, {"b", "y"}}).outcome().issues.size(), 2u); }

TEST(Parse, result_parameters_are_read) {
    const Query query = good("Patient", {{"_count", "20"},
                                         {"_sort", "-birthdate,family,_id,-_lastUpdated"},
                                         {"_total", "accurate"},
                                         {"_summary", "count"},
                                         {"_elements", "name,birthDate"},
                                         {"_page", "abc"},
                                         {"_explain", "true"},
                                         {"_format", "json"},
                                         {"_pretty", "true"},
                                         {"_at", "2026"},
                                         {"_contained", "false"},
                                         {"name", ""}});
    EXPECT_EQ(query.count, 20u);
    ASSERT_EQ(query.sort.size(), 4u);
    EXPECT_TRUE(query.sort[0].descending);
    EXPECT_EQ(query.sort[0].parameter->code, "birthdate");
    EXPECT_EQ(query.sort[2].by, Sort::By::id);
    EXPECT_EQ(query.sort[3].by, Sort::By::last_updated);
    EXPECT_EQ(query.total, Total::accurate);
    EXPECT_EQ(query.summary, Summary::count);
    EXPECT_EQ(query.elements, (std::vector<std::string>{"name", "birthDate"}));
    EXPECT_EQ(query.page, "abc");
    EXPECT_TRUE(query.explain);
    EXPECT_TRUE(query.all.empty());
    for (const auto& [name, value] : query.understood)
        EXPECT_TRUE(name != "_format" && name != "_pretty" && name != "_page" && name != "name");
    EXPECT_EQ(refusal("Patient", "_count", "-1"), "value");
    EXPECT_EQ(refusal("Patient", "_count", "99999999999"), "value");
    EXPECT_EQ(refusal("Patient", "_sort", "nothing"), "value");
    EXPECT_EQ(refusal("Patient", "_sort", "name,"), "value");
    EXPECT_EQ(refusal("Observation", "_sort", "code-value-quantity"), "value");
    EXPECT_EQ(refusal("Patient", "_total", "some"), "value");
    EXPECT_EQ(refusal("Patient", "_summary", "some"), "value");
    EXPECT_EQ(refusal("Patient", "_elements", "na me"), "value");
    EXPECT_FALSE(ask("Patient", {{"_count", "1"}, {"_count", "2"}}).ok());
}

TEST(Parse, includes_name_type_parameter_and_target) {
    const Query query = good("Observation", {{"_include", "Observation:subject:Patient"},
                                             {"_include:iterate", "Patient:general-practitioner"},
                                             {"_revinclude", "Provenance:target"},
                                             {"_include:recurse", "Encounter:*"},
                                             {"_revinclude", "*"}});
    ASSERT_EQ(query.includes.size(), 5u);
    EXPECT_EQ(query.includes[0].target->name, "Patient");
    EXPECT_TRUE(query.includes[1].iterate);
    EXPECT_TRUE(query.includes[2].reverse);
    EXPECT_TRUE(query.includes[3].iterate && query.includes[3].wildcard);
    EXPECT_TRUE(query.includes[4].all && query.includes[4].reverse);
    EXPECT_EQ(refusal("Observation", "_include", "Observation:code"), "value");
    EXPECT_EQ(refusal("Observation", "_include", "Observation"), "value");
    EXPECT_EQ(refusal("Observation", "_include", "Observation:subject:Medication"), "value");
    EXPECT_EQ(refusal("Observation", "_include:often", "Observation:subject"), "not-supported");
}

TEST(Parse, a_search_over_types_takes_what_all_of_them_know) {
    const Query query = good(
        "", {{"_lastUpdated", "gt2026"}, {"_tag", "x"}, {"_type", "Patient,Observation"}, {"_id", "1"}, {"identifier", "x"}});
    EXPECT_EQ(query.types, types({"Patient", "Observation"}));
    EXPECT_EQ(query.all.size(), 4u);
    EXPECT_EQ(query.all[0].kind, Criterion::Kind::last_updated);
    EXPECT_EQ(refusal("", "birthdate", "2026"), "not-supported");
    EXPECT_EQ(refusal("", "_type", "Nothing"), "value");
    EXPECT_TRUE(good("", {{"_id", "1"}}).types.empty());
}

TEST(Parse, hostile_input_is_refused_in_time) {
    EXPECT_FALSE(ask("Patient", {{std::string(10'000, 'a'), "x"}}).ok());
    std::string chain = "subject";
    for (int i = 0; i < 60; ++i) chain += ".subject";
    EXPECT_FALSE(ask("Observation", {{chain + ".name", "x"}}).ok());
    EXPECT_EQ(ask("List", {{"item.focus.entity.item.focus.entity.identifier", "x"}}).outcome().code(), IssueCode::too_costly);
    std::string commas = "a";
    for (int i = 0; i < 20'000; ++i) commas += ",a";
    EXPECT_EQ(ask("Patient", {{"name", commas}}).outcome().code(), IssueCode::too_costly);
    EXPECT_FALSE(ask("Patient", Pairs(1'000, {"name", "x"})).ok());
    std::string nested;
    for (int i = 0; i < 30; ++i) nested += "_has:Observation:has-member:";
    EXPECT_FALSE(ask("Observation", {{nested + "code", "x"}}).ok());
    EXPECT_FALSE(ask("Patient", {{"name", "x"}, {"_sort", std::string(5'000, ',')}}).ok());
}

TEST(Parse, random_words_of_the_language_never_harm) {
    constexpr std::string_view words[] = {"_has",
                                          ":",
                                          ".",
                                          "subject",
                                          "patient",
                                          "Observation",
                                          "Patient",
                                          "code",
                                          "not",
                                          "missing",
                                          "_id",
                                          "_sort",
                                          "-",
                                          ",",
                                          "$",
                                          "|",
                                          "\\",
                                          "1e9",
                                          "gt",
                                          "2026-11",
                                          "name",
                                          "exact",
                                          "_include",
                                          "*",
                                          "iterate",
                                          "code-value-quantity",
                                          "value-quantity",
                                          "_lastUpdated",
                                          "/",
                                          "http://a/Patient/1",
                                          "é",
                                          "\xff",
                                          "true",
                                          "[",
                                          "0.1",
                                          "_type",
                                          "near"};
    std::mt19937_64 random(testing::seed());
    const auto sentence = [&](std::size_t most) {
        std::string text;
        for (std::size_t i = random() % most; i > 0; --i) text += words[random() % std::size(words)];
        return text;
    };
    json::Arena arena;
    const json::Value patient = *json::parse(R"({"resourceType":"Patient","id":"a","name":[{"family":"x"}]})", arena);
    for (int i = 0; i < 20'000; ++i) {
        const Pairs pairs{{sentence(8), sentence(6)}, {"name", sentence(4)}};
        const auto query = ask(i % 7 ? "Patient" : "", pairs, {.lenient = i % 2 == 0});
        if (!query.ok()) continue;
        for (const Criterion& criterion : query->all) matches(*fhir::find_resource("Patient"), patient, criterion, {});
    }
}

}  // namespace
}  // namespace xinglin::search
