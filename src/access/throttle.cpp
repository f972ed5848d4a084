// SPDX-License-Identifier: Apache-2.0
// Sliding windows of failed logins.
#include "access/throttle.h"

namespace xinglin::access {

namespace {
constexpr std::size_t per_name_and_peer = 5, per_name = 20, per_peer = 50, most_keys = 10'000;

std::string both(std::string_view name, std::string_view peer) { return "b" + std::string(name) + "\n" + std::string(peer); }
std::string by_name(std::string_view name) { return "n" + std::string(name); }
std::string by_peer(std::string_view peer) { return "p" + std::string(peer); }
}  // namespace

bool Throttle::full(const std::string& key, std::size_t limit, std::int64_t now_ms) {
    const auto found = failures_.find(key);
    if (found == failures_.end()) return false;
    auto& times = found->second;
    while (!times.empty() && times.front() <= now_ms - window_ms) times.pop_front();
    const bool is_full = times.size() >= limit;
    if (times.empty()) failures_.erase(found);
    return is_full;
}

void Throttle::note(const std::string& key, std::int64_t now_ms) {
    auto& times = failures_[key];
    times.push_back(now_ms);
    if (times.size() > per_peer) times.pop_front();
}

bool Throttle::stopped(std::string_view name, std::string_view peer, std::int64_t now_ms) {
    const std::lock_guard lock(mutex_);
    return full(both(name, peer), per_name_and_peer, now_ms) || full(by_name(name), per_name, now_ms) ||
           full(by_peer(peer), per_peer, now_ms);
}

void Throttle::failed(std::string_view name, std::string_view peer, std::int64_t now_ms) {
    const std::lock_guard lock(mutex_);
    if (failures_.size() + 3 > most_keys) {
        std::erase_if(failures_, [&](const auto& entry) { return entry.second.back() <= now_ms - window_ms; });
        if (failures_.size() + 3 > most_keys) {
            auto oldest = failures_.begin();
            for (auto at = failures_.begin(); at != failures_.end(); ++at) {
                if (at->second.back() < oldest->second.back()) oldest = at;
            }
            failures_.erase(oldest);
        }
    }
    note(both(name, peer), now_ms);
    note(by_name(name), now_ms);
    note(by_peer(peer), now_ms);
}

void Throttle::succeeded(std::string_view name, std::string_view peer) {
    const std::lock_guard lock(mutex_);
    failures_.erase(both(name, peer));
}

}  // namespace xinglin::access
