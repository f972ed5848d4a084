// SPDX-License-Identifier: Apache-2.0
// Inside the room: what Accounts consists of, for the files that share it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "access/access.h"
#include "access/account_table.h"
#include "access/factor_table.h"
#include "access/known.h"
#include "access/limits.h"
#include "access/rules.h"
#include "access/sealed.h"
#include "access/throttle.h"

namespace xinglin::access {

constexpr std::int64_t note_every_ms = 60'000, look_every_ms = 500;
constexpr std::size_t longest_secret = 200;

std::string csrf_of(std::string_view cookie);
Outcome too_many();
Outcome not_logged_in();
/// What a browser calls itself is the browser's to choose: 200 bytes of it, if it is text.
std::string_view shortened(std::string_view device);

/// Lets two passwords be tried at once and 64 wait: each costs 19 MiB and some 30 ms.
class Gate {
public:
    bool enter() {
        std::unique_lock lock(mutex_);
        if (waiting_ >= 64) return false;
        ++waiting_;
        freed_.wait(lock, [&] { return inside_ < 2; });
        --waiting_;
        ++inside_;
        return true;
    }
    void leave() {
        {
            const std::lock_guard lock(mutex_);
            --inside_;
        }
        freed_.notify_one();
    }

private:
    std::mutex mutex_;
    std::condition_variable freed_;
    int inside_ = 0, waiting_ = 0;
};

struct Turn {
    Gate& gate;
    bool granted;
    explicit Turn(Gate& at) : gate(at), granted(at.enter()) {}
    ~Turn() {
        if (granted) gate.leave();
    }
    Turn(const Turn&) = delete;
};

struct Accounts::Inside {
    Inside(const std::string& place, const std::filesystem::path& folder, const calendar::Clock& the_clock)
        : clock(the_clock), rules(Rules::read(content::Files()).value()), seal(folder), writes(place), reads(place) {
        known_version = reads.data_version();
        keeper = std::jthread([this](const std::stop_token& stop) { keep_notes(stop); });
    }
    ~Inside() {
        keeper.request_stop();
        keeper.join();
        try {
            write_notes();
        } catch (const std::exception&) {
            // When someone was last seen is not worth failing for.
        }
    }

    const calendar::Clock& clock;
    Rules rules;  // set before anybody comes
    Seal seal;
    Throttle throttle;
    std::unique_ptr<Limiter> limiter;  // set before anybody comes, of a house
    Gate gate;

    // ---- guessing (guessing.cpp) ----
    std::vector<FailureKey> keys_of_login(std::string_view name, std::string_view peer) const;
    FailureKey key_of_code(std::string_view name) const { return {"c" + std::string(name), &rules.code}; }
    /// Until when any of these keys must wait: 0 for none. Of a place that is known the name's own count does not matter, so
    /// that strangers cannot lock somebody out.
    std::int64_t stopped_until_ms(const std::vector<FailureKey>& keys, bool place_is_known);
    bool knows_place(std::int64_t account, std::string_view peer);
    void failed(const std::vector<FailureKey>& keys);
    void succeeded(const FailureKey& key);

    // ---- sessions ----
    /// What this account may and must first, by the rules.
    Viewer viewer(const AccountRow& row) const;
    std::optional<AccountRow> account(std::string_view name);
    /// The account of a session that holds.
    std::optional<AccountRow> account_of(std::string_view cookie, const Viewer& viewer);
    /// A new cookie, within a change.
    Session begin_session(AccountTable& table, const AccountRow& account, std::string_view peer, std::string_view device);
    /// Is this the password of who has this session? Refuses (where: `where`), and counts wrong guesses.
    Result<AccountRow> prove(std::string_view cookie, std::string_view password, std::string_view where);

    std::mutex write_mutex;  // guards writes
    AccountTable writes;
    mutable std::mutex read_mutex;  // guards reads, known_version
    AccountTable reads;
    std::int64_t known_version = 0;
    std::atomic<std::int64_t> looked_ms{INT64_MIN / 2};

    Known sessions, tokens;

    std::mutex keeper_mutex;
    std::condition_variable_any keeper_wakes;
    std::jthread keeper;

    /// Runs a change in a transaction, after which memory starts afresh.
    template <typename Body>
    auto change(Body&& body) {
        const std::lock_guard lock(write_mutex);
        struct Afresh {
            Inside& inside;
            ~Afresh() { inside.forget(); }
        } afresh{*this};
        return sql::transaction(writes.connection(), [&] {
            writes.mark_changed();
            return body(writes);
        });
    }

    void forget() {
        sessions.forget_all();
        tokens.forget_all();
    }

    /// Has anyone else changed the file?
    void look_for_changes(std::int64_t now_ms) {
        std::int64_t looked = looked_ms.load(std::memory_order_relaxed);
        if (now_ms >= looked && now_ms - looked < look_every_ms) return;
        if (!looked_ms.compare_exchange_strong(looked, now_ms)) return;
        const std::lock_guard lock(read_mutex);
        const std::int64_t version = reads.data_version();
        if (version == known_version) return;
        known_version = version;
        forget();
    }

    /// Notes the use of an entry, at most once a minute.
    static void use(Known& known, const std::string& key, Known::Entry& entry, std::int64_t now_ms) {
        entry.seen_ms.store(now_ms, std::memory_order_relaxed);
        std::int64_t noted = entry.noted_ms.load(std::memory_order_relaxed);
        if (now_ms - noted < note_every_ms || !entry.noted_ms.compare_exchange_strong(noted, now_ms)) return;
        known.note(key, now_ms);
    }

    std::shared_ptr<Known::Entry> session(const std::string& key) {
        if (auto found = sessions.find(key)) return found;
        const std::uint64_t generation = sessions.generation();
        std::optional<SessionRow> row;
        {
            const std::lock_guard lock(read_mutex);
            row = reads.session(key);
        }
        if (!row) return nullptr;
        return sessions.keep(key, viewer(row->account), row->created_ms, std::max(row->last_seen_ms, sessions.noted(key)),
                             generation);
    }

    std::shared_ptr<Known::Entry> token(const std::string& key) {
        if (auto found = tokens.find(key)) return found;
        const std::uint64_t generation = tokens.generation();
        std::optional<AccountRow> row;
        {
            const std::lock_guard lock(read_mutex);
            row = reads.account_by_token(key);
        }
        return row ? tokens.keep(key, viewer(*row), 0, 0, generation) : nullptr;
    }

    void keep_notes(const std::stop_token& stop) {
        std::unique_lock lock(keeper_mutex);
        while (!stop.stop_requested()) {
            keeper_wakes.wait_for(lock, stop, std::chrono::seconds(20), [] { return false; });
            try {
                write_notes();
            } catch (const std::exception&) {  // the disk, or memory
                // The next round has newer notes.
            }
        }
    }

    void write_notes() {
        const auto seen = sessions.take_notes();
        const auto used = tokens.take_notes();
        if (seen.empty() && used.empty()) return;
        const std::int64_t now_ms = clock.now_ms();
        const std::lock_guard lock(write_mutex);
        sql::transaction(writes.connection(), [&] {
            for (const auto& [key, at_ms] : seen) writes.touch_session(key, at_ms);
            for (const auto& [key, at_ms] : used) writes.touch_token(key, at_ms);
            writes.erase_sessions_before(now_ms - rules.longest_ms(), now_ms - rules.longest_idle_ms());
        });
    }
};

}  // namespace xinglin::access
