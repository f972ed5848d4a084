// SPDX-License-Identifier: Apache-2.0
// How long it takes to say what 30,000 Consents mean for one viewer. Expected: under 5 ms for those of everybody.
#include <benchmark/benchmark.h>

#include <fmt/format.h>

#include "consent/index.h"

namespace xinglin::consent {
namespace {

constexpr std::int64_t now_ms = 1'795'305'600'000;

/// One in `for_all` closes a category for everybody, the others an institution of 200.
Index filled(int count, int for_all) {
    Index index;
    for (int i = 0; i < count; ++i) {
        const std::string patient = fmt::format("0192f3a4-7b6c-7def-8a{:012}", i);
        Consent consent{.id = fmt::format("consent-{:020}", i), .patient = patient, .decided_ms = i, .position = i};
        Rule rule;
        if (i % for_all == 0) rule.labels = {{"http://terminology.hl7.org/CodeSystem/v3-ActCode", "PSY"}};
        else rule.who = {{fmt::format("Organization/hospital-{}", i % 200)}};
        consent.rules.push_back(rule);
        index.put(std::move(consent), {patient}, {});
    }
    return index;
}

void provisions(benchmark::State& state) {
    const Index index = filled(30'000, static_cast<int>(state.range(0)));
    const Party party{
        .practitioner = "li", .account = "li", .role = "clinician", .purpose = "TREAT", .institutions = {"hospital-1", "group"}};
    std::size_t found = 0;
    for (auto each : state) {
        const auto all = index.provisions(party, now_ms);
        found = all.size();
        benchmark::DoNotOptimize(all.data());
    }
    state.counters["provisions"] = static_cast<double>(found);
}
BENCHMARK(provisions)->ArgName("one_in_is_for_all")->Arg(1)->Arg(10)->Unit(benchmark::kMillisecond);

void of_patient(benchmark::State& state) {
    const Index index = filled(30'000, 1);
    const Party party{.role = "clinician", .purpose = "TREAT", .institutions = {"hospital-1"}};
    for (auto each : state) benchmark::DoNotOptimize(index.of_patient("0192f3a4-7b6c-7def-8a000000004711", party, now_ms).data());
}
BENCHMARK(of_patient)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace xinglin::consent
