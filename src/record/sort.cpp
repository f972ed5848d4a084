// SPDX-License-Identifier: Apache-2.0
// Sorted pages: small results by reading their keys, large ones by walking the index of the first sort key.
#include <algorithm>

#include "feed/feed.h"
#include "record/page.h"

namespace xinglin::record {

namespace {
constexpr std::size_t keys_read = 4'000;  // above this, walk the index instead of reading each resource
constexpr std::size_t most_sorted = 5'000'000;

// -1, 0, 1; nothing sorts last whichever way.
int compare(const search::SortKey& a, const search::SortKey& b, bool descending) {
    const bool has_a = a.number || a.text, has_b = b.number || b.text;
    if (has_a != has_b) return has_a ? -1 : 1;
    if (!has_a) return 0;
    int order = 0;
    if (a.number && b.number) order = *a.number < *b.number ? -1 : *a.number > *b.number ? 1 : 0;
    else if (a.text && b.text) order = a.text->compare(*b.text) < 0 ? -1 : *a.text == *b.text ? 0 : 1;
    else order = a.number ? -1 : 1;
    return descending ? -order : order;
}
}  // namespace

Result<Found> Pager::sorted(const search::Query& query, Place place, std::size_t size) {
    finder_.read_all(true);
    XINGLIN_TRY(CursorPtr cursor, candidates(query, place));
    std::vector<std::int64_t> rids;
    Members members(*cursor);
    for (std::int64_t rid = 0; (rid = members.next()) != no_more;) {
        if (matched(query, rid, place)) rids.push_back(rid);
        if (rids.size() > most_sorted)
            return refuse(IssueCode::too_costly, "_sort", "too many resources to sort; add a condition");
    }
    const std::size_t total = rids.size();
    const std::size_t needed = std::min<std::size_t>(total, place.offset + size);
    XINGLIN_TRY(const std::vector<std::int64_t> order, in_order(query, std::move(rids), place, needed));
    Found found;
    found.total = total;
    for (std::size_t i = place.offset; i < needed && i < order.size(); ++i) {
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
    if (rids.size() > keys_read && walkable) return by_index(query, rids, place, needed);
    return by_keys(query, rids, place);
}

std::vector<std::int64_t> Pager::by_feed(std::vector<std::int64_t> rids, bool descending, const Place& place) {
    std::vector<std::pair<std::int64_t, std::int64_t>> keyed;
    keyed.reserve(rids.size());
    for (const std::int64_t rid : rids) {
        auto stored = finder_.shelf().current(rid, false);
        if (stored && stored->position > place.as_of) stored = finder_.shelf().as_of(rid, place.as_of);
        keyed.emplace_back(stored ? stored->position : 0, rid);
    }
    std::sort(keyed.begin(), keyed.end());
    if (descending) std::reverse(keyed.begin(), keyed.end());
    for (std::size_t i = 0; i < keyed.size(); ++i) rids[i] = keyed[i].second;
    return rids;
}

std::vector<std::int64_t> Pager::by_keys(const search::Query& query, std::span<const std::int64_t> rids, const Place& place) {
    std::vector<Keyed> keyed;
    keyed.reserve(rids.size());
    json::Arena arena;
    for (const std::int64_t rid : rids) {
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
    std::sort(keyed.begin(), keyed.end(), [&](const Keyed& a, const Keyed& b) {
        for (std::size_t i = 0; i < query.sort.size(); ++i) {
            if (const int order = compare(a.keys[i], b.keys[i], query.sort[i].descending)) return order < 0;
        }
        return a.rid < b.rid;
    });
    std::vector<std::int64_t> order;
    order.reserve(keyed.size());
    for (const Keyed& each : keyed) order.push_back(each.rid);
    return order;
}

namespace {
std::vector<std::string> walk_statements(search::ParamType type, bool descending) {
    const std::string way = descending ? " DESC" : "";
    switch (type) {
        case search::ParamType::date:
            // Descending sorts by the end of the interval; short and long ones are merged by the caller's key.
            return {"SELECT low, span, rid FROM record_date WHERE key = ? ORDER BY low" + way};
        case search::ParamType::number:
        case search::ParamType::quantity: return {"SELECT low, high, rid FROM record_number WHERE pid = ? ORDER BY low" + way};
        default:
            return {"SELECT term, 0, 0 FROM record_term WHERE space = ? ORDER BY /*pg substr(norm, 1, 480)" + way + ",*/ norm" +
                    way};
    }
}
}  // namespace

// Walks the index of the first key until enough of the result is in order. Groups of nearly equal keys are put right by
// their exact keys; what has no value comes last, by number.
std::vector<std::int64_t> Pager::by_index(const search::Query& query, const std::vector<std::int64_t>& rids, const Place& place,
                                          std::size_t needed) {
    const search::Sort& first = query.sort.front();
    const search::Parameter& parameter = *first.parameter;
    std::vector<bool> taken(rids.size(), false);
    std::vector<std::int64_t> picked;
    const auto take = [&](std::int64_t rid) {
        const auto found = std::lower_bound(rids.begin(), rids.end(), rid);
        if (found == rids.end() || *found != rid) return;
        const auto index = static_cast<std::size_t>(found - rids.begin());
        if (taken[index]) return;
        taken[index] = true;
        picked.push_back(rid);
    };
    // A little more than needed: the tail of the last group may sort before its head.
    const std::size_t enough = needed + keys_read / 4;
    std::vector<const search::Parameter*> sources{&parameter};
    sources.insert(sources.end(), parameter.includes.begin(), parameter.includes.end());
    for (const search::Parameter* source : sources) {
        const std::int64_t pid = context_.numbers.pid(*source);
        std::vector<std::int64_t> keys;
        if (parameter.type == search::ParamType::date) keys = {date_key(pid, false), date_key(pid, true)};
        else if (parameter.type == search::ParamType::number || parameter.type == search::ParamType::quantity) keys = {pid, -pid};
        else keys = {space(pid, Space::value)};
        for (const std::int64_t key : keys) {
            const std::size_t before = picked.size();
            for (const std::string& statement : walk_statements(parameter.type, first.descending)) {
                auto& walk = context_.connection.walk(statement);
                walk.bind(1, key);
                const bool by_term = parameter.type == search::ParamType::string || parameter.type == search::ParamType::token ||
                                     parameter.type == search::ParamType::uri;
                while (picked.size() - before < enough && walk.step()) {
                    if (!by_term) {
                        take(walk.integer(2));
                        continue;
                    }
                    const CursorPtr posting = posting_cursor(context_.connection, walk.integer(0));
                    Members members(*posting);
                    for (std::int64_t rid = 0; (rid = members.next()) != no_more;) take(rid);
                }
                walk.reset();
            }
        }
    }
    std::vector<std::int64_t> order = by_keys(query, picked, place);
    if (order.size() < needed) {
        std::vector<std::int64_t> rest;
        for (std::size_t i = 0; i < rids.size(); ++i) {
            if (!taken[i]) rest.push_back(rids[i]);
        }
        order.insert(order.end(), rest.begin(), rest.end());
    }
    return order;
}

}  // namespace xinglin::record
