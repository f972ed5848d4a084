// SPDX-License-Identifier: Apache-2.0
// Counting answers into buckets, and adding threads up.
#include "http/figures.h"

namespace xinglin::http {

void Tally::answered(int status, std::chrono::steady_clock::duration took) {
    const double took_ms = std::chrono::duration<double, std::milli>(took).count();
    std::size_t bucket = 0;
    while (bucket < std::size(ServerFigures::duration_bounds_ms) && took_ms > ServerFigures::duration_bounds_ms[bucket]) ++bucket;
    durations[bucket].add();
    duration_microseconds.add(static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
    by_status_class[std::clamp(status / 100, 0, 5)].add();
}

void Tally::add_to(ServerFigures& figures) const {
    figures.connections_open += connections_open.now();
    figures.connections_total += connections_total.now();
    figures.requests_total += requests.now();
    figures.requests_in_flight += in_flight.now();
    figures.refused_busy += refused_busy.now();
    figures.bytes_in += bytes_in.now();
    figures.bytes_out += bytes_out.now();
    for (std::size_t i = 0; i < std::size(by_status_class); ++i) figures.by_status_class[i] += by_status_class[i].now();
    std::uint64_t so_far = 0;
    for (std::size_t i = 0; i < std::size(durations); ++i) {
        so_far += durations[i].now();
        figures.duration_buckets[i] += so_far;
    }
    figures.duration_sum_seconds += static_cast<double>(duration_microseconds.now()) / 1e6;
}

}  // namespace xinglin::http
