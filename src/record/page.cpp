// SPDX-License-Identifier: Apache-2.0
// Paging on a snapshot, totals, included resources.
#include "record/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <unordered_set>

#include "feed/feed.h"
#include "text/text.h"

namespace xinglin::record {

namespace {
constexpr std::size_t usual_count = 50, largest_count = 1'000;
constexpr std::uint64_t count_freely = 20'000;    // totals up to here come without being asked for …
constexpr std::uint64_t confirm_freely = 500;     // … or up to here, when each must be confirmed on the resource
constexpr std::size_t changes_followed = 20'000;  // of resources changed since the first page
constexpr std::size_t most_included = 10'000;
}  // namespace

Result<Pager::Place> Pager::place(const search::Query& query) const {
    Place place;
    place.as_of = as_of_.value_or(position_);
    if (query.page.empty()) return place;
    const auto decoded = text::base64_decode(query.page + std::string((4 - query.page.size() % 4) % 4, '='));
    long long as_of = 0, after = 0, total = 0, key = 0, low = 0, span = 0;
    unsigned long long offset = 0;
    if (!decoded ||
        std::sscanf(decoded->c_str(), "p1 %lld %lld %llu %lld %lld %lld %lld", &as_of, &after, &offset, &total, &key, &low,
                    &span) != 7 ||
        as_of > position_ || as_of < 0)
        return refuse(IssueCode::invalid, "_page", "not a continuation of this server; start the search again");
    place.as_of = as_of;
    place.after = after;
    place.offset = offset;
    place.total = total;
    place.key = key;
    place.low = low;
    place.span = span;
    return place;
}

std::string Pager::token(const Place& place) const {
    std::string token = text::base64(fmt::format("p1 {} {} {} {} {} {} {}", place.as_of, place.after, place.offset, place.total,
                                                 place.key, place.low, place.span));
    while (token.ends_with('=')) token.pop_back();
    return token;
}

std::vector<std::int64_t> Pager::changed_since(const std::vector<const fhir::Type*>& types, const Place& place) {
    if (as_of_) return changed_;
    std::vector<std::int64_t> changed;
    feed::forward(context_.connection, place.as_of, position_, [&](const feed::Change& change) {
        const bool concerns = types.empty() || std::any_of(types.begin(), types.end(), [&](const fhir::Type* type) {
                                  return context_.numbers.tid(*type) == change.type;
                              });
        if (concerns && change.version > 1) changed.push_back(change.resource);
        return changed.size() < changes_followed;
    });
    return changed;
}

// Current matches, and what was changed since the first page: it may have matched then.
Result<CursorPtr> Pager::candidates(const search::Query& query, const Place& place) {
    XINGLIN_TRY(CursorPtr now, finder_.cursor(query));
    if (place.as_of == position_) return now;
    std::vector<std::int64_t> changed = changed_since(query.types, place);
    if (changed.empty()) return now;
    std::vector<CursorPtr> parts;
    parts.push_back(std::move(now));
    parts.push_back(list_cursor(std::move(changed)));
    return either_cursor(std::move(parts));
}

bool Pager::matched(const search::Query& query, std::int64_t rid, const Place& place) {
    if (place.as_of == position_) return true;
    const auto now = finder_.shelf().current(rid, false);
    if (!now) return false;
    if (now->position <= place.as_of) return true;
    const auto then = finder_.shelf().as_of(rid, place.as_of);
    return then && finder_.matches(query, *context_.numbers.type_of.at(then->tid), *then);
}

std::optional<Stored> Pager::shown(const search::Query& query, std::int64_t rid, const Place& place) {
    auto now = finder_.shelf().current(rid);
    if (!now || now->position <= place.as_of) return now;
    auto then = finder_.shelf().as_of(rid, place.as_of);
    if (!then || !finder_.matches(query, *context_.numbers.type_of.at(then->tid), *then)) return std::nullopt;
    return then;
}

Result<Found> Pager::page(const search::Query& query) {
    XINGLIN_TRY(const Place start, place(query));
    const std::size_t size = std::min<std::size_t>(query.count.value_or(usual_count), largest_count);
    const bool only_count = query.summary == search::Summary::count || size == 0;
    finder_.plan().on = query.explain && !context_.guard;  // its numbers speak of everybody
    if (only_count) {
        Found found;
        found.as_of = as_of_.value_or(position_);
        XINGLIN_TRY(found.total, count(query));
        found.plan = finder_.plan().steps();
        return found;
    }
    if (as_of_) XINGLIN_CHECK(go_back(query, start.as_of));
    // A page later on: other resources too as of the first, unless too much was written since; then they are as they are now.
    if (!as_of_ && start.as_of != position_) (void)finder_.go_back(query, start.as_of, position_).ok();
    const search::Criterion* leading = as_of_ ? nullptr : leading_date(query, start);
    XINGLIN_TRY(Found found, ordered(query, leading, start, size));
    found.as_of = start.as_of;
    if (query.total == search::Total::none) found.total.reset();
    add_included(query, found);
    if (query.explain) found.plan = finder_.plan().steps();
    return found;
}

Result<Found> Pager::ordered(const search::Query& query, const search::Criterion* leading, const Place& start, std::size_t size) {
    Step* step = leading              ? finder_.plan().add("page", "one page")
                 : query.sort.empty() ? finder_.plan().add("page", "one page, in the order of storage")
                                      : finder_.plan().add("sort", "all found, then sorted");
    const Plan::Open open(finder_.plan(), step);
    Result<Found> found = leading              ? in_date_order(query, *leading, start, size)
                          : query.sort.empty() ? in_rid_order(query, start, size)
                                               : sorted(query, start, size);
    if (step && found.ok()) step->kept = found->entries.size();
    return found;
}

std::optional<std::uint64_t> Pager::known_total(const search::Query& query, const Place& place) {
    if (place.total >= 0) return static_cast<std::uint64_t>(place.total);
    if (place.as_of != position_ || !query.all.empty() || !query.compartment_type.empty() || context_.guard) return std::nullopt;
    std::uint64_t sum = 0;
    auto& count = context_.connection.prepare("SELECT tid, count FROM record_type");
    while (count.step()) {
        const auto type = context_.numbers.type_of.find(count.integer(0));
        if (type == context_.numbers.type_of.end()) continue;
        if (query.types.empty() || std::find(query.types.begin(), query.types.end(), type->second) != query.types.end())
            sum += static_cast<std::uint64_t>(count.integer(1));
    }
    return sum;
}

Result<std::uint64_t> Pager::count(const search::Query& query) {
    Place now;
    now.as_of = as_of_.value_or(position_);
    if (as_of_) XINGLIN_CHECK(go_back(query, now.as_of));
    if (now.as_of != position_) return count_as_of(query, now);
    if (const auto known = known_total(query, now)) return *known;
    Step* step = finder_.plan().add("count", "exact total");
    const Plan::Open open(finder_.plan(), step);
    finder_.read_all(true);
    XINGLIN_TRY(CursorPtr cursor, finder_.cursor(query));
    const auto known = cursor->count();
    const std::uint64_t total = known ? *known : Members(*cursor).rest(UINT64_MAX - 1);
    if (step) step->kept = total;
    return total;
}

Result<Found> Pager::in_rid_order(const search::Query& query, Place place, std::size_t size) {
    Found found;
    const bool first = query.page.empty();
    const bool count_all = first && query.total == search::Total::accurate;
    finder_.read_all(count_all);
    XINGLIN_TRY(CursorPtr cursor, candidates(query, place));
    auto total = known_total(query, place);
    if (!total && first && query.total != search::Total::none && place.as_of == position_) total = cursor->count();
    Members members(*cursor, first ? 0 : place.after);
    std::int64_t rid = 0;
    while (found.entries.size() < size && rid != no_more) {
        std::vector<std::int64_t> few;
        while (few.size() < size - found.entries.size() && (rid = members.next()) != no_more) few.push_back(rid);
        for (std::size_t i = 0; i < few.size(); ++i) {
            finder_.shelf().ahead(few, i);
            if (auto stored = shown(query, few[i], place)) {
                found.entries.push_back({finder_.shelf().version_of(*stored), false});
                place.after = few[i];
            }
        }
    }
    if (rid == no_more) {
        found.total = total ? total : first ? std::optional<std::uint64_t>(found.entries.size()) : std::nullopt;
        return found;
    }
    // Is there more, and how many? Count on, as far as that is cheap or asked for.
    const bool exact = cursor->exact() && place.as_of == position_;
    const std::uint64_t freely = exact ? count_freely : confirm_freely;
    const std::uint64_t limit = total || !first || query.total == search::Total::none ? 0 : count_all ? UINT64_MAX - 1 : freely;
    std::uint64_t beyond = 0;
    if (exact) beyond = members.rest(limit);
    else
        while (beyond <= limit && (rid = members.next()) != no_more) beyond += matched(query, rid, place);
    if (total) found.total = total;
    else if (first && beyond <= limit) found.total = found.entries.size() + beyond;
    if (beyond > 0) {
        place.total = found.total ? static_cast<std::int64_t>(*found.total) : -1;
        found.next = token(place);
    }
    return found;
}

// ---- included -------------------------------------------------------------------------------------------------------

std::int64_t Pager::rid_of(const Version& version) {
    return finder_.shelf().find(context_.numbers.tid(*version.type), version.id);
}

void Pager::add_referenced(const search::Include& include, const Version& source, std::vector<Wanted>& targets) {
    if (!include.all && include.source && include.source != source.type) return;
    json::Arena arena;
    auto resource = json::parse(source.body, arena);
    if (!resource.ok()) return;
    search::Entries entries;
    search::extract(*source.type, *resource, context_.offset_minutes, entries);
    const auto asked = [&](const search::Reference& reference) {
        if (include.all || include.wildcard || reference.parameter == include.parameter) return true;
        const auto& also = include.parameter->includes;
        return std::find(also.begin(), also.end(), reference.parameter) != also.end();
    };
    for (const search::Reference& reference : entries.references) {
        const fhir::Type* type = fhir::find_resource(reference.type);
        if (!type || !context_.numbers.of_type.contains(type) || !asked(reference)) continue;
        if (include.target && include.target != type) continue;
        if (include.parameter && !search::counts_for(*include.parameter, reference)) continue;
        targets.push_back({0, context_.numbers.tid(*type), std::string(reference.id)});
    }
}

namespace {
/// The parameters that _revinclude asks, each with those that count for it.
std::vector<std::pair<const search::Parameter*, const search::Parameter*>> asked_by(const search::Include& include) {
    std::vector<std::pair<const search::Parameter*, const search::Parameter*>> asked;
    const auto add = [&](const search::Parameter& parameter) {
        asked.emplace_back(&parameter, &parameter);
        for (const search::Parameter* each : parameter.includes) asked.emplace_back(&parameter, each);
    };
    if (include.parameter) {
        add(*include.parameter);
        return asked;
    }
    for (const search::Parameter* parameter : search::all_parameters()) {
        if (parameter->type == search::ParamType::reference && (!include.source || parameter->resource == include.source))
            add(*parameter);
    }
    return asked;
}
}  // namespace

void Pager::add_referring(const search::Include& include, const Version& target, std::vector<Wanted>& sources) {
    if (include.target && include.target != target.type) return;
    const std::int64_t rid = rid_of(target);
    for (const auto& [parameter, each] : asked_by(include)) {
        if (!search::counts_for(*parameter, search::Reference{each, target.type->name, target.id, {}, {}})) continue;
        for (const std::int64_t source : finder_.referrers(rid, *each, most_included)) sources.push_back({source, 0, {}});
    }
}

// What the next round of inclusions will ask of the tables about these entries.
void Pager::expect_referring(const search::Query& query, std::span<const Found::Entry> entries, bool first_round) {
    if (!finder_.shelf().looks_ahead()) return;
    for (const search::Include& include : query.includes) {
        if (!include.reverse || (!first_round && !include.iterate)) continue;
        std::vector<std::int64_t> targets, pids;
        for (const Found::Entry& entry : entries) {
            if (!include.target || include.target == entry.version.type) targets.push_back(rid_of(entry.version));
        }
        for (const auto& [parameter, each] : asked_by(include)) pids.push_back(context_.numbers.pid(*each));
        finder_.shelf().expect_referring(targets, pids);
    }
}

void Pager::expect_names(std::span<const Found::Entry> entries) {
    std::vector<Shelf::Named> names;
    for (const Found::Entry& entry : entries) names.push_back({context_.numbers.tid(*entry.version.type), entry.version.id});
    finder_.shelf().expect_names(names);
}

// Places of what was wanted, in that order; those never mentioned left out.
std::vector<std::int64_t> Pager::rids_of(std::span<const Wanted> wanted) {
    std::vector<Shelf::Named> names;
    for (const Wanted& each : wanted) {
        if (each.rid == 0) names.push_back({each.tid, each.id});
    }
    finder_.shelf().expect_names(names);
    std::vector<std::int64_t> rids;
    for (const Wanted& each : wanted) {
        if (const std::int64_t rid = each.rid ? each.rid : finder_.shelf().find(each.tid, each.id)) rids.push_back(rid);
    }
    return rids;
}

void Pager::add_included(const search::Query& query, Found& found) {
    if (query.includes.empty()) return;
    Step* step = finder_.plan().add("include", "what _include and _revinclude ask for");
    const Plan::Open open(finder_.plan(), step);
    const std::size_t matched = found.entries.size();
    std::unordered_set<std::int64_t> shown;
    expect_names(found.entries);
    for (const Found::Entry& entry : found.entries) shown.insert(rid_of(entry.version));
    std::size_t from = 0;
    for (bool first_round = true; from < found.entries.size(); first_round = false) {
        const std::size_t upto = found.entries.size();
        const std::span<const Found::Entry> round(found.entries.data() + from, upto - from);
        if (!first_round && std::any_of(query.includes.begin(), query.includes.end(), [](const auto& i) { return i.iterate; }))
            expect_names(round);
        expect_referring(query, round, first_round);
        std::vector<Wanted> wanted;
        for (const Found::Entry& entry : round) {
            for (const search::Include& include : query.includes) {
                if (!first_round && !include.iterate) continue;
                if (include.reverse) add_referring(include, entry.version, wanted);
                else add_referenced(include, entry.version, wanted);
            }
        }
        from = upto;
        std::vector<std::int64_t> rids = rids_of(wanted);
        std::erase_if(rids, [&](std::int64_t rid) { return !shown.insert(rid).second; });
        for (std::size_t i = 0; i < rids.size() && found.entries.size() < most_included; ++i) {
            const std::int64_t rid = rids[i];
            finder_.shelf().ahead(rids, i);
            const auto stored = found.as_of != position_ ? finder_.shelf().as_of(rid, found.as_of) : finder_.shelf().current(rid);
            if (!stored || stored->deleted()) continue;
            if (!finder_.sees_then(*stored)) continue;
            found.entries.push_back({finder_.shelf().version_of(*stored), true});
        }
    }
    if (step) step->kept = found.entries.size() - matched;
}

}  // namespace xinglin::record
