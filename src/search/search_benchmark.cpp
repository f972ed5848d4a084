// SPDX-License-Identifier: Apache-2.0
// Extraction per resource over synthetic records, R4's examples when there are none.
#include <benchmark/benchmark.h>

#include "search/search.h"
#include "testing/testing.h"

namespace xinglin::search {
namespace {

struct Loaded {
    json::Arena arena;
    std::vector<std::pair<const fhir::Type*, json::Value>> resources;
    std::size_t bytes = 0;
};

void add(Loaded& loaded, json::Value resource) {
    const fhir::Type* type = fhir::find_resource(resource["resourceType"].string());
    if (!type) return;
    loaded.resources.emplace_back(type, resource);
    loaded.bytes += json::write(resource).size();
}

const Loaded& records() {
    static const Loaded loaded = [] {
        Loaded all;
        std::size_t bundles = 20;
        for (const auto& path : testing::files_below(testing::shared_data() / "synthea", ".json.gz")) {
            if (bundles-- == 0) break;
            const auto bundle = json::parse(testing::read_packed(path), all.arena);
            for (const json::Node& entry : (*bundle)["entry"].items()) add(all, json::Value(&entry)["resource"]);
        }
        if (!all.resources.empty()) return all;
        const std::string lines =
            testing::read_packed(std::filesystem::path(XINGLIN_SOURCE_DIR) / "src/fhir/testdata/r4-examples.ndjson.gz");
        for (std::size_t at = 0; at < lines.size();) {
            const std::size_t end = lines.find('\n', at);
            add(all, *json::parse(std::string_view(lines).substr(at, end - at), all.arena));
            at = end + 1;
        }
        return all;
    }();
    return loaded;
}

void extract_records(benchmark::State& state) {
    const Loaded& loaded = records();
    Entries entries;
    std::size_t found = 0;
    for (auto _ : state) {
        for (const auto& [type, resource] : loaded.resources) {
            entries.clear();
            extract(*type, resource, 480, entries);
            found += entries.tokens.size() + entries.strings.size() + entries.references.size() + entries.dates.size() +
                     entries.quantities.size();
        }
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * loaded.resources.size()));
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * loaded.bytes));
    state.counters["entries_per_resource"] =
        static_cast<double>(found) / static_cast<double>(state.iterations() * loaded.resources.size());
}
BENCHMARK(extract_records)->Unit(benchmark::kMillisecond);

void parse_query(benchmark::State& state) {
    const fhir::Type* type = fhir::find_resource("Observation");
    const std::vector<std::pair<std::string, std::string>> pairs{{"patient.name", "smith"},
                                                                 {"code", "http://loinc.org|8480-6,http://loinc.org|8462-4"},
                                                                 {"date", "ge2020-01-01"},
                                                                 {"_sort", "-date"},
                                                                 {"_count", "20"}};
    for (auto _ : state) benchmark::DoNotOptimize(parse(std::span(&type, 1), pairs));
}
BENCHMARK(parse_query)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace xinglin::search
