// SPDX-License-Identifier: Apache-2.0
// Checks content/views: every definition compiles, can be a table, and gives in each of its cases the rows written there.
#pragma once

#include <cstddef>
#include <vector>

#include "content/content.h"

namespace xinglin::view {

/// A case is views/cases/NAME/WORD.json: {"title", "resources": […], "expect": [row, …]}. Adds what is wrong, and to
/// `checked` how many files were looked at.
void check_shelf(const content::Files& files, std::vector<content::Complaint>& complaints, std::size_t& checked);

}  // namespace xinglin::view
