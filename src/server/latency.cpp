// SPDX-License-Identifier: Apache-2.0
// The grid of counters.
#include "server/latency.h"

#include <algorithm>
#include <cmath>

namespace xinglin::server {
namespace {

constexpr double steps_per_octave = 4;

double edge_ms(std::size_t step) { return std::exp2(static_cast<double>(step + 1) / steps_per_octave) / 1000; }

}  // namespace

std::string_view text(AnswerKind kind) {
    constexpr std::string_view words[] = {"read", "search", "write", "other"};
    return words[static_cast<std::size_t>(kind)];
}

AnswerKind kind_of(const http::Request& request) {
    if (!request.path.starts_with("/fhir")) return AnswerKind::other;
    std::size_t segments = 0;
    for (const char c : request.path) segments += c == '/';
    const std::string_view last = std::string_view(request.path).substr(request.path.rfind('/') + 1);
    if (last.starts_with('$') || last == "metadata") return AnswerKind::other;
    if (last == "_search" || last == "_history") return AnswerKind::search;
    if (request.method != "GET" && request.method != "HEAD") return AnswerKind::write;
    return segments >= 3 ? AnswerKind::read : AnswerKind::search;
}

Latency::Minute& Latency::minute_of(std::int64_t now_ms) {
    const std::int64_t number = now_ms / 60'000;
    Minute& minute = minutes_[static_cast<std::size_t>(number) % minutes];
    std::int64_t old = minute.number.load(std::memory_order_relaxed);
    // Whoever turns the page wipes it; a count that slips in meanwhile may be lost, which a percentile does not feel.
    if (old != number && minute.number.compare_exchange_strong(old, number)) {
        for (auto& kind : minute.counts) {
            for (auto& count : kind) count.store(0, std::memory_order_relaxed);
        }
        for (auto& longest : minute.longest_us) longest.store(0, std::memory_order_relaxed);
    }
    return minute;
}

void Latency::note(AnswerKind kind, double us, std::int64_t now_ms) {
    Minute& minute = minute_of(now_ms);
    const auto k = static_cast<std::size_t>(kind);
    const double octaves = us <= 1 ? 0 : std::log2(us);
    const auto step = std::min(steps - 1, static_cast<std::size_t>(octaves * steps_per_octave));
    minute.counts[k][step].fetch_add(1, std::memory_order_relaxed);
    const auto whole = static_cast<std::uint64_t>(std::max(0.0, us));
    std::uint64_t longest = minute.longest_us[k].load(std::memory_order_relaxed);
    while (whole > longest && !minute.longest_us[k].compare_exchange_weak(longest, whole)) {}
}

Latency::Figures Latency::figures(AnswerKind kind, std::int64_t now_ms) const {
    const auto k = static_cast<std::size_t>(kind);
    std::array<std::uint64_t, steps> counts{};
    Figures figures;
    for (const Minute& minute : minutes_) {
        if (minute.number.load() <= now_ms / 60'000 - static_cast<std::int64_t>(minutes)) continue;
        for (std::size_t step = 0; step < steps; ++step) counts[step] += minute.counts[k][step].load(std::memory_order_relaxed);
        figures.max_ms = std::max(figures.max_ms, static_cast<double>(minute.longest_us[k].load()) / 1000);
    }
    for (const std::uint64_t count : counts) figures.count += count;
    const auto quantile = [&](double q) {
        const auto wanted = static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(figures.count)));
        std::uint64_t seen = 0;
        for (std::size_t step = 0; step < steps; ++step) {
            seen += counts[step];
            if (seen >= wanted && wanted > 0) return std::min(edge_ms(step), std::max(figures.max_ms, 0.001));
        }
        return 0.0;
    };
    figures.p50_ms = quantile(0.5);
    figures.p90_ms = quantile(0.9);
    figures.p99_ms = quantile(0.99);
    return figures;
}

}  // namespace xinglin::server
