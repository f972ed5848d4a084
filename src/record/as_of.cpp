// SPDX-License-Identifier: Apache-2.0
// A search as of an earlier position: current matches not written since, and what was written since, judged as it was then.
#include <fmt/format.h>

#include <algorithm>
#include <set>

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

/// The types that conditions lead to, or come from; what is written to them since matters as well.
void add_far_types(const std::vector<search::Criterion>& all, std::set<const fhir::Type*>& types) {
    for (const search::Criterion& criterion : all) {
        using Kind = search::Criterion::Kind;
        if (criterion.kind == Kind::chain) types.insert(criterion.target_types.begin(), criterion.target_types.end());
        if (criterion.kind == Kind::has) types.insert(criterion.has_type);
        const bool climbs = criterion.kind == Kind::value && criterion.parameter->type == search::ParamType::reference &&
                            (criterion.modifier == search::Modifier::below || criterion.modifier == search::Modifier::above);
        for (const fhir::Type* type : fhir::resources()) {
            if (climbs && search::part_of(type->name)) types.insert(type);
        }
        add_far_types(criterion.inner, types);
    }
}

Outcome too_far_back(bool named) {
    return refuse(
        IssueCode::too_costly, "_asOf",
        named ? "too much was written since; ask for a later moment, or for single resources by their id"
              : "too much was written since; restrict the search to one patient (patient=, or Patient/ID/…), or ask for a "
                "later moment");
}

Outcome far_end_too_far_back(const fhir::Type& type) {
    return refuse(
        IssueCode::too_costly, "_asOf",
        fmt::format("too much was written since to {}, which the search leads to; ask for a later moment, or search {} first "
                    "and name ids",
                    type.name, type.name));
}

void in_order(std::vector<std::int64_t>& rids) {
    std::sort(rids.begin(), rids.end());
    rids.erase(std::unique(rids.begin(), rids.end()), rids.end());
}

}  // namespace

// ---- other resources ------------------------------------------------------------------------------------------------

Result<Done> Finder::go_back(const search::Query& query, Position as_of, Position now) {
    std::set<const fhir::Type*> types;
    add_far_types(query.all, types);
    for (const search::Include& include : query.includes) {
        if (!include.reverse) continue;
        if (include.source) types.insert(include.source);
        else types.insert(fhir::resources().begin(), fhir::resources().end());
    }
    std::erase_if(types, [&](const fhir::Type* type) { return type->is_abstract || !context_.numbers.of_type.contains(type); });
    if (types.empty()) return Done{};
    if (now - as_of > lines_walked) return far_end_too_far_back(**types.begin());
    Back back{.as_of = as_of, .since = {}, .members = {}};
    for (const fhir::Type* type : types) back.since[context_.numbers.tid(*type)];
    feed::forward(context_.connection, as_of, now, [&](const feed::Change& change) {
        const auto since = back.since.find(change.type);
        if (since == back.since.end()) return true;
        (change.version == 1 ? since->second.written : since->second.changed).push_back(change.resource);
        return true;
    });
    for (const fhir::Type* type : types) {
        Since& since = back.since[context_.numbers.tid(*type)];
        in_order(since.written);
        std::erase_if(since.changed,
                      [&](std::int64_t rid) { return std::binary_search(since.written.begin(), since.written.end(), rid); });
        in_order(since.changed);
        since.written.insert(since.written.end(), since.changed.begin(), since.changed.end());
        in_order(since.written);
        if (since.changed.size() > judged_most) return far_end_too_far_back(*type);
    }
    back_ = std::move(back);
    return Done{};
}

Finder::Since& Finder::since(const fhir::Type& type) {
    const auto found = back_->since.find(context_.numbers.tid(type));
    XINGLIN_ASSERT(found != back_->since.end());
    return found->second;
}

std::optional<Stored> Finder::at(std::int64_t rid) { return back_ ? shelf_.as_of(rid, back_->as_of) : shelf_.current(rid); }

// Of what was not written since, the index of today tells the truth; the rest is asked as it was.
Result<const std::vector<std::int64_t>*> Finder::members_then(const fhir::Type& type, const search::Criterion& criterion) {
    if (const auto known = back_->members.find({&criterion, &type}); known != back_->members.end()) return &known->second;
    std::vector<std::int64_t> found;
    if (criterion.kind == search::Criterion::Kind::has) {
        XINGLIN_TRY(found, has_targets(type, criterion));
        in_order(found);
        std::erase_if(found, [&](std::int64_t rid) {  // what is named need not be there
            auto then = shelf_.current(rid, false);
            if (then && then->position > back_->as_of) then = shelf_.as_of(rid, back_->as_of);
            return !then || then->deleted() || !sees_then(*then);
        });
        return &(back_->members[{&criterion, &type}] = std::move(found));
    }
    const bool before = std::exchange(reads_all_, true);
    auto now = meeting(type, {&criterion, 1}, nullptr);
    reads_all_ = before;
    if (!now.ok()) return std::move(now).outcome();
    found = collect(**now, most_gathered);
    if (found.size() == most_gathered)
        return refuse(IssueCode::too_costly, criterion.written, "matches too many resources; add a narrower condition");
    const Since& since = this->since(type);
    std::erase_if(found, [&](std::int64_t rid) { return std::binary_search(since.written.begin(), since.written.end(), rid); });
    for (const std::int64_t rid : since.changed) {
        const auto then = shelf_.as_of(rid, back_->as_of);
        if (!then || then->deleted() || !sees_then(*then)) continue;
        XINGLIN_TRY(const bool held, holds(criterion, type, *then));
        if (held) found.push_back(rid);
    }
    in_order(found);
    return &(back_->members[{&criterion, &type}] = std::move(found));
}

std::vector<std::int64_t> Finder::referrers(std::int64_t target, const search::Parameter& parameter, std::size_t limit) {
    auto found = shelf_.referring(target, context_.numbers.pid(parameter), limit);
    const auto kept = back_ && context_.numbers.of_type.contains(parameter.resource)
                          ? back_->since.find(context_.numbers.tid(*parameter.resource))
                          : std::unordered_map<std::int64_t, Since>::iterator();
    if (!back_ || kept == back_->since.end()) return found;
    Since& since = kept->second;
    if (!std::exchange(since.has_rows, true)) {
        json::Arena arena;
        search::Entries entries;
        for (const std::int64_t rid : since.changed) {
            const auto then = shelf_.as_of(rid, back_->as_of);
            if (!then || then->deleted()) continue;
            arena.clear();
            entries.clear();
            const auto resource = json::parse(then->text, arena);
            if (!resource.ok()) continue;
            search::extract(*parameter.resource, *resource, context_.offset_minutes, entries);
            for (const search::Reference& reference : entries.references) {
                const fhir::Type* type = fhir::find_resource(reference.type);
                if (!type || reference.id.empty() || !context_.numbers.of_type.contains(type)) continue;
                if (const std::int64_t named = shelf_.find(context_.numbers.tid(*type), reference.id))
                    since.rows[named].emplace_back(context_.numbers.pid(*reference.parameter), rid);
            }
        }
    }
    std::erase_if(found, [&](std::int64_t rid) { return std::binary_search(since.written.begin(), since.written.end(), rid); });
    if (const auto rows = since.rows.find(target); rows != since.rows.end()) {
        for (const auto& [pid, rid] : rows->second) {
            if (pid == context_.numbers.pid(parameter) && found.size() < limit) found.push_back(rid);
        }
    }
    in_order(found);
    return found;
}

// ---- the resources searched -----------------------------------------------------------------------------------------

// Fills written_, and changed_: everything of the query's types that was there and has been written since.
Result<Done> Pager::go_back(const search::Query& query, Position as_of) {
    XINGLIN_CHECK(finder_.go_back(query, as_of, position_));
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
