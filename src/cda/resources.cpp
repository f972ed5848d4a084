// SPDX-License-Identifier: Apache-2.0
// Sorting resources, and the small questions asked of them.
#include "cda/resources.h"

namespace xinglin::cda {

std::string_view type_of(json::Value resource) { return resource["resourceType"].string(); }

namespace {
void take(Record& record, json::Value one) {
    const std::string_view type = type_of(one);
    const auto first = [&](json::Value& place) { place ? record.others.push_back(one) : void(place = one); };
    if (type == "Patient") first(record.patient);
    else if (type == "Encounter") first(record.encounter);
    else if (type == "Organization") first(record.organization);
    else if (type == "Practitioner") first(record.practitioner);
    else if (type == "DiagnosticReport") first(record.report);
    else if (type == "Condition") record.conditions.push_back(one);
    else if (type == "Observation") record.observations.push_back(one);
    else if (type == "MedicationRequest" || type == "MedicationStatement") record.drugs.push_back(one);
    else if (type == "Procedure") record.procedures.push_back(one);
    else if (type == "AllergyIntolerance") record.allergies.push_back(one);
    else if (type == "Immunization") record.vaccinations.push_back(one);
    else record.others.push_back(one);
}
}  // namespace

Record sorted(json::Value resources) {
    Record record;
    for (const json::Node& item : (resources.is_array() ? resources : resources["entry"]).items()) {
        const json::Value one(&item);
        take(record, resources.is_array() ? one : one["resource"]);
    }
    return record;
}

std::string_view text_of(json::Value code) {
    if (!code["text"].string().empty()) return code["text"].string();
    return code["coding"][std::size_t{0}]["display"].string();
}

bool in_category(json::Value resource, std::string_view category) {
    for (const json::Node& one : resource["category"].items())
        for (const json::Node& coding : json::Value(&one)["coding"].items())
            if (json::Value(&coding)["code"].string() == category) return true;
    return false;
}

json::Value coding_of(json::Value code, std::string_view system_begins) {
    for (const json::Node& coding : code["coding"].items())
        if (json::Value(&coding)["system"].string().starts_with(system_begins)) return json::Value(&coding);
    return {};
}

}  // namespace xinglin::cda
