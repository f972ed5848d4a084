// SPDX-License-Identifier: Apache-2.0
// Inside the room: how often someone may guess wrong, and how long they wait then.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "access/rules.h"

namespace xinglin::access {

/// Failures of one key: a name at a place, a name, a place, a second factor.
struct Failures {
    std::int64_t count = 0, last_ms = 0, until_ms = 0;
};
/// One failure more: what is forgotten since the last is taken off first.
Failures one_more(Failures before, const FailureRule& rule, std::int64_t now_ms);

struct FailureKey {
    std::string key;
    const FailureRule* rule;
};

/// What memory knows of failures; the table of all processes is asked beside it (failures_of in accounts.cpp).
/// Safe from any thread; remembers at most 10,000 keys, those that failed longest ago are forgotten first.
class Throttle {
public:
    Failures of(const std::string& key) const;
    /// Takes over what is worse than what is known.
    void keep(const std::string& key, const Failures& failures);
    void forget(const std::string& key);

private:
    mutable std::mutex mutex_;  // guards failures_
    std::map<std::string, Failures> failures_;
};

}  // namespace xinglin::access
