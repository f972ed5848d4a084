// SPDX-License-Identifier: Apache-2.0
// /auth: one's own security: second factor, recovery codes, sessions.
#include "access/rules.h"
#include "access/second_factor.h"
#include "access/sessions.h"
#include "server/account_pages.h"
#include "server/house.h"

namespace xinglin::server {

namespace {

/// A person with a session; a system has none of this. Answers 403 itself.
bool is_person(Visit& visit) {
    if (!visit.cookie.empty()) return true;
    visit.refuse(refuse(IssueCode::forbidden, "session", "only who logged in with a password has this"));
    return false;
}

json::Value codes_of(json::Arena& arena, const std::vector<std::string>& codes) {
    std::vector<json::Value> all;
    for (const std::string& code : codes) all.push_back(arena.string(code));
    return arena.array(all);
}

void security(Visit& visit) {
    if (!is_person(visit)) return;
    const auto& accounts = *visit.house.accounts;
    const access::FactorStanding standing = access::factor_standing(accounts, visit.viewer);
    const std::int64_t until_ms = access::password_until_ms(accounts, visit.viewer);
    const auto& passwords = access::rules(accounts).passwords;
    const bool soon = until_ms != 0 && until_ms - visit.house.clock.now_ms() < passwords.warn_days * 86'400'000ll;
    json::Arena arena;
    const auto instant = [&](std::int64_t ms) { return ms == 0 ? json::Value() : arena.string(calendar::instant_text(ms)); };
    visit.answer(200, arena.object({{"enrolled", arena.boolean(standing.enrolled)},
                                    {"demanded", arena.boolean(standing.demanded)},
                                    {"since", instant(standing.since_ms)},
                                    {"recovery_left", arena.number(std::int64_t{standing.recovery_left})},
                                    {"password_until", instant(until_ms)},
                                    {"password_soon", arena.boolean(soon)},
                                    {"least_characters", arena.number(static_cast<std::int64_t>(passwords.least_characters))}}));
}

/// What needs the password again, and answers in its own way.
template <typename Act>
void with_password(Visit& visit, std::string_view what, Act act) {
    if (!is_person(visit)) return;
    const auto fields = only(visit, {"password"});
    if (!fields) return;
    later(visit, [password = field(*fields, "password"), what, act](Visit& visit) {
        const auto done = act(*visit.house.accounts, visit.cookie, password);
        visit.house.write_down(visit.viewer, visit.request, what, done.ok() ? 200 : http_status(done.outcome().code()));
        if (!done.ok()) return visit.refuse(done.outcome());
        json::Arena arena;
        using Got = std::decay_t<decltype(*done)>;
        if constexpr (std::is_same_v<Got, access::Enrolment>)
            visit.answer(200, arena.object({{"secret", arena.string(done->secret)}, {"uri", arena.string(done->uri)}}));
        else if constexpr (std::is_same_v<Got, access::Session>) answer_session(visit, *done, {}, arena);
        else visit.answer(200, arena.object({{"recovery_codes", codes_of(arena, *done)}}));
    });
}

void begin(Visit& visit) { with_password(visit, "factor-begin", access::begin_enrolment); }
void drop(Visit& visit) { with_password(visit, "factor-drop", access::drop_factor); }
void renew(Visit& visit) { with_password(visit, "recovery-codes", access::renew_recovery_codes); }

void finish(Visit& visit) {
    if (!is_person(visit)) return;
    const auto fields = only(visit, {"code"});
    if (!fields) return;
    later(visit, [code = field(*fields, "code")](Visit& visit) {
        const auto done = access::finish_enrolment(*visit.house.accounts, visit.cookie, code);
        visit.house.write_down(visit.viewer, visit.request, "factor-enrol", done.ok() ? 200 : http_status(done.outcome().code()));
        if (!done.ok()) return visit.refuse(done.outcome());
        json::Arena arena;
        answer_session(visit, done->session, {{"recovery_codes", codes_of(arena, done->recovery_codes)}}, arena);
    });
}

void sessions(Visit& visit) {
    if (!is_person(visit)) return;
    json::Arena arena;
    std::vector<json::Value> all;
    for (const access::OpenSession& each : access::open_sessions(*visit.house.accounts, visit.cookie)) {
        all.push_back(arena.object({{"id", arena.string(each.id)},
                                    {"browser", arena.string(each.device.browser)},
                                    {"system", arena.string(each.device.system)},
                                    {"peer", arena.string(each.peer)},
                                    {"since", arena.string(calendar::instant_text(each.since_ms))},
                                    {"seen", arena.string(calendar::instant_text(each.seen_ms))},
                                    {"present", arena.boolean(each.present)}}));
    }
    visit.answer(200, arena.object({{"sessions", arena.array(all)}}));
}

void end_one(Visit& visit) {
    if (!is_person(visit)) return;
    const auto done = access::end_session(*visit.house.accounts, visit.cookie, visit.holes[0]);
    visit.house.write_down(visit.viewer, visit.request, "session-end", done.ok() ? 204 : http_status(done.outcome().code()));
    if (!done.ok()) return visit.refuse(done.outcome());
    visit.answer_nothing();
}

void end_others(Visit& visit) {
    if (!is_person(visit)) return;
    const std::int64_t ended = access::end_other_sessions(*visit.house.accounts, visit.cookie);
    visit.house.write_down(visit.viewer, visit.request, "session-end", 200, {}, {}, "all others");
    json::Arena arena;
    visit.answer(200, arena.object({{"ended", arena.number(ended)}}));
}

constexpr Route routes[] = {
    {"GET", "/auth/security", Who::logged_in,
     "How my account is protected: second factor, recovery codes left, until when the password holds.", "",
     R"({"enrolled":true,"demanded":true,"since":"2026-11-23T02:00:00Z","recovery_left":9,"password_until":"2027-02-21T02:00:00Z","password_soon":false,"least_characters":10})",
     security},
    {"POST", "/auth/second-factor", Who::logged_in,
     "Begin to enrol a second factor; the secret holds when its first code was sent to /auth/second-factor/confirm.",
     R"({"password":"…"})", R"({"secret":"GEZD GNBV …","uri":"otpauth://totp/…"})", begin},
    {"POST", "/auth/second-factor/confirm", Who::logged_in,
     "The first code: from now on one is asked for at each login. Recovery codes are shown once; the cookie is a new one.",
     R"({"code":"123456"})", R"({"user":{},"csrf":"…","recovery_codes":["k7mq-x2ah-…"]})", finish},
    {"POST", "/auth/second-factor/drop", Who::logged_in, "Take the second factor away, where the role does not demand one.",
     R"({"password":"…"})", "", drop},
    {"POST", "/auth/recovery-codes", Who::logged_in, "Ten other recovery codes; the old ones are void.", R"({"password":"…"})",
     R"({"recovery_codes":["k7mq-x2ah-…"]})", renew},
    {"GET", "/auth/sessions", Who::logged_in, "Where I am logged in.", "",
     R"({"sessions":[{"id":"…","browser":"Firefox","system":"Windows","peer":"10.0.0.7","since":"…","seen":"…","present":true}]})",
     sessions},
    {"DELETE", "/auth/sessions/{id}", Who::logged_in, "End one of my sessions.", "", "", end_one},
    {"POST", "/auth/sessions/end-others", Who::logged_in, "End all my sessions but this one.", "", R"({"ended":2})", end_others},
};

}  // namespace

std::span<const Route> security_routes() { return routes; }

}  // namespace xinglin::server
