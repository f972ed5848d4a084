// SPDX-License-Identifier: Apache-2.0
// A search as of an earlier position: current matches not written since, and what was written since, judged as it was then.
#include <algorithm>

#include "feed/feed.h"
#include "record/page.h"

namespace xinglin::record {

namespace {

constexpr std::int64_t lines_walked = 2'000'000;  // of the feed
constexpr std::size_t judged_most = 20'000;       // of resources changed since
constexpr std::size_t judged_of_named = 100'000;  // … when most of them can be told from what is sought by a name in their text

/// Ids of which each match must say one; empty when the query does not tell. An id needs no escapes, so it stands in the text as it is.
std::vector<std::string_view> named_by(const search::Query& query) {
    if (!query.compartment_id.empty()) return {query.compartment_id};
    for (const search::Criterion& criterion : query.all) {
        std::vector<std::string_view> ids;
        const bool of_id = criterion.kind == search::Criterion::Kind::id;
        const bool of_reference = criterion.kind == search::Criterion::Kind::value &&
                                  criterion.parameter->type == search::ParamType::reference &&
                                  (criterion.modifier == search::Modifier::none || criterion.modifier == search::Modifier::type);
        if (!of_id && !of_reference) continue;
        for (const search::Operand& operand : criterion.any) ids.push_back(of_id ? operand.raw : operand.target_id);
        if (!ids.empty() && std::none_of(ids.begin(), ids.end(), [](std::string_view id) { return id.empty(); })) return ids;
    }
    return {};
}

Result<Done> answerable(const search::Query& query) {
    for (const search::Criterion& criterion : query.all) {
        using Kind = search::Criterion::Kind;
        const bool climbs = criterion.kind == Kind::value && criterion.parameter->type == search::ParamType::reference &&
                            (criterion.modifier == search::Modifier::below || criterion.modifier == search::Modifier::above);
        if (criterion.kind == Kind::chain || criterion.kind == Kind::has || climbs)
            return refuse(IssueCode::not_supported, criterion.written,
                          "cannot be asked with _asOf; search the resources at its far end first, then name their ids");
    }
    for (const search::Include& include : query.includes) {
        if (include.reverse)
            return refuse(IssueCode::not_supported, "_revinclude",
                          "cannot be asked with _asOf; ask for the referring resources by a search of their own");
    }
    return Done{};
}

Outcome too_far_back(bool named) {
    return refuse(
        IssueCode::too_costly, "_asOf",
        named ? "too much was written since; ask for a later moment, or for single resources by their id"
              : "too much was written since; restrict the search to one patient (patient=, or Patient/ID/…), or ask for a "
                "later moment");
}

}  // namespace

// Fills written_, and changed_: everything of the query's types that was there and has been written since.
Result<Done> Pager::go_back(const search::Query& query, Position as_of) {
    XINGLIN_CHECK(answerable(query));
    const std::vector<std::string_view> ids = named_by(query);
    if (position_ - as_of > lines_walked) return too_far_back(!ids.empty());
    std::vector<std::int64_t> tids, created;
    for (const fhir::Type* type : query.types) tids.push_back(context_.numbers.tid(*type));
    feed::forward(context_.connection, as_of, position_, [&](const feed::Change& change) {
        if (!tids.empty() && std::find(tids.begin(), tids.end(), change.type) == tids.end()) return true;
        (change.version == 1 ? created : changed_).push_back(change.resource);
        return true;
    });
    for (std::vector<std::int64_t>* rids : {&created, &changed_}) {
        std::sort(rids->begin(), rids->end());
        rids->erase(std::unique(rids->begin(), rids->end()), rids->end());
    }
    std::set_union(created.begin(), created.end(), changed_.begin(), changed_.end(), std::back_inserter(written_));
    std::erase_if(changed_, [&](std::int64_t rid) { return std::binary_search(created.begin(), created.end(), rid); });
    if (changed_.size() > (ids.empty() ? judged_most : judged_of_named)) return too_far_back(!ids.empty());
    if (!ids.empty()) {
        std::erase_if(changed_, [&](std::int64_t rid) {
            const auto then = finder_.shelf().as_of(rid, as_of);
            return !then || std::none_of(ids.begin(), ids.end(),
                                         [&](std::string_view id) { return then->text.find(id) != std::string::npos; });
        });
    }
    if (Step* step = finder_.plan().add("confirm", "written since that position: asked of the version of then"))
        step->touched = changed_.size();
    return Done{};
}

Result<std::uint64_t> Pager::count_as_of(const search::Query& query, const Place& place) {
    finder_.read_all(true);
    XINGLIN_TRY(CursorPtr now, finder_.cursor(query));
    if (now->exact()) {  // counted as it is, without what was written since, with what of that matched then
        const auto known = now->count();
        std::uint64_t sum = known ? *known : Members(*now).rest(UINT64_MAX - 1);
        for (const std::int64_t rid : written_) sum -= now->has(rid);
        for (const std::int64_t rid : changed_) sum += matched(query, rid, place);
        return sum;
    }
    now.reset();
    XINGLIN_TRY(CursorPtr cursor, candidates(query, place));
    std::uint64_t total = 0;
    Members members(*cursor);
    for (std::int64_t rid = 0; (rid = members.next()) != no_more;) total += matched(query, rid, place);
    return total;
}

}  // namespace xinglin::record
