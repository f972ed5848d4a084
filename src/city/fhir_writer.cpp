// SPDX-License-Identifier: Apache-2.0
// Institutions, people, coverage, programmes; visits stand in fhir_visits.cpp.
#include "city/fhir_writer.h"

#include <fmt/format.h>

#include <iterator>

#include "city/fhir_line.h"
#include "message/message.h"

namespace xinglin::city {

std::string_view type_name(Resource type) {
    constexpr std::string_view names[] = {"Organization",
                                          "Practitioner",
                                          "Patient",
                                          "Coverage",
                                          "AllergyIntolerance",
                                          "Encounter",
                                          "Condition",
                                          "Observation",
                                          "DiagnosticReport",
                                          "MedicationRequest",
                                          "Procedure",
                                          "Immunization",
                                          "EpisodeOfCare",
                                          "Claim",
                                          "Location",
                                          "PractitionerRole",
                                          "OrganizationAffiliation",
                                          "Device",
                                          "Medication"};
    return names[static_cast<std::size_t>(type)];
}

namespace {
constexpr std::string_view register_sender = "residents";

std::string sender_of(const District& district) {
    return district.number == 0 ? std::string(register_sender) : fmt::format("d{}-{}", district.number + 1, register_sender);
}
}  // namespace

namespace {
/// Made up: below an area that is assigned to none.
std::string licence_of(const District& district, const Doctor& doctor) {
    return fmt::format("1{}{:08}", district.id_area, &doctor - district.doctors.data() + 1);
}
}  // namespace

std::string record_number(const District& district, std::uint32_t person, std::string_view community) {
    // 17 digits: 12 of the village, 5 of the person there. The village's digits are those of the unassigned area.
    return fmt::format("{}{}{:05}", district.id_area, community.substr(6, 6), person % 100'000);
}

std::string patient_id(const District& district, std::uint32_t person) {
    return message::stable_id(sender_of(district), "Patient", std::to_string(person));
}

std::string visit_number(const Visit& visit, std::uint32_t person) {
    return fmt::format("{}{}-{:07}-{:03}", visit.kind == VisitKind::inpatient ? "ZY" : "MZ",
                       compact_time(visit.start).substr(2, 6), person, visit.number);
}

Line::Line(Lines& lines, Resource type, std::string_view id, std::string_view sender)
    : text_(lines.text[static_cast<std::size_t>(type)]) {
    ++lines.count[static_cast<std::size_t>(type)];
    put(R"({"resourceType":")", type_name(type), R"(","id":")", id, R"(","meta":{"source":"urn:xinglin:source:)", sender, "\"}");
}

void write_institutions(const World& world, Lines& lines) {
    const District& district = world.district;
    for (const Institution& each : district.institutions) {
        Line line(lines, Resource::organization, each.id, each.key);
        line.put(R"(,"identifier":[{"system":"urn:xinglin:identifier:uscc","value":")", each.uscc,
                 R"("},{"system":"urn:oid:2.16.156.10011.1.5","value":")", each.key, R"("}],"active":true)");
        if (!each.institution_class.empty())
            line.put(R"(,"type":[{"coding":[{"system":"urn:xinglin:codesystem:institution-class-ws218","code":")",
                     each.institution_class, "\"}]}]");
        line.put(R"(,"name":")", each.name, "\"");
        const Town& town = world.facts.towns[each.town];
        line.put(R"(,"address":[{"extension":[{"url":"urn:xinglin:extension:division-code","valueString":")",
                 district.communities[each.community].code, R"("}],"text":")", world.facts.province, world.facts.city,
                 world.facts.name, town.name, R"(","state":")", world.facts.province, R"(","city":")", world.facts.city,
                 R"(","district":")", world.facts.name, R"("}])");
        line.end();
    }
    for (const Doctor& each : district.doctors) {
        const Institution& at = district.institutions[each.institution];
        Line line(lines, Resource::practitioner, each.id, at.key);
        line.put(R"(,"identifier":[{"system":"urn:oid:2.16.156.10011.1.4","value":")", each.number,
                 R"("}],"active":true,"name":[{"text":")", each.name, R"("}],"gender":")", each.male ? "male" : "female",
                 R"(","qualification":[{"identifier":[{"system":"urn:xinglin:identifier:practice-licence","value":")",
                 licence_of(district, each), R"("}],"code":{"text":")",
                 at.kind == Kind::village_room ? "乡村医生执业证书" : "医师执业证书", R"("}}])");
        line.end();
    }
}

namespace {

void put_identifiers(Line& line, const World& world, const Person& person, std::uint32_t i, std::string_view community) {
    const District& district = world.district;
    line.put(R"(,"identifier":[{"system":"urn:oid:2.16.156.10011.1.3","value":")", resident_id(district, person),
             R"("},{"system":"urn:oid:2.16.156.10011.1.2","value":")", record_number(district, i, community), "\"}]");
}

void put_address(Line& line, const World& world, const Household& household) {
    const Community& community = world.district.communities[household.community];
    line.put(R"(,"address":[{"extension":[{"url":"urn:xinglin:extension:division-code","valueString":")", community.code,
             R"("}],"use":"home","text":")", address_of(world.district, household), R"(","line":[")", community.name,
             R"("],"city":")", world.facts.city, R"(","district":")", world.facts.name, R"(","state":")", world.facts.province,
             R"("}])");
}

struct Coded {
    std::string_view code, display;
};
/// GB/T 2261.2
Coded marital(const Person& person, const People& people, std::int32_t day, int age) {
    if (age < 20 || (person.spouse == none32 && age < 45)) return {"10", "未婚"};
    if (person.spouse == none32) return {"90", "未说明的婚姻状况"};
    if (people.all[person.spouse].death <= day) return {"30", "丧偶"};
    return {"20", "已婚"};
}

void write_patient(const World& world, const Story& story, std::string_view id, Lines& lines) {
    const Person& person = world.people.all[story.person];
    const std::int32_t last =
        std::min(world.now - 1, std::max(person.birth, person.until() == never ? never : person.until() - 1));
    const Household& household = world.people.households[world.people.household(story.person, last)];
    const int age = world.people.age(person, last);
    Line line(lines, Resource::patient, id, sender_of(world.district));
    put_identifiers(line, world, person, story.person, world.district.communities[household.community].code);
    const std::string given = given_name(world.facts, person);
    line.put(R"(,"active":true,"name":[{"use":"official","text":")", world.facts.surnames[person.surname].first, given,
             R"(","family":")", world.facts.surnames[person.surname].first, R"(","given":[")", given,
             R"("]}],"telecom":[{"system":"phone","value":")",
             phone_of(world.district, story.person, age, world.people.household(story.person, last)),
             R"(","use":"mobile"}],"gender":")", person.male ? "male" : "female", R"(","birthDate":")", Date{person.birth}, "\"");
    if (person.death < world.now) {
        const int minute = 420 + static_cast<int>(mix_of(story.person) % 1020);
        const bool in_ward = !story.visits.empty() && story.visits.back().died;
        line.put(R"(,"deceasedDateTime":")", Time{in_ward ? story.visits.back().end : person.death * 86'400ll + minute * 60},
                 "\"");
    }
    put_address(line, world, household);
    const Coded status = marital(person, world.people, last, age);
    line.put(R"(,"maritalStatus":{"coding":[{"system":"urn:oid:2.16.156.10011.2.3.3.5","code":")", status.code,
             R"(","display":")", status.display, "\"}]}");
    if (person.is_twin) line.put(R"(,"multipleBirthBoolean":true)");
    const std::uint32_t kin = age < 18 && person.mother != none32 ? person.mother : person.spouse;
    if (kin != none32) {
        const bool mother = kin == person.mother;
        const int kin_age = world.people.age(world.people.all[kin], last);
        line.put(R"(,"contact":[{"relationship":[{"coding":[{"system":"urn:oid:2.16.156.10011.2.3.3.8","code":")",
                 mother                       ? "52"
                 : world.people.all[kin].male ? "11"
                                              : "12",
                 R"(","display":")",
                 mother                       ? "母亲"
                 : world.people.all[kin].male ? "夫"
                                              : "妻",
                 R"("}]}],"name":{"text":")", name_of(world.facts, world.people.all[kin]),
                 R"("},"telecom":[{"system":"phone","value":")",
                 phone_of(world.district, kin, kin_age, world.people.household(kin, last)), "\"}]}]");
    }
    line.put(R"(,"managingOrganization":{"reference":"Organization/)",
             world.district.institutions[world.district.centre_of(household.community)].id, "\"}");
    line.end();
}

void write_illnesses(const World& world, const Story& story, std::string_view patient, Lines& lines) {
    const Person& person = world.people.all[story.person];
    for (const Illness& illness : story.illnesses) {
        if (illness.onset >= std::min(world.now, person.until())) continue;
        const Chronic& chronic = world.facts.chronic[illness.chronic];
        const std::uint16_t community =
            world.people.households[world.people.household(story.person, std::max(world.people.start, illness.onset))].community;
        const Institution& centre = world.district.institutions[world.district.centre_of(community)];
        const std::string key = fmt::format("{}-{}", story.person, chronic.key);
        {
            Line line(lines, Resource::condition, message::stable_id(centre.key, "Condition", key), centre.key);
            line.put(
                R"(,"clinicalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-clinical","code":"active"}]},"verificationStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-ver-status","code":"confirmed"}]},"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-category","code":"problem-list-item"}]}],"code":{"coding":[{"system":"urn:oid:2.16.156.10011.2.3.3.11","code":")",
                chronic.code, R"(","display":")", chronic.name, R"("}],"text":")", chronic.name,
                R"("},"subject":{"reference":"Patient/)", patient, R"("},"onsetDateTime":")", Date{illness.onset},
                R"(","recordedDate":")", Date{std::max(illness.onset, person.birth)}, "\"");
            line.end();
        }
        if (!illness.managed || chronic.programme.empty()) continue;
        Line line(lines, Resource::episode_of_care, message::stable_id(centre.key, "EpisodeOfCare", key), centre.key);
        const bool gone = person.until() < world.now;
        line.put(R"(,"status":")", gone ? "finished" : "active", R"(","type":[{"text":")", chronic.programme,
                 R"("}],"patient":{"reference":"Patient/)", patient, R"("},"managingOrganization":{"reference":"Organization/)",
                 centre.id, R"("},"period":{"start":")", Date{illness.onset + 14}, "\"");
        if (gone) line.put(R"(,"end":")", Date{std::max(person.until(), illness.onset + 14)}, "\"");
        line.put("}");
        line.end();
    }
}

void write_allergy(const World& world, const Story& story, std::string_view patient, Lines& lines) {
    if (story.allergy == 0) return;
    constexpr std::string_view names[] = {"", "青霉素类", "头孢菌素类", "磺胺类", "海鲜"};
    const Person& person = world.people.all[story.person];
    const std::string sender = sender_of(world.district);
    Line line(lines, Resource::allergy, message::stable_id(sender, "AllergyIntolerance", std::to_string(story.person)), sender);
    line.put(
        R"(,"clinicalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical","code":"active"}]},"verificationStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/allergyintolerance-verification","code":"confirmed"}]},"type":"allergy","category":[")",
        story.allergy == 4 ? "food" : "medication", R"("],"code":{"text":")", names[story.allergy],
        R"("},"patient":{"reference":"Patient/)", patient, R"("},"recordedDate":")",
        Date{std::max(world.people.start - 400, person.birth)}, "\"");
    line.end();
}

void write_coverage(const World& world, const Story& story, std::string_view patient, Lines& lines) {
    if (story.insurance == 0) return;
    const std::string sender = sender_of(world.district);
    Line line(lines, Resource::coverage, message::stable_id(sender, "Coverage", std::to_string(story.person)), sender);
    line.put(R"(,"status":"active","type":{"text":")", story.insurance == 1 ? "城镇职工基本医疗保险" : "城乡居民基本医疗保险",
             R"("},"beneficiary":{"reference":"Patient/)", patient, R"("},"payor":[{"display":")", world.facts.city,
             "医疗保障局\"}]");
    line.end();
}

void write_vaccinations(const World& world, const Story& story, std::string_view patient, Lines& lines) {
    for (const Vaccination& each : story.vaccinations) {
        if (each.at >= world.now * 86'400ll) break;
        const Vaccine& vaccine = world.facts.vaccines[each.vaccine];
        const Institution& at = world.district.institutions[each.institution];
        const auto day = static_cast<std::int32_t>(each.at / 86'400);
        Line line(lines, Resource::immunization,
                  message::stable_id(at.key, "Immunization", fmt::format("{}-{}-{}", story.person, vaccine.code, vaccine.dose)),
                  at.key);
        line.put(R"(,"status":"completed","vaccineCode":{"coding":[{"system":"urn:xinglin:codesystem:vaccine","code":")",
                 vaccine.code, R"(","display":")", vaccine.name, R"("}],"text":")", vaccine.name,
                 R"("},"patient":{"reference":"Patient/)", patient, R"("},"occurrenceDateTime":")", Time{each.at},
                 R"(","primarySource":true,"lotNumber":")", fmt::format("{}{:04}", date_text(day - 90).substr(0, 4), each.lot),
                 R"(","expirationDate":")", Date{day / 60 * 60 + 540}, R"(","route":{"text":")", vaccine.route,
                 R"("},"performer":[{"actor":{"reference":"Organization/)", at.id, "\"}}");
        if (each.doctor != none32)
            line.put(R"(,{"actor":{"reference":"Practitioner/)", world.district.doctors[each.doctor].id, "\"}}");
        line.put(R"(],"protocolApplied":[{"targetDisease":[{"text":")", vaccine.prevents, R"("}],"doseNumberPositiveInt":)",
                 std::to_string(vaccine.dose), R"(,"seriesDosesPositiveInt":)", std::to_string(vaccine.of_doses), "}]");
        line.end();
    }
}

}  // namespace

void write_story(const World& world, const Story& story, Lines& lines) {
    if (world.people.all[story.person].arrive >= world.now) return;
    const std::string patient = patient_id(world.district, story.person);
    write_patient(world, story, patient, lines);
    write_coverage(world, story, patient, lines);
    write_allergy(world, story, patient, lines);
    write_illnesses(world, story, patient, lines);
    write_vaccinations(world, story, patient, lines);
    const std::string sender = sender_of(world.district);
    const std::string coverage = story.insurance == 0 ? "" : message::stable_id(sender, "Coverage", std::to_string(story.person));
    for (const Visit& visit : story.visits) {
        if (visit.day() >= world.now) break;
        write_visit(world, story, visit, patient, coverage, lines);
    }
    write_births(world, story, lines);
}

}  // namespace xinglin::city
