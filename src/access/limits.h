// SPDX-License-Identifier: Apache-2.0
// How much each caller may ask: content/access/limits.json, and the buckets that hold everybody to it.
//
// A bucket fills again at so many requests a minute and holds a burst. It is one number, the time at which it will be full again
// (the generic cell rate algorithm, ITU-T I.371), so that a request costs one look-up and nothing ever has to be refilled.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "access/access.h"
#include "calendar/calendar.h"
#include "content/content.h"
#include "outcome/outcome.h"
#include "text/networks.h"

namespace xinglin::access {

/// What is asked for. Those of accounts first, those of addresses after `page`.
enum class Ask : std::uint8_t { read, search, write, export_, reveal, page, login, activation, token, stranger };
constexpr std::size_t asks = 10;
std::string_view text(Ask ask);

/// Who is counted: an account by its role, an app for all people who use it, an address.
enum class Party : std::uint8_t { app = 9, address = 10 };  // before: Role
constexpr std::size_t parties = 11;
inline Party party_of(Role role) { return static_cast<Party>(role); }

struct Limit {
    std::int64_t per_minute = 0, burst = 0;  // 0: is not asked of this party
};

struct LimitRules {
    std::array<std::array<Limit, asks>, parties> limits;
    text::Networks proxies;  // whose word on their clients' addresses is taken (content/access/networks.json)

    Limit of(Party party, Ask ask) const { return limits[static_cast<std::size_t>(party)][static_cast<std::size_t>(ask)]; }
    /// Refuses by name what is missing or out of range.
    static Result<LimitRules> read(const content::Files& files);
};

/// Plays content/access/limits_cases.json; appends what is wrong.
void check_limits(const content::Files& files, std::vector<content::Complaint>& complaints, std::size_t& checked);

/// Who an address is: itself, or of IPv6 the first 64 bits, which one household or one attacker has whole.
std::string place_of(std::string_view peer);

struct Verdict {
    bool granted = true;
    std::int64_t wait_s = 0;  // when not granted: until it would be
    bool tell = false;        // the first refusal of this caller within a minute: worth a line in the audit
};

/// Safe from any thread. Remembers at most 32,768 accounts and apps and as many addresses; an address that comes when all of these are
/// busy shares one bucket with the others who do, so that a flood from everywhere takes no memory and no account's place.
class Limiter {
public:
    Limiter(LimitRules rules, const calendar::Clock& clock);
    ~Limiter();

    /// `who`: the account's number, the app's name, or place_of an address. `cost`: requests it counts as.
    Verdict take(Party party, std::string_view who, Ask ask, std::int64_t cost = 1);
    /// So many programs serve one house: each grants its part. `count` is asked every five seconds, by whoever comes.
    void share_between(std::function<std::size_t()> count);
    const LimitRules& rules() const { return rules_; }

    struct Figures {
        std::array<std::uint64_t, asks> refused{};
        std::size_t buckets = 0;
    };
    Figures figures() const;

private:
    struct Shard;
    std::int64_t processes(std::int64_t now_ms);
    Verdict judge(std::size_t shelf, std::uint64_t key, Limit limit, std::int64_t cost);

    const LimitRules rules_;
    const calendar::Clock& clock_;
    const std::string salt_;  // so that nobody can choose addresses that meet in one bucket
    std::unique_ptr<Shard[]> shards_;
    std::atomic<std::int64_t> processes_{1}, ask_again_ms_{INT64_MAX};
    std::function<std::size_t()> count_;  // set once, before ask_again_ms_ says so
    std::array<std::atomic<std::uint64_t>, asks> refused_{};
};

/// One for all who come to a house: made by `use`, before anybody comes.
void use(Accounts& accounts, LimitRules rules);
Limiter& limiter(const Accounts& accounts);

}  // namespace xinglin::access
