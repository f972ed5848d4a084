// SPDX-License-Identifier: Apache-2.0
// Sorted pages: small results by reading their keys, large ones by walking the index of the first sort key.
#include <algorithm>

#include "feed/feed.h"
#include "record/page.h"

namespace xinglin::record {

namespace {
constexpr std::size_t keys_read = 200;  // up to here each resource is read
constexpr std::size_t most_sorted = 5'000'000;

}  // namespace

int compare_keys(const search::SortKey& a, const search::SortKey& b, bool descending) {
    const bool has_a = a.number || a.text, has_b = b.number || b.text;
    if (has_a != has_b) return has_a ? -1 : 1;
    if (!has_a) return 0;
    int order = 0;
    if (a.number && b.number) order = *a.number < *b.number ? -1 : *a.number > *b.number ? 1 : 0;
    else if (a.text && b.text) order = a.text->compare(*b.text) < 0 ? -1 : *a.text == *b.text ? 0 : 1;
    else order = a.number ? -1 : 1;
    return descending ? -order : order;
}

Result<Found> Pager::sorted(const search::Query& query, Place place, std::size_t size) {
    finder_.read_all(true);
    XINGLIN_TRY(CursorPtr cursor, candidates(query, place));
    std::vector<std::int64_t> rids;
    Members members(*cursor);
    for (std::int64_t rid = 0; (rid = members.next()) != no_more;) {
        rids.push_back(rid);
        if (rids.size() > most_sorted)
            return refuse(IssueCode::too_costly, "_sort", "too many resources to sort; add a condition");
    }
    if (place.as_of != position_) {
        const std::vector<std::int64_t> candidates = std::move(rids);
        rids.clear();
        for (std::size_t i = 0; i < candidates.size(); ++i) {
            finder_.shelf().ahead(candidates, i, false);
            if (matched(query, candidates[i], place)) rids.push_back(candidates[i]);
        }
    }
    const std::size_t total = rids.size();
    const std::size_t needed = std::min<std::size_t>(total, place.offset + size);
    XINGLIN_TRY(const std::vector<std::int64_t> order, in_order(query, std::move(rids), place, needed));
    Found found;
    found.total = total;
    for (std::size_t i = place.offset; i < needed && i < order.size(); ++i) {
        finder_.shelf().ahead(std::span(order).first(std::min(needed, order.size())), i);
        if (auto stored = shown(query, order[i], place)) found.entries.push_back({finder_.shelf().version_of(*stored), false});
    }
    if (needed < total) {
        place.offset = needed;
        place.total = static_cast<std::int64_t>(total);
        found.next = token(place);
    }
    return found;
}

Result<std::vector<std::int64_t>> Pager::in_order(const search::Query& query, std::vector<std::int64_t> rids, const Place& place,
                                                  std::size_t needed) {
    const search::Sort& first = query.sort.front();
    if (query.sort.size() == 1 && first.by == search::Sort::By::last_updated)
        return by_feed(std::move(rids), first.descending, place);
    const bool walkable = first.by == search::Sort::By::parameter && first.parameter->type != search::ParamType::composite &&
                          first.parameter->type != search::ParamType::reference &&
                          first.parameter->type != search::ParamType::special && query.types.size() == 1;
    // Reading a resource costs about 30 times a row of the index; the fewer match, the more rows pass before a page is full.
    if (walkable && rids.size() > keys_read &&
        rids.size() * rids.size() * 30 > finder_.size_of(*query.types.front()) * std::max<std::size_t>(needed, 1))
        return by_index(query, rids, place, needed);
    return by_keys(query, rids, place);
}

std::vector<std::int64_t> Pager::by_feed(std::vector<std::int64_t> rids, bool descending, const Place& place) {
    std::vector<std::pair<std::int64_t, std::int64_t>> keyed;
    keyed.reserve(rids.size());
    for (std::size_t i = 0; i < rids.size(); ++i) {
        const std::int64_t rid = rids[i];
        finder_.shelf().ahead(rids, i, false);
        auto stored = finder_.shelf().current(rid, false);
        if (stored && stored->position > place.as_of) stored = finder_.shelf().as_of(rid, place.as_of);
        keyed.emplace_back(stored ? stored->position : 0, rid);
    }
    std::sort(keyed.begin(), keyed.end());
    if (descending) std::reverse(keyed.begin(), keyed.end());
    for (std::size_t i = 0; i < keyed.size(); ++i) rids[i] = keyed[i].second;
    return rids;
}

std::vector<Pager::Keyed> Pager::keys_of(const search::Query& query, std::span<const std::int64_t> rids, const Place& place) {
    std::vector<Keyed> keyed;
    keyed.reserve(rids.size());
    json::Arena arena;
    for (std::size_t i = 0; i < rids.size(); ++i) {
        const std::int64_t rid = rids[i];
        finder_.shelf().ahead(rids, i);
        auto stored = finder_.shelf().current(rid);
        if (stored && stored->position > place.as_of) stored = finder_.shelf().as_of(rid, place.as_of);
        if (!stored) continue;
        arena.clear();
        auto resource = json::parse(stored->text, arena);
        Keyed each{rid, {}};
        const fhir::Type& type = *context_.numbers.type_of.at(stored->tid);
        for (const search::Sort& sort : query.sort) {
            search::SortKey key;
            if (sort.by == search::Sort::By::id) key.text = stored->id();
            else if (sort.by == search::Sort::By::last_updated) key.number = static_cast<double>(stored->position);
            else if (const search::Parameter* parameter = search::find_parameter(type, sort.parameter->code);
                     parameter && resource.ok())
                key = search::sort_key(type, *resource, *parameter, sort.descending, context_.offset_minutes);
            each.keys.push_back(std::move(key));
        }
        keyed.push_back(std::move(each));
    }
    return keyed;
}

std::vector<std::int64_t> Pager::by_keys(const search::Query& query, std::span<const std::int64_t> rids, const Place& place) {
    std::vector<Keyed> keyed = keys_of(query, rids, place);
    std::sort(keyed.begin(), keyed.end(), [&](const Keyed& a, const Keyed& b) {
        for (std::size_t i = 0; i < query.sort.size(); ++i) {
            if (const int order = compare_keys(a.keys[i], b.keys[i], query.sort[i].descending)) return order < 0;
        }
        return a.rid < b.rid;
    });
    std::vector<std::int64_t> order;
    order.reserve(keyed.size());
    for (const Keyed& each : keyed) order.push_back(each.rid);
    return order;
}

}  // namespace xinglin::record
