// SPDX-License-Identifier: Apache-2.0
// What the load drivers read off clocks and the kernel.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace xinglin::bench {

using Time = std::chrono::steady_clock;
double seconds_since(Time::time_point start);
/// Both kinds of processor time of all our threads: says what work costs also when the machine is shared.
double cpu_seconds();
/// KiB this process has handed to the disk so far.
double written_kib();
/// Anonymous memory of this process.
long resident_mib();
/// Quantile of times in microseconds, sorted on the way; 0 when there are none.
double quantile(std::vector<double>& us, double q);

}  // namespace xinglin::bench
