// SPDX-License-Identifier: Apache-2.0
// Chance that comes out the same on every machine: SplitMix64, seeded by what it is for. The distributions of the standard
// library differ between libraries, so they are written out here.
//
// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

namespace xinglin::city {

constexpr std::uint64_t mix(std::uint64_t x) {
    x += 0x9E3779B97F4A7C15ull;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
    return x ^ (x >> 31);
}

/// What a stream of chance is for: two purposes never share one.
enum class Purpose : std::uint64_t { people = 1, years, infection, story, noise, names, faults, weather, places, condition };

class Random {
public:
    Random(std::uint64_t seed, Purpose purpose, std::uint64_t a = 0, std::uint64_t b = 0)
        : state_(mix(mix(mix(mix(seed) + static_cast<std::uint64_t>(purpose)) + a) + b)) {}

    std::uint64_t next() { return mix(state_ += 0x9E3779B97F4A7C15ull); }
    /// In [0, 1).
    double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
    /// 0 … n-1; 0 when n is 0.
    std::uint32_t below(std::uint32_t n) {
        return static_cast<std::uint32_t>((static_cast<unsigned __int128>(next()) * n) >> 64);
    }
    int between(int low, int high) { return low + static_cast<int>(below(static_cast<std::uint32_t>(high - low + 1))); }
    bool chance(double p) { return unit() < p; }
    double normal() {
        const double u = 1.0 - unit(), v = unit();
        return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v);
    }
    double normal(double mean, double deviation) { return mean + deviation * normal(); }
    double exponential(double mean) { return -mean * std::log(1.0 - unit()); }
    int poisson(double mean) {
        if (mean <= 0) return 0;
        if (mean > 30) return static_cast<int>(std::lround(std::fmax(0.0, normal(mean, std::sqrt(mean)))));
        double p = std::exp(-mean), sum = p;
        const double u = unit();
        int k = 0;
        while (u > sum && k < 200) sum += p *= mean / ++k;
        return k;
    }

private:
    std::uint64_t state_;
};

}  // namespace xinglin::city
