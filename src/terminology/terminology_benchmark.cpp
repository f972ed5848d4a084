// SPDX-License-Identifier: Apache-2.0
// How long terminology takes. Limits (design, section 10): $expand?filter= over 33,000 codes 5 ms, $validate-code 40,000/s per core.
#include <benchmark/benchmark.h>

#include <cstdlib>

#include "terminology/terminology.h"

namespace xinglin::terminology {
namespace {

constexpr std::string_view icd10 = "urn:oid:2.16.156.10011.2.3.3.11";
constexpr std::string_view all_of_icd10 = "urn:xinglin:valueset:icd-10";

struct Desk {
    content::Files files;
    calendar::SystemClock clock;
    Terminology terms{files, clock};
};
Desk& desk() {
    static Desk one;
    return one;
}

void require(bool truth) {
    if (!truth) std::abort();
}

/// One page of twenty out of 35,000 codes.
void expand_filter(benchmark::State& state, std::string_view words) {
    Desk& at = desk();
    require(at.terms.expand({.url = all_of_icd10, .filter = "tnb", .count = 20}).ok());  // read, spelled
    std::size_t total = 0;
    for (auto _ : state) {
        const auto page = at.terms.expand({.url = all_of_icd10, .filter = words, .count = 20});
        require(page.ok() && page->total > 0);
        total = page->total;
    }
    state.counters["found"] = static_cast<double>(total);
    state.counters["bytes"] = static_cast<double>(at.terms.bytes());
}
BENCHMARK_CAPTURE(expand_filter, two_characters, "结核")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(expand_filter, four_characters, "冠状动脉")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(expand_filter, common_character, "性")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(expand_filter, pinyin, "tangniaobing")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(expand_filter, initials, "tnb")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(expand_filter, one_letter, "a")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(expand_filter, code, "E11.9")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(expand_filter, two_words, "糖尿病 肾")->Unit(benchmark::kMillisecond);

void validate_code(benchmark::State& state) {
    Desk& at = desk();
    std::size_t i = 0;
    constexpr std::string_view codes[] = {"A00.900", "E11.900", "I10.x00x002", "Z99.900", "nothing"};
    for (auto _ : state)
        benchmark::DoNotOptimize(at.terms.validate({.value_set = all_of_icd10, .system = icd10, .code = codes[i++ % 5]}));
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(validate_code);

void has_code(benchmark::State& state) {
    Desk& at = desk();
    for (auto _ : state)
        benchmark::DoNotOptimize(at.terms.has("http://hl7.org/fhir/ValueSet/administrative-gender",
                                              "http://hl7.org/fhir/administrative-gender", "female"));
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(has_code);

void subsumes(benchmark::State& state) {
    Desk& at = desk();
    for (auto _ : state) benchmark::DoNotOptimize(at.terms.subsumes(icd10, "", "I10", "I10.x00x002"));
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(subsumes);

/// The catalogue alone: 2,400 definitions known, none read.
void first_question(benchmark::State& state) {
    const content::Files files;
    const calendar::SystemClock clock;
    for (auto _ : state) {
        const Terminology terms(files, clock);
        require(terms.has("http://hl7.org/fhir/ValueSet/administrative-gender", "http://hl7.org/fhir/administrative-gender",
                          "female") == true);
    }
}
BENCHMARK(first_question)->Unit(benchmark::kMillisecond);

/// From the packed file to the first answer.
void load_icd10(benchmark::State& state) {
    const content::Files files;
    const calendar::SystemClock clock;
    std::size_t bytes = 0;
    for (auto _ : state) {
        const Terminology terms(files, clock);
        require(terms.lookup({.system = icd10, .code = "A00.900"}).ok());
        bytes = terms.bytes();
    }
    state.counters["bytes"] = static_cast<double>(bytes);
}
BENCHMARK(load_icd10)->Unit(benchmark::kMillisecond);

void load_and_spell_icd10(benchmark::State& state) {
    const content::Files files;
    const calendar::SystemClock clock;
    std::size_t bytes = 0;
    for (auto _ : state) {
        const Terminology terms(files, clock);
        require(terms.expand({.url = all_of_icd10, .filter = "tnb", .count = 20}).ok());
        bytes = terms.bytes();
    }
    state.counters["bytes"] = static_cast<double>(bytes);
}
BENCHMARK(load_and_spell_icd10)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace xinglin::terminology
