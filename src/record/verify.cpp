// SPDX-License-Identifier: Apache-2.0
// Proof of a store: sound pages, readable bodies, and exactly the rows that the versions ask for.
//
// Every row of every table is due to some version, or it is sealed (setting.h). What is due is derived again from the
// bodies, looked up, and counted, so that a row too many shows as well as a row too few. Bodies carry a check sum in their
// frame; place, time and number of a version stand in its row and in the feed, and must agree.
#include <algorithm>
#include <unordered_set>

#include "feed/feed.h"
#include "record/block.h"
#include "record/draft.h"
#include "record/ranges.h"
#include "record/sentry.h"
#include "record/setting.h"
#include "record/store_inside.h"

namespace xinglin::record {

namespace {
constexpr std::size_t most_problems = 100;

/// Runs one check; what breaks in it is a problem, not the end.
template <typename Check>
void attempt(std::string_view what, std::vector<std::string>& problems, Check&& check) {
    try {
        check();
    } catch (const sql::Broken& broken) {
        problems.push_back(std::string(what) + ": " + broken.what());
    }
}

/// Counts different numbers, eight bytes each.
class Distinct {
public:
    void add(std::int64_t number) {
        seen_.push_back(number);
        if (seen_.size() > bound_) settle();
    }
    std::uint64_t count() {
        settle();
        return seen_.size();
    }

private:
    void settle() {
        std::sort(seen_.begin(), seen_.end());
        seen_.erase(std::unique(seen_.begin(), seen_.end()), seen_.end());
        bound_ = std::max<std::size_t>(1u << 20, 2 * seen_.size());
    }
    std::vector<std::int64_t> seen_;
    std::size_t bound_ = 1u << 20;
};

class Verification {
public:
    Verification(const Context& context, std::shared_ptr<const Owners> owners, std::vector<std::string>& problems)
        : shelf_(context), context_(context), owners_(std::move(owners)), problems_(problems) {}

    void resource(std::int64_t rid) {
        try {
            const auto now = shelf_.current(rid, false);
            if (!now) return say(rid, 0, "its row is gone");
            if (!context_.numbers.type_of.contains(now->tid)) return say(rid, 0, "it is of an unknown type");
            for (std::int64_t version = 1; version <= now->version; ++version) {
                if (problems_.size() >= most_problems) return;
                this->version(*now, version);
            }
            versions_ += static_cast<std::uint64_t>(now->version);
        } catch (const sql::Broken& broken) {
            say(rid, 0, broken.what());
        }
    }

    void totals() {
        compare("record_posting", postings_,
                "(SELECT count(*) FROM record_posting) + (SELECT coalesce(sum(count), 0) FROM record_block)");
        compare("record_reference", references_);
        compare_settled("record_date", dates_, [&] { return unsettled_dates(); });
        compare_settled("record_number", numbers_, [&] { return unsettled_numbers(); });
        compare_settled("record_name", names_.count(), [&] { return unsettled_names(); });
        compare("record_term", terms_.count());
        compare("record_term_text", texts_.count());
        compare("feed_change", versions_);
    }

private:
    void say(std::int64_t rid, std::int64_t version, const std::string& what) {
        if (problems_.size() >= most_problems) return;
        problems_.push_back(name_of(rid) + (version ? ", version " + std::to_string(version) : "") + ": " + what);
    }

    /// "Patient/abc": told by the names, because the body may be what is damaged. Slow; for problems only.
    std::string name_of(std::int64_t rid) {
        const std::string number = "resource " + std::to_string(rid);
        try {
            auto& query = context_.connection.prepare("SELECT id, tid FROM record_name WHERE rid = ?");
            query.bind(1, rid);
            if (!query.step()) return fresh_name_of(rid).value_or(number);
            const auto type = context_.numbers.type_of.find(query.integer(1));
            std::string name = type == context_.numbers.type_of.end() ? number : std::string(type->second->name) + "/";
            if (type != context_.numbers.type_of.end()) name += id_of_key(query.text(0));
            query.reset();
            return name;
        } catch (const sql::Broken&) {
            return number;
        }
    }

    std::optional<std::string> fresh_name_of(std::int64_t rid) {
        Layer<NameRow>::Walk walk(context_.fresh->names);
        while (const NameRow* row = walk.next()) {
            const auto type = context_.numbers.type_of.find(row->tid);
            if (row->rid == rid && type != context_.numbers.type_of.end())
                return std::string(type->second->name) + "/" + id_of_key(row->key());
        }
        return std::nullopt;
    }

    void version(const Stored& now, std::int64_t number) {
        std::optional<Stored> stored;
        try {
            stored = shelf_.numbered(now.rid, number);
        } catch (const sql::Broken& broken) {
            return say(now.rid, number, broken.what());
        }
        if (!stored) return say(now.rid, number, "it is missing in record_past");
        const bool is_current = number == now.version;
        check_row(*stored);
        if (stored->deleted()) {
            if (shelf_.find(now.tid, stored->text) != now.rid) say(now.rid, number, "the id of the deletion leads elsewhere");
            return;
        }
        const fhir::Type& type = *context_.numbers.type_of.at(now.tid);
        json::Arena arena;
        auto parsed = json::parse(stored->text, arena);
        if (!parsed.ok() || (*parsed)["resourceType"].string() != type.name)
            return say(now.rid, number, "its body is not the JSON of a " + std::string(type.name));
        if (shelf_.find(now.tid, stored->id()) != now.rid) say(now.rid, number, "its id leads elsewhere");
        if (body_text(*parsed).splice != stored->splice) say(now.rid, number, "the place of its version in the text is wrong");
        const Draft draft = draft_of(context_.numbers, type, *parsed, context_.offset_minutes);
        if (is_current && draft.present != stored->present) say(now.rid, number, "its presence bits differ");
        Rows rows = rows_of(draft, now.rid, number);
        if (!is_current) return;
        rows.postings.push_back({-now.tid, now.rid});
        rows.sort_unique();
        check(rows, now.rid, number);
        const OwnerList* stated = owners_->find(now.rid);
        if ((stated ? *stated : owners_by_place(now.rid)) != standing_of(shelf_, type, *stored).owners)
            say(now.rid, number, "record_owner says that it is another patient's");
    }

    /// The version's row against its line in the feed.
    void check_row(const Stored& stored) {
        names_.add(stored.rid);
        if (!is_known_flags(stored.flags)) say(stored.rid, stored.version, "its flags are damaged");
        auto& query =
            context_.connection.prepare("SELECT resource, version, type, updated_ms FROM feed_change WHERE position = ?");
        query.bind(1, stored.position);
        const bool agrees = query.step() && query.integer(0) == stored.rid && query.integer(1) == stored.version &&
                            query.integer(2) == stored.tid && query.integer(3) == stored.updated_ms;
        query.reset();
        if (!agrees) say(stored.rid, stored.version, "the feed says otherwise at position " + std::to_string(stored.position));
    }

    std::int64_t term(std::int64_t space, std::string_view norm, std::string_view extra) {
        auto& query = context_.connection.prepare(same_term);
        query.bind(1, space).bind(2, norm).bind(3, extra);
        const std::int64_t found = query.step() ? query.integer(0) : 0;
        query.reset();
        if (found) terms_.add(found);
        return found;
    }

    void term_text(std::int64_t space, std::string_view text, std::int64_t term, std::int64_t rid, std::int64_t version) {
        auto& query = context_.connection.prepare("SELECT 1 FROM record_term_text WHERE space = ? AND text = ? AND term = ?");
        query.bind(1, space).bind(2, text).bind(3, term);
        expect(query, rid, version, "record_term_text");
        const std::hash<std::string_view> hash;
        const auto mixed = static_cast<std::uint64_t>(hash(text)) ^ static_cast<std::uint64_t>(space) * 0x9e3779b97f4a7c15ull ^
                           static_cast<std::uint64_t>(term) * 0xc2b2ae3d27d4eb4full;
        texts_.add(static_cast<std::int64_t>(mixed));
    }

    Rows rows_of(const Draft& draft, std::int64_t rid, std::int64_t version) {
        Rows rows;
        for (const DraftTerm& each : draft.terms) {
            const std::int64_t number = term(each.space, draft.view(each.norm), draft.view(each.extra));
            if (number == 0) say(rid, version, "a row is missing in record_term");
            if (each.text.size != 0) term_text(each.space, draft.view(each.text), number, rid, version);
            rows.postings.push_back({number, rid});
        }
        for (const DraftReference& each : draft.references) {
            const std::int64_t target = shelf_.find(each.tid, draft.view(each.id));
            if (target == 0) say(rid, version, "a row is missing in record_name");
            names_.add(target);
            rows.references.push_back({target, each.pid, rid});
        }
        for (DateRow date : draft.dates) {
            date.rid = rid;
            rows.dates.push_back(date);
        }
        for (const DraftNumber& each : draft.numbers) {
            const bool plain = each.unit.size == 0 && each.system.size == 0;
            const std::int64_t unit = plain ? 0 : term(unit_space, draft.view(each.unit), draft.view(each.system));
            if (!plain && unit == 0) say(rid, version, "the row of a unit is missing in record_term");
            rows.numbers.push_back({each.pid, each.low, each.high, unit, rid});
        }
        return rows;
    }

    void expect(sql::Statement& query, std::int64_t rid, std::int64_t version, std::string_view table) {
        const bool there = query.step();
        query.reset();
        if (!there) say(rid, version, "a row is missing in " + std::string(table));
    }

    void check(const Rows& rows, std::int64_t rid, std::int64_t version) {
        auto& c = context_.connection;
        for (const PostingRow& row : rows.postings)
            if (!posting(row.term).has(row.rid)) say(rid, version, "it is missing among the postings of one of its terms");
        for (const ReferenceRow& row : rows.references)
            expect(c.prepare("SELECT 1 FROM record_reference WHERE target = ? AND pid = ? AND rid = ?")
                       .bind(1, row.target)
                       .bind(2, row.pid)
                       .bind(3, row.rid),
                   rid, version, "record_reference");
        for (const DateRow& row : rows.dates)
            if (!has_row(context_, row)) say(rid, version, "a row is missing in record_date");
        for (const NumberRow& row : rows.numbers)
            if (!has_row(context_, row)) say(rid, version, "a row is missing in record_number");
        postings_ += rows.postings.size();
        references_ += rows.references.size();
        dates_ += rows.dates.size();
        numbers_ += rows.numbers.size();
    }

    Cursor& posting(std::int64_t term) {
        if (postings_of_.size() > 2'000) postings_of_.clear();
        CursorPtr& cursor = postings_of_[term];
        if (!cursor) cursor = posting_cursor(context_.connection, term);
        return *cursor;
    }

    // Fresh rows that are not in their table: those being settled, or settled before the store was opened, are in both.
    std::uint64_t unsettled_dates() {
        auto& query = context_.connection.prepare("SELECT 1 FROM record_date WHERE key = ? AND low = ? AND span = ? AND rid = ?");
        return unsettled(context_.fresh->dates, query,
                         [&](const DateRow& row) { query.bind(1, row.key).bind(2, row.low).bind(3, row.span).bind(4, row.rid); });
    }
    std::uint64_t unsettled_numbers() {
        auto& query = context_.connection.prepare(
            "SELECT 1 FROM record_number WHERE pid = ? AND low = ? AND high = ? AND unit = ? AND rid = ?");
        return unsettled(context_.fresh->numbers, query, [&](const NumberRow& row) {
            query.bind(1, row.pid).bind(2, row.low).bind(3, row.high).bind(4, row.unit).bind(5, row.rid);
        });
    }
    std::uint64_t unsettled_names() {
        auto& query = context_.connection.prepare("SELECT 1 FROM record_name WHERE id = ? AND tid = ?");
        return unsettled(context_.fresh->names, query,
                         [&](const NameRow& row) { query.bind_blob(1, row.key()).bind(2, row.tid); });
    }
    template <typename Row, typename Bind>
    std::uint64_t unsettled(const Layer<Row>& layer, sql::Statement& query, Bind&& bind) {
        std::uint64_t count = 0;
        typename Layer<Row>::Walk walk(layer);
        while (const Row* row = walk.next()) {
            bind(*row);
            if (!query.step()) ++count;
            query.reset();
        }
        return count;
    }

    void compare(const std::string& table, std::uint64_t expected, const std::string& counted = {}) {
        attempt(table, problems_, [&] {
            auto& query = context_.connection.prepare(counted.empty() ? "SELECT count(*) FROM " + table : "SELECT " + counted);
            query.reset();
            query.step();
            const auto there = static_cast<std::uint64_t>(query.integer(0));
            query.reset();
            if (there != expected)
                problems_.push_back(table + " has " + std::to_string(there) + " rows, " + std::to_string(expected) + " are due");
        });
    }

    template <typename Unsettled>
    void compare_settled(const std::string& table, std::uint64_t expected, Unsettled&& unsettled) {
        attempt(table, problems_,
                [&] { compare(table, expected, "(SELECT count(*) FROM " + table + ") + " + std::to_string(unsettled())); });
    }

    Shelf shelf_;
    Context context_;
    std::shared_ptr<const Owners> owners_;
    std::vector<std::string>& problems_;
    std::uint64_t postings_ = 0, references_ = 0, dates_ = 0, numbers_ = 0, versions_ = 0;
    Distinct names_, terms_, texts_;
    std::unordered_map<std::int64_t, CursorPtr> postings_of_;
};

/// Every block by itself, in its place, and as many members as are said.
void check_blocks(sql::Connection& connection, std::vector<std::string>& problems) {
    std::int64_t term = 0, upto = -1;
    auto& query = connection.walk("SELECT term, first, count, bytes FROM record_block ORDER BY term, first");
    while (problems.size() < most_problems && query.step()) {
        const std::int64_t first = query.integer(1);
        if (query.integer(0) != term) upto = -1;
        term = query.integer(0);
        std::vector<Word> words;
        const bool sound = unpack(first, query.text(3), words) && !words.empty() && first > upto &&
                           static_cast<std::int64_t>(members(words)) == query.integer(2);
        if (!sound)
            problems.push_back("record_block: the block " + std::to_string(first) + " of term " + std::to_string(term) +
                               " is damaged");
        if (!words.empty()) upto = words.back().key;
    }
    auto& counts = connection.prepare(R"sql(
        SELECT c.term FROM record_term_count c
         WHERE c.folded <> (SELECT coalesce(sum(b.count), 0) FROM record_block b WHERE b.term = c.term)
        UNION SELECT b.term FROM record_block b WHERE NOT EXISTS (SELECT 1 FROM record_term_count c WHERE c.term = b.term)
         LIMIT 100)sql");
    while (counts.step())
        problems.push_back("record_term_count: the members of term " + std::to_string(counts.integer(0)) +
                           " are counted wrongly");
}

void check_types(sql::Connection& connection, const Numbers& numbers, std::vector<std::string>& problems) {
    auto& query = connection.prepare(R"sql(
        SELECT t.tid, t.name, t.count, (SELECT count(*) FROM record_posting p WHERE p.term = -t.tid) +
                   coalesce((SELECT c.folded FROM record_term_count c WHERE c.term = -t.tid), 0),
               t.last_updated_ms
          FROM record_type t ORDER BY t.tid)sql");
    while (query.step()) {
        const std::string name(query.text(1));
        if (!numbers.type_of.contains(query.integer(0))) problems.push_back("record_type: '" + name + "' is no type we know");
        if (query.integer(2) != query.integer(3))
            problems.push_back(name + ": counted " + std::to_string(query.integer(2)) + ", there are " +
                               std::to_string(query.integer(3)));
    }
    auto& times = connection.prepare(R"sql(
        SELECT t.name FROM record_type t
          LEFT JOIN (SELECT type, max(updated_ms) AS last FROM feed_change GROUP BY type) f ON f.type = t.tid
         WHERE t.last_updated_ms <> coalesce(f.last, 0) ORDER BY t.name)sql");
    while (times.step())
        problems.push_back(std::string(times.text(0)) + ": its last update in record_type is not that of the feed");
}

void check_feed(sql::Connection& connection, std::vector<std::string>& problems) {
    auto& versions = connection.prepare(R"sql(
        SELECT (SELECT count(*) FROM feed_change), (SELECT coalesce(max(position), 0) FROM feed_change),
               (SELECT count(*) FROM record_current) + (SELECT count(*) FROM record_past),
               (SELECT coalesce(min(position), 1) FROM feed_change))sql");
    versions.step();
    const std::int64_t lines = versions.integer(0), last = versions.integer(1), stored = versions.integer(2);
    const std::int64_t first = versions.integer(3);
    versions.reset();
    if (lines != last || first != 1)
        problems.push_back("the feed has " + std::to_string(lines) + " lines but runs from position " + std::to_string(first) +
                           " to " + std::to_string(last));
    if (lines != stored)
        problems.push_back("the feed has " + std::to_string(lines) + " lines for " + std::to_string(stored) + " versions");
    std::int64_t before = 0;
    feed::forward(connection, 0, last, [&](const feed::Change& change) {
        if (change.updated_ms < before)
            problems.push_back("the feed goes back in time at position " + std::to_string(change.position));
        before = change.updated_ms;
        return problems.size() < most_problems;
    });
}

void check_dictionaries(sql::Connection& connection, const std::shared_ptr<sql::Values>& values,
                        std::vector<std::string>& problems) {
    auto& query = connection.prepare("SELECT number, tid, bytes FROM record_dictionary ORDER BY number");
    std::vector<std::pair<std::int64_t, std::string>> seals;
    while (query.step())
        seals.emplace_back(
            query.integer(0),
            seal_of_dictionary(query.integer(1), sql::opened(values, about_dictionary(query.integer(1)), query.text(2))));
    for (const auto& [number, seal] : seals) {
        if (dictionary_seal(connection, number) != seal)
            problems.push_back("dictionary " + std::to_string(number) +
                               " does not fit its check sum; bodies that need it are lost");
    }
}

/// All rids of record_current; where a page in the middle cannot be read, what comes before it and after it.
std::vector<std::int64_t> resources_of(sql::Connection& connection, std::vector<std::string>& problems) {
    std::vector<std::int64_t> rids;
    try {
        auto& up = connection.walk("SELECT rid FROM record_current ORDER BY rid");
        while (up.step()) rids.push_back(up.integer(0));
        return rids;
    } catch (const sql::Broken& broken) {
        problems.push_back(std::string("record_current: ") + broken.what());
    }
    const std::int64_t last = rids.empty() ? std::numeric_limits<std::int64_t>::min() : rids.back();
    try {
        auto& down = connection.walk("SELECT rid FROM record_current WHERE rid > ? ORDER BY rid DESC");
        down.bind(1, last);
        while (down.step()) rids.push_back(down.integer(0));
    } catch (const sql::Broken&) {}  // said already
    return rids;
}

}  // namespace

std::vector<std::string> Store::verify(bool deep, const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
    auto reading = std::make_unique<Reader::Inside>(*inside_, access::Viewer::program("verify"));
    std::vector<std::string> problems;
    attempt("the file", problems, [&] { reading->hold(); });
    if (!problems.empty()) return problems;
    sql::Connection& connection = *reading->connection;
    problems = connection.integrity();
    attempt("the schema", problems, [&] {
        for (std::string& problem : schema_problems(connection)) problems.push_back(std::move(problem));
    });
    attempt("record_setting", problems, [&] {
        for (std::string& problem : setting_problems(connection)) problems.push_back(std::move(problem));
    });
    attempt("record_type", problems, [&] { check_types(connection, inside_->numbers, problems); });
    attempt("record_fresh", problems, [&] { load_fresh(connection); });
    attempt("record_block", problems, [&] { check_blocks(connection, problems); });
    attempt("feed_change", problems, [&] { check_feed(connection, problems); });
    attempt("record_dictionary", problems, [&] { check_dictionaries(connection, inside_->compressor.values(), problems); });
    std::shared_ptr<const Owners> owners = std::make_shared<Owners>();
    attempt("record_owner", problems, [&] { owners = OwnerShelf().of(connection); });
    if (!deep) return problems;
    Verification verification(reading->context(), std::move(owners), problems);
    const std::vector<std::int64_t> rids = resources_of(connection, problems);
    for (std::size_t i = 0; i < rids.size(); ++i) {
        verification.resource(rids[i]);
        if (progress && i % 1'000 == 0) progress(i, rids.size());
    }
    if (problems.size() < most_problems) verification.totals();
    return problems;
}

}  // namespace xinglin::record
