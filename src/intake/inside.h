// SPDX-License-Identifier: Apache-2.0
// Inside the room: the parts of an intake and how they lean on each other.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "intake/conveyor.h"
#include "intake/expect.h"
#include "intake/intake.h"
#include "intake/ledger.h"

namespace xinglin::intake {

/// What is known of a source's day without asking the tables.
struct Live {
    std::int64_t last_ms = 0;
    Counts total;
    std::int64_t minute = 0, in_minute = 0;  // for its quota
    std::deque<double> latencies_ms;         // of the last thousand
    std::deque<std::int64_t> clocks_ms;      // sent minus received, of the last hundred
    std::int64_t history_hour = -1;          // when `history` was read
    std::shared_ptr<const History> history;  // shared with whoever judges meanwhile
    std::string state = "ok";                // as last told
};

/// A connection for reading, lent to one thread at a time; made anew after it broke.
class Reading {
public:
    explicit Reading(std::string place) : place_(std::move(place)) {}
    template <typename Body>
    auto with(Body&& body) {
        const std::lock_guard lock(mutex_);
        if (!ledger_)
            ledger_ = std::make_unique<Ledger>(sql::open(place_, {.cache_bytes = 8 << 20, .lane = "xinglin intake"}),
                                               sql::values_of(place_));
        try {
            return body(*ledger_);
        } catch (const sql::Broken&) {
            ledger_.reset();
            throw;
        }
    }

private:
    const std::string place_;
    std::mutex mutex_;  // guards what follows
    std::unique_ptr<Ledger> ledger_;
};

using Registry = std::map<std::string, std::shared_ptr<const Source>, std::less<>>;

struct Intake::Inside {
    Inside(Options chosen, record::Store& store, ingest::Transactions& ingest, const calendar::Clock& clock,
           std::vector<Format> formats);
    ~Inside();

    const Options options;
    record::Store& store;
    ingest::Transactions& ingest;
    const calendar::Clock& clock;
    const std::vector<Format> formats;
    const std::string place;
    Source base;  // what a new source begins with
    std::vector<Source> of_content;

    Reading reading, questions, quick;  // pages · the conveyor · the record's writer

    mutable std::mutex registry_mutex;  // guards registry
    std::shared_ptr<const Registry> registry;

    mutable std::mutex live_mutex;  // guards what follows, down to the blank line
    std::map<std::string, Live, std::less<>> live;
    std::deque<double> latencies_ms;  // of all sources together
    struct {
        std::shared_ptr<const Registry> sources;  // those it is the sum of
        std::int64_t from = 0, to = 0;
        std::vector<std::optional<double>> hours;
    } expected;

    /// What waits to be written.
    struct Pending {
        Entry entry;
        Taken taken;
        std::string bytes;
        std::shared_ptr<const Source> source;
        std::function<void(const Settled&)> settled;
        Number instead_of = 0;
    };
    struct Errand {
        std::function<void(Ledger&)> act;
        std::function<void(std::optional<sql::Broken>)> finished;
    };
    mutable std::mutex desk_mutex;  // guards what follows, down to the blank line
    mutable std::condition_variable desk_changed;
    std::deque<Pending> arrivals;
    std::deque<Outgoing> results;
    std::deque<Errand> errands;
    bool closing = false, ended = false;
    bool writing = false;  // something taken from the queues is not on disk yet
    std::string trouble;

    // The writer's own
    std::unique_ptr<Ledger> ledger;
    bool ours = false;              // this process converts and stores (PostgreSQL: one of several)
    Number scanned = 0;             // every waiting message up to here was put on the conveyor
    bool behind = true;             // there may be waiting ones after `scanned`
    bool again_from_start = false;  // those looked for now may be stored already
    Number newest_at_start = 0;
    std::chrono::steady_clock::time_point looked{};

    std::unique_ptr<Conveyor> conveyor;
    std::jthread writer, keeper;

    // intake.cpp
    void load();
    std::shared_ptr<const Source> source_of(std::string_view id) const;
    const Format* format_of(std::string_view name) const;
    void receive(Arrival arrival, Taken taken);
    Result<Pending> examine(Arrival& arrival);
    std::shared_ptr<const Source> sender_of(std::string_view format, const message::Facts& facts) const;
    Result<Done> may_send(const Source& source);
    /// Runs within a write transaction of its own, in the writer's thread, and `after` once it is on disk. Throws sql::Broken.
    void in_writer(std::function<void(Ledger&)> act, std::function<void()> after = {});
    /// In the writer's thread: waiting messages that were settled before go on the conveyor again.
    void put_back(const std::vector<Waiting>& waiting);
    std::shared_ptr<Work> work_of(const Waiting& waiting, bool again) const;

    // desk.cpp
    void write_down();
    struct Batch;
    bool write(Batch& batch);
    void settle(Batch& batch);
    void settle_one(Batch& batch, const Outgoing& out);
    void add_arrivals(Batch& batch);
    void after(Batch& batch);
    void put_on_belt(Batch& batch);
    void open_ledger();
    void look_after_belt();
    void run_errand(Errand errand);

    // health.cpp
    void note_arrival(const Entry& entry);
    void note_replaced(const std::string& source);
    void note_settled(const Outgoing& out, std::int64_t now_ms);
    /// `hours`: of this source, from where the day or the hour before begins.
    Health health_of(const Source& source, const Hours& hours, std::int64_t now_ms);
    std::int64_t first_hour(std::int64_t now_ms) const;  // that health_of asks for
    std::vector<Health> healths(const std::map<std::string, Hours>& hours, std::int64_t now_ms);
    std::shared_ptr<const Registry> all_sources() const;
    std::vector<std::optional<double>> expected_of_all(std::int64_t from, std::int64_t to, std::int64_t now_ms);
    std::shared_ptr<const History> history_of(const std::string& source, std::int64_t now_ms);
    void keep(const std::stop_token& stop);
    void sweep();
};

std::int64_t day_of(std::int64_t ms, std::int64_t offset_minutes);

}  // namespace xinglin::intake
