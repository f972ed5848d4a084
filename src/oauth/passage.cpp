// SPDX-License-Identifier: Apache-2.0
// What of a token's scopes counts for one request.
//
// Scopes without a condition (of a system: system/, of a person: user/) that allow what is asked of one type, or everything: the request
// goes on with these alone, and every room asks Viewer::allows for each type it comes across. Otherwise all scopes that may count become
// conditions for the record's guard, which every search, read and walk has among it (docs/decisions/0050). Exports, which have no guard, are refused.
#include <algorithm>

#include "fhir/fhir.h"
#include "oauth/scope.h"
#include "text/text.h"

namespace xinglin::oauth {

namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

struct Asked {
    std::string type;
    char action = 0;           // of a search or read of one type, or a write of it; 0: more than one
    bool reaches_out = false;  // chains, includes, bundles: other resources have a say or are shown
    bool exports = false;
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
    const std::string_view rest =
        std::string_view(request.path).substr(std::min<std::size_t>(request.path.size(), 6));  // "/fhir/"
    const auto parts = text::split(rest, '/');
    const bool gets = request.method == "GET" || request.method == "HEAD";
    asked.exports = parts[0] == "bulk" || parts.back().starts_with("$export");
    if (rest.empty() || !is_type(parts[0])) return asked;
    const std::string_view second = parts.size() > 1 ? parts[1] : std::string_view();
    asked.type = parts[0];
    if (parts.size() == 1) {
        asked.action = gets ? 's' : write_action(request.method, false);
    } else if (parts.size() == 2 && second == "_search" && request.method == "POST") {
        asked.action = 's';
    } else if (second.starts_with('_') || second.starts_with('$') || second.empty()) {
        return asked;
    } else if (parts.size() == 2 || (parts[2] == "_history" && parts.size() <= 4)) {
        asked.action = gets ? 'r' : write_action(request.method, true);
    } else if (parts.size() == 3 && gets && is_type(parts[2])) {
        asked.action = 's';
        asked.type = parts[2];
    }
    return asked;
}

Result<Asked> read_request(const http::Request& request) {
    Asked asked = shape_of(request);
    XINGLIN_TRY(Pairs parameters, http::parse_query(request.query));
    if (request.path.ends_with("/_search") && request.method == "POST") {
        if (!request.headers.get("Content-Type").starts_with("application/x-www-form-urlencoded"))
            return refuse(IssueCode::not_supported, "Content-Type", "send the search as application/x-www-form-urlencoded");
        XINGLIN_TRY(const Pairs body, http::parse_query(request.body));
        parameters.insert(parameters.end(), body.begin(), body.end());
    }
    asked.reaches_out = std::any_of(parameters.begin(), parameters.end(), [](const auto& pair) { return reaches(pair.first); }) ||
                        reaches(request.headers.get("If-None-Exist"));
    return asked;
}

/// Without their conditions, each once.
std::string joined(const std::vector<Scope>& scopes) {
    std::string out;
    for (Scope each : scopes) {
        each.query.clear();
        const std::string text = each.text();
        if ((" " + out + " ").find(" " + text + " ") == std::string::npos) out += (out.empty() ? "" : " ") + text;
    }
    return out;
}

}  // namespace

Result<Passage> pass(const Granted& granted, bool is_system, std::string_view context, const http::Request& request) {
    const Whose own = is_system ? Whose::system : Whose::user;
    Granted counting;
    std::vector<Scope> free;
    for (const Scope& each : granted.resources) {
        const bool in_context = each.whose == Whose::patient && !is_system && !context.empty();
        if (each.whose != own && !in_context) continue;
        counting.resources.push_back(each);
        if (each.whose == own && each.query.empty()) free.push_back(each);
    }
    const auto any = [](const std::vector<Scope>& scopes, std::string_view type, char action) {
        return std::any_of(scopes.begin(), scopes.end(), [&](const Scope& each) { return each.allows(type, action); });
    };
    XINGLIN_TRY(const Asked asked, read_request(request));
    if (counting.resources.empty() || (asked.action != 0 && !any(counting.resources, asked.type, asked.action)))
        return no("the scope of your token does not include this; ask for one that does");
    if (asked.exports && free.empty()) return no("exports are of everything in a type, and your scope sees a part of it only");
    const bool reads = request.method == "GET" || request.method == "HEAD" || asked.action == 's';
    const bool sees_all = any(free, "*", 'r') && any(free, "*", 's');
    const bool by_type = asked.action != 0 && any(free, asked.type, asked.action) && !asked.reaches_out;
    if (asked.exports || by_type || (sees_all && (reads || free.size() == counting.resources.size())))
        return Passage{joined(free), {}};
    return Passage{joined(counting.resources), counting.conditions()};
}

}  // namespace xinglin::oauth
