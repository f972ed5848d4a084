// SPDX-License-Identifier: Apache-2.0
// What can be known of an expression before it runs: types of its parts, elements that do not exist.
#pragma once

#include "fhirpath/tree.h"

namespace xinglin::fhirpath {

/// Fills in types and hints; false, with a "semantic" problem, when the expression can't be right. `gives`: what it results in.
bool check(Node& root, const CompileOptions& options, Problem& problem, Expression::Gives& gives);

}  // namespace xinglin::fhirpath
