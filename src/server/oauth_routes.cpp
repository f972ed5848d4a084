// SPDX-License-Identifier: Apache-2.0
// /oauth: tokens for systems and apps, and the questions to the person in between. /auth/external: logging in elsewhere.
#include "access/second_factor.h"
#include "oauth/oauth.h"
#include "oauth/relying.h"
#include "server/account_pages.h"
#include "server/house.h"
#include "server/pages.h"
#include "server/route.h"
#include "server/session_cookie.h"

namespace xinglin::server {

namespace {

using oauth::Form;

http::Response document(std::string body, int status = 200) {
    http::Response response = http::Response::text(status, "application/json", std::move(body));
    response.headers.set("Cache-Control", "no-store");
    add_security_headers(response.headers);
    return response;
}

/// What everybody may know, browsers of other houses too.
http::Response public_document(std::string body) {
    http::Response response = document(std::move(body));
    response.headers.set("Cache-Control", "public, max-age=300");
    response.headers.set("Access-Control-Allow-Origin", "*");
    return response;
}

http::Response go_to(const std::string& address) {
    http::Response response;
    response.status = 303;
    response.headers.set("Location", address);
    response.headers.set("Cache-Control", "no-store");
    add_security_headers(response.headers);
    return response;
}

http::Response refused(const Outcome& outcome) {
    http::Response response = document(oauth::error_body(outcome), oauth::error_status(outcome));
    if (response.status == 401) response.headers.set("WWW-Authenticate", "Bearer realm=\"xinglin\"");
    return response;
}

/// Each name once (RFC 6749 3.1).
Result<Form> form_of(std::string_view text) {
    auto parsed = http::parse_query(text);
    if (!parsed.ok()) return refuse(IssueCode::invalid, "invalid_request", "the parameters cannot be read");
    for (std::size_t i = 0; i < parsed->size(); ++i) {
        for (std::size_t k = 0; k < i; ++k) {
            if ((*parsed)[i].first == (*parsed)[k].first)
                return refuse(IssueCode::invalid, "invalid_request", "a parameter is there twice");
        }
    }
    return std::move(*parsed);
}

Result<Form> body_form(const http::Request& request) {
    if (!request.headers.get("Content-Type").starts_with("application/x-www-form-urlencoded"))
        return refuse(IssueCode::invalid, "invalid_request", "send the parameters as application/x-www-form-urlencoded");
    return form_of(request.body);
}

access::Viewer as(std::string_view name, access::Role role) {
    access::Viewer viewer;
    viewer.name = name;
    viewer.role = role;
    return viewer;
}

void token(Visit& visit) {
    const auto form = body_form(visit.request);
    if (!form.ok()) return visit.respond(refused(form.outcome()));
    auto given = visit.house.oauth->token(*form, {visit.request.certificate, visit.request.peer});
    if (!given.ok()) {
        visit.house.write_down(as("", access::Role::system), visit.request, "token", oauth::error_status(given.outcome()), "", "",
                               given.outcome().issues.front().where);
        return visit.respond(refused(given.outcome()));
    }
    const auto person = given->account.empty() ? std::nullopt : visit.house.accounts->viewer_of(given->account);
    visit.house.write_down(person ? *person : as(given->client, access::Role::system), visit.request, "token", 200, "", "",
                           given->grant + " " + given->client);
    visit.respond(document(json::write(given->body)));
}

void revoke(Visit& visit) {
    const auto form = body_form(visit.request);
    if (!form.ok()) return visit.respond(refused(form.outcome()));
    const auto done = visit.house.oauth->revoke(*form, {visit.request.certificate, visit.request.peer});
    visit.respond(done.ok() ? document("{}") : refused(done.outcome()));
}

void introspect(Visit& visit) {
    const auto form = body_form(visit.request);
    if (!form.ok()) return visit.respond(refused(form.outcome()));
    auto said = visit.house.oauth->introspect(*form, {visit.request.certificate, visit.request.peer});
    visit.respond(said.ok() ? document(std::move(*said)) : refused(said.outcome()));
}

void userinfo(Visit& visit) {
    const std::string_view header = visit.request.headers.get("Authorization");
    const auto known = header.size() > 7 ? visit.house.oauth->bearer(header.substr(7), visit.request.certificate) : std::nullopt;
    if (known && !known->viewer.granted.empty() && known->scope.has("openid"))
        return visit.respond(document(visit.house.oauth->userinfo(*known)));
    http::Response response = refused(refuse(IssueCode::login, "invalid_token", "a token with the scope openid is needed"));
    response.headers.set("WWW-Authenticate", "Bearer realm=\"xinglin\", error=\"invalid_token\"");
    visit.respond(std::move(response));
}

void jwks(Visit& visit) { visit.respond(public_document(visit.house.oauth->jwks())); }
void openid_configuration(Visit& visit) { visit.respond(public_document(visit.house.oauth->openid_configuration())); }
void smart_configuration(Visit& visit) { visit.respond(public_document(visit.house.oauth->smart_configuration())); }

/// The browser comes from another site, so it brings no session: the page asks with one.
void authorize(Visit& visit) {
    const bool posts = visit.request.method == "POST";
    const std::string& text = posts ? visit.request.body : visit.request.query;
    const auto form = form_of(text);
    if (!form.ok()) return visit.respond(refused(form.outcome()));
    const auto proposed = visit.house.oauth->propose(*form, nullptr);
    if (const auto* no = std::get_if<oauth::Rejected>(&proposed)) {
        if (no->redirect.empty()) return visit.respond(refused(refuse(IssueCode::invalid, no->error, no->what)));
        return visit.respond(go_to(no->redirect));
    }
    visit.respond(go_to("/apps/authorize?" + text));
}

json::Value proposal_json(json::Arena& arena, const oauth::Proposal& proposal) {
    std::vector<json::Value> scopes, words;
    for (const oauth::Scope& each : proposal.scope.resources) {
        scopes.push_back(arena.object({{"scope", arena.string(each.text())},
                                       {"whose", arena.string(oauth::text(each.whose))},
                                       {"type", arena.string(each.type)},
                                       {"actions", arena.string(each.actions)},
                                       {"query", arena.string(each.query)}}));
    }
    for (const std::string& each : proposal.scope.words) words.push_back(arena.string(each));
    const std::string& to = proposal.redirect;
    return arena.object(
        {{"client", arena.string(proposal.client)},
         {"goes_to", arena.string(to.substr(0, to.find('/', to.find("://") == std::string::npos ? 0 : to.find("://") + 3)))},
         {"scopes", arena.array(scopes)},
         {"words", arena.array(words)},
         {"needs_patient", arena.boolean(proposal.needs_patient)}});
}

/// An app's request as the one who is logged in would answer it; answers by itself when there is nothing to ask.
std::optional<oauth::Proposal> proposal_of(Visit& visit, std::string_view query) {
    if (visit.cookie.empty()) {
        visit.refuse(refuse(IssueCode::forbidden, "session", "apps are let in by people who are logged in"));
        return std::nullopt;
    }
    const auto form = form_of(query);
    if (!form.ok()) {
        visit.refuse(form.outcome());
        return std::nullopt;
    }
    auto proposed = visit.house.oauth->propose(*form, &visit.viewer);
    if (auto* yes = std::get_if<oauth::Proposal>(&proposed)) return std::move(*yes);
    const auto& no = std::get<oauth::Rejected>(proposed);
    json::Arena arena;
    if (no.redirect.empty()) visit.refuse(refuse(IssueCode::value, no.error, no.what));
    else visit.answer(200, arena.object({{"redirect", arena.string(no.redirect)}}));
    return std::nullopt;
}

void asked(Visit& visit) {
    const auto proposal = proposal_of(visit, visit.request.query);
    if (!proposal) return;
    json::Arena arena;
    visit.answer(200, proposal_json(arena, *proposal));
}

std::string field(const Form& fields, std::string_view name) {
    for (const auto& [key, value] : fields) {
        if (key == name) return value;
    }
    return "";
}

void decide(Visit& visit) {
    const auto fields = visit.fields();
    if (!fields) return;
    const auto proposal = proposal_of(visit, field(*fields, "request"));
    if (!proposal) return;
    json::Arena arena;
    const auto go = [&](const std::string& to) { visit.answer(200, arena.object({{"redirect", arena.string(to)}})); };
    const bool yes = field(*fields, "decision") == "allow";
    const std::string patient = field(*fields, "patient");
    if (!yes) {
        visit.house.write_down(visit.viewer, visit.request, "app", 403, "", "", proposal->client);
        return go(visit.house.oauth->decline(*proposal));
    }
    if (proposal->needs_patient) {
        const auto known = visit.house.store->reader(visit.viewer).read(*fhir::find_resource("Patient"), patient);
        if (!known.ok()) return visit.refuse(refuse(IssueCode::value, "patient", "choose whose record the app is to see"));
    }
    const auto to = visit.house.oauth->approve(*proposal, visit.viewer, patient);
    if (!to.ok()) return visit.refuse(to.outcome());
    const std::string about = proposal->needs_patient ? patient : proposal->patient;
    visit.house.write_down(visit.viewer, visit.request, "app", 200, about.empty() ? "" : "Patient", about,
                           proposal->client + ": " + proposal->scope.text());
    go(*to);
}

void list_grants(Visit& visit) {
    json::Arena arena;
    std::vector<json::Value> all;
    for (const auto& each : visit.house.oauth->grants(visit.viewer.name)) {
        all.push_back(arena.object({{"id", arena.string(each.id)},
                                    {"client", arena.string(each.client)},
                                    {"scope", arena.string(each.scope)},
                                    {"patient", each.patient.empty() ? json::Value() : arena.string(each.patient)},
                                    {"offline", arena.boolean(each.offline)},
                                    {"since", arena.string(calendar::instant_text(each.created_ms))},
                                    {"until", arena.string(calendar::instant_text(each.ends_ms))}}));
    }
    visit.answer(200, arena.object({{"apps", arena.array(all)}}));
}

void end_grant(Visit& visit) {
    const auto done = visit.house.oauth->end_grant(visit.viewer.name, visit.holes[0]);
    visit.house.write_down(visit.viewer, visit.request, "app", done.ok() ? 204 : 404, "", "", "ended");
    if (!done.ok()) return visit.refuse(done.outcome());
    visit.answer_nothing();
}

/// The page ends the session and goes where the app is registered to be gone to.
void end_session(Visit& visit) {
    const auto form = form_of(visit.request.method == "POST" ? visit.request.body : visit.request.query);
    const std::string to = form.ok() ? visit.house.oauth->after_logout(*form) : "";
    visit.respond(go_to("/apps/leave" + (to.empty() ? std::string() : "?to=" + http::percent_encode(to))));
}

// ---- logging in elsewhere

constexpr std::string_view external_cookie = "xinglin_external";

void list_external(Visit& visit) {
    json::Arena arena;
    std::vector<json::Value> all;
    for (const auto& each : visit.house.external->providers())
        all.push_back(arena.object({{"id", arena.string(each.id)}, {"name", arena.string(each.name)}}));
    visit.answer(200, arena.object({{"providers", arena.array(all)}}));
}

std::string our_address(House& house, std::string_view provider) {
    return house.issuer() + "/auth/external/" + std::string(provider) + "/return";
}

void go_out(Visit& visit) {
    later(visit, [](Visit& visit) {
        const std::string& id = visit.holes[0];
        auto begun = visit.house.external->begin(id, our_address(visit.house, id), visit.parameter("to"));
        if (!begun.ok()) return visit.refuse(begun.outcome());
        http::Response response = go_to(begun->address);
        response.headers.add("Set-Cookie", std::string(external_cookie) + "=" + begun->cookie +
                                               "; Path=/auth/external; HttpOnly; SameSite=Lax; Max-Age=600" +
                                               (visit.request.scheme == "https" ? "; Secure" : ""));
        visit.respond(std::move(response));
    });
}

/// Only an address of this house may follow a login.
std::string safe_return(const std::string& to) {
    const bool fine = to.size() > 1 && to.size() < 2'000 && to[0] == '/' && to[1] != '/' && to[1] != '\\' &&
                      to.find_first_of("\r\n\t") == std::string::npos && !to.starts_with("/login");
    return fine ? to : "/";
}

void come_back(Visit& visit) {
    later(visit, [](Visit& visit) {
        const auto form = form_of(visit.request.query);
        if (!form.ok()) return visit.refuse(form.outcome());
        auto arrived = visit.house.external->arrive(*form, cookie_of(visit.request, external_cookie));
        const auto failed = [&](const Outcome& outcome) {
            visit.house.write_down(as("", access::Role::system), visit.request, "login", http_status(outcome.code()), "", "",
                                   "external " + visit.holes[0] + ": " + outcome.issues.front().where);
            visit.respond(go_to("/login?external=" + http::percent_encode(outcome.issues.front().where)));
        };
        if (!arrived.ok()) return failed(arrived.outcome());
        if (const auto role = access::parse_role(arrived->make_role); role && !visit.house.accounts->viewer_of(arrived->account))
            (void)visit.house.accounts->add_user(arrived->account, *role, arrived->account).ok();  // a bad name is refused below
        const std::string device(visit.request.headers.get("User-Agent").substr(0, 200));
        auto session = arrived->proven_twice
                           ? access::admit_proven_twice(*visit.house.accounts, arrived->account, visit.request.peer, device)
                           : visit.house.accounts->admit(arrived->account, visit.request.peer, device);
        if (!session.ok()) return failed(session.outcome());
        if (!session->ticket.empty()) {  // behind a #, so that no log and no other server sees it
            const auto viewer = visit.house.accounts->viewer_of(arrived->account);
            visit.house.write_down(viewer.value_or(as("", access::Role::system)), visit.request, "login", 200, "", "",
                                   "external " + arrived->provider + ", first step");
            return visit.respond(
                go_to("/login?to=" + http::percent_encode(safe_return(arrived->return_to)) + "#ticket=" + session->ticket));
        }
        visit.house.write_down(session->viewer, visit.request, "login", 200, "", "", "external " + arrived->provider);
        http::Response response = go_to(safe_return(arrived->return_to));
        response.headers.add("Set-Cookie", cookie_header(session->cookie, visit.request, false));
        response.headers.add("Set-Cookie",
                             std::string(external_cookie) + "=; Path=/auth/external; HttpOnly; SameSite=Lax; Max-Age=0");
        visit.respond(std::move(response));
    });
}

constexpr Route routes[] = {
    {"GET", "/.well-known/openid-configuration", Who::anyone, "OpenID Connect discovery.", "", "", openid_configuration},
    {"GET", "/.well-known/oauth-authorization-server", Who::anyone, "The same for OAuth (RFC 8414).", "", "",
     openid_configuration},
    {"GET", "/.well-known/smart-configuration", Who::anyone, "SMART App Launch discovery; also below /fhir.", "", "",
     smart_configuration},
    {"GET", "/fhir/.well-known/smart-configuration", Who::anyone, "SMART App Launch discovery.", "", "", smart_configuration},
    {"GET", "/oauth/jwks", Who::anyone, "The keys id tokens are signed with.", "", "", jwks},
    {"GET", "/oauth/authorize", Who::anyone,
     "An app asks to be let in: code with PKCE (S256); 303 to the page that asks the person.", "", "", authorize},
    {"POST", "/oauth/authorize", Who::anyone, "The same with a form.", "form", "", authorize},
    {"POST", "/oauth/token", Who::anyone,
     "Tokens: client_credentials with a signed assertion (RS384, ES384, ES256, SM2) or a certificate, authorization_code, "
     "refresh_token.",
     "form", R"({"access_token":"xa_…","token_type":"Bearer","expires_in":600,"scope":"system/*.rs"})", token},
    {"POST", "/oauth/revoke", Who::anyone, "Take a token back (RFC 7009).", "form", "{}", revoke},
    {"POST", "/oauth/introspect", Who::anyone, "What a token is (RFC 7662), for clients that keep a secret.", "form",
     R"({"active":true,"scope":"…"})", introspect},
    {"GET", "/oauth/userinfo", Who::anyone, "Who the person of a token is.", "", R"({"sub":"7"})", userinfo},
    {"POST", "/oauth/userinfo", Who::anyone, "The same.", "", R"({"sub":"7"})", userinfo},
    {"GET", "/oauth/end_session", Who::anyone,
     "Log out, then on to post_logout_redirect_uri when client_id is registered with it.", "", "", end_session},
    {"GET", "/oauth/request", Who::logged_in, "What an app asks of me; the query is that of /oauth/authorize.", "",
     R"({"client":"growth-chart","scopes":[{"scope":"patient/*.rs"}],"needs_patient":true})", asked},
    {"POST", "/oauth/approve", Who::logged_in, "Let the app in, or not; answers where to go.",
     R"({"request":"response_type=code&…","decision":"allow","patient":"p1"})", R"({"redirect":"https://app.example/cb?code=…"})",
     decide},
    {"GET", "/oauth/apps", Who::logged_in, "The apps I let in.", "", R"({"apps":[{"id":"…","client":"growth-chart"}]})",
     list_grants},
    {"DELETE", "/oauth/apps/{id}", Who::logged_in, "Take it back: its tokens end at once.", "", "", end_grant},
    {"GET", "/auth/external", Who::anyone, "Where else one can log in.", "",
     R"({"providers":[{"id":"city","name":"City login"}]})", list_external},
    {"GET", "/auth/external/{id}", Who::anyone, "Log in there; 303.", "", "", go_out},
    {"GET", "/auth/external/{id}/return", Who::anyone, "The way back; sets the session cookie.", "", "", come_back},
};

}  // namespace

std::span<const Route> oauth_routes() { return routes; }

}  // namespace xinglin::server
