// SPDX-License-Identifier: Apache-2.0
// How many evaluations a second one core makes, of expressions as search and validation use them.
//
// Workload: the example Patient and Observation of FHIR R4, parsed once; every result is materialised.
#include <benchmark/benchmark.h>

#include "fhirpath/fhirpath.h"
#include "testing/testing.h"

namespace xinglin::fhirpath {
namespace {

json::Value load(const char* name) {
    static json::Arena arena;
    const std::string text = testing::read_file(std::filesystem::path(XINGLIN_SOURCE_DIR) / "src/fhirpath/testdata" / name);
    return json::parse(text, arena).value();
}

void evaluate(benchmark::State& state, const char* file, const char* text, std::size_t results) {
    const Item context = item_of(load(file));
    const auto expression = Expression::compile(text, {.context_type = context.type}).value();
    const Environment environment;
    for (auto unused : state) {
        const auto result = expression.evaluate(context, environment);
        if (!result.ok() || result->size() != results) state.SkipWithError("wrong answer");
        benchmark::DoNotOptimize(result);
    }
    state.SetItemsProcessed(state.iterations());
}

BENCHMARK_CAPTURE(evaluate, path, "patient-example.json", "Patient.birthDate", 1u);
BENCHMARK_CAPTURE(evaluate, path_of_three, "patient-example.json", "Patient.name.given", 5u);
BENCHMARK_CAPTURE(evaluate, choice, "observation-example.json", "(Observation.value as Quantity)", 1u);
BENCHMARK_CAPTURE(evaluate, where, "patient-example.json", "Patient.telecom.where(system = 'phone').value", 3u);
BENCHMARK_CAPTURE(evaluate, invariant, "patient-example.json",
                  "contact.all(name.exists() or telecom.exists() or address.exists() or organization.exists())", 1u);
BENCHMARK_CAPTURE(evaluate, quantity, "observation-example.json", "Observation.value > 80 'kg'", 1u);
BENCHMARK_CAPTURE(evaluate, descendants, "patient-example.json", "Patient.descendants().count()", 1u);

void compile(benchmark::State& state) {
    for (auto unused : state) {
        auto expression = Expression::compile("Patient.name.where(use = 'official' and period.start <= today()).given.first()");
        benchmark::DoNotOptimize(expression);
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(compile);

}  // namespace
}  // namespace xinglin::fhirpath
