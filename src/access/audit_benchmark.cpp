// SPDX-License-Identifier: Apache-2.0
// What a line of the audit costs: its place in the chain, and the way to the disk in groups.
// Sketched beforehand: 300 bytes of SM3 at 200 MB/s and some copying, about 2 us; a row of SQLite with two indexes, about 8 us.
#include <benchmark/benchmark.h>

#include "access/audit.h"
#include "testing/testing.h"

namespace xinglin::access {
namespace {

Access line(std::int64_t number) {
    Access line;
    line.at_ms = 1'795'334'100'000 + number;
    line.who = "doctor-" + std::to_string(number % 500);
    line.role = "clinician";
    line.display = "李医生";
    line.practitioner = "practitioner-17";
    line.institution = "hospital-1";
    line.what = "read";
    line.type = "Patient";
    line.id = line.patient = "patient-" + std::to_string(number * 7919 % 100'000);
    line.purpose = "TREAT";
    line.trace_id = "0af7651916cd43dd8448eb211c80319c";
    line.peer = "10.0.0.7";
    return line;
}

void OneLink(benchmark::State& state) {
    const Access one = line(1);
    std::string before(hash_bytes, '\0');
    for (auto _ : state) benchmark::DoNotOptimize(before = link(before, one));
}
BENCHMARK(OneLink);

void TenThousandLinesToTheDisk(benchmark::State& state) {
    for (auto _ : state) {
        const testing::ScratchFolder folder;
        Audit audit(folder.path());
        for (int i = 0; i < 10'000; ++i) audit.append(line(i));
        audit.flush();
        if (audit.all(0).total != 10'000) state.SkipWithError("lines are missing");
    }
    state.SetItemsProcessed(state.iterations() * 10'000);
}
BENCHMARK(TenThousandLinesToTheDisk)->Unit(benchmark::kMillisecond)->UseRealTime();

void VerifyingTenThousandLines(benchmark::State& state) {
    const testing::ScratchFolder folder;
    {
        Audit audit(folder.path());
        for (int i = 0; i < 10'000; ++i) audit.append(line(i));
    }
    for (auto _ : state) {
        if (!verify(folder.path(), "", {}).good()) state.SkipWithError("the chain is not whole");
    }
    state.SetItemsProcessed(state.iterations() * 10'000);
}
BENCHMARK(VerifyingTenThousandLines)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace xinglin::access
