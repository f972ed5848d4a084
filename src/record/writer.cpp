// SPDX-License-Identifier: Apache-2.0
// The writer's thread: takes what is queued, runs it as one group, tells everybody once it is durable.
#include "record/writer.h"

#include <chrono>
#include <future>

#include "record/find.h"

namespace xinglin::record {

namespace {
Outcome refusal_of(const sql::Broken& error) {
    // A log that was written and could not be synced is read again when the store is next opened.
    if (error.may_be_stored)
        return refuse(IssueCode::transient, "",
                      "the store could not confirm the write; it is not shown now but may be after a restart; read before you "
                      "send it again");
    switch (error.why) {
        case sql::Broken::Why::full:
            return refuse(IssueCode::transient, "", "the disk is full; nothing was stored; free some space and send it again");
        case sql::Broken::Why::read_only:
            return refuse(IssueCode::transient, "", "the data folder cannot be written; nothing was stored");
        case sql::Broken::Why::corrupt:
            return refuse(IssueCode::exception, "",
                          std::string("the record is damaged here (") + error.what() +
                              "); nothing was stored; run `xinglin verify` and restore a backup");
        case sql::Broken::Why::lost:
            return refuse(IssueCode::transient, "",
                          "the connection to the database was lost; nothing was stored; send it again in a moment");
        case sql::Broken::Why::memory:
            return refuse(IssueCode::transient, "", "there is not enough memory; nothing was stored; send it again in a moment");
        default: return refuse(IssueCode::transient, "", "the store could not write; nothing was stored; see the server's log");
    }
}
Outcome broke_off() {
    return refuse(IssueCode::transient, "", "the load broke off and its last part was not stored; load it again");
}

/// For what must be done even when memory is short: gives up to nobody, tries until there is some.
template <typename Act>
void insist(Act&& act) {
    for (;;) {
        try {
            return act();
        } catch (const std::bad_alloc&) {
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
    }
}
}  // namespace

std::optional<Transaction::State> Transaction::state(const fhir::Type& type, std::string_view id) {
    const auto known = inside_.group.known(inside_.group.numbers().tid(type), id);
    if (!known) return std::nullopt;
    return State{known->version, (known->flags & flag_deleted) != 0, known->updated_ms};
}

Result<std::vector<std::string>> Transaction::search(const search::Query& query, std::size_t limit) {
    inside_.group.flush();
    Finder finder({inside_.group.connection(), inside_.group.numbers(), inside_.group.compressor(),
                   inside_.group.offset_minutes(), nullptr, &inside_.group.fresh()});
    return finder.ids(query, limit);
}

std::optional<Version> Transaction::read(const fhir::Type& type, std::string_view id) { return inside_.group.read(type, id); }

Version Transaction::put(const Prepared& prepared, bool created, bool want_body) {
    ++inside_.puts;
    Version version = inside_.group.put(prepared.inside, created);
    if (want_body)
        version.body =
            with_version(prepared.inside->body.text, prepared.inside->body.splice, version.version, version.updated_ms);
    return version;
}

bool Transaction::put_if_changed(const Prepared& prepared) {
    if (inside_.group.same_as_current(*prepared.inside)) return false;
    ++inside_.puts;
    inside_.group.put(prepared.inside, false);
    return true;
}

Version Transaction::erase(const fhir::Type& type, std::string_view id) {
    ++inside_.puts;
    return inside_.group.erase(type, inside_.group.numbers().tid(type), id);
}

Result<Done> Transaction::replay(const Change& change, const Prepared* prepared) {
    ++inside_.puts;
    return inside_.group.replay(change, prepared ? prepared->inside : nullptr);
}

std::int64_t Transaction::now_ms() const { return inside_.group.now_ms(); }

Writer::Writer(std::unique_ptr<sql::Connection> connection, const Numbers& numbers, Compressor& compressor,
               const calendar::Clock& clock, const Options& options, std::int16_t offset_minutes, FreshShelf& shelf)
    : connection_(std::move(connection)),
      compressor_(compressor),
      options_(options),
      clock_(clock),
      group_(*connection_, numbers, compressor, clock, offset_minutes, options.remembered,
             !options.bulk && options.store.empty() ? &shelf : nullptr, options.fresh_rows) {
    position_ = group_.position();
    thread_ = std::thread([this] { run(); });
}

Writer::~Writer() {
    {
        std::lock_guard lock(queue_mutex_);
        stopping_ = true;
    }
    queue_filled_.notify_all();
    if (thread_.joinable()) thread_.join();
    if (options_.bulk) {
        finish_load();
        try {
            connection_->settle();
        } catch (const std::exception&) {  // the next opening recovers from the log
        }
    }
}

void Writer::submit(Work work, Finished finished, std::size_t weight, std::vector<Prepared> puts) {
    if (connection_->engine() == sql::Engine::sqlite) puts.clear();
    Outcome refusal;
    {
        std::lock_guard lock(queue_mutex_);
        if (stopping_) refusal = refuse(IssueCode::transient, "", "the server is stopping");
        else if (queue_.size() >= options_.queue)
            refusal = refuse(IssueCode::throttled, "", "too many writes are waiting; try again in a second");
        else {
            queue_.push_back({std::move(work), std::move(finished), weight, std::move(puts)});
            queue_filled_.notify_one();
            return;
        }
    }
    ++refused_busy_;
    finished(std::move(refusal));
}

void Writer::between_groups(std::function<void(sql::Connection&)> task) {
    std::lock_guard lock(queue_mutex_);
    tasks_.push_back(std::move(task));
    queue_filled_.notify_one();
}

Result<Done> Writer::settle() {
    std::promise<bool> settled;
    between_groups([&](sql::Connection& connection) {
        bool durable = !lost_;
        try {
            if (options_.bulk && connection.engine() == sql::Engine::postgres) connection.settle();
        } catch (const sql::Broken&) {
            durable = false;
        }
        settled.set_value(durable);
    });
    if (settled.get_future().get()) return Done{};
    return broke_off();
}

void Writer::run() {
    std::vector<Submission> group;
    insist([&] { group.reserve(options_.group_submissions); });
    for (;;) {
        std::function<void(sql::Connection&)> task;
        {
            std::unique_lock lock(queue_mutex_);
            queue_filled_.wait(lock, [this] { return stopping_ || !queue_.empty() || !tasks_.empty(); });
            if (!tasks_.empty()) {
                task = std::move(tasks_.front());
                tasks_.pop_front();
            } else if (queue_.empty()) {
                return;
            } else {
                std::size_t weight = 0;
                while (!queue_.empty() && group.size() < options_.group_submissions &&
                       (group.empty() || weight + queue_.front().weight <= options_.group_bytes)) {
                    weight += queue_.front().weight;
                    group.push_back(std::move(queue_.front()));
                    queue_.pop_front();
                }
            }
        }
        if (task) {
            finish_load();
            try {
                task(*connection_);
            } catch (const std::exception&) {  // a task is an improvement, never a need
                if (connection_->in_transaction()) insist([&] { group_.rollback(); });
            }
            continue;
        }
        run_group(group);
        group.clear();
    }
}

void Writer::run_group(std::vector<Submission>& group) {
    if (!try_group(group) && group.size() > 1 && !lost_) {
        // One of them may be the cause: each on its own, so that it fails alone.
        std::vector<Submission> single;
        insist([&] { single.resize(1); });
        for (Submission& submission : group) {
            std::swap(single[0], submission);
            try_group(single);
            std::swap(single[0], submission);
        }
    }
    for (Submission& submission : group) {
        try {
            submission.finished(std::move(submission.result));
        } catch (const std::exception&) {  // who cannot be told is not told; what is stored is stored
        }
    }
}

void Writer::expect(std::span<const Submission> group) {
    std::vector<Prepared> puts;
    for (const Submission& submission : group) puts.insert(puts.end(), submission.puts.begin(), submission.puts.end());
    group_.expect(puts);
}

// False when the group as a whole could not be written; every result then holds the refusal.
bool Writer::try_group(std::vector<Submission>& group) {
    const auto start = std::chrono::steady_clock::now();
    const auto refuse_all = [&](auto&& why) {
        insist([&] {
            const Outcome outcome = why();
            for (Submission& submission : group) submission.result = outcome;
        });
    };
    const auto fail = [&](auto&& why) {
        lost_ = options_.bulk;
        insist([&] { group_.rollback(); });
        refuse_all(why);
    };
    if (lost_) {
        refuse_all(broke_off);
        return false;
    }
    bool group_was_open = group_.is_open();
    try {
        if (!group_was_open) group_.begin();
        group_was_open = true;
        expect(group);
        for (Submission& submission : group) submission.result = run_one(submission);
        if (options_.bulk) {
            group_.hold();
        } else {
            group_.commit();
        }
    } catch (const sql::Broken& error) {
        fail([&] { return refusal_of(error); });
        std::lock_guard lock(broken_mutex_);
        insist([&] { broken_why_ = error.what(); });
        // Alone it fares no better; and what another server may have stored must not be sent there twice.
        const bool is_away = error.why == sql::Broken::Why::lost && !group_was_open;
        return error.why == sql::Broken::Why::full || is_away || (error.may_be_stored && error.why == sql::Broken::Why::lost);
    } catch (const std::bad_alloc&) {
        fail([] { return refuse(IssueCode::transient, "", "memory is short; nothing was stored; send it again later"); });
        return false;
    } catch (const std::exception& error) {
        fail([&] { return refuse(IssueCode::exception, "", std::string("the write failed: ") + error.what()); });
        return false;
    }
    {
        std::lock_guard lock(broken_mutex_);
        broken_why_.clear();
    }
    ++groups_;
    writes_ += static_cast<std::uint64_t>(group_.position() - position_.load());
    position_ = group_.position();
    log_bytes_ = connection_->log_bytes();
    last_commit_ms_ = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    return true;
}

/// Commits what a bulk load still holds.
void Writer::finish_load() {
    if (!group_.is_open()) return;
    try {
        group_.commit();
    } catch (const std::exception& error) {
        lost_ = true;
        insist([&] { group_.rollback(); });
        std::lock_guard lock(broken_mutex_);
        insist([&] { broken_why_ = error.what(); });
    }
}

Result<Done> Writer::run_one(Submission& submission) {
    group_.open_submission();
    Transaction::Inside inside{group_};
    Transaction transaction(inside);
    Result<Done> result = Done{};
    try {
        result = submission.work(transaction);
    } catch (const sql::Broken&) {
        throw;
    } catch (const std::bad_alloc&) {  // the group may be half-way through something
        throw;
    } catch (const std::exception& error) {
        result = refuse(IssueCode::exception, "", std::string("the write failed: ") + error.what());
    }
    group_.close_submission(result.ok());
    return result;
}

void Writer::add_figures(Figures& figures) {
    figures.groups = groups_;
    figures.writes = writes_;
    figures.refused_busy = refused_busy_;
    figures.position = position_;
    figures.last_commit_ms = last_commit_ms_;
    {
        std::lock_guard lock(queue_mutex_);
        figures.queued = queue_.size();
    }
    std::lock_guard lock(broken_mutex_);
    figures.broken = !broken_why_.empty();
    figures.broken_why = broken_why_;
}

}  // namespace xinglin::record
