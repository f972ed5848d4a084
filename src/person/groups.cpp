// SPDX-License-Identifier: Apache-2.0
// Links, cuts, and what they hold together.
#include "person/groups.h"

#include <algorithm>
#include <map>
#include <set>

namespace xinglin::person {

namespace {

constexpr std::string_view link_columns = "SELECT number, a, b, seq, by_hand, log_odds, agreement, at_ms, off FROM person_link ";

Link link_at(sql::Statement& row) {
    return {row.integer(0),
            row.integer(1),
            row.integer(2),
            row.integer(3),
            row.integer(4) != 0,
            row.real(5),
            static_cast<std::uint64_t>(row.integer(6)),
            row.integer(7),
            row.integer(8) != 0};
}

}  // namespace

void Groups::make_tables(sql::Connection& connection) {
    connection.run(R"sql(
    CREATE TABLE person_record (
        number INTEGER PRIMARY KEY,      -- dense, in order of arrival
        id     TEXT NOT NULL,            -- of the Patient
        print  INTEGER NOT NULL,         -- of the id, in its enterprise id
        person INTEGER NOT NULL,         -- number of the first record of the person
        live   INTEGER NOT NULL,         -- 0: the Patient was deleted
        source TEXT NOT NULL,
        facts  TEXT NOT NULL,            -- packed, as compared
        position INTEGER NOT NULL,       -- of the feed, of the version these are of
        at_ms  INTEGER NOT NULL          -- when it arrived
    );
    CREATE UNIQUE INDEX person_record_id ON person_record (id);
    CREATE INDEX person_record_person ON person_record (person);
    CREATE INDEX person_record_print ON person_record (print);
    CREATE TABLE person_link (
        number    INTEGER PRIMARY KEY,
        a         INTEGER NOT NULL,
        b         INTEGER NOT NULL,
        seq       INTEGER NOT NULL,      -- feed position of the decision; 0: of the first filling
        by_hand   INTEGER NOT NULL,
        log_odds  REAL NOT NULL,
        agreement INTEGER NOT NULL,      -- levels of the fields, four bits each
        at_ms     INTEGER NOT NULL,
        off       INTEGER NOT NULL       -- undone
    );
    CREATE INDEX person_link_a ON person_link (a);
    CREATE INDEX person_link_b ON person_link (b);
    CREATE INDEX person_link_seq ON person_link (seq) WHERE by_hand = 1;
    CREATE TABLE person_cut (
        record INTEGER NOT NULL,         -- cut off from everybody outside of the cut
        seq    INTEGER NOT NULL,
        off    INTEGER NOT NULL,
        PRIMARY KEY (record, seq)
    ) WITHOUT ROWID;
    CREATE INDEX person_cut_seq ON person_cut (seq);
    CREATE TABLE person_apart (
        number INTEGER PRIMARY KEY,
        a      INTEGER NOT NULL,
        b      INTEGER NOT NULL,
        seq    INTEGER NOT NULL,
        off    INTEGER NOT NULL
    );
    CREATE INDEX person_apart_a ON person_apart (a);
    CREATE INDEX person_apart_b ON person_apart (b);
    CREATE INDEX person_apart_seq ON person_apart (seq);
    )sql");
}

void Groups::add(Record record, std::string_view id, std::int64_t print) {
    connection_
        .prepare(
            "INSERT INTO person_record (number, id, print, person, live, source, facts, position, at_ms) VALUES (?, ?, ?, ?, 1, "
            "'', '', 0, 0)")
        .bind(1, record)
        .bind(2, id)
        .bind(3, print)
        .bind(4, record)
        .run();
}

Record Groups::person_of(Record record) const {
    auto& query = connection_.prepare("SELECT person FROM person_record WHERE number = ?");
    query.bind(1, record);
    const Record person = query.step() ? query.integer(0) : 0;
    query.reset();
    return person;
}

std::vector<Record> Groups::members(Record person) const {
    std::vector<Record> all;
    auto& query = connection_.prepare("SELECT number FROM person_record WHERE person = ? ORDER BY number");
    query.bind(1, person);
    while (query.step()) all.push_back(query.integer(0));
    return all;
}

std::vector<Link> Groups::links_of(const std::vector<Record>& records) const {
    std::map<std::int64_t, Link> found;
    for (const Record record : records) {
        for (const bool first : {true, false}) {
            static const std::string by_a = std::string(link_columns) + "WHERE a = ?",
                                     by_b = std::string(link_columns) + "WHERE b = ?";
            auto& query = connection_.prepare(first ? by_a : by_b);
            query.bind(1, record);
            while (query.step()) found.emplace(query.integer(0), link_at(query));
        }
    }
    std::vector<Link> links;
    for (const auto& [number, link] : found) links.push_back(link);
    return links;
}

bool Groups::holds(const Link& link) const {
    if (link.off) return false;
    // Cuts that are younger than the link and have one of its ends inside, the other outside.
    auto& query = connection_.prepare(
        "SELECT 1 FROM person_cut x WHERE x.record = ? AND x.seq > ? AND x.off = 0 AND NOT EXISTS (SELECT 1 FROM person_cut y "
        "WHERE "
        "y.record = ? AND y.seq = x.seq) LIMIT 1");
    for (const auto& [inside, outside] : {std::pair(link.a, link.b), std::pair(link.b, link.a)}) {
        query.bind(1, inside).bind(2, link.seq).bind(3, outside);
        const bool cut = query.step();
        query.reset();
        if (cut) return false;
    }
    return true;
}

std::vector<Moved> Groups::regroup(const std::vector<Record>& touched) {
    std::set<Record> before;
    for (const Record record : touched) {
        if (before.count(record)) continue;
        for (const Record member : members(person_of(record))) before.insert(member);
    }
    std::map<Record, Record> person;  // as it is now
    for (const Record start : before) {
        if (person.count(start)) continue;
        std::vector<Record> component{start};
        person[start] = start;
        Record least = start;
        for (std::size_t i = 0; i < component.size(); ++i) {
            for (const Link& link : links_of({component[i]})) {
                const Record other = link.a == component[i] ? link.b : link.a;
                if (person.count(other) || !holds(link)) continue;
                person[other] = start;
                component.push_back(other);
                least = std::min(least, other);
            }
        }
        for (const Record member : component) person[member] = least;
    }
    auto& write = connection_.prepare("UPDATE person_record SET person = ? WHERE number = ?");
    std::vector<Moved> all;
    for (const auto& [record, now] : person) {
        all.push_back({record, person_of(record), now});
        if (all.back().before != now) write.bind(1, now).bind(2, record).run();
    }
    return all;
}

std::vector<Moved> Groups::link(const Link& link) {
    connection_
        .prepare("INSERT INTO person_link (a, b, seq, by_hand, log_odds, agreement, at_ms, off) VALUES (?, ?, ?, ?, ?, ?, ?, 0)")
        .bind(1, link.a)
        .bind(2, link.b)
        .bind(3, link.seq)
        .bind(4, std::int64_t{link.by_hand})
        .bind(5, link.log_odds)
        .bind(6, static_cast<std::int64_t>(link.agreement))
        .bind(7, link.at_ms)
        .run();
    return regroup({link.a, link.b});
}

std::vector<Moved> Groups::divide(Seq seq, const std::vector<Record>& records) {
    std::set<Record> inside(records.begin(), records.end());
    auto& cut = connection_.prepare("INSERT INTO person_cut (record, seq, off) VALUES (?, ?, 0)");
    for (const Record record : inside) cut.bind(1, record).bind(2, seq).run();
    for (const Record record : inside) {
        for (const Record other : members(person_of(record)))
            if (!inside.count(other)) keep_apart(seq, record, other);
    }
    return regroup({inside.begin(), inside.end()});
}

void Groups::keep_apart(Seq seq, Record a, Record b) {
    connection_.prepare("INSERT INTO person_apart (a, b, seq, off) VALUES (?, ?, ?, 0)").bind(1, a).bind(2, b).bind(3, seq).run();
}

std::vector<Moved> Groups::set_off(Seq seq, bool off) {
    std::set<Record> touched;
    const auto gather = [&](std::string_view sql, bool two) {
        auto& query = connection_.prepare(sql);
        query.bind(1, seq);
        while (query.step()) {
            touched.insert(query.integer(0));
            if (two) touched.insert(query.integer(1));
        }
    };
    gather("SELECT a, b FROM person_link WHERE seq = ? AND by_hand = 1", true);
    gather("SELECT record FROM person_cut WHERE seq = ?", false);
    // Whoever was linked to what a cut had taken out may come back, or go.
    std::vector<Record> ends;
    for (const Link& link : links_of({touched.begin(), touched.end()})) {
        ends.push_back(link.a);
        ends.push_back(link.b);
    }
    touched.insert(ends.begin(), ends.end());
    for (const std::string_view sql :
         {"UPDATE person_link SET off = ? WHERE seq = ? AND by_hand = 1", "UPDATE person_cut SET off = ? WHERE seq = ?",
          "UPDATE person_apart SET off = ? WHERE seq = ?"})
        connection_.prepare(sql).bind(1, std::int64_t{off}).bind(2, seq).run();
    return regroup({touched.begin(), touched.end()});
}

bool Groups::are_apart(Record person, Record other) const {
    for (const Record member : members(person)) {
        for (const std::string_view sql : {"SELECT 1 FROM person_apart x JOIN person_record r ON r.number = x.b WHERE x.a = ? "
                                           "AND x.off = 0 AND r.person = ? LIMIT 1",
                                           "SELECT 1 FROM person_apart x JOIN person_record r ON r.number = x.a WHERE x.b = ? "
                                           "AND x.off = 0 AND r.person = ? LIMIT 1"}) {
            auto& query = connection_.prepare(sql);
            query.bind(1, member).bind(2, other);
            const bool apart = query.step();
            query.reset();
            if (apart) return true;
        }
    }
    return false;
}

}  // namespace xinglin::person
