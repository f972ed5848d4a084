// SPDX-License-Identifier: Apache-2.0
// From an item to its children, by the model: choice types by their short name, primitives with their sidecars.
#include "fhirpath/evaluator.h"

namespace xinglin::fhirpath {

namespace {

/// A child standing in `parent`; a resource inside changes what %resource and "#id" mean.
Item child(const Item& parent, json::Value value, json::Value sidecar, const fhir::Type* type) {
    Item item;
    item.value = value;
    item.sidecar = sidecar;
    item.type = type;
    item.resource = parent.resource;
    item.root_resource = parent.root_resource;
    if (type && type->kind == fhir::TypeKind::resource) {
        const std::string_view name = value["resourceType"].string();
        if (!name.empty()) item.type = fhir::find_resource(name);
        item.resource = value;
    }
    return item;
}

/// One element's values: a single one, or an array beside the array of its sidecars.
void append(const Item& parent, json::Value value, json::Value sidecar, const fhir::Type* type, Collection& out) {
    if (!value.is_array() && !sidecar.is_array()) {
        if (value || sidecar) out.push_back(child(parent, value, sidecar, type));
        return;
    }
    const std::size_t count = std::max(value.size(), sidecar.size());
    for (std::size_t i = 0; i < count; ++i) {
        const json::Value one_value = value[i];
        const json::Value one_sidecar = sidecar.is_array() ? sidecar[i] : json::Value();
        out.push_back(child(parent, one_value.is_null() ? json::Value() : one_value,
                            one_sidecar.is_null() ? json::Value() : one_sidecar, type));
    }
}

const fhir::Element* element_of(const fhir::Type& type, const Node& member) {
    for (const Node::Hint& hint : member.hints) {
        if (hint.owner == &type) return hint.element;
    }
    return fhir::find_element(type, member.name);
}

bool is_primitive(const fhir::Type* type) { return type && type->kind == fhir::TypeKind::primitive; }

std::string_view without_underscore(std::string_view key) { return key.substr(key.starts_with('_') ? 1 : 0); }

/// value[x]: the member whose key continues the name with a type.
void append_choice(const Item& item, const fhir::Element& element, Collection& out) {
    const std::string_view name = element.name;
    for (const json::Member& member : item.value.members()) {
        const std::string_view key = without_underscore(member.key());
        if (key.size() <= name.size() || !key.starts_with(name) || key[name.size()] < 'A' || key[name.size()] > 'Z') continue;
        const fhir::Match match = fhir::match(*item.type, key);
        if (!match || match.element->name != name) continue;
        const bool is_sidecar = member.key().starts_with('_');
        if (is_sidecar && item.value[key]) continue;  // met with its value
        const json::Value value = is_sidecar ? json::Value() : member.value();
        json::Value sidecar;
        if (is_primitive(match.type->type)) sidecar = is_sidecar ? member.value() : item.value["_" + std::string(key)];
        append(item, value, sidecar, match.type->type, out);
    }
}

/// id and extension of a primitive live in its sidecar.
void append_from_sidecar(const Item& item, std::string_view name, Collection& out) {
    if (name != "extension" && name != "id") return;
    const fhir::Type* type = fhir::find_type(name == "id" ? "string" : "Extension");
    append(item, item.sidecar[name], {}, type, out);
}

}  // namespace

void Evaluator::step(const Item& item, const Node& member, Collection& out) {
    if (item.kind != Item::Kind::node) {
        if (item.kind == Item::Kind::quantity) {
            if (member.name == "value") out.push_back(make(Item::Kind::decimal, item.text));
            if (member.name == "unit") out.push_back(make(item.unit));
        }
        return;
    }
    if (!item.type) return append(item, item.value[member.name], {}, nullptr, out);
    if (is_primitive(item.type)) return append_from_sidecar(item, member.name, out);
    const fhir::Element* element = element_of(*item.type, member);
    if (!element) return;
    if (element->is_choice) return append_choice(item, *element, out);
    const fhir::Type* type = element->types.empty() ? nullptr : element->types[0].type;
    const json::Value sidecar = is_primitive(type) ? item.value[member.sidecar_name] : json::Value();
    append(item, item.value[member.name], sidecar, type, out);
}

void Evaluator::children(const Item& item, Collection& out) {
    if (item.kind != Item::Kind::node) return;
    if (is_primitive(item.type)) {
        append_from_sidecar(item, "id", out);
        append_from_sidecar(item, "extension", out);
        return;
    }
    for (const json::Member& member : item.value.members()) {
        const std::string_view key = member.key();
        if (key == "resourceType" || key == "fhir_comments") continue;
        if (!item.type) {
            append(item, member.value(), {}, nullptr, out);
            continue;
        }
        const bool is_sidecar = key.starts_with('_');
        const std::string_view name = without_underscore(key);
        if (is_sidecar && item.value[name]) continue;
        const fhir::Match match = fhir::match(*item.type, name);
        if (!match) continue;
        const fhir::Type* type = match.type ? match.type->type : nullptr;
        json::Value sidecar;
        if (is_primitive(type)) sidecar = is_sidecar ? member.value() : item.value["_" + std::string(name)];
        append(item, is_sidecar ? json::Value() : member.value(), sidecar, type, out);
    }
}

}  // namespace xinglin::fhirpath
