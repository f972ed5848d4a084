// SPDX-License-Identifier: Apache-2.0
// Kinds of queries and their measuring. Values are those of the Synthea samples.
#include "search_mix.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

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
    rusage used{};
    getrusage(RUSAGE_THREAD, &used);
    return (static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec)) * 1e6 +
           static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
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
    guard->rules.push_back({.name = "sensitive",
                            .permit = false,
                            .types = {},
                            .labels = {{labels, "HIV"}, {labels, "STD"}, {labels, "PSY"}, {labels, "SEX"}, {labels, "ETH"}, {labels, "GDIS"}}});
    if (kind == "region") {
        guard->rules.push_back({.name = "region", .permit = true, .types = {}});
    } else {
        const fhir::Type* const types[] = {fhir::find_resource("Patient")};
        const auto everybody = store.reader(viewer).patients_of(search::parse(types, std::vector<std::pair<std::string, std::string>>{}, {}).value());
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

void measure_one(record::Store& store, const access::Viewer& viewer, const std::vector<std::string>& patients, const Asked& asked) {
    const fhir::Type* types[] = {fhir::find_resource(asked.type)};
    std::vector<double> us;
    std::uint64_t results = 0, touched = 0, explained = 0;
    const auto start = std::chrono::steady_clock::now();
    const auto elapsed = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
    const double processor = processor_us();
    double explaining = 0;
    for (std::size_t i = 0; i < 2'000 && elapsed() < 5; ++i) {
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
            return;
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
    const double each = (processor_us() - processor - explaining) / static_cast<double>(us.size());
    const auto asked_times = static_cast<double>(us.size());
    std::sort(us.begin(), us.end());
    std::printf("  p50 %7.0f  p99 %7.0f  cpu %7.0f us  touched %8.0f  results %9.1f  %s\n", at(us, 0.5), at(us, 0.99), each,
                static_cast<double>(touched) / static_cast<double>(std::max<std::uint64_t>(explained, 1)),
                static_cast<double>(results) / asked_times, name_of(asked).c_str());
    std::fflush(stdout);
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

void search_mix(record::Store& store, const std::vector<std::string>& patients, const std::string& guard) {
    std::printf("search mix, one thread, in process%s%s\n", guard.empty() ? "" : ", guarded: ", guard.c_str());
    const access::Viewer viewer = viewer_of(store, guard);
    for (const Asked& asked : mix()) measure_one(store, viewer, patients, asked);
}

}  // namespace xinglin::bench
