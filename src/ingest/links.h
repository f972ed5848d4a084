// SPDX-License-Identifier: Apache-2.0
// Inside the room: links between the resources of one bundle, rewritten to where the resources end up.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "json/json.h"

namespace xinglin::ingest {

struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};
/// What a link says now → what it shall say: "urn:uuid:…" → "Patient/1", "Patient?identifier=a|b" → "Patient/2".
using Links = std::unordered_map<std::string, std::string, TextHash, std::equal_to<>>;

/// The resource with every matching link replaced: Reference.reference, elements of type uri, url, oid and uuid, and href
/// and src in narratives (R4, http.html#trules; canonicals stay). Parts without links are shared with the original.
json::Value rewrite_links(json::Value resource, const Links& links, json::Arena& arena);

/// Calls `each` with every Reference.reference of the form "Type?parameters".
void each_conditional_reference(json::Value resource, const std::function<void(std::string_view)>& each);

}  // namespace xinglin::ingest
