// SPDX-License-Identifier: Apache-2.0
// Proof of a store: sound pages, readable bodies, and exactly the index rows that the resources ask for.
#include "feed/feed.h"
#include "record/draft.h"
#include "record/store_inside.h"

namespace xinglin::record {

namespace {
constexpr std::size_t most_problems = 100;

class Verification {
public:
    Verification(const Context& context, std::vector<std::string>& problems)
        : shelf_(context), context_(context), problems_(problems) {}

    void resource(std::int64_t rid) {
        std::optional<Stored> stored;
        try {
            stored = shelf_.current(rid);
        } catch (const sql::Broken& broken) {
            say(rid, broken.what());
            return;
        }
        if (!stored || stored->deleted()) return;
        const fhir::Type& type = *context_.numbers.type_of.at(stored->tid);
        json::Arena arena;
        auto parsed = json::parse(stored->text, arena);
        if (!parsed.ok() || (*parsed)["resourceType"].string() != type.name) {
            say(rid, "its body is not the JSON of a " + std::string(type.name));
            return;
        }
        if (shelf_.find(stored->tid, stored->id()) != rid) say(rid, "its id leads elsewhere");
        const Draft draft = draft_of(context_.numbers, type, *parsed, context_.offset_minutes);
        if (draft.present != stored->present) say(rid, "its presence bits differ");
        Rows rows = rows_of(draft, rid);
        rows.postings.push_back({-stored->tid, rid});
        rows.sort_unique();
        check(rows, rid);
    }

    void totals() {
        compare("record_posting", postings_);
        compare("record_reference", references_);
        compare("record_date", dates_);
        compare("record_number", numbers_);
    }

private:
    void say(std::int64_t rid, const std::string& what) {
        if (problems_.size() < most_problems) problems_.push_back("resource " + std::to_string(rid) + ": " + what);
    }

    std::int64_t term(std::int64_t space, std::string_view norm, std::string_view extra) {
        auto& query = context_.connection.prepare("SELECT term FROM record_term WHERE space = ? AND norm = ? AND extra = ?");
        query.bind(1, space).bind(2, norm).bind(3, extra);
        const std::int64_t found = query.step() ? query.integer(0) : 0;
        query.reset();
        return found;
    }

    Rows rows_of(const Draft& draft, std::int64_t rid) {
        Rows rows;
        for (const DraftTerm& each : draft.terms)
            rows.postings.push_back({term(each.space, draft.view(each.norm), draft.view(each.extra)), rid});
        for (const DraftReference& each : draft.references)
            rows.references.push_back({shelf_.find(each.tid, draft.view(each.id)), each.pid, rid});
        for (DateRow date : draft.dates) {
            date.rid = rid;
            rows.dates.push_back(date);
        }
        for (const DraftNumber& each : draft.numbers) {
            const bool plain = each.unit.size == 0 && each.system.size == 0;
            rows.numbers.push_back({each.pid, each.low, each.high,
                                    plain ? 0 : term(unit_space, draft.view(each.unit), draft.view(each.system)), rid});
        }
        return rows;
    }

    void expect(sql::Statement& query, std::int64_t rid, std::string_view table) {
        const bool there = query.step();
        query.reset();
        if (!there) say(rid, "a row is missing in " + std::string(table));
    }

    void check(const Rows& rows, std::int64_t rid) {
        auto& c = context_.connection;
        for (const PostingRow& row : rows.postings)
            expect(c.prepare("SELECT 1 FROM record_posting WHERE term = ? AND rid = ?").bind(1, row.term).bind(2, row.rid), rid,
                   "record_posting");
        for (const ReferenceRow& row : rows.references)
            expect(c.prepare("SELECT 1 FROM record_reference WHERE target = ? AND pid = ? AND rid = ?")
                       .bind(1, row.target)
                       .bind(2, row.pid)
                       .bind(3, row.rid),
                   rid, "record_reference");
        for (const DateRow& row : rows.dates)
            expect(c.prepare("SELECT 1 FROM record_date WHERE key = ? AND low = ? AND span = ? AND rid = ?")
                       .bind(1, row.key)
                       .bind(2, row.low)
                       .bind(3, row.span)
                       .bind(4, row.rid),
                   rid, "record_date");
        for (const NumberRow& row : rows.numbers)
            expect(c.prepare("SELECT 1 FROM record_number WHERE pid = ? AND low = ? AND high = ? AND unit = ? AND rid = ?")
                       .bind(1, row.pid)
                       .bind(2, row.low)
                       .bind(3, row.high)
                       .bind(4, row.unit)
                       .bind(5, row.rid),
                   rid, "record_number");
        postings_ += rows.postings.size();
        references_ += rows.references.size();
        dates_ += rows.dates.size();
        numbers_ += rows.numbers.size();
    }

    void compare(const std::string& table, std::uint64_t expected) {
        auto& query = context_.connection.prepare("SELECT count(*) FROM " + table);
        query.reset();
        query.step();
        const auto there = static_cast<std::uint64_t>(query.integer(0));
        query.reset();
        if (there != expected)
            problems_.push_back(table + " has " + std::to_string(there) + " rows, " + std::to_string(expected) + " are due");
    }

    Shelf shelf_;
    Context context_;
    std::vector<std::string>& problems_;
    std::uint64_t postings_ = 0, references_ = 0, dates_ = 0, numbers_ = 0;
};

void check_counts(sql::Connection& connection, std::vector<std::string>& problems) {
    auto& query = connection.prepare(R"sql(
        SELECT t.name, t.count, (SELECT count(*) FROM record_posting p WHERE p.term = -t.tid) AS there
          FROM record_type t WHERE t.count <> there)sql");
    while (query.step())
        problems.push_back(std::string(query.text(0)) + ": counted " + std::to_string(query.integer(1)) + ", there are " +
                           std::to_string(query.integer(2)));
    auto& versions = connection.prepare(R"sql(
        SELECT (SELECT count(*) FROM feed_change), (SELECT coalesce(max(position), 0) FROM feed_change),
               (SELECT count(*) FROM record_current) + (SELECT count(*) FROM record_past))sql");
    versions.step();
    const std::int64_t lines = versions.integer(0), last = versions.integer(1), stored = versions.integer(2);
    versions.reset();
    if (lines != last)
        problems.push_back("the feed has " + std::to_string(lines) + " lines but ends at position " + std::to_string(last));
    if (lines != stored)
        problems.push_back("the feed has " + std::to_string(lines) + " lines for " + std::to_string(stored) + " versions");
}
}  // namespace

std::vector<std::string> Store::verify(bool deep, const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
    std::vector<std::string> problems;
    auto reading = std::make_unique<Reader::Inside>(*inside_, access::Viewer::program("verify"));
    reading->hold();
    sql::Connection& connection = *reading->connection;
    problems = connection.integrity();
    if (!problems.empty()) return problems;
    check_counts(connection, problems);
    if (!deep) return problems;
    Verification verification(reading->context(), problems);
    std::vector<std::int64_t> rids;
    auto& query = connection.prepare("SELECT rid FROM record_current ORDER BY rid");
    while (query.step()) rids.push_back(query.integer(0));
    for (std::size_t i = 0; i < rids.size(); ++i) {
        verification.resource(rids[i]);
        if (progress && i % 1'000 == 0) progress(i, rids.size());
    }
    verification.totals();
    return problems;
}

}  // namespace xinglin::record
