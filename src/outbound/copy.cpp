// SPDX-License-Identifier: Apache-2.0
// The tables of the queues, into another database.
#include "outbound/copy.h"

#include <array>
#include <optional>

#include "outbound/queue.h"
#include "sql/copy.h"

namespace xinglin::outbound {

namespace {

constexpr sql::CopiedTable tables[] = {
    {"outbound_channel", "id, definition, position, since, filter_since, cut_ms, revision, built_in", "ttiiiiii"},
    {"outbound_mark", "mark", "t"},
    {"outbound_delivery",
     "number, channel, control_id, state, lane, items, created_ms, due_ms, first_ms, sent_ms, settled_ms, attempts, bytes, "
     "place, "
     "reason, receipt, file",
     "ittiiiiiiiiiitttt", 1},
    {"outbound_item", "channel, position, type, id, version, deleted, lane, day, queued, delivery, withheld", "tittiiiiiit", 2},
    {"outbound_payload", "number, content_type, size, packed", "itib", 1, "delivery"},
    {"outbound_event", "number, channel, at_ms, who, what, detail", "itittt"},
};

/// The mark of the store and its newest delivery, as text: "ABCDEF 7 1795305600000".
std::string newest(sql::Connection& connection) {
    std::string all;
    for (const char* query :
         {"SELECT mark FROM outbound_mark", "SELECT control_id FROM outbound_delivery ORDER BY number DESC LIMIT 1"}) {
        auto& row = connection.prepare(query);
        row.reset();
        if (row.step()) all += std::string(row.text(0)) + " ";
        row.reset();
    }
    return all;
}

bool has(sql::Connection& connection, const std::string& newest_there) {
    const std::size_t space = newest_there.find(' ');
    if (space == std::string::npos || newest(connection).substr(0, space) != newest_there.substr(0, space)) return false;
    const std::string id = newest_there.substr(space + 1, newest_there.size() - space - 2);
    if (space + 1 >= newest_there.size()) return true;  // no delivery yet
    auto& row = connection.prepare("SELECT 1 FROM outbound_delivery WHERE control_id = ?");
    row.reset();
    row.bind(1, id);
    const bool found = row.step();
    row.reset();
    return found;
}

}  // namespace

Result<std::int64_t> copy_queues(const std::string& from_place, const std::string& to_place) {
    const auto open = [](const std::string& place) {
        auto connection = sql::open(place, {.cache_bytes = 16 << 20, .lane = "xinglin outbound"});
        Queue::migrate(*connection);  // the tables are there and of this version on both sides
        return connection;
    };
    const auto from = open(from_place), to = open(to_place);
    if (!sql::copy_tables(
            tables, *from, *to, [&](bool) { return has(*from, newest(*to)); }, sql::values_of(from_place),
            sql::values_of(to_place)))
        return refuse(IssueCode::conflict, "--to", "has channels of its own already; name an empty target");
    auto& count = to->prepare("SELECT count(*) FROM outbound_delivery");
    count.reset();
    const std::int64_t deliveries = count.step() ? count.integer(0) : 0;
    count.reset();
    return deliveries;
}

}  // namespace xinglin::outbound
