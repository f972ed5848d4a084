// SPDX-License-Identifier: Apache-2.0
// Are the profiles of a content folder right, and do their cases come out as they say?
#pragma once

#include <cstddef>
#include <vector>

#include "content/content.h"
#include "profile/profile.h"

namespace xinglin::profile {

/// Compiles every StructureDefinition of profiles/ and plays profiles/cases/NAME: what lies in `valid` must have no error, and
/// the errors of what lies in `invalid` must be those `expected.json` lists ("min Patient.name"). Adds one complaint for each
/// thing that is wrong; `checked` counts the files.
void check_shelf(const content::Files& files, const MemberOf& member_of, std::vector<content::Complaint>& complaints,
                 std::size_t& checked);

}  // namespace xinglin::profile
