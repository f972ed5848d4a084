// SPDX-License-Identifier: Apache-2.0
// The door's questions about types, code sets, compartments and search parameters.
#include <algorithm>

#include "fhir/tables.h"

namespace xinglin::fhir {

bool Type::is_a(const Type& other) const {
    for (const Type* type = this; type; type = type->base) {
        if (type == &other) return true;
    }
    return false;
}

std::span<const Rule> rules(const Type& type) { return tables().rules[static_cast<std::size_t>(&type - tables().types.data())]; }

const Type* find_type(std::string_view name) { return tables().find(name); }

const Type* find_resource(std::string_view name) {
    const Type* type = find_type(name);
    return type && type->kind == TypeKind::resource ? type : nullptr;
}

std::span<const Type* const> resources() { return tables().resources; }

Match match(const Type& type, std::string_view json_key) { return type.keys->find(json_key); }

const Element* find_element(const Type& type, std::string_view name) {
    if (const Match found = match(type, name)) {
        if (found.element->name == name) return found.element;
    }
    for (const Element& element : type.elements) {  // choices, rarely asked
        if (element.name == name) return &element;
    }
    return nullptr;
}

std::string json_key(const Element& element, const Type& type) {
    std::string key(element.name);
    if (!element.is_choice) return key;
    const std::size_t capital = key.size();
    key += type.name;
    if (key[capital] >= 'a' && key[capital] <= 'z') key[capital] = static_cast<char>(key[capital] - 'a' + 'A');
    return key;
}

bool CodeSet::has(std::string_view code) const { return std::binary_search(codes.begin(), codes.end(), code); }

const CodeSet* find_code_set(std::string_view value_set) {
    value_set = value_set.substr(0, value_set.find('|'));
    const auto& sets = tables().code_sets;
    const auto at = std::lower_bound(sets.begin(), sets.end(), value_set,
                                     [](const CodeSet& a, std::string_view b) { return a.value_set < b; });
    return at != sets.end() && at->value_set == value_set ? &*at : nullptr;
}

std::span<const std::string_view> compartment_parameters(std::string_view compartment, std::string_view type) {
    const auto& all = tables().memberships;
    const auto at = std::lower_bound(all.begin(), all.end(), std::pair(compartment, type),
                                     [](const auto& a, const auto& b) { return std::pair(a.compartment, a.type) < b; });
    if (at == all.end() || at->compartment != compartment || at->type != type) return {};
    return at->parameters;
}

std::span<const std::string_view> compartments() { return tables().compartments; }

std::span<const SearchParameterRow> search_parameter_rows() { return tables().search_parameters; }

}  // namespace xinglin::fhir
