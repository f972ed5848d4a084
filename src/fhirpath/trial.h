// SPDX-License-Identifier: Apache-2.0
// For tests only: evaluates a text and writes the answer as text.
#pragma once

#include <string>
#include <string_view>

#include <fmt/format.h>

#include "fhirpath/fhirpath.h"
#include "fhirpath/plain.h"

namespace xinglin::fhirpath::trial {

inline std::string show(const Collection& items) {
    std::string out;
    for (const Item& item : items) {
        if (!out.empty()) out += ", ";
        const auto text = text_of(item);
        out += text ? *text : json::write(item.value);
    }
    return out;
}

/// "a, b" for results, "!syntax", "!semantic" or "!execution" for failures; the resource is JSON, or empty.
inline std::string run(std::string_view expression, std::string_view resource = "{}", const Environment& environment = {},
                       const CompileOptions& options = {}) {
    json::Arena arena;
    const auto value = json::parse(resource, arena);
    if (!value.ok()) return "bad test: " + value.outcome().line();
    Problem problem;
    const auto compiled = Expression::compile(expression, options, &problem);
    if (!compiled.ok()) return "!" + problem.kind;
    const auto result = compiled->evaluate(item_of(*value), environment, &problem);
    return result.ok() ? show(*result) : "!" + problem.kind;
}

/// "decimal boolean": the types of the results.
inline std::string types(std::string_view expression, std::string_view resource = "{}") {
    json::Arena arena;
    const auto value = json::parse(resource, arena);
    const auto compiled = Expression::compile(expression);
    if (!compiled.ok()) return "!" + compiled.outcome().line();
    const auto result = compiled->evaluate(item_of(*value), {});
    if (!result.ok()) return "!" + result.outcome().line();
    std::string out;
    for (const Item& item : *result) out += (out.empty() ? "" : " ") + item.type_name();
    return out;
}

}  // namespace xinglin::fhirpath::trial
