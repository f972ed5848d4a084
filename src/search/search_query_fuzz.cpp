// SPDX-License-Identifier: Apache-2.0
// Fuzz target: any text as a query, parsed strictly and leniently, then asked of one resource.
//
// The first line is the resource type; each further line is name=value.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "search/search.h"

using namespace xinglin;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static json::Arena arena;
    static const json::Value patient = *json::parse(
        R"({"resourceType":"Patient","id":"a","active":true,"name":[{"family":"x","given":["y"]}],"birthDate":"1970-01-01",
            "generalPractitioner":[{"reference":"Practitioner/1"}],"identifier":[{"system":"s","value":"v"}]})",
        arena);
    std::string_view text(reinterpret_cast<const char*>(data), size);
    const std::size_t first = std::min(text.find('\n'), text.size());
    const fhir::Type* type = fhir::find_resource(text.substr(0, first));
    text.remove_prefix(std::min(first + 1, text.size()));
    std::vector<std::pair<std::string, std::string>> pairs;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        const std::size_t equals = std::min(line.find('='), line.size());
        pairs.emplace_back(line.substr(0, equals), line.substr(std::min(equals + 1, line.size())));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    for (const bool lenient : {false, true}) {
        const std::span<const fhir::Type* const> types(&type, type && !type->is_abstract ? 1 : 0);
        const auto query = search::parse(types, pairs, {.lenient = lenient});
        if (!query.ok()) {
            if (query.outcome().issues.empty()) std::abort();
            continue;
        }
        for (const search::Criterion& criterion : query->all) matches(*fhir::find_resource("Patient"), patient, criterion, {});
    }
    return 0;
}
