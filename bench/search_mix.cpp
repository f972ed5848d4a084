// SPDX-License-Identifier: Apache-2.0
// Kinds of queries and their measuring. Values are those of the Synthea samples.
#include "search_mix.h"

#include <time.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <optional>

#include "record/guard.h"

namespace xinglin::bench {

namespace {
struct Asked {
    const char* type;
    std::vector<std::pair<std::string, std::string>> parameters;  // '@' is a patient's id
};

const std::vector<Asked>& mix() {
    static const std::string page = "20";
    static const std::vector<Asked> asked = {
        {"Observation", {{"patient", "@"}, {"code", "8302-2"}, {"_sort", "-date"}, {"_count", page}}},
        {"Observation", {{"patient", "@"}, {"category", "vital-signs"}, {"date", "ge2015"}}},
        {"Observation", {{"code", "http://loinc.org|85354-9"}, {"_count", "50"}, {"_total", "none"}}},
        {"Observation",
         {{"code", "8302-2"}, {"value-quantity", "gt170|http://unitsofmeasure.org|cm"}, {"_count", page}, {"_total", "none"}}},
        {"Observation", {{"date", "2019-03"}, {"_count", "50"}, {"_total", "none"}}},
        {"Observation", {{"date", "ge2019-01-01"}, {"_count", "50"}, {"_total", "none"}}},
        {"Observation", {{"code", "8302-2"}, {"date", "ge2019-01-01"}, {"_count", page}, {"_total", "none"}}},
        {"Observation", {{"category", "vital-signs"}, {"date", "ge2019-01-01"}, {"_count", page}, {"_total", "none"}}},
        {"Encounter", {{"subject", "Patient/@"}, {"_count", page}}},
        {"Patient", {{"family", "Ko"}, {"_count", page}, {"_total", "none"}}},
        {"Patient", {{"identifier", "@"}}},
        {"Patient", {{"birthdate", "1970-05"}, {"_total", "none"}}},
        {"Condition",
         {{"code", "http://snomed.info/sct|44054006"}, {"_count", page}, {"_total", "none"}, {"_include", "Condition:subject"}}},
        // Totals and large meetings.
        {"Observation", {{"code", "8302-2"}, {"_summary", "count"}}},
        {"Observation", {{"category", "vital-signs"}, {"_summary", "count"}}},
        {"Observation", {{"status", "final"}, {"category", "vital-signs"}, {"_count", page}, {"_total", "accurate"}}},
        {"Observation", {{"status", "final"}, {"category", "laboratory"}, {"_summary", "count"}}},
        {"Observation", {{"category:not", "vital-signs"}, {"_count", page}, {"_total", "accurate"}}},
        {"Observation", {{"value-quantity:missing", "true"}, {"_count", page}, {"_total", "none"}}},
        {"Observation", {{"_sort", "-date"}, {"code", "8302-2"}, {"_count", page}}},
        {"Patient", {{"_sort", "family"}, {"gender", "female"}, {"_count", page}}},
        // Value sets.
        {"Observation", {{"code:in", "bench:10000"}, {"_count", page}, {"_total", "none"}}},
        {"Observation", {{"code:in", "bench:10000"}, {"patient", "@"}, {"_count", page}}},
        {"Condition", {{"code:in", "bench:10000"}, {"_summary", "count"}}},
        {"Condition", {{"code:not-in", "bench:100"}, {"_count", page}, {"_total", "none"}}},
        // Chains and _has.
        {"Condition", {{"subject:Patient.gender", "female"}, {"code", "44054006"}, {"_count", page}, {"_total", "none"}}},
        {"Patient", {{"_has:Condition:patient:code", "44054006"}, {"_count", page}, {"_total", "none"}}},
        {"Patient", {{"_has:Encounter:patient:_has:Condition:encounter:code", "44054006"}, {"_count", page}, {"_total", "none"}}},
        {"Procedure", {{"encounter.subject:Patient.family", "Ko"}, {"_count", page}, {"_total", "none"}}},
        {"DiagnosticReport",
         {{"result:Observation.encounter:Encounter.subject:Patient.family", "Ko"}, {"_count", page}, {"_total", "none"}}},
    };
    return asked;
}

double processor_us() {
    timespec used{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);  // getrusage counts in ticks of 4 ms
    return static_cast<double>(used.tv_sec) * 1e6 + static_cast<double>(used.tv_nsec) / 1e3;
}

std::string name_of(const Asked& asked) {
    std::string name = asked.type;
    for (const auto& [key, value] : asked.parameters)
        name += (name.find('?') == std::string::npos ? "?" : "&") + key + "=" + value;
    return name;
}

double at(std::vector<double>& sorted, double share) {
    return sorted.empty() ? 0 : sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
}

access::Viewer viewer_of(record::Store& store, const std::string& kind) {
    access::Viewer viewer = access::Viewer::program("bench");
    if (kind.empty()) return viewer;
    auto guard = std::make_shared<record::Guard>();
    const std::string labels = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
    guard->rules.push_back({.name = "own", .permit = true, .types = {}, .sources = {"urn:xinglin:source:bench"}});
    guard->rules.push_back(
        {.name = "sensitive",
         .permit = false,
         .types = {},
         .labels = {{labels, "HIV"}, {labels, "STD"}, {labels, "PSY"}, {labels, "SEX"}, {labels, "ETH"}, {labels, "GDIS"}}});
    if (kind == "region") {
        guard->rules.push_back({.name = "region", .permit = true, .types = {}});
    } else {
        const fhir::Type* const types[] = {fhir::find_resource("Patient")};
        const auto everybody = store.reader(viewer).patients_of(
            search::parse(types, std::vector<std::pair<std::string, std::string>>{}, {}).value());
        std::vector<std::int64_t> some;
        for (std::size_t i = 0; i < everybody->size(); ++i) {
            if (kind == "half" ? i % 2 == 0 : some.size() < 2'000) some.push_back((*everybody)[i]);
        }
        guard->rules.push_back({.name = "members",
                                .permit = true,
                                .whose = record::GuardRule::Whose::members,
                                .patients = std::make_shared<record::PatientSet>(std::move(some)),
                                .types = {}});
        guard->rules.push_back({.name = "registers", .permit = true, .whose = record::GuardRule::Whose::nobodys, .types = {}});
    }
    viewer.guard = guard;
    return viewer;
}

struct Figures {
    double p50 = 0, p99 = 0, processor = 0, touched = 0, results = 0;  // microseconds; per query
};

/// Nothing where the query was refused (said on standard output).
std::optional<Figures> measure_one(record::Store& store, const access::Viewer& viewer, const std::vector<std::string>& patients,
                                   const Asked& asked, std::size_t times, double seconds) {
    const fhir::Type* types[] = {fhir::find_resource(asked.type)};
    std::vector<double> us;
    std::uint64_t results = 0, touched = 0, explained = 0;
    const auto start = std::chrono::steady_clock::now();
    const auto elapsed = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
    const double processor = processor_us();
    double explaining = 0;
    for (std::size_t i = 0; i < times && elapsed() < seconds; ++i) {
        auto parameters = asked.parameters;
        for (auto& [key, value] : parameters) {
            if (const auto hole = value.find('@'); hole != std::string::npos)
                value.replace(hole, 1, patients[i * 31 % patients.size()]);
        }
        auto query = search::parse(types, parameters, {});
        if (!query.ok()) std::abort();
        const auto one = std::chrono::steady_clock::now();
        const auto found = store.reader(viewer).search(*query);
        us.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - one).count());
        if (!found.ok()) {
            std::printf("  %s: %s\n", name_of(asked).c_str(), found.outcome().line().c_str());
            return {};
        }
        results += found->entries.empty() && found->total ? *found->total : found->entries.size();
        if (i % 100 != 0) continue;
        const double before = processor_us();
        query->explain = true;
        const auto plan = store.reader(viewer).search(*query);
        for (const record::Step& step : plan->plan) {
            if (step.kind != "intersect" && step.kind != "page" && step.kind != "count") touched += step.touched;
        }
        ++explained;
        explaining += processor_us() - before;
    }
    const auto asked_times = static_cast<double>(us.size());
    const double each = (processor_us() - processor - explaining) / asked_times;
    std::sort(us.begin(), us.end());
    return Figures{at(us, 0.5), at(us, 0.99), each,
                   static_cast<double>(touched) / static_cast<double>(std::max<std::uint64_t>(explained, 1)),
                   static_cast<double>(results) / asked_times};
}
}  // namespace

search::Terminology mix_terminology() {
    search::Terminology terminology;
    terminology.codes_in = [](std::string_view set) -> Result<std::vector<std::pair<std::string, std::string>>> {
        std::vector<std::pair<std::string, std::string>> codes;
        for (const char* code : {"8302-2", "8480-6", "8462-4", "29463-7", "39156-5", "72514-3", "2339-0", "6299-2"})
            codes.emplace_back("http://loinc.org", code);
        for (const char* code : {"44054006", "38341003", "15777000", "195662009", "444814009", "10509002", "162864005"})
            codes.emplace_back("http://snomed.info/sct", code);
        const long wanted = std::atol(std::string(set.substr(set.find(':') + 1)).c_str());
        for (long i = 0; static_cast<long>(codes.size()) < wanted; ++i)
            codes.emplace_back(i % 2 ? "http://loinc.org" : "http://snomed.info/sct", std::to_string(10'000 + i * 7919));
        return codes;
    };
    terminology.codes_below = [](std::string_view, std::string_view code, bool) { return std::vector{std::string(code)}; };
    return terminology;
}

void search_mix(record::Store& store, const std::vector<std::string>& patients) {
    std::printf("search mix, one thread, in process\n");
    const access::Viewer viewer = viewer_of(store, "");
    for (const Asked& asked : mix()) {
        const auto seen = measure_one(store, viewer, patients, asked, 2'000, 5);
        if (!seen) continue;
        std::printf("  p50 %7.0f  p99 %7.0f  cpu %7.0f us  touched %8.0f  results %9.1f  %s\n", seen->p50, seen->p99,
                    seen->processor, seen->touched, seen->results, name_of(asked).c_str());
        std::fflush(stdout);
    }
}

// In turns, so that what else the machine does falls on all alike.
void guarded_mix(record::Store& store, const std::vector<std::string>& patients) {
    const std::vector<std::string> kinds = {"", "region", "half", "village"};
    std::vector<access::Viewer> viewers;
    for (const std::string& kind : kinds) viewers.push_back(viewer_of(store, kind));
    std::printf(
        "search mix by who asks, processor us a query: nobody's rules, the region, half of the patients, a village of 2,000\n");
    std::vector<double> logs(kinds.size(), 0), sums(kinds.size(), 0);
    double queries = 0;
    for (const Asked& asked : mix()) {
        std::vector<double> least(kinds.size(), 1e18), results(kinds.size(), 0);
        for (int turn = 0; turn < 5; ++turn) {
            for (std::size_t i = 0; i < kinds.size(); ++i) {
                const auto seen = measure_one(store, viewers[i], patients, asked, 200, 0.5);
                if (!seen) std::abort();
                least[i] = std::min(least[i], seen->processor);
                results[i] = seen->results;
            }
        }
        queries += 1;
        for (std::size_t i = 0; i < kinds.size(); ++i) {
            logs[i] += std::log(least[i] / least[0]);
            sums[i] += least[i];
            std::printf(" %9.1f (%5.0f%%, %9.1f found)", least[i], 100 * least[i] / least[0] - 100, results[i]);
        }
        std::printf("  %s\n", name_of(asked).c_str());
        std::fflush(stdout);
    }
    for (std::size_t i = 0; i < kinds.size(); ++i)
        std::printf("  %-8s geometric mean %+.1f%%, whole mix %+.1f%%\n", kinds[i].c_str(),
                    100 * std::exp(logs[i] / queries) - 100, 100 * sums[i] / sums[0] - 100);
}

}  // namespace xinglin::bench
