// SPDX-License-Identifier: Apache-2.0
// Conditions of scopes into grants of a guard.
#include "server/token_grants.h"

#include "http/http.h"
#include "search/search.h"

namespace xinglin::server {

namespace {
constexpr std::size_t most_kept = 2'000;
constexpr std::int64_t kept_ms = 60'000;  // then value sets are asked anew

/// The rules of who sees everything.
std::shared_ptr<const record::Guard> open_rules() {
    auto rules = std::make_shared<record::Guard>();
    rules->rules.push_back({.name = "scope", .permit = true, .types = {}});
    return rules;
}
}  // namespace

Result<record::GuardGrant> TokenGrants::grant_of(const oauth::Granted::Condition& condition, const std::string& patient) {
    record::GuardGrant grant{.types = {}, .actions = condition.actions};
    if (condition.type != "*") grant.types.push_back(fhir::find_resource(condition.type));
    if (!condition.query.empty()) {
        XINGLIN_TRY(const auto pairs, http::parse_query(condition.query));
        XINGLIN_TRY(search::Query query, search::parse(grant.types, pairs, {.offset_minutes = store_.offset_minutes()}));
        XINGLIN_CHECK(search::resolve_codes(query, terminology_));
        grant.all = std::move(query.all);
    }
    if (condition.in_context) {
        const auto ordinals = store_.reader(access::Viewer::program("scope")).ordinals_of({&patient, 1});
        bind_to_patient(grant, patient, ordinals.empty() ? std::nullopt : std::optional(ordinals.front()));
    }
    return grant;
}

Result<std::shared_ptr<const record::Guard>> TokenGrants::make(const access::Viewer& viewer,
                                                               const std::vector<oauth::Granted::Condition>& conditions) {
    auto guard = std::make_shared<record::Guard>(viewer.guard ? *viewer.guard : *open_rules());
    guard->limited = true;
    for (const oauth::Granted::Condition& each : conditions) {
        auto grant = grant_of(each, viewer.in_context);
        if (!grant.ok())
            return refuse(IssueCode::forbidden, "scope",
                          "a condition of your token cannot be asked at present: " + grant.outcome().line());
        guard->grants.push_back(std::move(*grant));
    }
    return std::shared_ptr<const record::Guard>(std::move(guard));
}

Result<std::shared_ptr<const record::Guard>> TokenGrants::limit(const access::Viewer& viewer,
                                                                const std::vector<oauth::Granted::Condition>& conditions) {
    std::string key = std::to_string(viewer.account) + "\n" + viewer.name + "\n" + viewer.in_context;
    for (const auto& each : conditions)
        key += "\n" + each.type + "." + each.actions + (each.in_context ? "@?" : "?") + each.query;
    const std::int64_t now = clock_.now_ms();
    {
        const std::lock_guard lock(mutex_);
        const auto found = kept_.find(key);
        if (found != kept_.end() && found->second.rules == viewer.guard && now >= found->second.made_ms &&
            now - found->second.made_ms < kept_ms)
            return found->second.limited;
    }
    XINGLIN_TRY(auto limited, make(viewer, conditions));
    const std::lock_guard lock(mutex_);
    if (kept_.size() >= most_kept) kept_.clear();
    kept_[std::move(key)] = {viewer.guard, limited, now};
    return limited;
}

}  // namespace xinglin::server
