// SPDX-License-Identifier: Apache-2.0
// Inside the room: the conditions of a token's scopes become part of what its bearer may see (docs/decisions/0050), made once and kept.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "access/access.h"
#include "calendar/calendar.h"
#include "oauth/scope.h"
#include "outcome/outcome.h"
#include "record/guard.h"
#include "record/record.h"

namespace xinglin::server {

/// Safe from many threads.
class TokenGrants {
public:
    TokenGrants(record::Store& store, search::Terminology terminology, const calendar::Clock& clock)
        : store_(store), terminology_(std::move(terminology)), clock_(clock) {}

    /// The viewer's guard (nothing: the viewer sees everything) with the conditions beside it. Refuses (where: scope) a condition whose
    /// codes terminology does not know any more.
    Result<std::shared_ptr<const record::Guard>> limit(const access::Viewer& viewer,
                                                       const std::vector<oauth::Granted::Condition>& conditions);

private:
    struct Kept {
        std::shared_ptr<const record::Guard> rules, limited;
        std::int64_t made_ms = 0;
    };
    Result<record::GuardGrant> grant_of(const oauth::Granted::Condition& condition, const std::string& patient);
    Result<std::shared_ptr<const record::Guard>> make(const access::Viewer& viewer,
                                                      const std::vector<oauth::Granted::Condition>& conditions);

    record::Store& store_;
    search::Terminology terminology_;
    const calendar::Clock& clock_;
    std::mutex mutex_;  // guards kept_
    std::unordered_map<std::string, Kept> kept_;
};

}  // namespace xinglin::server
