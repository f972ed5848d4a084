// SPDX-License-Identifier: Apache-2.0
// /auth: logging in and out.
#include "access/access.h"
#include "server/house.h"
#include "server/route.h"

namespace xinglin::server {

namespace {

std::string field(const std::vector<std::pair<std::string, std::string>>& fields, std::string_view name) {
    for (const auto& [key, value] : fields) {
        if (key == name) return value;
    }
    return "";
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
                                           {"must_change_password", arena.boolean(viewer.must_change_password)}});
    return arena.object({{"user", user}, {"csrf", arena.string(csrf)}});
}

std::string cookie_header(std::string_view value, const http::Request& request, bool ends) {
    std::string header = std::string(cookie_name) + "=" + std::string(value) + "; Path=/; HttpOnly; SameSite=Strict";
    if (request.scheme == "https") header += "; Secure";
    if (ends) header += "; Max-Age=0";
    return header;
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

void log_in(Visit& visit) {
    const auto fields = visit.fields();
    if (!fields) return;
    later(visit, [name = field(*fields, "name"), password = field(*fields, "password")](Visit& visit) {
        auto session = visit.house.accounts->login(name, password, visit.request.peer, visit.request.headers.get("User-Agent"));
        access::Viewer known;
        known.name = session.ok() ? session->viewer.name : "";  // what a stranger typed may be a password
        if (session.ok()) known.role = session->viewer.role;
        visit.house.write_down(known, visit.request, "login", session.ok() ? 200 : http_status(session.outcome().code()));
        if (!session.ok()) return visit.refuse(session.outcome());
        json::Arena arena;
        auto response = json_response(200, who(arena, session->viewer, session->csrf));
        response.headers.add("Set-Cookie", cookie_header(session->cookie, visit.request, false));
        visit.respond(std::move(response));
    });
}

void me(Visit& visit) {
    json::Arena arena;
    visit.answer(200, who(arena, visit.viewer, visit.csrf));
}

void change_password(Visit& visit) {
    const auto fields = visit.fields();
    if (!fields) return;
    if (visit.cookie.empty()) return visit.refuse(refuse(IssueCode::forbidden, "session", "a system has no password"));
    later(visit, [old = field(*fields, "old"), fresh = field(*fields, "new")](Visit& visit) {
        const auto changed = visit.house.accounts->change_password(visit.cookie, old, fresh);
        visit.house.write_down(visit.viewer, visit.request, "password",
                               changed.ok() ? 200 : http_status(changed.outcome().code()));
        if (!changed.ok()) return visit.refuse(changed.outcome());
        json::Arena arena;
        auto response = json_response(200, who(arena, changed->viewer, changed->csrf));
        response.headers.add("Set-Cookie", cookie_header(changed->cookie, visit.request, false));
        visit.respond(std::move(response));
    });
}

void log_out(Visit& visit) {
    if (!visit.cookie.empty()) visit.house.accounts->logout(visit.cookie);
    visit.house.write_down(visit.viewer, visit.request, "logout", 204);
    http::Response response;
    response.status = 204;
    response.headers.set("Cache-Control", "no-store");
    response.headers.add("Set-Cookie", cookie_header("", visit.request, true));
    visit.respond(std::move(response));
}

constexpr std::string_view user_example =
    R"({"user":{"name":"doctor","display":"Dr Li","role":"clinician","institution":"org-7","area":"330102001","practitioner":"p-12","must_change_password":false},"csrf":"q9…"})";

constexpr Route routes[] = {
    {"POST", "/auth/login", Who::anyone, "Log in; sets the session cookie. Five failures in five minutes are answered 429.",
     R"({"name":"doctor","password":"…"})", user_example, log_in},
    {"GET", "/auth/me", Who::logged_in, "Who am I; csrf goes into the X-Xinglin-CSRF header of every write.", "", user_example,
     me},
    {"POST", "/auth/password", Who::logged_in, "Change the password; 422 when the new one is weak. All sessions end; sets the cookie of a new one.", R"({"old":"…","new":"…"})",
     user_example, change_password},
    {"POST", "/auth/logout", Who::logged_in, "End the session.", "", "", log_out},
};

}  // namespace

std::span<const Route> account_routes() { return routes; }

}  // namespace xinglin::server
