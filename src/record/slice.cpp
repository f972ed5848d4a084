// SPDX-License-Identifier: Apache-2.0
// Reading everything as it was at a position, in storage order, in short reads.
#include <algorithm>

#include "feed/feed.h"
#include "record/store_inside.h"

namespace xinglin::record {

namespace {

constexpr int block = 1'000;
constexpr std::size_t at_once = 256;

class Scan {
public:
    Scan(Reader::Inside& reader, Position as_of, const std::function<bool(const Sight&)>& wanted,
         const std::function<bool(const Sight&, std::string_view)>& each)
        : store_(reader.store), connection_(*reader.connection), as_of_(as_of), wanted_(wanted), each_(each) {
        if (reader.viewer.guard) finder_.emplace(reader.context());
    }

    /// False when `each` had enough. `count`: rows seen, `last`: the last of them.
    bool range(Rid from, Rid before, int& count, Rid& last) {
        auto& row = connection_.prepare(R"sql(
            SELECT rid, tid, version, position, updated_ms, flags, splice, body FROM record_current
             WHERE rid >= ? AND rid < ? /*pg AND (p, rid) >= (?1 >> 20, ?1) AND (p, rid) < (?2 >> 20, ?2)*/
             ORDER BY /*pg p,*/ rid LIMIT ?)sql");
        row.bind(1, from).bind(2, before).bind(3, std::int64_t{block});
        bool more = true;
        while (more && row.step()) {
            ++count;
            last = row.integer(0);
            more = take(last, row);
        }
        row.reset();
        return more;
    }

    bool one(Rid rid) {
        int count = 0;
        Rid last = 0;
        return range(rid, rid + 1, count, last);
    }

    /// Some in one statement (PostgreSQL). In order, as they must be given.
    bool several(std::span<const Rid> rids) {
        auto& row = connection_.prepare(R"sql(
            SELECT c.rid, c.tid, c.version, c.position, c.updated_ms, c.flags, c.splice, c.body FROM unnest(?::int8[]) AS w(rid)
              JOIN record_current c ON c.p = w.rid >> 20 AND c.rid = w.rid ORDER BY c.p, c.rid)sql");
        row.bind_many(1, rids);
        bool more = true;
        while (more && row.step()) more = take(row.integer(0), row);
        row.reset();
        return more;
    }

private:
    bool take(Rid rid, const sql::Statement& row) {
        const std::int64_t tid = row.integer(1);
        if (row.integer(3) <= as_of_) return show(rid, tid, row, false);
        auto& past = connection_.prepare(R"sql(
            SELECT rid, version, version, position, updated_ms, flags, splice, body FROM record_past
             WHERE rid = ? /*pg AND p = ?1 >> 20*/ AND position <= ? ORDER BY version DESC LIMIT 1)sql");
        past.bind(1, rid).bind(2, as_of_);
        const bool more = !past.step() || show(rid, tid, past, true);
        past.reset();
        return more;
    }

    bool show(Rid rid, std::int64_t tid, const sql::Statement& row, bool superseded) {
        const auto type = store_.numbers.type_of.find(tid);
        if (type == store_.numbers.type_of.end())
            throw sql::Broken(sql::Broken::Why::corrupt, "resource " + std::to_string(rid) + " is of an unknown type");
        const Sight sight{type->second, rid, row.integer(2), row.integer(4), row.integer(3), (row.integer(5) & flag_deleted) != 0,
                          superseded};
        if (!wanted_(sight) || (finder_ && !sees(sight))) return true;
        if (sight.deleted) return each_(sight, row.text(7));
        body_.clear();
        append_with_version(body_, store_.compressor.text_of(rid, sight.version, row.text(7)), row.integer(6), sight.version,
                            sight.updated_ms);
        return each_(sight, body_);
    }

    // What is there now, and the version of then if that is another; of a deletion what was deleted.
    bool sees(const Sight& sight) {
        const auto now = finder_->shelf().current(sight.rid, false);
        if (now && !now->deleted() && !finder_->sees(*sight.type, sight.rid)) return false;
        if (now && now->version == sight.version && !sight.deleted) return true;
        const auto then = finder_->shelf().numbered(sight.rid, sight.deleted ? sight.version - 1 : sight.version);
        return then && !then->deleted() && finder_->sees(*then);
    }

    Store::Inside& store_;
    sql::Connection& connection_;
    std::optional<Finder> finder_;  // with a guard
    const Position as_of_;
    const std::function<bool(const Sight&)>& wanted_;
    const std::function<bool(const Sight&, std::string_view)>& each_;
    std::string body_;
};

}  // namespace

void Reader::scan(const Slice& slice, const std::function<bool(const Sight&)>& wanted,
                  const std::function<bool(const Sight&, std::string_view)>& each) {
    Scan scan(*inside_, slice.as_of, wanted, each);
    if (slice.only && inside_->connection->engine() == sql::Engine::postgres) {
        const std::span<const Rid> all(*slice.only);
        for (std::size_t from = 0; from < all.size(); from += at_once) {
            if (!scan.several(all.subspan(from, std::min(at_once, all.size() - from)))) return;
        }
        return;
    }
    if (slice.only) {
        for (const Rid rid : *slice.only) {
            if (!scan.one(rid)) return;
        }
        return;
    }
    Rid from = slice.from;
    for (int count = block; count == block;) {
        count = 0;
        Rid last = from;
        if (!scan.range(from, slice.before, count, last)) return;
        from = last + 1;
    }
}

std::optional<Rid> Reader::next_rid(Rid from) {
    auto& query = inside_->connection->prepare(
        "SELECT rid FROM record_current WHERE rid >= ? /*pg AND (p, rid) >= (?1 >> 20, ?1)*/ ORDER BY /*pg p,*/ rid LIMIT 1");
    query.bind(1, from);
    const std::optional<Rid> found = query.step() ? std::optional<Rid>(query.integer(0)) : std::nullopt;
    query.reset();
    return found;
}

std::optional<std::vector<Rid>> Reader::changed(Position after, Position upto, std::size_t limit) {
    if (upto - after > static_cast<Position>(limit)) return std::nullopt;
    std::vector<Rid> rids;
    feed::forward(*inside_->connection, after, upto, [&](const feed::Change& change) {
        rids.push_back(change.resource);
        return true;
    });
    std::sort(rids.begin(), rids.end());
    rids.erase(std::unique(rids.begin(), rids.end()), rids.end());
    return rids;
}

std::vector<Rid> Reader::compartment(std::string_view patient_id) {
    Shelf shelf(inside_->context());
    const Rid patient = shelf.find(inside_->store.numbers.tid(*fhir::find_resource("Patient")), patient_id);
    std::vector<Rid> rids;
    if (patient == 0) return rids;
    rids.push_back(patient);
    auto& query = inside_->connection->prepare("SELECT pid, rid FROM record_reference WHERE target = ?");
    query.bind(1, patient);
    while (query.step()) {
        if (inside_->store.patient_pids.contains(query.integer(0))) rids.push_back(query.integer(1));
    }
    std::sort(rids.begin(), rids.end());
    rids.erase(std::unique(rids.begin(), rids.end()), rids.end());
    return rids;
}

}  // namespace xinglin::record
