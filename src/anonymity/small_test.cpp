// SPDX-License-Identifier: Apache-2.0
// What suppression promises: whoever adds and subtracts what is shown learns no small count.
#include "anonymity/small.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

namespace xinglin::anonymity {
namespace {

/// A table with its margins: cells, rows, columns, all.
Counts table_of(const std::vector<std::vector<std::int64_t>>& rows) {
    Counts counts;
    const std::size_t width = rows[0].size();
    std::vector<std::vector<std::size_t>> columns(width);
    std::vector<std::int64_t> sums(width);
    std::vector<Counts::Sum> by_row;
    std::int64_t all = 0;
    for (const auto& row : rows) {
        Counts::Sum sum{0, {}};
        for (std::size_t i = 0; i < width; ++i) {
            sum.parts.push_back(counts.add(row[i]));
            columns[i].push_back(sum.parts.back());
            sums[i] += row[i];
        }
        const std::int64_t total = std::accumulate(row.begin(), row.end(), std::int64_t{0});
        sum.total = counts.add(total);
        all += total;
        by_row.push_back(sum);
    }
    const std::size_t whole = counts.add(all);
    Counts::Sum down{whole, {}}, across{whole, {}};
    for (const auto& sum : by_row) down.parts.push_back(sum.total);
    counts.sums = by_row;
    for (std::size_t i = 0; i < width; ++i) {
        counts.sums.push_back({counts.add(sums[i]), columns[i]});
        across.parts.push_back(counts.sums.back().total);
    }
    counts.sums.push_back(down);
    counts.sums.push_back(across);
    return counts;
}

/// Of the test alone: a reader with doubles. Which hidden cells have but one value that fits all sums?
std::vector<std::size_t> worked_out(const Counts& counts, const std::vector<Cell>& cells) {
    std::vector<std::size_t> unknown;
    for (std::size_t i = 0; i < cells.size(); ++i)
        if (cells[i] != Cell::shown) unknown.push_back(i);
    std::vector<std::vector<double>> rows;
    for (const Counts::Sum& sum : counts.sums) {
        std::vector<double> row(unknown.size());
        for (std::size_t u = 0; u < unknown.size(); ++u) {
            if (unknown[u] == sum.total) row[u] -= 1;
            for (const std::size_t part : sum.parts) row[u] += part == unknown[u] ? 1 : 0;
        }
        rows.push_back(row);
    }
    const auto rank = [](std::vector<std::vector<double>> m) {
        std::size_t done = 0;
        for (std::size_t column = 0; !m.empty() && column < m[0].size() && done < m.size(); ++column) {
            std::size_t best = done;
            for (std::size_t r = done; r < m.size(); ++r)
                if (std::abs(m[r][column]) > std::abs(m[best][column])) best = r;
            if (std::abs(m[best][column]) < 1e-7) continue;
            std::swap(m[done], m[best]);
            for (std::size_t r = 0; r < m.size(); ++r) {
                if (r == done) continue;
                const double times = m[r][column] / m[done][column];
                for (std::size_t c = column; c < m[r].size(); ++c) m[r][c] -= times * m[done][c];
            }
            ++done;
        }
        return done;
    };
    // A cell is told when its own unit vector adds nothing to the rank.
    const std::size_t before = rank(rows);
    std::vector<std::size_t> found;
    for (std::size_t u = 0; u < unknown.size(); ++u) {
        auto more = rows;
        more.emplace_back(unknown.size());
        more.back()[u] = 1;
        if (rank(more) == before) found.push_back(unknown[u]);
    }
    return found;
}

TEST(SmallCounts, ALoneSmallCountTakesAnotherWithIt) {
    Counts counts;
    const std::size_t patients = counts.add(120), allergies = counts.add(3), visits = counts.add(900), total = counts.add(1'023);
    counts.sums.push_back({total, {patients, allergies, visits}});
    const auto cells = hide_small(counts, 5);
    EXPECT_EQ(cells[allergies], Cell::small);
    EXPECT_EQ(cells[patients], Cell::beside);
    EXPECT_EQ(cells[visits], Cell::shown);
    EXPECT_EQ(cells[total], Cell::shown);
    EXPECT_EQ(mark_of(cells[allergies], 5), "<5");
    EXPECT_EQ(mark_of(cells[patients], 5), "*");
}

TEST(SmallCounts, NothingIsHiddenWhereNothingIsSmall) {
    for (const Cell cell : hide_small(table_of({{0, 5, 9}, {12, 0, 30}}), 5)) EXPECT_EQ(cell, Cell::shown);
}

TEST(SmallCounts, TwoOnesOfASumOfTwoAreNotTold) {
    Counts counts;
    const std::size_t a = counts.add(1), b = counts.add(1), c = counts.add(40), total = counts.add(42);
    counts.sums.push_back({total, {a, b, c}});
    EXPECT_NE(hide_small(counts, 5)[c], Cell::shown);
}

TEST(SmallCounts, NoSmallCellOfARandomTableFollowsFromWhatIsShown) {
    std::size_t hidden = 0;
    for (unsigned seed = 1; seed <= 300; ++seed) {
        SCOPED_TRACE(seed);
        std::mt19937 random(seed);
        std::vector<std::vector<std::int64_t>> rows(2 + random() % 5, std::vector<std::int64_t>(2 + random() % 5));
        for (auto& row : rows)
            for (auto& value : row)
                value = random() % 3 == 0 ? static_cast<std::int64_t>(random() % 6) : static_cast<std::int64_t>(random() % 60);
        const Counts counts = table_of(rows);
        const auto cells = hide_small(counts, 5);
        for (std::size_t i = 0; i < cells.size(); ++i) {
            if (counts.cells[i] > 0 && counts.cells[i] < 5) {
                EXPECT_NE(cells[i], Cell::shown);
            }
            hidden += cells[i] == Cell::shown ? 0 : 1;
        }
        EXPECT_TRUE(worked_out(counts, cells).empty());
    }
    EXPECT_GT(hidden, 1'000u);  // the test tests something
}

TEST(SmallCounts, TheLimitIsContent) {
    const auto below = read_small_limit(content::Files());
    ASSERT_TRUE(below.ok());
    EXPECT_EQ(*below, 5);
}

}  // namespace
}  // namespace xinglin::anonymity
