// SPDX-License-Identifier: Apache-2.0
// A PostgreSQL database's list of data keys made and changed, and its sealed values brought under another key beside others.
//
// How the former keys may be forgotten: who writes looks at the list once they hold the lane of their tables (Values::refresh), so
// after the list has changed and each lane was free once, everything new is under the new key. What is old only moves
// (record_current to record_past), so one snapshot without any says that there is none.
#include "sql/sealed.h"
#include "sql/sealed_values.h"

namespace xinglin::sql {

namespace {

constexpr int at_once = 256;
constexpr const char* lane = "sql keys";
constexpr int most_passes = 100;

std::unique_ptr<Connection> open_lane(const std::string& place, std::string_view lane) {
    return open_postgres(place, {.cache_bytes = 1 << 20, .lane = std::string(lane)});
}

bool is_there(Connection& connection, std::string_view table) {
    auto& query = connection.prepare("SELECT CASE WHEN to_regclass(?::text) IS NULL THEN 0 ELSE 1 END");
    query.bind(1, table);
    const bool is = query.step() && query.integer(0) != 0;
    query.reset();
    return is;
}

std::string list_of(Connection& connection) {
    auto& query = connection.prepare("SELECT list FROM sql_key_list");
    std::string text = query.step() ? std::string(query.text(0)) : std::string();
    query.reset();
    return text;
}

void put_list(Connection& connection, const std::string& text) {
    connection.prepare("UPDATE sql_key_list SET list = ?").bind(1, text).run();
}

std::string key_head(std::uint32_t number) {
    std::string head;
    for (int i = 3; i >= 0; --i) head += static_cast<char>(number >> (8 * i));
    return head;
}

std::string numbers_of(const SealedColumn& column) {
    std::string names;
    for (const std::string_view each : column.numbers) names += ", " + std::string(each);
    return names;
}

/// A piece of a table, from `from` on; the place of its last row, or nothing when it had none. `plain`: what is there is not sealed yet
/// (compressed, so that it never begins as a sealed value does: with a number of four bytes, the first of them 0).
std::optional<std::string> reseal_some(Connection& connection, const SealedColumn& column, Values& values,
                                       const std::string& from, bool plain, std::uint64_t& done) {
    struct Row {
        std::string place, about, value;
    };
    std::vector<Row> rows;
    const std::string table(column.table), name(column.column), head = key_head(values.ring()->active);
    auto& query = connection.prepare("SELECT ctid::text, " + name + numbers_of(column) + " FROM " + table +
                                     " t WHERE t.ctid > ?::text::tid AND (" + std::string(column.where) + ")" + " AND substr(" +
                                     name + ", 1, 4) <> ? ORDER BY t.ctid LIMIT " + std::to_string(at_once));
    query.bind(1, from).bind_blob(2, head);
    while (query.step()) {
        std::vector<std::int64_t> numbers;
        for (std::size_t i = 0; i < column.numbers.size(); ++i) numbers.push_back(query.integer(static_cast<int>(i) + 2));
        rows.push_back({std::string(query.text(0)), about_of(column.about, numbers), std::string(query.text(1))});
    }
    auto& put = connection.prepare("UPDATE " + table + " SET " + name + " = ? WHERE ctid = ?::text::tid");
    for (const Row& row : rows) {
        const std::string text = plain ? row.value : values.open(row.about, row.value);
        put.bind_blob(1, values.seal(row.about, text)).bind(2, row.place).run();
    }
    done += rows.size();
    return rows.empty() ? std::nullopt : std::optional(rows.back().place);
}

std::uint64_t count_old(Connection& connection, const SealedColumn& column, std::uint32_t active) {
    if (!is_there(connection, column.table)) return 0;
    auto& query = connection.prepare("SELECT count(*) FROM " + std::string(column.table) + " WHERE (" +
                                     std::string(column.where) + ") AND substr(" + std::string(column.column) + ", 1, 4) <> ?");
    query.bind_blob(1, key_head(active));
    const auto count = query.step() ? static_cast<std::uint64_t>(query.integer(0)) : 0;
    query.reset();
    return count;
}

/// In one snapshot of all.
bool is_all_new(const std::string& place, std::span<const SealedColumn> columns, std::uint32_t active) {
    const auto connection = open_lane(place, lane);
    connection->begin_read();
    std::uint64_t left = 0;
    for (const SealedColumn& column : columns) left += count_old(*connection, column, active);
    connection->commit();
    return left == 0;
}

void reseal_column(const std::string& place, const SealedColumn& column, Values& values,
                   const std::function<void(std::string_view, std::uint64_t)>& progress, std::uint64_t& done) {
    const auto connection = open_lane(place, column.lane);
    if (!is_there(*connection, column.table)) return;
    std::optional<std::string> from = "(0,0)";
    while (from) {
        from = transaction(*connection, [&] {
            values.refresh(*connection);
            return reseal_some(*connection, column, values, *from, false, done);
        });
        if (progress) progress(column.table, done);
    }
}

}  // namespace

bool is_fresh(const std::string& place) {
    const auto connection = open_lane(place, lane);  // which makes sql_writer
    auto& query =
        connection->prepare("SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename <> 'sql_writer'");
    const bool is = query.step() && query.integer(0) == 0;
    query.reset();
    return is;
}

Result<bool> seal_database(const std::string& place, keys::Cipher cipher, const std::string& date,
                           std::span<const SealedColumn> columns) {
    const std::vector<std::string> key_places = sql::key_places();
    if (key_places.empty()) return refuse(IssueCode::required, "--data-key", std::string("is needed: ") + keys::places_wanted);
    if (has_values(place)) {
        values_of(place);
        return false;
    }
    XINGLIN_TRY(const std::string text, keys::new_list(cipher, key_places.front(), date));
    XINGLIN_TRY(auto list, keys::open_list(without_password(place), text, key_places));
    Values values(place, key_places, text, std::move(list));
    const auto connection = open_lane(place, lane);
    transaction(*connection, [&] {
        connection->run("CREATE TABLE sql_key_list (one BIGINT PRIMARY KEY CHECK (one = 1), list TEXT NOT NULL)");
        connection->prepare("INSERT INTO sql_key_list (one, list) VALUES (1, ?)").bind(1, text).run();
        for (const SealedColumn& column : columns) {
            if (!is_there(*connection, column.table)) continue;
            connection->run("LOCK TABLE " + std::string(column.table) + " IN ACCESS EXCLUSIVE MODE");
            std::uint64_t done = 0;
            for (std::optional<std::string> from = "(0,0)"; from;)
                from = reseal_some(*connection, column, values, *from, true, done);
        }
    });
    return true;
}

Result<Done> rewrap_database(const std::string& place, const std::string& key_place) {
    const auto connection = open_lane(place, lane);
    return transaction(*connection, [&]() -> Result<Done> {
        XINGLIN_TRY(auto list, keys::open_list(without_password(place), list_of(*connection), key_places()));
        XINGLIN_TRY(const std::string text, keys::rewrapped(std::move(list), key_place));
        put_list(*connection, text);
        return Done{};
    });
}

Result<std::uint32_t> rotate_database(const std::string& place, const std::string& date) {
    const auto connection = open_lane(place, lane);
    return transaction(*connection, [&]() -> Result<std::uint32_t> {
        XINGLIN_TRY(auto list, keys::open_list(without_password(place), list_of(*connection), key_places()));
        const keys::Rotated made = keys::rotated(std::move(list), date);
        put_list(*connection, made.text);
        return made.number;
    });
}

Result<Done> reseal_database(const std::string& place, std::span<const SealedColumn> columns,
                             const std::function<void(std::string_view, std::uint64_t)>& progress) {
    const auto values = values_of(place);
    if (!values)
        return refuse(IssueCode::conflict, without_password(place), "is not encrypted; `xinglin keys encrypt` does that");
    {
        const auto connection = open_lane(place, lane);
        transaction(*connection, [&] { values->refresh(*connection); });
    }
    std::uint64_t done = 0;
    for (int pass = 0; pass == 0 || !is_all_new(place, columns, values->ring()->active); ++pass) {
        if (pass == most_passes)
            return refuse(IssueCode::conflict, without_password(place),
                          "is written to faster than it is sealed; run it again with --continue");
        for (const SealedColumn& column : columns) reseal_column(place, column, *values, progress, done);
    }
    const auto connection = open_lane(place, lane);
    return transaction(*connection, [&]() -> Result<Done> {
        XINGLIN_TRY(auto list, keys::open_list(without_password(place), list_of(*connection), key_places()));
        if (list.ring.active != values->ring()->active)
            return refuse(IssueCode::conflict, without_password(place),
                          "another rotation has begun; run it again with --continue");
        put_list(*connection, keys::retired(std::move(list)));
        return Done{};
    });
}

std::map<std::uint32_t, std::uint64_t> values_by_key(const std::string& place, const SealedColumn& column) {
    std::map<std::uint32_t, std::uint64_t> counts;
    const auto connection = open_lane(place, lane);
    if (!is_there(*connection, column.table)) return counts;
    auto& query = connection->prepare("SELECT substr(" + std::string(column.column) + ", 1, 4), count(*) FROM " +
                                      std::string(column.table) + " WHERE " + std::string(column.where) + " GROUP BY 1");
    while (query.step()) {
        std::uint32_t number = 0;
        for (const char c : query.text(0)) number = number << 8 | static_cast<unsigned char>(c);
        counts[number] += static_cast<std::uint64_t>(query.integer(1));
    }
    return counts;
}

}  // namespace xinglin::sql
