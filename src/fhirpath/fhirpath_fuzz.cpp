// SPDX-License-Identifier: Apache-2.0
// Any bytes as an expression, up to a NUL; the rest as a resource.
#include <string_view>

#include "fhirpath/fhirpath.h"
#include "fhirpath/parser.h"
#include "fhirpath/unit.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace xinglin;
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const std::string_view text = input.substr(0, input.find('\0'));
    fhirpath::parse_unit(text);
    fhirpath::Problem problem;
    if (const auto node = fhirpath::parse(text, problem)) {
        if (!fhirpath::parse(fhirpath::print(*node), problem) && problem.message.find("nested") == std::string::npos)
            __builtin_trap();
    }
    const auto expression = fhirpath::Expression::compile(text);
    if (!expression.ok()) return 0;
    json::Arena arena;
    const std::string_view rest = text.size() < size ? input.substr(text.size() + 1) : std::string_view();
    auto resource = json::parse(rest, arena);
    if (!resource.ok())
        resource = json::parse(
            R"({"resourceType":"Patient","name":[{"given":["a",null],"_given":[null,{"id":"x"}]}],"birthDate":"1970-01"})",
            arena);
    fhirpath::Environment environment;
    environment.budget = {.steps = 10'000, .items = 1'000};
    (void)expression->evaluate(fhirpath::item_of(*resource), environment);
    return 0;
}
