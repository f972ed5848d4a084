// SPDX-License-Identifier: Apache-2.0
// What the viewer may see, inside a search and asked of one resource.
#include <algorithm>

#include "record/sentry.h"
#include "search/units.h"

namespace xinglin::record {

namespace {

/// "rs" asks for both; mostly the same grants give both, then once is enough.
bool differ(const Guard& guard, const fhir::Type& type, char a, char b) {
    return std::any_of(guard.grants.begin(), guard.grants.end(),
                       [&](const GuardGrant& grant) { return concerns(grant, type) && allows(grant, a) != allows(grant, b); });
}

}  // namespace

// Every meeting has the guard among it: what a search leads to, passes through or counts is seen by the same rules as what it shows.
Result<Done> Finder::stand_guard(Making& making) {
    const fhir::Type& type = making.type;
    const auto confirm = [this](std::int64_t rid) {
        const auto stored = shelf_.current(rid);
        return stored && !stored->deleted() && sees(*stored);
    };
    making.meeting.all.push_back(
        plan_.watch(std::make_unique<Sentry>(context_, type, confirm), plan_.add("guard", "what the viewer may see")));
    if (!context_.guard->limited) return Done{};
    const std::string_view needs = context_.needs;
    for (std::size_t i = 0; i < needs.size(); ++i) {
        if (i > 0 && !differ(*context_.guard, type, needs[0], needs[i])) continue;
        XINGLIN_TRY(CursorPtr part, granted(type, needs[i]));
        if (part) making.meeting.all.push_back(std::move(part));
    }
    return Done{};
}

Result<CursorPtr> Finder::granted(const fhir::Type& type, char action) {
    std::vector<CursorPtr> parts;
    for (const GuardGrant& grant : context_.guard->grants) {
        if (!concerns(grant, type) || !allows(grant, action)) continue;
        if (grant.all.empty() && !grant.of_patient) return CursorPtr();
        XINGLIN_TRY(CursorPtr part, part_of(grant, type));
        parts.push_back(std::move(part));
    }
    if (parts.size() == 1) return std::move(parts.front());
    return parts.empty() ? list_cursor({}) : either_cursor(std::move(parts));
}

Result<CursorPtr> Finder::part_of(const GuardGrant& grant, const fhir::Type& type) {
    CursorPtr owned;
    if (grant.of_patient) {
        Context& bound = bound_.emplace_back(context_);
        bound.guard = grant.of_patient.get();
        owned = std::make_unique<Sentry>(bound, type, nullptr);
        if (grant.all.empty()) return owned;
    }
    search::Query conditions;
    conditions.all = grant.all;
    if (search::asks_in_ucum(conditions)) search::spread_units(conditions, units_in_use(context_.connection));
    const std::vector<search::Criterion>& all = spread_.emplace_back(std::move(conditions.all));
    unguarded_ = true;
    auto met = meeting(type, all, nullptr);
    unguarded_ = false;
    if (!met.ok() || !owned) return met;
    auto both = std::make_unique<Meeting>();
    both->all.push_back(std::move(*met));
    both->all.push_back(std::move(owned));
    both->arrange();
    return CursorPtr(std::move(both));
}

bool Finder::is_granted(const fhir::Type& type, const Stored& stored) const {
    if (!context_.guard->limited) return true;
    json::Arena arena;
    const auto resource = json::parse(stored.text, arena);
    return resource.ok() && std::all_of(context_.needs.begin(), context_.needs.end(), [&](char action) {
               return record::is_granted(*context_.guard, type, *resource, action, context_.offset_minutes, stored.updated_ms);
           });
}

bool Finder::sees(const Stored& version) {
    if (!context_.guard) return true;
    const fhir::Type& type = *context_.numbers.type_of.at(version.tid);
    const GuardRule* rule = deciding_rule(*context_.guard, type, standing_of(shelf_, type, version));
    return rule && rule->permit && is_granted(type, version);
}

bool Finder::sees_then(const Stored& version) {
    if (!context_.guard || unguarded_) return true;
    const auto now = shelf_.current(version.rid, false);
    const bool there = now && !now->deleted();
    if (there && !sees(*context_.numbers.type_of.at(version.tid), version.rid)) return false;
    return (there && now->version == version.version) || sees(version);
}

bool Finder::sees(const fhir::Type& type, std::int64_t rid) {
    if (!context_.guard) return true;
    CursorPtr& sentry = sentries_[&type];
    if (!sentry) {
        sentry = std::make_unique<Sentry>(context_, type, [this](std::int64_t each) {
            const auto stored = shelf_.current(each);
            return stored && !stored->deleted() && sees(*stored);
        });
    }
    return sentry->has(rid) && grants(type, rid);
}

bool Finder::grants(const fhir::Type& type, std::int64_t rid) {
    if (!context_.guard || !context_.guard->limited) return true;
    const auto stored = shelf_.current(rid);
    return stored && !stored->deleted() && is_granted(type, *stored);
}

const GuardRule* Finder::decides(const fhir::Type& type, std::int64_t rid) {
    const auto stored = context_.guard ? shelf_.current(rid) : std::nullopt;
    return stored && !stored->deleted() ? deciding_rule(*context_.guard, type, standing_of(shelf_, type, *stored)) : nullptr;
}

}  // namespace xinglin::record
