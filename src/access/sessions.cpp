// SPDX-License-Identifier: Apache-2.0
// Sessions: begun, listed, ended; and what an account must do first, by the rules.
#include "access/sessions.h"

#include "access/accounts_inside.h"
#include "access/limits.h"
#include "access/secret.h"
#include "text/text.h"

namespace xinglin::access {

namespace {

constexpr std::int64_t sessions_per_account = 20, places_per_account = 50, day_ms = 86'400'000;
constexpr std::size_t longest_device = 200, id_bytes = 9;

/// What names a session in lists: it opens nothing.
std::string id_of(std::string_view cookie_sha256) {
    return text::base64_url(sha256("session " + std::string(cookie_sha256)).substr(0, id_bytes));
}

std::int64_t until_of(const Rules& rules, Role role, std::int64_t password_ms) {
    const int days = rules.of(role).password_days;
    return days == 0 || password_ms == 0 ? 0 : password_ms + days * day_ms;
}

}  // namespace

std::string csrf_of(std::string_view cookie) { return text::base64_url(sha256("csrf " + std::string(cookie))); }
Outcome not_logged_in() { return refuse(IssueCode::login, "session", "you are not logged in, log in first"); }

std::string_view shortened(std::string_view device) {
    if (device.size() > longest_device) device = device.substr(0, longest_device);
    while (!device.empty() && !text::is_utf8(device) && device.size() + 4 > longest_device) device.remove_suffix(1);
    return text::is_utf8(device) ? device : std::string_view();
}

Viewer Accounts::Inside::viewer(const AccountRow& row) const {
    Viewer viewer = row.viewer();
    if (row.is_client) return viewer;
    const std::int64_t until_ms = until_of(rules, row.role, row.password_ms);
    viewer.must_change_password = row.must_change_password || (until_ms != 0 && until_ms <= clock.now_ms());
    viewer.must_enrol = rules.of(row.role).second_factor && row.factor_ms == 0;
    return viewer;
}

std::optional<AccountRow> Accounts::Inside::account(std::string_view name) {
    const std::lock_guard lock(read_mutex);
    return reads.account(name);
}

Session Accounts::Inside::begin_session(AccountTable& table, const AccountRow& account, std::string_view peer,
                                        std::string_view device) {
    const std::int64_t now_ms = clock.now_ms();
    Session session;
    session.cookie = fresh_token("");
    session.csrf = csrf_of(session.cookie);
    session.viewer = viewer(account);
    table.insert_session(sha256(session.cookie), account.id, now_ms, peer, shortened(device));
    table.limit_sessions(account.id, sessions_per_account);
    table.erase_sessions_before(now_ms - rules.longest_ms(), now_ms - rules.longest_idle_ms());
    if (!peer.empty())
        FactorTable(table.connection()).note_place(account.id, seal.blind("place " + place_of(peer)), now_ms, places_per_account);
    return session;
}

Device device_of(std::string_view user_agent) {
    constexpr std::pair<std::string_view, std::string_view> browsers[] = {
        {"MicroMessenger/", "WeChat"}, {"AlipayClient/", "Alipay"}, {"Edg", "Edge"},       {"OPR/", "Opera"},
        {"QQBrowser/", "QQ Browser"},  {"Firefox/", "Firefox"},     {"FxiOS/", "Firefox"}, {"Chrome/", "Chrome"},
        {"CriOS/", "Chrome"},          {"Safari/", "Safari"},       {"curl/", "curl"},     {"python", "Python"}};
    constexpr std::pair<std::string_view, std::string_view> systems[] = {
        {"HarmonyOS", "HarmonyOS"}, {"OpenHarmony", "HarmonyOS"}, {"iPhone", "iPhone"},  {"iPad", "iPad"},
        {"Android", "Android"},     {"Windows", "Windows"},       {"Mac OS X", "macOS"}, {"Linux", "Linux"}};
    Device device;
    for (const auto& [mark, name] : browsers) {
        if (device.browser.empty() && user_agent.find(mark) != std::string_view::npos) device.browser = name;
    }
    for (const auto& [mark, name] : systems) {
        if (device.system.empty() && user_agent.find(mark) != std::string_view::npos) device.system = name;
    }
    return device;
}

std::vector<OpenSession> open_sessions(const Accounts& accounts, std::string_view cookie) {
    Accounts::Inside& inside = accounts.inside();
    const auto present = accounts.session(cookie);
    std::vector<OpenSession> all;
    if (!present) return all;
    const std::int64_t now_ms = inside.clock.now_ms();
    const RoleRules& rules = inside.rules.of(present->viewer.role);
    const std::lock_guard lock(inside.read_mutex);
    for (const auto& [key, row] : inside.reads.sessions_of(present->viewer.account)) {
        const std::int64_t seen_ms = std::max(row.last_seen_ms, inside.sessions.noted(key));
        if (now_ms - seen_ms >= rules.idle_ms || now_ms - row.created_ms >= rules.longest_ms) continue;
        all.push_back({id_of(key), device_of(row.device), row.peer, row.created_ms, seen_ms, key == sha256(cookie)});
    }
    return all;
}

Result<Done> end_session(Accounts& accounts, std::string_view cookie, std::string_view id) {
    Accounts::Inside& inside = accounts.inside();
    const auto present = accounts.session(cookie);
    if (!present) return not_logged_in();
    return inside.change([&](AccountTable& table) -> Result<Done> {
        for (const auto& [key, row] : table.sessions_of(present->viewer.account)) {
            if (id_of(key) != id) continue;
            table.erase_session(key);
            return Done{};
        }
        return refuse(IssueCode::not_found, "id", "you have no such session, see the list");
    });
}

std::int64_t end_other_sessions(Accounts& accounts, std::string_view cookie) {
    Accounts::Inside& inside = accounts.inside();
    const auto present = accounts.session(cookie);
    if (!present) return 0;
    return inside.change([&](AccountTable& table) {
        table.erase_sessions(present->viewer.account, sha256(cookie));
        return table.connection().changes();
    });
}

Result<Done> end_sessions_of(Accounts& accounts, std::string_view name) {
    return accounts.inside().change([&](AccountTable& table) -> Result<Done> {
        const auto account = table.account(name);
        if (!account || account->is_client) return refuse(IssueCode::not_found, "name", "no user has this name, see the list");
        table.erase_sessions(account->id, "");
        return Done{};
    });
}

std::int64_t password_until_ms(const Accounts& accounts, const Viewer& viewer) {
    const auto account = accounts.inside().account(viewer.name);
    return account ? until_of(accounts.inside().rules, account->role, account->password_ms) : 0;
}

void use(Accounts& accounts, Rules rules) {
    accounts.inside().rules = std::move(rules);
    accounts.inside().forget();
}
const Rules& rules(const Accounts& accounts) { return accounts.inside().rules; }

}  // namespace xinglin::access
