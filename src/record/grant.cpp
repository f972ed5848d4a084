// SPDX-License-Identifier: Apache-2.0
// What a token's scope grants, asked of one resource as it is written: before it is shown, and before and after it is changed.
#include <algorithm>

#include "record/guard.h"
#include "record/sentry.h"
#include "search/units.h"

namespace xinglin::record {

namespace {

// Not of any patient, and needed to understand what is: R4 has them in no Patient compartment.
constexpr std::string_view shared_types[] = {"Practitioner", "PractitionerRole",  "Organization",
                                             "Location",     "HealthcareService", "Medication"};

bool is_shared(const fhir::Type& type) {
    return std::find(std::begin(shared_types), std::end(shared_types), type.name) != std::end(shared_types);
}

/// Parameters through which a resource says whose it is; as Numbers::owner_pids has them.
bool names_owner(const fhir::Type& type, const search::Parameter& parameter) {
    std::vector<std::string_view> codes{"patient", "subject", "for", "beneficiary"};
    for (const std::string_view code : fhir::compartment_parameters("Patient", type.name)) codes.push_back(code);
    return std::any_of(codes.begin(), codes.end(), [&](std::string_view code) {
        const search::Parameter* owner = search::find_parameter(type, code);
        return owner && owner->type == search::ParamType::reference &&
               (owner == &parameter ||
                std::find(owner->includes.begin(), owner->includes.end(), &parameter) != owner->includes.end());
    });
}

bool is_of(const fhir::Type& type, json::Value resource, std::string_view patient, const search::Entries& entries) {
    if (is_shared(type)) return true;
    if (type.name == "Patient") return resource["id"].string() == patient;
    return std::any_of(entries.references.begin(), entries.references.end(), [&](const search::Reference& each) {
        return each.type == "Patient" && each.id == patient && names_owner(type, *each.parameter);
    });
}

/// An amount is asked in the units that this resource has.
std::vector<search::Criterion> in_units_of(const search::Entries& entries, const std::vector<search::Criterion>& all) {
    search::Query query;
    query.all = all;
    if (!search::asks_in_ucum(query)) return all;
    std::vector<std::string> units;
    for (const search::Quantity& each : entries.quantities) units.emplace_back(each.code);
    std::sort(units.begin(), units.end());
    units.erase(std::unique(units.begin(), units.end()), units.end());
    search::spread_units(query, units);
    return std::move(query.all);
}

}  // namespace

bool concerns(const GuardGrant& grant, const fhir::Type& type) {
    return grant.types.empty() || std::find(grant.types.begin(), grant.types.end(), &type) != grant.types.end();
}

bool allows(const GuardGrant& grant, char action) { return grant.actions.find(action) != std::string::npos; }

void bind_to_patient(GuardGrant& grant, std::string_view id, std::optional<std::int64_t> ordinal) {
    grant.patient = id;
    auto rules = std::make_shared<Guard>();
    std::vector<const fhir::Type*> shared;
    for (const std::string_view name : shared_types) shared.push_back(fhir::find_resource(name));
    rules->rules.push_back({.name = "shared", .permit = true, .types = std::move(shared)});
    std::vector<std::int64_t> members;
    if (ordinal) members.push_back(*ordinal);
    rules->rules.push_back({.name = "patient",
                            .permit = true,
                            .whose = GuardRule::Whose::members,
                            .patients = std::make_shared<PatientSet>(std::move(members)),
                            .types = {}});
    grant.of_patient = std::move(rules);
}

bool is_granted(const Guard& guard, const fhir::Type& type, json::Value resource, char action, std::int16_t offset_minutes,
                std::int64_t updated_ms) {
    if (!guard.limited) return true;
    std::optional<search::Entries> entries;
    search::Surroundings around;
    around.offset_minutes = offset_minutes;
    around.last_updated_ms = updated_ms;
    around.resolve = [](const search::Reference&) { return json::Value(); };
    return std::any_of(guard.grants.begin(), guard.grants.end(), [&](const GuardGrant& grant) {
        if (!concerns(grant, type) || !allows(grant, action)) return false;
        if (grant.all.empty() && grant.patient.empty()) return true;
        if (!entries) search::extract(type, resource, offset_minutes, entries.emplace());
        if (!grant.patient.empty() && !is_of(type, resource, grant.patient, *entries)) return false;
        const auto all = in_units_of(*entries, grant.all);
        return std::all_of(all.begin(), all.end(),
                           [&](const search::Criterion& each) { return search::matches(type, resource, each, around); });
    });
}

}  // namespace xinglin::record
