// SPDX-License-Identifier: Apache-2.0
// Clocks, processor time, memory, bytes written: from getrusage and /proc/self.
#include "measure.h"

#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

namespace xinglin::bench {
namespace {
long long field_of(const char* file, std::string_view name) {
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with(name)) return std::atoll(line.c_str() + name.size());
    }
    return 0;
}
}  // namespace

double seconds_since(Time::time_point start) { return std::chrono::duration<double>(Time::now() - start).count(); }

double cpu_seconds() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

double written_kib() { return static_cast<double>(field_of("/proc/self/io", "write_bytes:")) / 1024; }
long resident_mib() { return static_cast<long>(field_of("/proc/self/status", "RssAnon:") / 1024); }

double quantile(std::vector<double>& us, double q) {
    if (us.empty()) return 0;
    std::sort(us.begin(), us.end());
    return us[static_cast<std::size_t>(q * static_cast<double>(us.size() - 1))];
}

}  // namespace xinglin::bench
