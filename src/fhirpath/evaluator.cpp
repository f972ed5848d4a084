// SPDX-License-Identifier: Apache-2.0
// Walks the tree.
#include "fhirpath/evaluator.h"

#include <algorithm>

#include <fmt/format.h>

#include "fhirpath/equality.h"
#include "fhirpath/functions.h"

namespace xinglin::fhirpath {

Collection Evaluator::fail(std::string message, std::string_view kind) {
    if (!failed_) problem_ = {std::string(kind), std::move(message)};
    failed_ = true;
    return {};
}

bool Evaluator::spend(std::uint64_t steps) {
    spent_ += steps;
    if (spent_ > environment_.budget.steps) fail(fmt::format("took more than {} steps", environment_.budget.steps));
    return !failed_;
}

bool Evaluator::fits(std::size_t items) {
    if (items <= environment_.budget.items) return true;
    fail(fmt::format("a collection grew beyond {} items", environment_.budget.items));
    return false;
}

Collection Evaluator::run(const Node& node, const Frame& frame) {
    if (!spend()) return {};
    Collection result = run_node(node, frame);
    if (node.kind == Node::Kind::member) return result;  // nodes of the resource, which own no text
    std::uint64_t bytes = 0;
    for (const Item& item : result) bytes += item.text.size();
    // Text is made and copied on the way: it counts, so that a budget of steps bounds memory too.
    return spend(bytes / 64) ? result : Collection();
}

Collection Evaluator::run_node(const Node& node, const Frame& frame) {
    switch (node.kind) {
        case Node::Kind::empty: return {};
        case Node::Kind::literal:
            if (!node.name.empty()) return fail(fmt::format("a time of day has no zone: @T{}", node.name));
            return one(node.literal);
        case Node::Kind::this_item: return {frame.focus.begin(), frame.focus.end()};
        case Node::Kind::index: return frame.index < 0 ? Collection() : one(make(frame.index));
        case Node::Kind::total: return frame.total ? *frame.total : Collection();
        case Node::Kind::variable: return variable(node);
        case Node::Kind::member: return run_member(node, frame);
        case Node::Kind::function: return run_function(node, frame);
        case Node::Kind::indexer: return run_indexer(node, frame);
        case Node::Kind::negate:
        case Node::Kind::plus: return run_sign(node, frame);
        case Node::Kind::binary: return evaluate_binary(*this, node, frame);
        case Node::Kind::is_type:
        case Node::Kind::as_type: return run_type(node, frame);
    }
    return {};
}

Collection Evaluator::run_scoped(const Node& node, const Frame& frame) {
    const std::size_t known = variables_.size();
    Collection result = run(node, frame);
    variables_.resize(known);
    return result;
}

std::optional<bool> Evaluator::test(const Node& node, const Frame& frame) { return boolean(run_scoped(node, frame)); }

std::optional<bool> Evaluator::boolean(const Collection& collection) {
    if (collection.size() > 1) {
        fail(fmt::format("a boolean is expected, but there are {} items", collection.size()));
        return std::nullopt;
    }
    return truth(collection);
}

const Item* Evaluator::single(const Collection& collection, std::string_view what) {
    if (collection.size() == 1) return &collection.front();
    if (collection.size() > 1) fail(fmt::format("{} takes a single item, but there are {}", what, collection.size()));
    return nullptr;
}

std::optional<std::string> Evaluator::string_argument(const Node& call, std::size_t index, const Frame& frame) {
    if (index >= call.arguments.size()) return std::nullopt;
    const Collection argument = run_scoped(*call.arguments[index], frame);
    const Item* item = single(argument, call.name + "()");
    if (!item || is_valueless(*item)) return std::nullopt;
    const Plain value = plain(*item);
    if (value.is(Item::Kind::string)) return std::string(value.text);
    fail(fmt::format("{}() takes a string, not {}", call.name, item->type_name()));
    return std::nullopt;
}

std::optional<std::int64_t> Evaluator::integer_argument(const Node& call, std::size_t index, const Frame& frame) {
    if (index >= call.arguments.size()) return std::nullopt;
    const Collection argument = run_scoped(*call.arguments[index], frame);
    const Item* item = single(argument, call.name + "()");
    if (!item || is_valueless(*item)) return std::nullopt;
    const Plain value = plain(*item);
    if (value.is(Item::Kind::integer)) return value.integer;
    fail(fmt::format("{}() takes an integer, not {}", call.name, item->type_name()));
    return std::nullopt;
}

std::optional<std::string> Evaluator::string_input(const Collection& input, std::string_view function) {
    const Item* item = single(input, fmt::format("{}()", function));
    if (!item) return std::nullopt;
    const Plain value = plain(*item);
    if (value.is(Item::Kind::string)) return std::string(value.text);
    if (is_valueless(*item)) return std::nullopt;
    fail(fmt::format("{}() works on a string, not {}", function, item->type_name()));
    return std::nullopt;
}

Collection Evaluator::run_member(const Node& node, const Frame& frame) {
    Collection out;
    if (node.focus) {
        const Collection input = run(*node.focus, frame);
        for (const Item& item : input) {
            if (!spend()) return {};
            step(item, node, out);
        }
    } else {
        for (const Item& item : frame.focus) {
            // A first name that is the type of the item means the item itself.
            if (node.names_type && item.kind == Item::Kind::node && item.type && item.type->is_a(*node.names_type)) {
                out.push_back(item);
            } else {
                step(item, node, out);
            }
        }
    }
    return fits(out.size()) ? out : Collection();
}

Collection Evaluator::run_function(const Node& node, const Frame& frame) {
    Collection input = node.focus ? run(*node.focus, frame) : Collection(frame.focus.begin(), frame.focus.end());
    if (!spend(1 + input.size())) return {};
    Collection result = node.function->run(*this, node, std::move(input), frame);
    if (failed_ || !fits(result.size())) return {};
    return result;
}

Collection Evaluator::run_indexer(const Node& node, const Frame& frame) {
    const Collection input = run(*node.focus, frame);
    const Collection argument = run_scoped(*node.arguments[0], frame);
    const Item* item = single(argument, "[]");
    if (!item) return {};
    const Plain index = plain(*item);
    if (!index.is(Item::Kind::integer)) return fail(fmt::format("an index is an integer, not {}", item->type_name()));
    if (index.integer < 0 || static_cast<std::uint64_t>(index.integer) >= input.size()) return {};
    return one(input[static_cast<std::size_t>(index.integer)]);
}

Collection Evaluator::run_sign(const Node& node, const Frame& frame) {
    const Collection input = run(*node.focus, frame);
    const std::string_view sign = node.kind == Node::Kind::negate ? "-" : "+";
    const Item* item = single(input, sign);
    if (!item || is_valueless(*item)) return {};
    const Plain value = plain(*item);
    if (!value.is_number() && !value.is(Item::Kind::quantity))
        return fail(fmt::format("'{}' takes a number, not {}", sign, item->type_name()));
    auto result = system_item(*item);
    if (node.kind == Node::Kind::plus) return one(std::move(*result));
    if (value.is(Item::Kind::integer)) {
        if (value.integer == INT64_MIN) return {};
        result->integer = -value.integer;
    } else {
        const auto number = value.number();
        if (!number) return {};
        result->text = (-*number).text();
    }
    return one(std::move(*result));
}

Collection Evaluator::run_type(const Node& node, const Frame& frame) {
    Collection input = run(*node.focus, frame);
    if (!node.type.known()) return fail(fmt::format("there is no type {}", node.type.name.substr(0, 60)));
    const Item* item = single(input, node.kind == Node::Kind::is_type ? "is" : "as");
    if (!item) return {};
    const bool fits_type = is_of_type(*item, node.type);
    if (node.kind == Node::Kind::is_type) return one(make(fits_type));
    return fits_type ? std::move(input) : Collection();
}

bool is_of_type(const Item& item, const TypeName& type) {
    if (item.kind == Item::Kind::node && item.type) return type.fhir && item.type->is_a(*type.fhir);
    if (type.system_any) return true;
    if (item.kind == Item::Kind::node) return type.system != Item::Kind::node && plain(item).kind == type.system;
    return type.system == item.kind;
}

bool Evaluator::define(const std::string& name, Collection value) {
    for (const auto& [known, ignored] : variables_) {
        if (known == name) return false;
    }
    variables_.emplace_back(name, std::move(value));
    return true;
}

Collection Evaluator::variable(const Node& node) {
    const std::string& name = node.name;
    for (auto it = variables_.rbegin(); it != variables_.rend(); ++it) {
        if (it->first == name) return it->second;
    }
    for (const auto& [known, value] : environment_.variables) {
        if (known == name) return value;
    }
    if (name == "context") return one(context_);
    if (name == "resource" || name == "rootResource") {
        // In a contained resource, %resource is that one and %rootResource the one around it.
        json::Value value = context_.resource ? context_.resource : context_.value;
        const json::Value root = context_.root_resource ? context_.root_resource : value;
        const bool contained = root != value && root["resourceType"].string() != "Bundle";
        if (name == "rootResource" && contained) value = root;
        if (value == context_.value) return one(context_);
        Item item = item_of(value);
        item.root_resource = root;
        return one(std::move(item));
    }
    if (name == "ucum") return one(make("http://unitsofmeasure.org"));
    if (name == "sct") return one(make("http://snomed.info/sct"));
    if (name == "loinc") return one(make("http://loinc.org"));
    if (name.starts_with("vs-")) return one(make("http://hl7.org/fhir/ValueSet/" + name.substr(3)));
    if (name.starts_with("cs-")) return one(make("http://hl7.org/fhir/" + name.substr(3)));
    if (name.starts_with("ext-")) return one(make("http://hl7.org/fhir/StructureDefinition/" + name.substr(4)));
    return fail(fmt::format("there is no variable %{}", name.substr(0, 60)));
}

std::int64_t Evaluator::now_ms() {
    if (now_ms_ == 0) now_ms_ = environment_.now_ms != 0 ? environment_.now_ms : calendar::SystemClock().now_ms();
    return now_ms_;
}

bool ItemSet::add(const Item& item) {
    if (has(item)) return false;
    items_.emplace(hash_of(item), item);
    return true;
}

bool ItemSet::has(const Item& item) const {
    const auto [from, to] = items_.equal_range(hash_of(item));
    return std::any_of(from, to, [&item](const auto& entry) { return equal(entry.second, item).value_or(false); });
}

}  // namespace xinglin::fhirpath
