// SPDX-License-Identifier: Apache-2.0
// FHIRPath on FHIR resources: types, choices, primitives with extensions, references, and the functions FHIR adds.
#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "fhirpath/narrative.h"
#include "fhirpath/trial.h"

namespace xinglin::fhirpath {
namespace {

using trial::run;
using trial::types;

constexpr std::string_view patient = R"({
  "resourceType": "Patient", "id": "p1", "active": true, "gender": "female", "birthDate": "1970-03-04",
  "_birthDate": {"id": "b1", "extension": [{"url": "http://example.org/time", "valueDateTime": "1970-03-04T05:06:00+08:00"}]},
  "name": [{"use": "official", "family": "Li", "given": ["Na", null], "_given": [null, {"extension": [{"url": "http://example.org/absent", "valueCode": "unknown"}]}]}],
  "contained": [{"resourceType": "Organization", "id": "o1", "name": "Clinic", "partOf": {"reference": "#"}}],
  "managingOrganization": {"reference": "#o1"}, "generalPractitioner": [{"reference": "Practitioner/7"}],
  "multipleBirthInteger": 2, "modifierExtension": [{"url": "http://example.org/m", "valueBoolean": true}]
})";
constexpr std::string_view observation = R"({
  "resourceType": "Observation", "status": "final", "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}], "text": "weight"},
  "valueQuantity": {"value": 72.50, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
  "component": [{"code": {"text": "a"}, "valueQuantity": {"value": 5, "comparator": "<", "unit": "mg", "code": "mg"}}, {"code": {"text": "b"}, "valueString": "x"}]
})";

TEST(Navigation, FindsChoicesByTheirShortName) {
    EXPECT_EQ(run("value.value", observation), "72.50");
    EXPECT_EQ(types("Observation.value", observation), "Quantity");
    EXPECT_EQ(run("valueQuantity", observation), "");
    EXPECT_EQ(types("component.value", observation), "Quantity string");
    EXPECT_EQ(run("component.value.ofType(string)", observation), "x");
    EXPECT_EQ(run("(value as Quantity).unit", observation), "kg");
    EXPECT_EQ(run("value as string", observation), "");
    EXPECT_EQ(run("multipleBirth + 1", patient), "3");
}

TEST(Navigation, StartsAtTheTypeOfTheResource) {
    EXPECT_EQ(run("Patient.id", patient), "p1");
    EXPECT_EQ(run("Resource.id | DomainResource.id", patient), "p1");
    EXPECT_EQ(run("Observation.id", patient), "");
    EXPECT_EQ(run("Patient.Patient.id", patient), "");
}

TEST(Navigation, SeesPrimitivesThatOnlyHaveExtensions) {
    EXPECT_EQ(run("name.given.count()", patient), "2");
    EXPECT_EQ(run("name.given.select(hasValue())", patient), "true, false");
    EXPECT_EQ(run("name.given[1].extension('http://example.org/absent').value", patient), "unknown");
    EXPECT_EQ(run("birthDate.id", patient), "b1");
    EXPECT_EQ(run("birthDate.extension.value", patient), "1970-03-04T05:06:00+08:00");
    EXPECT_EQ(run("name.given.where($this = 'Na')", patient), "Na");
    EXPECT_EQ(run("name.given[1] = 'Na'", patient), "false");
}

TEST(Navigation, TakesPrimitivesWithoutValueAsEmpty) {
    EXPECT_EQ(run("name.given[1] + 'x'", patient), "");
    EXPECT_EQ(run("name.given[1] & 'x'", patient), "x");
    EXPECT_EQ(run("name.given.join(',')", patient), "Na");
    EXPECT_EQ(run("name.given[1].length()", patient), "");
    EXPECT_EQ(run("name.given[1] < 'x'", patient), "");
}

// 1,400 expressions written by others.
TEST(Compiling, TakesEverySearchParameterOfR4EvenWhenStrict) {
    int compiled = 0;
    for (const fhir::SearchParameterRow& row : fhir::search_parameter_rows()) {
        if (row.expression.empty()) continue;
        Problem problem;
        const auto expression = Expression::compile(row.expression, {.strict = true}, &problem);
        EXPECT_TRUE(expression.ok()) << row.url << ": " << row.expression << "\n" << problem.message;
        ++compiled;
    }
    EXPECT_GT(compiled, 1000);
}

TEST(Navigation, WalksTheWholeTree) {
    EXPECT_EQ(run("descendants().ofType(Extension).url.count()", patient), "3");
    EXPECT_EQ(run("descendants().where($this is Organization).name", patient), "Clinic");
    EXPECT_EQ(run("children().count() > 8", patient), "true");
    EXPECT_EQ(run("descendants().ofType(dateTime)", patient), "1970-03-04T05:06:00+08:00");
}

TEST(Types, KnowTheirKin) {
    EXPECT_EQ(types("gender | active | birthDate | name | name.given[0]", patient), "code boolean date HumanName string");
    EXPECT_EQ(run("gender is code and gender is string and gender is Element", patient), "true");
    EXPECT_EQ(run("gender is uri or gender is String or active is Boolean", patient), "false");
    EXPECT_EQ(run("$this is Resource and $this is DomainResource and $this is FHIR.Patient", patient), "true");
    EXPECT_EQ(run("active.type().namespace & '.' & active.type().name", patient), "FHIR.boolean");
    EXPECT_EQ(run("name.as(HumanName).family", patient), "Li");
    EXPECT_EQ(run("gender.as(nonsense)", patient), "!execution");
    EXPECT_EQ(run("value is Quantity and value is Element", observation), "true");
}

TEST(Quantities, OfFhirCompareWithLiterals) {
    EXPECT_EQ(run("value > 70 'kg'", observation), "true");
    EXPECT_EQ(run("value = 72500 'g'", observation), "true");
    EXPECT_EQ(run("value ~ 72.5 'kg'", observation), "true");
    EXPECT_EQ(run("value + 500 'g'", observation), "73000 'g'");
    EXPECT_EQ(run("component[0].value > 1 'mg'", observation), "");  // "<5 mg" is no number
    EXPECT_EQ(run("component[0].value.value > 1", observation), "true");
}

TEST(References, AreResolvedInsideAndOutside) {
    EXPECT_EQ(run("managingOrganization.resolve().name", patient), "Clinic");
    EXPECT_EQ(run("contained.partOf.resolve().id", patient), "p1");
    EXPECT_EQ(run("generalPractitioner.resolve()", patient), "");
    json::Arena arena;
    const json::Value practitioner = *json::parse(R"({"resourceType": "Practitioner", "id": "7"})", arena);
    Environment environment;
    std::string asked;
    environment.resolve = [&](std::string_view reference) {
        asked = reference;
        return practitioner;
    };
    EXPECT_EQ(run("generalPractitioner.resolve() is Practitioner", patient, environment), "true");
    EXPECT_EQ(asked, "Practitioner/7");
    constexpr std::string_view bundle = R"({"resourceType": "Bundle", "type": "collection", "entry": [
        {"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Patient", "id": "x", "link": [{"other": {"reference": "urn:uuid:2"}}, {"other": {"reference": "Patient/y"}}]}},
        {"fullUrl": "urn:uuid:2", "resource": {"resourceType": "Patient", "id": "y", "contained": [{"resourceType": "Organization", "id": "c"}],
         "managingOrganization": {"reference": "#c"}}}]})";
    EXPECT_EQ(run("entry.resource.link.other.resolve().id", bundle), "y, y");
    EXPECT_EQ(run("entry[1].resource.managingOrganization.resolve().id", bundle), "c");
    EXPECT_EQ(run("entry.resource.ofType(Patient).id", bundle), "x, y");
}

TEST(Variables, PointAtTheResource) {
    EXPECT_EQ(run("name.select(%resource.id)", patient), "p1");
    EXPECT_EQ(run("name.select(%context.id & %rootResource.id)", patient), "p1p1");
    json::Arena arena;
    const Item whole = item_of(*json::parse(patient, arena));
    const auto contained = Expression::compile("contained")->evaluate(whole, {});
    const auto names = Expression::compile("%resource.id & '<' & %rootResource.id")->evaluate(contained->front(), {});
    EXPECT_EQ(trial::show(*names), "o1<p1");
}

TEST(Terminology, AsksTheEnvironmentFirst) {
    Environment environment;
    environment.member_of = [](std::string_view set, std::string_view system, std::string_view code) -> std::optional<bool> {
        if (set != "http://example.org/vs") return std::nullopt;
        return system == "http://loinc.org" && code == "29463-7";
    };
    EXPECT_EQ(run("code.memberOf('http://example.org/vs')", observation, environment), "true");
    EXPECT_EQ(run("code.coding.memberOf('http://example.org/vs')", observation, environment), "true");
    EXPECT_EQ(run("status.memberOf('http://example.org/vs')", observation, environment), "false");
    EXPECT_EQ(run("status.memberOf('http://example.org/unknown')", observation, environment), "");
    EXPECT_EQ(run("gender.memberOf('http://hl7.org/fhir/ValueSet/administrative-gender')", patient), "true");
}

TEST(Conformance, IsStructural) {
    EXPECT_EQ(run("conformsTo('http://hl7.org/fhir/StructureDefinition/Person')", patient), "false");
    EXPECT_EQ(run("name.conformsTo('http://hl7.org/fhir/StructureDefinition/HumanName')", patient), "true");
    EXPECT_EQ(
        run("conformsTo('http://hl7.org/fhir/StructureDefinition/Patient')", R"({"resourceType": "Patient", "gender": "male"})"),
        "true");
    EXPECT_EQ(run("conformsTo('http://hl7.org/fhir/StructureDefinition/Patient')",
                  R"({"resourceType": "Patient", "gender": ["male"]})"),
              "false");
    EXPECT_EQ(run("conformsTo('http://example.org/unknown')", patient), "!execution");
    EXPECT_EQ(run("checkModifiers('http://example.org/m').id", patient), "p1");
    EXPECT_EQ(run("checkModifiers('http://example.org/n').id", patient), "!execution");
}

TEST(Narratives, MayHoldFormattingOnly) {
    const auto div = [](std::string_view inside) {
        return fmt::format("<div xmlns=\"http://www.w3.org/1999/xhtml\">{}</div>", inside);
    };
    EXPECT_TRUE(is_narrative(div("<p class=\"x\">text</p>")));
    EXPECT_TRUE(is_narrative(div("<img src=\"#a\"/>")));
    EXPECT_FALSE(is_narrative(div("")));
    EXPECT_FALSE(is_narrative(div("<script>alert(1)</script>")));
    EXPECT_FALSE(is_narrative(div("<p onclick=\"x()\">text</p>")));
    EXPECT_FALSE(is_narrative(div("<p>text")));
    EXPECT_FALSE(is_narrative("<div>text</div>"));
    EXPECT_FALSE(is_narrative("text"));
    EXPECT_EQ(
        run("text.`div`.htmlChecks()",
            R"({"resourceType": "Patient", "text": {"status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">ok</div>"}})"),
        "true");
}

TEST(Expressions, ServeManyThreadsAtOnce) {
    json::Arena arena;
    const Item context = item_of(*json::parse(patient, arena));
    const auto expression = Expression::compile(
        "name.where(family.matches('L.')).given.first().type().name & today().toString().length().toString()");
    ASSERT_TRUE(expression.ok());
    std::atomic<int> right = 0;
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 200; ++i) {
                const auto result = expression->evaluate(context, {});
                if (result.ok() && trial::show(*result) == "string10") ++right;
            }
        });
    }
    threads.clear();
    EXPECT_EQ(right, 800);
}

TEST(Values, KeepTheirDigitsFromTheResource) {
    EXPECT_EQ(run("value.value.toString()", observation), "72.50");
    EXPECT_EQ(run("value.value.getValue().type().name", observation), "Decimal");
    EXPECT_EQ(run("active.getValue() is System.Boolean", patient), "true");
}

}  // namespace
}  // namespace xinglin::fhirpath
