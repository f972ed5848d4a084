// SPDX-License-Identifier: Apache-2.0
// Rows a second: CSV read, workbook read, and rows of a clinic's register turned into bundles.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>

#include "content/content.h"
#include "table/mapping.h"
#include "table/sheet_writer.h"
#include "testing/testing.h"

namespace {

using namespace xinglin;

constexpr int rows_in_file = 100'000;

std::string register_rows() {
    std::string text = "门诊号,姓名,性别,出生日期,身份证号,联系电话,现住址,就诊时间,科室,医生,主诉,诊断\n";
    for (int i = 0; i < rows_in_file; ++i)
        text += "MZ" + std::to_string(i) +
                ",张三,女,1949-12-31,11010519491231002X,13800138000,河北省秦皇岛市山海关区示例村,2026-11-22 "
                "08:15,内科,李医生,\"发热, 咳嗽\",急性上呼吸道感染\n";
    return text;
}

void ReadCsv(benchmark::State& state) {
    const std::string text = register_rows();
    for (auto _ : state) {
        const auto rows = table::read_csv(table::Source::memory(text));
        table::Row row;
        int count = 0;
        while ((*rows)->next(row).value()) ++count;
        if (count != rows_in_file + 1) std::abort();
    }
    state.SetItemsProcessed(state.iterations() * rows_in_file);
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(ReadCsv)->Unit(benchmark::kMillisecond);

void ReadXlsx(benchmark::State& state) {
    const testing::ScratchFolder folder;
    const auto path = folder.path() / "rows.xlsx";
    auto writer = table::SheetWriter::create(path);
    if (!(*writer)->sheet("登记", std::vector<table::SheetColumn>(12, {"列"})).ok()) std::abort();
    for (int i = 0; i < rows_in_file; ++i) {
        std::vector<table::Cell> cells;
        for (int c = 0; c < 12; ++c)
            cells.push_back(c % 3 == 0   ? table::Cell::count(i)
                            : c % 3 == 1 ? table::Cell::day("2026-11-22")
                                         : table::Cell::of("发热, 咳嗽"));
        if (!(*writer)->row(cells).ok()) std::abort();
    }
    if (!(*writer)->close().ok()) std::abort();
    for (auto _ : state) {
        const auto rows = table::read_xlsx(table::Source::file(path));
        table::Row row;
        int count = 0;
        while ((*rows)->next(row).value()) ++count;
        if (count != rows_in_file + 1) std::abort();
    }
    state.SetItemsProcessed(state.iterations() * rows_in_file);
}
BENCHMARK(ReadXlsx)->Unit(benchmark::kMillisecond);

void Convert(benchmark::State& state) {
    const content::Files files;
    const auto mapping = table::Mapping::read(*files.read("mappings/clinic_visits.json"));
    const std::string text = register_rows();
    for (auto _ : state) {
        const auto rows = table::read_csv(table::Source::memory(text));
        auto conversion = table::Conversion::begin(*mapping, {.id = "clinic"}, **rows);
        table::Item item;
        int count = 0;
        while (conversion->next(item).value()) count += item.converted.has_value();
        if (count != rows_in_file) std::abort();
    }
    state.SetItemsProcessed(state.iterations() * rows_in_file);
}
BENCHMARK(Convert)->Unit(benchmark::kMillisecond);

}  // namespace
