// SPDX-License-Identifier: Apache-2.0
// The tables against facts read off the published pages of FHIR R4 (hl7.org/fhir/R4).
#include <gmock/gmock.h>

#include "fhir/fhir.h"
#include "fhir/tables.h"

namespace xinglin::fhir {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string_view> element_names(const Type& type) {
    std::vector<std::string_view> names;
    for (const Element& element : type.elements) names.push_back(element.name);
    return names;
}

std::vector<std::string_view> type_names(const Element& element) {
    std::vector<std::string_view> names;
    for (const TypeRef& ref : element.types) names.push_back(ref.type->name);
    return names;
}

TEST(Types, AreThe146ConcreteResourcesOfR4) {
    EXPECT_EQ(resources().size(), 146u);
    EXPECT_EQ(resources().front()->name, "Account");
    EXPECT_EQ(resources().back()->name, "VisionPrescription");
    for (const Type* type : resources()) {
        EXPECT_EQ(find_resource(type->name), type);
        EXPECT_TRUE(type->is_a(*find_type("Resource"))) << type->name;
    }
}

TEST(Types, AreFoundByNameAndNothingElseIs) {
    EXPECT_EQ(find_type("Patient")->kind, TypeKind::resource);
    EXPECT_EQ(find_type("HumanName")->kind, TypeKind::complex);
    EXPECT_EQ(find_type("string")->kind, TypeKind::primitive);
    EXPECT_EQ(find_type("Patient.contact")->kind, TypeKind::backbone);
    EXPECT_TRUE(find_type("DomainResource")->is_abstract);
    EXPECT_FALSE(find_type("Patient")->is_abstract);
    for (const char* name :
         {"", "patient", "Patient ", "Patients", "vitalsigns", "bp", "SimpleQuantity", "MetadataResource", "Event"}) {
        EXPECT_EQ(find_type(name), nullptr) << name;
    }
    EXPECT_EQ(find_resource("HumanName"), nullptr);
    EXPECT_NE(find_resource("Resource"), nullptr);
}

TEST(Types, KnowWhatTheyDeriveFrom) {
    const auto is = [](const char* type, const char* base) { return find_type(type)->is_a(*find_type(base)); };
    EXPECT_TRUE(is("code", "string"));
    EXPECT_TRUE(is("url", "uri"));
    EXPECT_TRUE(is("positiveInt", "integer"));
    EXPECT_TRUE(is("Age", "Quantity"));
    EXPECT_TRUE(is("Patient", "DomainResource"));
    EXPECT_TRUE(is("Patient.contact", "BackboneElement"));
    EXPECT_TRUE(is("Timing.repeat", "Element"));
    EXPECT_FALSE(is("Bundle", "DomainResource"));
    EXPECT_FALSE(is("string", "code"));
    EXPECT_FALSE(is("uri", "string"));
}

TEST(Elements, OfPatientStandInTheOrderOfTheSpecification) {
    EXPECT_THAT(
        element_names(*find_type("Patient")),
        ElementsAre("id", "meta", "implicitRules", "language", "text", "contained", "extension", "modifierExtension",
                    "identifier", "active", "name", "telecom", "gender", "birthDate", "deceased", "address", "maritalStatus",
                    "multipleBirth", "photo", "contact", "communication", "generalPractitioner", "managingOrganization", "link"));
}

TEST(Elements, CarryCardinalityFlagsAndBinding) {
    const Element& gender = *find_element(*find_type("Patient"), "gender");
    EXPECT_EQ(gender.min, 0u);
    EXPECT_EQ(gender.max, 1u);
    EXPECT_EQ(gender.owner, find_type("Patient"));
    EXPECT_EQ(gender.binding, Binding::required);
    EXPECT_EQ(gender.value_set, "http://hl7.org/fhir/ValueSet/administrative-gender");
    EXPECT_TRUE(gender.is_summary);
    EXPECT_FALSE(gender.is_modifier);

    const Element& deceased = *find_element(*find_type("Patient"), "deceased");
    EXPECT_TRUE(deceased.is_choice && deceased.is_modifier);
    EXPECT_EQ(find_element(*find_type("Patient"), "name")->max, UINT32_MAX);
    EXPECT_EQ(find_element(*find_type("Observation"), "code")->min, 1u);
    EXPECT_TRUE(find_element(*find_type("Extension"), "url")->is_attribute);
    EXPECT_TRUE(find_element(*find_type("HumanName"), "id")->is_attribute);
    EXPECT_FALSE(find_element(*find_type("Patient"), "id")->is_attribute);
    EXPECT_EQ(find_element(*find_type("Patient"), "id")->owner, find_type("Resource"));
    EXPECT_THAT(type_names(*find_element(*find_type("Patient"), "id")), ElementsAre("id"));
}

TEST(Elements, OfChoiceListTheirTypes) {
    EXPECT_THAT(type_names(*find_element(*find_type("Observation"), "value")),
                ElementsAre("Quantity", "CodeableConcept", "string", "boolean", "integer", "Range", "Ratio", "SampledData",
                            "time", "dateTime", "Period"));
    EXPECT_EQ(find_element(*find_type("Extension"), "value")->types.size(), 50u);
}

TEST(Elements, ReferToTheDefinitionOfAnother) {
    const Element& item = *find_element(*find_type("Questionnaire.item"), "item");
    EXPECT_EQ(item.types[0].type, find_type("Questionnaire.item"));
    EXPECT_EQ(find_element(*find_type("Observation.component"), "referenceRange")->types[0].type,
              find_type("Observation.referenceRange"));
}

TEST(Elements, NameTheTargetsOfReferences) {
    EXPECT_THAT(find_element(*find_type("Patient"), "generalPractitioner")->types[0].targets,
                ElementsAre("Organization", "Practitioner", "PractitionerRole"));
    EXPECT_THAT(find_element(*find_type("Observation"), "focus")->types[0].targets, IsEmpty());
}

TEST(Match, FindsTheElementAndTypeOfAJsonKey) {
    const Type& observation = *find_type("Observation");
    const Match value = match(observation, "valueQuantity");
    ASSERT_TRUE(value);
    EXPECT_EQ(value.element->name, "value");
    EXPECT_EQ(value.type->type, find_type("Quantity"));
    EXPECT_EQ(match(observation, "valueDateTime").type->type, find_type("dateTime"));
    EXPECT_EQ(match(observation, "status").type->type, find_type("code"));
    for (const char* key : {"value", "valueCode", "valuequantity", "resourceType", "", "Status", "nothing"}) {
        EXPECT_FALSE(match(observation, key)) << key;
    }
    EXPECT_TRUE(match(*find_type("string"), "extension"));
    EXPECT_FALSE(match(*find_type("string"), "value"));
}

TEST(Match, AgreesWithALinearSearchForEveryElementOfEveryType) {
    for (const Type& type : tables().types) {
        for (const Element& element : type.elements) {
            for (const TypeRef& ref : element.types) {
                const Match found = match(type, json_key(element, *ref.type));
                ASSERT_TRUE(found) << type.name << " " << element.name;
                EXPECT_EQ(found.element, &element);
                EXPECT_EQ(found.type, &ref);
            }
            EXPECT_EQ(find_element(type, element.name), &element);
        }
    }
}

TEST(CodeSets, HoldTheCodesOfRequiredBindings) {
    const CodeSet* gender = find_code_set("http://hl7.org/fhir/ValueSet/administrative-gender");
    ASSERT_NE(gender, nullptr);
    EXPECT_THAT(gender->codes, ElementsAre("female", "male", "other", "unknown"));
    EXPECT_THAT(gender->systems, ElementsAre("http://hl7.org/fhir/administrative-gender"));
    EXPECT_TRUE(gender->has("male"));
    EXPECT_FALSE(gender->has("Male"));
    EXPECT_EQ(find_code_set("http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1"), gender);
    EXPECT_TRUE(find_code_set("http://hl7.org/fhir/ValueSet/quantity-comparator")->has("<="));
    EXPECT_TRUE(find_code_set("http://hl7.org/fhir/ValueSet/resource-types")->has("Patient"));
    EXPECT_EQ(find_code_set("http://hl7.org/fhir/ValueSet/mimetypes"), nullptr);
    EXPECT_EQ(find_code_set("http://hl7.org/fhir/ValueSet/ucum-units"), nullptr);
    EXPECT_EQ(find_code_set(""), nullptr);
}

TEST(Compartments, NameTheParametersThatLeadIntoThem) {
    EXPECT_THAT(compartments(), ElementsAre("Device", "Encounter", "Patient", "Practitioner", "RelatedPerson"));
    EXPECT_THAT(compartment_parameters("Patient", "Observation"), ElementsAre("subject", "performer"));
    EXPECT_THAT(compartment_parameters("Patient", "Patient"), ElementsAre("link"));
    EXPECT_THAT(compartment_parameters("Patient", "Medication"), IsEmpty());
    EXPECT_THAT(compartment_parameters("Encounter", "Condition"), ElementsAre("encounter"));
    EXPECT_THAT(compartment_parameters("Nothing", "Condition"), IsEmpty());
}

const SearchParameterRow* search_parameter(std::string_view base, std::string_view code) {
    for (const SearchParameterRow& row : search_parameter_rows()) {
        if (row.bases[0] == base && row.code == code) return &row;
    }
    return nullptr;
}

TEST(SearchParameters, OfSharedDefinitionsAreSplitByType) {
    const SearchParameterRow* birthdate = search_parameter("Patient", "birthdate");
    ASSERT_NE(birthdate, nullptr);
    EXPECT_EQ(birthdate->expression, "Patient.birthDate");
    EXPECT_EQ(birthdate->type, "date");
    EXPECT_EQ(birthdate->url, "http://hl7.org/fhir/SearchParameter/individual-birthdate");
    EXPECT_EQ(birthdate->description, "The patient's date of birth");
    EXPECT_EQ(search_parameter("AllergyIntolerance", "code")->expression,
              "AllergyIntolerance.code | AllergyIntolerance.reaction.substance");
    EXPECT_EQ(search_parameter("Resource", "_id")->expression, "Resource.id");
}

TEST(SearchParameters, OfCompositesNameTheirComponents) {
    const SearchParameterRow* pair = search_parameter("Observation", "code-value-quantity");
    ASSERT_NE(pair, nullptr);
    ASSERT_EQ(pair->components.size(), 2u);
    EXPECT_EQ(pair->components[0].definition, "http://hl7.org/fhir/SearchParameter/clinical-code");
    EXPECT_EQ(pair->components[1].expression, "value.as(Quantity)");
    for (const SearchParameterRow& row : search_parameter_rows())
        EXPECT_EQ(row.type == "composite", !row.components.empty()) << row.url;
}

TEST(SearchParameters, NameTypesThatExist) {
    EXPECT_GT(search_parameter_rows().size(), 1380u);
    for (const SearchParameterRow& row : search_parameter_rows()) {
        EXPECT_EQ(row.bases.size(), 1u);
        for (const auto base : row.bases) EXPECT_NE(find_resource(base), nullptr) << row.url;
        for (const auto target : row.targets) EXPECT_NE(find_resource(target), nullptr) << row.url << " " << target;
    }
}

TEST(Rules, AreThoseOfTheTypeAndItsOwnElements) {
    const auto keys = [](std::string_view type) {
        std::string found;
        for (const Rule& rule : rules(*find_type(type)))
            found += std::string(found.empty() ? "" : " ") + std::string(rule.element) + ":" + std::string(rule.key);
        return found;
    };
    EXPECT_EQ(keys("DomainResource"), ":dom-3 :dom-4 :dom-5 :dom-6");
    EXPECT_EQ(keys("Observation"), ":obs-6 :obs-7");
    EXPECT_EQ(keys("Patient"), "");
    EXPECT_EQ(keys("Patient.contact"), ":pat-1");
    EXPECT_EQ(keys("Organization"), ":org-1 telecom:org-3 address:org-2");
    EXPECT_EQ(keys("Range"), ":rng-2 low:sqty-1 high:sqty-1");
    const Rule& rule = rules(*find_type("Patient.contact")).front();
    EXPECT_TRUE(rule.is_error);
    EXPECT_EQ(rule.expression, "name.exists() or telecom.exists() or address.exists() or organization.exists()");
    EXPECT_EQ(rule.human, "SHALL at least contain a contact's details or a reference to an organization");
}

}  // namespace
}  // namespace xinglin::fhir
