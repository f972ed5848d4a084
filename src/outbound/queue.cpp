// SPDX-License-Identifier: Apache-2.0
// The tables, and what is written into them. Reading is in account.cpp.
#include "outbound/queue.h"

#include <zstd.h>

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "text/text.h"

namespace xinglin::outbound {

namespace {

constexpr sql::Migration migrations[] = {{1, R"sql(
    CREATE TABLE outbound_channel (
        id           TEXT PRIMARY KEY,
        definition   TEXT NOT NULL,        -- JSON
        position     INTEGER NOT NULL,     -- of the feed, read up to here
        since        INTEGER NOT NULL,     -- where it began
        filter_since INTEGER NOT NULL,     -- where its present filter began
        cut_ms       INTEGER NOT NULL,     -- when a delivery was last closed
        revision     INTEGER NOT NULL,
        built_in     INTEGER NOT NULL      -- 1: content's definition holds
    );
    CREATE TABLE outbound_mark (
        mark TEXT NOT NULL                 -- begins every control id of this store
    );
    CREATE TABLE outbound_delivery (
        number     INTEGER PRIMARY KEY,
        channel    TEXT NOT NULL,
        control_id TEXT NOT NULL,
        state      INTEGER NOT NULL,       -- 0 waiting 1 sent 2 acknowledged 3 refused 4 ignored
        lane       INTEGER NOT NULL,       -- whose order is kept; 0: all of the channel
        items      INTEGER NOT NULL,
        created_ms INTEGER NOT NULL,       -- milliseconds since 1970, UTC; so below; 0 not yet
        due_ms     INTEGER NOT NULL,
        first_ms   INTEGER NOT NULL,       -- the first attempt
        sent_ms    INTEGER NOT NULL,       -- the last
        settled_ms INTEGER NOT NULL,
        attempts   INTEGER NOT NULL,
        bytes      INTEGER NOT NULL,
        place      TEXT NOT NULL,
        reason     TEXT NOT NULL,
        receipt    TEXT NOT NULL,
        file       TEXT NOT NULL
    );
    CREATE INDEX outbound_delivery_channel ON outbound_delivery (channel, number);
    CREATE INDEX outbound_delivery_state ON outbound_delivery (channel, state, number);
    CREATE INDEX outbound_delivery_lane ON outbound_delivery (channel, lane, number) WHERE state = 0;
    CREATE TABLE outbound_item (
        channel  TEXT NOT NULL,
        position INTEGER NOT NULL,         -- of the feed
        type     TEXT NOT NULL,
        id       TEXT NOT NULL,
        version  INTEGER NOT NULL,
        deleted  INTEGER NOT NULL,
        lane     INTEGER NOT NULL,
        day      INTEGER NOT NULL,         -- of the change, in the channel's zone
        queued   INTEGER NOT NULL,         -- milliseconds: when it was changed
        delivery INTEGER NOT NULL,         -- 0: in none yet
        withheld TEXT NOT NULL,            -- why it does not go out
        PRIMARY KEY (channel, position)
    );
    CREATE INDEX outbound_item_day ON outbound_item (channel, day, position);
    CREATE INDEX outbound_item_resource ON outbound_item (channel, type, id, version);
    CREATE INDEX outbound_item_delivery ON outbound_item (delivery, position);
    CREATE INDEX outbound_item_uncut ON outbound_item (channel, position) WHERE delivery = 0 AND withheld = '';
    CREATE TABLE outbound_payload (
        number       INTEGER PRIMARY KEY,
        content_type TEXT NOT NULL,
        size         INTEGER NOT NULL,
        packed       BLOB NOT NULL         -- zstd
    );
    CREATE TABLE outbound_event (
        number  INTEGER NOT NULL,          -- 0: of the channel
        channel TEXT NOT NULL,
        at_ms   INTEGER NOT NULL,
        who     TEXT NOT NULL,             -- '' for the program
        what    TEXT NOT NULL,
        detail  TEXT NOT NULL
    );
    CREATE INDEX outbound_event_number ON outbound_event (number);
)sql"}};

constexpr std::size_t most_payload = 256u << 20;

}  // namespace

std::string tidy(std::string_view text, std::size_t most) {
    std::string out(text.substr(0, most));
    while (!out.empty() && !text::is_utf8(out)) {
        if (out.size() + 4 < std::min(text.size(), most)) return "(not UTF-8)";
        out.pop_back();
    }
    std::erase(out, '\0');
    return out;
}

std::int64_t day_of(std::int64_t ms, std::int64_t offset_minutes) {
    const std::int64_t local = ms + offset_minutes * 60'000;
    return local >= 0 ? local / day_ms : (local - day_ms + 1) / day_ms;
}

std::string about_payload(Number number) { return sql::about_of("delivery", std::array<std::int64_t, 1>{number}); }

std::string pack(std::string_view bytes) {
    std::string out(ZSTD_compressBound(bytes.size()), '\0');
    const std::size_t size = ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), 1);
    if (ZSTD_isError(size) != 0) throw std::bad_alloc();
    out.resize(size);
    return out;
}

std::string unpack(std::string_view packed, std::int64_t bytes) {
    std::string out(static_cast<std::size_t>(std::clamp<std::int64_t>(bytes, 0, most_payload)), '\0');
    const std::size_t size = ZSTD_decompress(out.data(), out.size(), packed.data(), packed.size());
    if (ZSTD_isError(size) != 0 || size != out.size())
        throw sql::Broken(sql::Broken::Why::corrupt, "outbound: what was sent is damaged in outbound_payload");
    return out;
}

void Queue::migrate(sql::Connection& connection) { sql::migrate(connection, "outbound", migrations); }

std::string Queue::mark(std::string_view fresh) {
    auto& query = connection_->prepare("SELECT mark FROM outbound_mark");
    if (query.step()) {
        std::string known(query.text(0));
        query.reset();
        return known;
    }
    query.reset();
    connection_->prepare("INSERT INTO outbound_mark (mark) VALUES (?)").bind(1, fresh).run();
    return std::string(fresh);
}

std::vector<Kept> Queue::channels(const Channel& base) {
    std::vector<Kept> all;
    auto& query = connection_->prepare(
        "SELECT definition, position, since, filter_since, cut_ms, revision, built_in FROM outbound_channel ORDER BY id");
    while (query.step()) {
        json::Arena arena;
        const auto value = json::parse(query.text(0), arena);
        if (!value.ok()) continue;
        auto channel = read_channel(*value, base, true);
        if (!channel.ok()) continue;  // of a newer program: it rests until that runs again
        Kept kept{std::move(*channel), query.integer(1), query.integer(2), query.integer(3), query.integer(4)};
        kept.channel.revision = query.integer(5);
        kept.channel.built_in = query.integer(6) != 0;
        all.push_back(std::move(kept));
    }
    return all;
}

void Queue::save(const Kept& kept) {
    json::Arena arena;
    connection_
        ->prepare(
            "INSERT INTO outbound_channel (id, definition, position, since, filter_since, cut_ms, revision, built_in) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET definition = excluded.definition, "
            "position = excluded.position, since = excluded.since, filter_since = excluded.filter_since, "
            "cut_ms = excluded.cut_ms, revision = excluded.revision, built_in = excluded.built_in")
        .bind(1, kept.channel.id)
        .bind(2, json::write(write_channel(kept.channel, arena)))
        .bind(3, kept.position)
        .bind(4, kept.since)
        .bind(5, kept.filter_since)
        .bind(6, kept.cut_ms)
        .bind(7, kept.channel.revision)
        .bind(8, std::int64_t{kept.channel.built_in})
        .run();
}

bool Queue::advance(const std::string& channel, record::Position from, record::Position to) {
    auto& query = connection_->prepare("SELECT position FROM outbound_channel WHERE id = ?");
    query.bind(1, channel);
    const bool is_there = query.step() && query.integer(0) == from;
    query.reset();
    if (!is_there) return false;
    connection_->prepare("UPDATE outbound_channel SET position = ? WHERE id = ?").bind(1, to).bind(2, channel).run();
    return true;
}

void Queue::remove(const std::string& channel) {
    connection_->prepare("DELETE FROM outbound_channel WHERE id = ?").bind(1, channel).run();
    // What was in no delivery yet goes nowhere any more.
    connection_->prepare("DELETE FROM outbound_item WHERE channel = ? AND delivery = 0 AND withheld = ''").bind(1, channel).run();
}

void Queue::add(const std::string& channel, const Matched& matched) {
    connection_
        ->prepare(
            "INSERT INTO outbound_item (channel, position, type, id, version, deleted, lane, day, queued, delivery, withheld) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?) ON CONFLICT DO NOTHING")
        .bind(1, channel)
        .bind(2, matched.item.position)
        .bind(3, matched.item.type)
        .bind(4, matched.item.id)
        .bind(5, matched.item.version)
        .bind(6, std::int64_t{matched.item.deleted})
        .bind(7, matched.lane)
        .bind(8, matched.day)
        .bind(9, matched.updated_ms)
        .bind(10, tidy(matched.withheld, 400))
        .run();
}

std::int64_t Queue::lane_of_sent(const std::string& channel, std::string_view type, std::string_view id) {
    auto& query = connection_->prepare(
        "SELECT lane, deleted FROM outbound_item WHERE channel = ? AND type = ? AND id = ? AND withheld = '' "
        "ORDER BY version DESC LIMIT 1");
    query.bind(1, channel).bind(2, type).bind(3, id);
    const std::int64_t lane = query.step() && query.integer(1) == 0 ? query.integer(0) : 0;
    query.reset();
    return lane;
}

std::vector<Place> Queue::places() {
    std::vector<Place> all;
    auto& query = connection_->prepare("SELECT id, position, since, filter_since, cut_ms FROM outbound_channel ORDER BY id");
    while (query.step())
        all.push_back({std::string(query.text(0)), query.integer(1), query.integer(2), query.integer(3), query.integer(4)});
    return all;
}

std::pair<std::int64_t, std::int64_t> Queue::uncut(const std::string& channel) {
    auto& query = connection_->prepare(
        "SELECT coalesce(min(queued), 0), count(*) FROM outbound_item WHERE channel = ? AND delivery = 0 AND withheld = ''");
    query.bind(1, channel);
    query.step();
    const std::pair<std::int64_t, std::int64_t> found{query.integer(0), query.integer(1)};
    query.reset();
    return found;
}

std::int64_t Queue::cut(const Channel& channel, std::int64_t now_ms, const std::string& mark) {
    struct One {
        record::Position position;
        std::int64_t lane;
    };
    std::vector<One> open;
    {
        auto& query = connection_->prepare(
            "SELECT position, lane FROM outbound_item WHERE channel = ? AND delivery = 0 AND withheld = '' "
            "ORDER BY position LIMIT 100000");
        query.bind(1, channel.id);
        while (query.step()) open.push_back({query.integer(0), query.integer(1)});
    }
    if (open.empty()) return 0;
    std::int64_t next = 1;
    {
        auto& query = connection_->prepare("SELECT coalesce(max(number), 0) + 1 FROM outbound_delivery");
        query.step();
        next = query.integer(0);
        query.reset();
    }
    const std::int64_t most =
        channel.format == "hl7v2" || channel.format == "document" || channel.format == "cda" ? 1 : channel.count;
    struct Making {
        Number number;
        std::int64_t lane, items;
    };
    std::vector<Making> made;
    std::map<std::int64_t, std::size_t> current;  // lane → the delivery that still takes something
    auto& put = connection_->prepare("UPDATE outbound_item SET delivery = ? WHERE channel = ? AND position = ?");
    for (const One& one : open) {
        const std::int64_t lane = channel.by_patient() ? one.lane : 0;
        auto [place, is_new] = current.try_emplace(lane, made.size());
        if (is_new || made[place->second].items >= most) {
            place->second = made.size();
            made.push_back({next++, lane, 0});
        }
        ++made[place->second].items;
        put.bind(1, made[place->second].number).bind(2, channel.id).bind(3, one.position).run();
    }
    for (const Making& one : made) {
        connection_
            ->prepare(
                "INSERT INTO outbound_delivery (number, channel, control_id, state, lane, items, created_ms, due_ms, first_ms, "
                "sent_ms, settled_ms, attempts, bytes, place, reason, receipt, file) "
                "VALUES (?, ?, ?, 0, ?, ?, ?, ?, 0, 0, 0, 0, 0, '', '', '', '')")
            .bind(1, one.number)
            .bind(2, channel.id)
            .bind(3, fmt::format("{}{:010}", mark, one.number))
            .bind(4, one.lane)
            .bind(5, one.items)
            .bind(6, now_ms)
            .bind(7, now_ms)
            .run();
    }
    connection_->prepare("UPDATE outbound_channel SET cut_ms = ? WHERE id = ?").bind(1, now_ms).bind(2, channel.id).run();
    return static_cast<std::int64_t>(made.size());
}

void Queue::settle(const Delivery& delivery, std::int64_t first_ms) {
    connection_
        ->prepare(
            "UPDATE outbound_delivery SET state = ?, due_ms = ?, first_ms = ?, sent_ms = ?, settled_ms = ?, attempts = ?, "
            "bytes = ?, place = ?, reason = ?, receipt = ?, file = ? WHERE number = ?")
        .bind(1, static_cast<std::int64_t>(delivery.state))
        .bind(2, delivery.due_ms)
        .bind(3, first_ms)
        .bind(4, delivery.sent_ms)
        .bind(5, delivery.settled_ms)
        .bind(6, delivery.attempts)
        .bind(7, delivery.bytes)
        .bind(8, tidy(delivery.where, 200))
        .bind(9, tidy(delivery.reason, 1'000))
        .bind(10, tidy(delivery.receipt, 4'000))
        .bind(11, tidy(delivery.file, 400))
        .bind(12, delivery.number)
        .run();
}

void Queue::hurry(const std::string& channel, std::int64_t now_ms) {
    connection_->prepare("UPDATE outbound_delivery SET due_ms = ? WHERE channel = ? AND state = 0 AND due_ms > ?")
        .bind(1, now_ms)
        .bind(2, channel)
        .bind(3, now_ms)
        .run();
}

void Queue::keep_payload(Number number, const Payload& payload) {
    if (values_) values_->refresh(*connection_);
    const std::string packed = sql::sealed(values_, about_payload(number), pack(payload.bytes));
    connection_
        ->prepare(
            "INSERT INTO outbound_payload (number, content_type, size, packed) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (number) DO UPDATE SET content_type = excluded.content_type, size = excluded.size, "
            "packed = excluded.packed")
        .bind(1, number)
        .bind(2, payload.content_type)
        .bind(3, static_cast<std::int64_t>(payload.bytes.size()))
        .bind_blob(4, packed)
        .run();
}

void Queue::drop_payload(Number number) {
    connection_->prepare("DELETE FROM outbound_payload WHERE number = ?").bind(1, number).run();
}

void Queue::note(Number number, const std::string& channel, const Event& event) {
    connection_->prepare("INSERT INTO outbound_event (number, channel, at_ms, who, what, detail) VALUES (?, ?, ?, ?, ?, ?)")
        .bind(1, number)
        .bind(2, channel)
        .bind(3, event.at_ms)
        .bind(4, tidy(event.who, 100))
        .bind(5, tidy(event.what, 100))
        .bind(6, tidy(event.detail, 1'000))
        .run();
}

std::int64_t Queue::sweep(const std::string& channel, std::int64_t before_ms, std::size_t most) {
    connection_
        ->prepare(
            "DELETE FROM outbound_payload WHERE number IN (SELECT d.number FROM outbound_delivery d JOIN outbound_payload p "
            "ON p.number = d.number WHERE d.channel = ? AND d.settled_ms <> 0 AND d.settled_ms < ? "
            "AND d.state IN (2, 4) LIMIT ?)")
        .bind(1, channel)
        .bind(2, before_ms)
        .bind(3, static_cast<std::int64_t>(most))
        .run();
    return connection_->changes();
}

}  // namespace xinglin::outbound
