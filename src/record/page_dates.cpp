// SPDX-License-Identifier: Apache-2.0
// Pages led by a wide date range, such as everything since 2019: read off the date index in its order, so that a page
// costs what it shows and not what the range holds.
#include <algorithm>

#include "feed/feed.h"
#include "record/page.h"
#include "record/ranges.h"

namespace xinglin::record {

namespace {
constexpr std::uint64_t one_in = 16;  // resources of the type: a condition that fewer meet makes storage order the cheaper one
constexpr std::size_t changes_followed = 20'000, largest_batch = 1'024;
}  // namespace

// The condition to lead, if the query is of this kind: one type, no order asked for, an exact total not insisted on.
// A later page keeps to the way of the first.
const search::Criterion* Pager::leading_date(const search::Query& query, const Place& place) {
    if (!query.page.empty() && place.key == 0) return nullptr;
    if (query.types.size() != 1 || !query.sort.empty() || query.total == search::Total::accurate ||
        query.total == search::Total::estimate)
        return nullptr;
    const search::Criterion* leading = nullptr;
    for (const search::Criterion& criterion : query.all) {
        const bool plain = criterion.kind == search::Criterion::Kind::value && criterion.modifier == search::Modifier::none &&
                           criterion.any.size() == 1;
        if (!plain || criterion.parameter->type != search::ParamType::date) continue;
        if (!query.page.empty() || finder_.range_is_large(*criterion.parameter, criterion.any.front())) leading = &criterion;
    }
    return leading;
}

// The first row, in index order, by which a version matches the leading condition.
std::optional<DateRow> Pager::first_row(const search::Criterion& leading, const Stored& stored) {
    json::Arena arena;
    auto resource = json::parse(stored.text, arena);
    if (!resource.ok()) return std::nullopt;
    search::Entries entries;
    search::extract(*leading.parameter->resource, *resource, context_.offset_minutes, entries);
    const auto asked = finder_.with_included(*leading.parameter);
    std::optional<DateRow> first;
    for (const search::Date& date : entries.dates) {
        if (std::find(asked.begin(), asked.end(), date.parameter) == asked.end() ||
            !search::date_matches(leading.any.front(), date.low_ms, date.high_ms))
            continue;
        const std::int64_t span = date.high_ms - date.low_ms;
        const DateRow row{date_key(context_.numbers.pid(*date.parameter), span > short_span_ms), date.low_ms, pack_span(span),
                          stored.rid};
        if (!first || row < *first) first = row;
    }
    return first;
}

// What was changed since the first page, at the places it had then.
std::vector<DateRow> Pager::changed_rows(const search::Query& query, const search::Criterion& leading, const Place& place) {
    std::vector<DateRow> rows;
    if (place.as_of == position_) return rows;
    std::vector<std::int64_t> changed;
    const std::int64_t tid = context_.numbers.tid(*query.types.front());
    feed::forward(context_.connection, place.as_of, position_, [&](const feed::Change& change) {
        if (change.type == tid && change.version > 1) changed.push_back(change.resource);
        return changed.size() < changes_followed;
    });
    std::sort(changed.begin(), changed.end());
    changed.erase(std::unique(changed.begin(), changed.end()), changed.end());
    for (const std::int64_t rid : changed) {
        const auto then = shown(query, rid, place);
        if (!then || then->deleted()) continue;
        if (const auto row = first_row(leading, *then)) rows.push_back(*row);
    }
    std::sort(rows.begin(), rows.end());
    return rows;
}

// The resources of a batch of rows come together, where that saves round trips.
void Pager::expect_shown(const search::Criterion& leading, Cursor& others, std::span<const DateRow> rows) {
    if (!finder_.shelf().looks_ahead()) return;
    std::vector<std::int64_t> rids;
    for (const DateRow& row : rows) {
        if (search::date_matches(leading.any.front(), row.low, row.low + unpack_span(row.span)) &&
            (!others.exact() || others.has(row.rid)))
            rids.push_back(row.rid);
    }
    finder_.shelf().expect(rids);
}

Result<Found> Pager::in_date_order(const search::Query& query, const search::Criterion& leading, Place place, std::size_t size) {
    const bool first = query.page.empty();
    XINGLIN_TRY(CursorPtr others, finder_.cursor_without(query, leading));
    if (first && others->estimate() <= finder_.size_of(*query.types.front()) / one_in) {
        others.reset();
        return in_rid_order(query, place, size);
    }
    Step* step = finder_.plan().add("range", leading.written + ": leads, read in date order", leading.parameter->code);
    const Plan::Open open(finder_.plan(), step);
    const std::vector<DateRow> changed = changed_rows(query, leading, place);
    Found found;
    bool more = false;
    const auto show = [&](const DateRow& row, Stored&& stored) {
        if (found.entries.size() == size) {
            more = true;
            return;
        }
        found.entries.push_back({finder_.shelf().version_of(stored), false});
        place.key = row.key;
        place.low = row.low;
        place.span = row.span;
        place.after = row.rid;
    };
    const DateRow from = first ? DateRow{} : place.date_row();
    auto next_changed = std::upper_bound(changed.begin(), changed.end(), from);
    const auto show_changed_before = [&](const DateRow* row) {
        for (; next_changed != changed.end() && (!row || *next_changed < *row) && !more; ++next_changed) {
            if (auto then = shown(query, next_changed->rid, place)) show(*next_changed, std::move(*then));
        }
    };
    std::vector<std::int64_t> keys;
    for (const search::Parameter* each : finder_.with_included(*leading.parameter)) {
        keys.push_back(date_key(context_.numbers.pid(*each), false));
        keys.push_back(date_key(context_.numbers.pid(*each), true));
    }
    std::sort(keys.begin(), keys.end());
    for (const std::int64_t key : keys) {
        if (more || (!first && key < from.key)) continue;
        const bool resume = !first && key == from.key;
        DateRow at = resume ? from : DateRow{key, finder_.least_low(leading.any.front(), key % 2 != 0), -1, 0};
        const std::int64_t greatest = finder_.greatest_low(leading.any.front(), key % 2 != 0);
        std::vector<DateRow> rows;
        for (std::size_t batch = size + 1; !more; batch = std::min<std::size_t>(batch * 4, largest_batch)) {
            rows_beyond(context_, at, greatest, batch, rows);
            expect_shown(leading, *others, rows);
            for (const DateRow& row : rows) {
                if (more) break;
                if (step) ++step->touched;
                if (!search::date_matches(leading.any.front(), row.low, row.low + unpack_span(row.span)) || !others->has(row.rid))
                    continue;
                auto stored = finder_.shelf().current(row.rid);
                if (!stored || stored->deleted() || stored->position > place.as_of || first_row(leading, *stored) != row)
                    continue;
                show_changed_before(&row);
                if (!more) show(row, std::move(*stored));
            }
            if (rows.size() < batch) break;
            at = rows.back();
        }
    }
    if (!more) show_changed_before(nullptr);
    if (step) step->kept = found.entries.size();
    if (more) found.next = token(place);
    else if (first) found.total = found.entries.size();
    return found;
}

}  // namespace xinglin::record
