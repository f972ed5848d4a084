// SPDX-License-Identifier: Apache-2.0
// Messages read and converted a second on one core. Sketch: 2,000/s must leave most of a core to storing, so 10,000/s here.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "hl7v2/hl7v2.h"

namespace xinglin::hl7v2 {
namespace {

/// What a hospital sends most: an admission and a blood count of 12 values.
const std::string admission =
    "MSH|^~\\&|HIS|县医院|PLATFORM|区域平台|20261120093000||ADT^A01^ADT_A01|17|P|2.4|||AL|NE|CHN||zh-CN\rEVN|A01|20261120093000||"
    "|D011^张伟\r"
    "PID|1||0000123456^^^县医院^MR~11010519491231002X^^^^身份证||王小明||19491231|1|||河北省秦皇岛市山海关区南关街道1号||"
    "13803350001\r"
    "PV1|1|I|内三科^305^02^县医院|R|||D011^张伟|||||||||||ZY|ZY20261120017|||||||||||||||||||||||||20261120092500\r"
    "DG1|1||I10.x05^高血压3级^I10||20261120093000|A\r";
std::string blood_count() {
    std::string out =
        "MSH|^~\\&|LIS|县医院|||20261120093000||ORU^R01|18|P|2.4\rPID|1||0000123456^^^县医院^MR||王小明||19491231|1\rOBR|1|P1|F1|"
        "CBC^血常规^L|||20261120080000|||||||||D1^刘强||||||20261120092000||LAB|F\r";
    for (int i = 0; i < 12; ++i)
        out += "OBX|" + std::to_string(i + 1) + "|NM|C" + std::to_string(i) +
               "^项目^L||6.5|10\\S\\9/L|3.5-9.5|N|||F|||20261120091500\r";
    return out;
}

void run(benchmark::State& state, const std::string& text) {
    const Tables tables = Tables::load(content::Files()).value();
    const message::Sender sender{.id = "bench"};
    for (auto each : state) {
        auto made = convert(text, sender, tables);
        if (!made.ok()) state.SkipWithError(made.outcome().line().c_str());
        benchmark::DoNotOptimize(made);
    }
    state.SetItemsProcessed(state.iterations());
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
void admission_converted(benchmark::State& state) { run(state, admission); }
BENCHMARK(admission_converted);
void blood_count_converted(benchmark::State& state) { run(state, blood_count()); }
BENCHMARK(blood_count_converted);

void samples_converted(benchmark::State& state) {
    std::vector<std::string> all;
    for (const auto& each :
         std::filesystem::directory_iterator(std::filesystem::path(XINGLIN_SOURCE_DIR) / "src/hl7v2/testdata")) {
        if (each.path().extension() != ".hl7") continue;
        std::ifstream in(each.path(), std::ios::binary);
        std::ostringstream out;
        out << in.rdbuf();
        all.push_back(out.str());
    }
    const Tables tables = Tables::load(content::Files()).value();
    std::size_t at = 0;
    for (auto each : state) {
        auto made = convert(all[at++ % all.size()], {.id = "bench"}, tables);
        benchmark::DoNotOptimize(made);
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(samples_converted);

void admission_read(benchmark::State& state) {
    for (auto each : state) {
        auto made = read(admission, {});
        benchmark::DoNotOptimize(made);
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(admission_read);

}  // namespace
}  // namespace xinglin::hl7v2
