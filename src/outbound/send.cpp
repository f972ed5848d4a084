// SPDX-License-Identifier: Apache-2.0
// Sending: one thread for a channel takes the first delivery of every lane, keeps its bytes, sends it, and writes down what came of it.
#include <algorithm>

#include <fmt/format.h>

#include "fhir/fhir.h"
#include "outbound/inside.h"

namespace xinglin::outbound {

namespace {
constexpr std::size_t at_once = 32;  // deliveries made ready together
constexpr std::chrono::seconds receipts_every{2};
using SteadyClock = std::chrono::steady_clock;
}  // namespace

void Outbound::Inside::send_always(Line& line) {
    for (;;) {
        std::uint64_t turn = 0;
        {
            const std::lock_guard lock(mutex);
            if (closing || line.ending) return;
            turn = line.asked;
        }
        bool busy = false;
        std::chrono::milliseconds rest(500);
        try {
            if (ours || !line.unsettled.empty()) busy = send_some(line);
        } catch (
            const std::exception&) {  // the disk refuses, said by the desk: what was sent is written down first when it heals
            rest = std::chrono::seconds(1);
        }
        if (busy) continue;
        std::unique_lock lock(mutex);
        line.idle = turn;
        changed.notify_all();
        changed.wait_for(lock, rest, [&] { return closing || line.ending || line.asked != turn; });
    }
}

/// True when something was done, so that there may be more.
bool Outbound::Inside::send_some(Line& line) {
    if (!line.unsettled.empty()) return write_down(line);
    std::shared_ptr<const Compiled> compiled;
    bool holds = false;
    {
        const std::lock_guard lock(mutex);
        compiled = line.compiled;
        holds = line.hold_until_ms > clock.now_ms();
    }
    const Channel& channel = compiled->channel();
    if (line.peer_of != compiled) {
        line.peer = peer_of(channel, {secrets, networks}, options.data, [this] { return stopping.load(); });
        line.peer_of = compiled;
    }
    const bool receipted = look_after_receipts(line, *compiled);
    if (holds) return receipted;
    auto due = desk.read([&](Queue& queue) { return queue.due(channel.id, clock.now_ms(), at_once); });
    if (due.empty()) return receipted;
    std::vector<std::optional<Payload>> payloads;
    for (Due& one : due) payloads.push_back(payload_of(line, *compiled, one));
    desk.write([&](Queue& queue) {  // on disk before it goes: when the disk refuses nothing is sent
        for (std::size_t i = 0; i < due.size(); ++i) {
            if (payloads[i] && !due[i].has_payload) queue.keep_payload(due[i].delivery.number, *payloads[i]);
        }
    });
    for (std::size_t i = 0; i < due.size(); ++i) {
        if (!payloads[i]) continue;  // settled without being sent
        {
            const std::lock_guard lock(mutex);
            if (closing || line.ending || line.hold_until_ms > clock.now_ms()) break;
            if (line.compiled != compiled) break;  // changed meanwhile
        }
        const Reply reply = line.peer->send(due[i].delivery, *payloads[i]);
        if (stopping && reply.kind == Reply::Kind::silent) break;  // broken off by us
        judge(line, channel, due[i], reply, static_cast<std::int64_t>(payloads[i]->bytes.size()));
    }
    return write_down(line);
}

/// What was sent and settled, in one transaction; it stays remembered until the disk takes it.
bool Outbound::Inside::write_down(Line& line) {
    if (line.unsettled.empty()) return false;
    desk.write([&](Queue& queue) {
        for (std::size_t i = 0; i < line.unsettled.size(); ++i) {
            const auto& [delivery, first_ms] = line.unsettled[i];
            queue.settle(delivery, first_ms);
            queue.note(delivery.number, delivery.channel, line.unsettled_events[i]);
        }
    });
    line.unsettled.clear();
    line.unsettled_events.clear();
    return true;
}

Renderer::Read Outbound::Inside::reads() {
    return [this](std::string_view type_name, std::string_view id, std::int64_t version) -> std::optional<std::string> {
        const fhir::Type* type = fhir::find_resource(type_name);
        if (type == nullptr) return std::nullopt;
        auto reader = store.reader(access::Viewer::program("outbound"));
        auto found = version == 0 ? reader.read(*type, id) : reader.vread(*type, id, version);
        return found.ok() ? std::optional(std::move(found->body)) : std::nullopt;
    };
}

/// What shared documents need beside what they refer to.
void Outbound::Inside::make_ready(Renderer& renderer) {
    if (!knowledge) return;
    renderer.write_documents(&*knowledge, [this](std::string_view patient, std::span<const std::string_view> types) {
        record::EverythingRequest request{.patient_id = std::string(patient)};
        for (const std::string_view type : types) request.types.push_back(fhir::find_resource(type));
        auto found = store.reader(access::Viewer::program("outbound")).everything(request);
        std::vector<std::string> all;
        if (!found.ok()) return all;
        for (record::Found::Entry& entry : found->entries) all.push_back(std::move(entry.version.body));
        return all;
    });
}

/// The bytes as they were sent before, or made now; nothing when it was settled here and is not to be sent.
std::optional<Payload> Outbound::Inside::payload_of(Line& line, const Compiled& compiled, Due& due) {
    const Delivery& delivery = due.delivery;
    const Channel& channel = compiled.channel();
    if (due.has_payload) {
        if (auto known_bytes = desk.read([&](Queue& queue) { return queue.payload(delivery.number); })) return known_bytes;
        due.has_payload = false;
    }
    std::vector<Item> items;
    std::vector<record::Position> outdated;
    desk.read([&](Queue& queue) {
        items = queue.items(delivery.number, 200'000);
        if (channel.by_patient()) outdated = queue.outdated(channel.id, delivery.number);
    });
    std::erase_if(items, [&](const Item& item) { return std::binary_search(outdated.begin(), outdated.end(), item.position); });
    Delivery end = delivery;
    end.settled_ms = clock.now_ms();
    if (items.empty()) {
        end.state = State::ignored;
        end.reason = "the receiver has later versions of all of it";
        line.unsettled.emplace_back(end, due.first_ms);
        line.unsettled_events.push_back({end.settled_ms, "", "ignored", end.reason});
        return std::nullopt;
    }
    Renderer renderer(compiled, options.tables, content, secrets, reads());
    make_ready(renderer);
    auto payload = renderer.render(items, delivery.created_ms, delivery.control_id);
    if (payload.ok()) return std::move(*payload);
    const Issue& issue = payload.outcome().issues.front();
    Reply reply{
        .kind = issue.where == "secret" ? Reply::Kind::down : Reply::Kind::refused, .where = issue.where, .reason = issue.what};
    judge(line, channel, due, reply, 0);
    return std::nullopt;
}

/// Doubling from the first to the most, half as much again or less, so that receivers are not asked by all at once.
std::int64_t Outbound::Inside::backoff(const Channel& channel, std::int64_t failures) const {
    std::int64_t wait = channel.first_seconds * 1'000;
    for (std::int64_t i = 1; i < failures && wait < channel.most_seconds * 1'000; ++i) wait *= 2;
    wait = std::min(wait, channel.most_seconds * 1'000);
    thread_local std::minstd_rand random{std::random_device{}()};
    return wait * std::uniform_int_distribution<std::int64_t>(75, 125)(random) / 100;
}

void Outbound::Inside::judge(Line& line, const Channel& channel, Due due, const Reply& reply, std::int64_t bytes) {
    using Kind = Reply::Kind;
    const std::int64_t now = clock.now_ms();
    Delivery& delivery = due.delivery;
    if (due.first_ms == 0) due.first_ms = now;
    delivery.sent_ms = now;
    if (bytes > 0) delivery.bytes = bytes;
    delivery.where = reply.where;
    delivery.reason = reply.reason;
    if (!reply.receipt.empty()) delivery.receipt = reply.receipt;
    if (!reply.file.empty()) delivery.file = reply.file;
    const std::lock_guard lock(mutex);
    if (reply.kind == Kind::accepted || reply.kind == Kind::lying) {
        delivery.state = reply.kind == Kind::lying ? State::sent : State::acknowledged;
        delivery.settled_ms = reply.kind == Kind::lying ? 0 : now;
        delivery.where.clear();
        delivery.reason.clear();
        ++delivery.attempts;
        line.failures = 0;
        line.why.clear();
        line.last_acknowledged_ms = now;
    } else {
        line.why = reply.where + ": " + reply.reason;
        const bool about_delivery = reply.kind == Kind::failed || reply.kind == Kind::refused;
        if (reply.kind != Kind::down) ++delivery.attempts;
        // Silence of a receiver that has answered nobody since is its own, not the delivery's.
        const bool counts =
            reply.kind == Kind::failed || (reply.kind == Kind::silent && line.last_acknowledged_ms > due.first_ms);
        if (reply.kind == Kind::refused || (counts && delivery.attempts >= channel.attempts)) {
            delivery.state = State::refused;
            delivery.settled_ms = now;
        } else if (about_delivery) {
            delivery.due_ms = now + backoff(channel, delivery.attempts);
        } else {
            const std::int64_t wait = std::max(reply.retry_after_ms, backoff(channel, ++line.failures));
            line.hold_until_ms = now + wait;
            // The others first: perhaps it is this one that the receiver chokes on.
            delivery.due_ms = now + (reply.kind == Kind::silent ? 2 * wait : wait);
        }
        if (about_delivery) line.failures = 0;
    }
    line.unsettled.emplace_back(delivery, due.first_ms);
    const bool is_well = reply.kind == Kind::accepted || reply.kind == Kind::lying;
    line.unsettled_events.push_back(
        {now, "", is_well ? std::string(text(delivery.state)) : "attempt", is_well ? delivery.receipt : line.why});
}

bool Outbound::Inside::look_after_receipts(Line& line, const Compiled& compiled) {
    const Channel& channel = compiled.channel();
    if (!channel.is_file() || channel.receipt == "none" || SteadyClock::now() - line.looked < receipts_every) return false;
    line.looked = SteadyClock::now();
    Number after = 0;
    for (;;) {
        const auto lying = desk.read([&](Queue& queue) { return queue.lying(channel.id, after, 500); });
        for (const Delivery& delivery : lying) {
            after = delivery.number;
            const auto reply = line.peer->look(delivery);
            if (!reply) continue;
            Delivery end = delivery;
            end.state = reply->kind == Reply::Kind::accepted ? State::acknowledged : State::refused;
            end.settled_ms = clock.now_ms();
            end.where = reply->kind == Reply::Kind::accepted ? "" : reply->where;
            end.reason = reply->reason;
            end.receipt = reply->receipt;
            line.unsettled.emplace_back(end, end.sent_ms);
            line.unsettled_events.push_back(
                {end.settled_ms, "", std::string(text(end.state)), end.reason.empty() ? end.receipt : end.reason});
        }
        if (lying.size() < 500 || stopping) break;
    }
    return write_down(line);
}

bool Outbound::settle(int seconds) {
    Inside& self = *inside_;
    const auto until = SteadyClock::now() + std::chrono::seconds(seconds);
    while (SteadyClock::now() < until) {
        follow();
        std::unique_lock lock(self.mutex);
        std::vector<std::pair<Line*, std::uint64_t>> wished;
        for (auto& [id, line] : self.lines) wished.emplace_back(line.get(), ++line->asked);
        self.changed.notify_all();
        const bool still = self.changed.wait_until(lock, until, [&] {
            return std::all_of(wished.begin(), wished.end(), [](const auto& one) { return one.first->idle >= one.second; });
        });
        if (still) return true;
    }
    return false;
}

}  // namespace xinglin::outbound
