// SPDX-License-Identifier: Apache-2.0
// Inside the room: lines of the audit, cases and findings as /api/v1/audit tells them.
#pragma once

#include <map>

#include "access/audit.h"
#include "access/desk.h"
#include "server/house.h"
#include "server/route.h"
#include "server/security_desk.h"

namespace xinglin::server {

/// Names of institutions, each read once.
class InstitutionNames {
public:
    explicit InstitutionNames(House& house) : house_(house) {}
    const std::string& of(const std::string& id);

private:
    House& house_;
    std::map<std::string, std::string> known_;
};

json::Value line_json(json::Arena& arena, const access::Access& line, InstitutionNames& names);
json::Value case_json(Visit& visit, json::Arena& arena, const access::Case& one, InstitutionNames& names);
json::Value checkpoint_json(json::Arena& arena, const access::Checkpoint& checkpoint);
/// `line`: the look that a finding or case is about; nothing when there is none.
std::optional<access::Access> line_of_row(House& house, std::int64_t row);

}  // namespace xinglin::server
