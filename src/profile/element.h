// SPDX-License-Identifier: Apache-2.0
// Inside the room: what one ElementDefinition says, laid onto a node.
#pragma once

#include "profile/tree.h"

namespace xinglin::profile {

/// Lays the element definition onto the node; refuses what contradicts itself or is looser than what is there.
/// `arena` keeps what the node points to.
Result<Done> lay(Node& node, json::Value element, json::Arena& arena);

/// The text of an element in Chinese, by the translation extension beside it; "" when there is none.
std::string chinese(json::Value holder, std::string_view member);

}  // namespace xinglin::profile
