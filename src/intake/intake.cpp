// SPDX-License-Identifier: Apache-2.0
// Taking messages, and the registry of those who send them.
#include "intake/intake.h"

#include <algorithm>
#include <future>

#include <fmt/format.h>

#include "intake/inside.h"

namespace xinglin::intake {

namespace {

constexpr std::size_t kept_of_too_long = 1'000;

std::string place_of(const Options& options) {
    return options.store.empty() ? (options.data / "intake.db").string() : options.store;
}

Outcome not_on_disk() {
    return refuse(IssueCode::transient, "intake", "the ledger cannot be written at the moment, send it again later");
}

/// Content's sources, with what was changed by hand over them.
std::shared_ptr<const Registry> registry_of(const std::vector<Source>& of_content, const std::vector<Source>& saved) {
    auto all = std::make_shared<Registry>();  // shared: readers keep the one they found
    for (const Source& source : of_content) (*all)[source.id] = std::make_shared<const Source>(source);
    for (const Source& source : saved) (*all)[source.id] = std::make_shared<const Source>(source);
    return all;
}

}  // namespace

Intake::Inside::Inside(Options chosen, record::Store& to, ingest::Transactions& through, const calendar::Clock& by,
                       std::vector<Format> known)
    : options(std::move(chosen)),
      store(to),
      ingest(through),
      clock(by),
      formats(std::move(known)),
      place(place_of(options)),
      reading(place),
      questions(place),
      quick(place) {
    const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
    Conveyor::Questions asks;
    asks.read = [this](Number number) { return questions.with([&](Ledger& ledger) { return ledger.raw(number); }); };
    asks.newest_sent = [this](std::int64_t patient, Number before) {
        return questions.with([&](Ledger& ledger) { return ledger.newest_sent(patient, before); });
    };
    asks.writer_of = [this](const std::string& source, const std::string& control_id) {
        return quick.with([&](Ledger& ledger) { return ledger.writer_of(source, control_id); });
    };
    conveyor =
        std::make_unique<Conveyor>(Conveyor::Options{.threads = options.threads != 0 ? options.threads : std::max(2u, cores / 2),
                                                     .in_flight = options.in_flight,
                                                     .bytes = options.window_bytes,
                                                     .join = options.join},
                                   ingest, std::move(asks), [this](Outgoing out) {
                                       const std::lock_guard lock(desk_mutex);
                                       results.push_back(std::move(out));
                                       if (results.size() == 1) desk_changed.notify_all();
                                   });
}

Intake::Inside::~Inside() {
    {
        const std::lock_guard lock(desk_mutex);
        closing = true;
    }
    if (keeper.joinable()) {
        keeper.request_stop();
        keeper.join();
    }
    conveyor->stop();  // what waits is taken up at the next start
    {
        const std::lock_guard lock(desk_mutex);
        ended = true;
    }
    desk_changed.notify_all();
    if (writer.joinable()) writer.join();
    for (Errand& errand : errands) errand.finished(sql::Broken(sql::Broken::Why::other, "intake is closing"));
    for (Pending& pending : arrivals) pending.taken(not_on_disk());
}

void Intake::Inside::load() {
    const auto [saved, totals] =
        reading.with([&](Ledger& from) { return std::pair(from.sources(base), from.totals(0, std::int64_t{1} << 40)); });
    auto all = registry_of(of_content, saved);
    const bool first = !registry;
    {
        const std::lock_guard lock(registry_mutex);
        registry = all;
    }
    if (!first && options.store.empty()) return;
    for (const auto& [id, counts] : totals) {
        const std::int64_t last = reading.with([&, id = id](Ledger& from) { return from.last_received(id); });
        const std::lock_guard lock(live_mutex);
        live[id].total = counts;
        live[id].last_ms = std::max(live[id].last_ms, last);
    }
}

std::shared_ptr<const Source> Intake::Inside::source_of(std::string_view id) const {
    const std::lock_guard lock(registry_mutex);
    const auto found = registry->find(id);
    return found == registry->end() ? nullptr : found->second;
}

const Format* Intake::Inside::format_of(std::string_view name) const {
    for (const Format& format : formats) {
        if (format.name == name) return &format;
    }
    return nullptr;
}

std::shared_ptr<const Source> Intake::Inside::sender_of(std::string_view format, const message::Facts& facts) const {
    const std::lock_guard lock(registry_mutex);
    for (const auto& [id, source] : *registry) {
        if (source->format == format && is_sender(*source, facts.application, facts.facility)) return source;
    }
    return nullptr;
}

Result<Done> Intake::Inside::may_send(const Source& source) {
    if (source.paused)
        return refuse(IssueCode::transient, "source",
                      fmt::format("{} is paused by the operator, keep it and send it later", source.id));
    if (source.per_minute == 0) return Done{};
    const std::int64_t minute = clock.now_ms() / 60'000;
    const std::lock_guard lock(live_mutex);
    Live& one = live[source.id];
    if (one.minute != minute) one.minute = minute, one.in_minute = 0;
    if (one.in_minute >= source.per_minute)
        return refuse(IssueCode::throttled, "source",
                      fmt::format("{} may send {} messages a minute, send the rest in the next", source.id, source.per_minute));
    ++one.in_minute;
    return Done{};
}

Result<Intake::Inside::Pending> Intake::Inside::examine(Arrival& arrival) {
    Pending pending;
    Entry& entry = pending.entry;
    pending.source = source_of(arrival.source.empty() ? unknown_source : std::string_view(arrival.source));
    if (!pending.source)
        return refuse(IssueCode::not_found, "source",
                      "there is no such source; add it on the page of sources or by POST /api/v1/intake/sources");
    if (static_cast<std::int64_t>(arrival.bytes.size()) > pending.source->message_bytes) {
        auto no = refuse(IssueCode::too_costly, "message",
                         fmt::format("is longer than the {} bytes that {} may send at once", pending.source->message_bytes,
                                     pending.source->id));
        if (arrival.file.empty()) return no;
        arrival.refusal = no.issues.front().what;  // of a file: the others go on, and this one is accounted for
        arrival.bytes.resize(kept_of_too_long);
    }
    if (!arrival.refusal.empty()) {
        entry.state = State::rejected;
        entry.where = arrival.where;
        entry.reason = arrival.refusal;
        if (arrival.bytes.empty()) arrival.bytes = arrival.where;
    }
    if (arrival.bytes.empty()) return refuse(IssueCode::required, "message", "is empty, send its bytes");
    const Format* format = format_of(arrival.source.empty() ? std::string_view(arrival.format) : pending.source->format_name());
    if (format && format->glance && entry.state == State::waiting) {
        auto facts = format->glance(arrival.bytes);
        if (facts.ok()) {
            entry.facts = std::move(*facts);
        } else {
            entry.state = State::rejected;
            entry.where = facts.outcome().issues.empty() ? "message" : facts.outcome().issues.front().where;
            entry.reason = facts.outcome().issues.empty() ? "is not of this format" : facts.outcome().issues.front().what;
        }
    }
    if (arrival.source.empty() && entry.state == State::waiting) {
        if (auto sender = sender_of(arrival.format, entry.facts)) {
            pending.source = std::move(sender);
        } else {
            entry.state = State::rejected;
            entry.where = "sender";
            entry.reason = fmt::format("no source has application {} and facility {}; add them to a source's senders, then retry",
                                       entry.facts.application.empty() ? "(none)" : entry.facts.application,
                                       entry.facts.facility.empty() ? "(none)" : entry.facts.facility);
        }
    }
    if (arrival.instead_of == 0) XINGLIN_CHECK(may_send(*pending.source));
    entry.source = pending.source->id;
    entry.print = print_of(entry.source, format && format->essence ? format->essence(arrival.bytes) : arrival.bytes);
    entry.received_ms = clock.now_ms();
    entry.sent_ms = instant_of(entry.facts.sent_at, pending.source->offset_minutes);
    entry.bytes = static_cast<std::int64_t>(arrival.bytes.size());
    entry.packed = pack(arrival.bytes);
    entry.file = std::move(arrival.file);
    entry.item = arrival.item;
    pending.instead_of = arrival.instead_of;
    pending.settled = std::move(arrival.settled);
    pending.bytes = std::move(arrival.bytes);
    return pending;
}

void Intake::Inside::receive(Arrival arrival, Taken taken) {
    auto pending = [&]() -> Result<Pending> {
        try {
            return examine(arrival);
        } catch (const std::exception&) {
            return refuse(IssueCode::transient, "intake", "there is not enough memory at the moment, send it again later");
        }
    }();
    if (!pending.ok()) return taken(std::move(pending).outcome());
    std::optional<Outcome> no;
    {
        const std::lock_guard lock(desk_mutex);
        if (closing) {
            no = refuse(IssueCode::transient, "intake", "the server is stopping, send it again later");
        } else if (arrivals.size() >= options.queue) {
            no = refuse(IssueCode::throttled, "intake", "too many messages at once, send it again in a moment");
        } else {
            pending->taken = std::move(taken);
            arrivals.push_back(std::move(*pending));
            if (arrivals.size() == 1) desk_changed.notify_all();
        }
    }
    if (no) taken(std::move(*no));
}

void Intake::Inside::in_writer(std::function<void(Ledger&)> act, std::function<void()> after) {
    std::promise<std::optional<sql::Broken>> promise;
    auto answer = promise.get_future();
    {
        const std::lock_guard lock(desk_mutex);
        if (ended) throw sql::Broken(sql::Broken::Why::other, "intake is closing");
        errands.push_back({std::move(act), [&promise, after = std::move(after)](std::optional<sql::Broken> broken) {
                               if (!broken && after) after();
                               promise.set_value(std::move(broken));
                           }});
        desk_changed.notify_all();
    }
    if (auto broken = answer.get()) throw sql::Broken(*broken);
}

std::shared_ptr<Work> Intake::Inside::work_of(const Waiting& waiting, bool again) const {
    auto work = std::make_shared<Work>();  // shared: converter, record and desk hold it in turn
    work->number = waiting.number;
    work->source = source_of(waiting.source);
    if (!work->source) {  // removed since
        Source gone = base;
        gone.id = waiting.source;
        work->source = std::make_shared<const Source>(std::move(gone));
    } else {
        work->format = format_of(work->source->format_name());
    }
    work->print = waiting.print;
    work->before = waiting.state;
    work->received_ms = waiting.received_ms;
    work->sent_ms = waiting.sent_ms;
    work->facts.control_id = waiting.control_id;
    work->again = again;
    return work;
}

Intake::Intake(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}
Intake::~Intake() = default;

Result<std::unique_ptr<Intake>> Intake::open(Options options, record::Store& store, ingest::Transactions& ingest,
                                             const calendar::Clock& clock, const content::Files& content,
                                             std::vector<Format> formats) {
    auto inside = std::make_unique<Inside>(std::move(options), store, ingest, clock, std::move(formats));
    XINGLIN_TRY(inside->base, default_source(content));
    XINGLIN_TRY(inside->of_content, sources_of(content));
    inside->open_ledger();
    inside->newest_at_start = inside->ledger->newest();
    inside->load();
    Inside& self = *inside;
    inside->writer = std::jthread([&self] { self.write_down(); });
    inside->keeper = std::jthread([&self](const std::stop_token& stop) { self.keep(stop); });
    return std::unique_ptr<Intake>(new Intake(std::move(inside)));
}

void Intake::receive(Arrival arrival, Taken taken) { inside_->receive(std::move(arrival), std::move(taken)); }

Result<Receipt> Intake::receive_and_wait(Arrival arrival) {
    std::promise<Result<Receipt>> promise;
    auto answer = promise.get_future();
    receive(std::move(arrival), [&promise](Result<Receipt> receipt) { promise.set_value(std::move(receipt)); });
    return answer.get();
}

std::size_t Intake::queued() const {
    const std::lock_guard lock(inside_->desk_mutex);
    return inside_->arrivals.size();
}

void Intake::close() {
    {
        std::unique_lock lock(inside_->desk_mutex);
        inside_->closing = true;
        inside_->desk_changed.notify_all();
        inside_->desk_changed.wait_for(lock, std::chrono::seconds(30),
                                       [this] { return inside_->arrivals.empty() && !inside_->writing; });
    }
    inside_->conveyor->stop();
}

std::vector<Source> Intake::sources() const {
    const std::lock_guard lock(inside_->registry_mutex);
    std::vector<Source> all;
    for (const auto& [id, source] : *inside_->registry) all.push_back(*source);
    return all;
}

std::optional<Source> Intake::source(std::string_view id) const {
    const auto found = inside_->source_of(id);
    return found ? std::optional(*found) : std::nullopt;
}

Source Intake::new_source() const { return inside_->base; }

Result<Done> Intake::save_source(const Source& source, bool is_new) {
    const auto before = inside_->source_of(source.id);
    if (is_new && before)
        return refuse(IssueCode::conflict, "id", "there is a source with this id; choose another or change that one");
    if (!is_new && !before) return refuse(IssueCode::not_found, "id", "there is no such source");
    const std::string path = before ? before->path : "";
    if (source.path != path && !source.path.empty())  // whoever may set it could have any file of the machine read and moved
        return refuse(
            IssueCode::forbidden, "settings.path",
            "only content/intake/sources.json on the server itself may name a folder; leave it empty for inbox/" + source.id);
    inside_->in_writer([&](Ledger& ledger) { ledger.save(source); });
    inside_->load();
    return Done{};
}

Result<Done> Intake::remove_source(const std::string& id) {
    const auto there = inside_->source_of(id);
    if (!there) return refuse(IssueCode::not_found, "id", "there is no such source");
    for (const Source& source : inside_->of_content) {
        if (source.id == id) return refuse(IssueCode::conflict, "id", "this source is part of the content; pause it instead");
    }
    for (const State state : {State::waiting, State::rejected}) {
        if (!find({.source = id, .state = state, .count = 1}).lines.empty())
            return refuse(IssueCode::conflict, "id",
                          fmt::format("it has {} messages; retry or ignore them first, or pause the source", text(state)));
    }
    inside_->in_writer([&](Ledger& ledger) { ledger.remove(id); });
    inside_->load();
    return Done{};
}

std::vector<Health> Intake::health(const std::string& only) {
    Inside& in = *inside_;
    const std::int64_t now_ms = in.clock.now_ms(), from = in.first_hour(now_ms), to = hour_of(now_ms) + 1;
    if (only.empty()) return in.healths(in.reading.with([&](Ledger& ledger) { return ledger.hours_of_all(from, to); }), now_ms);
    const auto source = in.source_of(only);
    if (!source) return {};
    return {in.health_of(*source, in.reading.with([&](Ledger& ledger) { return ledger.hours(only, from, to); }), now_ms)};
}

std::vector<HourLine> Intake::hours(const std::string& source, int days) {
    const std::int64_t now = hour_of(inside_->clock.now_ms());
    const auto history = inside_->history_of(source, inside_->clock.now_ms());
    const std::int64_t from = now - days * 24 + 1;
    std::vector<HourLine> all;
    for (std::int64_t hour = from; hour <= now; ++hour) all.push_back({hour * hour_ms, {}, history->expected(hour)});
    const auto counted = inside_->reading.with([&](Ledger& ledger) { return ledger.hours(source, from, now + 1); });
    for (const auto& [hour, counts] : counted) all[static_cast<std::size_t>(hour - from)].counts = counts;
    return all;
}

std::vector<std::pair<std::string, Counts>> Intake::received(std::int64_t from_ms, std::int64_t to_ms) {
    return inside_->reading.with([&](Ledger& ledger) { return ledger.totals(hour_of(from_ms), hour_of(to_ms)); });
}

std::optional<Times> Intake::times(const std::string& source, const std::string& control_id) {
    return inside_->reading.with([&](Ledger& ledger) { return ledger.first_with(source, control_id); });
}

void Intake::sweep() { inside_->sweep(); }

const Format* Intake::format(std::string_view name) const { return inside_->format_of(name); }

FileState Intake::file(const std::string& source, const std::string& key) {
    return inside_->reading.with([&](Ledger& ledger) { return ledger.file(source, key); });
}

void Intake::finish_file(const std::string& source, const std::string& key) {
    inside_->in_writer([&](Ledger& ledger) { ledger.file_at(source, key, 0, true); });
}

bool Intake::settle(int seconds) {
    std::unique_lock lock(inside_->desk_mutex);
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
    const auto quiet = [this] {
        return inside_->arrivals.empty() && inside_->results.empty() && inside_->errands.empty() && !inside_->writing &&
               inside_->conveyor->size() == 0;
    };
    while (std::chrono::steady_clock::now() < until) {
        if (quiet()) {
            lock.unlock();
            const bool none = inside_->reading.with([](Ledger& ledger) { return ledger.waiting(0, 1).empty(); });
            if (none) return true;
            lock.lock();
        }
        inside_->desk_changed.wait_for(lock, std::chrono::milliseconds(20));
    }
    return false;
}

std::string Intake::trouble() const {
    {
        const std::lock_guard lock(inside_->desk_mutex);
        if (!inside_->trouble.empty()) return inside_->trouble;
    }
    return inside_->conveyor->trouble();
}

}  // namespace xinglin::intake
