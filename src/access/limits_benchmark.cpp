// SPDX-License-Identifier: Apache-2.0
// What a limit costs a request: one look-up under a lock. Expected: a hash of 40 bytes and a hit in a small table, below 0.2 µs.
#include <benchmark/benchmark.h>

#include "access/limits.h"

namespace xinglin::access {
namespace {

void one_request(benchmark::State& state) {
    static const calendar::SystemClock clock;
    static Limiter limiter(LimitRules::read(content::Files{}).value(), clock);
    const std::string who = std::to_string(state.thread_index());
    std::int64_t granted = 0;
    for (auto _ : state) granted += limiter.take(party_of(Role::system), who, Ask::read).granted ? 1 : 0;
    if (granted == 0) state.SkipWithError("nothing was granted");
}
BENCHMARK(one_request)->Threads(1)->Threads(4);

void a_flood_of_addresses(benchmark::State& state) {
    const calendar::SystemClock clock;
    Limiter limiter(LimitRules::read(content::Files{}).value(), clock);
    std::int64_t i = 0;
    for (auto _ : state)
        benchmark::DoNotOptimize(
            limiter.take(Party::address, place_of("2001:db8:" + std::to_string(++i % 9'999) + "::1"), Ask::stranger));
}
BENCHMARK(a_flood_of_addresses);

}  // namespace
}  // namespace xinglin::access
