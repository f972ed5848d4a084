// SPDX-License-Identifier: Apache-2.0
// Guessing: who failed too often waits, and longer each time; counted in memory and in the table that all processes share.
//
// The table is read before each try and written after each failure, so that neither a restart nor a second server gives anybody
// more guesses. Keys are blinded: what a stranger types as a name may be a password.
#include "access/accounts_inside.h"
#include "access/limits.h"
#include "access/secret.h"
#include "access/sessions.h"
#include "text/text.h"

namespace xinglin::access {

namespace {
constexpr std::int64_t failures_kept_ms = 86'400'000, most_failures = 20'000;
constexpr std::int64_t place_known_ms = 90ll * 86'400'000;
}  // namespace

Outcome too_many() { return refuse(IssueCode::throttled, "name", "too many failed logins, wait a while and try again"); }

std::vector<FailureKey> Accounts::Inside::keys_of_login(std::string_view name, std::string_view peer) const {
    const std::string place = place_of(peer);  // who has a network of IPv6 has no more guesses than who has one address
    return {{"b" + std::string(name) + "\n" + place, &rules.name_at_place},
            {"n" + std::string(name), &rules.name},
            {"p" + place, &rules.place}};
}

std::int64_t Accounts::Inside::stopped_until_ms(const std::vector<FailureKey>& keys, bool place_is_known) {
    std::int64_t until_ms = 0;
    for (const FailureKey& each : keys) {
        const std::string blinded = seal.blind(each.key);
        Failures known = throttle.of(blinded);
        {
            const std::lock_guard lock(read_mutex);
            const Failures kept = FactorTable(reads.connection()).failures(blinded);
            if (kept.last_ms > known.last_ms || kept.until_ms > known.until_ms) known = kept;
        }
        if (place_is_known && each.rule == &rules.name) continue;
        until_ms = std::max(until_ms, known.until_ms);
    }
    return until_ms;
}

bool Accounts::Inside::knows_place(std::int64_t account, std::string_view peer) {
    const std::string blinded = seal.blind("place " + place_of(peer));
    const std::lock_guard lock(read_mutex);
    return FactorTable(reads.connection()).knows_place(account, blinded, clock.now_ms() - place_known_ms);
}

void Accounts::Inside::failed(const std::vector<FailureKey>& keys) {
    const std::int64_t now_ms = clock.now_ms();
    std::vector<std::string> blinded;
    for (const FailureKey& each : keys) {
        blinded.push_back(seal.blind(each.key));
        throttle.keep(blinded.back(), one_more(throttle.of(blinded.back()), *each.rule, now_ms));  // whatever the disk says
    }
    const std::lock_guard lock(write_mutex);
    sql::transaction(writes.connection(), [&] {
        FactorTable table(writes.connection());
        for (std::size_t i = 0; i < keys.size(); ++i) {
            const Failures after = one_more(table.failures(blinded[i]), *keys[i].rule, now_ms);
            const Failures mine = throttle.of(blinded[i]);
            const Failures& worse = after.count >= mine.count ? after : mine;
            table.set_failures(blinded[i], worse);
            throttle.keep(blinded[i], worse);
        }
        table.trim_failures(now_ms - failures_kept_ms, most_failures);
    });
}

void Accounts::Inside::succeeded(const FailureKey& key) {
    const std::string blinded = seal.blind(key.key);
    throttle.forget(blinded);
    const std::lock_guard lock(write_mutex);
    FactorTable table(writes.connection());
    if (table.failures(blinded).count == 0) return;
    sql::transaction(writes.connection(), [&] { table.erase_failures(blinded); });
}

std::int64_t wait_ms(const Accounts& accounts, std::string_view given_name, std::string_view peer) {
    Accounts::Inside& inside = accounts.inside();
    const std::string name = text::lower_ascii(given_name.substr(0, 65));
    auto keys = inside.keys_of_login(name, peer);
    keys.push_back(inside.key_of_code(name));
    return std::max<std::int64_t>(0, inside.stopped_until_ms(keys, false) - inside.clock.now_ms());
}

Result<AccountRow> Accounts::Inside::prove(std::string_view cookie, std::string_view password, std::string_view where) {
    const auto row = [&]() -> std::optional<SessionRow> {
        const std::lock_guard lock(read_mutex);
        return reads.session(sha256(cookie));
    }();
    if (!row) return not_logged_in();
    const std::vector<FailureKey> keys = {{"s" + row->account.name, &rules.name_at_place}};
    if (stopped_until_ms(keys, false) > clock.now_ms()) return too_many();
    const Turn turn(gate);
    if (!turn.granted)
        return refuse(IssueCode::throttled, std::string(where), "too many people are logging in, try again in a few seconds");
    if (!password_fits(password, row->account.password_hash)) {
        failed(keys);
        return refuse(IssueCode::value, std::string(where), "the password is wrong, try again");
    }
    succeeded(keys.front());
    return row->account;
}

}  // namespace xinglin::access
