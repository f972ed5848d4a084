// SPDX-License-Identifier: Apache-2.0
// Inside the room: emergencies as Basic resources, and back; Consents as they are written at our doors.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "consent/consent.h"
#include "json/json.h"

namespace xinglin::consent {

inline constexpr std::string_view emergency_system = "urn:xinglin:emergency";  // code of the Basic: "emergency", and its state
inline constexpr std::string_view emergency_account = "urn:xinglin:emergency:account";  // identifier: NUMBER/NAME of the account

/// Whoever opened a record in an emergency, as it lies in the record.
struct EmergencyLine {
    std::string id, patient;
    std::int64_t account = 0;
    std::string account_name, display, role, institution;
    std::string reason_code, reason;
    std::int64_t at_ms = 0, until_ms = 0, ended_ms = 0;
    std::string state = "open";  // open, reviewed: of the review
    std::string finding;         // of the review: justified, unclear, abuse
    std::string reviewer, note;
    std::int64_t reviewed_ms = 0;
    std::int64_t version = 0;
};
std::string basic_of(const EmergencyLine& line);
std::optional<EmergencyLine> emergency_of(json::Value basic);

/// The end of "Patient/x"; "" for anything else.
std::string patient_in(json::Value reference);

}  // namespace xinglin::consent
