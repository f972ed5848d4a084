// SPDX-License-Identifier: Apache-2.0
// Merging table and fresh rows.
#include "record/ranges.h"

#include <limits>

namespace xinglin::record {

namespace {
std::int64_t key_in(const DateRow& row) { return row.key; }
std::int64_t key_in(const NumberRow& row) { return row.pid; }

/// `rows` came from the table, at most `most`, in order. `belongs`: still within what is asked.
template <typename Row, typename Belongs>
void merge_fresh(const Layer<Row>& layer, const Row& place, bool descending, std::size_t most, std::vector<Row>& rows,
                 Belongs&& belongs) {
    if (layer.size() == 0) return;
    const bool more_in_table = rows.size() == most;
    typename Layer<Row>::Walk walk(layer, place, descending);
    const auto before = [descending](const Row& a, const Row& b) { return descending ? b < a : a < b; };
    std::vector<Row> fresh;
    const Row* row = nullptr;
    while (fresh.size() < most && (row = walk.next()) && key_in(*row) == key_in(place) && belongs(*row)) {
        if (more_in_table && !before(*row, rows.back())) break;
        fresh.push_back(*row);
    }
    if (fresh.empty()) return;
    std::vector<Row> all;
    all.reserve(rows.size() + fresh.size());
    std::set_union(rows.begin(), rows.end(), fresh.begin(), fresh.end(), std::back_inserter(all), before);
    if (all.size() > most) all.resize(most);
    rows.swap(all);
}

void take(sql::Statement& query, std::int64_t key, std::vector<DateRow>& rows) {
    rows.clear();
    while (query.step()) rows.push_back({key, query.integer(0), query.integer(1), query.integer(2)});
}
void take(sql::Statement& query, std::int64_t pid, std::vector<NumberRow>& rows) {
    rows.clear();
    while (query.step()) rows.push_back({pid, query.real(0), query.real(1), query.integer(2), query.integer(3)});
}

template <typename Row, typename Belongs>
std::int64_t count_fresh(const Layer<Row>& layer, const Row& place, std::int64_t most, Belongs&& belongs) {
    if (layer.size() == 0) return 0;
    typename Layer<Row>::Walk walk(layer, place);
    std::int64_t count = 0;
    for (const Row* row = nullptr; count < most && (row = walk.next()) && belongs(*row);) ++count;
    return count;
}
}  // namespace

void rows_beyond(const Context& context, const DateRow& place, std::int64_t upto, std::size_t most, std::vector<DateRow>& rows) {
    auto& query = context.connection.prepare(
        "SELECT low, span, rid FROM record_date WHERE key = ? AND (low, span, rid) > (?, ?, ?) AND low <= ? "
        "ORDER BY low, span, rid LIMIT ?");
    query.bind(1, place.key).bind(2, place.low).bind(3, place.span).bind(4, place.rid);
    query.bind(5, upto).bind(6, static_cast<std::int64_t>(most));
    take(query, place.key, rows);
    merge_fresh(context.fresh->dates, place, false, most, rows, [&](const DateRow& row) { return row.low <= upto; });
}

void rows_beyond(const Context& context, const NumberRow& place, double upto, std::size_t most, std::vector<NumberRow>& rows) {
    auto& query = context.connection.prepare(
        "SELECT low, high, unit, rid FROM record_number WHERE pid = ? AND (low, high, unit, rid) > (?, ?, ?, ?) "
        "AND low <= ? ORDER BY low, high, unit, rid LIMIT ?");
    query.bind(1, place.pid).bind(2, place.low).bind(3, place.high).bind(4, place.unit).bind(5, place.rid);
    query.bind(6, upto).bind(7, static_cast<std::int64_t>(most));
    take(query, place.pid, rows);
    merge_fresh(context.fresh->numbers, place, false, most, rows, [&](const NumberRow& row) { return row.low <= upto; });
}

void rows_before(const Context& context, const DateRow& place, std::size_t most, std::vector<DateRow>& rows) {
    auto& query = context.connection.prepare(
        "SELECT low, span, rid FROM record_date WHERE key = ? AND (low, span, rid) < (?, ?, ?) "
        "ORDER BY low DESC, span DESC, rid DESC LIMIT ?");
    query.bind(1, place.key).bind(2, place.low).bind(3, place.span).bind(4, place.rid);
    query.bind(5, static_cast<std::int64_t>(most));
    take(query, place.key, rows);
    merge_fresh(context.fresh->dates, place, true, most, rows, [](const DateRow&) { return true; });
}

void rows_before(const Context& context, const NumberRow& place, std::size_t most, std::vector<NumberRow>& rows) {
    auto& query = context.connection.prepare(
        "SELECT low, high, unit, rid FROM record_number WHERE pid = ? AND (low, high, unit, rid) < (?, ?, ?, ?) "
        "ORDER BY low DESC, high DESC, unit DESC, rid DESC LIMIT ?");
    query.bind(1, place.pid).bind(2, place.low).bind(3, place.high).bind(4, place.unit).bind(5, place.rid);
    query.bind(6, static_cast<std::int64_t>(most));
    take(query, place.pid, rows);
    merge_fresh(context.fresh->numbers, place, true, most, rows, [](const NumberRow&) { return true; });
}

std::int64_t count_rows(const Context& context, std::int64_t key, const Bounds& bounds, std::int64_t most) {
    auto& query = context.connection.prepare(
        "SELECT count(*) FROM (SELECT 1 FROM record_date WHERE key = ? AND low >= ? AND low <= ? LIMIT ?) AS few");
    query.bind(1, key).bind(2, bounds.from).bind(3, bounds.upto).bind(4, most);
    std::int64_t rows = 0;
    while (query.step()) rows = query.integer(0);
    if (rows >= most) return rows;
    return rows + count_fresh(context.fresh->dates, DateRow{key, bounds.from, -1, 0}, most - rows,
                              [&](const DateRow& row) { return row.key == key && row.low <= bounds.upto; });
}

std::int64_t count_rows(const Context& context, std::int64_t pid, double from, double upto, std::int64_t most) {
    auto& query = context.connection.prepare(
        "SELECT count(*) FROM (SELECT 1 FROM record_number WHERE pid = ? AND low >= ? AND low <= ? LIMIT ?) AS few");
    query.bind(1, pid).bind(2, from).bind(3, upto).bind(4, most);
    std::int64_t rows = 0;
    while (query.step()) rows = query.integer(0);
    if (rows >= most) return rows;
    const NumberRow place{pid, from, -std::numeric_limits<double>::infinity(), -1, 0};
    return rows + count_fresh(context.fresh->numbers, place, most - rows,
                              [&](const NumberRow& row) { return row.pid == pid && row.low <= upto; });
}

bool has_row(const Context& context, const DateRow& row) {
    if (context.fresh->dates.contains(row)) return true;
    auto& query = context.connection.prepare("SELECT 1 FROM record_date WHERE key = ? AND low = ? AND span = ? AND rid = ?");
    query.bind(1, row.key).bind(2, row.low).bind(3, row.span).bind(4, row.rid);
    const bool there = query.step();
    query.reset();
    return there;
}

bool has_row(const Context& context, const NumberRow& row) {
    if (context.fresh->numbers.contains(row)) return true;
    auto& query =
        context.connection.prepare("SELECT 1 FROM record_number WHERE pid = ? AND low = ? AND high = ? AND unit = ? AND rid = ?");
    query.bind(1, row.pid).bind(2, row.low).bind(3, row.high).bind(4, row.unit).bind(5, row.rid);
    const bool there = query.step();
    query.reset();
    return there;
}

}  // namespace xinglin::record
