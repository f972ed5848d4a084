// SPDX-License-Identifier: Apache-2.0
// Inside the room: stories as FHIR R4 resources, one to a line, straight into text.
//
// One Patient for each person, as the resident register knows them; what happened bears the id and the origin of its institution.
#pragma once

#include <array>
#include <map>
#include <string>

#include "city/story.h"

namespace xinglin::city {

enum class Resource : std::uint8_t {
    organization,
    practitioner,
    patient,
    coverage,
    allergy,
    encounter,
    condition,
    observation,
    diagnostic_report,
    medication_request,
    procedure,
    immunization,
    episode_of_care,
    claim,
    location,
    practitioner_role,
    organization_affiliation,
    device,
    medication
};
constexpr std::size_t resource_types = 19;
std::string_view type_name(Resource type);

/// Lines of each type, and how many.
struct Lines {
    std::array<std::string, resource_types> text;
    std::array<std::uint64_t, resource_types> count{};
};

/// Longitude and latitude by the key of an institution (places.h).
using Places = std::map<std::string, std::array<double, 2>, std::less<>>;

void write_institutions(const World& world, Lines& lines);
/// What the district's registers hold beside institutions and staff: areas, departments, places, beds, roles, alliances, devices, drugs.
void write_registers(const World& world, const Places& places, Lines& lines);
void write_story(const World& world, const Story& story, Lines& lines);

/// Ids as the FHIR files have them.
std::string patient_id(const District& district, std::uint32_t person);
std::string record_number(const District& district, std::uint32_t person, std::string_view community);
/// What the institution calls a visit: "MZ260315-0001234-07".
std::string visit_number(const Visit& visit, std::uint32_t person);

}  // namespace xinglin::city
