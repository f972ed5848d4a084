// SPDX-License-Identifier: Apache-2.0
// How the sources are: counts, delays, clocks, silence; and the thread that looks after all this.
#include <algorithm>

#include <fmt/format.h>

#include "intake/inside.h"

namespace xinglin::intake {

namespace {
constexpr std::size_t latencies_kept = 1'000, latencies_kept_of_all = 10'000, clocks_kept = 100, clocks_needed = 10;
constexpr std::int64_t weeks_looked_back = 9;
constexpr std::chrono::seconds look_every{10};

template <typename T>
T share_of(const std::deque<T>& values, double share) {
    if (values.empty()) return T{};
    std::vector<T> all(values.begin(), values.end());
    const auto at = all.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(all.size() - 1));
    std::nth_element(all.begin(), at, all.end());
    return *at;
}
}  // namespace

std::int64_t day_of(std::int64_t ms, std::int64_t offset_minutes) { return (ms + offset_minutes * 60'000) / day_ms; }

void Intake::Inside::note_arrival(const Entry& entry) {
    const std::lock_guard lock(live_mutex);
    Live& one = live[entry.source];
    one.last_ms = std::max(one.last_ms, entry.received_ms);
    ++one.total.received;
    if (entry.state == State::rejected) ++one.total.rejected;
    if (entry.state == State::duplicate) ++one.total.duplicate;
    if (entry.sent_ms == 0 || entry.state == State::duplicate) return;
    one.clocks_ms.push_back(entry.sent_ms - entry.received_ms);
    if (one.clocks_ms.size() > clocks_kept) one.clocks_ms.pop_front();
}

void Intake::Inside::note_replaced(const std::string& source) {
    const std::lock_guard lock(live_mutex);
    --live[source].total.rejected;
    ++live[source].total.ignored;
}

void Intake::Inside::note_settled(const Outgoing& out, std::int64_t now_ms) {
    const std::lock_guard lock(live_mutex);
    Live& one = live[out.work->source->id];
    if (out.work->before == State::stored) --one.total.stored;
    if (out.state == State::stored) ++one.total.stored;
    if (out.state == State::rejected) ++one.total.rejected;
    if (out.work->before != State::waiting || out.work->again) return;
    const auto latency_ms = static_cast<double>(now_ms - out.work->received_ms);
    one.latencies_ms.push_back(latency_ms);
    if (one.latencies_ms.size() > latencies_kept) one.latencies_ms.pop_front();
    latencies_ms.push_back(latency_ms);
    if (latencies_ms.size() > latencies_kept_of_all) latencies_ms.pop_front();
}

std::shared_ptr<const History> Intake::Inside::history_of(const std::string& source, std::int64_t now_ms) {
    const std::int64_t hour = hour_of(now_ms);
    {
        const std::lock_guard lock(live_mutex);
        const Live& one = live[source];
        if (one.history_hour == hour && one.history) return one.history;
    }
    auto history = std::make_shared<History>();  // shared: an older one may still be in use
    const auto hours =
        reading.with([&](Ledger& ledger) { return ledger.hours(source, hour - weeks_looked_back * 7 * 24, hour); });
    for (const auto& [at, counts] : hours) history->add(at, counts.received);
    const std::lock_guard lock(live_mutex);
    live[source].history_hour = hour;
    live[source].history = history;
    return history;
}

std::int64_t Intake::Inside::first_hour(std::int64_t now_ms) const {
    const std::int64_t midnight = day_of(now_ms, base.offset_minutes) * day_ms - base.offset_minutes * 60'000;
    return std::min(hour_of(midnight), hour_of(now_ms) - 1);
}

std::shared_ptr<const Registry> Intake::Inside::all_sources() const {
    const std::lock_guard lock(registry_mutex);
    return registry;
}

std::vector<Health> Intake::Inside::healths(const std::map<std::string, Hours>& hours, std::int64_t now_ms) {
    static const Hours none;
    std::vector<Health> all;
    const auto sources = all_sources();
    for (const auto& [id, source] : *sources) {
        const auto found = hours.find(id);
        all.push_back(health_of(*source, found == hours.end() ? none : found->second, now_ms));
    }
    return all;
}

/// Medians of hundreds of sources, many hours each: the same until the hour or a source changes.
std::vector<std::optional<double>> Intake::Inside::expected_of_all(std::int64_t from, std::int64_t to, std::int64_t now_ms) {
    const auto sources = all_sources();
    {
        const std::lock_guard lock(live_mutex);
        if (expected.sources == sources && expected.from == from && expected.to == to) return expected.hours;
    }
    std::vector<std::optional<double>> hours(static_cast<std::size_t>(to - from + 1));
    for (const auto& [id, source] : *sources) {
        const auto history = history_of(id, now_ms);
        for (std::size_t i = 0; i < hours.size(); ++i) {
            if (const auto one = history->expected(from + static_cast<std::int64_t>(i))) hours[i] = hours[i].value_or(0) + *one;
        }
    }
    const std::lock_guard lock(live_mutex);
    expected = {sources, from, to, hours};
    return hours;
}

Overview Intake::overview(int days) {
    Inside& in = *inside_;
    const std::int64_t now_ms = in.clock.now_ms(), now = hour_of(now_ms), from = now - days * 24 + 1;
    Overview all;
    std::map<std::string, Hours> hours;
    in.reading.with([&](Ledger& ledger) {
        hours = ledger.hours_of_all(std::min(from, in.first_hour(now_ms)), now + 1);
        all.last_minute = ledger.received_since(now_ms - 60'000);
    });
    all.sources = in.healths(hours, now_ms);
    for (std::int64_t hour = from; hour <= now; ++hour) all.hours.push_back({.at_ms = hour * hour_ms});
    for (const auto& [id, of_source] : hours) {
        for (const auto& [hour, counts] : of_source) {
            if (hour >= from && hour <= now) all.hours[static_cast<std::size_t>(hour - from)].counts += counts;
        }
    }
    const auto expected = in.expected_of_all(from, now, now_ms);
    for (std::size_t i = 0; i < all.hours.size(); ++i) all.hours[i].expected = expected[i];
    const std::lock_guard lock(in.live_mutex);
    if (!in.latencies_ms.empty()) all.p99_ms = share_of(in.latencies_ms, 0.99);
    return all;
}

Health Intake::Inside::health_of(const Source& source, const Hours& hours, std::int64_t now_ms) {
    const auto history = history_of(source.id, now_ms);
    const std::int64_t hour = hour_of(now_ms);
    const std::int64_t midnight = day_of(now_ms, base.offset_minutes) * day_ms - base.offset_minutes * 60'000;
    Health health{.id = source.id};
    Counts recent;
    for (const auto& [at, counts] : hours) {
        if (at * hour_ms >= midnight) health.today += counts;
        if (at >= hour - 1) recent += counts;
        if (at == hour) health.this_hour = counts.received;
    }
    health.expected_hour = history->expected(hour);
    {
        const std::lock_guard lock(live_mutex);
        const Live& one = live[source.id];
        health.last_ms = one.last_ms;
        health.total = one.total;
        health.p50_ms = share_of(one.latencies_ms, 0.5);
        health.p99_ms = share_of(one.latencies_ms, 0.99);
        health.clock_ms = share_of(one.clocks_ms, 0.5);
        health.clock_wrong = one.clocks_ms.size() >= clocks_needed && std::abs(health.clock_ms) > source.clock_minutes * 60'000;
    }
    const Judgement judged = judge(*history, {.paused = source.paused,
                                              .now_ms = now_ms,
                                              .last_ms = health.last_ms,
                                              .received_hour = recent.received,
                                              .rejected_hour = recent.rejected,
                                              .late = source.late,
                                              .silent = source.silent,
                                              .failing = source.failing});
    health.state = judged.state;
    health.why = judged.why;
    return health;
}

/// Tells of changes, takes old raw messages away, and on PostgreSQL learns what other processes counted.
void Intake::Inside::keep(const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any never;
    std::int64_t swept_hour = 0;
    while (!stop.stop_requested()) {
        {
            std::unique_lock lock(mutex);
            never.wait_for(lock, stop, look_every, [] { return false; });
        }
        if (stop.stop_requested()) return;
        try {
            if (!options.store.empty()) load();
            const std::int64_t now_ms = clock.now_ms();
            const auto hours =
                reading.with([&](Ledger& ledger) { return ledger.hours_of_all(first_hour(now_ms), hour_of(now_ms) + 1); });
            for (const Health& health : healths(hours, now_ms)) {
                std::string before;
                {
                    const std::lock_guard lock(live_mutex);
                    before = std::exchange(live[health.id].state, health.state);
                }
                if (before != health.state && options.alarm) options.alarm(health, before);
            }
            if (hour_of(now_ms) != swept_hour) {
                swept_hour = hour_of(now_ms);
                sweep();
            }
        } catch (const std::exception& error) {
            const std::lock_guard lock(desk_mutex);
            trouble = error.what();
        }
    }
}

void Intake::Inside::sweep() {
    constexpr std::size_t at_once = 1'000;
    const auto all = all_sources();
    for (const auto& [id, source] : *all) {
        for (std::int64_t looked_at = 1; looked_at > 0;) {
            {
                const std::lock_guard lock(desk_mutex);
                if (closing) return;
            }
            const std::int64_t before_ms = clock.now_ms() - source->raw_days * day_ms;
            in_writer([&, id = id](Ledger& writes) { looked_at = writes.sweep(id, before_ms, at_once); });
        }
    }
}

}  // namespace xinglin::intake
