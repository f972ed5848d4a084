// SPDX-License-Identifier: Apache-2.0
// Hiding until nothing follows: the sums as equations over what is hidden, solved modulo a prime.
#include "anonymity/small.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "json/json.h"

namespace xinglin::anonymity {

namespace {

constexpr std::uint64_t prime = 2'147'483'647;     // a cell that follows over the rationals follows modulo nearly every prime
using Row = std::map<std::size_t, std::uint64_t>;  // unknown → coefficient

std::uint64_t inverse(std::uint64_t value) {
    std::uint64_t result = 1;
    for (std::uint64_t power = prime - 2; power > 0; power >>= 1, value = value * value % prime)
        if (power & 1) result = result * value % prime;
    return result;
}

void subtract(Row& row, const Row& other, std::uint64_t times) {
    for (const auto& [column, value] : other) {
        const std::uint64_t left = (row[column] + prime - value * times % prime) % prime;
        if (left == 0) row.erase(column);
        else row[column] = left;
    }
}

/// Hidden cells that a reader can work out: alone in a row of the reduced echelon form.
std::vector<std::size_t> following(const Counts& counts, const std::vector<Cell>& cells) {
    std::map<std::size_t, Row> by_pivot;
    for (const Counts::Sum& sum : counts.sums) {
        Row row;
        const auto add = [&](std::size_t cell, std::uint64_t value) {
            if (cells[cell] == Cell::shown) return;
            const std::uint64_t now = (row[cell] + value) % prime;
            if (now == 0) row.erase(cell);
            else row[cell] = now;
        };
        add(sum.total, prime - 1);
        for (const std::size_t part : sum.parts) add(part, 1);
        for (const auto& [pivot, known] : by_pivot)
            if (const auto at = row.find(pivot); at != row.end()) subtract(row, known, std::uint64_t{at->second});
        if (row.empty()) continue;
        const std::size_t pivot = row.begin()->first;
        const std::uint64_t one = inverse(row.begin()->second);
        for (auto& [column, value] : row) value = value * one % prime;
        for (auto& [other, known] : by_pivot)
            if (const auto at = known.find(pivot); at != known.end()) subtract(known, row, std::uint64_t{at->second});
        by_pivot.emplace(pivot, std::move(row));
    }
    std::vector<std::size_t> found;
    for (const auto& [pivot, row] : by_pivot)
        if (row.size() == 1) found.push_back(pivot);
    return found;
}

/// The best companion of a hidden cell within a sum: the smallest that leaves room for every small value, else any that is not 0,
/// else a 0, else the total. Nothing when all are hidden.
std::optional<std::size_t> companion(const Counts& counts, const Counts::Sum& sum, const std::vector<Cell>& cells,
                                     std::int64_t below) {
    std::optional<std::size_t> best;
    const auto rank = [&](std::size_t cell) {
        const std::int64_t value = counts.cells[cell];
        const int kind = cell == sum.total ? 3 : value >= 2 * below - 1 ? 0 : value > 0 ? 1 : 2;
        return std::pair(kind, value);
    };
    const auto look = [&](std::size_t cell) {
        if (cells[cell] == Cell::shown && (!best || rank(cell) < rank(*best))) best = cell;
    };
    for (const std::size_t part : sum.parts) look(part);
    look(sum.total);
    return best;
}

bool holds(const Counts::Sum& sum, std::size_t cell) {
    return sum.total == cell || std::find(sum.parts.begin(), sum.parts.end(), cell) != sum.parts.end();
}

/// What is hidden of a sum is less than the limit in all: then its parts are nearly told.
bool is_tight(const Counts& counts, const Counts::Sum& sum, const std::vector<Cell>& cells, std::int64_t below) {
    if (cells[sum.total] != Cell::shown) return false;
    std::int64_t hidden = 0;
    bool any = false;
    for (const std::size_t part : sum.parts) {
        if (cells[part] == Cell::shown) continue;
        any = true;
        hidden += counts.cells[part];
    }
    return any && hidden < below;
}

bool hide_beside(const Counts& counts, const Counts::Sum& sum, std::vector<Cell>& cells, std::int64_t below) {
    const auto cell = companion(counts, sum, cells, below);
    if (cell) cells[*cell] = counts.cells[*cell] > 0 && counts.cells[*cell] < below ? Cell::small : Cell::beside;
    return cell.has_value();
}

}  // namespace

std::vector<Cell> hide_small(const Counts& counts, std::int64_t below) {
    std::vector<Cell> cells(counts.cells.size(), Cell::shown);
    for (std::size_t i = 0; i < cells.size(); ++i) {
        if (counts.cells[i] > 0 && counts.cells[i] < below) cells[i] = Cell::small;
    }
    for (const std::size_t cell : counts.never_shown) cells[cell] = Cell::beside;
    for (bool more = true; more;) {
        more = false;
        for (const Counts::Sum& sum : counts.sums) {
            while (is_tight(counts, sum, cells, below) && hide_beside(counts, sum, cells, below)) more = true;
        }
        for (const std::size_t cell : following(counts, cells)) {
            for (const Counts::Sum& sum : counts.sums) {
                if (holds(sum, cell) && hide_beside(counts, sum, cells, below)) {
                    more = true;
                    break;
                }
            }
        }
    }
    return cells;
}

std::string mark_of(Cell cell, std::int64_t below) {
    return cell == Cell::shown ? std::string() : cell == Cell::small ? fmt::format("<{}", below) : "*";
}

Result<std::int64_t> read_small_limit(const content::Files& files) {
    constexpr std::string_view file = "access/small_counts.json";
    const auto text = files.read(file);
    json::Arena arena;
    std::int64_t below = 0;
    if (const auto root = json::parse(text.value_or(""), arena); root.ok()) {
        const std::string_view digits = root->find("below").text();
        std::from_chars(digits.data(), digits.data() + digits.size(), below);
    }
    if (below < 2 || below > 100)
        return refuse(IssueCode::invalid, std::string(file) + " below", "must be a number from 2 to 100");
    return below;
}

}  // namespace xinglin::anonymity
