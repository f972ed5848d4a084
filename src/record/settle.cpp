// SPDX-License-Identifier: Apache-2.0
// Fresh rows of a group: into its line of record_fresh at the commit, into their tables later on.
#include "record/writer.h"

namespace xinglin::record {

namespace {
constexpr std::size_t fewest_settled = 256;  // a commit, once enough have gathered
constexpr std::int64_t lines_dropped = 16;   // a commit
// A tenth of the store's size: about a fiftieth of its rows. Loading them at the start shall take some hundredths of a second.
constexpr std::int64_t least_gathered = 20'000, most_gathered_rows = 1'000'000;

/// Both sorted; what is taken back first.
template <typename Row>
typename Layer<Row>::Run run_of(const std::vector<Row>& adding, const std::vector<Row>& removing) {
    typename Layer<Row>::Run run;
    run.reserve(adding.size() + removing.size());
    auto gone = removing.begin();
    for (const Row& row : adding) {
        for (; gone != removing.end() && *gone < row; ++gone) run.push_back({*gone, true});
        if (gone != removing.end() && *gone == row) ++gone;
        run.push_back({row});
    }
    for (; gone != removing.end(); ++gone) run.push_back({*gone, true});
    return run;
}
}  // namespace

void insert_rows(sql::Connection& connection, std::span<const DateRow> rows) {
    auto& insert = connection.prepare(
        "INSERT INTO record_date (key, low, span, rid /*pg , p*/) VALUES (?, ?, ?, ? /*pg , ?4 >> 20*/) ON CONFLICT DO NOTHING");
    for (const DateRow& row : rows) insert.bind(1, row.key).bind(2, row.low).bind(3, row.span).bind(4, row.rid).run();
}

void insert_rows(sql::Connection& connection, std::span<const NumberRow> rows) {
    auto& insert = connection.prepare(
        "INSERT INTO record_number (pid, low, high, unit, rid /*pg , p*/) VALUES (?, ?, ?, ?, ? /*pg , ?5 >> 20*/) "
        "ON CONFLICT DO NOTHING");
    for (const NumberRow& row : rows)
        insert.bind(1, row.pid).bind(2, row.low).bind(3, row.high).bind(4, row.unit).bind(5, row.rid).run();
}

namespace {
void insert_rows(sql::Connection& connection, std::span<const NameRow> rows) {
    auto& insert = connection.prepare("INSERT INTO record_name (id, tid, rid) VALUES (?, ?, ?) ON CONFLICT DO NOTHING");
    for (const NameRow& row : rows) insert.bind_blob(1, row.key()).bind(2, row.tid).bind(3, row.rid).run();
}

/// At most so many rows, table after table; returns how many.
std::size_t settle_some(sql::Connection& connection, Fresh& fresh, std::size_t most) {
    std::size_t left = most;
    const auto from = [&](auto& layer) {
        if (left == 0) return;
        const auto rows = layer.settle(left);
        insert_rows(connection, rows);
        left -= rows.size();
    };
    from(fresh.dates);
    from(fresh.numbers);
    from(fresh.names);
    return most - left;
}
}  // namespace

void Group::write_fresh() {
    Layer<NameRow>::Run names;
    names_.flush(&names);
    auto dates = run_of(adding_.dates, removing_.dates);
    auto numbers = run_of(adding_.numbers, removing_.numbers);
    line_.add(dates);
    line_.add(numbers);
    line_.add(names);
    written_fresh_ += dates.size() + numbers.size() + names.size();
    building_->dates.add(std::move(dates));
    building_->numbers.add(std::move(numbers));
    building_->names.add(std::move(names));
}

std::size_t Group::settle_above() const {
    if (fresh_rows_ != 0) return fresh_rows_;
    return static_cast<std::size_t>(std::clamp(position_ / 10, least_gathered, most_gathered_rows));
}

void Group::append_fresh() {
    if (!building_) return;
    const bool due = building_->is_settling() || building_->settled != 0 || building_->size() > settle_above();
    if (line_.empty() && !due) return;
    ++building_->number;
    connection_.prepare("INSERT INTO record_fresh (number, bytes) VALUES (?, ?)")
        .bind(1, building_->number)
        .bind_blob(2, line_.sealed(building_->number))
        .run();
    settle(std::max(fewest_settled, 2 * written_fresh_));
    shelf_->announce(building_);
}

// Twice what came: while the old rows are settled at most half as many new ones gather.
void Group::settle(std::size_t rows) {
    Fresh& fresh = *building_;
    if (!fresh.is_settling() && fresh.settled == 0 && fresh.size() > settle_above()) fresh.freeze();
    if (fresh.is_settling()) {
        settle_some(connection_, fresh, rows);
        if (!fresh.is_settling()) fresh.settled = fresh.frozen;
    }
    if (fresh.settled == 0) return;
    // The oldest lines first, so that what takes a row back always outlives what added it; the last one tells the readers
    // which rows are theirs.
    auto& query = connection_.prepare("SELECT number FROM record_fresh WHERE number <= ? AND number < ? ORDER BY number LIMIT ?");
    query.bind(1, fresh.settled).bind(2, fresh.number).bind(3, lines_dropped);
    std::vector<std::int64_t> lines;
    while (query.step()) lines.push_back(query.integer(0));
    for (const std::int64_t line : lines) connection_.prepare("DELETE FROM record_fresh WHERE number = ?").bind(1, line).run();
    if (lines.size() < static_cast<std::size_t>(lines_dropped) && fresh.settled < fresh.number) fresh.settled = 0;
}

void settle_all(sql::Connection& connection, FreshShelf& shelf) {
    Fresh fresh = *shelf.latest();
    sql::transaction(connection, [&] {
        fresh.freeze();
        while (settle_some(connection, fresh, 100'000) > 0) {}
        connection.prepare("DELETE FROM record_fresh").run();
        return true;
    });
    shelf.start_from({});
}

}  // namespace xinglin::record
