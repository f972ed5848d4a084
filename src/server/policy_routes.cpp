// SPDX-License-Identifier: Apache-2.0
// /api/v1/policy: the rules in words, and what they say of one viewer and one resource.
#include "access/access.h"
#include "policy/policy.h"
#include "server/house.h"
#include "server/route.h"

namespace xinglin::server {

namespace {

json::Value words_json(json::Arena& arena, const policy::Words& words) {
    return arena.object({{"zh", arena.string(words.zh)}, {"en", arena.string(words.en)}});
}

/// Rules of others are for who answers for them.
bool may_test(const access::Viewer& viewer) { return viewer.may_administer() || viewer.role == access::Role::auditor; }

void rules(Visit& visit) {
    json::Arena arena;
    const policy::Book& book = visit.house.policies->book();
    std::vector<json::Value> roles;
    for (const auto& [role, list] : book.roles) {
        std::vector<json::Value> all;
        for (const policy::Rule& rule : list) {
            const bool decides_by_resident = rule.kind == policy::Rule::Kind::consent || rule.kind == policy::Rule::Kind::wards;
            all.push_back(arena.object(
                {{"id", arena.string(rule.id)},
                 {"permit",
                  decides_by_resident ? arena.null() : arena.boolean(rule.permit || rule.kind != policy::Rule::Kind::plain)},
                 {"set", rule.set.empty() ? arena.null() : arena.string(rule.set)},
                 {"why", words_json(arena, rule.words)}}));
        }
        roles.push_back(arena.object({{"role", arena.string(access::text(role))}, {"rules", arena.array(all)}}));
    }
    std::vector<json::Value> sets;
    for (const auto& [name, set] : book.sets) {
        std::vector<json::Value> searches;
        for (const std::string& search : set.searches) searches.push_back(arena.string(search));
        sets.push_back(arena.object(
            {{"id", arena.string(name)}, {"why", words_json(arena, set.words)}, {"searches", arena.array(searches)}}));
    }
    visit.answer(
        200,
        arena.object({{"roles", arena.array(roles)}, {"sets", arena.array(sets)}, {"nothing", words_json(arena, book.nothing)}}));
}

void decision(Visit& visit) {
    access::Viewer viewer = visit.viewer;
    if (const std::string as = visit.parameter("as"); !as.empty() && as != viewer.name) {
        if (!may_test(viewer))
            return visit.refuse(
                refuse(IssueCode::forbidden, "as", "what others may see is for administrators and auditors to ask"));
        const auto other = visit.house.accounts->viewer_of(as);
        if (!other) return visit.refuse(refuse(IssueCode::not_found, "as", "there is no such account"));
        viewer = *other;
        viewer.purpose = visit.parameter("purpose");
    }
    std::string type_name = visit.parameter("type"), id = visit.parameter("id");
    if (const std::string patient = visit.parameter("patient"); !patient.empty()) {
        type_name = "Patient";
        id = patient;
    }
    const fhir::Type* type = fhir::find_resource(type_name);
    if (!type || type->is_abstract || !ingest::is_id(id))
        return visit.refuse(refuse(IssueCode::value, "type", "name a resource: ?patient=ID, or ?type=Observation&id=ID"));
    const auto decided = visit.house.policies->decide(viewer, *type, id);
    if (!decided.ok()) return visit.refuse(decided.outcome());
    // To who asks for oneself, what may not be seen is not there.
    const bool tells = decided->permit || may_test(visit.viewer) || type->name == "Patient";
    if (!decided->exists || !tells) return visit.refuse(refuse(IssueCode::not_found, "id", "there is no such resource"));
    json::Arena arena;
    visit.answer(
        200, arena.object({{"allowed", arena.boolean(decided->permit)},
                           {"rule", arena.string(decided->rule)},
                           {"why", words_json(arena, decided->why)},
                           {"until", decided->until_ms ? arena.string(calendar::instant_text(*decided->until_ms)) : arena.null()},
                           {"emergency_possible", arena.boolean(decided->emergency_possible)}}));
}

constexpr Route routes[] = {
    {"GET", "/api/v1/policy", Who::logged_in,
     "Who may see what: the rules of each role, in words and in order; the first that applies decides.", "",
     R"({"roles":[{"role":"clinician","rules":[{"id":"area","permit":true,"set":"in-area","why":{"zh":"…","en":"…"}}]}],"sets":[],"nothing":{"zh":"…","en":"…"}})",
     rules},
    {"GET", "/api/v1/policy/decision", Who::logged_in,
     "May this account see that resource, and which rule says so: ?patient=ID or ?type=&id=; ?as=ACCOUNT (administrators, "
     "auditors) and &purpose=.",
     "", R"({"allowed":true,"rule":"care","why":{"zh":"…","en":"…"},"until":null,"emergency_possible":false})", decision},
};

}  // namespace

std::span<const Route> policy_routes() { return routes; }

}  // namespace xinglin::server
