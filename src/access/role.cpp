// SPDX-License-Identifier: Apache-2.0
// Roles and scopes: who may do what, before any record is looked at.
//
// Scopes are SMART App Launch 2.x "system/TYPE.cruds" (letters in this order), and of 1.0 ".read", ".write", ".*".
#include "access/access.h"
#include "access/scope.h"
#include "text/text.h"

namespace xinglin::access {

namespace {

constexpr std::pair<Role, std::string_view> roles[] = {{Role::administrator, "administrator"},
                                                       {Role::clinician, "clinician"},
                                                       {Role::epidemiologist, "epidemiologist"},
                                                       {Role::planner, "planner"},
                                                       {Role::operator_, "operator"},
                                                       {Role::auditor, "auditor"},
                                                       {Role::resident, "resident"},
                                                       {Role::system, "system"},
                                                       {Role::institution_administrator, "institution-administrator"}};
constexpr std::string_view patient_scope = "patient/";

/// The actions of the part behind the dot as a subset of "cruds"; nothing when it is not one.
std::optional<std::string> actions_of(std::string_view text) {
    if (text == "*") return "cruds";
    if (text == "read") return "rs";
    if (text == "write") return "cud";
    std::size_t at = 0;
    constexpr std::string_view all = "cruds";
    for (const char c : text) {
        at = all.find(c, at);
        if (at == std::string_view::npos) return std::nullopt;
        ++at;
    }
    if (text.empty()) return std::nullopt;
    return std::string(text);
}

struct Grant {
    std::string_view whose;  // system, user, patient
    std::string_view type;   // "*" for all
    std::string actions;
};

std::optional<Grant> parse_grant(std::string_view text) {
    const auto slash = text.find('/'), dot = text.rfind('.');
    if (slash == std::string_view::npos || dot == std::string_view::npos || dot <= slash + 1) return std::nullopt;
    const std::string_view whose = text.substr(0, slash), type = text.substr(slash + 1, dot - slash - 1);
    if (whose != "system" && whose != "user" && whose != "patient") return std::nullopt;
    for (const char c : type) {
        const bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!letter && type != "*") return std::nullopt;
    }
    const auto actions = actions_of(text.substr(dot + 1));
    if (!actions) return std::nullopt;
    return Grant{whose, type, *actions};
}

/// Does any of the scopes, of a system or of a person's token, allow one of `actions`?
bool any_allows(std::string_view scope, bool of_system, std::string_view type, std::string_view actions) {
    for (const std::string_view part : text::split(scope, ' ')) {
        const auto grant = parse_grant(part);
        if (grant && (grant->whose == "system") == of_system && (type.empty() || grant->type == "*" || grant->type == type) &&
            grant->actions.find_first_of(actions) != std::string::npos)
            return true;
    }
    return false;
}

}  // namespace

std::string_view text(Role role) {
    for (const auto& [each, name] : roles) {
        if (each == role) return name;
    }
    return "system";
}

std::optional<Role> parse_role(std::string_view text) {
    for (const auto& [each, name] : roles) {
        if (name == text) return each;
    }
    return std::nullopt;
}

bool Viewer::may_write() const {
    if (!granted.empty() && !any_allows(granted, false, "", "cud")) return false;
    if (role == Role::administrator || role == Role::clinician) return true;
    return role == Role::system && any_allows(scope, true, "", "cud");
}

bool Viewer::may_read() const {
    return role == Role::administrator || role == Role::clinician || role == Role::epidemiologist || role == Role::system ||
           !patient().empty();
}

bool Viewer::may_administer() const { return role == Role::administrator && granted.empty(); }

bool Viewer::may_operate() const { return (role == Role::administrator || role == Role::operator_) && granted.empty(); }

bool Viewer::allows(std::string_view resource_type, char action) const {
    const std::string_view one(&action, 1);
    if (!granted.empty() && !any_allows(granted, false, resource_type, one)) return false;
    return role != Role::system || any_allows(scope, true, resource_type, one);
}

bool Viewer::may_manage_accounts() const {
    return may_administer() || (role == Role::institution_administrator && !institution.empty() && granted.empty());
}

std::string_view Viewer::patient() const {
    if (role != Role::resident || !scope.starts_with(patient_scope)) return {};
    return std::string_view(scope).substr(patient_scope.size());
}

Viewer Viewer::program(std::string_view what) {
    Viewer viewer;
    viewer.name = "xinglin";
    viewer.display = "Xinglin";
    viewer.role = Role::system;
    viewer.scope = "system/*.cruds";
    viewer.purpose = what;
    return viewer;
}

bool scope_allows(std::string_view scope, std::string_view resource_type, char action) {
    return any_allows(scope, true, resource_type, std::string_view(&action, 1));
}

bool is_scope(std::string_view scope) {
    bool any = false;
    for (const std::string_view part : text::split(scope, ' ')) {
        if (part.empty()) continue;
        const auto grant = parse_grant(part);
        if (!grant || grant->whose != "system") return false;
        any = true;
    }
    return any;
}

}  // namespace xinglin::access
