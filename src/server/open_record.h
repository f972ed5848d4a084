// SPDX-License-Identifier: Apache-2.0
// Inside the room: calls about one person that do not read the record, and must be as closed as it is.
#pragma once

#include <string_view>

#include "server/house.h"
#include "server/route.h"

namespace xinglin::server {

/// May the viewer open this Patient's record? Answers 403 itself when not. Who is nowhere is for the caller to say.
inline bool may_open(Visit& visit, std::string_view patient) {
    if (!visit.viewer.guard) return true;
    const auto decision = visit.house.store->reader(visit.viewer).decide(*fhir::find_resource("Patient"), patient);
    if (!decision.exists || decision.permit) return true;
    const Outcome no =
        refuse(IssueCode::forbidden, "patient", "this record is closed to you; in an emergency open it with a reason");
    visit.house.write_down_refusal(visit.viewer, visit.request, no);
    visit.refuse(no);
    return false;
}

}  // namespace xinglin::server
