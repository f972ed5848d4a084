// SPDX-License-Identifier: Apache-2.0
// The one writer: gathers submissions into a group, applies them in memory, writes them sorted, commits once.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "record/draft.h"
#include "record/find.h"
#include "record/fresh.h"
#include "record/names.h"
#include "record/owners.h"
#include "record/postings.h"
#include "record/record.h"

namespace xinglin::record {

/// One version waiting to be written.
struct Pending {
    std::shared_ptr<const Prepared::Inside> prepared;  // nothing for a deletion
    std::int64_t rid, tid, version, position, updated_ms, flags;
    bool has_previous;
    std::string id;
};

/// What the open group holds. All calls from the writer thread.
class Group {
public:
    /// `shelf`: where fresh rows go; nothing when rows are written into their tables at once. `fresh_rows`: as in Options.
    Group(sql::Connection& connection, const Numbers& numbers, const Compressor& compressor, const calendar::Clock& clock,
          std::int16_t offset_minutes, std::size_t remembered, FreshShelf* shelf, std::size_t fresh_rows);

    void begin();
    /// What is probably going to be put: looked up together, where each by itself would cost round trips.
    void expect(std::span<const Prepared> puts);
    /// Marks the start of a submission …
    void open_submission();
    /// … and its end: kept, or undone.
    void close_submission(bool keep);
    void flush();
    void commit();
    /// Bulk loading: writes the versions and keeps their index rows and names in memory, to be sorted into the tables by
    /// the million; the transaction stays open. Commits by itself when enough has gathered.
    void hold();
    bool is_open() const { return is_open_; }
    void rollback();

    struct Known {
        std::int64_t rid, version, flags, updated_ms, position;
    };
    std::optional<Known> known(std::int64_t tid, std::string_view id);
    std::optional<Known> known(std::int64_t rid);
    std::optional<Version> read(const fhir::Type& type, std::string_view id);
    /// `at_ms`: its time when it is the history of another store, else now.
    Version put(const std::shared_ptr<const Prepared::Inside>& prepared, bool created, std::optional<std::int64_t> at_ms = {});
    Version erase(const fhir::Type& type, std::int64_t tid, std::string_view id, std::optional<std::int64_t> at_ms = {});
    Result<Done> replay(const Change& change, const std::shared_ptr<const Prepared::Inside>& prepared);
    /// The compressed body equals what is current already.
    bool same_as_current(const Prepared::Inside& prepared);
    std::int64_t now_ms() const { return now_ms_; }
    sql::Connection& connection() { return connection_; }
    const Numbers& numbers() const { return numbers_; }
    const Compressor& compressor() const { return compressor_; }
    std::int16_t offset_minutes() const { return offset_minutes_; }
    std::int64_t position() const { return position_; }
    std::size_t pending() const { return pending_.size(); }
    /// With those of the open group.
    const Fresh& fresh() const { return building_ ? *building_ : no_fresh(); }

private:
    struct TypeChange {
        std::int64_t count = 0, last_ms = 0;
    };
    bool load_counters();
    void save_counters();
    void add(Pending pending);
    void flush_upto(std::size_t count);
    void write_index();
    void expect_rows(std::span<const Pending* const> pending);
    /// Pending versions take other places.
    void move(const std::unordered_map<std::int64_t, std::int64_t>& moved);
    void write_versions(std::span<const Pending*> sorted);
    void index(const Pending& pending);
    std::int64_t mentioned(std::int64_t tid, std::string_view id, std::int64_t by);
    void rows_of(const Draft& draft, std::int64_t rid, bool is_new, Rows& rows);
    std::optional<std::string> text_of(std::int64_t rid);
    /// Also whose it was; nothing when it was deleted.
    std::optional<OwnerList> previous_rows(const Pending& pending, Rows& rows);
    OwnerList owners_of(const Draft& draft, std::int64_t tid, std::int64_t rid);
    /// Says whose a version is where its place does not, or where that changed.
    void state_owners(const Pending& pending, const std::optional<OwnerList>& before);
    void write_rows();
    void write_fresh();
    /// Puts the fresh rows of the open group into its line, and some that are due into their tables.
    void append_fresh();
    void settle(std::size_t rows);
    std::size_t settle_above() const;
    void close_fresh();

    sql::Connection& connection_;
    const Numbers& numbers_;
    const Compressor& compressor_;
    const calendar::Clock& clock_;
    std::int16_t offset_minutes_;
    Counters counters_;
    Names names_;
    Postings postings_;
    Shelf ahead_;  // rows of resources that are coming; current until a version is written
    std::int64_t position_ = 0, now_ms_ = 0;
    std::vector<Pending> pending_;
    std::unordered_map<std::int64_t, std::size_t> pending_of_;  // rid to index in pending_
    std::size_t submission_start_ = 0, names_mark_ = 0;
    std::int64_t position_mark_ = 0;
    bool in_submission_ = false, has_savepoint_ = false, is_open_ = false;
    std::map<std::int64_t, TypeChange> type_changes_, type_changes_mark_;
    Rows adding_, removing_;

    FreshShelf* shelf_;
    std::size_t fresh_rows_, written_fresh_ = 0;
    std::shared_ptr<Fresh> building_;  // of the open group
    FreshLine line_;
    std::optional<Fresh> building_mark_;  // as the savepoint found it
    std::size_t line_mark_ = 0;
};

struct Transaction::Inside {
    Group& group;
    std::size_t puts = 0;
};

/// The writer's thread and its queue.
class Writer {
public:
    Writer(std::unique_ptr<sql::Connection> connection, const Numbers& numbers, Compressor& compressor,
           const calendar::Clock& clock, const Options& options, std::int16_t offset_minutes, FreshShelf& shelf);
    ~Writer();

    void submit(Work work, Finished finished, std::size_t weight, std::vector<Prepared> puts);
    /// Bulk loading: commits what is held; refuses when the load broke off.
    Result<Done> settle();
    void add_figures(Figures& figures);
    std::int64_t log_bytes() const { return log_bytes_; }
    std::int64_t position() const { return position_; }
    /// Runs `task` on the writer's connection between groups (checkpoint, dictionary, optimise).
    void between_groups(std::function<void(sql::Connection&)> task);

private:
    struct Submission {
        Work work;
        Finished finished;
        std::size_t weight;
        std::vector<Prepared> puts;
        Result<Done> result{Done{}};
    };
    void run();
    void run_group(std::vector<Submission>& group);
    bool try_group(std::vector<Submission>& group);
    void expect(std::span<const Submission> group);
    void finish_load();
    Result<Done> run_one(Submission& submission);

    std::unique_ptr<sql::Connection> connection_;
    Compressor& compressor_;
    const Options options_;
    const calendar::Clock& clock_;
    Group group_;

    std::mutex queue_mutex_;  // guards the next four
    std::condition_variable queue_filled_;
    std::deque<Submission> queue_;
    std::deque<std::function<void(sql::Connection&)>> tasks_;
    bool stopping_ = false;

    std::atomic<std::uint64_t> groups_{0}, writes_{0}, refused_busy_{0};
    std::atomic<double> last_commit_ms_{0};
    std::atomic<std::int64_t> log_bytes_{0};
    bool lost_ = false;  // a bulk load broke off: what it held since its last commit is gone, so nothing may follow
    std::atomic<std::int64_t> position_{0};
    std::mutex broken_mutex_;  // guards broken_why_
    std::string broken_why_;

    std::thread thread_;
};

}  // namespace xinglin::record
