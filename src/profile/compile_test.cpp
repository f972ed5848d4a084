// SPDX-License-Identifier: Apache-2.0
// Profiles that contradict themselves are refused by name.
#include "profile/profile_fixture.h"

namespace xinglin::profile {
namespace {

std::string fault(const std::string& type, const std::string& elements, const std::string& base = {}) {
    Desk desk;
    return desk.fault(profile_text("one", type, elements, base));
}

TEST(Contradiction, OfCardinality) {
    EXPECT_EQ(fault("Patient", "{'path':'Patient.name','min':3,'max':'2'}"), "profile-cardinality Patient.name");
    EXPECT_EQ(fault("Patient", "{'path':'Patient.name','min':-1}"), "profile-cardinality Patient.name");
    EXPECT_EQ(fault("Patient", "{'path':'Patient.birthDate','max':'2'}"), "profile-looser Patient.birthDate");
    EXPECT_EQ(fault("Observation", "{'path':'Observation.status','min':0}"), "profile-looser Observation.status");
    EXPECT_EQ(fault("Observation", "{'path':'Observation.status','max':'0'}"), "profile-cardinality Observation.status");
}

TEST(Contradiction, OfPaths) {
    EXPECT_EQ(fault("Patient", "{'path':'Patient.nmae','min':1}"), "profile-path Patient.nmae");
    EXPECT_EQ(fault("Patient", "{'path':'Patient.name.given.first','min':1}"), "profile-path Patient.name.given.first");
    EXPECT_EQ(fault("Patient", "{'path':'Observation.code','min':1}"), "profile-path Observation.code");
    EXPECT_EQ(fault("Patient", "{'id':'Patient','path':''}"), "profile-path ");
}

TEST(Contradiction, OfValues) {
    EXPECT_EQ(fault("Patient", "{'path':'Patient.birthDate','fixedString':'x'}"), "profile-value Patient.birthDate");
    EXPECT_EQ(fault("Patient", "{'path':'Patient.birthDate','fixedDate':'yesterday'}"), "profile-value Patient.birthDate");
    EXPECT_EQ(fault("Patient", "{'path':'Patient.gender','fixedCode':'m'}"), "profile-value Patient.gender");
    EXPECT_EQ(fault("Patient", "{'path':'Patient.maritalStatus','patternCodeableConcept':{'codes':[]}}"),
              "profile-value Patient.maritalStatus");
    EXPECT_EQ(fault("Patient", "{'path':'Patient.gender','fixedCode':'male','patternCode':'female'}"),
              "profile-value Patient.gender");
    EXPECT_EQ(fault("Patient", "{'path':'Patient.multipleBirth[x]','minValueInteger':5,'maxValueInteger':4}"),
              "profile-value Patient.multipleBirth[x]");
    EXPECT_EQ(fault("Patient", "{'path':'Patient.deceased[x]','type':[{'code':'Quantity'}]}"),
              "profile-type Patient.deceased[x]");
    EXPECT_EQ(fault("Patient", "{'path':'Patient.gender','binding':{'strength':'example','valueSet':'urn:v'}}"),
              "profile-looser Patient.gender");
}

TEST(Contradiction, OfInvariants) {
    EXPECT_EQ(
        fault("Patient", "{'path':'Patient','constraint':[{'key':'k','severity':'error','human':'h','expression':'name.('}]}"),
        "profile-invariant Patient");
}

TEST(Contradiction, OfSlices) {
    const std::string by_system =
        "{'path':'Patient.identifier','max':'2','slicing':{'discriminator':[{'type':'value','path':'system'}],'rules':'open'}}";
    const auto slice = [](const std::string& name, const std::string& min, const std::string& system) {
        return ",{'path':'Patient.identifier','sliceName':'" + name + "','min':" + min +
               "},{'path':'Patient.identifier.system','fixedUri':'" + system + "'}";
    };
    EXPECT_EQ(fault("Patient", by_system + slice("a", "1", "urn:a") + slice("b", "1", "urn:b")), "");
    EXPECT_EQ(fault("Patient", by_system + slice("a", "2", "urn:a") + slice("b", "1", "urn:b")),
              "profile-slicing Patient.identifier");
    EXPECT_EQ(fault("Patient", by_system + ",{'path':'Patient.identifier','sliceName':'a'}"),
              "profile-slicing Patient.identifier:a");
    EXPECT_EQ(fault("Patient", "{'path':'Patient.identifier','sliceName':'a'}"), "profile-slicing Patient.identifier");
    EXPECT_EQ(
        fault("Patient",
              "{'path':'Patient.identifier','slicing':{'discriminator':[{'type':'value','path':'system + 1'}],'rules':'open'}}"),
        "profile-slicing Patient.identifier");
}

TEST(Contradiction, OfBases) {
    Desk desk;
    EXPECT_EQ(desk.fault(profile_text("a", "Patient", "{'path':'Patient'}", "urn:test:b")),
              "profile-base StructureDefinition.baseDefinition");
    desk.add("b", "Patient", "{'path':'Patient'}", "urn:test:a");
    EXPECT_EQ(desk.fault(profile_text("a", "Patient", "{'path':'Patient'}", "urn:test:b")),
              "profile-cycle StructureDefinition.baseDefinition");
    EXPECT_EQ(desk.fault(profile_text("self", "Patient", "{'path':'Patient'}", "urn:test:self")),
              "profile-cycle StructureDefinition.baseDefinition");
    EXPECT_EQ(
        desk.fault(profile_text("c", "Patient", "{'path':'Patient'}", "http://hl7.org/fhir/StructureDefinition/Observation")),
        "profile-type StructureDefinition.type");
    desk.add("strict", "Patient", "{'path':'Patient.name','min':2}");
    EXPECT_EQ(desk.fault(profile_text("loose", "Patient", "{'path':'Patient.name','min':1}", "urn:test:strict")),
              "profile-looser Patient.name");
}

TEST(Contradiction, ShowsWhenAResourceClaimsTheProfile) {
    Desk desk;
    desk.add("wrong", "Patient", "{'path':'Patient.name','min':3,'max':'2'}");
    EXPECT_EQ(desk.issues("", "{'resourceType':'Patient','meta':{'profile':['urn:test:wrong']}}"), Issues{"profile Patient"});
    const auto cards = desk.book.cards();
    ASSERT_EQ(cards.size(), 1u);
    ASSERT_TRUE(cards[0].fault.has_value());
    EXPECT_EQ(cards[0].fault->what, "min 3 is above max 2");
}

TEST(Book, TakesOnlyStructureDefinitionsWithAUrl) {
    Desk desk;
    EXPECT_FALSE(desk.book.add(desk.value("{'resourceType':'Patient'}"), "test").ok());
    EXPECT_FALSE(desk.book.add(desk.value("{'resourceType':'StructureDefinition'}"), "test").ok());
    EXPECT_FALSE(desk.book.add({}, "test").ok());
    // Found by the fuzzer: listing such a book looked for the part before the '|' and found nothing.
    EXPECT_FALSE(desk.book.add(desk.value("{'resourceType':'StructureDefinition','url':'urn:a|1'}"), "test").ok());
    EXPECT_TRUE(desk.book.cards().empty());
}

TEST(Book, WithMoreDefinitionsCompilesAnew) {
    Desk desk;
    desk.add("base", "Patient", "{'path':'Patient.name','min':1}");
    desk.add("derived", "Patient", "{'path':'Patient.gender','min':1}", "urn:test:base");
    EXPECT_EQ(desk.issues("derived", "{'resourceType':'Patient'}"), (Issues{"min Patient.gender", "min Patient.name"}));
    const Book changed =
        desk.book.with({desk.value(profile_text("base", "Patient", "{'path':'Patient.telecom','min':1}"))}, "stored");
    Issues found;
    for (const Issue& issue :
         changed.check(desk.value("{'resourceType':'Patient'}"), {.profiles = {"urn:test:derived"}, .everything = false}).issues)
        found.insert(issue.key + " " + issue.where);
    EXPECT_EQ(found, (Issues{"min Patient.gender", "min Patient.telecom"}));
}

}  // namespace
}  // namespace xinglin::profile
