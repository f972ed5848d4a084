// SPDX-License-Identifier: Apache-2.0
// How fast an export writes, packed and plain: resources per second of one core, and bytes.
//
// XINGLIN_BENCH_DATA names a folder with a record in it; without one, patients and observations are made up.
#include <sys/resource.h>

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "bulk/bulk.h"
#include "testing/testing.h"

namespace {

using namespace xinglin;

double processor_seconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void fill(record::Store& store, int patients) {
    std::vector<record::Prepared> batch;
    const auto add = [&](const std::string& text) {
        json::Arena arena;
        const auto value = json::parse(text, arena);
        batch.push_back(store.prepare(*fhir::find_resource((*value)["resourceType"].string()), (*value)["id"].string(), *value));
        if (batch.size() == 5'000 && !store.load(std::exchange(batch, {})).ok()) std::abort();
    };
    for (int p = 0; p < patients; ++p) {
        add(fmt::format(
            R"({{"resourceType":"Patient","id":"p{0}","name":[{{"family":"F{0}","given":["G{1}"]}}],"gender":"female","birthDate":"19{2:02}-03-04"}})",
            p, p * 7, p % 100));
        for (int o = 0; o < 40; ++o) {
            add(fmt::format(
                R"({{"resourceType":"Observation","id":"o{0}-{1}","meta":{{"profile":["http://hl7.org/fhir/us/core/StructureDefinition/us-core-observation-lab"]}},"status":"final","category":[{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory","display":"laboratory"}}]}}],"code":{{"coding":[{{"system":"http://loinc.org","code":"{2}-3","display":"Urea nitrogen [Mass/volume] in Blood"}}],"text":"Urea nitrogen [Mass/volume] in Blood"}},"subject":{{"reference":"Patient/p{0}"}},"encounter":{{"reference":"Encounter/e{0}-{1}"}},"effectiveDateTime":"2026-0{3}-1{4}T10:{5:02}:00+08:00","issued":"2026-0{3}-1{4}T10:{5:02}:00.123+08:00","valueQuantity":{{"value":{6}.{7},"unit":"mg/dL","system":"http://unitsofmeasure.org","code":"mg/dL"}}}})",
                p, o, 3000 + o, 1 + o % 9, p % 10, (p + o) % 60, (p * 13 + o * 7) % 90, (p * o) % 10));
        }
    }
    if (!batch.empty() && !store.load(std::move(batch)).ok()) std::abort();
}

void measure(record::Store& store, const bulk::Parameters& parameters, const char* words) {
    const auto order = bulk::read_order(bulk::Level::system, "", parameters, false, 0, 0);
    const testing::ScratchFolder out;
    bulk::Progress progress;
    bulk::RunOptions options;
    if (const char* threads = std::getenv("XINGLIN_BENCH_THREADS")) options.threads = static_cast<unsigned>(std::atoi(threads));
    const double before = processor_seconds();
    const auto begin = std::chrono::steady_clock::now();
    const auto files = bulk::write_files(store, *order, INT64_MAX, out.path(), options, progress);
    const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    const double spent = processor_seconds() - before;
    std::uint64_t count = 0, bytes = 0, plain = 0;
    for (const bulk::File& file : files) count += file.count, bytes += file.bytes, plain += file.plain_bytes;
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    std::printf(
        "%-28s %9lu resources, %6.1f MB plain, %6.1f MB written, %5.2f s wall, %5.2f s processor: %7.0f/s, %7.0f/s and core; "
        "peak %ld MB\n",
        words, static_cast<unsigned long>(count), static_cast<double>(plain) / 1e6, static_cast<double>(bytes) / 1e6, wall, spent,
        static_cast<double>(count) / wall, static_cast<double>(count) / spent, usage.ru_maxrss / 1024);
}

}  // namespace

int main() {
    const calendar::SystemClock clock;
    const testing::ScratchFolder scratch;
    const char* given = std::getenv("XINGLIN_BENCH_DATA");
    auto store = record::Store::open(given ? std::filesystem::path(given) : scratch.path(), clock);
    if (!store.ok()) return std::fprintf(stderr, "%s\n", store.outcome().line().c_str()), 1;
    if (!given) fill(**store, 5'000);
    for (int round = 0; round < 2; ++round) {
        measure(**store, {}, "everything, gzip");
        measure(**store, {{"_compress", "none"}}, "everything, plain");
    }
    measure(**store, {{"_typeFilter", "Observation?status=final"}}, "with a filter, gzip");
    const auto patients = bulk::read_order(bulk::Level::patient, "", {}, false, 0, 0);
    return patients.ok() ? 0 : 1;
}
