// SPDX-License-Identifier: Apache-2.0
// Scopes: read, written, compared, narrowed.
#include "oauth/scope.h"

#include <algorithm>

#include "fhir/fhir.h"
#include "search/search.h"
#include "text/text.h"

namespace xinglin::oauth {

namespace {

constexpr std::size_t most_bytes = 4u << 10, most_scopes = 64;
constexpr std::string_view known_words[] = {"openid", "fhirUser", "profile", "launch/patient", "online_access", "offline_access"};

Outcome bad(std::string_view scope, std::string what) {
    return refuse(IssueCode::value, "scope", std::string(scope.substr(0, 100)) + ": " + std::move(what));
}

std::optional<std::string> actions_of(std::string_view text) {
    if (text == "*") return "cruds";
    if (text == "read") return "rs";
    if (text == "write") return "cud";
    std::size_t at = 0;
    for (const char c : text) {
        at = std::string_view("cruds").find(c, at);
        if (at == std::string_view::npos) return std::nullopt;
        ++at;
    }
    return text.empty() ? std::nullopt : std::optional(std::string(text));
}

/// The condition must be one that search understands of the type itself: no chains, nothing about how the answer looks.
Result<Done> check_query(std::string_view scope, std::string_view type_name, std::string_view query) {
    const fhir::Type* type = fhir::find_resource(type_name);
    if (!type) return bad(scope, "a condition needs a type, not *");
    const auto pairs = http::parse_query(query);
    if (!pairs.ok() || pairs->empty() || pairs->size() > 8)
        return bad(scope, "write the condition as name=value, & between them");
    for (const auto& [name, value] : *pairs) {
        const std::string code = name.substr(0, name.find(':'));
        if (value.empty() || name.find('.') != std::string::npos || !search::find_parameter(*type, code))
            return bad(scope, code + " is no search parameter of " + std::string(type_name) + " that a scope can have");
    }
    const auto parsed = search::parse(std::span(&type, 1), *pairs);
    if (!parsed.ok()) return bad(scope, parsed.outcome().line());
    return Done{};
}

Result<Scope> read_scope(std::string_view text) {
    Scope scope;
    const std::size_t slash = text.find('/'), mark = text.find('?');
    const std::string_view head = text.substr(0, mark), whose = text.substr(0, slash);
    if (whose == "patient") scope.whose = Whose::patient;
    else if (whose == "system") scope.whose = Whose::system;
    else if (whose != "user") return bad(text, "begins with patient/, user/ or system/");
    const std::size_t dot = head.rfind('.');
    if (dot == std::string_view::npos || dot < slash) return bad(text, "says no actions, write it as user/Observation.rs");
    scope.type = head.substr(slash + 1, dot - slash - 1);
    const fhir::Type* type = fhir::find_resource(scope.type);
    if (scope.type != "*" && (!type || type->is_abstract)) return bad(text, "names no resource type of R4");
    const auto actions = actions_of(head.substr(dot + 1));
    if (!actions) return bad(text, "its actions must be some of cruds, in this order");
    scope.actions = *actions;
    if (mark == std::string_view::npos) return scope;
    scope.query = text.substr(mark + 1);
    XINGLIN_CHECK(check_query(text, scope.type, scope.query));
    return scope;
}

void add(std::vector<Scope>& all, Scope scope) {
    for (const Scope& each : all) {
        if (each.covers(scope)) return;
    }
    all.push_back(std::move(scope));
}

}  // namespace

std::string_view text(Whose whose) { return whose == Whose::patient ? "patient" : whose == Whose::user ? "user" : "system"; }

std::string Scope::text() const {
    return std::string(oauth::text(whose)) + "/" + type + "." + actions + (query.empty() ? "" : "?" + query);
}

bool Scope::allows(std::string_view resource_type, char action) const {
    return (type == "*" || type == resource_type) && actions.find(action) != std::string::npos;
}

bool Scope::covers(const Scope& other) const {
    if (whose != other.whose || (type != "*" && type != other.type) || (!query.empty() && query != other.query)) return false;
    return std::all_of(other.actions.begin(), other.actions.end(), [&](char c) { return actions.find(c) != std::string::npos; });
}

Result<Granted> Granted::parse(std::string_view text) {
    if (text.size() > most_bytes) return refuse(IssueCode::too_costly, "scope", "is longer than 4 KiB");
    Granted granted;
    for (const std::string_view part : text::split(text, ' ')) {
        if (part.empty()) continue;
        for (const char c : part) {  // NQCHAR of RFC 6749
            if (c <= ' ' || c > '~' || c == '"' || c == '\\') return bad("scope", "holds a character that no scope has");
        }
        if (std::find(std::begin(known_words), std::end(known_words), part) != std::end(known_words)) {
            if (!granted.has(part)) granted.words.emplace_back(part);
        } else if (part.find('/') != std::string_view::npos && !part.starts_with("launch/")) {
            XINGLIN_TRY(Scope scope, read_scope(part));
            add(granted.resources, std::move(scope));
        }
        if (granted.resources.size() > most_scopes) return refuse(IssueCode::too_costly, "scope", "ask for at most 64 scopes");
    }
    return granted;
}

std::string Granted::text() const {
    std::string out;
    for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
    for (const Scope& scope : resources) out += (out.empty() ? "" : " ") + scope.text();
    return out;
}

bool Granted::has(std::string_view word) const { return std::find(words.begin(), words.end(), word) != words.end(); }

bool Granted::has(Whose whose) const {
    return std::any_of(resources.begin(), resources.end(), [&](const Scope& each) { return each.whose == whose; });
}

bool Granted::is_within(const Granted& wider) const {
    for (const std::string& word : words) {
        if (!wider.has(word)) return false;
    }
    return std::all_of(resources.begin(), resources.end(), [&](const Scope& scope) {
        return std::any_of(wider.resources.begin(), wider.resources.end(), [&](const Scope& each) { return each.covers(scope); });
    });
}

Granted Granted::meet(const Granted& other) const {
    Granted both;
    for (const std::string& word : words) {
        if (other.has(word)) both.words.push_back(word);
    }
    for (const Scope& a : resources) {
        for (const Scope& b : other.resources) {
            if (a.whose != b.whose || (a.type != "*" && b.type != "*" && a.type != b.type)) continue;
            Scope scope{a.whose, a.type == "*" ? b.type : a.type, "", a.query};
            for (const char c : a.actions) {
                if (b.actions.find(c) != std::string::npos) scope.actions += c;
            }
            if (scope.query.empty()) scope.query = b.query;
            else if (!b.query.empty() && b.query != scope.query) scope.query += "&" + b.query;
            if (!scope.actions.empty()) add(both.resources, std::move(scope));
        }
    }
    return both;
}

std::vector<Granted::Condition> Granted::conditions() const {
    std::vector<Condition> all;
    for (const Scope& scope : resources) all.push_back({scope.type, scope.actions, scope.whose == Whose::patient, scope.query});
    return all;
}

}  // namespace xinglin::oauth
