// SPDX-License-Identifier: Apache-2.0
// How channels are, and what a person does with their deliveries.
#include <algorithm>

#include <fmt/format.h>

#include "outbound/inside.h"

namespace xinglin::outbound {

namespace {

constexpr std::int64_t count_again_ms = 5'000;
constexpr std::int64_t receipt_late_ms = 86'400'000;
constexpr std::int64_t waiting_late_ms = 15 * 60'000;

Outcome no_such_delivery() { return refuse(IssueCode::not_found, "id", "there is no such delivery"); }

Outcome not_refused(const Delivery& delivery) {
    return refuse(IssueCode::conflict, "id",
                  fmt::format("the delivery is {}; only refused ones wait for a person", text(delivery.state)));
}

}  // namespace

Health Outbound::Inside::health_of(const Channel& channel, record::Position position, record::Position target) {
    Health health{.id = channel.id, .position = position, .behind = std::max<record::Position>(target - position, 0)};
    const std::int64_t now = clock.now_ms();
    const Queue::Standing standing = reading.read([&](Queue& queue) { return queue.standing(channel.id); });
    health.deliveries_waiting = standing.waiting;
    health.deliveries_refused = standing.refused;
    health.last_acknowledged_ms = standing.last_acknowledged_ms;
    health.oldest_waiting_ms = standing.oldest_waiting_ms;
    bool fresh = false;
    {
        const std::lock_guard lock(mutex);
        const auto found = counted.find(channel.id);
        fresh = found != counted.end() && now - found->second.first < count_again_ms;
        if (fresh) health.total = found->second.second;
        if (const auto line = lines.find(channel.id); line != lines.end() && line->second->failures > 0) {
            health.next_try_ms = line->second->hold_until_ms;
            health.why = line->second->why;
        }
    }
    if (!fresh) {
        health.total = reading.read([&](Queue& queue) { return queue.counts(channel.id, std::nullopt); });
        const std::lock_guard lock(mutex);
        counted[channel.id] = {now, health.total};
    }
    if (channel.mode != Mode::on) {
        health.state = text(channel.mode);
    } else if (!health.why.empty()) {
        health.state = "unreachable";
    } else if (standing.refused > 0) {
        health.state = "refusing";
        health.why = fmt::format("{} deliveries were refused and wait for a person", standing.refused);
    } else if (standing.oldest_waiting_ms != 0 && now - standing.oldest_waiting_ms > waiting_late_ms) {
        health.state = "late";
        health.why = fmt::format("{} deliveries wait, the oldest for {} minutes", standing.waiting,
                                 (now - standing.oldest_waiting_ms) / 60'000);
    } else if (standing.oldest_sent_ms != 0 && now - standing.oldest_sent_ms > receipt_late_ms) {
        health.state = "late";
        health.why = "a file has had no receipt for more than a day";
    } else {
        health.state = standing.waiting > 0 ? "sending" : "ok";
    }
    return health;
}

std::vector<Health> Outbound::health(const std::string& only) {
    Inside& self = *inside_;
    const record::Position target = self.store.reader(access::Viewer::program("outbound")).position();
    std::vector<Health> all;
    for (const Place& place : self.reading.read([](Queue& queue) { return queue.places(); })) {
        if (!only.empty() && place.channel != only) continue;
        const auto compiled = self.compiled_of(place.channel);
        if (compiled) all.push_back(self.health_of(compiled->channel(), place.position, target));
    }
    return all;
}

Page Outbound::find(const Wanted& wanted) {
    return inside_->reading.read([&](Queue& queue) { return queue.find(wanted); });
}
std::optional<Delivery> Outbound::delivery(Number number) {
    return inside_->reading.read([&](Queue& queue) { return queue.delivery(number); });
}
std::vector<Item> Outbound::items(Number number, std::size_t most) {
    return inside_->reading.read([&](Queue& queue) { return queue.items(number, most); });
}
std::vector<Event> Outbound::events(Number number) {
    return inside_->reading.read([&](Queue& queue) { return queue.events(number); });
}
std::optional<Payload> Outbound::payload(Number number) {
    return inside_->reading.read([&](Queue& queue) { return queue.payload(number); });
}

namespace {

/// Back into the queue; its bytes are made anew, without what the receiver has later versions of.
void put_back(Queue& queue, Delivery delivery, std::int64_t now, const std::string& who) {
    delivery.state = State::waiting;
    delivery.due_ms = now;
    delivery.attempts = 0;
    delivery.settled_ms = 0;
    queue.drop_payload(delivery.number);
    queue.settle(delivery, 0);
    queue.note(delivery.number, delivery.channel, {now, who, "retry", ""});
}

}  // namespace

Result<Done> Outbound::retry(Number number, const std::string& who) {
    Inside& self = *inside_;
    std::string channel;
    const auto done = self.desk.write([&](Queue& queue) -> Result<Done> {
        const auto found = queue.delivery(number);
        if (!found) return no_such_delivery();
        if (found->state != State::refused) return not_refused(*found);
        put_back(queue, *found, self.clock.now_ms(), who);
        channel = found->channel;
        return Done{};
    });
    if (!done.ok()) return done;
    {
        const std::lock_guard lock(self.mutex);
        if (const auto line = self.lines.find(channel); line != self.lines.end())
            ++line->second->asked, line->second->hold_until_ms = 0;
    }
    self.changed.notify_all();
    return done;
}

Result<std::int64_t> Outbound::retry_all(const std::string& id, const std::string& who) {
    Inside& self = *inside_;
    if (!channel(id)) return refuse(IssueCode::not_found, "id", "there is no such channel");
    std::int64_t count = 0;
    Number after = 0;
    for (;;) {
        const std::int64_t some = self.desk.write([&](Queue& queue) {
            const auto numbers = queue.refused(id, after, 1'000);
            for (const Number number : numbers) {
                if (const auto found = queue.delivery(number)) put_back(queue, *found, self.clock.now_ms(), who);
                after = number;
            }
            return static_cast<std::int64_t>(numbers.size());
        });
        count += some;
        if (some < 1'000) break;
    }
    {
        const std::lock_guard lock(self.mutex);
        if (const auto line = self.lines.find(id); line != self.lines.end())
            ++line->second->asked, line->second->hold_until_ms = 0;
    }
    self.changed.notify_all();
    return count;
}

Result<Done> Outbound::ignore(Number number, const std::string& reason, const std::string& who) {
    if (reason.size() < 3) return refuse(IssueCode::required, "reason", "is missing; say why it need not arrive");
    Inside& self = *inside_;
    return self.desk.write([&](Queue& queue) -> Result<Done> {
        auto found = queue.delivery(number);
        if (!found) return no_such_delivery();
        if (found->state != State::refused) return not_refused(*found);
        found->state = State::ignored;
        found->settled_ms = self.clock.now_ms();
        queue.settle(*found, found->sent_ms);
        queue.note(number, found->channel, {found->settled_ms, who, "ignore", reason});
        return Done{};
    });
}

void Outbound::sweep() { inside_->sweep(); }

void Outbound::Inside::sweep() {
    std::map<std::string, std::shared_ptr<const Compiled>> all;
    {
        const std::lock_guard lock(mutex);
        all = known;
    }
    for (const auto& [id, compiled] : all) {
        const std::int64_t before = clock.now_ms() - compiled->channel().keep_days * day_ms;
        desk.write([&, id = id](Queue& queue) { queue.sweep(id, before, 10'000); });
    }
}

/// Who fell ill since it was last told, and who is well again.
void Outbound::Inside::tell_changes() {
    if (!options.alarm) return;
    const record::Position target = store.reader(access::Viewer::program("outbound")).position();
    for (const Place& place : reading.read([](Queue& queue) { return queue.places(); })) {
        const auto compiled = compiled_of(place.channel);
        if (!compiled || compiled->channel().mode != Mode::on) continue;
        const Health health = health_of(compiled->channel(), place.position, target);
        const std::string state = health.state == "sending" ? "ok" : health.state;
        std::string before;
        {
            const std::lock_guard lock(mutex);
            const auto line = lines.find(place.channel);
            if (line == lines.end() || line->second->told == state) continue;
            before = std::exchange(line->second->told, state);
        }
        options.alarm(health, before);
    }
}

}  // namespace xinglin::outbound
