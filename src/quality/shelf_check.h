// SPDX-License-Identifier: Apache-2.0
// The rules of a content folder, judged by their cases (content/quality/README.md).
#pragma once

#include <vector>

#include "content/content.h"
#include "quality/judge.h"

namespace xinglin::quality {

/// Appends what is wrong: rules that cannot be read, cases that come out otherwise, sets without a case, rules that no case fails.
void check_shelf(const content::Files& files, const Around& around, std::vector<content::Complaint>& complaints,
                 std::size_t& checked);

}  // namespace xinglin::quality
