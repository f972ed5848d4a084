// SPDX-License-Identifier: Apache-2.0
// Buckets: one number for each caller and kind of request, in a bounded table.
#include "access/limits.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <mutex>
#include <unordered_map>

#include "access/accounts_inside.h"
#include "access/secret.h"

namespace xinglin::access {

namespace {
constexpr std::size_t shelves = 8, most_of_shelf = 4'096;  // of each: accounts and apps, addresses
constexpr std::int64_t second_ns = 1'000'000'000, window_ns = 60 * second_ns;

struct Bucket {
    std::int64_t full_at_ns = 0;      // when it is full again; in the past: full
    std::int64_t quiet_until_ns = 0;  // a refusal was told; the next is worth a word then

    bool is_idle(std::int64_t now_ns) const { return full_at_ns <= now_ns && quiet_until_ns <= now_ns; }
};

Verdict draw(Bucket& bucket, Limit limit, std::int64_t cost, std::int64_t now_ns) {
    const std::int64_t interval_ns = window_ns / limit.per_minute, depth_ns = interval_ns * limit.burst;
    // A clock that was set back must not close a door for longer than emptying the bucket would have.
    bucket.full_at_ns = std::min(bucket.full_at_ns, now_ns + depth_ns);
    const std::int64_t after_ns = std::max(bucket.full_at_ns, now_ns) + interval_ns * std::min(cost, limit.burst);
    if (after_ns - now_ns <= depth_ns) {
        bucket.full_at_ns = after_ns;
        return {};
    }
    Verdict refused{.granted = false, .wait_s = (after_ns - now_ns - depth_ns + second_ns - 1) / second_ns};
    if (bucket.quiet_until_ns <= now_ns || bucket.quiet_until_ns > now_ns + window_ns) {
        bucket.quiet_until_ns = now_ns + window_ns;
        refused.tell = true;
    }
    return refused;
}
}  // namespace

struct Limiter::Shard {
    std::mutex mutex;  // guards what follows
    std::unordered_map<std::uint64_t, Bucket> buckets;
    Bucket shared;
    std::int64_t swept_ns = 0;

    Bucket& of(std::uint64_t key, std::int64_t now_ns) {
        const auto found = buckets.find(key);
        if (found != buckets.end()) return found->second;
        // At most once a second all are looked at; meanwhile newcomers share.
        if (buckets.size() >= most_of_shelf && (now_ns - swept_ns >= second_ns || now_ns < swept_ns)) {
            swept_ns = now_ns;
            std::erase_if(buckets, [&](const auto& each) { return each.second.is_idle(now_ns); });
        }
        return buckets.size() < most_of_shelf ? buckets[key] : shared;
    }
};

std::string place_of(std::string_view peer) {
    const std::string plain(peer.substr(0, peer.find('%')));
    unsigned char six[16];
    if (::inet_pton(AF_INET6, plain.c_str(), six) != 1) return plain;
    static constexpr unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    char digits[INET6_ADDRSTRLEN] = {};
    if (std::memcmp(six, mapped, 12) == 0) return ::inet_ntop(AF_INET, six + 12, digits, sizeof digits);
    std::memset(six + 8, 0, 8);
    return std::string(::inet_ntop(AF_INET6, six, digits, sizeof digits)) + "/64";
}

Limiter::Limiter(LimitRules rules, const calendar::Clock& clock)
    : rules_(std::move(rules)), clock_(clock), salt_(random_bytes(16)), shards_(std::make_unique<Shard[]>(2 * shelves)) {}

Limiter::~Limiter() = default;

void Limiter::share_between(std::function<std::size_t()> count) {
    count_ = std::move(count);
    ask_again_ms_.store(0, std::memory_order_release);
}

std::int64_t Limiter::processes(std::int64_t now_ms) {
    std::int64_t due_ms = ask_again_ms_.load(std::memory_order_acquire);
    if (now_ms >= due_ms && ask_again_ms_.compare_exchange_strong(due_ms, now_ms + 5'000, std::memory_order_acq_rel))
        processes_.store(std::max<std::int64_t>(1, static_cast<std::int64_t>(count_())), std::memory_order_relaxed);
    return processes_.load(std::memory_order_relaxed);
}

Verdict Limiter::take(Party party, std::string_view who, Ask ask, std::int64_t cost) {
    Limit limit = rules_.of(party, ask);
    if (limit.per_minute == 0) return {};
    const std::int64_t sharing = processes(clock_.now_ms());
    limit.per_minute = std::max<std::int64_t>(1, limit.per_minute / sharing);
    limit.burst = std::max<std::int64_t>(1, limit.burst / sharing);
    std::string name = salt_;
    name += static_cast<char>(party == Party::address || party == Party::app ? static_cast<int>(party) : 0);
    name += static_cast<char>(ask);
    name += who;
    const std::size_t key = std::hash<std::string>{}(name);
    const std::size_t shelf = (key >> 56) % shelves + (party == Party::address ? shelves : 0);
    const Verdict verdict = judge(shelf, key, limit, cost);
    if (!verdict.granted) refused_[static_cast<std::size_t>(ask)].fetch_add(1, std::memory_order_relaxed);
    return verdict;
}

Verdict Limiter::judge(std::size_t shelf, std::uint64_t key, Limit limit, std::int64_t cost) {
    const std::int64_t now_ns = clock_.now_ms() * 1'000'000;
    Shard& shard = shards_[shelf];
    const std::lock_guard lock(shard.mutex);
    return draw(shard.of(key, now_ns), limit, cost, now_ns);
}

Limiter::Figures Limiter::figures() const {
    Figures figures;
    for (std::size_t i = 0; i < asks; ++i) figures.refused[i] = refused_[i].load(std::memory_order_relaxed);
    for (std::size_t i = 0; i < 2 * shelves; ++i) {
        const std::lock_guard lock(shards_[i].mutex);
        figures.buckets += shards_[i].buckets.size();
    }
    return figures;
}

void use(Accounts& accounts, LimitRules rules) {
    accounts.inside().limiter = std::make_unique<Limiter>(std::move(rules), accounts.inside().clock);
}

Limiter& limiter(const Accounts& accounts) { return *accounts.inside().limiter; }

}  // namespace xinglin::access
