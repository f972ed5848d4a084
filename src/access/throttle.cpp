// SPDX-License-Identifier: Apache-2.0
// Failed logins: counted, slowly forgotten, and answered with waiting that doubles.
#include "access/throttle.h"

#include <algorithm>

namespace xinglin::access {

namespace {
constexpr std::size_t most_keys = 10'000;
constexpr std::int64_t most_doublings = 20;
}  // namespace

Failures one_more(Failures before, const FailureRule& rule, std::int64_t now_ms) {
    const std::int64_t quiet_ms = std::max<std::int64_t>(0, now_ms - before.last_ms);
    Failures after;
    after.count = std::max<std::int64_t>(0, before.count - quiet_ms / (rule.forget_one_s * 1'000)) + 1;
    after.last_ms = now_ms;
    if (after.count < rule.free) return after;
    const std::int64_t wait_s = rule.first_s << std::min(after.count - rule.free, most_doublings);
    after.until_ms = now_ms + std::min(wait_s, rule.longest_s) * 1'000;
    return after;
}

Failures Throttle::of(const std::string& key) const {
    const std::lock_guard lock(mutex_);
    const auto found = failures_.find(key);
    return found == failures_.end() ? Failures{} : found->second;
}

void Throttle::keep(const std::string& key, const Failures& failures) {
    const std::lock_guard lock(mutex_);
    if (failures_.size() >= most_keys && !failures_.contains(key)) {
        const auto oldest = std::min_element(failures_.begin(), failures_.end(),
                                             [](const auto& a, const auto& b) { return a.second.last_ms < b.second.last_ms; });
        failures_.erase(oldest);
    }
    Failures& known = failures_[key];
    if (failures.last_ms >= known.last_ms) known = failures;
}

void Throttle::forget(const std::string& key) {
    const std::lock_guard lock(mutex_);
    failures_.erase(key);
}

}  // namespace xinglin::access
