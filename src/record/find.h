// SPDX-License-Identifier: Apache-2.0
// Search over the record's tables: conditions become cursors, cursors meet, what the rows can't tell is confirmed on the
// resource itself.
#pragma once

#include <deque>
#include <map>

#include "record/ahead.h"
#include "record/body.h"
#include "record/cursor.h"
#include "record/fresh.h"
#include "record/guard.h"
#include "record/layout.h"
#include "record/lazy.h"
#include "record/owners.h"
#include "record/plan.h"
#include "record/record.h"

namespace xinglin::record {

/// The patient in whose range a resource lies; 0 for none.
constexpr std::int64_t patient_of(std::int64_t rid) {
    return ordinal_of(rid) >= first_patient_ordinal ? ordinal_of(rid) << rid_bits : 0;
}

constexpr std::size_t most_gathered = 2'000'000;  // rids in one list; what would need more is refused

struct Context {
    sql::Connection& connection;
    const Numbers& numbers;
    const Compressor& compressor;
    std::int16_t offset_minutes;
    const search::Terminology* terminology = nullptr;
    const Fresh* fresh = &no_fresh();
    const Guard* guard = nullptr;  // nothing: everything may be seen
    std::shared_ptr<const Owners> owners{};
    std::string_view needs = "rs";  // of the grants of a guard: what is done with what is found
};

/// A row of record_current, or of record_past.
struct Stored {
    std::int64_t rid = 0, tid = 0, version = 0, position = 0, updated_ms = 0, flags = 0, splice = 0;
    std::uint64_t present = 0;
    std::string text;  // uncompressed, without version; of a deleted resource its id
    bool deleted() const { return (flags & flag_deleted) != 0; }
    std::string id() const { return deleted() ? text : std::string(id_in(text)); }
};

/// Reads rows. One per connection and request; not shared between threads.
class Shelf {
public:
    explicit Shelf(const Context& context) : context_(context) {}
    /// 0 when never mentioned.
    std::int64_t find(std::int64_t tid, std::string_view id);
    std::optional<Stored> current(std::int64_t rid, bool with_text = true);
    std::optional<Stored> numbered(std::int64_t rid, std::int64_t version);
    /// The newest with position ≤ as_of.
    std::optional<Stored> as_of(std::int64_t rid, std::int64_t position);
    Version version_of(const Stored& stored) const;
    const Context& context() const { return context_; }

    /// What will be asked next, fetched together where each would cost a round trip (ahead.h); nothing happens on SQLite. Only
    /// while what was read cannot change: in a snapshot, or within one step of the writer.
    void expect(std::span<const std::int64_t> rids, bool with_text = true);
    /// For a loop over `rids` that has come to `at`: the next some hundred, unless this one is here.
    void ahead(std::span<const std::int64_t> rids, std::size_t at, bool with_text = true);
    void expect_versions(std::span<const std::pair<std::int64_t, std::int64_t>> asked);  // rid and version
    struct Named {
        std::int64_t tid;
        std::string_view id;
    };
    void expect_names(std::span<const Named> asked);
    void expect_referring(std::span<const std::int64_t> targets, std::span<const std::int64_t> pids);
    /// Who names a target under a parameter, at most `limit`, in order.
    std::vector<std::int64_t> referring(std::int64_t target, std::int64_t pid, std::size_t limit);
    /// Who names any of the targets under a parameter, appended in no order.
    void append_referring(std::span<const std::int64_t> targets, std::int64_t pid, std::vector<std::int64_t>& into);
    /// Does a resource name the patient in whose range it lies, under one of the parameters?
    bool names_own_patient(std::int64_t rid, std::span<const std::int64_t> pids);
    void expect_own_patient(std::span<const std::int64_t> rids, std::span<const std::int64_t> pids);
    bool looks_ahead() const;
    /// A current row that was expected and is held; nothing otherwise.
    const Fetched* held(std::int64_t rid) const { return ahead_.current.find(rid); }
    /// What was held may not be so any more.
    void forget() { ahead_ = {}; }

private:
    Context context_;
    Ahead ahead_;
};

/// Where the low end of an interval that matches a date can lie, inclusive, when intervals are at most `longest` ms long.
struct Bounds {
    std::int64_t from = calendar::beginning_ms * 2, upto = calendar::end_of_time_ms * 2;
};
Bounds date_bounds(const search::Operand& operand, std::int64_t longest);
/// Every version with `after` < position ≤ `upto`, in feed order, until `each` returns false. Throws sql::Broken (corrupt)
/// at a damaged one.
void for_each_change(const Context& context, Position after, Position upto, std::span<const fhir::Type* const> types,
                     const std::function<bool(const Change&)>& each);

/// Compiles conditions to cursors.
class Finder {
public:
    explicit Finder(const Context& context) : shelf_(context), context_(context) {}

    /// Everything that matches, as one cursor in rid order. Refuses what costs too much.
    Result<CursorPtr> cursor(const search::Query& query);
    Result<std::vector<std::string>> ids(const search::Query& query, std::size_t limit);
    /// The query's conditions asked of one text, for versions that are not current.
    bool matches(const search::Query& query, const fhir::Type& type, const Stored& stored);
    /// As cursor(), leaving one condition out.
    Result<CursorPtr> cursor_without(const search::Query& query, const search::Criterion& left_out);
    /// From now on conditions on other resources, and what refers to one, are of an earlier position. Refuses when too much was written
    /// since to the types that the query's conditions and _revincludes lead to; costs nothing when they lead nowhere.
    Result<Done> go_back(const search::Query& query, Position as_of, Position now);
    /// Resources that refer to one by a parameter, then or now.
    std::vector<std::int64_t> referrers(std::int64_t target, const search::Parameter& parameter, std::size_t limit);
    bool range_is_large(const search::Parameter& parameter, const search::Operand& operand);
    std::vector<const search::Parameter*> with_included(const search::Parameter& parameter) const;
    /// Where the low ends of matching date rows can lie, short ones or long ones.
    std::int64_t least_low(const search::Operand& operand, bool is_long) const;
    std::int64_t greatest_low(const search::Operand& operand, bool is_long) const;
    std::uint64_t size_of(const fhir::Type& type);
    /// All members will be read: what is large is better gathered than confirmed.
    void read_all(bool all) { reads_all_ = all; }
    Plan& plan() { return plan_; }
    Shelf& shelf() { return shelf_; }
    /// May the viewer see what is current under a rid?
    bool sees(const fhir::Type& type, std::int64_t rid);
    /// … or this version of it, by what it says of itself.
    bool sees(const Stored& version);
    /// … or what is told of an earlier position: by what it was, and by what it is unless it is gone.
    bool sees_then(const Stored& version);
    /// Does the scope reach what is current under a rid, whatever the rules say?
    bool grants(const fhir::Type& type, std::int64_t rid);
    /// The rule that decides about what is current; nothing when none applies, or without a guard.
    const GuardRule* decides(const fhir::Type& type, std::int64_t rid);

private:
    /// Of one type, since the position gone back to.
    struct Since {
        std::vector<std::int64_t> written, changed;  // changed: was there then
        bool has_rows = false;
        std::unordered_map<std::int64_t, std::vector<std::pair<std::int64_t, std::int64_t>>>
            rows;  // target: (pid, rid), of changed ones
    };
    struct Back {
        Position as_of = 0;
        std::unordered_map<std::int64_t, Since> since;  // by tid
        // Of an inner condition, or of a _has.
        std::map<std::pair<const search::Criterion*, const fhir::Type*>, std::vector<std::int64_t>> members;
    };
    Since& since(const fhir::Type& type);
    /// What is under a rid now, or was then.
    std::optional<Stored> at(std::int64_t rid);
    /// Who matched one condition then, sorted.
    Result<const std::vector<std::int64_t>*> members_then(const fhir::Type& type, const search::Criterion& criterion);
    /// One condition asked of one text.
    Result<bool> holds(const search::Criterion& criterion, const fhir::Type& type, const Stored& stored);
    Result<std::vector<std::int64_t>> has_targets(const fhir::Type& type, const search::Criterion& criterion);
    std::vector<std::int64_t> targets_in(const Stored& stored, const search::Parameter& parameter, const fhir::Type& target);
    /// A meeting in the making.
    struct Making {
        Meeting& meeting;
        const fhir::Type& type;
        bool bound = false;                                 // some cursor holds resources of the type only
        std::vector<const search::Criterion*> late{};       // chains through the patient
        std::vector<std::pair<Lazy*, std::string>> lazy{};  // with the name of their condition
        bool asks_row = false, asks_text = false;           // some filter reads each candidate
        bool led() const;                                   // some cursor knows its members
    };
    Result<CursorPtr> of_type(const search::Query& query, const fhir::Type& type);
    Result<CursorPtr> meeting(const fhir::Type& type, std::span<const search::Criterion> all, const search::Query* compartment);
    Result<Done> add(Making& making, const search::Criterion& criterion);
    Result<Done> add_value(Making& making, const search::Criterion& criterion);
    void add_missing(Making& making, const search::Criterion& criterion);
    void add_last_updated(Making& making, const search::Criterion& criterion);
    Result<Done> settle(Making& making);
    void look_ahead(Making& making);
    Result<Done> stand_guard(Making& making);
    /// Those whom the grants of one action let through; nothing: everybody.
    Result<CursorPtr> granted(const fhir::Type& type, char action);
    Result<CursorPtr> part_of(const GuardGrant& grant, const fhir::Type& type);
    bool is_granted(const fhir::Type& type, const Stored& stored) const;
    Result<Done> add_patient_chain(Making& making, const search::Criterion& criterion);
    void add_filter(Making& making, const search::Criterion& criterion);
    /// Adds a step for a condition and lets it watch the cursor.
    CursorPtr shown(CursorPtr cursor, std::string_view kind, const search::Criterion& criterion, std::string_view how);
    Step* step(std::string_view kind, const search::Criterion& criterion, std::string_view how);

    /// `exact` becomes false when candidates must be confirmed.
    Result<CursorPtr> value(const search::Criterion& criterion, bool& exact);
    /// A component of a composite.
    Result<CursorPtr> operand(const search::Parameter& parameter, const search::Operand& operand);
    Result<std::vector<std::int64_t>> terms_of(const search::Criterion& criterion, const search::Operand& operand, bool& exact);
    CursorPtr terms(std::vector<std::int64_t> found, Lazy::Confirm confirm);
    std::vector<std::int64_t> token_terms(std::int64_t space, const search::Operand& operand);
    std::vector<std::int64_t> coded_terms(std::int64_t space, const search::Codings& codings);
    std::vector<std::int64_t> text_terms(std::int64_t space, const search::Criterion& criterion, const search::Operand& operand);
    std::vector<std::int64_t> string_terms(std::int64_t space, search::Modifier modifier, const search::Operand& operand);
    std::vector<std::int64_t> uri_terms(std::int64_t space, search::Modifier modifier, const search::Operand& operand);
    CursorPtr range(const search::Parameter& parameter, std::span<const search::Operand> any, Lazy::Confirm confirm);
    CursorPtr references(const search::Parameter& parameter, const search::Criterion& criterion, const search::Operand& operand);
    std::vector<std::int64_t> family_of(std::int64_t rid, const fhir::Type& type, search::Modifier modifier);
    Result<CursorPtr> composite(const search::Parameter& parameter, const search::Operand& operand);
    Result<CursorPtr> chain(const search::Criterion& criterion);
    Result<CursorPtr> has(const fhir::Type& type, const search::Criterion& criterion);
    CursorPtr by_id(const fhir::Type& type, const search::Criterion& criterion);
    CursorPtr last_updated(const fhir::Type& type, const search::Criterion& criterion);
    CursorPtr compartment(const fhir::Type& type, const search::Query& query);
    bool in_compartment(const search::Query& query, const fhir::Type& type, const Stored& stored);
    /// "Observation.subject", perhaps restricted by where(resolve() is …), whose element stands at most once.
    static bool single_valued(const search::Parameter& parameter);
    std::vector<std::int64_t> targets_of(std::int64_t rid, const search::Parameter& parameter, const fhir::Type& target);
    search::Surroundings surroundings(std::int64_t updated_ms);
    bool confirm(const fhir::Type& type, const search::Criterion& criterion, const Stored& stored);
    /// Asks the resource that is current under a rid.
    Lazy::Confirm confirming(const fhir::Type& type, const search::Criterion& criterion);

    Shelf shelf_;
    Context context_;
    Plan plan_;
    std::deque<json::Arena> arenas_;  // of resources met while confirming
    bool reads_all_ = false;
    std::optional<Back> back_;
    bool unguarded_ = false;                                     // while the conditions of a grant are compiled
    std::deque<std::vector<search::Criterion>> spread_;          // conditions of grants in all units of the record
    std::deque<Context> bound_;                                  // of grants about one patient
    std::unordered_map<const fhir::Type*, CursorPtr> sentries_;  // to be asked rid by rid
};

}  // namespace xinglin::record
