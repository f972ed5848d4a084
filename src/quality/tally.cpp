// SPDX-License-Identifier: Apache-2.0
// Counting: figures per institution, set and day; who reported the same event twice; a few examples of what failed.
#include "quality/tally.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "calendar/calendar.h"

namespace xinglin::quality {

namespace {

// Everything here can be had again from the record.
constexpr sql::Migration migrations[] = {{1, R"sql(
    CREATE TABLE quality_edition (
        number      BIGINT PRIMARY KEY,
        rules       TEXT NOT NULL,      -- what the figures were measured by
        state       TEXT NOT NULL,      -- building, shown, kept
        position    BIGINT NOT NULL,    -- of the feed, up to which the figures are right; of one being built the state of the record it measures
        place       BIGINT NOT NULL,    -- of one being built: where it goes on
        done        BIGINT NOT NULL,    -- resources measured while building
        made_ms     BIGINT NOT NULL,
        finished_ms BIGINT NOT NULL,    -- 0: not yet
        differences BIGINT NOT NULL     -- measured anew by the same rules: lines that differed from what was counted live; -1 unknown
    );
    CREATE TABLE quality_day (
        edition BIGINT NOT NULL,
        day     BIGINT NOT NULL,        -- since 1970, of the event
        who     TEXT NOT NULL,          -- id of an Organization, source:ID, or nothing
        kind    TEXT NOT NULL,          -- which set
        n       BIGINT NOT NULL,        -- resources
        counts  TEXT NOT NULL,          -- tested and failed of each rule, in its order
        PRIMARY KEY (edition, day, who, kind)
    );
    CREATE TABLE quality_event (
        edition BIGINT NOT NULL,
        print   BIGINT NOT NULL,        -- of institution, set and what makes an event the same
        day     BIGINT NOT NULL,
        id      TEXT NOT NULL,          -- Encounter/abc
        PRIMARY KEY (edition, print, day, id)
    );
    CREATE TABLE quality_example (
        edition BIGINT NOT NULL,
        who     TEXT NOT NULL,
        kind    TEXT NOT NULL,
        rule    TEXT NOT NULL,
        month   BIGINT NOT NULL,        -- since 1970
        id      TEXT NOT NULL,
        PRIMARY KEY (edition, who, kind, rule, month, id)
    );
)sql"}};

constexpr int examples_kept = 5;  // of a rule, institution and month

std::int64_t month_of(std::int64_t day) {
    const calendar::Civil civil = calendar::civil_from_days(day);
    return std::int64_t{civil.year} * 12 + civil.month - 1 - 1970 * 12;
}

}  // namespace

void make_tables(sql::Connection& connection) { sql::migrate(connection, "quality", migrations); }

std::string packed(const Counts& counts) {
    std::string out;
    for (const Counts::OfRule& each : counts.rules) {
        if (!out.empty()) out += ' ';
        fmt::format_to(std::back_inserter(out), "{} {}", each.tested, each.failed);
    }
    return out;
}

void unpack(std::string_view text, Counts& counts) {
    counts.rules.clear();
    const char* at = text.data();
    const char* const end = at + text.size();
    while (at < end) {
        Counts::OfRule each;
        at = std::from_chars(at, end, each.tested).ptr;
        if (at < end) ++at;
        at = std::from_chars(at, end, each.failed).ptr;
        if (at < end) ++at;
        counts.rules.push_back(each);
    }
}

Counts& Tally::at(std::int64_t day, const std::string& who, std::size_t set) {
    Counts& counts = changed_[{day, who, set}];
    counts.rules.resize(book_.sets()[set].rules.size());
    return counts;
}

void Tally::count(const Verdict& verdict, const std::string& id, int times) {
    const Set& set = book_.sets()[verdict.set];
    Counts& counts = at(verdict.day, verdict.who, verdict.set);
    counts.n += times;
    for (std::size_t i = 0; i < verdict.marks.size(); ++i) {
        if (verdict.marks[i] == Mark::untested) continue;
        counts.rules[i].tested += times;
        if (verdict.marks[i] != Mark::failed) continue;
        counts.rules[i].failed += times;
        note_example(verdict, set.rules[i], verdict.day, id, times);
    }
    if (verdict.key == 0) return;
    counts.rules[static_cast<std::size_t>(set.twice)].tested += times;
    count_event(verdict, id, times);
}

/// Of all that are the same event the first, by day and id, is none too many; every other one is, on its own day.
void Tally::count_event(const Verdict& verdict, const std::string& id, int times) {
    const auto print = static_cast<std::int64_t>(verdict.key);
    std::vector<std::pair<std::int64_t, std::string>> others;
    auto& query = connection_.prepare("SELECT day, id FROM quality_event WHERE edition = ? AND print = ? ORDER BY day, id");
    query.reset();
    query.bind(1, edition_).bind(2, print);
    while (query.step()) {
        if (query.text(1) != id) others.emplace_back(query.integer(0), query.text(1));
    }
    auto& change = connection_.prepare(
        times > 0 ? "INSERT INTO quality_event (edition, print, day, id) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
                  : "DELETE FROM quality_event WHERE edition = ? AND print = ? AND day = ? AND id = ?");
    change.bind(1, edition_).bind(2, print).bind(3, verdict.day).bind(4, std::string_view(id)).run();
    if (others.empty()) return;
    std::sort(others.begin(), others.end());  // in bytes, whatever the database's order of texts
    const Set& set = book_.sets()[verdict.set];
    const auto rule = static_cast<std::size_t>(set.twice);
    const bool is_first = std::pair(verdict.day, id) < others.front();
    const std::int64_t day = is_first ? others.front().first : verdict.day;  // whose turn it is to be one too many
    const std::string& which = is_first ? others.front().second : id;
    at(day, verdict.who, verdict.set).rules[rule].failed += times;
    note_example(verdict, set.rules[rule], day, which, times);
}

void Tally::note_example(const Verdict& verdict, const Rule& rule, std::int64_t day, const std::string& id, int times) {
    const std::string& kind = book_.sets()[verdict.set].id;
    const std::int64_t month = month_of(day);
    const std::string key = fmt::format("{}\n{}\n{}\n{}", verdict.who, kind, rule.id, month);
    const auto bind = [&](sql::Statement& statement) -> sql::Statement& {
        return statement.bind(1, edition_)
            .bind(2, std::string_view(verdict.who))
            .bind(3, std::string_view(kind))
            .bind(4, std::string_view(rule.id))
            .bind(5, month);
    };
    if (times < 0) {
        auto& gone = connection_.prepare(
            "DELETE FROM quality_example WHERE edition = ? AND who = ? AND kind = ? AND rule = ? AND month = ? AND id = ?");
        bind(gone).bind(6, std::string_view(id)).run();
        examples_.erase(key);
        return;
    }
    auto known = examples_.find(key);
    if (known == examples_.end()) {
        auto& query = connection_.prepare(
            "SELECT count(*) FROM quality_example WHERE edition = ? AND who = ? AND kind = ? AND rule = ? AND month = ?");
        query.reset();
        bind(query);
        query.step();
        if (examples_.size() > 100'000) examples_.clear();
        known = examples_.emplace(key, static_cast<int>(query.integer(0))).first;
        query.reset();
    }
    if (known->second >= examples_kept) return;
    auto& add = connection_.prepare(
        "INSERT INTO quality_example (edition, who, kind, rule, month, id) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING");
    bind(add).bind(6, std::string_view(id)).run();
    known->second += 1;
}

void Tally::flush() {
    for (auto& [place, counts] : changed_) {
        const std::string& kind = book_.sets()[place.set].id;
        auto& query =
            connection_.prepare("SELECT n, counts FROM quality_day WHERE edition = ? AND day = ? AND who = ? AND kind = ?");
        query.reset();
        query.bind(1, edition_).bind(2, place.day).bind(3, std::string_view(place.who)).bind(4, std::string_view(kind));
        Counts sum;
        if (query.step()) {
            sum.n = query.integer(0);
            unpack(query.text(1), sum);
        }
        query.reset();
        sum += counts;
        if (sum.n == 0) {
            connection_.prepare("DELETE FROM quality_day WHERE edition = ? AND day = ? AND who = ? AND kind = ?")
                .bind(1, edition_)
                .bind(2, place.day)
                .bind(3, std::string_view(place.who))
                .bind(4, std::string_view(kind))
                .run();
            continue;
        }
        const std::string text = packed(sum);
        connection_
            .prepare(
                "INSERT INTO quality_day (edition, day, who, kind, n, counts) VALUES (?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (edition, day, who, kind) DO UPDATE SET n = excluded.n, counts = excluded.counts")
            .bind(1, edition_)
            .bind(2, place.day)
            .bind(3, std::string_view(place.who))
            .bind(4, std::string_view(kind))
            .bind(5, sum.n)
            .bind(6, std::string_view(text))
            .run();
    }
    changed_.clear();
}

void Tally::drop() {
    changed_.clear();
    examples_.clear();
}

}  // namespace xinglin::quality
