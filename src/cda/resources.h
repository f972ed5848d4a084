// SPDX-License-Identifier: Apache-2.0
// Inside the room: one patient's resources sorted by type, for those who write documents.
#pragma once

#include <string_view>
#include <vector>

#include "json/json.h"

namespace xinglin::cda {

/// The resources, by type; of what there may be one of, the first, others are left over.
struct Record {
    json::Value patient, encounter, organization, practitioner, report;
    std::vector<json::Value> conditions, observations, drugs, procedures, allergies, vaccinations, others;
};
/// Of a Bundle, or of an array of resources.
Record sorted(json::Value resources);

std::string_view type_of(json::Value resource);
/// The words of a CodeableConcept.
std::string_view text_of(json::Value code);
bool in_category(json::Value resource, std::string_view category);
/// The first coding of a system that begins like this; nothing when there is none.
json::Value coding_of(json::Value code, std::string_view system_begins);

}  // namespace xinglin::cda
