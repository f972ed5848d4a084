// SPDX-License-Identifier: Apache-2.0
// One page of a search: order, snapshot, total, included resources.
//
// Pages are stateless. The continuation names the feed position of the first page; later pages show what matched then:
// newer resources are passed over, changed ones are asked in their version of that time.
#pragma once

#include "record/find.h"

namespace xinglin::record {

/// -1, 0, 1; nothing sorts last whichever way.
int compare_keys(const search::SortKey& a, const search::SortKey& b, bool descending);

class Pager {
public:
    /// `position`: now. `as_of`: everything is asked as it was there.
    Pager(const Context& context, std::int64_t position, std::optional<Position> as_of = {})
        : finder_(context), context_(context), position_(position), as_of_(as_of) {}
    Result<Found> page(const search::Query& query);
    Result<std::uint64_t> count(const search::Query& query);

private:
    struct Place {  // where a page starts
        std::int64_t as_of = 0;
        std::int64_t after = 0;                   // rid, in rid order
        std::uint64_t offset = 0;                 // in sorted order
        std::int64_t total = -1;                  // -1 unknown
        std::int64_t key = 0, low = 0, span = 0;  // in date order, with `after`
        DateRow date_row() const { return {key, low, span, after}; }
    };
    struct Keyed {
        std::int64_t rid;
        std::vector<search::SortKey> keys;
    };
    Result<Place> place(const search::Query& query) const;
    std::string token(const Place& place) const;
    Result<Done> go_back(const search::Query& query, Position as_of);
    Result<std::uint64_t> count_as_of(const search::Query& query, const Place& place);
    Result<CursorPtr> candidates(const search::Query& query, const Place& place);
    /// The version to show for a candidate, if it matched at the page's position.
    std::optional<Stored> shown(const search::Query& query, std::int64_t rid, const Place& place);
    bool matched(const search::Query& query, std::int64_t rid, const Place& place);
    Result<Found> ordered(const search::Query& query, const search::Criterion* leading, const Place& start, std::size_t size);
    Result<Found> in_rid_order(const search::Query& query, Place place, std::size_t size);
    const search::Criterion* leading_date(const search::Query& query, const Place& place);
    Result<Found> in_date_order(const search::Query& query, const search::Criterion& leading, Place place, std::size_t size);
    void expect_shown(const search::Criterion& leading, Cursor& others, std::span<const DateRow> rows);
    std::optional<DateRow> first_row(const search::Criterion& leading, const Stored& stored);
    std::vector<DateRow> changed_rows(const search::Query& query, const search::Criterion& leading, const Place& place);
    Result<Found> sorted(const search::Query& query, Place place, std::size_t size);
    Result<std::vector<std::int64_t>> in_order(const search::Query& query, std::vector<std::int64_t> rids, const Place& place,
                                               std::size_t needed);
    std::vector<std::int64_t> changed_since(const std::vector<const fhir::Type*>& types, const Place& place);
    std::vector<Keyed> keys_of(const search::Query& query, std::span<const std::int64_t> rids, const Place& place);
    std::vector<std::int64_t> unordered(const search::Parameter& parameter, const std::vector<std::int64_t>& rids,
                                        const Place& place);
    std::vector<std::int64_t> by_keys(const search::Query& query, std::span<const std::int64_t> rids, const Place& place);
    std::vector<std::int64_t> by_feed(std::vector<std::int64_t> rids, bool descending, const Place& place);
    std::vector<std::int64_t> by_index(const search::Query& query, const std::vector<std::int64_t>& rids, const Place& place,
                                       std::size_t needed);
    std::optional<std::uint64_t> known_total(const search::Query& query, const Place& place);
    void add_included(const search::Query& query, Found& found);  // found.as_of says when
    struct Wanted {                                               // by its place, or by its name
        std::int64_t rid, tid;
        std::string id;
    };
    void add_referenced(const search::Include& include, const Version& source, std::vector<Wanted>& targets);
    void add_referring(const search::Include& include, const Version& target, std::vector<Wanted>& sources);
    void expect_referring(const search::Query& query, std::span<const Found::Entry> entries, bool first_round);
    void expect_names(std::span<const Found::Entry> entries);
    std::vector<std::int64_t> rids_of(std::span<const Wanted> wanted);
    std::int64_t rid_of(const Version& version);

    Finder finder_;
    Context context_;
    std::int64_t position_;
    std::optional<Position> as_of_;
    std::vector<std::int64_t> written_;  // with as_of_: what was written since
    std::vector<std::int64_t> changed_;  // with as_of_: what was written since and may have matched then
};

}  // namespace xinglin::record
