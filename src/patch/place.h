// SPDX-License-Identifier: Apache-2.0
// Inside the room: where in a tree something is, and trees with something changed there.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "json/json.h"

namespace xinglin::patch {

/// One step down: a member, or an item.
struct Stride {
    std::string key;  // of an object
    std::size_t index = 0;
    bool is_index = false;
};
using Place = std::vector<Stride>;

/// Nothing when there is nothing.
json::Value at(json::Value tree, const Place& place);
/// The tree with the value at a place replaced, or a member appended; an item's place must exist. A value of nothing removes.
json::Value put(json::Value tree, const Place& place, json::Value value, json::Arena& arena);
/// The tree with an item inserted before an index of the array at `list`.
json::Value insert(json::Value tree, const Place& list, std::size_t index, json::Value value, json::Arena& arena);
/// Where a node stands, by its identity.
std::optional<Place> find(json::Value tree, json::Value node);
/// Nodes below and with it; stops counting at `most`.
std::size_t weight(json::Value tree, std::size_t most);
/// JSON's equality: numbers by value, members in any order.
bool equal(json::Value a, json::Value b);

}  // namespace xinglin::patch
