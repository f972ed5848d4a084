// SPDX-License-Identifier: Apache-2.0
// How fast tables are decoded, keys found, resources validated and turned to XML and back. One core.
//
// Expected, at 3 GHz: decoding 0.8 MB of text with a few thousand small allocations, 2 ms; a key is one hash, one or two
// compared strings, 10 ns; a small resource has 30 keys and 20 formats, 1 µs.
#include <benchmark/benchmark.h>

#include "fhir/fhir.h"
#include "fhir/tables.h"
#include "testing/testing.h"

extern "C" const char xinglin_fhir_r4_begin[];
extern "C" const char xinglin_fhir_r4_end[];

namespace xinglin::fhir {
namespace {

// The shape of what a laboratory sends; made up.
constexpr std::string_view observation = R"({"resourceType":"Observation","id":"b7a0","status":"final","category":[{"coding":[
  {"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory","display":"laboratory"}]}],
  "code":{"coding":[{"system":"http://loinc.org","code":"2339-0","display":"Glucose"}],"text":"Glucose"},
  "subject":{"reference":"Patient/9a1"},"encounter":{"reference":"Encounter/77b"},"effectiveDateTime":"2019-03-01T08:15:00+08:00",
  "issued":"2019-03-01T08:15:00.123+08:00","valueQuantity":{"value":87.5,"unit":"mg/dL","system":"http://unitsofmeasure.org","code":"mg/dL"}})";

void decode_tables(benchmark::State& state) {
    const std::string_view text(xinglin_fhir_r4_begin, static_cast<std::size_t>(xinglin_fhir_r4_end - xinglin_fhir_r4_begin));
    for (auto _ : state) benchmark::DoNotOptimize(decode(text).types.data());
}
BENCHMARK(decode_tables)->Unit(benchmark::kMillisecond);

void match_keys(benchmark::State& state) {
    const Type& type = *find_type("Observation");
    constexpr std::string_view keys[] = {
        "id", "status", "category", "code", "subject", "effectiveDateTime", "valueQuantity", "component"};
    for (auto _ : state) {
        for (const std::string_view key : keys) benchmark::DoNotOptimize(match(type, key).element);
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * std::size(keys)));
}
BENCHMARK(match_keys);

void validate_observation(benchmark::State& state) {
    json::Arena arena;
    const auto parsed = json::parse(observation, arena);
    XINGLIN_ASSERT(parsed.ok() && validate(*parsed).ok());
    for (auto _ : state) benchmark::DoNotOptimize(validate(*parsed).issues.size());
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}
BENCHMARK(validate_observation);

struct Examples {
    std::string text = testing::read_packed(std::string(XINGLIN_SOURCE_DIR) + "/src/fhir/testdata/r4-examples.ndjson.gz");
    json::Arena arena;
    std::vector<json::Value> resources;

    Examples() {
        std::string_view rest = text;
        for (std::size_t end; (end = rest.find('\n')) != std::string_view::npos; rest.remove_prefix(end + 1)) {
            resources.push_back(*json::parse(rest.substr(0, end), arena));
        }
    }
};

void validate_examples(benchmark::State& state) {
    const Examples examples;
    for (auto _ : state) {
        for (const json::Value resource : examples.resources) benchmark::DoNotOptimize(validate(resource).issues.size());
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * examples.resources.size()));
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * examples.text.size()));
}
BENCHMARK(validate_examples)->Unit(benchmark::kMillisecond);

void write_xml(benchmark::State& state) {
    const Examples examples;
    for (auto _ : state) {
        for (const json::Value resource : examples.resources) benchmark::DoNotOptimize(to_xml(resource).size());
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * examples.text.size()));
}
BENCHMARK(write_xml)->Unit(benchmark::kMillisecond);

void read_xml(benchmark::State& state) {
    const Examples examples;
    std::vector<std::string> texts;
    for (const json::Value resource : examples.resources) texts.push_back(to_xml(resource));
    json::Arena arena;
    for (auto _ : state) {
        for (const std::string& xml : texts) {
            arena.clear();
            benchmark::DoNotOptimize(from_xml(xml, arena).ok());
        }
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * examples.text.size()));
}
BENCHMARK(read_xml)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace xinglin::fhir
