// SPDX-License-Identifier: Apache-2.0
// Enrolling a second factor, and the second step of a login.
//
// A code is good for its step and one to each side, once: the table takes a step only when no later one was taken, in one
// statement, so that two servers cannot both take it.
#include "access/second_factor.h"

#include "access/accounts_inside.h"
#include "access/secret.h"
#include "text/text.h"

namespace xinglin::access {

namespace {

constexpr std::int64_t step_ms = 30'000, ticket_ms = 5 * 60'000, enrolment_ms = 15 * 60'000;
constexpr std::size_t secret_bytes = 20, recovery_codes = 10, longest_label = 24;  // a small QR code holds 106 characters

std::string about(std::int64_t account) { return "factor " + std::to_string(account); }

/// Letters and digits as they are kept: what people type has spaces, dashes and capitals.
std::string plain(std::string_view code) {
    std::string out;
    for (const char c : text::lower_ascii(code.substr(0, 100))) {
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) out += c;
    }
    return out;
}

std::vector<std::string> fresh_codes() {
    std::vector<std::string> codes;
    while (codes.size() < recovery_codes) codes.push_back(one_time_password());
    return codes;
}

std::vector<std::string> kept(const std::vector<std::string>& codes) {
    std::vector<std::string> hashes;
    for (const std::string& code : codes) hashes.push_back(sha256("recovery " + plain(code)));
    return hashes;
}

/// The step a code belongs to; nothing when to none near now.
std::optional<std::int64_t> step_of(std::string_view secret, std::string_view code, std::int64_t now_ms) {
    std::optional<std::int64_t> found;
    for (const std::int64_t aside : {0, -1, 1}) {  // all three, however early one fits
        const std::int64_t step = now_ms / step_ms + aside;
        if (same_secret(totp(secret, step), code) && !found) found = step;
    }
    return found;
}

std::string in_fours(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (i > 0 && i % 4 == 0) out += ' ';
        out += text[i];
    }
    return out;
}

/// Takes a code of the device or a recovery code, within a change.
bool take(Accounts::Inside& inside, FactorTable& factors, std::int64_t account, std::string_view typed) {
    const std::string code = plain(typed);
    const std::int64_t now_ms = inside.clock.now_ms();
    const auto factor = factors.factor(account);
    if (!factor) return false;
    if (code.size() != 6) return factors.take_recovery(account, sha256("recovery " + code), now_ms);
    const auto secret = inside.seal.open(factor->sealed, about(account));
    const auto step = secret ? step_of(*secret, code, now_ms) : std::nullopt;
    return step && factors.take_step(account, *step);
}

Outcome wrong_code() { return refuse(IssueCode::login, "code", "this code is wrong or was used already, take the next one"); }
Outcome late() { return refuse(IssueCode::login, "ticket", "this took too long, log in again"); }

}  // namespace

FactorStanding factor_standing(const Accounts& accounts, const Viewer& viewer) {
    Accounts::Inside& inside = accounts.inside();
    const auto account = inside.account(viewer.name);
    FactorStanding standing;
    if (!account) return standing;
    standing.enrolled = account->factor_ms != 0;
    standing.demanded = inside.rules.of(account->role).second_factor;
    standing.since_ms = account->factor_ms;
    const std::lock_guard lock(inside.read_mutex);
    standing.recovery_left = FactorTable(inside.reads.connection()).recovery_left(account->id);
    return standing;
}

Result<Enrolment> begin_enrolment(Accounts& accounts, std::string_view cookie, std::string_view password) {
    Accounts::Inside& inside = accounts.inside();
    XINGLIN_TRY(const AccountRow account, inside.prove(cookie, password, "password"));
    if (account.factor_ms != 0)
        return refuse(IssueCode::conflict, "second_factor", "you have a second factor already, take it away first");
    const std::string secret = random_bytes(secret_bytes), sealed = inside.seal.seal(secret, about(account.id));
    inside.change(
        [&](AccountTable& table) { FactorTable(table.connection()).set_factor(account.id, sealed, inside.clock.now_ms()); });
    const std::string shown = base32(secret);
    return Enrolment{in_fours(shown),
                     "otpauth://totp/Xinglin:" + account.name.substr(0, longest_label) + "?secret=" + shown + "&issuer=Xinglin"};
}

Result<Enrolled> finish_enrolment(Accounts& accounts, std::string_view cookie, std::string_view typed) {
    Accounts::Inside& inside = accounts.inside();
    const auto present = accounts.session(cookie);
    if (!present) return not_logged_in();
    const std::vector<FailureKey> keys = {inside.key_of_code(present->viewer.name)};
    if (inside.stopped_until_ms(keys, false) > inside.clock.now_ms()) return too_many();
    const std::int64_t now_ms = inside.clock.now_ms();
    const std::vector<std::string> codes = fresh_codes();
    auto done = inside.change([&](AccountTable& table) -> Result<Enrolled> {
        FactorTable factors(table.connection());
        const auto used = table.session(sha256(cookie));
        if (!used) return not_logged_in();
        AccountRow account = used->account;
        const auto factor = factors.factor(account.id);
        if (account.factor_ms != 0 || !factor || now_ms - factor->begun_ms > enrolment_ms)
            return refuse(IssueCode::conflict, "second_factor", "begin the enrolment first, it holds for 15 minutes");
        const auto secret = inside.seal.open(factor->sealed, about(account.id));
        const auto step = secret ? step_of(*secret, plain(typed), now_ms) : std::nullopt;
        if (!step || !factors.take_step(account.id, *step))
            return refuse(IssueCode::value, "code",
                          "this code does not fit, look whether the device's clock is right and take the next one");
        factors.hold_factor(account.id, now_ms);
        factors.set_recovery(account.id, kept(codes));
        account.factor_ms = now_ms;
        table.erase_sessions(account.id, "");
        return Enrolled{inside.begin_session(table, account, used->peer, used->device), codes};
    });
    if (!done.ok() && done.outcome().code() == IssueCode::value) inside.failed(keys);
    return done;
}

Result<std::vector<std::string>> renew_recovery_codes(Accounts& accounts, std::string_view cookie, std::string_view password) {
    Accounts::Inside& inside = accounts.inside();
    XINGLIN_TRY(const AccountRow account, inside.prove(cookie, password, "password"));
    if (account.factor_ms == 0) return refuse(IssueCode::conflict, "second_factor", "you have no second factor, enrol one first");
    const std::vector<std::string> codes = fresh_codes();
    inside.change([&](AccountTable& table) { FactorTable(table.connection()).set_recovery(account.id, kept(codes)); });
    return codes;
}

Result<Session> drop_factor(Accounts& accounts, std::string_view cookie, std::string_view password) {
    Accounts::Inside& inside = accounts.inside();
    XINGLIN_TRY(AccountRow account, inside.prove(cookie, password, "password"));
    if (inside.rules.of(account.role).second_factor)
        return refuse(IssueCode::forbidden, "second_factor", "your role needs a second factor, an administrator can reset it");
    return inside.change([&](AccountTable& table) -> Result<Session> {
        const auto used = table.session(sha256(cookie));
        if (!used) return not_logged_in();
        FactorTable(table.connection()).erase_factor(account.id);
        account.factor_ms = 0;
        table.erase_sessions(account.id, "");
        return inside.begin_session(table, account, used->peer, used->device);
    });
}

Result<Done> reset_factor(Accounts& accounts, std::string_view name) {
    return accounts.inside().change([&](AccountTable& table) -> Result<Done> {
        const auto account = table.account(name);
        if (!account || account->is_client) return refuse(IssueCode::not_found, "name", "no user has this name, see the list");
        FactorTable(table.connection()).erase_factor(account->id);
        table.erase_sessions(account->id, "");
        return Done{};
    });
}

Result<Session> second_step(Accounts& accounts, std::string_view ticket, std::string_view code) {
    Accounts::Inside& inside = accounts.inside();
    if (ticket.empty() || ticket.size() > longest_secret) return late();
    const std::string key = sha256(ticket);
    std::optional<TicketRow> row;
    std::optional<AccountRow> account;
    {
        const std::lock_guard lock(inside.read_mutex);
        row = FactorTable(inside.reads.connection()).ticket(key);
        if (row) account = inside.reads.account(row->account);
    }
    const std::int64_t now_ms = inside.clock.now_ms();
    if (!row || !account || account->disabled || now_ms - row->created_ms >= ticket_ms) return late();
    const std::vector<FailureKey> keys = {inside.key_of_code(account->name)};
    if (inside.stopped_until_ms(keys, false) > now_ms) return too_many();
    auto session = inside.change([&](AccountTable& table) -> Result<Session> {
        FactorTable factors(table.connection());
        if (!factors.ticket(key)) return late();  // somebody was faster with it
        if (!take(inside, factors, account->id, code)) return wrong_code();
        factors.erase_ticket(key);
        return inside.begin_session(table, *account, row->peer, row->device);
    });
    if (session.ok()) inside.succeeded(keys.front());
    else if (session.outcome().issues.front().where == "code") inside.failed(keys);
    return session;
}

Result<Session> admit_proven_twice(Accounts& accounts, std::string_view name, std::string_view peer, std::string_view device) {
    Accounts::Inside& inside = accounts.inside();
    const auto account = inside.account(name);
    if (!account || account->factor_ms == 0 || account->is_client || account->disabled) return accounts.admit(name, peer, device);
    return inside.change([&](AccountTable& table) { return inside.begin_session(table, *account, peer, device); });
}

}  // namespace xinglin::access
