// SPDX-License-Identifier: Apache-2.0
// Are the rules of de-identification in a content folder right, and do their cases come out as they say?
#pragma once

#include <cstddef>
#include <vector>

#include "content/content.h"

namespace xinglin::bulk {

/// Reads deidentify/rules.json and plays deidentify/cases/*.json. Adds one complaint for each thing that is wrong; `checked`
/// counts the files.
void check_shelf(const content::Files& files, std::vector<content::Complaint>& complaints, std::size_t& checked);

}  // namespace xinglin::bulk
