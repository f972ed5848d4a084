// SPDX-License-Identifier: Apache-2.0
// Follows the trie through the resource; leaves become entries in values.cpp.
#include "search/walk.h"
#include "search/reference.h"

namespace xinglin::search {

void Walk::at(const Node& node, json::Value value) {
    if (!value.is_array()) return one(node, value);
    for (const json::Node& item : value.items()) one(node, json::Value(&item));
}

void Walk::one(const Node& node, json::Value value) {
    if (!value || value.is_null()) return;
    for (const Leaf& leaf : node.leaves) this->leaf(leaf, value);
    for (const Filter& filter : node.filters) {
        if (passes(filter, value)) one(*filter.next, value);
    }
    if (node.edges.empty()) return;
    for (const json::Member& member : value.members()) {
        const std::string_view key = member.key();
        for (const Edge& edge : node.edges) {
            if (edge.key != key) continue;
            const json::Value child = member.value();
            at(*edge.next, edge.first_only && child.is_array() ? child[std::size_t{0}] : child);
        }
    }
}

bool Walk::finds(const Node& node, json::Value value) const {
    if (!value.is_array()) return finds_one(node, value);
    for (const json::Node& item : value.items()) {
        if (finds_one(node, json::Value(&item))) return true;
    }
    return false;
}

bool Walk::finds_one(const Node& node, json::Value value) const {
    if (!value || value.is_null()) return false;
    for (const Leaf& leaf : node.leaves) {
        if (leaf.rule != Rule::composite || has_components(leaf, value)) return true;
    }
    for (const Filter& filter : node.filters) {
        if (passes(filter, value) && finds_one(*filter.next, value)) return true;
    }
    for (const Edge& edge : node.edges) {
        if (finds(*edge.next, value[edge.key])) return true;
    }
    return false;
}

bool Walk::passes(const Filter& filter, json::Value value) const {
    switch (filter.kind) {
        case Step::Kind::where_equals: return value[filter.name].text() == filter.value;
        case Step::Kind::of_type: return value["resourceType"].string() == filter.name;
        case Step::Kind::where_target: return target_type(value) == filter.name;
        case Step::Kind::where_extension:
            for (const json::Node& extension : value["extension"].items()) {
                if (json::Value(&extension)["url"].string() == filter.value) return true;
            }
            return false;
        default: return false;
    }
}

/// The type a Reference names; the one it declares counts only when there is nothing to follow.
std::string_view Walk::target_type(json::Value reference) const {
    const std::string_view written = reference["reference"].string();
    return written.empty() ? reference["type"].string() : target_type(named_by(written));
}

std::string_view Walk::target_type(const Named& named) const {
    if (!named.type.empty()) return named.type;
    if (!named.contained) return type_in_url(named.url);
    if (named.id.empty()) return resource_["resourceType"].string();  // "#" is the container
    for (const json::Node& contained : resource_["contained"].items()) {
        if (json::Value(&contained)["id"].string() == named.id) return json::Value(&contained)["resourceType"].string();
    }
    return {};
}

void Walk::composite(const Leaf& leaf, json::Value value) {
    if (composites_) return composites_->base(leaf, value);
    if (has_components(leaf, value)) found(leaf);
}

bool Walk::has_components(const Leaf& leaf, json::Value value) const {
    for (std::size_t i = 0; i < leaf.components.size(); ++i) {
        if (!finds(*leaf.components[i], leaf.component_from_resource[i] ? resource_ : value)) return false;
    }
    return true;
}

void Walk::found(const Leaf& leaf) { entries_.present |= catalogue_.details(*leaf.parameter).present_bits; }

void Walk::found_reference(const Leaf& leaf, std::string_view type) {
    found(leaf);
    for (const Parameter* asked : catalogue_.details(*leaf.parameter).restricted_by) {
        if (asked->targets[0] == type) entries_.present |= std::uint64_t{1} << asked->bit;
    }
}

}  // namespace xinglin::search
