// SPDX-License-Identifier: Apache-2.0
// Small counts of persons, hidden together with so many others that no sum tells them.
//
// A cell below the limit (not 0) is hidden. Then others are, until no hidden cell follows from what is shown by any combination of the
// sums, however the reader adds and subtracts: the unknowns are solved for as a reader would. Source: Cox, JASA 75(370), 1980 (linear
// suppression); GB/T 42460-2023 for small cells.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "content/content.h"
#include "outcome/outcome.h"

namespace xinglin::anonymity {

enum class Cell : std::uint8_t { shown, small, beside };  // beside: hidden for the sake of others

struct Counts {
    std::vector<std::int64_t> cells;
    struct Sum {
        std::size_t total;
        std::vector<std::size_t> parts;
    };
    std::vector<Sum> sums;
    std::vector<std::size_t> never_shown;  // totals that a reader could form but nobody tells

    std::size_t add(std::int64_t count) {
        cells.push_back(count);
        return cells.size() - 1;
    }
};
std::vector<Cell> hide_small(const Counts& counts, std::int64_t below);
/// "<5" of a small one, "*" of one beside, "" of one that is shown.
std::string mark_of(Cell cell, std::int64_t below);
/// access/small_counts.json: counts of persons below this are not shown to who sees no records. Refuses what is no number from 2 to 100.
Result<std::int64_t> read_small_limit(const content::Files& files);

}  // namespace xinglin::anonymity
