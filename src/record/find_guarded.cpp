// SPDX-License-Identifier: Apache-2.0
// What the viewer may see, inside a search and asked of one resource.
#include <algorithm>

#include "record/sentry.h"

namespace xinglin::record {

namespace {
bool concerns(const GuardGrant& grant, const fhir::Type& type) {
    return grant.types.empty() || std::find(grant.types.begin(), grant.types.end(), &type) != grant.types.end();
}
}  // namespace

// Every meeting has the guard among it: what a search leads to, passes through or counts is seen by the same rules as what it shows.
Result<Done> Finder::stand_guard(Making& making) {
    const fhir::Type& type = making.type;
    const auto confirm = [this](std::int64_t rid) {
        const auto stored = shelf_.current(rid);
        return stored && !stored->deleted() && sees(*stored);
    };
    making.meeting.all.push_back(plan_.watch(std::make_unique<Sentry>(context_, type, confirm), plan_.add("guard", "what the viewer may see")));
    if (!context_.guard->limited) return Done{};
    std::vector<CursorPtr> parts;
    for (const GuardGrant& grant : context_.guard->grants) {
        if (!concerns(grant, type)) continue;
        if (grant.all.empty()) return Done{};
        unguarded_ = true;
        auto part = meeting(type, grant.all, nullptr);
        unguarded_ = false;
        if (!part.ok()) return part.outcome();
        parts.push_back(std::move(*part));
    }
    making.meeting.all.push_back(parts.empty() ? list_cursor({}) : either_cursor(std::move(parts)));
    return Done{};
}

bool Finder::is_granted(const fhir::Type& type, const Stored& stored) {
    if (!context_.guard->limited) return true;
    return std::any_of(context_.guard->grants.begin(), context_.guard->grants.end(), [&](const GuardGrant& grant) {
        return concerns(grant, type) && std::all_of(grant.all.begin(), grant.all.end(), [&](const search::Criterion& criterion) {
                   unguarded_ = true;
                   const bool held = confirm(type, criterion, stored);
                   unguarded_ = false;
                   return held;
               });
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
    if (!sentry->has(rid)) return false;
    if (!context_.guard->limited) return true;
    const auto stored = shelf_.current(rid);
    return stored && !stored->deleted() && is_granted(type, *stored);
}

const GuardRule* Finder::decides(const fhir::Type& type, std::int64_t rid) {
    const auto stored = context_.guard ? shelf_.current(rid) : std::nullopt;
    return stored && !stored->deleted() ? deciding_rule(*context_.guard, type, standing_of(shelf_, type, *stored)) : nullptr;
}

}  // namespace xinglin::record
