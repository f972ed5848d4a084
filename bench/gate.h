// SPDX-License-Identifier: Apache-2.0
// The gate: a store far larger than its cache, written and read at once for as long as one likes.
#pragma once

#include <filesystem>
#include <vector>

#include "rekeyed.h"

namespace xinglin::bench {

struct GateOptions {
    double minutes = 60;
    unsigned writers = 8, readers = 2;
    std::size_t per_transaction = 10;
    std::int64_t cache_bytes = 64ll << 20;
};

/// Writes without pause from `writers` threads while `readers` threads search without pause; prints a line a minute and
/// the sum. The store must have been filled before.
int gate(const std::filesystem::path& folder, const std::vector<Person>& people, const GateOptions& options);

}  // namespace xinglin::bench
