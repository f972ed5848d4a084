// SPDX-License-Identifier: Apache-2.0
// Inside the room: decisions of residents, proxies, requests and emergencies as JSON.
#pragma once

#include "consent/desk.h"
#include "server/house.h"
#include "server/route.h"

namespace xinglin::server {

/// `whole`: names of people in full (at a counter, or to who is concerned), else masked.
json::Value decision_json(Visit& visit, json::Arena& arena, const consent::Decision& decision, bool whole);
json::Value decisions_json(Visit& visit, json::Arena& arena, const std::vector<consent::Decision>& decisions, bool whole);
json::Value review_json(Visit& visit, json::Arena& arena, const consent::Review& review);
json::Value reviews_json(Visit& visit, json::Arena& arena, const std::vector<consent::Review>& reviews);
/// What there is to choose from: categories, relations, what stays visible.
json::Value choices_json(json::Arena& arena, const consent::Settings& settings);
/// Name, sex and year of birth of a Patient, masked; nothing when there is none.
json::Value masked_person_json(Visit& visit, json::Arena& arena, const std::string& patient);
std::string patient_name(Visit& visit, const std::string& patient, bool whole);

/// A member of what was sent, "" when absent.
std::string consent_field(const std::vector<std::pair<std::string, std::string>>& fields, std::string_view name);

}  // namespace xinglin::server
