// SPDX-License-Identifier: Apache-2.0
// Text to tree.
#pragma once

#include <optional>
#include <string_view>

#include "fhirpath/tree.h"

namespace xinglin::fhirpath {

/// Nothing when the text is no expression; `problem` then says why.
NodePtr parse(std::string_view text, Problem& problem);

/// How deep a tree may be. Evaluation recurses along it, so this bounds the stack.
constexpr int max_tree_depth = 500;
constexpr std::size_t max_expression_bytes = 256 * 1024;

}  // namespace xinglin::fhirpath
