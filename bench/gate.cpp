// SPDX-License-Identifier: Apache-2.0
// The gate's writers, readers and minutes.
#include "gate.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <mutex>
#include <random>
#include <thread>

#include "measure.h"
#include "record/record.h"

namespace xinglin::bench {
namespace {

const access::Viewer viewer = access::Viewer::program("gate");
const calendar::SystemClock system_clock;

enum Kind { write, read, newest, code_page, everything, kinds };
constexpr const char* words[kinds] = {"write", "read by id", "patient+code newest 20", "code, page of 50", "$everything"};

/// What all threads have measured since the last line.
struct Tally {
    std::mutex mutex;  // guards the rest
    std::vector<double> us[kinds];
    std::uint64_t stored = 0, refused = 0;

    void add(Kind kind, double us_taken, std::uint64_t resources = 0) {
        std::lock_guard lock(mutex);
        us[kind].push_back(us_taken);
        stored += resources;
    }
};

search::Query query_of(std::string_view type, std::vector<std::pair<std::string, std::string>> parameters) {
    const fhir::Type* types[] = {fhir::find_resource(type)};
    return search::parse(types, parameters, {}).value();
}

/// Persons one after the other, each with a key of its own that no other run has used.
void write_on(record::Store& store, const std::vector<Person>& people, const GateOptions& options, std::uint32_t copy,
              const std::atomic<bool>& stop, Tally& tally) {
    json::Arena arena;
    std::vector<record::Prepared> ready;
    std::size_t bytes = 0;
    for (std::uint32_t round = 0; !stop; ++round) {
        for (const std::string& text : people[round % people.size()].resources) {
            arena.clear();
            const std::string own = rekeyed(text, copy + round / static_cast<std::uint32_t>(people.size()));
            const json::Value resource = json::parse(own, arena).value();
            ready.push_back(
                store.prepare(*fhir::find_resource(resource["resourceType"].string()), resource["id"].string(), resource));
            bytes += own.size();
            if (ready.size() < options.per_transaction) continue;
            const auto begun = Time::now();
            const auto done = store.submit_and_wait(
                [&](record::Transaction& t) -> Result<Done> {
                    for (const record::Prepared& each : ready) t.put(each, true, false);
                    return Done{};
                },
                bytes);
            if (!done.ok()) {
                std::lock_guard lock(tally.mutex);
                ++tally.refused;
            } else {
                tally.add(write, seconds_since(begun) * 1e6, ready.size());
            }
            ready.clear();
            bytes = 0;
            if (stop) return;
        }
    }
}

void read_on(record::Store& store, const std::vector<std::string>& patients, const std::vector<std::string>& observations,
             unsigned seed, const std::atomic<bool>& stop, Tally& tally) {
    std::mt19937 random(seed);
    const auto& observation = *fhir::find_resource("Observation");
    while (!stop) {
        const std::string& patient = patients[random() % patients.size()];
        const auto kind = static_cast<Kind>(read + random() % 20 % 4);
        const auto begun = Time::now();
        bool ok = false;
        if (kind == read) {
            ok = store.reader(viewer).read(observation, observations[random() % observations.size()]).ok();
        } else if (kind == newest) {
            ok = store.reader(viewer)
                     .search(query_of("Observation",
                                      {{"patient", patient}, {"code", "8302-2"}, {"_sort", "-date"}, {"_count", "20"}}))
                     .ok();
        } else if (kind == code_page) {
            ok = store.reader(viewer)
                     .search(query_of("Observation", {{"code", "http://loinc.org|8480-6"}, {"_count", "50"}, {"_total", "none"}}))
                     .ok();
        } else {
            ok = store.reader(viewer).everything({.patient_id = patient}).ok();
        }
        tally.add(kind, seconds_since(begun) * 1e6);
        if (!ok) {
            std::lock_guard lock(tally.mutex);
            ++tally.refused;
        }
    }
}

/// Ids spread over the whole store: by birth dates and by dates, because neighbours on disk would flatter the cache.
std::vector<std::string> spread(record::Store& store, const char* type, const char* parameter, int from_year, int upto_year) {
    std::vector<std::string> ids;
    for (int year = from_year; year < upto_year; ++year) {
        for (int month = 1; month <= 12; ++month) {
            const auto found = store.reader(viewer).search(query_of(
                type,
                {{parameter, fmt::format("{}-{:02}", year, month)}, {"_count", "200"}, {"_total", "none"}, {"_elements", "id"}}));
            if (!found.ok()) continue;
            for (const auto& entry : found->entries) ids.push_back(entry.version.id);
        }
    }
    return ids;
}

void line(double minute, double seconds, Tally& tally, double kib, double data_mib) {
    std::lock_guard lock(tally.mutex);
    std::printf("  %6.1f  %8.0f/s", minute, static_cast<double>(tally.stored) / seconds);
    for (int kind = 0; kind < kinds; ++kind) {
        std::printf("  %7.2f %7.2f", quantile(tally.us[kind], 0.5) / 1000, quantile(tally.us[kind], 0.99) / 1000);
    }
    std::size_t reads = 0;
    for (int kind = read; kind < kinds; ++kind) reads += tally.us[kind].size();
    std::printf("  %8.0f/s  %7.2f  %8.0f  %5ld  %llu\n", static_cast<double>(reads) / seconds,
                kib / static_cast<double>(std::max<std::uint64_t>(1, tally.stored)), data_mib, resident_mib(),
                static_cast<unsigned long long>(tally.refused));
    std::fflush(stdout);
    for (auto& each : tally.us) each.clear();
    tally.stored = 0;
}

}  // namespace

int gate(const std::filesystem::path& folder, const std::vector<Person>& people, const GateOptions& options) {
    auto store = record::Store::open(folder, system_clock, {.cache_bytes = options.cache_bytes}).value();
    const std::vector<std::string> patients = spread(*store, "Patient", "birthdate", 1940, 2015);
    const std::vector<std::string> observations = spread(*store, "Observation", "date", 2008, 2020);
    std::printf(
        "gate: %llu resources, %.1f GiB, engine cache %lld MiB, %u writers (%zu a transaction), %u readers, %.0f minutes, %zu "
        "persons and %zu observations asked\n",
        static_cast<unsigned long long>(store->figures().resources), static_cast<double>(store->figures().data_bytes) / (1 << 30),
        static_cast<long long>(options.cache_bytes >> 20), options.writers, options.per_transaction, options.readers,
        options.minutes, patients.size(), observations.size());
    std::printf("  minute     stored");
    for (const char* word : words) std::printf("  %s p50 p99 ms", word);
    std::printf("  reads  KiB written each  file MiB  memory MiB  refused\n");
    if (patients.empty() || observations.empty()) return 1;
    Tally tally;
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
    const auto copy = static_cast<std::uint32_t>(2'000'000'000u + std::random_device{}() % 1'000'000'000u);
    for (unsigned w = 0; w < options.writers; ++w)
        threads.emplace_back([&, w] { write_on(*store, people, options, copy + w * 1'000'000, stop, tally); });
    for (unsigned r = 0; r < options.readers; ++r)
        threads.emplace_back([&, r] { read_on(*store, patients, observations, r, stop, tally); });
    const auto start = Time::now();
    while (seconds_since(start) < options.minutes * 60) {
        const auto begun = Time::now();
        const double kib = written_kib();
        std::this_thread::sleep_for(std::chrono::duration<double>(std::min(60.0, options.minutes * 60 - seconds_since(start))));
        line(seconds_since(start) / 60, seconds_since(begun), tally, written_kib() - kib,
             static_cast<double>(store->figures().data_bytes) / (1 << 20));
    }
    stop = true;
    for (std::thread& thread : threads) thread.join();
    return tally.refused == 0 ? 0 : 1;
}

}  // namespace xinglin::bench
