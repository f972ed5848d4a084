// SPDX-License-Identifier: Apache-2.0
// Conditions on what a resource points at, what points at it, and what it belongs to; and on id and time.
#include <algorithm>

#include "feed/feed.h"
#include "record/find.h"

namespace xinglin::record {

using search::Criterion;
using search::Operand;
using search::Parameter;

namespace {
constexpr std::int64_t recent_changes = 50'000;
constexpr std::size_t most_in_family = 10'000;
constexpr std::size_t sources_at_once = 256;
}  // namespace

bool Finder::single_valued(const Parameter& parameter) {
    std::string_view path = parameter.expression;
    if (const auto where = path.find(".where(resolve()"); where != std::string_view::npos) path = path.substr(0, where);
    const std::string prefix = std::string(parameter.resource->name) + ".";
    if (!path.starts_with(prefix)) return false;
    path.remove_prefix(prefix.size());
    if (path.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") != std::string_view::npos) return false;
    const fhir::Element* element = fhir::find_element(*parameter.resource, path);
    return element && element->max == 1;
}

CursorPtr Finder::references(const Parameter& parameter, const Criterion& criterion, const Operand& operand) {
    std::vector<CursorPtr> parts;
    const auto add = [&](const fhir::Type& type) {
        if (!context_.numbers.of_type.contains(&type)) return;
        const std::int64_t rid = shelf_.find(context_.numbers.tid(type), operand.target_id);
        if (rid == 0) return;
        for (const std::int64_t member : family_of(rid, type, criterion.modifier)) {
            for (const Parameter* each : with_included(parameter)) {
                const search::Reference row{each, type.name, operand.target_id, {}, {}};
                if (search::counts_for(parameter, row))
                    parts.push_back(reference_cursor(context_.connection, member, context_.numbers.pid(*each)));
            }
        }
    };
    const std::string_view named =
        !operand.target_type.empty() ? std::string_view(operand.target_type) : std::string_view(criterion.type_modifier);
    if (!named.empty()) {
        if (const fhir::Type* type = fhir::find_resource(named)) add(*type);
    } else {
        std::vector<Shelf::Named> names;
        for (const auto& [tid, type] : context_.numbers.type_of) names.push_back({tid, operand.target_id});
        shelf_.expect_names(names);
        for (const fhir::Type* type : fhir::resources()) add(*type);
    }
    return parts.empty() ? list_cursor({}) : either_cursor(std::move(parts));
}

// For :below a place and all places that are part of it; for :above the place and all that it is part of. Circles end.
std::vector<std::int64_t> Finder::family_of(std::int64_t rid, const fhir::Type& type, search::Modifier modifier) {
    std::vector<std::int64_t> family{rid};
    const bool below = modifier == search::Modifier::below;
    const Parameter* part_of = below || modifier == search::Modifier::above ? search::part_of(type.name) : nullptr;
    // What says that it is part of another must be seen to say so; what it names need not.
    const auto hidden = [&](std::int64_t each) {
        if (!context_.guard || unguarded_) return false;
        if (!back_) return !sees(type, each);
        const auto then = at(each);
        return !then || then->deleted() || !sees_then(*then);
    };
    for (std::size_t i = 0; part_of && i < family.size() && family.size() < most_in_family; ++i) {
        std::vector<std::int64_t> next;
        if (below) next = referrers(family[i], *part_of, most_in_family);
        else if (!hidden(family[i])) next = targets_of(family[i], *part_of, type);
        if (below) std::erase_if(next, hidden);
        for (const std::int64_t each : next) {
            if (std::find(family.begin(), family.end(), each) == family.end()) family.push_back(each);
        }
    }
    return family;
}

Result<CursorPtr> Finder::composite(const Parameter& parameter, const Operand& operand_value) {
    auto meeting = std::make_unique<Meeting>();
    const std::size_t count = std::min(parameter.components.size(), operand_value.components.size());
    for (std::size_t i = 0; i < count; ++i) {
        XINGLIN_TRY(CursorPtr part, operand(*parameter.components[i].parameter, operand_value.components[i]));
        meeting->all.push_back(std::move(part));
    }
    meeting->arrange();
    return CursorPtr(std::move(meeting));
}

namespace {
/// While it lives, everything found is going to be read.
class ReadingAll {
public:
    explicit ReadingAll(bool& flag) : flag_(flag), before_(flag) { flag_ = true; }
    ~ReadingAll() { flag_ = before_; }

private:
    bool& flag_;
    bool before_;
};
}  // namespace

Result<CursorPtr> Finder::chain(const Criterion& criterion) {
    const ReadingAll reading(reads_all_);
    std::vector<std::int64_t> rids;
    for (std::size_t i = 0; i < criterion.target_types.size(); ++i) {
        std::vector<std::int64_t> found;
        if (back_) {
            XINGLIN_TRY(const std::vector<std::int64_t>* then, members_then(*criterion.target_types[i], criterion.inner[i]));
            found = *then;
        } else {
            XINGLIN_TRY(CursorPtr targets, meeting(*criterion.target_types[i], {&criterion.inner[i], 1}, nullptr));
            found = collect(*targets, most_gathered);
        }
        if (found.size() == most_gathered)
            return refuse(IssueCode::too_costly, criterion.written,
                          "the chain passes through too many resources; add a narrower condition");
        for (const Parameter* each : with_included(*criterion.parameter)) {
            shelf_.append_referring(found, context_.numbers.pid(*each), rids);
            if (rids.size() > 4 * most_gathered)
                return refuse(IssueCode::too_costly, criterion.written,
                              "the chain reaches too many resources; add a narrower condition");
        }
    }
    return list_cursor(std::move(rids));
}

std::vector<std::int64_t> Finder::targets_of(std::int64_t rid, const Parameter& parameter, const fhir::Type& target) {
    const auto stored = at(rid);
    return stored ? targets_in(*stored, parameter, target) : std::vector<std::int64_t>();
}

std::vector<std::int64_t> Finder::targets_in(const Stored& stored, const Parameter& parameter, const fhir::Type& target) {
    std::vector<std::int64_t> found;
    if (stored.deleted() || !context_.numbers.of_type.contains(&target)) return found;
    json::Arena arena;
    auto resource = json::parse(stored.text, arena);
    if (!resource.ok()) return found;
    search::Entries entries;
    search::extract(*parameter.resource, *resource, context_.offset_minutes, entries);
    const auto asked = with_included(parameter);
    for (const search::Reference& reference : entries.references) {
        if (reference.type != target.name || std::find(asked.begin(), asked.end(), reference.parameter) == asked.end()) continue;
        if (const std::int64_t named = shelf_.find(context_.numbers.tid(target), reference.id)) found.push_back(named);
    }
    return found;
}

Result<CursorPtr> Finder::has(const fhir::Type& type, const Criterion& criterion) {
    if (!back_) {
        XINGLIN_TRY(std::vector<std::int64_t> rids, has_targets(type, criterion));
        return list_cursor(std::move(rids));
    }
    XINGLIN_TRY(const std::vector<std::int64_t>* then, members_then(type, criterion));
    return list_cursor(*then);
}

/// Whom the resources name that match the inner condition.
Result<std::vector<std::int64_t>> Finder::has_targets(const fhir::Type& type, const Criterion& criterion) {
    const ReadingAll reading(reads_all_);
    CursorPtr sources;
    const Since* since = nullptr;
    if (back_) {
        XINGLIN_TRY(const std::vector<std::int64_t>* then, members_then(*criterion.has_type, criterion.inner.front()));
        sources = list_cursor(*then);
        since = &this->since(*criterion.has_type);
    } else {
        XINGLIN_TRY(sources, meeting(*criterion.has_type, criterion.inner, nullptr));
    }
    const Parameter& parameter = *criterion.parameter;
    const auto asked = with_included(parameter);
    const bool by_place = type.name == "Patient" && single_valued(parameter);
    std::vector<std::int64_t> pids, rids, few;
    for (const Parameter* each : asked) pids.push_back(context_.numbers.pid(*each));
    std::int64_t last_patient = 0;
    Members members(*sources);
    for (std::int64_t rid = 0; rid != no_more;) {
        few.clear();
        while (few.size() < sources_at_once && (rid = members.next()) != no_more) few.push_back(rid);
        // What concerns a patient mostly lies in the patient's own range: one probe instead of reading the resource.
        if (by_place) shelf_.expect_own_patient(few, pids);
        std::vector<std::int64_t> others;
        for (const std::int64_t source : few) {
            // The rows of what was written since are of today.
            const bool rows_tell =
                by_place && !(since && std::binary_search(since->written.begin(), since->written.end(), source));
            if (!rows_tell || !shelf_.names_own_patient(source, pids)) others.push_back(source);
            else if (patient_of(source) != last_patient) rids.push_back(last_patient = patient_of(source));
        }
        for (std::size_t i = 0; i < others.size(); ++i) {
            shelf_.ahead(others, i);
            for (const std::int64_t target : targets_of(others[i], parameter, type)) rids.push_back(target);
        }
        if (rids.size() > most_gathered)
            return refuse(IssueCode::too_costly, criterion.written, "reaches too many resources; add a narrower condition");
    }
    return rids;
}

CursorPtr Finder::by_id(const fhir::Type& type, const Criterion& criterion) {
    std::vector<std::int64_t> rids;
    std::vector<Shelf::Named> names;
    for (const Operand& operand : criterion.any) names.push_back({context_.numbers.tid(type), operand.raw});
    shelf_.expect_names(names);
    for (const Operand& operand : criterion.any) {
        if (const std::int64_t rid = shelf_.find(context_.numbers.tid(type), operand.raw)) rids.push_back(rid);
    }
    return list_cursor(std::move(rids));
}

// Through the feed, whose times are in order; nothing when the range is large and asking each candidate is cheaper.
CursorPtr Finder::last_updated(const fhir::Type& type, const Criterion& criterion) {
    std::vector<std::int64_t> rids;
    const std::int64_t last = feed::last(context_.connection).position, tid = context_.numbers.tid(type);
    for (const Operand& operand : criterion.any) {
        const Bounds bounds = date_bounds(operand, 1);
        const std::int64_t after = feed::position_at(context_.connection, bounds.from - 1);
        const std::int64_t upto =
            bounds.upto >= calendar::end_of_time_ms ? last : feed::position_at(context_.connection, bounds.upto);
        if (upto - after > recent_changes) return nullptr;
        feed::forward(context_.connection, after, upto, [&](const feed::Change& change) {
            if (change.type == tid && search::date_matches(operand, change.updated_ms, change.updated_ms + 1))
                rids.push_back(change.resource);
            return true;
        });
    }
    // A resource whose matching version has been superseded doesn't match.
    std::vector<std::int64_t> current;
    for (std::size_t i = 0; i < rids.size(); ++i) {
        shelf_.ahead(rids, i, false);
        const auto stored = shelf_.current(rids[i], false);
        if (stored && std::any_of(criterion.any.begin(), criterion.any.end(), [&](const Operand& o) {
                return search::date_matches(o, stored->updated_ms, stored->updated_ms + 1);
            }))
            current.push_back(rids[i]);
    }
    return list_cursor(std::move(current));
}

CursorPtr Finder::compartment(const fhir::Type& type, const search::Query& query) {
    std::vector<CursorPtr> parts;
    const fhir::Type* owner = fhir::find_resource(query.compartment_type);
    const std::int64_t rid =
        owner && context_.numbers.of_type.contains(owner) ? shelf_.find(context_.numbers.tid(*owner), query.compartment_id) : 0;
    if (rid != 0) {
        if (owner == &type) parts.push_back(list_cursor({rid}));
        for (const std::string_view code : fhir::compartment_parameters(query.compartment_type, type.name)) {
            const Parameter* parameter = search::find_parameter(type, code);
            if (!parameter) continue;
            for (const Parameter* each : with_included(*parameter))
                parts.push_back(reference_cursor(context_.connection, rid, context_.numbers.pid(*each)));
        }
    }
    Step* step = plan_.add("reference", query.compartment_type + "/" + query.compartment_id + ": its compartment");
    return plan_.watch(parts.empty() ? list_cursor({}) : either_cursor(std::move(parts)), step);
}

// The same asked of one text.
bool Finder::in_compartment(const search::Query& query, const fhir::Type& type, const Stored& stored) {
    if (query.compartment_type.empty()) return true;
    if (query.compartment_type == type.name && stored.id() == query.compartment_id) return true;
    json::Arena arena;
    const auto resource = json::parse(stored.text, arena);
    if (!resource.ok()) return false;
    search::Entries entries;
    search::extract(type, *resource, context_.offset_minutes, entries);
    for (const std::string_view code : fhir::compartment_parameters(query.compartment_type, type.name)) {
        const Parameter* parameter = search::find_parameter(type, code);
        if (!parameter) continue;
        const auto by = with_included(*parameter);
        for (const search::Reference& reference : entries.references) {
            if (reference.type == query.compartment_type && reference.id == query.compartment_id &&
                std::find(by.begin(), by.end(), reference.parameter) != by.end())
                return true;
        }
    }
    return false;
}

Result<std::vector<std::string>> Finder::ids(const search::Query& query, std::size_t limit) {
    XINGLIN_TRY(CursorPtr found, cursor(query));
    std::vector<std::string> ids;
    const std::vector<std::int64_t> rids = collect(*found, limit);
    for (std::size_t i = 0; i < rids.size(); ++i) {
        shelf_.ahead(rids, i);
        if (const auto stored = shelf_.current(rids[i])) ids.push_back(stored->id());
    }
    return ids;
}

}  // namespace xinglin::record
