// SPDX-License-Identifier: Apache-2.0
// The header of a shared document: whose it is, who wrote, keeps and signed it, and the visit it belongs to (WS/T 482).
#include <fmt/format.h>

#include "cda/work.h"

namespace xinglin::cda {

namespace {

constexpr std::string_view national = "2.16.156.10011.1.";

struct NumberKind {
    std::string_view root, system, label;
};
// Numbers that tell a person, best first.
constexpr NumberKind person_numbers[] = {
    {"2.16.156.10011.1.3", message::resident_id_system, "resident_id"},
    {"2.16.156.10011.1.2", message::health_record_system, "health_record"},
    {"2.16.156.10011.1.19", message::health_card_system, "health_card"},
    {"2.16.156.10011.1.15", message::insurance_card_system, "insurance"},
};

struct Number {
    std::string root, extension;
};

std::vector<Number> numbers_of(pugi::xml_node node) {
    std::vector<Number> all;
    for (const pugi::xml_node id : children(node, "id")) {
        Number number{attribute(id, "root"), attribute(id, "extension")};
        if (!number.extension.empty() && number.extension != "NA" && number.extension != "-") all.push_back(std::move(number));
    }
    return all;
}

std::string number_of(pugi::xml_node node, std::string_view root) {
    for (const Number& number : numbers_of(node))
        if (number.root == root) return number.extension;
    return "";
}

std::string oid_system(std::string_view root) {
    return root.empty() || root.find_first_not_of("0123456789.") != std::string_view::npos ? "" : "urn:oid:" + std::string(root);
}

json::Value address(Work& work, pugi::xml_node node) {
    if (!node) return {};
    std::string line;
    for (const std::string_view part : {"township", "streetName", "houseNumber"}) line += text(child(node, part));
    const std::string state = text(child(node, "state")), city = text(child(node, "city")), county = text(child(node, "county")),
                      post = text(child(node, "postalCode"));
    std::string all = state + city + county + line;
    if (all.empty()) all = text(node);
    if (all.empty()) return {};
    return work.arena.object({{"use", attribute(node, "use") == "H" ? work.arena.string("home") : json::Value()},
                              {"text", work.arena.string(all)},
                              {"line", line.empty() ? json::Value() : work.arena.array({work.arena.string(line)})},
                              {"city", work.text(city)},
                              {"district", work.text(county)},
                              {"state", work.text(state)},
                              {"postalCode", work.text(post)}});
}

json::Value telecom(Work& work, pugi::xml_node owner) {
    std::vector<json::Value> all;
    for (const pugi::xml_node node : children(owner, "telecom")) {
        std::string value = attribute(node, "value");
        if (value.starts_with("tel:")) value.erase(0, 4);
        if (!value.empty())
            all.push_back(work.arena.object({{"system", work.arena.string("phone")}, {"value", work.arena.string(value)}}));
    }
    return all.empty() ? json::Value() : work.arena.array(all);
}

std::string_view gender(std::string_view code) {
    if (code == "1" || code == "M") return "male";
    if (code == "2" || code == "F") return "female";
    return code.empty() ? "" : "unknown";
}

/// A coded extension of the patient.
json::Value extension(Work& work, std::string_view name, pugi::xml_node code) {
    const json::Value value = read_code(work, code);
    if (!value || attribute(code, "code").empty()) return {};
    return work.arena.object(
        {{"url", work.arena.string(fmt::format("urn:xinglin:extension:{}", name))}, {"valueCodeableConcept", value}});
}

json::Value identifiers(Work& work, const std::vector<Number>& numbers) {
    std::vector<json::Value> all;
    for (const Number& number : numbers) {
        if (number.root == "2.16.156.10011.1.11" || number.root == "2.16.156.10011.1.12") continue;  // of the visit
        std::string system = oid_system(number.root);
        bool is_person = !number.root.starts_with(national);
        for (const NumberKind& kind : person_numbers) is_person = is_person || number.root == kind.root;
        if (!is_person) continue;  // of a report, an order: they stay with the document
        all.push_back(work.arena.object({{"system", work.text(system)}, {"value", work.arena.string(number.extension)}}));
    }
    return all.empty() ? json::Value() : work.arena.array(all);
}

/// Of the person first, then of the role.
std::vector<Number> patient_numbers(pugi::xml_node role) {
    std::vector<Number> numbers = numbers_of(child(role, "patient"));
    for (Number& number : numbers_of(role)) numbers.push_back(std::move(number));
    return numbers;
}

}  // namespace

std::string patient_key(pugi::xml_node role, std::string_view birth) {
    const std::vector<Number> numbers = patient_numbers(role);
    for (const NumberKind& kind : person_numbers)
        for (const Number& number : numbers)
            if (number.root == kind.root) return fmt::format("{}^{}", kind.label, number.extension);
    for (const Number& number : numbers)
        if (number.root != "2.16.156.10011.1.3") return fmt::format("number^{}^{}", number.root, number.extension);
    const std::string name = text(child(role, "patient/name"));
    return name.empty() || birth.size() < 10 ? "" : fmt::format("name^{}^{}", name, birth.substr(0, 10));
}

namespace {

Result<Done> read_patient(Work& work) {
    const pugi::xml_node role = child(work.root, "recordTarget/patientRole");
    const pugi::xml_node person = child(role, "patient");
    if (!person)
        return refuse(IssueCode::required, "/ClinicalDocument/recordTarget/patientRole/patient",
                      "is missing, a shared document names its patient");
    const std::string name = text(child(person, "name")), birth = work.time(child(person, "birthTime"));
    const std::string key = patient_key(role, birth);
    if (key.empty())
        return refuse(IssueCode::required, "/ClinicalDocument/recordTarget/patientRole/id",
                      "nothing tells this patient from others: give a resident id, health record, card or visit number, or name "
                      "with birth date");
    std::vector<json::Value> extensions;
    for (const auto& [url, path] :
         {std::pair{"ethnic-group", "ethnicGroupCode"}, std::pair{"education-level", "educationLevelCode"},
          std::pair{"education-level", "educationLevel/educationLevelCode"}, std::pair{"occupation", "occupation/occupationCode"},
          std::pair{"occupation", "occupationCode"}})
        if (const json::Value one = extension(work, url, child(person, path))) extensions.push_back(one);
    json::Value addresses = work.list(address(work, child(role, "addr")));
    json::Value phones = telecom(work, role);
    work.patient = work.put("Patient", key,
                            {{"extension", extensions.empty() ? json::Value() : work.arena.array(extensions)},
                             {"identifier", identifiers(work, patient_numbers(role))},
                             {"name", name.empty() ? json::Value() : work.arena.array({work.concept_text(name)})},
                             {"telecom", phones},
                             {"gender", work.text(gender(attribute(person, "administrativeGenderCode", "code")))},
                             {"birthDate", work.text(birth.substr(0, 10))},
                             {"address", addresses},
                             {"maritalStatus", read_code(work, child(person, "maritalStatusCode"))}});
    return Done{};
}

std::string put_organization(Work& work, pugi::xml_node node) {
    const std::string number = number_of(node, "2.16.156.10011.1.5"), name = text(child(node, "name"));
    if (number.empty() && name.empty()) return "";
    const json::Value identifier =
        work.arena.object({{"system", work.arena.string(message::institution_system)}, {"value", work.text(number)}});
    return work.put_lesser("Organization", number.empty() ? "name^" + name : "institution^" + number,
                           {{"identifier", number.empty() ? json::Value() : work.arena.array({identifier})},
                            {"name", work.arena.string(name.empty() ? number : name)},
                            {"telecom", telecom(work, node)}});
}

std::string put_practitioner(Work& work, pugi::xml_node role) {
    std::string name = text(child(role, "assignedPerson/name"));
    Number number;
    for (Number& one : numbers_of(role))
        if (number.extension.empty()) number = std::move(one);
    if (name.empty() && number.extension.empty()) return "";
    if (name.empty()) name = number.extension;
    const json::Value identifier =
        work.arena.object({{"system", work.text(oid_system(number.root))}, {"value", work.text(number.extension)}});
    return work.put_lesser(
        "Practitioner",
        number.extension.empty() ? fmt::format("name^{}", name) : fmt::format("{}^{}", number.root, number.extension),
        {{"identifier", number.extension.empty() ? json::Value() : work.arena.array({identifier})},
         {"name", work.arena.array({work.concept_text(name)})}});
}

/// Bed, room, ward, department and hospital, each part of the next.
struct Whereabouts {
    std::string bed, room, ward, department;
    pugi::xml_node hospital;
};

void follow(pugi::xml_node organization, Whereabouts& found, int depth = 0) {
    if (!organization || depth > 12) return;
    const std::string name = text(child(organization, "name"));
    for (const pugi::xml_node id : children(organization, "id")) {
        const std::string root = attribute(id, "root"), extension = attribute(id, "extension");
        const std::string words = name.empty() ? extension : name;
        if (root == "2.16.156.10011.1.22") found.bed = words;
        else if (root == "2.16.156.10011.1.21") found.room = words;
        else if (root == "2.16.156.10011.1.27") found.ward = words;
        else if (root == "2.16.156.10011.1.26") found.department = words;
        else if (root == "2.16.156.10011.1.5") found.hospital = organization;
    }
    follow(child(organization, "asOrganizationPartOf/wholeOrganization"), found, depth + 1);
}

void read_encounter(Work& work) {
    const pugi::xml_node role = child(work.root, "recordTarget/patientRole");
    const pugi::xml_node visit = child(work.root, "componentOf/encompassingEncounter");
    const std::string inpatient = number_of(role, "2.16.156.10011.1.12"), outpatient = number_of(role, "2.16.156.10011.1.11");
    const pugi::xml_node time = child(visit, "effectiveTime");
    std::string begin = work.time(child(time, "low")), end = work.time(child(time, "high"));
    if (begin.empty()) begin = work.time(time);
    Whereabouts found;
    follow(child(visit, "location/healthCareFacility/serviceProviderOrganization"), found);
    follow(child(role, "providerOrganization"), found);
    if (inpatient.empty() && outpatient.empty() && begin.empty() && found.department.empty()) return;
    const bool is_stay =
        work.kind ? work.kind->encounter_class == "IMP" && (!inpatient.empty() || outpatient.empty()) : !inpatient.empty();
    const std::string number = is_stay ? inpatient : outpatient.empty() ? inpatient : outpatient;
    const std::string_view system =
        is_stay || outpatient.empty() ? message::inpatient_visit_system : message::outpatient_visit_system;
    const bool urgent = work.kind && work.kind->encounter_class == "EMER";
    const std::string key = number.empty() ? "document^" + work.key : fmt::format("visit^{}^{}", system, number);
    work.encounter_id = message::stable_id(work.sender.id, "Encounter", key);
    work.encounter = "Encounter/" + work.encounter_id;
    const std::string hospital = put_organization(work, found.hospital);
    const std::string_view code = is_stay  ? "IMP"
                                  : urgent ? "EMER"
                                           : "AMB",
                           display = is_stay  ? "inpatient encounter"
                                     : urgent ? "emergency"
                                              : "ambulatory";
    std::string where = found.ward;
    for (const std::string& part : {found.room, found.bed})
        if (!part.empty()) where += (where.empty() ? "" : " ") + part;
    work.admitted = begin;
    work.discharged = end;
    const json::Value identifier = work.arena.object({{"system", work.arena.string(system)}, {"value", work.text(number)}});
    const json::Value spot = where.empty()
                                 ? json::Value()
                                 : work.arena.object({{"location", work.arena.object({{"display", work.arena.string(where)}})}});
    work.encounter_members = {{"identifier", number.empty() ? json::Value() : work.arena.array({identifier})},
                              {"status", work.arena.string("finished")},
                              {"class", work.coding("http://terminology.hl7.org/CodeSystem/v3-ActCode", code, display)},
                              {"serviceType", work.concept_text(found.department)},
                              {"subject", work.reference(work.patient)},
                              {"location", work.list(spot)},
                              {"serviceProvider", work.reference(hospital.empty() ? work.organization : hospital)}};
}

}  // namespace

void put_encounter(Work& work) {
    if (work.encounter.empty()) return;
    Members members = work.encounter_members;
    members.insert(members.begin(), {"resourceType", work.arena.string("Encounter")});
    if (!work.admitted.empty() || !work.discharged.empty())
        members.emplace_back("period",
                             work.arena.object({{"start", work.text(work.admitted)}, {"end", work.text(work.discharged)}}));
    if (!work.reasons.empty()) members.emplace_back("reasonCode", work.arena.array(work.reasons));
    if (!work.diagnoses.empty()) members.emplace_back("diagnosis", work.arena.array(work.diagnoses));
    work.draft.put(work.encounter_id, work.arena.object(members));
}

Result<Done> read_header(Work& work) {
    XINGLIN_CHECK(read_patient(work));
    work.organization = put_organization(work, child(work.root, "custodian/assignedCustodian/representedCustodianOrganization"));
    if (work.organization.empty())
        work.organization = put_organization(work, child(work.root, "author/assignedAuthor/representedOrganization"));
    if (work.organization.empty() && !work.sender.organization.empty())
        work.organization = "Organization/" + work.sender.organization;
    for (const pugi::xml_node author : children(work.root, "author")) {
        const std::string one = put_practitioner(work, child(author, "assignedAuthor"));
        if (work.author.empty()) work.author = one;
    }
    for (const std::string_view name : {"legalAuthenticator", "authenticator"}) {
        for (const pugi::xml_node signer : children(work.root, name)) {
            const std::string one = put_practitioner(work, child(signer, "assignedEntity"));
            if (work.author.empty()) work.author = one;
        }
    }
    if (work.organization.empty() && work.author.empty())
        work.organization =
            work.put_lesser("Organization", "sender",
                            {{"name", work.arena.string(work.sender.name.empty() ? work.sender.id : work.sender.name)}});
    if (work.author.empty()) work.author = work.organization;
    read_encounter(work);
    return Done{};
}

}  // namespace xinglin::cda
