// SPDX-License-Identifier: Apache-2.0
// What sealing pages costs: rows written with two indexes, and rows found by name, with pages in SQLite's cache and without.
// Argument: 0 plain, 1 aes-256-gcm, 2 sm4-ctr-hmac-sm3. docs/performance.md.
#include <benchmark/benchmark.h>

#include <random>

#include "sql/sealed.h"
#include "sql/sql.h"
#include "testing/testing.h"

namespace xinglin::sql {
namespace {

constexpr int rows = 100'000;

void prepare(const std::filesystem::path& folder, std::int64_t kind) {
    ::setenv("XINGLIN_BENCH_KEY", std::string(64, '1').c_str(), 1);
    if (kind > 0) (void)keys::make(folder, static_cast<keys::Cipher>(kind), "env:XINGLIN_BENCH_KEY", "2026-11-23");
    give_key_places({"env:XINGLIN_BENCH_KEY"});
}

std::unique_ptr<Connection> fill(const std::filesystem::path& folder) {
    auto db = open_sqlite(folder / "record.db");
    db->run(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, number INTEGER, body BLOB); CREATE INDEX n ON t (name); CREATE INDEX "
        "m ON t (number)");
    std::mt19937_64 random(1);
    std::string body(500, ' ');
    for (int i = 0; i < rows;) {
        transaction(*db, [&] {
            for (int j = 0; j < 500; ++j, ++i) {
                for (char& c : body) c = static_cast<char>(random());
                db->prepare("INSERT INTO t (name, number, body) VALUES (?,?,?)")
                    .bind(1, std::to_string(random() % rows))
                    .bind(2, static_cast<std::int64_t>(random() % 1'000'000))
                    .bind_blob(3, body)
                    .run();
            }
        });
    }
    return db;
}

void writing(benchmark::State& state) {
    for (auto _ : state) {
        const testing::ScratchFolder folder;
        prepare(folder.path(), state.range(0));
        fill(folder.path());
    }
    state.SetItemsProcessed(state.iterations() * rows);
}
BENCHMARK(writing)->DenseRange(0, 2)->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime();

void finding(benchmark::State& state) {
    const testing::ScratchFolder folder;
    prepare(folder.path(), state.range(0));
    fill(folder.path());
    const auto db = open_sqlite(folder.path() / "record.db", {.read_only = true, .cache_bytes = state.range(1) << 20});
    std::mt19937_64 random(2);
    std::size_t bytes = 0;
    for (auto _ : state) {
        Statement& row = db->prepare("SELECT body FROM t WHERE name = ?").bind(1, std::to_string(random() % rows));
        while (row.step()) bytes += row.text(0).size();
    }
    benchmark::DoNotOptimize(bytes);
}
BENCHMARK(finding)->ArgsProduct({{0, 1, 2}, {256, 8, 1}})->Unit(benchmark::kMicrosecond)->MeasureProcessCPUTime();

}  // namespace
}  // namespace xinglin::sql
