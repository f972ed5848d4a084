// SPDX-License-Identifier: Apache-2.0
// What of a token's scopes counts for one request, and how the request is narrowed to them.
//
// First the scopes without a condition (of a system: system/, of a person: user/): where one allows what is asked, the request goes
// on with these alone, and every room asks Viewer::allows for each type it comes across. Otherwise a plain search or read is
// narrowed: to the compartment of the Patient in context, and by the conditions of the scope. Whatever else there is, is refused.
#include <algorithm>

#include "fhir/fhir.h"
#include "oauth/scope.h"
#include "text/text.h"

namespace xinglin::oauth {

namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

// Not of any patient, and needed to understand what is: R4 has them in no Patient compartment.
constexpr std::string_view shared_types[] = {"Practitioner", "PractitionerRole", "Organization",
                                             "Location",     "HealthcareService", "Medication"};

struct Asked {
    enum class Form { search, read, everything, other } form = Form::other;
    std::string type, id;
    char action = 0;  // of a search or read of one type, or a write of it; 0: more than one
    bool in_compartment = false;
    std::string compartment;  // id of the Patient
    Pairs parameters;
    bool reaches_out = false;  // chains, includes: other resources have a say or are shown
};

Outcome no(std::string what) { return refuse(IssueCode::forbidden, "scope", std::move(what)); }

bool is_type(std::string_view name) {
    const fhir::Type* type = fhir::find_resource(name);
    return type && !type->is_abstract;
}

bool reaches(std::string_view name) {
    for (const std::string_view out : {"_has", "_include", "_revinclude", "_filter", "_query", "_list", "_contained", "_asOf"}) {
        if (name.starts_with(out)) return true;
    }
    return name.find('.') != std::string_view::npos;
}

char write_action(std::string_view method, bool has_id) {
    if (method == "POST") return has_id ? 0 : 'c';
    if (method == "PUT" || method == "PATCH") return 'u';
    return method == "DELETE" ? 'd' : '\0';
}

/// Path and method only.
Asked shape_of(const http::Request& request) {
    Asked asked;
    const std::string_view rest = std::string_view(request.path).substr(std::min<std::size_t>(request.path.size(), 6));  // "/fhir/"
    const auto parts = text::split(rest, '/');
    const bool gets = request.method == "GET" || request.method == "HEAD";
    if (rest.empty() || !is_type(parts[0])) return asked;
    asked.type = parts[0];
    const std::string_view second = parts.size() > 1 ? parts[1] : std::string_view();
    if (parts.size() == 1) {
        asked.form = gets ? Asked::Form::search : Asked::Form::other;
        asked.action = gets ? 's' : write_action(request.method, false);
    } else if (parts.size() == 2 && second == "_search" && request.method == "POST") {
        asked.form = Asked::Form::search;
        asked.action = 's';
    } else if (second.starts_with('_') || second.starts_with('$') || second.empty()) {
        return asked;
    } else if (parts.size() == 2 || (parts[2] == "_history" && parts.size() <= 4)) {
        asked.form = gets ? Asked::Form::read : Asked::Form::other;
        asked.action = gets ? 'r' : write_action(request.method, true);
        asked.id = second;
    } else if (parts.size() == 3 && asked.type == "Patient" && parts[2] == "$everything" && gets) {
        asked.form = Asked::Form::everything;
        asked.id = second;
    } else if (parts.size() == 3 && asked.type == "Patient" && gets && is_type(parts[2])) {
        asked.form = Asked::Form::search;
        asked.action = 's';
        asked.in_compartment = true;
        asked.compartment = second;
        asked.type = parts[2];
    }
    return asked;
}

Result<Asked> read_request(const http::Request& request) {
    Asked asked = shape_of(request);
    XINGLIN_TRY(asked.parameters, http::parse_query(request.query));
    const std::string_view kind = request.headers.get("Content-Type");
    if (asked.form == Asked::Form::search && request.method == "POST") {
        if (!kind.starts_with("application/x-www-form-urlencoded"))
            return refuse(IssueCode::not_supported, "Content-Type", "send the search as application/x-www-form-urlencoded");
        XINGLIN_TRY(Pairs body, http::parse_query(request.body));
        asked.parameters.insert(asked.parameters.end(), body.begin(), body.end());
    }
    for (const auto& [name, value] : asked.parameters) asked.reaches_out = asked.reaches_out || reaches(name);
    return asked;
}

std::string joined(const std::vector<Scope>& scopes) {
    std::string out;
    for (const Scope& each : scopes) out += (out.empty() ? "" : " ") + each.text();
    return out;
}

/// Several conditions hold when any of them does; search says that only of values of one parameter.
Result<std::string> either(const std::vector<Scope>& scopes) {
    std::string name, values;
    for (const Scope& each : scopes) {
        if (each.query.empty()) return std::string();
        const std::size_t equals = each.query.find('=');
        if (scopes.size() == 1) return each.query;
        if (each.query.find('&') != std::string::npos || (!name.empty() && each.query.substr(0, equals) != name))
            return no("your scopes of this type have conditions that cannot be asked at once; ask for a token with one of them");
        name = each.query.substr(0, equals);
        values += (values.empty() ? "" : ",") + each.query.substr(equals + 1);
    }
    return name + "=" + values;
}

std::string written(const Pairs& pairs, const std::string& condition) {
    std::string out;
    for (const auto& [name, value] : pairs)
        out += (out.empty() ? "" : "&") + http::percent_encode(name) + "=" + http::percent_encode(value);
    if (!condition.empty()) out += (out.empty() ? "" : "&") + condition;
    return out;
}

/// A search or read by scopes that see a part of the type only.
Result<Passage> narrowed(const std::vector<Scope>& scopes, bool in_context, std::string_view context, const Asked& asked) {
    Passage passage;
    passage.granted = joined(scopes);
    if (asked.reaches_out)
        return no("your scope sees a part of this type: chains, includes and lists, which lead beyond it, are not open to it");
    const bool is_shared = std::find(std::begin(shared_types), std::end(shared_types), asked.type) != std::end(shared_types);
    const bool bound = in_context && !is_shared;
    XINGLIN_TRY(std::string condition, either(scopes));
    if (asked.form == Asked::Form::read) {
        if (bound && asked.type == "Patient" && asked.id != context) return no("your token is about another patient");
        if (!bound && condition.empty()) return passage;
        if (bound && asked.type == "Patient" && condition.empty()) return passage;
        passage.check_type = asked.type;
        passage.check_id = asked.id;
        passage.check_query = std::move(condition);
        passage.check_context = bound && asked.type != "Patient";
        return passage;
    }
    if (bound && asked.type == "Patient") condition += (condition.empty() ? "_id=" : "&_id=") + std::string(context);
    const bool moves = bound && asked.type != "Patient" && !asked.in_compartment;
    passage.path = "/fhir/";
    if (asked.in_compartment || moves) passage.path += "Patient/" + std::string(asked.in_compartment ? asked.compartment : context) + "/";
    passage.path += asked.type;
    passage.query = written(asked.parameters, condition);
    return passage;
}

}  // namespace

Result<Passage> pass(const Granted& granted, bool is_system, std::string_view context, const http::Request& request) {
    const Whose own = is_system ? Whose::system : Whose::user;
    std::vector<Scope> free;
    for (const Scope& each : granted.resources) {
        if (each.whose == own && each.query.empty()) free.push_back(each);
    }
    const auto any = [](const std::vector<Scope>& scopes, std::string_view type, char action) {
        return std::any_of(scopes.begin(), scopes.end(), [&](const Scope& each) { return each.allows(type, action); });
    };
    XINGLIN_TRY(const Asked asked, read_request(request));
    if (asked.form == Asked::Form::everything && asked.id == context && !context.empty() && !asked.reaches_out) {
        for (const Scope& each : granted.resources) {
            if (each.whose == Whose::patient && each.query.empty() && each.allows("*", 'r')) {
                Passage passage;
                passage.granted = each.text();
                return passage;
            }
        }
    }
    const bool by_type = asked.action != 0;
    if (!free.empty() && (by_type ? any(free, asked.type, asked.action) : true)) {
        // Where a condition leads through other types, whoever sees all of them may ask it.
        if (asked.reaches_out && !any(free, "*", 's')) return no("chains, includes and lists need a scope of all types, .../*.rs");
        Passage passage;
        passage.granted = joined(free);
        return passage;
    }
    const auto of = [&](Whose whose) {
        std::vector<Scope> those;
        for (const Scope& each : granted.resources) {
            if (each.whose == whose && (whose == Whose::patient || !each.query.empty()) && each.allows(asked.type, asked.action))
                those.push_back(each);
        }
        return those;
    };
    const bool plain = asked.form == Asked::Form::search || asked.form == Asked::Form::read;
    if (plain) {
        if (const auto those = of(own); !those.empty()) return narrowed(those, false, context, asked);
        if (asked.in_compartment && asked.compartment != context) return no("your token is about another patient");
        if (const auto those = of(Whose::patient); !is_system && !context.empty() && !those.empty())
            return narrowed(those, true, context, asked);
    }
    return no("the scope of your token does not include this; ask for one that does");
}

}  // namespace xinglin::oauth
