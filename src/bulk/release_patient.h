// SPDX-License-Identifier: Apache-2.0
// Inside the room: quasi-identifiers out of a Patient, and into one.
#pragma once

#include <string>
#include <unordered_set>
#include <vector>

#include "anonymity/anonymity.h"
#include "json/json.h"

namespace xinglin::bulk {

std::uint64_t hash_of(std::string_view id);
/// What a Patient says of it; "" when nothing. Ages are counted to the year, and cut at the top.
std::string quasi_value(const anonymity::Quasi& quasi, json::Value patient, int year);
/// "B20" of "B20.101"; "" without a code of the systems that are diagnoses.
std::string category_of(const anonymity::Rules& rules, json::Value coded);
/// The de-identified Patient with these values and nothing else.
json::Value patient_told(const anonymity::Rules& rules, const std::vector<std::string>& values, json::Value patient,
                         json::Arena& arena);
/// Diagnoses that too few have are said to be masked.
json::Value without_rare(const anonymity::Rules& rules, const std::unordered_set<std::string>& rare, json::Value value,
                         json::Arena& arena);
/// Contained resources that say who or where somebody is do not come out.
json::Value without_contained_persons(json::Value resource, const std::unordered_set<std::string>& left_out, json::Arena& arena);

}  // namespace xinglin::bulk
