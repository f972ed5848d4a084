// SPDX-License-Identifier: Apache-2.0
// Applying a group: versions and index rows gathered, sorted, written, committed together.
//
// Sorted writes keep B-tree pages hot; a submission that is refused is dropped from memory before it ever met the tables,
// or, if a search inside it forced a flush, undone by a savepoint.
#include <algorithm>
#include <charconv>
#include <cstdio>

#include "feed/feed.h"
#include "record/setting.h"
#include "record/writer.h"

namespace xinglin::record {

Group::Group(sql::Connection& connection, const Numbers& numbers, const Compressor& compressor, const calendar::Clock& clock,
             std::int16_t offset_minutes, std::size_t remembered, FreshShelf* shelf, std::size_t fresh_rows)
    : connection_(connection),
      numbers_(numbers),
      compressor_(compressor),
      clock_(clock),
      offset_minutes_(offset_minutes),
      names_(connection, counters_, numbers.tid(*fhir::find_resource("Patient")), remembered),
      postings_(connection),
      ahead_({connection, numbers, compressor, offset_minutes}),
      shelf_(shelf),
      fresh_rows_(fresh_rows) {
    load_counters();
}

// True when another process has written since: what is stored is then ahead of what is remembered.
bool Group::load_counters() {
    auto& query = connection_.prepare(R"sql(
        SELECT (SELECT value FROM record_setting WHERE name = 'counters'),
               (SELECT position FROM feed_change ORDER BY position DESC LIMIT 1),
               (SELECT updated_ms FROM feed_change ORDER BY position DESC LIMIT 1))sql");
    query.reset();
    if (!query.step()) return false;
    const std::string line(query.text(0));
    const std::int64_t position = query.integer(1), updated_ms = query.integer(2);
    query.reset();
    const std::string counters = line.empty() ? "" : unsealed("counters", line);
    long long term = 0, ordinal = 0, common = 0;
    if (std::sscanf(counters.c_str(), "%lld %lld %lld", &term, &ordinal, &common) == 3) {
        counters_.next_term = std::max<std::int64_t>(counters_.next_term, term);
        counters_.next_ordinal = std::max<std::int64_t>(counters_.next_ordinal, ordinal);
        counters_.next_common = std::max<std::int64_t>(counters_.next_common, common);
    } else if (position > 0) {  // counting from one again would give numbers that are in use
        throw sql::Broken(sql::Broken::Why::corrupt, "record_setting: the line 'counters' is lost");
    }
    const bool moved = position != position_;
    position_ = position;
    now_ms_ = std::max(now_ms_, updated_ms);
    return moved;
}

void Group::save_counters() {
    const std::string text = std::to_string(counters_.next_term) + " " + std::to_string(counters_.next_ordinal) + " " +
                             std::to_string(counters_.next_common);
    set_setting(connection_, "counters", text);
    for (const auto& [tid, change] : type_changes_) {
        connection_.prepare("UPDATE record_type SET count = count + ?, last_updated_ms = max(last_updated_ms, ?) WHERE tid = ?")
            .bind(1, change.count)
            .bind(2, change.last_ms)
            .bind(3, tid)
            .run();
    }
    type_changes_.clear();
}

void Group::begin() {
    connection_.begin();
    is_open_ = true;
    ahead_.forget();
    // In the lane now: nobody else writes until the commit.
    if (connection_.engine() == sql::Engine::postgres && load_counters()) names_.forget_numbers();
    if (compressor_.values()) compressor_.values()->refresh(connection_);
    if (shelf_) {
        building_ = std::make_shared<Fresh>(*shelf_->latest());
        names_.look_in(building_.get());
        written_fresh_ = 0;
    }
    now_ms_ = std::max(now_ms_, clock_.now_ms());  // a clock that jumps back must not turn the feed's order round
}

void Group::open_submission() {
    in_submission_ = true;
    submission_start_ = pending_.size();
    names_mark_ = names_.mark();
    position_mark_ = position_;
    type_changes_mark_ = type_changes_;
}

void Group::close_submission(bool keep) {
    in_submission_ = false;
    if (has_savepoint_) {
        has_savepoint_ = false;
        if (keep) {
            connection_.release_savepoint();
            return;
        }
        connection_.rollback_savepoint();
        if (building_) {
            *building_ = std::move(*building_mark_);
            line_.cut(line_mark_);
        }
        adding_.clear();  // of a search that broke off half-way
        removing_.clear();
        pending_.clear();
        pending_of_.clear();
        names_.forget();
        postings_.forget();
        ahead_.forget();
    } else if (!keep) {
        for (std::size_t i = submission_start_; i < pending_.size(); ++i) pending_of_.erase(pending_[i].rid);
        pending_.resize(submission_start_);
        names_.undo_to(names_mark_);
    }
    if (!keep) {
        position_ = position_mark_;
        type_changes_ = type_changes_mark_;
    }
}

void Group::commit() {
    flush();
    append_fresh();
    save_counters();
    try {
        connection_.commit();
    } catch (sql::Broken& broken) {
        // PostgreSQL's door finds out what became of a commit, and says so itself when it cannot.
        broken.may_be_stored = broken.may_be_stored || connection_.engine() == sql::Engine::sqlite;
        throw;
    }
    if (building_) shelf_->confirm();
    close_fresh();
    is_open_ = false;
    names_.bound();
}

void Group::hold() {
    // Each leaf of the large tables is then touched once in half a million resources instead of once in a batch, which is
    // what keeps the rate up when the tables have outgrown the cache.
    constexpr std::size_t rows_held = 4'000'000, names_held = 400'000;
    flush_upto(pending_.size());
    if (adding_.size() >= rows_held || names_.held() >= names_held) commit();
}

void Group::close_fresh() {
    names_.look_in(nullptr);
    building_.reset();
    building_mark_.reset();
    line_.cut(0);
}

void Group::rollback() {
    is_open_ = false;
    if (building_) shelf_->withdraw();
    close_fresh();
    try {
        connection_.rollback();
    } catch (const sql::Broken&) {  // the disk may be gone; the journal undoes it at the next opening
    }
    pending_.clear();
    pending_of_.clear();
    type_changes_.clear();
    names_.forget();
    postings_.forget();
    adding_.clear();  // a flush that broke off half-way leaves rows here
    removing_.clear();
    in_submission_ = has_savepoint_ = false;
    try {
        load_counters();
    } catch (const sql::Broken&) {}
}

std::optional<Group::Known> Group::known(std::int64_t tid, std::string_view id) {
    const std::int64_t rid = names_.find(tid, id);
    return rid == 0 ? std::nullopt : known(rid);
}

std::optional<Group::Known> Group::known(std::int64_t rid) {
    if (const auto found = pending_of_.find(rid); found != pending_of_.end()) {
        const Pending& p = pending_[found->second];
        return Known{rid, p.version, p.flags, p.updated_ms, p.position};
    }
    if (const Fetched* row = ahead_.held(rid)) {
        if (!row->there) return std::nullopt;
        return Known{rid, row->version, row->flags, row->updated_ms, row->position};
    }
    auto& query = connection_.prepare(
        "SELECT version, flags, updated_ms, position FROM record_current WHERE rid = ? /*pg AND p = ?1 >> 20*/");
    query.bind(1, rid);
    if (!query.step()) return std::nullopt;  // mentioned, never stored
    const Known known{rid, query.integer(0), query.integer(1), query.integer(2), query.integer(3)};
    query.reset();
    return known;
}

std::optional<Version> Group::read(const fhir::Type& type, std::string_view id) {
    const auto state = known(numbers_.tid(type), id);
    if (!state) return std::nullopt;
    Version version{&type,
                    std::string(id),
                    state->version,
                    state->updated_ms,
                    state->position,
                    (state->flags & flag_deleted) != 0,
                    (state->flags & flag_created) != 0,
                    {}};
    if (version.deleted) return version;
    if (const auto found = pending_of_.find(state->rid); found != pending_of_.end()) {
        const BodyText& body = pending_[found->second].prepared->body;
        version.body = with_version(body.text, body.splice, version.version, version.updated_ms);
        return version;
    }
    auto& query = connection_.prepare("SELECT splice, body FROM record_current WHERE rid = ? /*pg AND p = ?1 >> 20*/");
    query.bind(1, state->rid);
    if (!query.step()) return std::nullopt;
    version.body = with_version(compressor_.text_of(state->rid, state->version, query.text(1)), query.integer(0), version.version,
                                version.updated_ms);
    query.reset();
    return version;
}

bool Group::same_as_current(const Prepared::Inside& prepared) {
    const auto state = known(prepared.tid, prepared.id);
    if (!state || (state->flags & flag_deleted)) return false;
    if (const auto found = pending_of_.find(state->rid); found != pending_of_.end()) {
        const Pending& pending = pending_[found->second];
        return pending.prepared && pending.prepared->body.text == prepared.body.text;
    }
    if (const Fetched* row = ahead_.held(state->rid); row && row->has_body)
        return compressor_.text_of(state->rid, row->version, row->body) == prepared.body.text;
    auto& query = connection_.prepare("SELECT splice, body FROM record_current WHERE rid = ? /*pg AND p = ?1 >> 20*/");
    query.bind(1, state->rid);
    const bool same = query.step() && compressor_.text_of(state->rid, state->version, query.text(1)) == prepared.body.text;
    query.reset();
    return same;
}

void Group::add(Pending pending) {
    // One resource at most once between two flushes, so that removals and additions of its rows can be sorted freely.
    if (pending_of_.contains(pending.rid)) flush();
    pending_of_.emplace(pending.rid, pending_.size());
    pending_.push_back(std::move(pending));
}

Version Group::put(const std::shared_ptr<const Prepared::Inside>& prepared, bool created, std::optional<std::int64_t> at_ms) {
    const std::int64_t updated_ms = at_ms.value_or(now_ms_);
    std::int64_t rid = names_.find(prepared->tid, prepared->id);
    const auto previous = rid == 0 ? std::nullopt : known(rid);
    if (rid == 0) {
        std::int64_t patient = 0;
        if (prepared->draft.patient.size != 0) {
            patient = names_.give_mentioned(numbers_.tid(*fhir::find_resource("Patient")),
                                            prepared->draft.view(prepared->draft.patient));
        }
        rid = names_.give(prepared->tid, prepared->id, patient, true);
    }
    Pending pending{prepared,
                    rid,
                    prepared->tid,
                    previous ? previous->version + 1 : 1,
                    ++position_,
                    updated_ms,
                    created ? came_by_create : came_otherwise,
                    previous.has_value(),
                    prepared->id};
    TypeChange& change = type_changes_[prepared->tid];
    change.last_ms = updated_ms;
    if (!previous || (previous->flags & flag_deleted)) ++change.count;
    Version version{prepared->type, prepared->id, pending.version, updated_ms, pending.position, false, created, {}};
    add(std::move(pending));
    return version;
}

Version Group::erase(const fhir::Type& type, std::int64_t tid, std::string_view id, std::optional<std::int64_t> at_ms) {
    const std::int64_t updated_ms = at_ms.value_or(now_ms_);
    const auto previous = known(tid, id);
    XINGLIN_ASSERT(previous && !(previous->flags & flag_deleted));
    TypeChange& change = type_changes_[tid];
    change.last_ms = updated_ms;
    --change.count;
    add({nullptr, previous->rid, tid, previous->version + 1, ++position_, updated_ms, flag_deleted | came_otherwise, true,
         std::string(id)});
    return {&type, std::string(id), previous->version + 1, updated_ms, position_, true, false, {}};
}

Result<Done> Group::replay(const Change& change, const std::shared_ptr<const Prepared::Inside>& prepared) {
    const auto no = [&](const std::string& what) {
        return refuse(IssueCode::conflict, "position " + std::to_string(change.position), what);
    };
    if (change.position != position_ + 1) return no("the feed here ends at " + std::to_string(position_));
    const std::int64_t tid = numbers_.tid(*change.type);
    const auto previous = known(tid, change.id);
    const std::int64_t number = previous ? previous->version : 0;
    if (change.version != number + 1)
        return no(std::string(change.type->name) + "/" + change.id + " has version " + std::to_string(number) + " here, not " +
                  std::to_string(change.version - 1));
    if (change.deleted != (prepared == nullptr)) return no("a deletion has no text, anything else has one");
    if (change.deleted && (!previous || (previous->flags & flag_deleted))) return no("what it deletes is not there");
    if (change.deleted) erase(*change.type, tid, change.id, change.updated_ms);
    else put(prepared, change.created, change.updated_ms);
    now_ms_ = std::max(now_ms_, change.updated_ms);
    return Done{};
}

// ---- writing --------------------------------------------------------------------------------------------------------

void Group::flush() {
    if (in_submission_ && !has_savepoint_) {
        // What came before this submission is safe; the submission itself goes below a savepoint.
        auto names = names_.withdraw(names_mark_);
        flush_upto(submission_start_);
        write_index();
        connection_.savepoint();
        if (building_) building_mark_ = *building_;
        line_mark_ = line_.size();
        has_savepoint_ = true;
        submission_start_ = 0;
        move(names_.put_back(std::move(names)));
    }
    flush_upto(pending_.size());
    write_index();
}

void Group::write_index() {
    if (!building_) names_.flush(nullptr);
    write_rows();
    names_mark_ = 0;
}

void Group::move(const std::unordered_map<std::int64_t, std::int64_t>& moved) {
    if (moved.empty()) return;
    pending_of_.clear();
    for (std::size_t i = 0; i < pending_.size(); ++i) {
        if (const auto to = moved.find(pending_[i].rid); to != moved.end()) pending_[i].rid = to->second;
        pending_of_.emplace(pending_[i].rid, i);
    }
}

void Group::flush_upto(std::size_t count) {
    if (count == 0) return;
    std::vector<const Pending*> sorted;
    sorted.reserve(count);
    bool has_previous = false;
    for (std::size_t i = 0; i < count; ++i) {
        sorted.push_back(&pending_[i]);
        has_previous = has_previous || pending_[i].has_previous;
    }
    if (has_previous) write_index();  // what they take back may still be held
    expect_rows(sorted);
    for (const Pending* pending : sorted) index(*pending);
    for (const Pending* pending : sorted)
        feed::append(connection_, {pending->position, pending->rid, pending->version, pending->tid, pending->updated_ms});
    std::sort(sorted.begin(), sorted.end(), [](const Pending* a, const Pending* b) { return a->rid < b->rid; });
    write_versions(sorted);
    ahead_.forget();
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(count));
    pending_of_.clear();
    for (std::size_t i = 0; i < pending_.size(); ++i) pending_of_.emplace(pending_[i].rid, i);
}

void Group::write_versions(std::span<const Pending*> sorted) {
    auto& keep = connection_.prepare(R"sql(
        INSERT INTO record_past (rid, version, position, updated_ms, flags, splice, body /*pg , p*/)
        SELECT rid, version, position, updated_ms, flags, splice, body /*pg , p*/ FROM record_current
         WHERE rid = ? /*pg AND p = ?1 >> 20*/)sql");
    auto& drop = connection_.prepare("DELETE FROM record_current WHERE rid = ? /*pg AND p = ?1 >> 20*/");
    auto& store = connection_.prepare(R"sql(
        INSERT INTO record_current (rid, tid, version, position, updated_ms, flags, present, splice, body /*pg , p*/)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ? /*pg , ?1 >> 20*/))sql");
    for (const Pending* p : sorted) {
        if (!p->has_previous) continue;
        keep.bind(1, p->rid).run();
        drop.bind(1, p->rid).run();
    }
    const bool is_sealed = compressor_.values() != nullptr;
    std::string sealed;  // what is bound stays where it is until it ran
    for (const Pending* p : sorted) {
        if (is_sealed && p->prepared) sealed = compressor_.sealed(p->rid, p->version, p->prepared->frame);
        store.bind(1, p->rid).bind(2, p->tid).bind(3, p->version).bind(4, p->position).bind(5, p->updated_ms).bind(6, p->flags);
        if (p->prepared)
            store.bind(7, static_cast<std::int64_t>(p->prepared->draft.present))
                .bind(8, p->prepared->body.splice)
                .bind_blob(9, is_sealed ? std::string_view(sealed) : p->prepared->frame);
        else store.bind(7, std::int64_t{0}).bind(8, std::int64_t{0}).bind_blob(9, p->id);
        store.run();
    }
}

// What a patient's resource names is most likely the same patient's, where its type belongs to patients at all.
std::int64_t Group::mentioned(std::int64_t tid, std::string_view id, std::int64_t by) {
    const bool may_be_theirs =
        patient_of(by) != 0 && !fhir::compartment_parameters("Patient", numbers_.type_of.at(tid)->name).empty();
    return names_.give(tid, id, may_be_theirs ? patient_of(by) : 0, false);
}

OwnerList Group::owners_of(const Draft& draft, std::int64_t tid, std::int64_t rid) {
    const std::int64_t patient = numbers_.tid(*fhir::find_resource("Patient"));
    if (tid == patient) return {ordinal_of(rid)};
    OwnerList owners;
    for (const DraftReference& reference : draft.references) {
        if (reference.tid == patient && numbers_.owner_pids.contains(reference.pid))
            owners.push_back(ordinal_of(names_.give_mentioned(patient, draft.view(reference.id))));
    }
    std::sort(owners.begin(), owners.end());
    owners.erase(std::unique(owners.begin(), owners.end()), owners.end());
    return owners;
}

void Group::state_owners(const Pending& pending, const std::optional<OwnerList>& before) {
    if (!pending.prepared) return;
    const OwnerList owners = owners_of(pending.prepared->draft, pending.tid, pending.rid);
    if (before && *before == owners) return;
    if (!pending.has_previous) {
        if (owners != owners_by_place(pending.rid)) append_owners(connection_, pending.rid, owners);
        return;
    }
    if (stated_owners(connection_, pending.rid).value_or(owners_by_place(pending.rid)) != owners)
        append_owners(connection_, pending.rid, owners);
}

void Group::rows_of(const Draft& draft, std::int64_t rid, bool is_new, Rows& rows) {
    for (const DraftTerm& term : draft.terms) {
        const std::int64_t number = names_.term(term.space, draft.view(term.norm), draft.view(term.extra));
        rows.postings.push_back({number, rid});
        if (is_new && term.text.size != 0) names_.term_text(term.space, draft.view(term.text), number);
    }
    for (const DraftReference& reference : draft.references)
        rows.references.push_back({mentioned(reference.tid, draft.view(reference.id), rid), reference.pid, rid});
    for (DateRow date : draft.dates) {
        date.rid = rid;
        rows.dates.push_back(date);
    }
    for (const DraftNumber& number : draft.numbers) {
        const bool plain = number.unit.size == 0 && number.system.size == 0;
        const std::int64_t unit = plain ? 0 : names_.term(unit_space, draft.view(number.unit), draft.view(number.system));
        rows.numbers.push_back({number.pid, number.low, number.high, unit, rid});
    }
}

/// Of the version in the table; nothing when there is none or it is a deletion.
std::optional<std::string> Group::text_of(std::int64_t rid) {
    if (const Fetched* row = ahead_.held(rid); row && (row->has_body || !row->there)) {
        if (!row->there || (row->flags & flag_deleted)) return std::nullopt;
        return compressor_.text_of(rid, row->version, row->body);
    }
    auto& query = connection_.prepare("SELECT flags, body, version FROM record_current WHERE rid = ? /*pg AND p = ?1 >> 20*/");
    query.bind(1, rid);
    std::optional<std::string> text;
    if (query.step() && !(query.integer(0) & flag_deleted)) text = compressor_.text_of(rid, query.integer(2), query.text(1));
    query.reset();
    return text;
}

std::optional<OwnerList> Group::previous_rows(const Pending& pending, Rows& rows) {
    const auto text = text_of(pending.rid);
    if (!text) return std::nullopt;
    json::Arena arena;
    auto resource = json::parse(*text, arena);
    if (!resource.ok())
        throw sql::Broken(sql::Broken::Why::corrupt, "resource " + std::to_string(pending.rid) + ": its stored body is not JSON");
    const Draft draft = draft_of(numbers_, *numbers_.type_of.at(pending.tid), *resource, offset_minutes_);
    rows_of(draft, pending.rid, false, rows);
    rows.postings.push_back({-pending.tid, pending.rid});
    return owners_of(draft, pending.tid, pending.rid);
}

namespace {
template <typename Row>
void difference(std::vector<Row>& from, std::vector<Row>& minus, std::vector<Row>& into) {
    std::set_difference(from.begin(), from.end(), minus.begin(), minus.end(), std::back_inserter(into));
}
void difference(Rows& from, Rows& minus, Rows& into) {
    difference(from.postings, minus.postings, into.postings);
    difference(from.references, minus.references, into.references);
    difference(from.dates, minus.dates, into.dates);
    difference(from.numbers, minus.numbers, into.numbers);
}
}  // namespace

void Group::index(const Pending& pending) {
    if (!pending.has_previous) {
        rows_of(pending.prepared->draft, pending.rid, true, adding_);
        adding_.postings.push_back({-pending.tid, pending.rid});
        state_owners(pending, std::nullopt);
        return;
    }
    Rows before, after;
    state_owners(pending, previous_rows(pending, before));
    if (pending.prepared) {
        rows_of(pending.prepared->draft, pending.rid, true, after);
        after.postings.push_back({-pending.tid, pending.rid});
    }
    before.sort_unique();
    after.sort_unique();
    difference(after, before, adding_);
    difference(before, after, removing_);
}

void Group::write_rows() {
    adding_.sort_unique();
    removing_.sort_unique();
    postings_.write(removing_.postings, adding_.postings);
    auto& drop_reference =
        connection_.prepare("DELETE FROM record_reference WHERE target = ? AND pid = ? AND rid = ? /*pg AND p = ?3 >> 20*/");
    for (const ReferenceRow& row : removing_.references)
        drop_reference.bind(1, row.target).bind(2, row.pid).bind(3, row.rid).run();
    auto& drop_date =
        connection_.prepare("DELETE FROM record_date WHERE key = ? AND low = ? AND span = ? AND rid = ? /*pg AND p = ?4 >> 20*/");
    for (const DateRow& row : removing_.dates)
        drop_date.bind(1, row.key).bind(2, row.low).bind(3, row.span).bind(4, row.rid).run();
    auto& drop_number = connection_.prepare(
        "DELETE FROM record_number WHERE pid = ? AND low = ? AND high = ? AND unit = ? AND rid = ? /*pg AND p = ?5 >> 20*/");
    for (const NumberRow& row : removing_.numbers)
        drop_number.bind(1, row.pid).bind(2, row.low).bind(3, row.high).bind(4, row.unit).bind(5, row.rid).run();

    auto& reference = connection_.prepare(
        "INSERT INTO record_reference (target, pid, rid /*pg , p*/) VALUES (?, ?, ? /*pg , ?3 >> 20*/) ON CONFLICT DO NOTHING");
    for (const ReferenceRow& row : adding_.references) reference.bind(1, row.target).bind(2, row.pid).bind(3, row.rid).run();
    if (building_) {
        write_fresh();
    } else {
        insert_rows(connection_, adding_.dates);
        insert_rows(connection_, adding_.numbers);
    }
    adding_.clear();
    removing_.clear();
}

}  // namespace xinglin::record
