// SPDX-License-Identifier: Apache-2.0
// Rows a second of the views that come with the program, over the synthetic people of content/samples: with and without
// parsing the stored text. Expected: 200,000 rows/s and core and more (5 µs a row: 2 to 3 µs of parsing, 0.1 µs a column).
#include <benchmark/benchmark.h>

#include <chrono>
#include <filesystem>
#include <map>

#include "content/content.h"
#include "testing/testing.h"
#include "view/library.h"

namespace xinglin::view {
namespace {

constexpr std::string_view components = R"json({"resource":"Observation","name":"components","select":[
    {"column":[{"name":"id","path":"getResourceKey()"},{"name":"patient","path":"subject.getReferenceKey(Patient)"},{"name":"at","path":"effective.ofType(dateTime)"}]},
    {"forEach":"component","column":[{"name":"code","path":"code.coding.where(system = 'http://loinc.org').code.first()"},
                                     {"name":"value","path":"value.ofType(Quantity).value"},{"name":"unit","path":"value.ofType(Quantity).unit"}]}]})json";

const std::map<std::string, std::vector<std::string>>& bodies() {
    static const auto all = [] {
        std::map<std::string, std::vector<std::string>> by_type;
        for (const auto& file : testing::files_below(std::filesystem::path(XINGLIN_SOURCE_DIR) / "content/samples", ".json.gz")) {
            json::Arena arena;
            const auto bundle = json::parse(testing::read_packed(file), arena);
            for (const json::Node& node : (*bundle)["entry"].items()) {
                const json::Value resource = json::Value(&node)["resource"];
                by_type[std::string(resource["resourceType"].string())].push_back(json::write(resource));
            }
        }
        return by_type;
    }();
    return all;
}

void run(benchmark::State& state, const Definition& definition, bool parsing) {
    const auto& texts = bodies().at(std::string(definition.resource().name));
    json::Arena arena;
    std::vector<json::Value> parsed;
    if (!parsing) {
        for (const std::string& text : texts) parsed.push_back(*json::parse(text, arena));
    }
    Runner runner(definition);
    std::int64_t rows = 0, resources = 0;
    std::size_t cells = 0;
    const Sink sink = [&](Row row) {
        ++rows;
        for (const Cell& cell : row) cells += cell.text.size();
    };
    for (auto _ : state) {
        for (std::size_t i = 0; i < texts.size(); ++i) {
            json::Value resource;
            if (parsing) {
                if (!definition.may_have_rows(texts[i])) {
                    ++resources;
                    continue;
                }
                arena.clear();
                resource = *json::parse(texts[i], arena);
            } else {
                resource = parsed[i];
            }
            if (!runner.run(resource, sink).ok()) state.SkipWithError("the view fails");
            ++resources;
        }
    }
    benchmark::DoNotOptimize(cells);
    state.counters["rows/s"] = benchmark::Counter(static_cast<double>(rows), benchmark::Counter::kIsRate);
    state.counters["resources/s"] = benchmark::Counter(static_cast<double>(resources), benchmark::Counter::kIsRate);
}

const bool registered = [] {
    std::vector<Definition> views{*Definition::compile(components)};
    for (const Shelved& one : Library(content::Files(), "/nowhere").list()) views.push_back(one.definition);
    for (const Definition& view : views) {
        if (!bodies().contains(std::string(view.resource().name))) continue;
        benchmark::RegisterBenchmark(("run/" + view.name()).c_str(),
                                     [view](benchmark::State& state) { run(state, view, false); });
        benchmark::RegisterBenchmark(("parse_and_run/" + view.name()).c_str(),
                                     [view](benchmark::State& state) { run(state, view, true); });
    }
    return true;
}();

}  // namespace
}  // namespace xinglin::view
