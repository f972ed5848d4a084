// SPDX-License-Identifier: Apache-2.0
// iif, trace, defineVariable, type. Source: FHIRPath N1, "Utility functions" and "Reflection".
#include <map>
#include <mutex>

#include <fmt/format.h>

#include "fhirpath/functions.h"

namespace xinglin::fhirpath {

namespace {

/// Arguments see the input as $this when there is one before the dot.
Frame frame_on(const Node& call, const Collection& input, const Frame& frame) {
    return call.focus ? Frame{input, frame.index, frame.total} : frame;
}

Collection run_iif(Evaluator& evaluator, const Node& call, Collection input, const Frame& frame) {
    if (call.focus && input.size() > 1) return evaluator.fail("iif() takes a single item");
    const Frame inner = frame_on(call, input, frame);
    const Collection criterion = evaluator.run_scoped(*call.arguments[0], inner);
    const auto value = evaluator.boolean(criterion);
    if (evaluator.failed()) return {};
    if (!criterion.empty()) {
        const Plain only = plain(criterion.front());
        if (only && !only.is(Item::Kind::boolean)) return evaluator.fail("the criterion of iif() is a boolean");
    }
    if (value == true) return evaluator.run_scoped(*call.arguments[1], inner);
    return call.arguments.size() > 2 ? evaluator.run_scoped(*call.arguments[2], inner) : Collection();
}

Collection run_trace(Evaluator& evaluator, const Node& call, Collection input, const Frame& frame) {
    const auto name = evaluator.string_argument(call, 0, frame);
    if (evaluator.failed()) return {};
    const auto& trace = evaluator.environment().trace;
    if (call.arguments.size() > 1) {
        Collection projected;
        for (std::size_t i = 0; i < input.size() && evaluator.spend(); ++i) {
            const Frame inner{std::span<const Item>(&input[i], 1), static_cast<std::int64_t>(i), frame.total};
            for (Item& item : evaluator.run_scoped(*call.arguments[1], inner)) projected.push_back(std::move(item));
            if (!evaluator.fits(projected.size())) return {};
        }
        if (trace && name && !evaluator.failed()) trace(*name, projected);
    } else if (trace && name) {
        trace(*name, input);
    }
    return input;
}

bool is_taken(Evaluator& evaluator, const std::string& name) {
    for (const std::string_view reserved : {"context", "resource", "rootResource", "ucum", "sct", "loinc"}) {
        if (name == reserved) return true;
    }
    for (const auto& [known, value] : evaluator.environment().variables) {
        if (known == name) return true;
    }
    return name.starts_with("vs-") || name.starts_with("ext-");
}

Collection run_define_variable(Evaluator& evaluator, const Node& call, Collection input, const Frame& frame) {
    const auto name = evaluator.string_argument(call, 0, frame);
    if (evaluator.failed()) return {};
    if (!name) return evaluator.fail("defineVariable() needs a name");
    Collection value = input;
    if (call.arguments.size() > 1) value = evaluator.run_scoped(*call.arguments[1], frame_on(call, input, frame));
    if (evaluator.failed()) return {};
    if (is_taken(evaluator, *name) || !evaluator.define(*name, std::move(value))) {
        return evaluator.fail(fmt::format("there is a variable %{} already", name->substr(0, 60)));
    }
    return input;
}

/// Type descriptions live for good: there are only as many as types.
json::Value type_info(const std::string& name_space, const std::string& name, const std::string& base) {
    static std::mutex mutex;
    static json::Arena arena;
    static std::map<std::string, json::Value> known;
    const std::lock_guard lock(mutex);
    json::Value& value = known[name_space + "." + name];
    if (!value)
        value = arena.object(
            {{"namespace", arena.string(name_space)}, {"name", arena.string(name)}, {"baseType", arena.string(base)}});
    return value;
}

Collection run_type(Evaluator& evaluator, const Node&, Collection input, const Frame&) {
    Collection out;
    for (const Item& item : input) {
        if (!evaluator.spend()) return {};
        Item info;
        if (item.kind == Item::Kind::node && item.type) {
            const std::string base = item.type->base ? "FHIR." + std::string(item.type->base->name) : "System.Any";
            info.value = type_info("FHIR", std::string(item.type->name), base);
        } else {
            const Plain value = plain(item);
            std::string name(value ? kind_name(value.kind) : "Any");
            if (name[0] >= 'a' && name[0] <= 'z') name[0] = static_cast<char>(name[0] - 'a' + 'A');
            info.value = type_info("System", name, "System.Any");
        }
        out.push_back(std::move(info));
    }
    return out;
}

constexpr Function table[] = {
    {"iif", 2, 3, run_iif},
    {"trace", 1, 2, run_trace},
    {"defineVariable", 1, 2, run_define_variable},
    {"type", 0, 0, run_type},
};

}  // namespace

std::span<const Function> utility_functions() { return table; }

}  // namespace xinglin::fhirpath
