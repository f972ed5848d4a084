// SPDX-License-Identifier: Apache-2.0
// The feed's one table.
#include "feed/feed.h"

namespace xinglin::feed {

namespace {
constexpr sql::Migration migrations[] = {
    {1, R"sql(
        CREATE TABLE feed_change (
            position   INTEGER /*lite*/ PRIMARY KEY /*pg NOT NULL*/,  -- 1, 2, 3 … in commit order
            /*pg p     BIGINT NOT NULL,*/        -- resource >> 20, by which a distributed database is cut
            resource   INTEGER NOT NULL,     -- record_current.rid
            version    INTEGER NOT NULL,     -- 1, 2, …
            type       INTEGER NOT NULL,     -- record_type.tid
            updated_ms INTEGER NOT NULL      -- milliseconds since 1970, UTC; never decreases
            /*pg , PRIMARY KEY (position, p)*/
        );
    )sql"},
};

Change row(const sql::Statement& s) { return {s.integer(0), s.integer(1), s.integer(2), s.integer(3), s.integer(4)}; }
}  // namespace

void prepare(sql::Connection& connection) { sql::migrate(connection, "feed", migrations); }

void append(sql::Connection& connection, const Change& change) {
    connection
        .prepare(R"sql(
        INSERT INTO feed_change (position, resource, version, type, updated_ms /*pg , p*/)
        VALUES (?, ?, ?, ?, ? /*pg , ?2 >> 20*/))sql")
        .bind(1, change.position)
        .bind(2, change.resource)
        .bind(3, change.version)
        .bind(4, change.type)
        .bind(5, change.updated_ms)
        .run();
}

Change last(sql::Connection& connection) {
    auto& s = connection.prepare(
        "SELECT position, resource, version, type, updated_ms FROM feed_change ORDER BY position DESC LIMIT 1");
    s.reset();
    if (!s.step()) return {};
    const Change change = row(s);
    s.reset();
    return change;
}

void forward(sql::Connection& connection, std::int64_t after, std::int64_t upto, const std::function<bool(const Change&)>& each) {
    auto& s = connection.walk(
        "SELECT position, resource, version, type, updated_ms FROM feed_change WHERE position > ? AND position <= ? ORDER BY "
        "position");
    s.bind(1, after).bind(2, upto);
    while (s.step()) {
        if (!each(row(s))) break;
    }
    s.reset();
}

void backward(sql::Connection& connection, std::int64_t from, const std::function<bool(const Change&)>& each) {
    auto& s = connection.walk(
        "SELECT position, resource, version, type, updated_ms FROM feed_change WHERE position <= ? ORDER BY position DESC");
    s.bind(1, from);
    while (s.step()) {
        if (!each(row(s))) break;
    }
    s.reset();
}

std::int64_t position_at(sql::Connection& connection, std::int64_t ms) {
    std::int64_t low = 0, high = last(connection).position;  // the answer lies in [low, high]
    auto& s = connection.prepare("SELECT updated_ms FROM feed_change WHERE position = ?");
    while (low < high) {
        const std::int64_t middle = low + (high - low + 1) / 2;
        s.bind(1, middle);
        const bool at_or_before = s.step() && s.integer(0) <= ms;
        s.reset();
        if (at_or_before) low = middle;
        else high = middle - 1;
    }
    return low;
}

}  // namespace xinglin::feed
