// SPDX-License-Identifier: Apache-2.0
// Static types: enough to give every step its element before it runs, and to refuse what strict mode refuses.
// Source: FHIRPath N1, "Type safety and strict evaluation".
#include "fhirpath/check.h"

#include <algorithm>

#include <fmt/format.h>

#include "fhirpath/functions.h"
#include "fhirpath/plain.h"
#include "fhirpath/regex.h"

namespace xinglin::fhirpath {

namespace {

/// What an expression may give. `types` are the only ones possible when `complete`.
struct Static {
    std::vector<const fhir::Type*> types;
    Item::Kind system = Item::Kind::node;  // of a literal or operator: its System type
    bool complete = false;
    bool ordered = true;
};

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

class Checker {
public:
    Checker(const CompileOptions& options, Problem& problem) : options_(options), problem_(problem) {}

    Static infer(Node& node, const Static& context) {
        switch (node.kind) {
            case Node::Kind::empty: return {.complete = true};
            case Node::Kind::literal: return {.system = node.literal.kind};
            case Node::Kind::this_item: return context;
            case Node::Kind::index: return {.system = Item::Kind::integer};
            case Node::Kind::total:
            case Node::Kind::variable: return {};
            case Node::Kind::member: return infer_member(node, context);
            case Node::Kind::function: return infer_function(node, context);
            case Node::Kind::indexer: {
                Static focus = infer(*node.focus, context);
                infer(*node.arguments[0], context);
                return ordered(std::move(focus), "[]");
            }
            case Node::Kind::negate:
            case Node::Kind::plus: return infer(*node.focus, context);
            case Node::Kind::is_type: infer(*node.focus, context); return {.system = Item::Kind::boolean};
            case Node::Kind::as_type: return narrowed(infer(*node.focus, context), node.type);
            case Node::Kind::binary: return infer_binary(node, context);
        }
        return {};
    }

    bool failed() const { return failed_; }

    Static start() const {
        Static context;
        if (options_.context_type) {
            context.types.push_back(options_.context_type);
            context.complete = !options_.context_type->is_abstract;
        }
        return context;
    }

private:
    const CompileOptions& options_;
    Problem& problem_;
    bool failed_ = false;

    Static refused(std::string message) {
        if (!failed_) problem_ = {"semantic", std::move(message)};
        failed_ = true;
        return {};
    }

    Static ordered(Static focus, std::string_view what) {
        if (options_.check_ordered_functions && !focus.ordered)
            return refused(fmt::format("{} needs an order, but its input has none", what));
        return focus;
    }

    static void add_type(Static& result, const fhir::Type* type) {
        if (!type || (type->is_abstract && type->kind == fhir::TypeKind::resource)) {
            result.complete = false;  // any resource: only known when it is there
        } else if (std::find(result.types.begin(), result.types.end(), type) == result.types.end()) {
            result.types.push_back(type);
        }
    }

    Static infer_member(Node& node, const Static& context) {
        if (!node.focus && !node.name.empty() && node.name[0] >= 'A' && node.name[0] <= 'Z') {
            node.names_type = fhir::find_type(node.name);
            if (node.names_type) return start_type(node, context);
        }
        const Static focus = node.focus ? infer(*node.focus, context) : context;
        Static result;
        result.complete = focus.complete;
        result.ordered = focus.ordered;
        for (const fhir::Type* type : focus.types) {
            if (type->kind == fhir::TypeKind::primitive) {
                if (node.name == "extension") add_type(result, fhir::find_type("Extension"));
                if (node.name == "id") add_type(result, fhir::find_type("string"));
                continue;
            }
            const fhir::Element* element = fhir::find_element(*type, node.name);
            if (!element) continue;
            if (node.hints.size() < 16) node.hints.push_back({type, element});
            for (const fhir::TypeRef& ref : element->types) add_type(result, ref.type);
        }
        if (options_.strict && focus.complete && !focus.types.empty() && result.types.empty() && result.complete) {
            return refused(fmt::format("{} has no element {}", focus.types[0]->name, node.name.substr(0, 60)));
        }
        return result;
    }

    /// A first name that is a type: `Patient`.
    Static start_type(const Node& node, const Static& context) {
        const fhir::Type* named = node.names_type;
        if (context.complete && !context.types.empty()) {
            for (const fhir::Type* type : context.types) {
                if (type->is_a(*named)) return context;
            }
            if (options_.strict) return refused(fmt::format("the context is {}, not {}", context.types[0]->name, named->name));
            return {};
        }
        Static result;
        result.types.push_back(named);
        result.complete = !named->is_abstract;
        return result;
    }

    static Static narrowed(Static focus, const TypeName& name) {
        Static result;
        result.ordered = focus.ordered;
        result.system = name.fhir ? Item::Kind::node : name.system;
        if (name.fhir) {
            result.types.push_back(name.fhir);
            result.complete = !name.fhir->is_abstract;
        }
        return result;
    }

    static Static merged(Static a, const Static& b) {
        for (const fhir::Type* type : b.types) add_type(a, type);
        if (a.system != b.system) a.system = Item::Kind::node;
        a.complete = a.complete && b.complete;
        return a;
    }

    Static infer_binary(Node& node, const Static& context) {
        Static left = infer(*node.focus, context);
        const Static right = infer(*node.arguments[0], context);
        const auto is_moment = [](Item::Kind kind) {
            return kind == Item::Kind::date || kind == Item::Kind::date_time || kind == Item::Kind::time;
        };
        switch (node.operation) {
            case Operator::add:
            case Operator::subtract:
                if (is_moment(left.system) && right.system != Item::Kind::node && right.system != Item::Kind::quantity) {
                    return refused(fmt::format("'{}' moves a date or time by a quantity, not by {}", symbol(node.operation),
                                               kind_name(right.system)));
                }
                if (is_moment(left.system)) return {.system = left.system};
                return left.system == right.system ? Static{.system = left.system} : Static{};
            case Operator::multiply:
            case Operator::divide:
            case Operator::whole_divide:
            case Operator::modulo: return {};
            case Operator::concatenate: return {.system = Item::Kind::string};
            case Operator::unite: return merged(std::move(left), right);
            default: return {.system = Item::Kind::boolean};
        }
    }

    Static infer_function(Node& node, const Static& context) {
        const Static focus = node.focus ? infer(*node.focus, context) : context;
        if (node.function->ordered && node.focus) ordered(focus, node.name + "()");
        const bool iterates = is_one_of(node.name, {"where", "select", "all", "exists", "repeat", "repeatAll", "aggregate",
                                                    "sort", "trace", "iif", "defineVariable"});
        Static inner = focus;
        inner.ordered = true;
        if (is_one_of(node.name, {"repeat", "repeatAll"})) inner = {};  // what it meets after the first round is not known
        std::vector<Static> arguments;
        for (const NodePtr& argument : node.arguments) arguments.push_back(infer(*argument, iterates ? inner : context));
        if (failed_) return {};
        if (is_one_of(node.name, {"matches", "matchesFull", "replaceMatches"}) &&
            node.arguments[0]->kind == Node::Kind::literal && node.arguments[0]->literal.kind == Item::Kind::string) {
            std::string ignored;  // a pattern that is none fails when it is used
            node.regex = Regex::compile(node.arguments[0]->literal.text, ignored);
        }
        if (node.name == "iif") return infer_iif(*node.arguments[0], arguments);
        return result_of(node, focus, arguments);
    }

    Static infer_iif(const Node& criterion, const std::vector<Static>& arguments) {
        if (criterion.kind == Node::Kind::literal && criterion.literal.kind != Item::Kind::boolean) {
            return refused(fmt::format("the criterion of iif() is a boolean, not {}", kind_name(criterion.literal.kind)));
        }
        return arguments.size() > 2 ? merged(arguments[1], arguments[2]) : arguments[1];
    }

    static Static result_of(const Node& node, const Static& focus, const std::vector<Static>& arguments) {
        const std::string_view name = node.name;
        if (is_one_of(name, {"where", "first", "last", "tail", "skip", "take", "single", "exclude", "intersect", "trace",
                             "distinct", "defineVariable", "checkModifiers"}))
            return focus;
        if (name == "sort") {
            Static result = focus;
            result.ordered = true;
            return result;
        }
        if (name == "select") {
            Static result = arguments[0];
            result.ordered = result.ordered && focus.ordered;
            return result;
        }
        if (is_one_of(name, {"ofType", "as"})) return narrowed(focus, node.type);
        if (is_one_of(name, {"union", "combine"})) return merged(focus, arguments[0]);
        if (name == "extension") {
            Static result;
            add_type(result, fhir::find_type("Extension"));
            result.complete = true;
            return result;
        }
        if (is_one_of(name, {"children", "descendants", "repeat", "repeatAll"})) return {.ordered = false};
        if (is_one_of(name, {"now"})) return {.system = Item::Kind::date_time};
        if (is_one_of(name, {"today"})) return {.system = Item::Kind::date};
        if (is_one_of(name, {"timeOfDay"})) return {.system = Item::Kind::time};
        if (is_one_of(name, {"toString", "upper", "lower", "trim", "substring", "replace", "replaceMatches", "join", "encode",
                             "decode", "escape", "unescape", "getResourceKey", "getReferenceKey"})) {
            return {.system = Item::Kind::string};
        }
        if (is_one_of(name, {"count", "length", "indexOf", "lastIndexOf", "toInteger"})) return {.system = Item::Kind::integer};
        if (is_one_of(name, {"exists", "empty", "all", "not", "is", "hasValue", "startsWith", "endsWith", "contains", "matches",
                             "matchesFull"})) {
            return {.system = Item::Kind::boolean};
        }
        return {};
    }
};

}  // namespace

bool check(Node& root, const CompileOptions& options, Problem& problem, Expression::Gives& gives) {
    Checker checker(options, problem);
    Static result = checker.infer(root, checker.start());
    gives = {std::move(result.types), result.complete, result.system};
    return !checker.failed();
}

}  // namespace xinglin::fhirpath
