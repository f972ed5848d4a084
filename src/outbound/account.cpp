// SPDX-License-Identifier: Apache-2.0
// Reading the tables: what is due, what became of it, and the account of a day.
#include <algorithm>

#include <fmt/format.h>

#include "outbound/queue.h"

namespace xinglin::outbound {

namespace {

constexpr std::string_view columns =
    "d.number, d.channel, d.control_id, d.state, d.items, d.created_ms, d.due_ms, d.sent_ms, d.settled_ms, d.attempts, d.bytes, "
    "d.place, d.reason, d.receipt, d.file";

void count(Counts& counts, std::int64_t state, std::int64_t many) {
    switch (state) {
        case 0: counts.waiting += many; break;
        case 1: counts.sent += many; break;
        case 2: counts.acknowledged += many; break;
        case 3: counts.refused += many; break;
        case 4: counts.ignored += many; break;
        default: counts.withheld += many; break;
    }
}

}  // namespace

std::string_view text(State state) {
    static constexpr std::string_view names[] = {"waiting", "sent", "acknowledged", "refused", "ignored"};
    return names[static_cast<int>(state)];
}

std::optional<State> parse_state(std::string_view name) {
    for (const State state : {State::waiting, State::sent, State::acknowledged, State::refused, State::ignored}) {
        if (text(state) == name) return state;
    }
    return std::nullopt;
}

Delivery Queue::read(sql::Statement& query) const {
    Delivery one;
    one.number = query.integer(0);
    one.channel = query.text(1);
    one.control_id = query.text(2);
    one.state = static_cast<State>(std::clamp<std::int64_t>(query.integer(3), 0, 4));
    one.items = query.integer(4);
    one.created_ms = query.integer(5);
    one.due_ms = query.integer(6);
    one.sent_ms = query.integer(7);
    one.settled_ms = query.integer(8);
    one.attempts = query.integer(9);
    one.bytes = query.integer(10);
    one.where = query.text(11);
    one.reason = query.text(12);
    one.receipt = query.text(13);
    one.file = query.text(14);
    return one;
}

/// The first of every lane, by number; of two that are due in one lane the later has to wait.
std::vector<Due> Queue::due(const std::string& channel, std::int64_t now_ms, std::size_t most) {
    std::vector<Due> all;
    auto& query = connection_->prepare(fmt::format(
        "SELECT {}, d.lane, d.first_ms, CASE WHEN EXISTS (SELECT 1 FROM outbound_payload p WHERE p.number = d.number) THEN 1 "
        "ELSE 0 END "
        "FROM outbound_delivery d WHERE d.channel = ? AND d.state = 0 AND d.due_ms <= ? AND NOT EXISTS (SELECT 1 FROM "
        "outbound_delivery e WHERE e.channel = d.channel AND e.lane = d.lane AND e.state = 0 AND e.number < d.number) "
        "ORDER BY d.number LIMIT ?",
        columns));
    query.bind(1, channel).bind(2, now_ms).bind(3, static_cast<std::int64_t>(most));
    while (query.step()) all.push_back({read(query), query.integer(15), query.integer(16), query.integer(17) != 0});
    return all;
}

std::vector<Delivery> Queue::lying(const std::string& channel, Number after, std::size_t most) {
    std::vector<Delivery> all;
    auto& query = connection_->prepare(fmt::format(
        "SELECT {} FROM outbound_delivery d WHERE d.channel = ? AND d.state = 1 AND d.number > ? ORDER BY d.number LIMIT ?",
        columns));
    query.bind(1, channel).bind(2, after).bind(3, static_cast<std::int64_t>(most));
    while (query.step()) all.push_back(read(query));
    return all;
}

std::vector<Item> Queue::items(Number number, std::size_t most) {
    std::vector<Item> all;
    auto& query = connection_->prepare(
        "SELECT position, type, id, version, deleted FROM outbound_item WHERE delivery = ? ORDER BY position LIMIT ?");
    query.bind(1, number).bind(2, static_cast<std::int64_t>(most));
    while (query.step())
        all.push_back(
            {query.integer(0), std::string(query.text(1)), std::string(query.text(2)), query.integer(3), query.integer(4) != 0});
    return all;
}

std::vector<record::Position> Queue::outdated(const std::string& channel, Number number) {
    std::vector<record::Position> all;
    auto& query = connection_->prepare(
        "SELECT i.position FROM outbound_item i WHERE i.delivery = ? AND EXISTS (SELECT 1 FROM outbound_item n JOIN "
        "outbound_delivery d ON d.number = n.delivery WHERE n.channel = ? AND n.type = i.type AND n.id = i.id AND "
        "n.version > i.version AND d.state IN (1, 2) AND d.number <> i.delivery) ORDER BY i.position");
    query.bind(1, number).bind(2, channel);
    while (query.step()) all.push_back(query.integer(0));
    return all;
}

std::optional<Payload> Queue::payload(Number number) {
    auto& query = connection_->prepare("SELECT content_type, size, packed FROM outbound_payload WHERE number = ?");
    query.bind(1, number);
    std::optional<Payload> found;
    if (query.step())
        found = Payload{std::string(query.text(0)),
                        unpack(sql::opened(values_, about_payload(number), query.text(2)), query.integer(1))};
    query.reset();
    return found;
}

std::optional<Delivery> Queue::delivery(Number number) {
    auto& query = connection_->prepare(fmt::format("SELECT {} FROM outbound_delivery d WHERE d.number = ?", columns));
    query.bind(1, number);
    std::optional<Delivery> found;
    if (query.step()) found = read(query);
    query.reset();
    return found;
}

Page Queue::find(const Wanted& wanted) {
    Page page;
    auto& query =
        connection_->prepare(fmt::format("SELECT {} FROM outbound_delivery d WHERE d.channel = ? AND d.number < ?{} "
                                         "ORDER BY d.number DESC LIMIT ?",
                                         columns, wanted.state ? " AND d.state = ?" : ""));
    int index = 0;
    query.bind(++index, wanted.channel);
    query.bind(++index, wanted.before > 0 ? wanted.before : INT64_MAX);
    if (wanted.state) query.bind(++index, static_cast<std::int64_t>(*wanted.state));
    query.bind(++index, static_cast<std::int64_t>(wanted.count + 1));
    while (query.step()) page.deliveries.push_back(read(query));
    if (page.deliveries.size() > wanted.count) {
        page.deliveries.pop_back();
        page.next = page.deliveries.back().number;
    }
    return page;
}

std::vector<Number> Queue::refused(const std::string& channel, Number after, std::size_t most) {
    std::vector<Number> all;
    auto& query = connection_->prepare(
        "SELECT number FROM outbound_delivery WHERE channel = ? AND state = 3 AND number > ? ORDER BY number LIMIT ?");
    query.bind(1, channel).bind(2, after).bind(3, static_cast<std::int64_t>(most));
    while (query.step()) all.push_back(query.integer(0));
    return all;
}

std::vector<Event> Queue::events(Number number) {
    std::vector<Event> all;
    auto& query =
        connection_->prepare("SELECT at_ms, who, what, detail FROM outbound_event WHERE number = ? ORDER BY at_ms LIMIT 500");
    query.bind(1, number);
    while (query.step())
        all.push_back({query.integer(0), std::string(query.text(1)), std::string(query.text(2)), std::string(query.text(3))});
    return all;
}

Counts Queue::counts(const std::string& channel, std::optional<std::int64_t> day, record::Position after) {
    Counts counts;
    auto& query = connection_->prepare(fmt::format(
        "SELECT CASE WHEN i.withheld <> '' THEN 9 ELSE coalesce(d.state, 0) END, count(*) FROM outbound_item i LEFT JOIN "
        "outbound_delivery d ON d.number = i.delivery WHERE i.channel = ?{} AND i.position > ? GROUP BY 1",
        day ? " AND i.day = ?" : ""));
    int index = 0;
    query.bind(++index, channel);
    if (day) query.bind(++index, *day);
    query.bind(++index, after);
    while (query.step()) count(counts, query.integer(0), query.integer(1));
    return counts;
}

std::vector<Open> Queue::difference(const std::string& channel, std::int64_t day, std::size_t most) {
    std::vector<Open> all;
    auto& query = connection_->prepare(
        "SELECT i.position, i.type, i.id, i.version, i.deleted, i.delivery, i.withheld, coalesce(d.state, 0), coalesce(d.reason, "
        "'') "
        "FROM outbound_item i LEFT JOIN outbound_delivery d ON d.number = i.delivery WHERE i.channel = ? AND i.day = ? AND "
        "(i.withheld <> '' OR coalesce(d.state, 0) <> 2) ORDER BY i.position LIMIT ?");
    query.bind(1, channel).bind(2, day).bind(3, static_cast<std::int64_t>(most));
    while (query.step()) {
        Open one;
        one.item = {query.integer(0), std::string(query.text(1)), std::string(query.text(2)), query.integer(3),
                    query.integer(4) != 0};
        one.delivery = query.integer(5);
        const bool withheld = !query.text(6).empty();
        one.state = withheld ? "withheld" : std::string(text(static_cast<State>(query.integer(7))));
        one.reason = withheld ? query.text(6) : query.text(8);
        all.push_back(std::move(one));
    }
    return all;
}

std::vector<record::Position> Queue::positions(const std::string& channel, std::int64_t day, record::Position after) {
    std::vector<record::Position> all;
    auto& query = connection_->prepare(
        "SELECT position FROM outbound_item WHERE channel = ? AND day = ? AND position > ? ORDER BY position");
    query.bind(1, channel).bind(2, day).bind(3, after);
    while (query.step()) all.push_back(query.integer(0));
    return all;
}

Queue::Standing Queue::standing(const std::string& channel) {
    Standing now;
    auto& query = connection_->prepare(
        "SELECT state, count(*), min(created_ms) FROM outbound_delivery WHERE channel = ? AND state IN (0, 1, 3) GROUP BY state");
    query.bind(1, channel);
    while (query.step()) {
        if (query.integer(0) == 0) now.waiting = query.integer(1), now.oldest_waiting_ms = query.integer(2);
        if (query.integer(0) == 1) now.oldest_sent_ms = query.integer(2);
        if (query.integer(0) == 3) now.refused = query.integer(1);
    }
    auto& last = connection_->prepare(
        "SELECT coalesce(max(settled_ms), 0) FROM (SELECT settled_ms FROM outbound_delivery WHERE channel = ? AND state = 2 "
        "ORDER BY number DESC LIMIT 100) AS latest");
    last.bind(1, channel);
    last.step();
    now.last_acknowledged_ms = last.integer(0);
    last.reset();
    return now;
}

}  // namespace xinglin::outbound
