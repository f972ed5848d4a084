// SPDX-License-Identifier: Apache-2.0
// The one thread that writes: it gathers what came and what was settled into one transaction, and tells those concerned
// when it is on disk.
#include <fmt/format.h>

#include "intake/inside.h"

namespace xinglin::intake {

namespace {
constexpr std::size_t group_arrivals = 2'000, group_bytes = 8u << 20, group_results = 4'000;
constexpr std::chrono::milliseconds pause_after_failure{100}, look_again{250};
constexpr std::int64_t advisory_lock = 0x78696e696e74;  // "xinint"
constexpr std::chrono::seconds idle_look{5};
}  // namespace

struct Intake::Inside::Batch {
    std::deque<Pending> arrivals;
    std::deque<Outgoing> results;
    std::int64_t now_ms = 0;
    // Filled while writing
    struct Hour {
        Counts counts;
        Number first = 0, last = 0;
    };
    std::map<std::pair<std::string, std::int64_t>, Hour> hours;
    std::map<std::pair<std::string, std::string>, std::int64_t> files;
    std::vector<std::string> replaced;  // sources of rejected messages that edited ones took the place of
    std::vector<bool> settled;          // of the results: not already settled by another attempt
    Number before = 0, newest = 0;
};

void Intake::Inside::open_ledger() {
    if (ledger) return;
    auto connection = sql::open(place, {.cache_bytes = 32 << 20, .lane = "xinglin intake"});
    Ledger::migrate(*connection);
    if (options.wrap) connection = options.wrap(std::move(connection));
    ledger = std::make_unique<Ledger>(std::move(connection), sql::values_of(place));
    ours = false;
}

void Intake::Inside::write_down() {
    std::unique_lock lock(desk_mutex);
    for (;;) {
        const auto has_work = [this] { return !arrivals.empty() || !results.empty() || !errands.empty(); };
        desk_changed.wait_for(lock, look_again, [&] { return has_work() || ended; });
        if (ended && !has_work()) return;
        Batch batch;
        std::size_t bytes = 0;
        while (!arrivals.empty() && batch.arrivals.size() < group_arrivals && bytes < group_bytes) {
            bytes += arrivals.front().entry.packed.size();
            batch.arrivals.push_back(std::move(arrivals.front()));
            arrivals.pop_front();
        }
        while (!results.empty() && batch.results.size() < group_results) {
            batch.results.push_back(std::move(results.front()));
            results.pop_front();
        }
        std::deque<Errand> now;
        now.swap(errands);
        writing = !batch.arrivals.empty() || !batch.results.empty();
        const bool is_closing = closing;
        lock.unlock();
        const bool good = write(batch);
        for (Errand& errand : now) run_errand(std::move(errand));
        if (good && !is_closing) look_after_belt();
        lock.lock();
        if (!good) {
            for (; !batch.results.empty(); batch.results.pop_back()) results.push_front(std::move(batch.results.back()));
            if (ended) return;  // what is not written down is taken up at the next start
            desk_changed.wait_for(lock, pause_after_failure, [this] { return ended; });
        }
        writing = false;
        desk_changed.notify_all();
    }
}

/// False when the disk refused: arrivals are then refused, results are still in the batch.
bool Intake::Inside::write(Batch& batch) {
    if (batch.arrivals.empty() && batch.results.empty()) return true;
    std::string problem;
    try {
        open_ledger();
        batch.now_ms = clock.now_ms();
        sql::transaction(ledger->connection(), [&] {
            settle(batch);
            add_arrivals(batch);
            for (const auto& [key, more] : batch.hours)
                ledger->add_hour(key.first, key.second, more.counts, more.first, more.last);
            for (const auto& [key, items] : batch.files) ledger->file_at(key.first, key.second, items, false);
        });
    } catch (const std::exception& error) {
        problem = error.what();
        ledger.reset();
    }
    {
        const std::lock_guard lock(desk_mutex);
        trouble = problem;
    }
    if (problem.empty()) {
        after(batch);
        return true;
    }
    behind = true;
    for (Pending& pending : batch.arrivals)
        pending.taken(refuse(IssueCode::transient, "intake", "the ledger cannot be written at the moment, send it again later"));
    batch.arrivals.clear();
    return false;
}

/// What was settled meanwhile (after a lost connection a message may have been taken up twice) is not settled again.
void Intake::Inside::settle(Batch& batch) {
    std::vector<Number> numbers;
    for (const Outgoing& out : batch.results) numbers.push_back(out.work->number);
    auto states = numbers.empty() ? std::map<Number, State>() : ledger->states(numbers);
    for (const Outgoing& out : batch.results) {
        const auto found = states.find(out.work->number);
        batch.settled.push_back(found != states.end() && found->second == out.work->before);
        if (!batch.settled.back()) continue;
        settle_one(batch, out);
        found->second = out.state;
    }
}

void Intake::Inside::settle_one(Batch& batch, const Outgoing& out) {
    const Work& work = *out.work;
    const Line before{.number = work.number, .source = work.source->id, .state = work.before, .received_ms = work.received_ms};
    if (work.has_learned) ledger->learn(work.number, work.facts, work.sent_ms, work.patient);
    const Counts delta = ledger->turn(before, out.state, batch.now_ms, out.where, out.reason, out.versions);
    auto& hour = batch.hours[{before.source, hour_of(before.received_ms)}];
    hour.counts += delta;
    hour.first = hour.first == 0 ? before.number : std::min(hour.first, before.number);
    hour.last = std::max(hour.last, before.number);
}

void Intake::Inside::add_arrivals(Batch& batch) {
    if (batch.arrivals.empty()) return;
    batch.before = ledger->newest();
    batch.newest = batch.before;
    std::vector<Print> prints;
    for (const Pending& pending : batch.arrivals) prints.push_back(pending.entry.print);
    const std::vector<Number> known = ledger->known(prints);
    std::map<std::pair<std::int64_t, std::int64_t>, Number> here;
    for (std::size_t i = 0; i < batch.arrivals.size(); ++i) {
        Pending& pending = batch.arrivals[i];
        Entry& entry = pending.entry;
        entry.number = ++batch.newest;
        const auto [first, is_first] = here.try_emplace({entry.print.first, entry.print.second}, entry.number);
        const Number original = known[i] != 0 ? known[i] : is_first ? 0 : first->second;
        if (original != 0) {
            entry.state = State::duplicate;
            entry.of = original;
            entry.where.clear();
            entry.reason.clear();
            entry.packed.clear();
        } else {
            entry.of = pending.instead_of;
        }
        ledger->add(entry);
        auto& [counts, first_number, last_number] = batch.hours[{entry.source, hour_of(entry.received_ms)}];
        ++counts.received;
        if (entry.state == State::rejected) ++counts.rejected;
        if (entry.state == State::duplicate) ++counts.duplicate;
        if (first_number == 0) first_number = entry.number;
        last_number = std::max(last_number, entry.number);
        if (!entry.file.empty()) {
            auto& items = batch.files[{entry.source, entry.file}];
            items = std::max(items, entry.item);
        }
        if (pending.instead_of == 0) continue;
        const auto old = ledger->line(pending.instead_of);
        if (!old || old->state != State::rejected) continue;
        ledger->change(*old, State::ignored, batch.now_ms, old->where,
                       fmt::format("message {} of {} took its place", entry.number, entry.source), "");
        batch.replaced.push_back(old->source);
    }
}

/// Everything is on disk: messages go on their way, senders are told.
void Intake::Inside::after(Batch& batch) {
    try {
        put_on_belt(batch);
    } catch (const std::bad_alloc&) {
        behind = true;  // found again in the table
    }
    for (Pending& pending : batch.arrivals) {
        const Entry& entry = pending.entry;
        note_arrival(entry);
        const std::int64_t of = entry.state == State::duplicate ? entry.of : 0;
        pending.taken(Receipt{entry.number, entry.state, of, entry.source, entry.facts, entry.where, entry.reason});
        if (pending.settled && entry.state != State::waiting)
            pending.settled({entry.number, entry.state, entry.where, entry.reason});
    }
    for (const std::string& source : batch.replaced) note_replaced(source);
    for (std::size_t i = 0; i < batch.results.size(); ++i) {
        const Outgoing& out = batch.results[i];
        if (!batch.settled[i]) continue;
        note_settled(out, batch.now_ms);
        if (out.work->settled) out.work->settled({out.work->number, out.state, out.where, out.reason});
    }
    batch.results.clear();
    batch.arrivals.clear();
}

void Intake::Inside::put_on_belt(Batch& batch) {
    if (batch.arrivals.empty()) return;
    const bool follows = !behind && ours && batch.before == scanned && conveyor->size() + batch.arrivals.size() <= options.window;
    if (!follows) {
        behind = true;
        return;
    }
    std::vector<std::shared_ptr<Work>> works;
    for (Pending& pending : batch.arrivals) {
        if (pending.entry.state != State::waiting) continue;
        auto work = std::make_shared<Work>();  // shared: converter, record and desk hold it in turn
        work->number = pending.entry.number;
        work->source = pending.source;
        work->format = format_of(pending.source->format_name());
        work->print = pending.entry.print;
        work->received_ms = pending.entry.received_ms;
        work->sent_ms = pending.entry.sent_ms;
        work->facts = pending.entry.facts;
        work->bytes = std::move(pending.bytes);
        work->settled = std::move(pending.settled);
        works.push_back(std::move(work));
    }
    conveyor->push(std::move(works));
    scanned = batch.newest;
}

/// Puts waiting messages on the conveyor that are not there: after a start, after a flood, or when another process received them.
void Intake::Inside::look_after_belt() {
    try {
        const auto now = std::chrono::steady_clock::now();
        open_ledger();
        sql::Connection& connection = ledger->connection();
        if (!ours) {
            if (connection.engine() == sql::Engine::postgres) {
                if (now - looked < look_again) return;
                looked = now;
                auto& query = connection.prepare("SELECT CASE WHEN pg_try_advisory_lock(?) THEN 1 ELSE 0 END");
                query.reset();
                query.bind(1, advisory_lock);
                ours = query.step() && query.integer(0) == 1;
                query.reset();
                if (!ours) return;
            }
            ours = true;
            behind = true;
            if (connection.engine() == sql::Engine::postgres)
                scanned = 0, again_from_start = true;  // another may have stopped midway
        }
        if (!behind && now - looked >= (connection.engine() == sql::Engine::postgres ? look_again : idle_look)) {
            looked = now;
            if (ledger->newest() != scanned) behind = true;
            bool idle = conveyor->size() == 0;
            {
                const std::lock_guard lock(desk_mutex);
                idle = idle && results.empty() && arrivals.empty();
            }
            if (idle && !ledger->waiting(0, 1).empty()) {  // put back by another process, or by hand
                scanned = 0;
                behind = true;
                again_from_start = true;
            }
        }
        const std::size_t held = conveyor->size();
        if (!behind || held > options.window / 2) return;
        const Number newest = ledger->newest();
        const std::size_t room = options.window - held;
        std::vector<std::shared_ptr<Work>> works;
        Number last = scanned;
        const std::vector<Waiting> waiting = ledger->waiting(scanned, room);
        for (const Waiting& one : waiting) {
            works.push_back(work_of(one, again_from_start || one.number <= newest_at_start));
            last = one.number;
        }
        conveyor->push(std::move(works));
        behind = waiting.size() == room;
        scanned = behind ? last : newest;
        if (!behind) again_from_start = false;
    } catch (const std::exception& error) {
        ledger.reset();
        const std::lock_guard lock(desk_mutex);
        trouble = error.what();
    }
}

void Intake::Inside::run_errand(Errand errand) {
    std::optional<sql::Broken> broken;
    try {
        open_ledger();
        sql::transaction(ledger->connection(), [&] { errand.act(*ledger); });
    } catch (const sql::Broken& error) {
        broken = error;
        ledger.reset();
    } catch (const std::exception& error) {
        broken = sql::Broken(sql::Broken::Why::other, error.what());
        ledger.reset();
    }
    errand.finished(std::move(broken));
}

}  // namespace xinglin::intake
