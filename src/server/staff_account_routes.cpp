// SPDX-License-Identifier: Apache-2.0
// /api/v1/accounts: who has an account, and what administrators do with them.
//
// An administrator manages all of them, an institution's administrator those of that institution and of what is below it, and gives
// no role above their own. Every change is written down. docs/decisions/0043.
#include <algorithm>

#include "access/second_factor.h"
#include "access/sessions.h"
#include "registry/registry.h"
#include "server/account_pages.h"
#include "server/house.h"
#include "text/text.h"

namespace xinglin::server {

namespace {

using access::Role;
using Account = access::Accounts::Account;

constexpr Role given_by_administrators[] = {
    Role::clinician, Role::epidemiologist, Role::planner,      Role::institution_administrator,
    Role::operator_, Role::auditor,        Role::administrator};
constexpr Role given_by_institutions[] = {Role::clinician, Role::epidemiologist, Role::planner};
constexpr std::size_t most_listed = 500;

std::span<const Role> roles_given(const access::Viewer& viewer) {
    if (viewer.may_administer()) return given_by_administrators;
    return given_by_institutions;
}

bool may_give(const access::Viewer& viewer, Role role) {
    const auto given = roles_given(viewer);
    return std::find(given.begin(), given.end(), role) != given.end();
}

/// Is this institution the viewer's, or part of it?
bool is_below(const Visit& visit, const std::string& institution) {
    if (visit.viewer.may_administer()) return true;
    if (institution.empty() || visit.viewer.institution.empty()) return false;
    if (institution == visit.viewer.institution) return true;
    for (const auto& entry : visit.house.registry->above("Organization/" + institution)) {
        if (entry->id == visit.viewer.institution) return true;
    }
    return false;
}

bool manages(const Visit& visit, const Account& account) {
    if (visit.viewer.may_administer()) return true;
    const auto role = access::parse_role(account.role);
    return !account.is_client && role && may_give(visit.viewer, *role) && is_below(visit, account.institution);
}

/// Who may come here at all. Answers 403 itself.
bool may_come(Visit& visit) {
    if (visit.viewer.may_manage_accounts()) return true;
    visit.refuse(refuse(IssueCode::forbidden, "role", "only administrators see and change accounts"));
    return false;
}

std::optional<Account> account_named(const Visit& visit, std::string_view name) {
    for (Account& account : visit.house.accounts->list()) {
        if (account.name == name) return std::move(account);
    }
    return std::nullopt;
}

/// The account in the address, when it may be changed by who asks. Answers itself when not: one that may not be seen is not there.
std::optional<Account> subject(Visit& visit) {
    if (!may_come(visit)) return std::nullopt;
    auto account = account_named(visit, visit.holes[0]);
    if (account && account->is_client) account.reset();
    if (!account || !manages(visit, *account)) {
        visit.refuse(refuse(IssueCode::not_found, "name", "no account of yours has this name, see the list"));
        return std::nullopt;
    }
    return account;
}

json::Value account_json(json::Arena& arena, const Visit& visit, const Account& account) {
    const auto unless_empty = [&](std::string_view text) { return text.empty() ? json::Value() : arena.string(text); };
    const auto institution =
        account.institution.empty() ? nullptr : visit.house.registry->find("Organization/" + account.institution);
    return arena.object(
        {{"name", arena.string(account.name)},
         {"display", arena.string(account.display)},
         {"role", arena.string(account.role)},
         {"client", arena.boolean(account.is_client)},
         {"scope", account.is_client ? arena.string(account.scope) : json::Value()},
         {"institution", unless_empty(account.institution)},
         {"institution_name", institution ? arena.string(institution->name()) : json::Value()},
         {"area", unless_empty(account.area)},
         {"practitioner", unless_empty(account.practitioner)},
         {"disabled", arena.boolean(account.disabled)},
         {"must_change_password", arena.boolean(account.must_change_password)},
         {"second_factor", arena.boolean(account.second_factor)},
         {"created", arena.string(calendar::instant_text(account.created_ms))},
         {"last_used", account.last_used_ms ? arena.string(calendar::instant_text(*account.last_used_ms)) : json::Value()}});
}

void list(Visit& visit) {
    if (!may_come(visit)) return;
    const std::string q = text::fold(visit.parameter("q")), role = visit.parameter("role"), kind = visit.parameter("kind"),
                      institution = visit.parameter("institution");
    json::Arena arena;
    std::vector<json::Value> shown, roles;
    std::int64_t total = 0;
    for (const Account& account : visit.house.accounts->list()) {
        if (!manages(visit, account)) continue;
        if (!q.empty() && text::fold(account.name).find(q) == std::string::npos &&
            text::fold(account.display).find(q) == std::string::npos)
            continue;
        if ((!role.empty() && account.role != role) || (!institution.empty() && account.institution != institution)) continue;
        if ((kind == "people" && account.is_client) || (kind == "systems" && !account.is_client)) continue;
        ++total;
        if (shown.size() < most_listed) shown.push_back(account_json(arena, visit, account));
    }
    for (const Role each : roles_given(visit.viewer)) roles.push_back(arena.string(access::text(each)));
    visit.answer(200, arena.object({{"total", arena.number(total)},
                                    {"accounts", arena.array(shown)},
                                    {"roles", arena.array(roles)},
                                    {"whole", arena.boolean(visit.viewer.may_administer())}}));
}

/// Of what was granted: an Outcome without issues.
template <typename T>
Outcome outcome_of(const Result<T>& result) {
    return result.ok() ? Outcome{} : result.outcome();
}

/// Writes the change down, without names of people other than the account's own.
void write_down(Visit& visit, std::string_view what, const Outcome& outcome, std::string_view name,
                std::string_view detail = {}) {
    const std::string said = std::string(name) + (detail.empty() ? "" : ": ") + std::string(detail);
    visit.house.write_down(visit.viewer, visit.request, what, outcome.ok() ? 200 : http_status(outcome.code()), "Account", "",
                           said);
}

void answer_account(Visit& visit, std::string_view name, int status) {
    const auto account = account_named(visit, name);
    if (!account) return visit.refuse(refuse(IssueCode::not_found, "name", "no account has this name, see the list"));
    json::Arena arena;
    visit.answer(status, account_json(arena, visit, *account));
}

void answer_secret(Visit& visit, std::string_view name, const std::string& password, int status) {
    json::Arena arena;
    visit.answer(status, arena.object({{"name", arena.string(name)}, {"password", arena.string(password)}}));
}

/// Refuses a role that the viewer does not give, and an institution that is not theirs.
Result<Role> admitted(const Visit& visit, const std::string& role_text, const std::string& institution) {
    const auto role = access::parse_role(role_text);
    if (!role || !may_give(visit.viewer, *role))
        return refuse(IssueCode::forbidden, "role", "this role is not one you give, see `roles` of the list");
    if (!is_below(visit, institution))
        return refuse(IssueCode::forbidden, "institution", "choose your institution or one that is part of it");
    return *role;
}

/// Does this Practitioner work in the viewer's institution, or in part of it, by the register of staff?
bool works_below(const Visit& visit, const std::string& practitioner) {
    visit.house.registry->catch_up();
    for (const auto& role : visit.house.registry->pointing("Practitioner/" + practitioner, {registry::Kind::role})) {
        if (role->parent.starts_with("Organization/") && is_below(visit, role->parent.substr(role->parent.find('/') + 1)))
            return true;
    }
    return false;
}

/// What an institution's administrator gives of an area and of a person's own patients is no more than there is to give: areas within
/// their own, and staff of theirs. Members that are "" give nothing.
Outcome overreach(const Visit& visit, const std::string& area, const std::string& practitioner) {
    if (visit.viewer.may_administer()) return {};
    if (!area.empty() && (visit.viewer.area.empty() || !area.starts_with(visit.viewer.area)))
        return refuse(IssueCode::forbidden, "area", "choose an area within your own; who administers the whole gives others");
    if (!practitioner.empty() && !works_below(visit, practitioner))
        return refuse(IssueCode::forbidden, "practitioner",
                      "the register of staff knows nobody by this id in your institution; enter them there first");
    return {};
}

void add(Visit& visit) {
    if (!may_come(visit)) return;
    const auto fields = only(visit, {"name", "display", "role", "institution", "area", "practitioner"});
    if (!fields) return;
    std::string institution = field(*fields, "institution");
    if (institution.empty() && !visit.viewer.may_administer()) institution = visit.viewer.institution;
    const auto role = admitted(visit, field(*fields, "role"), institution);
    const std::string name = field(*fields, "name");
    const access::Post post{institution, field(*fields, "area"), field(*fields, "practitioner")};
    if (const Outcome refused = role.ok() ? overreach(visit, post.area, post.practitioner) : role.outcome(); !refused.ok()) {
        write_down(visit, "account-add", refused, "");
        return visit.refuse(refused);
    }
    later(visit, [name, display = field(*fields, "display"), role = *role, post](Visit& visit) {
        const auto added = visit.house.accounts->add_user(name, role, display, {}, {}, post);
        write_down(visit, "account-add", outcome_of(added), added.ok() ? name : "", access::text(role));
        if (!added.ok()) return visit.refuse(added.outcome());
        answer_secret(visit, name, *added, 201);
    });
}

void change(Visit& visit) {
    const auto account = subject(visit);
    if (!account) return;
    const auto fields = only(visit, {"display", "role", "institution", "area", "practitioner", "disabled"});
    if (!fields) return;
    access::Accounts::Change change;
    std::string said;
    for (const auto& [key, value] : *fields) {
        said += (said.empty() ? "" : " ") + key + (key == "display" || key == "practitioner" ? "" : "=" + value.substr(0, 64));
        if (key == "display") change.display = value;
        if (key == "institution") change.institution = value;
        if (key == "area") change.area = value;
        if (key == "practitioner") change.practitioner = value;
        if (key == "disabled") change.disabled = value == "true";
    }
    Outcome outcome;
    if (const std::string disabled = field(*fields, "disabled"); !disabled.empty() && disabled != "true" && disabled != "false")
        outcome = refuse(IssueCode::value, "disabled", "expected \"true\" or \"false\"");
    const std::string role_text = field(*fields, "role");
    const bool own = account->name == visit.viewer.name;
    if (own && (change.disabled || !role_text.empty() || change.institution || change.area || change.practitioner))
        outcome = refuse(IssueCode::forbidden, "name",
                         "nobody changes their own role, institution, area or person, ask another administrator");
    if (outcome.ok()) outcome = overreach(visit, change.area.value_or(""), change.practitioner.value_or(""));
    if (outcome.ok() && (!role_text.empty() || change.institution)) {
        const auto role =
            admitted(visit, role_text.empty() ? account->role : role_text, change.institution.value_or(account->institution));
        const bool resident_stays = account->role == "resident" && role_text.empty();
        if (!role.ok() && !resident_stays) outcome = role.outcome();
        else if (!role_text.empty()) change.role = *role;
    }
    if (outcome.ok()) outcome = outcome_of(visit.house.accounts->change_user(account->name, change));
    write_down(visit, "account-change", outcome, account->name, said);
    if (!outcome.ok()) return visit.refuse(outcome);
    answer_account(visit, account->name, 200);
}

void remove(Visit& visit) {
    const auto account = subject(visit);
    if (!account) return;
    Outcome outcome;
    if (account->name == visit.viewer.name)
        outcome = refuse(IssueCode::forbidden, "name", "nobody removes their own account, ask another administrator");
    else outcome = outcome_of(visit.house.accounts->remove_user(account->name));
    write_down(visit, "account-remove", outcome, account->name);
    if (!outcome.ok()) return visit.refuse(outcome);
    visit.answer_nothing();
}

void reset_password(Visit& visit) {
    const auto account = subject(visit);
    if (!account) return;
    later(visit, [name = account->name](Visit& visit) {
        const auto fresh = visit.house.accounts->reset_password(name);
        write_down(visit, "account-password", outcome_of(fresh), name);
        if (!fresh.ok()) return visit.refuse(fresh.outcome());
        answer_secret(visit, name, *fresh, 200);
    });
}

void reset_second_factor(Visit& visit) {
    const auto account = subject(visit);
    if (!account) return;
    Outcome outcome;
    if (account->name == visit.viewer.name)
        outcome = refuse(IssueCode::forbidden, "name", "nobody resets their own second factor, ask another administrator");
    else outcome = outcome_of(access::reset_factor(*visit.house.accounts, account->name));
    write_down(visit, "account-factor", outcome, account->name);
    if (!outcome.ok()) return visit.refuse(outcome);
    answer_account(visit, account->name, 200);
}

void end_all(Visit& visit) {
    const auto account = subject(visit);
    if (!account) return;
    const Outcome outcome = outcome_of(access::end_sessions_of(*visit.house.accounts, account->name));
    write_down(visit, "account-sessions", outcome, account->name);
    if (!outcome.ok()) return visit.refuse(outcome);
    visit.answer_nothing();
}

constexpr std::string_view account_example =
    R"({"name":"li.na","display":"李娜","role":"clinician","client":false,"institution":"org-7","institution_name":"城东社区卫生服务中心","area":"330102001","disabled":false,"must_change_password":false,"second_factor":true,"created":"2026-11-23T02:00:00Z"})";

constexpr Route routes[] = {
    {"GET", "/api/v1/accounts", Who::logged_in,
     "The accounts one manages: all, or those of one's institution and below. q (name), role, institution, kind (people, "
     "systems); at most 500. "
     "`roles`: those one may give.",
     "", R"({"total":1,"accounts":[{"name":"li.na","role":"clinician"}],"roles":["clinician"],"whole":false})", list},
    {"POST", "/api/v1/accounts", Who::logged_in,
     "Add somebody; answers a one-time password, shown once. Other members are refused.",
     R"({"name":"li.na","display":"李娜","role":"clinician","institution":"org-7","area":"330102001","practitioner":"p-12"})",
     R"({"name":"li.na","password":"k7mq-x2ah-9dfe-w3rt"})", add},
    {"PATCH", "/api/v1/accounts/{name}", Who::logged_in,
     "Change display, role, institution, area, practitioner or disabled (\"true\", \"false\"); what is not named stays. Sessions "
     "end with another role.",
     R"({"role":"epidemiologist","disabled":"false"})", account_example, change},
    {"DELETE", "/api/v1/accounts/{name}", Who::logged_in, "Remove an account for good.", "", "", remove},
    {"POST", "/api/v1/accounts/{name}/password", Who::logged_in, "Give somebody another one-time password; their sessions end.",
     "", R"({"name":"li.na","password":"k7mq-x2ah-9dfe-w3rt"})", reset_password},
    {"DELETE", "/api/v1/accounts/{name}/second-factor", Who::logged_in,
     "Take away the second factor of somebody who lost it; their sessions end.", "", account_example, reset_second_factor},
    {"DELETE", "/api/v1/accounts/{name}/sessions", Who::logged_in, "End all sessions of somebody.", "", "", end_all},
};

}  // namespace

std::span<const Route> staff_account_routes() { return routes; }

}  // namespace xinglin::server
