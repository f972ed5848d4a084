// SPDX-License-Identifier: Apache-2.0
// Data quality measured: a whole record anew, and what keeping figures up costs for each write.
//
//   build/bench/quality_bench CITY/fhir [updates]    CITY: xinglin city --population 10000 --years 2 --only fhir --out CITY
//
// Processor time of all threads is what counts; with fsync, on SQLite, rules and code systems of content/.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>

#include "measure.h"
#include "quality/quality.h"
#include "record/record.h"
#include "terminology/terminology.h"
#include "testing/testing.h"

using namespace xinglin;

namespace {

struct Name {
    std::string type, id;
};

record::Prepared prepared(record::Store& store, std::string_view text, Name* name = nullptr) {
    json::Arena arena;
    const json::Value value = json::parse(text, arena).value();
    if (name) *name = {std::string(value["resourceType"].string()), std::string(value["id"].string())};
    return store.prepare(*fhir::find_resource(value["resourceType"].string()), value["id"].string(), value);
}

/// Every resource of the folder; gives some of their names.
std::vector<Name> load(record::Store& store, const std::filesystem::path& folder, std::uint64_t& loaded) {
    constexpr std::size_t batch_size = 2'000;
    constexpr std::uint64_t every = 17;
    std::vector<Name> names;
    std::vector<record::Prepared> batch;
    const auto store_batch = [&] {
        if (!batch.empty() && !store.load(std::exchange(batch, {})).ok()) throw std::runtime_error("cannot be loaded");
    };
    for (const auto& file : std::filesystem::directory_iterator(folder)) {
        if (file.path().extension() != ".ndjson") continue;
        std::ifstream in(file.path());
        for (std::string line; std::getline(in, line);) {
            Name name;
            batch.push_back(prepared(store, line, &name));
            if (++loaded % every == 0) names.push_back(std::move(name));
            if (batch.size() == batch_size) store_batch();
        }
    }
    store_batch();
    return names;
}

/// A new version of each, as a correction is: the same with another remark on its source.
void update(record::Store& store, const std::vector<Name>& names, std::size_t from, std::size_t until) {
    for (std::size_t i = from; i < until; ++i) {
        const fhir::Type& type = *fhir::find_resource(names[i].type);
        const auto now = store.reader(access::Viewer::program("bench")).read(type, names[i].id);
        if (!now.ok()) throw std::runtime_error(names[i].type + "/" + names[i].id);
        std::string text(now->body);
        text.insert(text.rfind('}'), R"(,"language":"zh-CN")");
        const record::Prepared ready = prepared(store, text);
        const auto done = store.submit_and_wait([&](record::Transaction& transaction) {
            transaction.put(ready, false, false);
            return Result<Done>(Done{});
        });
        if (!done.ok()) throw std::runtime_error(done.outcome().line());
    }
}

}  // namespace

int main(int count, char** words) {
    if (count < 2) return std::fprintf(stderr, "usage: quality_bench CITY/fhir [updates]\n"), 2;
    const std::size_t wanted = count > 2 ? std::strtoull(words[2], nullptr, 10) : 20'000;
    const testing::ScratchFolder folder;
    const calendar::SystemClock clock;
    const content::Files files;
    const terminology::Terminology terms(files, clock);
    auto store = record::Store::open(folder.path() / "data", clock, {.offset_minutes = std::int16_t{480}}).value();
    std::uint64_t loaded = 0;
    std::vector<Name> names = load(*store, words[1], loaded);
    quality::Options options;
    options.follow = false;
    options.around.knows_code = [&](std::string_view system, std::string_view code) {
        return terms.has(std::string(system) + "?fhir_vs", system, code);
    };
    options.around.member_of = [&](std::string_view set, std::string_view system, std::string_view code) {
        return terms.has(set, system, code);
    };
    quality::Quality quality(*store, clock, quality::Rulebook::read(files).value(), std::move(options));

    const auto timed = [&](const std::string& what, double things, auto&& work) {
        const double cpu = bench::cpu_seconds();
        const auto start = bench::Time::now();
        work();
        const double own = bench::cpu_seconds() - cpu;
        std::printf("%-44s %9.0f in %7.2f s, processor %7.2f s: %8.0f/s, %7.1f us each\n", what.c_str(), things,
                    bench::seconds_since(start), own, things / own, own / things * 1e6);
        std::fflush(stdout);
        return own;
    };
    timed("measured for the first time", static_cast<double>(loaded), [&] { quality.catch_up(); });
    timed("measured anew, compared", static_cast<double>(loaded), [&] { quality.measure_anew(), quality.catch_up(); });
    std::printf("lines that differ: %lld\n", static_cast<long long>(quality.state().differences));

    std::shuffle(names.begin(), names.end(), std::mt19937_64(1));
    std::erase_if(names, [](const Name& name) { return name.type == "Organization" || name.type == "Practitioner"; });
    names.resize(std::min(names.size(), wanted));
    const auto things = static_cast<double>(names.size());
    double following = 0;
    constexpr std::size_t at_once = 100;  // about what half a second brings
    timed("written one by one, followed by hundreds", things, [&] {
        for (std::size_t from = 0; from < names.size(); from += at_once) {
            update(*store, names, from, std::min(names.size(), from + at_once));
            const double before = bench::cpu_seconds();
            quality.catch_up();
            following += bench::cpu_seconds() - before;
        }
    });
    std::printf("of that for the figures: %.2f s, %.1f us a write\n", following, following / things * 1e6);
    timed("figures of all institutions, 30 days", 1, [&] {
        const auto last = quality.newest_day(1'000'000).value_or(0);
        if (quality.figures({.from = last - 29, .to = last}).empty()) std::abort();
    });
    return 0;
}
