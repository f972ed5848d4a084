// SPDX-License-Identifier: Apache-2.0
// Which expressions are simple enough to be quick. When in doubt, not.
#include "fhirpath/plain.h"
#include "fhirpath/quick.h"
#include "fhirpath/tree.h"

namespace xinglin::fhirpath {

namespace {

using Step = Quick::Step;
using Kind = Quick::Step::Kind;
constexpr int none = -1;
constexpr int deepest = 40;

class Compiler {
public:
    Compiler(const Quick::Settings& settings, std::vector<Step>& steps) : settings_(settings), steps_(steps) {}

    /// Number of the step, or `none`. `context`: type of $this.
    int compile(const Node& node, const fhir::Type* context, int depth = 0) {
        if (depth > deepest) return none;
        switch (node.kind) {
            case Node::Kind::this_item: return here(context);
            case Node::Kind::member: return member(node, context, depth);
            case Node::Kind::function: return function(node, context, depth);
            case Node::Kind::indexer: return indexer(node, context, depth);
            case Node::Kind::variable: return variable(node);
            case Node::Kind::literal: return literal(node.literal);
            case Node::Kind::binary: return binary(node, context, depth);
            default: return none;
        }
    }

private:
    const Quick::Settings& settings_;
    std::vector<Step>& steps_;
    int criteria_ = 0;  // how many we are inside of

    int add(Step step) {
        steps_.push_back(std::move(step));
        return static_cast<int>(steps_.size()) - 1;
    }
    const Step& at(int step) const { return steps_[static_cast<std::size_t>(step)]; }

    int here(const fhir::Type* type) {
        if (!type) return none;
        return add({.kind = Kind::context, .type = type});
    }

    int focus_of(const Node& node, const fhir::Type* context, int depth) {
        return node.focus ? compile(*node.focus, context, depth + 1) : here(context);
    }

    static bool is_primitive(const fhir::Type* type) { return type->kind == fhir::TypeKind::primitive; }
    /// Elements of a type that is the same wherever it stands: not any resource, not an abstract type.
    static bool is_plain_type(const fhir::Type* type) {
        return type && !type->is_abstract && type->kind != fhir::TypeKind::resource;
    }

    int member(const Node& node, const fhir::Type* context, int depth) {
        if (!node.focus && node.names_type) {  // `Patient.name`
            return context && context->is_a(*node.names_type) ? here(context) : none;
        }
        const int focus = focus_of(node, context, depth);
        if (focus == none || !at(focus).type) return none;
        return member_of(focus, node.name, nullptr);
    }

    /// `choice`: the type wanted of a value[x].
    int member_of(int focus, const std::string& name, const fhir::Type* choice) {
        const fhir::Type* owner = at(focus).type;
        Step step{.kind = Kind::member, .focus = at(focus).kind == Kind::context ? none : focus};
        if (is_primitive(owner)) {
            if (name != "extension" && name != "id") return none;
            step.from_sidecar = true;
            step.name = name;
            step.type = fhir::find_type(name == "id" ? "string" : "Extension");
            return add(std::move(step));
        }
        const fhir::Element* element = fhir::find_element(*owner, name);
        if (!element || element->types.empty() || element->is_choice != (choice != nullptr)) return none;
        if (choice) {
            const fhir::Type* only = nullptr;
            for (const fhir::TypeRef& ref : element->types) {
                if (!ref.type || !ref.type->is_a(*choice)) continue;
                if (only) return none;  // several keys could hold it
                only = ref.type;
            }
            if (!only) return none;
            step.name = fhir::json_key(*element, *only);
            step.type = only;
        } else {
            step.name = name;
            step.type = element->types[0].type;
        }
        if (!is_plain_type(step.type)) return none;
        step.with_sidecar = is_primitive(step.type);
        step.sidecar = "_" + step.name;
        return add(std::move(step));
    }

    /// value.ofType(Quantity)
    int of_type(const Node& node, const fhir::Type* context, int depth) {
        if (!node.type.fhir || !node.focus || node.focus->kind != Node::Kind::member || node.focus->names_type) return none;
        const int focus = focus_of(*node.focus, context, depth);
        if (focus == none || !at(focus).type) return none;
        return member_of(focus, node.focus->name, node.type.fhir);
    }

    static bool is_text_literal(const Node& node) {
        return node.kind == Node::Kind::literal && node.literal.kind == Item::Kind::string && node.name.empty();
    }

    int function(const Node& node, const fhir::Type* context, int depth) {
        const std::string_view name = node.name;
        if (name == "ofType") return of_type(node, context, depth);
        const int focus = focus_of(node, context, depth);
        if (focus == none) return none;
        const fhir::Type* type = at(focus).type;
        if (name == "first") return add({.kind = Kind::first, .focus = focus, .type = type});
        if (name == "last") return add({.kind = Kind::last, .focus = focus, .type = type});
        if (name == "count") return add({.kind = Kind::count, .focus = focus});
        if (name == "empty") return add({.kind = Kind::empty, .focus = focus});
        if (name == "not") return is_test(focus) ? add({.kind = Kind::negate, .focus = focus}) : none;
        if (name == "exists" && node.arguments.empty()) return add({.kind = Kind::exists, .focus = focus});
        if ((name == "where" || name == "exists") && type) {
            ++criteria_;
            const int criterion = compile(*node.arguments[0], type, depth + 1);
            --criteria_;
            if (criterion == none || !is_test(criterion)) return none;
            const int kept = add({.kind = Kind::where, .focus = focus, .argument = criterion, .type = type});
            return name == "where" ? kept : add({.kind = Kind::exists, .focus = kept});
        }
        if (name == "extension" && type && is_text_literal(*node.arguments[0])) {
            if (!is_primitive(type) && !fhir::find_element(*type, "extension")) return none;
            return add({.kind = Kind::extension,
                        .from_sidecar = is_primitive(type),
                        .focus = focus,
                        .name = node.arguments[0]->literal.text,
                        .type = fhir::find_type("Extension")});
        }
        if (name == "getResourceKey" && type && !is_primitive(type)) return add({.kind = Kind::resource_key, .focus = focus});
        if (name == "getReferenceKey" && type && !is_primitive(type) && (node.type.name.empty() || node.type.known()))
            return add({.kind = Kind::reference_key, .focus = focus, .name = node.type.name});
        return none;
    }

    int indexer(const Node& node, const fhir::Type* context, int depth) {
        const Node& index = *node.arguments[0];
        if (index.kind != Node::Kind::literal || index.literal.kind != Item::Kind::integer || index.literal.integer < 0)
            return none;
        const int focus = focus_of(node, context, depth);
        if (focus == none) return none;
        return add(
            {.kind = Kind::at, .focus = focus, .index = static_cast<std::size_t>(index.literal.integer), .type = at(focus).type});
    }

    int variable(const Node& node) {
        for (std::size_t i = 0; i < settings_.live.size(); ++i) {
            if (settings_.live[i] == node.name) return add({.kind = Kind::live, .index = i});
        }
        for (const auto& [name, value] : settings_.constants) {
            if (name != node.name) continue;
            const auto item = value.size() == 1 ? system_item(value[0]) : std::nullopt;
            return item ? literal(*item) : none;
        }
        // Inside of a criterion it could make a path cost more than its input, again and again.
        if (node.name == "resource" && settings_.resource && criteria_ == 0)
            return add({.kind = Kind::resource, .type = settings_.resource});
        return none;
    }

    int literal(const Item& item) {
        Step step{.kind = Kind::literal};
        if (item.kind == Item::Kind::string) {
            step.name = item.text;
            step.literal.kind = Spot::Kind::text;
        } else if (item.kind == Item::Kind::boolean) {
            step.literal.kind = Spot::Kind::boolean;
            step.literal.boolean = item.boolean;
        } else if (item.kind == Item::Kind::integer) {
            step.literal.kind = Spot::Kind::integer;
            step.literal.integer = item.integer;
        } else {
            return none;
        }
        return add(std::move(step));
    }

    bool is_test(int step) const {
        switch (at(step).kind) {
            case Kind::exists:
            case Kind::empty:
            case Kind::negate:
            case Kind::equal:
            case Kind::not_equal:
            case Kind::both:
            case Kind::either: return true;
            case Kind::literal: return at(step).literal.kind == Spot::Kind::boolean;
            default: return false;
        }
    }

    int binary(const Node& node, const fhir::Type* context, int depth) {
        const bool logical = node.operation == Operator::and_ || node.operation == Operator::or_;
        if (!logical && node.operation != Operator::equal && node.operation != Operator::not_equal) return none;
        const int left = compile(*node.focus, context, depth + 1);
        const int right = left == none ? none : compile(*node.arguments[0], context, depth + 1);
        if (right == none) return none;
        if (logical) {
            if (!is_test(left) || !is_test(right)) return none;
            return add({.kind = node.operation == Operator::and_ ? Kind::both : Kind::either, .focus = left, .argument = right});
        }
        return comparison(node, left, right);
    }

    /// path = 'text', path = true; of types whose System type is the literal's.
    int comparison(const Node& node, int left, int right) {
        if (at(right).kind != Kind::literal) std::swap(left, right);
        if (at(right).kind != Kind::literal || at(left).kind == Kind::literal) return none;
        const Spot literal = at(right).literal;
        const Kind kind = at(left).kind;
        if (const fhir::Type* type = at(left).type) {
            const Item::Kind system = system_kind(type);
            const bool fits = (system == Item::Kind::string && literal.kind == Spot::Kind::text) ||
                              (system == Item::Kind::boolean && literal.kind == Spot::Kind::boolean);
            if (!fits) return none;
        } else if (kind == Kind::resource_key || kind == Kind::reference_key) {
            if (literal.kind != Spot::Kind::text) return none;
        } else {
            return none;
        }
        return add({.kind = node.operation == Operator::equal ? Kind::equal : Kind::not_equal,
                    .focus = left,
                    .name = at(right).name,
                    .literal = literal});
    }
};

}  // namespace

std::optional<Quick> Quick::compile(const Expression& expression, const Settings& settings) {
    Quick quick;
    if (!settings.context) return std::nullopt;
    quick.root_ = Compiler(settings, quick.steps_).compile(*expression.tree().root, settings.context);
    if (quick.root_ == none) return std::nullopt;
    quick.type_ = quick.steps_[static_cast<std::size_t>(quick.root_)].type;
    return quick;
}

}  // namespace xinglin::fhirpath
