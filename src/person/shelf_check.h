// SPDX-License-Identifier: Apache-2.0
// Is content/persons of a folder right? Settings, weights and tables can be read, and every example of persons/cases.json comes out as it says.
#pragma once

#include <cstddef>
#include <vector>

#include "content/content.h"

namespace xinglin::person {

void check_shelf(const content::Files& files, std::vector<content::Complaint>& complaints, std::size_t& checked);

}  // namespace xinglin::person
