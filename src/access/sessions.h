// SPDX-License-Identifier: Apache-2.0
// Where somebody is logged in, and ending that.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "access/access.h"
#include "outcome/outcome.h"

namespace xinglin::access {

/// "Firefox", "Windows"; "" for what is not known.
struct Device {
    std::string browser, system;
};
Device device_of(std::string_view user_agent);

struct OpenSession {
    std::string id;  // names it in lists, opens nothing
    Device device;
    std::string peer;
    std::int64_t since_ms = 0, seen_ms = 0;
    bool present = false;  // the one that asks
};

/// Of the account whose session this is, the last used first.
std::vector<OpenSession> open_sessions(const Accounts& accounts, std::string_view cookie);
/// One of them; not_found when it is none of this account's.
Result<Done> end_session(Accounts& accounts, std::string_view cookie, std::string_view id);
/// All but this one. Returns how many.
std::int64_t end_other_sessions(Accounts& accounts, std::string_view cookie);
/// By an administrator: all of somebody's.
Result<Done> end_sessions_of(Accounts& accounts, std::string_view name);

/// How long who logs in under this name from there has to wait now; 0: not at all.
std::int64_t wait_ms(const Accounts& accounts, std::string_view name, std::string_view peer);

/// When the password must be changed, 0 for never or not known.
std::int64_t password_until_ms(const Accounts& accounts, const Viewer& viewer);

}  // namespace xinglin::access
