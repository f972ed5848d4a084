// SPDX-License-Identifier: Apache-2.0
// A line of the audit as a FHIR AuditEvent (R4) in the shape of IHE Basic Audit Log Patterns (BALP 1.1).
#pragma once

#include <string>
#include <string_view>

#include "access/audit.h"
#include "json/json.h"

namespace xinglin::access {

/// How far a line says who was asked: names that stand in other registers.
struct EventNames {
    std::string_view institution;  // name of the Organization; "" when it is not known
};
/// `hash` and `before`: 32 raw bytes of the line and of the one before, "" to leave the chain out. Lives as long as the arena.
json::Value audit_event(json::Arena& arena, const Access& line, std::string_view hash, std::string_view before,
                        const EventNames& names = {});
/// Where the number, the hash and the hash before stand in an event.
constexpr std::string_view chain_extension = "urn:xinglin:audit-chain";

}  // namespace xinglin::access
