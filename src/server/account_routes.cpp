// SPDX-License-Identifier: Apache-2.0
// /auth: logging in and out.
#include "server/account_pages.h"

#include "access/second_factor.h"
#include "access/sessions.h"
#include "oauth/oauth.h"
#include "server/house.h"
#include "server/route.h"
#include "server/session_cookie.h"

namespace xinglin::server {

std::string field(const Fields& fields, std::string_view name) {
    for (const auto& [key, value] : fields) {
        if (key == name) return value;
    }
    return "";
}

std::optional<Fields> only(Visit& visit, std::initializer_list<std::string_view> names) {
    auto fields = visit.fields();
    if (!fields) return std::nullopt;
    for (const auto& [key, value] : *fields) {
        if (std::find(names.begin(), names.end(), key) != names.end()) continue;
        std::string known;
        for (const std::string_view name : names) known += (known.empty() ? "" : ", ") + std::string(name);
        visit.refuse(refuse(IssueCode::invalid, key, "this is not taken here, send " + known));
        return std::nullopt;
    }
    return fields;
}

json::Value who(json::Arena& arena, const access::Viewer& viewer, std::string_view csrf) {
    const auto unless_empty = [&](std::string_view text) { return text.empty() ? json::Value() : arena.string(text); };
    const json::Value user = arena.object({{"name", arena.string(viewer.name)},
                                           {"display", arena.string(viewer.display)},
                                           {"role", arena.string(access::text(viewer.role))},
                                           {"patient", unless_empty(viewer.patient())},
                                           {"institution", unless_empty(viewer.institution)},
                                           {"area", unless_empty(viewer.area)},
                                           {"practitioner", unless_empty(viewer.practitioner)},
                                           {"must_change_password", arena.boolean(viewer.must_change_password)},
                                           {"must_enrol", arena.boolean(viewer.must_enrol)}});
    return arena.object({{"user", user}, {"csrf", arena.string(csrf)}});
}

std::string cookie_header(std::string_view value, const http::Request& request, bool ends) {
    std::string header =
        std::string(session_cookie_name(request)) + "=" + std::string(value) + "; Path=/; HttpOnly; SameSite=Strict";
    if (request.scheme == "https") header += "; Secure";
    if (ends) header += "; Max-Age=0";
    return header;
}

void answer_session(Visit& visit, const access::Session& session, std::vector<std::pair<std::string_view, json::Value>> more,
                    json::Arena& arena) {
    json::Value body = who(arena, session.viewer, session.csrf);
    more.insert(more.begin(), {{"user", body["user"]}, {"csrf", body["csrf"]}});
    auto response = json_response(200, arena.object(std::span<const std::pair<std::string_view, json::Value>>(more)));
    response.headers.add("Set-Cookie", cookie_header(session.cookie, visit.request, false));
    visit.respond(std::move(response));
}

/// Runs `act` on the errand thread, where trouble is answered as in the request loop.
void later(Visit& visit, std::function<void(Visit&)> act) {
    auto moved = std::make_shared<Visit>(std::move(visit));  // shared: std::function copies
    const bool taken = moved->house.errands->send([moved, act] {
        try {
            act(*moved);
        } catch (const std::exception& error) {
            moved->house.log.error("login failed", {{"trace", moved->request.trace_id}, {"why", std::string(error.what())}});
            moved->refuse(refuse(IssueCode::transient, "store", "the store does not answer, try again later"));
        }
    });
    if (!taken) moved->refuse(refuse(IssueCode::throttled, "name", "too many people are logging in, try again in a few seconds"));
}

void refuse_login(Visit& visit, const Outcome& outcome, std::string_view name) {
    http::Response response = error_response(outcome, visit.request.trace_id);
    if (outcome.code() == IssueCode::throttled) {
        const std::int64_t wait_s = access::wait_ms(*visit.house.accounts, name, visit.request.peer) / 1'000 + 1;
        response.headers.set("Retry-After", std::to_string(wait_s));
    }
    visit.respond(std::move(response));
}

namespace {

void log_in(Visit& visit) {
    const auto fields = only(visit, {"name", "password"});
    if (!fields) return;
    later(visit, [name = field(*fields, "name"), password = field(*fields, "password")](Visit& visit) {
        auto session = visit.house.accounts->login(name, password, visit.request.peer, visit.request.headers.get("User-Agent"));
        access::Viewer known;
        known.name = session.ok() ? session->viewer.name : "";  // what a stranger typed may be a password
        if (session.ok()) known.role = session->viewer.role;
        const bool half = session.ok() && session->cookie.empty();
        visit.house.write_down(known, visit.request, half ? "login-half" : "login",
                               session.ok() ? 200 : http_status(session.outcome().code()));
        if (!session.ok()) return refuse_login(visit, session.outcome(), name);
        json::Arena arena;
        if (half) return visit.answer(200, arena.object({{"ticket", arena.string(session->ticket)}}));
        answer_session(visit, *session, {}, arena);
    });
}

void second_step(Visit& visit) {
    const auto fields = only(visit, {"ticket", "code"});
    if (!fields) return;
    later(visit, [ticket = field(*fields, "ticket"), code = field(*fields, "code")](Visit& visit) {
        const auto session = access::second_step(*visit.house.accounts, ticket, code);
        visit.house.write_down(session.ok() ? session->viewer : access::Viewer(), visit.request, "login",
                               session.ok() ? 200 : http_status(session.outcome().code()), {}, {}, "second factor");
        if (!session.ok()) return visit.refuse(session.outcome());
        json::Arena arena;
        answer_session(visit, *session, {}, arena);
    });
}

void me(Visit& visit) {
    json::Arena arena;
    visit.answer(200, who(arena, visit.viewer, visit.csrf));
}

void change_password(Visit& visit) {
    const auto fields = only(visit, {"old", "new"});
    if (!fields) return;
    if (visit.cookie.empty()) return visit.refuse(refuse(IssueCode::forbidden, "session", "a system has no password"));
    later(visit, [old = field(*fields, "old"), fresh = field(*fields, "new")](Visit& visit) {
        const auto changed = visit.house.accounts->change_password(visit.cookie, old, fresh);
        visit.house.write_down(visit.viewer, visit.request, "password",
                               changed.ok() ? 200 : http_status(changed.outcome().code()));
        if (!changed.ok()) return visit.refuse(changed.outcome());
        json::Arena arena;
        answer_session(visit, *changed, {}, arena);
    });
}

void log_out(Visit& visit) {
    if (!visit.cookie.empty()) {
        visit.house.accounts->logout(visit.cookie);
        visit.house.oauth->end_online(visit.viewer.name);
    }
    visit.house.write_down(visit.viewer, visit.request, "logout", 204);
    http::Response response;
    response.status = 204;
    response.headers.set("Cache-Control", "no-store");
    response.headers.add("Set-Cookie", cookie_header("", visit.request, true));
    visit.respond(std::move(response));
}

constexpr std::string_view user_example =
    R"({"user":{"name":"doctor","display":"Dr Li","role":"clinician","institution":"org-7","area":"330102001","practitioner":"p-12","must_change_password":false,"must_enrol":false},"csrf":"q9…"})";

constexpr Route routes[] = {
    {"POST", "/auth/login", Who::anyone,
     "Log in; sets the session cookie. With a second factor the answer is {\"ticket\"} and no cookie. Too many failures are "
     "answered 429.",
     R"({"name":"doctor","password":"…"})", user_example, log_in},
    {"POST", "/auth/second-step", Who::anyone,
     "The second step of a login: the ticket and a code of the device, or a recovery code. Sets the session cookie.",
     R"({"ticket":"…","code":"123456"})", user_example, second_step},
    {"GET", "/auth/me", Who::logged_in, "Who am I; csrf goes into the X-Xinglin-CSRF header of every write.", "", user_example,
     me},
    {"POST", "/auth/password", Who::logged_in,
     "Change the password; 422 when the new one is weak. All sessions end; sets the cookie of a new one.",
     R"({"old":"…","new":"…"})", user_example, change_password},
    {"POST", "/auth/logout", Who::logged_in, "End the session.", "", "", log_out},
};

}  // namespace

std::span<const Route> account_routes() { return routes; }

}  // namespace xinglin::server
