// SPDX-License-Identifier: Apache-2.0
// Inside the room: messages, sources and the ledger as JSON and CSV.
#pragma once

#include "intake/intake.h"
#include "json/json.h"

namespace xinglin::server {

json::Value source_json(const intake::Source& source, const intake::Health& health, json::Arena& arena);
json::Value line_json(const intake::Line& line, json::Arena& arena);
/// With raw text, segments, notes, resources: for those who may see what messages hold.
json::Value message_json(intake::Intake& intake, const intake::Line& line, bool whole, json::Arena& arena);
json::Value counts_json(const intake::Counts& counts, json::Arena& arena);
json::Value ledger_json(std::string_view day, const std::vector<intake::DayLine>& lines, json::Arena& arena);
std::string ledger_csv(std::string_view day, const std::vector<intake::DayLine>& lines);
/// Days since 1970 of "2026-11-22"; nothing when it is none.
std::optional<std::int64_t> day_number(std::string_view day);

}  // namespace xinglin::server
