// SPDX-License-Identifier: Apache-2.0
// For tests only: a connection that breaks at a chosen statement, as a full disk or a lost volume would.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>

#include "sql/sql.h"

namespace xinglin::testing {

/// Shared by the test and the connection it watches. Counts everything that reaches the database and can fail: steps,
/// runs, begin, commit, savepoints. Safe to set from another thread than the one that writes.
struct FailingPlan {
    static constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
    std::atomic<std::int64_t> until_failure{never};  // that many more succeed, then one fails
    std::atomic<std::int64_t> seen{0};
    std::atomic<std::int64_t> failures{0};

    void fail_after(std::int64_t successes) { until_failure = successes; }
    /// Called before each; throws sql::Broken when it is time.
    void before();
};

std::unique_ptr<sql::Connection> make_failing(std::unique_ptr<sql::Connection> inside, std::shared_ptr<FailingPlan> plan);

}  // namespace xinglin::testing
