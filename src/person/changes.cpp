// SPDX-License-Identifier: Apache-2.0
// Writing and reading what moved.
#include "person/changes.h"

#include <charconv>
#include <map>

#include "person/facts.h"

namespace xinglin::person {

namespace {

std::int64_t one_number(sql::Statement& query) {
    const std::int64_t number = query.step() ? query.integer(0) : 0;
    query.reset();
    return number;
}

/// "position.line"; nothing when it is none.
std::optional<std::pair<std::int64_t, std::int64_t>> parse_cursor(std::string_view text) {
    std::pair<std::int64_t, std::int64_t> cursor;
    const std::size_t dot = text.find('.');
    if (dot == std::string_view::npos) return std::nullopt;
    const auto read = [](std::string_view digits, std::int64_t& to) {
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), to);
        return !digits.empty() && error == std::errc{} && end == digits.data() + digits.size() && to >= 0;
    };
    if (!read(text.substr(0, dot), cursor.first) || !read(text.substr(dot + 1), cursor.second)) return std::nullopt;
    return cursor;
}

}  // namespace

void make_change_table(sql::Connection& connection) {
    connection.run(R"sql(
        CREATE TABLE IF NOT EXISTS person_change (
            position INTEGER NOT NULL,       -- of the feed
            line     INTEGER NOT NULL,       -- from 1, of that position
            record   INTEGER NOT NULL,
            before   INTEGER NOT NULL,       -- the person it was of, as the record that was there first
            now      INTEGER NOT NULL,
            kind     TEXT NOT NULL,          -- linked merged parted
            at_ms    INTEGER NOT NULL,
            PRIMARY KEY (position, line)
        ) WITHOUT ROWID)sql");
}

void write_changes(sql::Connection& connection, const std::vector<Moved>& moved, record::Position position, std::int64_t at_ms) {
    std::map<Record, std::size_t> left;  // how many leave a person at once
    for (const Moved& each : moved)
        if (each.before != each.now) ++left[each.before];
    if (left.empty()) return;
    auto& last = connection.prepare("SELECT coalesce(max(line), 0) FROM person_change WHERE position = ?");
    last.bind(1, position);
    std::int64_t line = one_number(last);
    for (const Moved& each : moved) {
        if (each.before == each.now) continue;
        auto& stays =
            connection.prepare("SELECT count(*) FROM (SELECT 1 FROM person_record WHERE person = ? AND live = 1 LIMIT 1)");
        stays.bind(1, each.before);
        const bool is_parted = one_number(stays) > 0;
        const bool was_alone = each.before == each.record && left[each.before] == 1;
        connection
            .prepare("INSERT INTO person_change (position, line, record, before, now, kind, at_ms) VALUES (?, ?, ?, ?, ?, ?, ?)")
            .bind(1, position)
            .bind(2, ++line)
            .bind(3, each.record)
            .bind(4, each.before)
            .bind(5, each.now)
            .bind(6, std::string_view(is_parted   ? "parted"
                                      : was_alone ? "linked"
                                                  : "merged"))
            .bind(7, at_ms)
            .run();
    }
}

Changes read_changes(sql::Connection& connection, std::string_view since, std::size_t count) {
    Changes changes;
    const std::int64_t filled_at = one_number(connection.prepare("SELECT filled_at FROM person_state WHERE only = 1"));
    auto from = parse_cursor(since).value_or(std::pair<std::int64_t, std::int64_t>{0, 0});
    changes.begins_again = !since.empty() && from.first < filled_at;
    if (from.first < filled_at) from = {filled_at, 0};
    changes.next = fmt::format("{}.{}", from.first, from.second);
    auto& query = connection.prepare(
        "SELECT c.position, c.line, c.kind, c.at_ms, r.id, r.source, b.print, n.print, c.before, c.now FROM person_change c "
        "JOIN person_record r ON r.number = c.record JOIN person_record b ON b.number = c.before JOIN person_record n ON "
        "n.number = "
        "c.now WHERE (c.position, c.line) > (?, ?) ORDER BY c.position, c.line LIMIT ?");
    query.bind(1, from.first).bind(2, from.second).bind(3, static_cast<std::int64_t>(count));
    std::vector<std::pair<Record, Record>> persons;
    while (query.step()) {
        PersonChange change;
        change.cursor = fmt::format("{}.{}", query.integer(0), query.integer(1));
        change.kind = query.text(2);
        change.at_ms = query.integer(3);
        change.patient = query.text(4);
        change.source = query.text(5);
        change.before = enterprise_id(query.integer(6));
        change.now = enterprise_id(query.integer(7));
        persons.emplace_back(query.integer(8), query.integer(9));
        changes.next = change.cursor;
        changes.changes.push_back(std::move(change));
    }
    query.reset();
    for (std::size_t i = 0; i < changes.changes.size(); ++i) {
        auto& members =
            connection.prepare("SELECT id FROM person_record WHERE person IN (?, ?) AND live = 1 ORDER BY number LIMIT 500");
        members.bind(1, persons[i].first).bind(2, persons[i].second);
        while (members.step()) changes.changes[i].patients.emplace_back(members.text(0));
        members.reset();
    }
    return changes;
}

bool is_cursor(std::string_view text) { return text.empty() || parse_cursor(text).has_value(); }

}  // namespace xinglin::person
