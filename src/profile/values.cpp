// SPDX-License-Identifier: Apache-2.0
// Values inside values: the items of an element, and whether a pattern is met.
#include "profile/tree.h"

#include <algorithm>

namespace xinglin::profile {

namespace {

void add_items(std::vector<Spot>& out, json::Value value, json::Value sidecar, const fhir::Type* type, bool is_choice) {
    if (!value.is_array() && !sidecar.is_array()) {
        if (value || sidecar) out.push_back({value, sidecar, type, SIZE_MAX, is_choice});
        return;
    }
    const std::size_t count = std::max(value.size(), sidecar.size());
    for (std::size_t i = 0; i < count; ++i) out.push_back({value[i], sidecar[i], type, i, is_choice});
}

bool is_resource_type(const fhir::Type& type) { return type.name == "Resource" || type.name == "DomainResource"; }

}  // namespace

std::string_view without_version(std::string_view canonical) { return canonical.substr(0, canonical.find('|')); }

const fhir::Type* base_type(std::string_view canonical) {
    constexpr std::string_view front = "http://hl7.org/fhir/StructureDefinition/";
    canonical = without_version(canonical);
    if (!canonical.starts_with(front)) return nullptr;
    canonical.remove_prefix(front.size());
    if (canonical == "SimpleQuantity" || canonical == "MoneyQuantity") canonical = "Quantity";
    return canonical.find('.') == std::string_view::npos ? fhir::find_type(canonical) : nullptr;
}

std::string capitalised(std::string_view name) {
    std::string text(name);
    if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
    return text;
}

const fhir::Type* type_of_resource(json::Value resource) {
    const fhir::Type* type = fhir::find_resource(resource["resourceType"].string());
    return type && !type->is_abstract ? type : nullptr;
}

std::vector<Spot> items_of(const Spot& holder, const fhir::Element& element) {
    std::vector<Spot> out;
    const json::Value source = holder.type->kind == fhir::TypeKind::primitive ? holder.sidecar : holder.value;
    if (!source.is_object()) return out;
    if (element.is_choice) {
        for (const json::Member& member : source.members()) {
            std::string_view key = member.key();
            const bool sidecar = key.starts_with('_');
            if (sidecar) key.remove_prefix(1);
            if (!key.starts_with(element.name)) continue;
            const fhir::Match found = fhir::match(*holder.type, key);
            if (!found || found.element->name != element.name || found.element->owner != element.owner) continue;
            if (sidecar && source[key]) continue;  // taken with its value
            const json::Value beside =
                found.type->type->kind == fhir::TypeKind::primitive ? source["_" + std::string(key)] : json::Value();
            add_items(out, sidecar ? json::Value() : member.value(), beside, found.type->type, true);
        }
        return out;
    }
    const fhir::Type* type = element.types.front().type;
    const json::Value value = source[element.name];
    const json::Value beside = type->kind == fhir::TypeKind::primitive ? source["_" + std::string(element.name)] : json::Value();
    add_items(out, value, beside, type, false);
    if (is_resource_type(*type)) {
        for (Spot& spot : out) {
            if (const fhir::Type* actual = type_of_resource(spot.value)) spot.type = actual;
        }
    }
    return out;
}

std::vector<Spot> items_of(const Spot& holder, std::string_view name) {
    if (!holder.type) return {};
    const fhir::Element* element = fhir::find_element(*holder.type, name);
    return element ? items_of(holder, *element) : std::vector<Spot>();
}

bool matches_pattern(json::Value value, json::Value pattern) {
    if (pattern.is_object()) {
        if (!value.is_object()) return false;
        return std::all_of(pattern.members().begin(), pattern.members().end(), [&](const json::Member& member) {
            const json::Value inside = value[member.key()];
            return inside && matches_pattern(inside, member.value());
        });
    }
    if (pattern.is_array()) {
        if (!value.is_array()) return false;
        return std::all_of(pattern.items().begin(), pattern.items().end(), [&](const json::Node& wanted) {
            return std::any_of(value.items().begin(), value.items().end(),
                               [&](const json::Node& item) { return matches_pattern(json::Value(&item), json::Value(&wanted)); });
        });
    }
    return value && json::same_content(value, pattern);
}

Node* Node::child(std::string_view named) const {
    for (const auto& each : children) {
        if (each->name == named) return each.get();
    }
    return nullptr;
}

Node* Node::slice(std::string_view named) const {
    for (const auto& each : slices) {
        if (each->slice_name == named) return each.get();
    }
    return nullptr;
}

bool Node::has_values() const {
    if (fixed || pattern || (binding && binding->strength == fhir::Binding::required)) return true;
    const auto below = [](const std::unique_ptr<Node>& node) { return node->has_values(); };
    return std::any_of(children.begin(), children.end(), below) || std::any_of(slices.begin(), slices.end(), below);
}

}  // namespace xinglin::profile
