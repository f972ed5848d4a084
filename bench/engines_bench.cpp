// SPDX-License-Identifier: Apache-2.0
// The record on SQLite and on PostgreSQL, the same work on each: batches, single durable writes by 64 threads, reads, searches.
//
// PostgreSQL is a private server on a Unix socket with fsync on; its processor time is counted with ours. On a busy machine
// compare processor time, not the clock.
#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <thread>

#include "record/record.h"
#include "testing/postgres.h"
#include "testing/testing.h"

using namespace xinglin;

namespace {

const access::Viewer viewer = access::Viewer::program("bench");
constexpr int patients = 400, observations_each = 50, singles = 16'000, writers = 64, reads = 20'000, searches = 4'000;

double seconds_of(const timeval& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6; }
double cpu(int who) {
    rusage usage{};
    getrusage(who, &usage);
    return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

record::Prepared prepared(record::Store& store, const std::string& text) {
    json::Arena arena;
    const json::Value value = json::parse(text, arena).value();
    return store.prepare(*fhir::find_resource(value["resourceType"].string()), value["id"].string(), value);
}
std::string patient(int n) {
    return fmt::format(
        R"({{"resourceType":"Patient","id":"p{0}","identifier":[{{"system":"urn:id","value":"{0:08}"}}],"name":[{{"family":"张{0}"}}],"gender":"{1}","birthDate":"19{2:02}-0{3}-1{4}"}})",
        n, n % 2 ? "male" : "female", n % 100, 1 + n % 9, n % 10);
}
std::string observation(const std::string& id, int person, int n) {
    return fmt::format(
        R"({{"resourceType":"Observation","id":"{0}","status":"final","category":[{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs"}}]}}],)"
        R"("code":{{"coding":[{{"system":"http://loinc.org","code":"{1}-4"}}]}},"subject":{{"reference":"Patient/p{2}"}},"effectiveDateTime":"2026-{3:02}-{4:02}T10:00:00+08:00",)"
        R"("valueQuantity":{{"value":{5},"unit":"mmHg","system":"http://unitsofmeasure.org","code":"mm[Hg]"}}}})",
        id, 8000 + n % 40, person, 1 + n % 12, 1 + n % 28, 60 + n % 120);
}

template <typename Work>
void timed(const char* engine, const char* what, int count, Work&& work) {
    const double before = cpu(RUSAGE_SELF);
    const auto begin = std::chrono::steady_clock::now();
    work();
    const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    std::printf("%-9s %-34s %7d in %7.2f s, %8.0f/s, own processor time %6.1f us each\n", engine, what, count, wall, count / wall,
                (cpu(RUSAGE_SELF) - before) / count * 1e6);
    std::fflush(stdout);
}

void measure(const char* engine, const std::string& place) {
    const testing::ScratchFolder folder;
    const calendar::SystemClock clock;
    auto store =
        record::Store::open(folder.path() / "data", clock, {.offset_minutes = std::int16_t{480}, .store = place}).value();
    timed(engine, "batches of 250, durable", patients * (observations_each + 1), [&] {
        for (int from = 0; from < patients; from += 20) {
            std::vector<record::Prepared> batch;
            for (int p = from; p < from + 20; ++p) {
                batch.push_back(prepared(*store, patient(p)));
                for (int n = 0; n < observations_each; ++n)
                    batch.push_back(prepared(*store, observation(fmt::format("o{}-{}", p, n), p, p + n)));
            }
            if (!store->load(std::move(batch)).ok()) std::abort();
        }
    });
    timed(engine, "single writes, 64 threads, durable", singles, [&] {
        std::vector<std::thread> threads;
        for (int t = 0; t < writers; ++t) {
            threads.emplace_back([&, t] {
                for (int i = t; i < singles; i += writers) {
                    const record::Prepared ready = prepared(*store, observation(fmt::format("s{}", i), i % patients, i));
                    const auto done = store->submit_and_wait(
                        [&](record::Transaction& transaction) -> Result<Done> {
                            transaction.put(ready, false, false);
                            return Done{};
                        },
                        1'024, {ready});
                    if (!done.ok()) std::abort();
                }
            });
        }
        for (std::thread& thread : threads) thread.join();
    });
    const fhir::Type& type = *fhir::find_resource("Observation");
    timed(engine, "read by id", reads, [&] {
        for (int i = 0; i < reads; ++i) {
            if (!store->reader(viewer).read(type, fmt::format("o{}-{}", i % patients, i % observations_each)).ok()) std::abort();
        }
    });
    timed(engine, "search patient and code", searches, [&] {
        const fhir::Type* types[] = {&type};
        for (int i = 0; i < searches; ++i) {
            const std::vector<std::pair<std::string, std::string>> asked{
                {"subject", fmt::format("Patient/p{}", i % patients)},
                {"code", fmt::format("http://loinc.org|{}-4", 8000 + i % 40)}};
            if (!store->reader(viewer).search(search::parse(types, asked, {}).value()).ok()) std::abort();
        }
    });
    timed(engine, "everything of a patient", patients, [&] {
        for (int p = 0; p < patients; ++p) {
            if (!store->reader(viewer).everything({.patient_id = fmt::format("p{}", p)}).ok()) std::abort();
        }
    });
}

}  // namespace

int main() {
    measure("sqlite", "");
    {
        testing::PostgresCluster cluster({.fsync = true});
        measure("postgres", cluster.fresh());
    }
    std::printf("postgres: its server processes took %.1f s of processor time in all, starting included\n", cpu(RUSAGE_CHILDREN));
}
