// SPDX-License-Identifier: Apache-2.0
// Lays typed paths over JSON keys: a choice without `as` becomes one edge for each of its types.
#include "search/trie.h"

#include "text/text.h"

namespace xinglin::search {
namespace {

bool names(const fhir::Type& type, std::string_view wanted) {
    if (type.name == wanted) return true;
    const fhir::Type* other = fhir::find_type(wanted);
    if (other) return type.is_a(*other);
    return text::lower_ascii(type.name) == text::lower_ascii(wanted);  // R4 writes `as(DateTime)` once
}

constexpr std::string_view any_resource = "Resource";

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
    for (const auto& each : names) {
        if (each == name) return true;
    }
    return false;
}

bool is_text(std::string_view name) {
    return is_one_of(name, {"string", "markdown", "id", "uri", "url", "canonical", "oid", "uuid"});
}

std::optional<Rule> token_rule(std::string_view name) {
    if (name == "Coding") return Rule::coding;
    if (name == "CodeableConcept") return Rule::codeable_concept;
    if (name == "Identifier") return Rule::identifier;
    if (name == "ContactPoint") return Rule::contact_point;
    if (name == "boolean") return Rule::boolean;
    if (name == "string") return Rule::folded_code;
    if (name == "code" || is_text(name)) return Rule::code;
    return std::nullopt;
}

std::optional<Rule> quantity_rule(std::string_view name) {
    if (is_one_of(name, {"Quantity", "SimpleQuantity", "Age", "Count", "Distance", "Duration", "MoneyQuantity"}))
        return Rule::quantity;
    if (name == "Money") return Rule::money;
    if (name == "Range") return Rule::range;
    if (name == "SampledData") return Rule::presence;  // R4 does not say how its samples would compare
    return std::nullopt;
}

std::optional<Rule> date_rule(std::string_view name) {
    if (name == "date") return Rule::date;
    if (name == "dateTime" || name == "instant") return Rule::instant_or_date_time;
    if (name == "Period") return Rule::period;
    if (name == "Timing") return Rule::timing;
    return std::nullopt;
}

/// The system of a code that can only come from one.
std::string_view system_of(const fhir::Element* element, const fhir::Type& type) {
    if (!element || type.name != "code" || element->binding != fhir::Binding::required) return {};
    const fhir::CodeSet* set = fhir::find_code_set(element->value_set);
    return set && set->systems.size() == 1 ? set->systems[0] : std::string_view();
}

}  // namespace

std::optional<Rule> rule_of(ParamType parameter, const fhir::Type& type) {
    const std::string_view name = type.name;
    switch (parameter) {
        case ParamType::token: return token_rule(name);
        case ParamType::quantity: return quantity_rule(name);
        case ParamType::date: return date_rule(name);
        case ParamType::string:
            if (name == "HumanName") return Rule::human_name;
            if (name == "Address") return Rule::address;
            if (name == "CodeableConcept") return Rule::codeable_concept;  // its text and displays
            return is_text(name) ? std::optional(Rule::plain_string) : std::nullopt;
        case ParamType::number:
            if (name == "Range") return Rule::range_of_numbers;
            if (is_one_of(name, {"decimal", "integer", "positiveInt", "unsignedInt"})) return Rule::number;
            return std::nullopt;
        case ParamType::reference:
            if (name == "Reference") return Rule::reference;
            if (type.kind == fhir::TypeKind::resource) return Rule::resource;
            return is_text(name) ? std::optional(Rule::canonical) : std::nullopt;
        case ParamType::uri: return is_text(name) ? std::optional(Rule::uri) : std::nullopt;
        case ParamType::composite: return Rule::composite;
        case ParamType::special: return Rule::presence;
    }
    return std::nullopt;
}

Node* Grower::edge(Node* from, std::string_view key, bool first_only) {
    for (const Edge& edge : from->edges) {
        if (edge.key == key && edge.first_only == first_only) return const_cast<Node*>(edge.next);
    }
    Node* next = make();
    from->edges.push_back({text_.emplace_back(key), first_only, next});
    return next;
}

Node* Grower::filter(Node* from, const Step& step) {
    for (const Filter& filter : from->filters) {
        if (filter.kind == step.kind && filter.name == step.name && filter.value == step.value)
            return const_cast<Node*>(filter.next);
    }
    Node* next = make();
    from->filters.push_back({step.kind, step.name, step.value, next});
    return next;
}

/// `then`: the step after, which may narrow a choice or take only the first.
void Grower::child(const Cursor& from, std::string_view name, const Step* then, std::vector<Cursor>& to) {
    const fhir::Element* element = fhir::find_element(*from.type, name);
    if (!element) return;
    const bool first = then && then->kind == Step::Kind::first;
    for (const fhir::TypeRef& ref : element->types) {
        if (then && then->kind == Step::Kind::of_type && ref.type->name != any_resource && !names(*ref.type, then->name))
            continue;
        const std::string key = element->is_choice ? fhir::json_key(*element, *ref.type) : std::string(element->name);
        to.push_back({edge(from.node, key, first), ref.type, element});
    }
}

bool Grower::grow(Node* root, const fhir::Type& type, const Path& path, const Parameter& parameter, const fhir::Type& resource) {
    std::vector<Cursor> cursors{{root, &type, nullptr}};
    for (std::size_t i = 0; i < path.steps.size(); ++i) {
        const Step& step = path.steps[i];
        const Step* then = i + 1 < path.steps.size() ? &path.steps[i + 1] : nullptr;
        std::vector<Cursor> next;
        for (const Cursor& cursor : cursors) {
            switch (step.kind) {
                case Step::Kind::child: child(cursor, step.name, then, next); break;
                case Step::Kind::of_type:
                    if (cursor.type->name == any_resource) {  // known only from what stands there
                        next.push_back({filter(cursor.node, step), fhir::find_type(step.name), cursor.element});
                    } else if (names(*cursor.type, step.name)) {
                        next.push_back(cursor);
                    }
                    break;
                case Step::Kind::first: next.push_back(cursor); break;
                case Step::Kind::extension: {
                    const fhir::Type* extension = fhir::find_type("Extension");
                    const Step where{Step::Kind::where_equals, "url", step.value};
                    next.push_back({filter(edge(cursor.node, "extension", false), where), extension, nullptr});
                    break;
                }
                case Step::Kind::exists_and_not_false:
                    cursor.node->leaves.push_back(
                        {&parameter, Rule::deceased, {}, fhir::find_element(*cursor.type, step.name)->name, {}, {}});
                    return true;
                default: next.push_back({filter(cursor.node, step), cursor.type, cursor.element}); break;
            }
        }
        cursors = std::move(next);
    }
    bool any = false;
    for (const Cursor& cursor : cursors) any |= finish(cursor, parameter, resource);
    return any;
}

bool Grower::any(Rule rule) const {
    return std::any_of(nodes_.begin(), nodes_.end(), [&](const Node& node) {
        return std::any_of(node.leaves.begin(), node.leaves.end(), [&](const Leaf& leaf) { return leaf.rule == rule; });
    });
}

bool Grower::only(Rule rule) const {
    bool any = false;
    for (const Node& node : nodes_) {
        for (const Leaf& leaf : node.leaves) {
            if (leaf.rule != rule) return false;
            any = true;
        }
    }
    return any;
}

bool Grower::finish(const Cursor& at, const Parameter& parameter, const fhir::Type& resource) {
    if (at.type->name == "Extension" && parameter.type != ParamType::composite) {  // an extension stands for its value
        std::vector<Cursor> values;
        child(at, "value", nullptr, values);
        bool any = false;
        at.node->leaves.push_back({&parameter, Rule::presence, {}, {}, {}, {}});
        for (const Cursor& value : values) {
            if (const auto rule = rule_of(parameter.type, *value.type)) {
                value.node->leaves.push_back({&parameter, *rule, {}, {}, {}, {}});
                any = true;
            }
        }
        return any;
    }
    const auto rule = rule_of(parameter.type, *at.type);
    if (rule == Rule::composite) return finish_composite(at, parameter, resource);
    at.node->leaves.push_back({&parameter, rule.value_or(Rule::presence), system_of(at.element, *at.type), {}, {}, {}});
    return rule.has_value();
}

bool Grower::finish_composite(const Cursor& at, const Parameter& parameter, const fhir::Type& resource) {
    Leaf leaf{&parameter, Rule::composite, {}, {}, {}, {}};
    for (const Parameter::Component& component : parameter.components) {
        const auto paths = parse_paths(component.expression);
        if (!paths) return false;
        Node* root = make();
        bool any = false;
        for (const Path& path : *paths) {
            any |= grow(root, path.from_resource ? resource : *at.type, path, *component.parameter, resource);
        }
        if (!any) return false;
        leaf.components.push_back(root);
        leaf.component_from_resource.push_back(paths->front().from_resource);
    }
    at.node->leaves.push_back(std::move(leaf));
    return true;
}

}  // namespace xinglin::search
