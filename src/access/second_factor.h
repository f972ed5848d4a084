// SPDX-License-Identifier: Apache-2.0
// The second factor: one-time codes by time (RFC 6238: SHA-1, 6 digits, 30 s) and recovery codes.
//
// A person enrols: a secret is shown once, and holds when a code of it was typed. From then on a login by password gives a ticket
// instead of a session; ticket and code together give the session. docs/decisions/0043.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "access/access.h"
#include "outcome/outcome.h"

namespace xinglin::access {

/// RFC 6238 with SHA-1: the code of a step (seconds since 1970 / 30).
std::string totp(std::string_view secret, std::int64_t step, int digits = 6);
/// RFC 4648, without padding.
std::string base32(std::string_view bytes);

struct Enrolment {
    std::string secret;  // base32, in groups of four, to be typed
    std::string uri;     // otpauth://totp/…, for the QR code
};
struct Enrolled {
    Session session;                          // a new one: the cookie changes with the rights
    std::vector<std::string> recovery_codes;  // ten, shown once
};
struct FactorStanding {
    bool enrolled = false, demanded = false;
    std::int64_t since_ms = 0;
    int recovery_left = 0;
};

FactorStanding factor_standing(const Accounts& accounts, const Viewer& viewer);
/// A fresh secret, which does not hold yet. Refuses (where: password) without the right password.
Result<Enrolment> begin_enrolment(Accounts& accounts, std::string_view cookie, std::string_view password);
/// The first code: from now on it is asked for. Ends every other session.
Result<Enrolled> finish_enrolment(Accounts& accounts, std::string_view cookie, std::string_view code);
/// Ten others; the old ones are void.
Result<std::vector<std::string>> renew_recovery_codes(Accounts& accounts, std::string_view cookie, std::string_view password);
/// By oneself, where the role does not demand one.
Result<Session> drop_factor(Accounts& accounts, std::string_view cookie, std::string_view password);
/// By an administrator, for who lost theirs: sessions end.
Result<Done> reset_factor(Accounts& accounts, std::string_view name);

/// The second step of a login: a code of the device, or a recovery code, each good once. IssueCode::login when wrong.
Result<Session> second_step(Accounts& accounts, std::string_view ticket, std::string_view code);
/// Accounts::admit for who proved a second factor elsewhere too: ours is not asked.
Result<Session> admit_proven_twice(Accounts& accounts, std::string_view name, std::string_view peer, std::string_view device);

}  // namespace xinglin::access
