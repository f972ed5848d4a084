// SPDX-License-Identifier: Apache-2.0
// The person index: which Patients are one person. Nothing is rewritten in a Patient; a person is the Patients that links hold together.
//
// A view of the record: it follows the feed (Patients and rulings, in their order), may be deleted at any time (DATA/person.db), and is
// then made again, the same. What people decide is in the record, as Basic resources. docs/decisions/0029, 0030. Safe from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "calendar/calendar.h"
#include "json/json.h"
#include "outcome/outcome.h"
#include "person/groups.h"
#include "person/settings.h"
#include "record/record.h"

namespace xinglin::person {

/// What somebody decided.
struct Ruling {
    /// link: a and b are one person (so are their persons) · apart: they are not, and the program shall not join them · split: `members`
    /// leave the person they are in · undo: `target`, another ruling, is taken back · claim, release, later: of the task about a and b ·
    /// propose: as `proposal` (link, apart), to be confirmed by somebody else · fill: everything is matched again.
    std::string kind;
    std::string a, b;                  // Patient ids
    std::vector<std::string> members;  // of a split
    std::string target;                // id of a ruling, of an undo
    std::string proposal;
    std::string who, why;
};

/// A ruling as it lies in the history.
struct Line {
    Seq seq = 0;
    std::string id;  // of the Basic; "" for what the program decided
    std::string kind, a, b, target, who, why;
    std::vector<std::string> members;
    std::int64_t at_ms = 0;
    bool off = false;    // undone
    bool void_ = false;  // it had no effect: what it spoke of was not so
};

/// A link between two Patients, with its evidence.
struct Evidence {
    std::string a, b;
    bool by_hand = false, holds = true;
    double probability = 0;
    std::int64_t at_ms = 0;
    std::vector<identity::Weight> weights;
};

/// A question for somebody.
struct Task {
    std::int64_t number = 0;
    /// doubt: one person? · lent_id: one identity number, otherwise different · join: two persons alike by a third record · contradiction: a record
    /// no longer fits its person · changed: a record has become somebody else's · twins: alike, and born together.
    std::string kind;
    std::string a, b;  // Patient ids
    double probability = 0;
    std::vector<identity::Weight> weights;
    std::int64_t opened_ms = 0, closed_ms = 0, later_ms = 0;
    std::string state;  // open, done, gone
    std::string claimed_by, proposal, proposed_by;
    std::int64_t claimed_ms = 0;
};

struct Member {
    std::string id, source;
    bool live = true;
    std::int64_t at_ms = 0;
};

struct Person {
    std::string enterprise_id;
    std::vector<Member> members;  // in order of arrival
    std::vector<Evidence> links;  // between members, and those that no longer hold
    std::vector<Line> lines;      // newest first
    std::vector<Task> tasks;      // open ones
};

struct QueueAsked {
    std::string kind, reviewer;  // "": all
    std::string state = "open";  // open, later, done, gone
    std::string age;             // "": all; day, week, older: how long they have waited, as Statistics counts them
    std::int64_t before = 0;     // page: numbers below; 0: from the newest
    std::uint32_t count = 50;
};
struct Queue {
    std::uint64_t total = 0;
    std::vector<Task> tasks;
};

struct SourceShare {
    std::string source;
    std::uint64_t records = 0, linked = 0, with_id = 0,
                  duplicates = 0;  // duplicates: further records of one person within the source
};
struct AgeShare {
    int from_age = 0;  // of ten years; -1: not known
    std::uint64_t records = 0, with_id = 0;
};
struct Workload {
    std::string who;
    std::uint64_t decided = 0, claimed = 0;
};
struct Statistics {
    std::vector<SourceShare> sources;
    std::vector<AgeShare> ages;
    std::vector<Workload> reviewers;
    std::vector<std::pair<std::string, std::uint64_t>> open;    // tasks by kind
    std::uint64_t open_day = 0, open_week = 0, open_older = 0;  // by age: under a day, under a week, older
    std::int64_t oldest_ms = 0;
};

struct State {
    record::Position position = 0, record_position = 0, filled_at = 0;
    bool filling = false;
    std::uint64_t people = 0, records = 0, tasks = 0;
    std::string error;
};

struct Found {
    std::string id;  // Patient
    std::string enterprise_id;
    double probability = 0;
    std::string grade;  // certain probable possible certainly-not
    std::vector<identity::Weight> weights;
};

struct Options {
    std::filesystem::path file;  // "": person.db in the store's folder
    std::chrono::milliseconds poll{200};
    bool follow = true;  // with a thread of its own; else only catch_up() does anything
    /// Tests: wraps the connection, to make it fail on demand.
    std::function<std::unique_ptr<sql::Connection>(std::unique_ptr<sql::Connection>)> wrap;
};

/// A record that came to another person.
struct PersonChange {
    std::string cursor;  // its place: what comes after it is asked for with this
    std::string kind;    // linked: it had been alone · merged: its whole person came with it · parted: it left others behind
    std::string patient, source;        // the record
    std::string before, now;            // enterprise ids
    std::vector<std::string> patients;  // all Patients that are of either person as things are now
    std::int64_t at_ms = 0;
};
struct Changes {
    std::vector<PersonChange> changes;  // in their order
    std::string next;                   // cursor behind them
    bool begins_again = false;          // everything was matched anew since: what a copy knew from before is to be read again
};
bool is_cursor(std::string_view text);  // "" is one: from the beginning

/// Who tells of a Patient: the id of a source of messages, else meta.source, else the managing organization's reference; "" when nobody says.
std::string source_of(json::Value patient);

class Persons {
public:
    Persons(record::Store& store, const calendar::Clock& clock, Settings settings, Options options = {});
    ~Persons();

    State state() const;
    const Settings& settings() const;
    /// By enterprise id, one that was given up included, or by the id of any of its Patients.
    std::optional<Person> person(std::string_view id) const;
    /// The Patients of one person, deleted ones left out; empty for a stranger.
    std::vector<std::string> patients(std::string_view patient_id) const;
    std::string enterprise_of(std::string_view patient_id) const;
    Queue queue(const QueueAsked& asked) const;
    std::optional<Task> task(std::int64_t number) const;
    Statistics statistics() const;
    /// What was linked, merged and parted since a cursor, which is never another's however the index was made.
    Changes changes(std::string_view since, std::size_t count) const;
    /// Who may this be? Best first.
    std::vector<Found> match(json::Value patient, std::uint32_t count) const;
    /// Writes a ruling into the record and returns its id once the index knows it. Refuses what cannot be: unknown Patients, a split that leaves
    /// nobody, an undo of what is undone, a confirmation by who proposed.
    Result<std::string> rule(const Ruling& ruling);
    /// Returns when everything committed before the call is known. Throws sql::Broken.
    void catch_up();
    /// Everything that is kept, as lines, sorted: for comparing two indexes.
    std::vector<std::string> dump() const;

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

}  // namespace xinglin::person
