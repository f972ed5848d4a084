// SPDX-License-Identifier: Apache-2.0
// The front door: every request comes through here once.
#include <algorithm>

#include "access/access.h"
#include "oauth/oauth.h"
#include "person/person.h"
#include "server/forwarded.h"
#include "server/house.h"
#include "server/route.h"
#include "server/session_cookie.h"
#include "server/token_gate.h"
#include "server/turnstile.h"
#include "server/watermark.h"
#include "sql/sql.h"
#include "text/text.h"

namespace xinglin::server {

namespace {

struct Caller {
    access::Viewer viewer;
    std::string cookie, csrf;  // of a session; "" with a token
    std::string app;           // whose token it is, of OAuth
};

bool is_under(std::string_view path, std::string_view folder) {
    return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}
bool is_fhir(const http::Request& request) { return is_under(request.path, "/fhir"); }
bool is_people(const http::Request& request) { return is_under(request.path, "/api/v1/people"); }
bool only_reads(const http::Request& request) {
    return request.method == "GET" || request.method == "HEAD" || request.method == "OPTIONS";
}

std::string_view bearer_token(const http::Request& request) {
    const std::string_view header = request.headers.get("Authorization");
    constexpr std::string_view scheme = "bearer ";
    if (header.size() <= scheme.size() || text::lower_ascii(header.substr(0, scheme.size())) != scheme) return {};
    return header.substr(scheme.size());
}

std::optional<Caller> caller_of(House& house, const http::Request& request) {
    Caller caller;
    if (const auto token = bearer_token(request); !token.empty()) {
        if (auto known = house.oauth->bearer(token, request.certificate)) {
            caller.viewer = std::move(known->viewer);
            caller.app = std::move(known->client);
        } else {
            auto viewer = house.accounts->bearer(token);
            if (!viewer) return std::nullopt;
            caller.viewer = std::move(*viewer);
        }
    } else if (const std::string cookie = session_cookie(request); !cookie.empty()) {
        auto session = house.accounts->session(cookie);
        if (!session) return std::nullopt;
        caller.viewer = std::move(session->viewer);
        caller.cookie = cookie;
        caller.csrf = session->csrf;
    } else {
        return std::nullopt;
    }
    caller.viewer.trace_id = request.trace_id;
    caller.viewer.purpose = std::string(request.headers.get("X-Xinglin-Purpose").substr(0, 64));
    auto guard = house.policies->guard(caller.viewer);
    if (!guard.ok()) throw std::runtime_error("policy: " + guard.outcome().line());  // nobody is let in unguarded
    caller.viewer.guard = std::move(*guard);
    return caller;
}

http::Response refusal_for(const http::Request& request, const Outcome& outcome) {
    return is_fhir(request) ? api::refusal(outcome) : error_response(outcome, request.trace_id);
}

/// A resident reads one's own record and who looked at it, and nothing else: the record of the person, of every Patient that is the person.
bool is_own(House& house, const http::Request& request, std::string_view patient, bool is_guarded) {
    if (request.path.starts_with("/auth/") || request.path.starts_with("/oauth/") ||
        is_under(request.path, "/api/v1/card/mine") || is_under(request.path, "/api/v1/audit/mine") ||
        is_under(request.path, "/api/v1/consent/mine"))
        return true;
    if (request.path == "/api/v1/consent/choices") return only_reads(request);
    if (request.path == "/api/v1/openapi.json") return only_reads(request);  // what there is, nobody's data: the menu asks it
    std::string_view rest = request.path;
    const bool fhir = rest.starts_with("/fhir/Patient/"), people = rest.starts_with("/api/v1/people/");
    if (!fhir && !people) return false;
    rest.remove_prefix(std::string_view(fhir ? "/fhir/Patient/" : "/api/v1/people/").size());
    const std::size_t slash = rest.find('/');
    const std::string_view id = rest.substr(0, slash), what = slash == std::string_view::npos ? "" : rest.substr(slash);
    if (request.method == "POST") {
        if (!people || (what != "/reveal" && what != "/printed")) return false;
    } else if (request.method != "GET" && request.method != "HEAD") {
        return false;
    } else if (fhir ? what != "" && what != "/$everything" : what != "" && what != "/accesses" && what != "/timeline") {
        return false;
    }
    if (id == patient) return true;
    if (!house.persons) return false;
    const std::vector<std::string> own = house.persons->patients(patient);
    if (std::find(own.begin(), own.end(), id) != own.end()) return true;
    // Of a ward too; where something is withheld at the ward's age, only what a guard holds back can be shown.
    if (!only_reads(request)) return false;
    for (const consent::Proxy& proxy : house.consents->proxies(patient, house.clock.now_ms()))
        if (proxy.patient == id && (proxy.withheld.empty() || is_guarded)) return true;
    return false;
}

/// Nothing when this caller may go on.
std::optional<Outcome> objection_to(House& house, const http::Request& request, const std::optional<Caller>& caller) {
    if (!caller) {
        return refuse(IssueCode::login, "Authorization",
                      "log in at /auth/login, or send a valid token as \"Authorization: Bearer …\"");
    }
    if (!caller->cookie.empty() && !only_reads(request) && request.headers.get("X-Xinglin-CSRF") != caller->csrf) {
        return refuse(IssueCode::forbidden, "X-Xinglin-CSRF", "send the csrf value of /auth/me in this header with every write");
    }
    // An app of a resident is led into the own record by its scope, whatever it asks (token_gate.h).
    const bool by_scope = !caller->viewer.granted.empty() && is_fhir(request);
    if (caller->viewer.role == access::Role::resident && !by_scope &&
        !is_own(house, request, caller->viewer.patient(), caller->viewer.guard != nullptr)) {
        return refuse(IssueCode::forbidden, "role", "residents see their own record only");
    }
    if (caller->viewer.must_change_password && !is_under(request.path, "/auth")) {
        return refuse(IssueCode::forbidden, "password", "change the one-time password first, at /auth/password");
    }
    if (caller->viewer.must_enrol && !is_under(request.path, "/auth")) {
        return refuse(IssueCode::forbidden, "second_factor",
                      "your role needs a second factor first, enrol one at /auth/second-factor");
    }
    return std::nullopt;
}

/// The same; what is refused is written down. Who brings nothing to be known by is a stranger and leaves no line.
std::optional<Outcome> objection(House& house, const http::Request& request, const std::optional<Caller>& caller) {
    auto no = objection_to(house, request, caller);
    if (no && (caller || !bearer_token(request).empty() || !session_cookie(request).empty()))
        house.write_down_refusal(caller ? caller->viewer : access::Viewer{}, request, *no);
    return no;
}

/// Who asks too much waits; the first time within a minute it is written down. True when it was answered here.
bool held_up(House& house, const http::Request& request, const access::Viewer* viewer, const access::Verdict& verdict,
             const http::Respond& respond) {
    if (verdict.granted) return false;
    const Outcome no = too_fast(verdict.wait_s, request);
    if (verdict.tell) house.write_down_refusal(viewer ? *viewer : access::Viewer{}, request, no);
    http::Response response = refusal_for(request, no);
    response.headers.set("Retry-After", std::to_string(verdict.wait_s));
    respond(std::move(response));
    return true;
}

/// Somebody who is known is counted by account and app, everybody else by address. True when it was answered here.
bool held_up(House& house, const http::Request& request, const std::optional<Caller>& caller, const http::Respond& respond) {
    if (!caller)
        return held_up(house, request, nullptr,
                       take_for_address(access::limiter(*house.accounts), request, access::Ask::stranger), respond);
    return held_up(house, request, &caller->viewer,
                   take_for(access::limiter(*house.accounts), caller->viewer, caller->app, request), respond);
}
bool held_up_at_open_door(House& house, const http::Request& request, const http::Respond& respond) {
    return held_up(house, request, nullptr, take_for_address(access::limiter(*house.accounts), request, open_ask_of(request)),
                   respond);
}

void visit(House& house, http::Request request, http::Respond respond) {
    std::vector<std::string> holes;
    std::string methods_allowed;
    const Route* route = find_route(request, holes, methods_allowed);
    std::optional<Caller> caller;
    if (!route || route->who != Who::anyone) {
        caller = caller_of(house, request);
        if (held_up(house, request, caller, respond)) return;
        if (const auto no = objection(house, request, caller)) return respond(error_response(*no, request.trace_id));
        if (const auto no = admit_call(house, request, caller->viewer)) return respond(error_response(*no, request.trace_id));
    } else if (held_up_at_open_door(house, request, respond)) {
        return;
    }
    if (!route && !methods_allowed.empty()) {
        auto response =
            error_response(refuse(IssueCode::not_supported, "method", "this address takes " + methods_allowed), request.trace_id);
        response.status = 405;
        response.headers.add("Allow", methods_allowed);
        return respond(std::move(response));
    }
    if (!route)
        return respond(
            error_response(refuse(IssueCode::not_found, "path", "there is nothing at this address"), request.trace_id));
    if (route->who == Who::writer && !caller->viewer.may_write()) {
        const Outcome no = refuse(IssueCode::forbidden, "role", "your role may not write");
        house.write_down_refusal(caller->viewer, request, no);
        return respond(error_response(no, request.trace_id));
    }
    const bool comes_back = request.path.ends_with("/rejected");                 // to be mended and imported again
    if (caller && caller->viewer.role != access::Role::system && !comes_back) {  // files that people take away say who took them
        respond = [&house, viewer = caller->viewer, asked = http::Request{.peer = request.peer, .trace_id = request.trace_id},
                   respond = std::move(respond)](http::Response response) {
            respond(marked(std::move(response), viewer, asked, house.clock.now_ms()));
        };
    }
    Visit visit{house, std::move(request), {}, {}, {}, std::move(holes), std::move(respond)};
    if (caller) {
        visit.viewer = std::move(caller->viewer);
        visit.cookie = std::move(caller->cookie);
        visit.csrf = std::move(caller->csrf);
    }
    route->act(visit);
}

void pass_to_api(House& house, http::Request request, http::Respond respond) {
    if (api::Api::open_to_all(request)) {
        if (held_up_at_open_door(house, request, respond)) return;
        return house.api->handle(std::move(request), {}, std::move(respond));
    }
    auto caller = caller_of(house, request);
    if (held_up(house, request, caller, respond)) return;
    auto no = objection(house, request, caller);
    if (!no) no = is_fhir(request) ? narrow(house, request, caller->viewer) : admit_call(house, request, caller->viewer);
    if (no) {
        auto response = refusal_for(request, *no);
        if (!caller) response.headers.set("WWW-Authenticate", "Bearer realm=\"xinglin\"");
        return respond(std::move(response));
    }
    const bool decides = is_under(request.path, "/fhir/Consent") && !only_reads(request);
    if (decides) {  // what was written counts when the answer comes
        respond = [&house, respond = std::move(respond)](http::Response response) {
            try {
                house.consents->catch_up();
            } catch (const std::exception&) {}  // the follower tries again
            respond(std::move(response));
        };
    }
    if (is_fhir(request) && !only_reads(request) && caller->viewer.guard) {
        const std::string_view rest =
            std::string_view(request.path).substr(std::min<std::size_t>(request.path.size(), 6));  // "/fhir/"
        respond = [&house, viewer = caller->viewer, type = std::string(rest.substr(0, rest.find('/'))),
                   respond = std::move(respond)](http::Response response) {
            if (response.status / 100 == 2) house.policies->wrote(viewer, type);
            respond(std::move(response));
        };
    }
    house.api->handle(std::move(request), caller->viewer, std::move(respond));
}

void log_failure(House& house, const http::Request& request, std::string_view what) {
    // The first two parts of the path name the call; what follows may name a person.
    const auto parts = text::split(request.path, '/');
    std::string call;
    for (std::size_t i = 1; i < parts.size() && i < 3; ++i) call += "/" + std::string(parts[i]);
    house.log.error("request failed",
                    {{"method", request.method}, {"call", call}, {"trace", request.trace_id}, {"why", std::string(what)}});
}

bool is_about_terminology(std::string_view path) {
    return is_under(path, "/api/v1/terminology") || is_under(path, "/fhir/ValueSet") || is_under(path, "/fhir/CodeSystem") ||
           is_under(path, "/fhir/ConceptMap");
}

}  // namespace

void add_answer_headers(http::Headers& headers, bool is_https) {
    if (is_https)
        headers.set("Strict-Transport-Security", "max-age=31536000");  // who came over TLS once is to come that way for a year
    if (headers.has("Content-Security-Policy")) return;
    // What is no page of ours runs nothing, shows in no frame, and is what its type says, whatever somebody stored in it.
    headers.add("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox");
    headers.set("X-Content-Type-Options", "nosniff");
    headers.set("Referrer-Policy", "no-referrer");
    if (!headers.has("Cache-Control")) headers.add("Cache-Control", "no-store");
}

std::string_view session_cookie_name(const http::Request& request) {
    return request.scheme == "https" ? "__Host-xinglin_session" : "xinglin_session";
}

std::string cookie_of(const http::Request& request, std::string_view wanted) {
    for (const auto& [name, value] : request.headers.all()) {
        if (text::lower_ascii(name) != "cookie") continue;
        for (std::string_view part : text::split(value, ';')) {
            while (part.starts_with(' ')) part.remove_prefix(1);
            if (part.starts_with(wanted) && part.substr(wanted.size()).starts_with('='))
                return std::string(part.substr(wanted.size() + 1));
        }
    }
    return "";
}

std::string session_cookie(const http::Request& request) { return cookie_of(request, session_cookie_name(request)); }

std::size_t body_limit(House& house, const http::Request& asked) {
    std::optional<http::Request> unveiled;  // which cookie it is depends on how the client came to the proxy
    if (is_veiled(asked)) unveil(unveiled.emplace(asked), access::limiter(*house.accounts).rules().proxies);
    const http::Request& request = unveiled ? *unveiled : asked;
    constexpr std::size_t of_strangers = 64u << 10, of_imports = 512u << 20;
    if (!is_under(request.path, "/fhir") && !is_under(request.path, "/api")) return of_strangers;
    try {
        if (!caller_of(house, request)) return of_strangers;
    } catch (const std::exception&) {
        return of_strangers;  // the handler meets the same trouble and says so
    }
    return request.path == "/api/v1/imports" ? of_imports : house.options.http.body_bytes;
}

bool is_quick(House& house, const http::Request& request) {
    // A token of an app is looked up, and what it may read is, too: not on a thread that carries bytes.
    return request.method == "GET" && is_fhir(request) && !bearer_token(request).starts_with("xa_") && house.api->quick(request);
}

void receive(House& house, http::Request request, http::Respond respond) {
    unveil(request, access::limiter(*house.accounts).rules().proxies);
    const std::string method = request.method, path = request.path, trace_id = request.trace_id;
    respond = [respond = std::move(respond), is_https = request.scheme == "https"](http::Response response) {
        add_answer_headers(response.headers, is_https);
        respond(std::move(response));
    };
    const auto unavailable = [&](std::string_view why, const Outcome& outcome) {
        http::Request said;
        said.method = method;
        said.path = path;
        said.trace_id = trace_id;
        log_failure(house, said, why);
        respond(refusal_for(said, outcome));
    };
    try {
        if (is_about_terminology(path)) house.warm_up();
        const bool is_document = path == "/fhir/.well-known/smart-configuration";
        if ((is_fhir(request) && !is_document) || is_people(request)) return pass_to_api(house, std::move(request), respond);
        const bool is_call = is_document || is_under(path, "/api") || is_under(path, "/auth") || is_under(path, "/oauth") ||
                             is_under(path, "/.well-known") || path == "/metrics" || path == "/healthz" || path == "/readyz";
        if (is_call) return visit(house, std::move(request), respond);
        if (!held_up_at_open_door(house, request, respond)) respond(house.pages.answer(request));
    } catch (const sql::Broken& error) {
        unavailable(error.what(), refuse(IssueCode::transient, "store", "the store does not answer, try again later"));
    } catch (const std::exception& error) {
        unavailable(error.what(),
                    refuse(IssueCode::exception, "server", "something broke on our side; the trace id finds it in the log"));
    }
}

}  // namespace xinglin::server
