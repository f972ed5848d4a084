// SPDX-License-Identifier: Apache-2.0
// What validation refuses, and where it says the fault is.
#include <gtest/gtest.h>

#include "fhir/fhir.h"

namespace xinglin::fhir {
namespace {

Outcome validated(std::string_view text, std::size_t limit = 50) {
    json::Arena arena;
    const auto parsed = json::parse(text, arena);
    EXPECT_TRUE(parsed.ok()) << text;
    return validate(*parsed, limit);
}

struct Fault {
    const char* resource;
    IssueCode code;
    const char* where;
};

void expect_fault(const Fault& fault) {
    const Outcome outcome = validated(fault.resource);
    ASSERT_EQ(outcome.issues.size(), 1u) << fault.resource << "\n"
                                         << (outcome.issues.empty() ? "valid" : outcome.issues[1].where);
    EXPECT_EQ(outcome.issues[0].code, fault.code) << fault.resource << "\n" << outcome.line();
    EXPECT_EQ(outcome.issues[0].where, fault.where) << fault.resource << "\n" << outcome.line();
}

using enum IssueCode;

TEST(Validate, RefusesWhatIsNotAResource) {
    const Fault faults[] = {
        {R"([])", structure, ""},
        {R"("Patient")", structure, ""},
        {R"({})", required, ""},
        {R"({"id":"a"})", required, ""},
        {R"({"resourceType":"Person2"})", value, ""},
        {R"({"resourceType":"HumanName"})", value, ""},
        {R"({"resourceType":"DomainResource"})", value, ""},
        {R"({"resourceType":7})", value, ""},
    };
    for (const Fault& fault : faults) expect_fault(fault);
    EXPECT_FALSE(validate(json::Value()).ok());
}

TEST(Validate, NamesTheElementThatBreaksTheStructure) {
    const Fault faults[] = {
        {R"({"resourceType":"Patient","nickname":"A"})", structure, "Patient.nickname"},
        {R"({"resourceType":"Patient","contact":[{"gender":"male"},{"sex":"male"}]})", structure, "Patient.contact[1].sex"},
        {R"({"resourceType":"Patient","name":{"family":"A"}})", structure, "Patient.name"},
        {R"({"resourceType":"Patient","gender":["male"]})", structure, "Patient.gender"},
        {R"({"resourceType":"Patient","name":[]})", structure, "Patient.name"},
        {R"({"resourceType":"Patient","name":[{}]})", structure, "Patient.name[0]"},
        {R"({"resourceType":"Patient","name":["A"]})", structure, "Patient.name[0]"},
        {R"({"resourceType":"Patient","name":[null]})", structure, "Patient.name[0]"},
        {R"({"resourceType":"Patient","name":[{"id":"a"}]})", structure, "Patient.name[0]"},
        {R"({"resourceType":"Patient","deceasedBoolean":true,"deceasedDateTime":"2020"})", structure, "Patient.deceased"},
        {R"({"resourceType":"Patient","deceasedBoolean":true,"_deceasedBoolean":{"extension":[{"url":"u","valueCode":"c"}]},"deceasedDateTime":"2020"})",
         structure, "Patient.deceased"},
        {R"({"resourceType":"Patient","deceased":true})", structure, "Patient.deceased"},
        {R"({"resourceType":"Patient","deceasedString":"yes"})", structure, "Patient.deceasedString"},
        {R"({"resourceType":"Patient","_name":[{"id":"a"}]})", structure, "Patient._name"},
        {R"({"resourceType":"Patient","text":{"status":"generated"}})", required, "Patient.text.div"},
        {R"({"resourceType":"Observation","code":{"text":"A"}})", required, "Observation.status"},
        {R"({"resourceType":"Patient","link":[{"type":"refer"}]})", required, "Patient.link[0].other"},
        {R"({"resourceType":"Observation","status":"final","code":{"text":"A"},"valueQuantity":{"value":"7"}})", structure,
         "Observation.value.ofType(Quantity).value"},
        {R"({"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","gender":1}}]})",
         structure, "Bundle.entry[0].resource.gender"},
        {R"({"resourceType":"Bundle","type":"collection","entry":[{"resource":{"gender":1}}]})", required,
         "Bundle.entry[0].resource"},
    };
    for (const Fault& fault : faults) expect_fault(fault);
}

TEST(Validate, HoldsPrimitivesToTheirJsonKind) {
    const Fault faults[] = {
        {R"({"resourceType":"Patient","active":"true"})", structure, "Patient.active"},
        {R"({"resourceType":"Patient","active":1})", structure, "Patient.active"},
        {R"({"resourceType":"Patient","birthDate":2020})", structure, "Patient.birthDate"},
        {R"({"resourceType":"Patient","birthDate":null})", structure, "Patient.birthDate"},
        {R"({"resourceType":"Patient","birthDate":{"value":"2020"}})", structure, "Patient.birthDate"},
        {R"({"resourceType":"Patient","multipleBirthInteger":"2"})", structure, "Patient.multipleBirth.ofType(integer)"},
    };
    for (const Fault& fault : faults) expect_fault(fault);
}

TEST(Validate, HoldsPrimitivesToTheirFormat) {
    const Fault faults[] = {
        {R"({"resourceType":"Patient","id":"a b"})", value, "Patient.id"},
        {R"({"resourceType":"Patient","id":"a_b"})", value, "Patient.id"},
        {R"({"resourceType":"Patient","id":"12345678901234567890123456789012345678901234567890123456789012345"})", value,
         "Patient.id"},
        {R"({"resourceType":"Patient","birthDate":"2020-02-30"})", value, "Patient.birthDate"},
        {R"({"resourceType":"Patient","birthDate":"2020-2-3"})", value, "Patient.birthDate"},
        {R"({"resourceType":"Patient","birthDate":"2020-02-03T10:00:00Z"})", value, "Patient.birthDate"},
        {R"({"resourceType":"Patient","deceasedDateTime":"2020-02-03T10:00:00"})", value, "Patient.deceased.ofType(dateTime)"},
        {R"({"resourceType":"Patient","meta":{"lastUpdated":"2020-02-03"}})", value, "Patient.meta.lastUpdated"},
        {R"({"resourceType":"Patient","multipleBirthInteger":2.0})", value, "Patient.multipleBirth.ofType(integer)"},
        {R"({"resourceType":"Patient","multipleBirthInteger":2147483648})", value, "Patient.multipleBirth.ofType(integer)"},
        {R"({"resourceType":"Patient","telecom":[{"rank":0}]})", value, "Patient.telecom[0].rank"},
        {R"({"resourceType":"Patient","name":[{"family":""}]})", value, "Patient.name[0].family"},
        {R"({"resourceType":"Patient","name":[{"family":"a\u0001b"}]})", value, "Patient.name[0].family"},
        {R"({"resourceType":"Patient","name":[{"family":"\uffff"}]})", value, "Patient.name[0].family"},
        {R"({"resourceType":"Patient","name":[{"given":["A",""]}]})", value, "Patient.name[0].given[1]"},
        {R"({"resourceType":"Patient","identifier":[{"system":"urn: a"}]})", value, "Patient.identifier[0].system"},
        {R"({"resourceType":"Patient","photo":[{"data":"AAA"}]})", value, "Patient.photo[0].data"},
        {R"({"resourceType":"Patient","photo":[{"contentType":" text"}]})", value, "Patient.photo[0].contentType"},
        {R"({"resourceType":"Patient","extension":[{"url":"u","valueOid":"urn:oid:3.1"}]})", value,
         "Patient.extension[0].value.ofType(oid)"},
        {R"({"resourceType":"Patient","extension":[{"url":"u","valueUuid":"urn:uuid:1"}]})", value,
         "Patient.extension[0].value.ofType(uuid)"},
        {R"({"resourceType":"Patient","extension":[{"url":"u","valueTime":"24:00:00"}]})", value,
         "Patient.extension[0].value.ofType(time)"},
    };
    for (const Fault& fault : faults) expect_fault(fault);
}

TEST(Validate, HoldsCodesToTheirRequiredValueSet) {
    expect_fault({R"({"resourceType":"Patient","gender":"m"})", code_invalid, "Patient.gender"});
    EXPECT_EQ(validated(R"({"resourceType":"Patient","gender":"m"})").issues[0].what,
              "must be one of: female, male, other, unknown");
    expect_fault({R"({"resourceType":"Condition","subject":{"reference":"Patient/1"},"clinicalStatus":{"coding":[
                      {"system":"http://terminology.hl7.org/CodeSystem/condition-clinical","code":"sick"}]}})",
                  code_invalid, "Condition.clinicalStatus"});
    expect_fault(
        {R"({"resourceType":"Condition","subject":{"reference":"Patient/1"},"clinicalStatus":{"coding":[{"system":"urn:own","code":"active"}]}})",
         code_invalid, "Condition.clinicalStatus"});
    EXPECT_TRUE(validated(R"({"resourceType":"Condition","subject":{"reference":"Patient/1"},"clinicalStatus":{"coding":[
                      {"system":"urn:own","code":"x"},
                      {"system":"http://terminology.hl7.org/CodeSystem/condition-clinical","code":"active"}]}})")
                    .ok());
}

TEST(Validate, ChecksWhatRelativeReferencesPointAt) {
    const auto subject = [](const std::string& reference) {
        return validated(R"({"resourceType":"Condition","subject":{"reference":")" + reference + "\"}}");
    };
    for (const char* good : {"Patient/1", "Patient/1/_history/2", "Group/a-b.c", "#p", "urn:uuid:0b0",
                             "http://else.where/Device/1", "Patient?identifier=a|b"}) {
        EXPECT_TRUE(subject(good).ok()) << good << subject(good).line();
    }
    for (const char* bad :
         {"Device/1", "Patient", "patient/1", "Patient/", "Patient/a/b", "Nothing/1", "/Patient/1", "Device?a=b"}) {
        ASSERT_EQ(subject(bad).issues.size(), 1u) << bad;
        EXPECT_EQ(subject(bad).issues[0].where, "Condition.subject.reference") << bad;
    }
}

TEST(Validate, WantsExtensionsToHaveAValueOrExtensions) {
    expect_fault({R"({"resourceType":"Patient","extension":[{"valueCode":"a"}]})", required, "Patient.extension[0].url"});
    expect_fault({R"({"resourceType":"Patient","extension":[{"url":"a"}]})", invariant, "Patient.extension[0]"});
    expect_fault(
        {R"({"resourceType":"Patient","extension":[{"url":"a","valueCode":"a","extension":[{"url":"b","valueCode":"c"}]}]})",
         invariant, "Patient.extension[0]"});
    EXPECT_TRUE(
        validated(R"({"resourceType":"Patient","extension":[{"url":"a","extension":[{"url":"b","valueCode":"c"}]}]})").ok());
}

TEST(Validate, ReadsTheMembersBesidePrimitives) {
    for (
        const char* good : {
            R"({"resourceType":"Patient","birthDate":"2020","_birthDate":{"id":"a"}})",
            R"({"resourceType":"Patient","_birthDate":{"extension":[{"url":"u","valueCode":"unknown"}]}})",
            R"({"resourceType":"Patient","name":[{"given":["A",null],"_given":[null,{"extension":[{"url":"u","valueCode":"c"}]}]}]})",
            R"({"resourceType":"Observation","_status":{"extension":[{"url":"u","valueCode":"c"}]},"code":{"text":"A"}})",
        }) {
        EXPECT_TRUE(validated(good).ok()) << good << validated(good).line();
    }
    const Fault faults[] = {
        {R"({"resourceType":"Patient","_birthDate":{"id":"a"}})", structure, "Patient.birthDate"},
        {R"({"resourceType":"Patient","_birthDate":"a"})", structure, "Patient.birthDate"},
        {R"({"resourceType":"Patient","_birthDate":{"value":"a"}})", structure, "Patient.birthDate.value"},
        {R"({"resourceType":"Patient","name":[{"given":["A"],"_given":[null,{"id":"a"}]}]})", structure, "Patient.name[0].given"},
        {R"({"resourceType":"Patient","name":[{"given":["A"],"_given":{"id":"a"}}]})", structure, "Patient.name[0].given"},
        {R"({"resourceType":"Patient","name":[{"given":["A",null]}]})", structure, "Patient.name[0].given[1]"},
    };
    for (const Fault& fault : faults) expect_fault(fault);
}

TEST(Validate, KeepsContainedResourcesShallowAndNamed) {
    expect_fault({R"({"resourceType":"Patient","contained":[{"resourceType":"Patient"}]})", invariant, "Patient.contained[0]"});
    expect_fault(
        {R"({"resourceType":"Patient","contained":[{"resourceType":"Patient","id":"a","contained":[{"resourceType":"Patient","id":"b"}]}]})",
         structure, "Patient.contained[0].contained[0]"});
}

TEST(Validate, KeepsProgramsOutOfNarratives) {
    const auto narrative = [](const std::string& div) {
        json::Arena arena;
        return validate(
            arena.object({{"resourceType", arena.string("Patient")},
                          {"text", arena.object({{"status", arena.string("generated")}, {"div", arena.string(div)}})}}));
    };
    const std::string open = R"(<div xmlns="http://www.w3.org/1999/xhtml">)";
    for (const char* good : {"<p>A &amp; B &#160;<br/></p>", "<a href=\"http://a.b/c?d=e&amp;f=g\">x</a>",
                             "<!-- note --><b title='>'>x</b>", "<img src=\"data: image/png;base64,AAsvgA==\" alt=\"x\"/>", ""}) {
        EXPECT_TRUE(narrative(open + good + "</div>").ok()) << good << narrative(open + good + "</div>").line();
    }
    for (const char* bad : {"<p>",
                            "</p>",
                            "<p></b>",
                            "<p a=b/>",
                            "<p a='1' a='2'/>",
                            "a < b",
                            "a & b",
                            "&nbsp;",
                            "&#0;",
                            "<script>x</script>",
                            "<SCRIPT/>",
                            "<form/>",
                            "<iframe src='x'/>",
                            "<p onclick='x'/>",
                            "<a href='javascript:x'>y</a>",
                            "<a href=' JAVA\nscript:x'>y</a>",
                            "<a href='java&#115;cript:x'>y</a>",
                            "<?php ?>",
                            "<!DOCTYPE a>",
                            "<x:script/>",
                            "]]>"}) {
        const Outcome outcome = narrative(open + bad + "</div>");
        ASSERT_EQ(outcome.issues.size(), 1u) << bad;
        EXPECT_EQ(outcome.issues[0].where, "Patient.text.div");
    }
    for (const char* bad : {"", "text", "<p xmlns=\"http://www.w3.org/1999/xhtml\"/>", "<div>x</div>",
                            "<div axmlns=\"http://www.w3.org/1999/xhtml\"/>", "<divx xmlns=\"http://www.w3.org/1999/xhtml\"/>"}) {
        EXPECT_FALSE(narrative(bad).ok()) << bad;
    }
    EXPECT_FALSE(narrative(open + "</div><div/>").ok());
}

TEST(Validate, StopsAtItsLimit) {
    std::string resource = R"({"resourceType":"Patient")";
    for (int i = 0; i < 100; ++i) resource += ",\"wrong" + std::to_string(i) + "\":1";
    EXPECT_EQ(validated(resource + "}").issues.size(), 50u);
    EXPECT_EQ(validated(resource + "}", 3).issues.size(), 3u);
}

TEST(Validate, NeverRepeatsAValue) {
    for (const char* resource :
         {R"({"resourceType":"Patient","birthDate":"secret"})", R"({"resourceType":"Patient","gender":"secret"})",
          R"({"resourceType":"Patient","link":[{"other":{"reference":"secret"},"type":"refer"}]})",
          R"({"resourceType":"secret"})"}) {
        EXPECT_EQ(validated(resource).line().find("secret"), std::string::npos) << resource;
    }
}

TEST(Validate, RefusesBottomlessNesting) {
    json::Arena arena;
    json::Value extension = arena.object({{"url", arena.string("u")}, {"valueCode", arena.string("c")}});
    for (int i = 0; i < 5000; ++i)
        extension = arena.object({{"url", arena.string("u")}, {"extension", arena.array({extension})}});
    EXPECT_EQ(validate(arena.object({{"resourceType", arena.string("Patient")}, {"extension", arena.array({extension})}})).code(),
              too_costly);
}

}  // namespace
}  // namespace xinglin::fhir
