// SPDX-License-Identifier: Apache-2.0
// Fetching many rows of the record in one statement, on PostgreSQL: see ahead.h.
#include <algorithm>
#include <tuple>

#include "record/find.h"

namespace xinglin::record {

namespace {
constexpr std::size_t at_once = 256;                 // rows with their bodies
constexpr std::size_t names_at_once = 1'000;         // names have none
constexpr std::int64_t referring_at_once = 100'000;  // of all asked for together

Fetched fetched(const sql::Statement& row, int first, bool with_body) {
    Fetched fetched{true,
                    with_body,
                    row.integer(first),
                    row.integer(first + 1),
                    row.integer(first + 2),
                    row.integer(first + 3),
                    row.integer(first + 4),
                    row.integer(first + 5),
                    static_cast<std::uint64_t>(row.integer(first + 6)),
                    {}};
    if (with_body) fetched.body = row.text(first + 7);
    return fetched;
}

template <typename Item>
void sort_unique(std::vector<Item>& items) {
    std::sort(items.begin(), items.end());
    items.erase(std::unique(items.begin(), items.end()), items.end());
}

template <typename Item, typename Fetch>
void in_pieces(const std::vector<Item>& items, std::size_t size, Fetch&& fetch) {
    for (std::size_t from = 0; from < items.size(); from += size)
        fetch(std::span<const Item>(items).subspan(from, std::min(size, items.size() - from)));
}
}  // namespace

bool Shelf::looks_ahead() const { return context_.connection.engine() == sql::Engine::postgres; }

void Shelf::expect(std::span<const std::int64_t> rids, bool with_text) {
    if (!looks_ahead()) return;
    std::vector<std::int64_t> wanted;
    for (const std::int64_t rid : rids) {
        const Fetched* held = ahead_.current.find(rid);
        if (!held || (with_text && held->there && !held->has_body)) wanted.push_back(rid);
    }
    sort_unique(wanted);
    in_pieces(wanted, at_once, [&](std::span<const std::int64_t> few) {
        ahead_.current.make_room();
        for (const std::int64_t rid : few) ahead_.current.keep(rid, {});
        auto& query = context_.connection.prepare(
            with_text ? "SELECT c.rid, c.tid, c.version, c.position, c.updated_ms, c.flags, c.splice, c.present, c.body "
                        "FROM unnest(?::int8[]) AS w(rid) JOIN record_current c ON c.p = w.rid >> 20 AND c.rid = w.rid"
                      : "SELECT c.rid, c.tid, c.version, c.position, c.updated_ms, c.flags, c.splice, c.present "
                        "FROM unnest(?::int8[]) AS w(rid) JOIN record_current c ON c.p = w.rid >> 20 AND c.rid = w.rid");
        query.bind_many(1, few);
        while (query.step()) {
            Fetched row = fetched(query, 1, with_text);
            const std::size_t bytes = row.body.size();
            ahead_.current.keep(query.integer(0), std::move(row), bytes);
        }
    });
}

void Shelf::ahead(std::span<const std::int64_t> rids, std::size_t at, bool with_text) {
    if (!looks_ahead()) return;
    const Fetched* held = ahead_.current.find(rids[at]);
    if (!held || (with_text && held->there && !held->has_body))
        expect(rids.subspan(at, std::min(at_once, rids.size() - at)), with_text);
}

void Shelf::expect_versions(std::span<const std::pair<std::int64_t, std::int64_t>> asked) {
    if (!looks_ahead() || asked.size() < 2) return;
    std::vector<std::pair<std::int64_t, std::int64_t>> wanted;
    for (const auto& each : asked) {
        if (!ahead_.versions.find(each)) wanted.push_back(each);
    }
    sort_unique(wanted);
    in_pieces(wanted, at_once, [&](std::span<const std::pair<std::int64_t, std::int64_t>> few) {
        std::vector<std::int64_t> rids, versions;
        ahead_.versions.make_room();
        for (const auto& [rid, version] : few) {
            rids.push_back(rid);
            versions.push_back(version);
            ahead_.versions.keep({rid, version}, {});
        }
        auto& query = context_.connection.prepare(R"sql(
            SELECT w.rid, c.tid, w.version, c.position, c.updated_ms, c.flags, c.splice, c.present, c.body
              FROM unnest(?::int8[], ?::int8[]) AS w(rid, version)
              JOIN record_current c ON c.p = w.rid >> 20 AND c.rid = w.rid AND c.version = w.version
            UNION ALL
            SELECT w.rid, c.tid, w.version, h.position, h.updated_ms, h.flags, h.splice, 0, h.body
              FROM unnest(?1::int8[], ?2::int8[]) AS w(rid, version)
              JOIN record_past h ON h.p = w.rid >> 20 AND h.rid = w.rid AND h.version = w.version
              JOIN record_current c ON c.p = w.rid >> 20 AND c.rid = w.rid)sql");
        query.bind_many(1, std::span<const std::int64_t>(rids)).bind_many(2, std::span<const std::int64_t>(versions));
        while (query.step()) {
            Fetched row = fetched(query, 1, true);
            const std::size_t bytes = row.body.size();
            ahead_.versions.keep({query.integer(0), query.integer(2)}, std::move(row), bytes);
        }
    });
}

void Shelf::expect_names(std::span<const Named> asked) {
    if (!looks_ahead() || asked.size() < 2) return;
    std::vector<std::pair<std::int64_t, std::string>> wanted;
    for (const Named& name : asked) {
        std::pair<std::int64_t, std::string> key{name.tid, id_key(name.id)};
        if (!ahead_.names.find(key)) wanted.push_back(std::move(key));
    }
    sort_unique(wanted);
    in_pieces(wanted, names_at_once, [&](std::span<const std::pair<std::int64_t, std::string>> few) {
        std::vector<std::string> ids;
        std::vector<std::int64_t> tids;
        ahead_.names.make_room();
        for (const auto& key : few) {
            tids.push_back(key.first);
            ids.push_back(key.second);
            ahead_.names.keep(key, 0);
        }
        auto& query = context_.connection.prepare(
            "SELECT n.tid, n.id, n.rid FROM unnest(?::bytea[], ?::int8[]) AS w(id, tid) "
            "JOIN record_name n ON n.id = w.id AND n.tid = w.tid");
        query.bind_many(1, std::span<const std::string>(ids)).bind_many(2, std::span<const std::int64_t>(tids));
        while (query.step()) ahead_.names.keep({query.integer(0), std::string(query.text(1))}, query.integer(2));
    });
}

void Shelf::expect_referring(std::span<const std::int64_t> targets, std::span<const std::int64_t> pids) {
    if (!looks_ahead() || targets.size() * pids.size() < 2) return;
    auto& query = context_.connection.prepare(
        "SELECT target, pid, rid FROM record_reference WHERE target = ANY(?::int8[]) AND pid = ANY(?::int8[]) "
        "ORDER BY target, pid, rid LIMIT ?");
    query.bind_many(1, targets).bind_many(2, pids).bind(3, referring_at_once);
    std::map<std::pair<std::int64_t, std::int64_t>, std::vector<std::int64_t>> found;
    std::int64_t rows = 0;
    for (; query.step(); ++rows) found[{query.integer(0), query.integer(1)}].push_back(query.integer(2));
    // Where the limit cut, what comes behind is not known.
    const bool whole = rows < referring_at_once;
    const std::pair<std::int64_t, std::int64_t> end = whole ? std::pair(INT64_MAX, INT64_MAX) : found.rbegin()->first;
    ahead_.referring.make_room();
    for (const std::int64_t target : targets) {
        for (const std::int64_t pid : pids) {
            const std::pair<std::int64_t, std::int64_t> key(target, pid);
            if (key < end) ahead_.referring.keep(key, std::move(found[key]));
        }
    }
}

std::vector<std::int64_t> Shelf::referring(std::int64_t target, std::int64_t pid, std::size_t limit) {
    if (const auto* held = ahead_.referring.find({target, pid}))
        return {held->begin(), held->begin() + static_cast<std::ptrdiff_t>(std::min(limit, held->size()))};
    return collect(*reference_cursor(context_.connection, target, pid), limit);
}

namespace {
/// What belongs together lies together: observations of one encounter are neighbours. Their rows are walked through in one go, those
/// of other parameters passed over, which costs less than looking each of them up. Not outside the ranges of patients, where an
/// organization is named by millions.
constexpr std::size_t shortest_run = 3;
constexpr std::int64_t widest_gap = 4;

/// How many of the targets from here on are neighbours in ascending order.
std::size_t run_from(std::span<const std::int64_t> targets, std::size_t at) {
    std::size_t end = at + 1;
    if (patient_of(targets[at]) == 0) return 1;
    while (end < targets.size() && targets[end] > targets[end - 1] && targets[end] - targets[end - 1] <= widest_gap) ++end;
    return end - at;
}

void append_run(sql::Connection& connection, std::span<const std::int64_t> run, std::int64_t pid,
                std::vector<std::int64_t>& into) {
    auto& query = connection.prepare(
        "SELECT target, pid, rid FROM record_reference WHERE target BETWEEN ? AND ? ORDER BY target, pid, rid");
    query.bind(1, run.front()).bind(2, run.back());
    std::size_t at = 0;
    while (query.step()) {
        const std::int64_t target = query.integer(0);
        while (run[at] < target) ++at;  // ends: no row lies behind the last
        if (run[at] == target && query.integer(1) == pid) into.push_back(query.integer(2));
    }
}
}  // namespace

void Shelf::append_referring(std::span<const std::int64_t> targets, std::int64_t pid, std::vector<std::int64_t>& into) {
    if (!looks_ahead()) {
        auto& query = context_.connection.prepare("SELECT rid FROM record_reference WHERE target = ? AND pid = ?");
        for (std::size_t at = 0; at < targets.size();) {
            const std::size_t run = run_from(targets, at);
            if (run < shortest_run) {
                query.bind(1, targets[at++]).bind(2, pid);
                while (query.step()) into.push_back(query.integer(0));
            } else {
                append_run(context_.connection, targets.subspan(at, run), pid, into);
                at += run;
            }
        }
        return;
    }
    auto& query = context_.connection.walk("SELECT rid FROM record_reference WHERE target = ANY(?::int8[]) AND pid = ?");
    for (std::size_t from = 0; from < targets.size(); from += names_at_once) {
        query.bind_many(1, targets.subspan(from, std::min(names_at_once, targets.size() - from))).bind(2, pid);
        while (query.step()) into.push_back(query.integer(0));
    }
}

bool Shelf::names_own_patient(std::int64_t rid, std::span<const std::int64_t> pids) {
    const std::int64_t patient = patient_of(rid);
    if (patient == 0 || pids.empty()) return false;
    if (!ahead_.own_patient.empty()) {
        if (const bool* held = ahead_.own_patient.find({pids.front(), rid})) return *held;
    }
    auto& probe = context_.connection.prepare(
        "SELECT 1 FROM record_reference WHERE target = ? AND pid = ? AND rid = ? /*pg AND p = ?3 >> 20*/");
    for (const std::int64_t pid : pids) {
        probe.bind(1, patient).bind(2, pid).bind(3, rid);
        const bool named = probe.step();
        probe.reset();
        if (named) return true;
    }
    return false;
}

void Shelf::expect_own_patient(std::span<const std::int64_t> rids, std::span<const std::int64_t> pids) {
    if (!looks_ahead() || rids.size() < 2 || pids.empty()) return;
    std::vector<std::int64_t> asked;
    for (const std::int64_t rid : rids) {
        if (patient_of(rid) != 0) asked.push_back(rid);
    }
    ahead_.own_patient.make_room();
    for (const std::int64_t rid : asked) ahead_.own_patient.keep({pids.front(), rid}, false);
    auto& query = context_.connection.prepare(
        "SELECT r.rid FROM unnest(?::int8[]) AS w(rid) JOIN record_reference r ON r.target = (w.rid >> 20) << 20 "
        "AND r.pid = ANY(?::int8[]) AND r.rid = w.rid AND r.p = w.rid >> 20");
    query.bind_many(1, std::span<const std::int64_t>(asked)).bind_many(2, pids);
    while (query.step()) ahead_.own_patient.keep({pids.front(), query.integer(0)}, true);
}

}  // namespace xinglin::record
