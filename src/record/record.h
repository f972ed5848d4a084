// SPDX-License-Identifier: Apache-2.0
// The record: immutable versions of FHIR resources, searchable at commit, in one data folder.
//
// One writer thread gathers submissions into groups and commits each group once (fsync); readers have connections of
// their own and see whole groups only. Versions never change: update, delete and merge add. Every version has a feed
// position, and every read may be asked as of a position. storage: docs/decisions/0003, src/record/README.md.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "access/access.h"
#include "calendar/calendar.h"
#include "fhir/fhir.h"
#include "json/json.h"
#include "outcome/outcome.h"
#include "search/search.h"
#include "sql/sql.h"

namespace xinglin::record {

/// Where a resource lives: patient ordinal << 20 | number within the patient. Dense; never leaves the program.
using Rid = std::int64_t;
/// Position in the feed: 1, 2, 3 … one per version.
using Position = std::int64_t;

/// One version of a resource.
struct Version {
    const fhir::Type* type = nullptr;
    std::string id;
    std::int64_t version = 0;  // 1, 2, …
    std::int64_t updated_ms = 0;
    Position position = 0;
    bool deleted = false;
    bool created = false;  // this version came into being by create (POST), or is the first: history's method
    std::string body;      // JSON with meta.versionId and meta.lastUpdated; "" when deleted
};

/// One version as it lies in the record: what another store needs in order to hold the same history.
struct Change {
    Position position = 0;
    const fhir::Type* type = nullptr;
    std::string id;
    std::int64_t version = 0, updated_ms = 0;
    bool deleted = false, created = false;
    std::string text;  // JSON without meta.versionId and meta.lastUpdated; "" when deleted
};

/// A resource made ready to be stored, outside the writer: parsed, given its id, entries extracted, body compressed.
class Prepared {
public:
    const fhir::Type& type() const;
    std::string_view id() const;

    struct Inside;
    std::shared_ptr<const Inside> inside;  // shared with the writer until its group is durable
    explicit Prepared(std::shared_ptr<const Inside> made);
};

struct Options {
    std::int64_t cache_bytes = 64ll << 20;       // of the writer; readers take a quarter each
    unsigned readers = 0;                        // 0: four times the cores, 8 at least
    bool bulk = false;                           // import into a store nobody serves: sorted and committed by the million rows
    std::size_t remembered = 150'000;            // names and terms the writer keeps in memory, about 100 bytes each
    std::size_t queue = 4'096;                   // submissions waiting; more are refused as throttled
    std::size_t group_bytes = 4u << 20;          // a group closes at this many body bytes …
    std::size_t group_submissions = 1'024;       // … or this many submissions
    std::size_t fresh_rows = 0;                  // index rows that gather before they are settled; 0: as the store's size asks
    std::optional<std::int16_t> offset_minutes;  // zone of dates without one; kept in the store at its first opening
    std::string store;                // "": record.db in the folder; else a PostgreSQL address, which several processes may share
    search::Terminology terminology;  // what :in, :not-in, :below and :above of codes ask; empty: they are refused
    /// Says a resource again with the security labels its codes ask for (room policy); what it makes lives in the arena. From any
    /// thread, before a resource is stored by prepare(); nothing: stored as it was said.
    std::function<json::Value(const fhir::Type&, json::Value, json::Arena&)> mark;
    /// Tests: wraps the writer's connection, to make it fail on demand.
    std::function<std::unique_ptr<sql::Connection>(std::unique_ptr<sql::Connection>)> wrap_writer;
};

/// What a submission does inside the writer. Nothing is visible to others before the group commits; when `work` refuses,
/// nothing of it is kept.
class Transaction {
public:
    struct State {
        std::int64_t version;
        bool deleted;
        std::int64_t updated_ms;
    };
    /// Of the newest version, pending ones included; nothing when the id was never used.
    std::optional<State> state(const fhir::Type& type, std::string_view id);
    /// Ids of resources that match now (pending ones included), at most `limit`.
    Result<std::vector<std::string>> search(const search::Query& query, std::size_t limit);
    /// The newest version's body, pending ones included.
    std::optional<Version> read(const fhir::Type& type, std::string_view id);
    /// Adds a version and returns it (with body only when asked). `created`: came by POST.
    Version put(const Prepared& prepared, bool created, bool want_body);
    /// Bulk loading: puts unless the newest version has the same content. True when something was added.
    bool put_if_changed(const Prepared& prepared);
    /// Adds a deletion. The resource must exist and not be deleted.
    Version erase(const fhir::Type& type, std::string_view id);
    /// Adds a version as it was elsewhere. Refuses when it is not the next one of the feed and of its resource.
    /// `prepared`: its text; nullptr for a deletion.
    Result<Done> replay(const Change& change, const Prepared* prepared);
    std::int64_t now_ms() const;  // the lastUpdated of what is put

    struct Inside;
    explicit Transaction(Inside& inside) : inside_(inside) {}

private:
    Inside& inside_;
};

using Work = std::function<Result<Done>(Transaction&)>;
using Finished = std::function<void(Result<Done>)>;

/// One step of a search, as `_explain` shows it. Times and entries of a step include those of the steps below it where it
/// drives them.
struct Step {
    int id = 0, parent = -1;  // parent: -1 for none
    std::string kind;         // page, sort, count, intersect, postings, range, reference, chain, has, confirm, include
    std::string words;
    std::string parameter;                  // code of the search parameter, "" for none
    std::optional<std::uint64_t> estimate;  // members, as far as the plan needed to know
    std::uint64_t touched = 0, kept = 0;    // index rows (a block is one) or resources looked at; members found
    double took_ms = 0;
};

/// One page of a search.
struct Found {
    struct Entry {
        Version version;
        bool included = false;  // by _include or _revinclude
    };
    std::vector<Entry> entries;
    std::optional<std::uint64_t> total;  // exact, or absent
    std::string next;                    // continuation for `_page`; "" on the last page
    std::vector<Step> plan;              // with _explain
    Position as_of = 0;
};

struct HistoryRequest {
    const fhir::Type* type = nullptr;   // nullptr: the whole system
    std::string id;                     // "" : the whole type
    std::int64_t since_ms = 0;          // _since
    std::optional<std::int64_t> at_ms;  // _at
    std::uint32_t count = 50;
    std::string page;
};
struct HistoryPage {
    std::vector<Version> versions;  // newest first
    std::optional<std::uint64_t> total;
    std::string next;
};

struct TypeCount {
    const fhir::Type* type;
    std::uint64_t count;  // not deleted
    std::int64_t last_updated_ms;
};

/// What was current at a position, a part of it: resources in storage order. Many readers may each take a part.
struct Slice {
    Position as_of = 0;
    Rid from = INT64_MIN, before = INT64_MAX;
    const std::vector<Rid>* only = nullptr;  // instead of the range: these
};
/// A version of a Slice before its body is unpacked.
struct Sight {
    const fhir::Type* type = nullptr;
    Rid rid = 0;
    std::int64_t version = 0, updated_ms = 0;
    Position position = 0;
    bool deleted = false;
    bool superseded = false;  // there is a newer one by now: index rows say nothing about this one
};

struct EverythingRequest {
    std::string patient_id;
    std::vector<std::string>
        also;  // further Patients of the same person, in an order that stays; those that are gone are passed over
    std::vector<const fhir::Type*> types;  // _type; empty: all
    std::int64_t since_ms = 0;
    std::uint32_t count = 0;  // 0: everything
    std::string page;
    std::optional<calendar::Span> period;  // start/end on clinical dates
};

class Store;

/// Reads on behalf of a viewer, from one consistent snapshot. Cheap to make (takes a pooled connection), not shared
/// between threads.
class Reader {
public:
    Reader(Reader&&) noexcept;
    ~Reader();
    /// not_found when it never was; deleted when it is gone (the Version is then in `gone`, if given).
    Result<Version> read(const fhir::Type& type, std::string_view id, std::optional<Position> as_of = {},
                         Version* gone = nullptr);
    Result<Version> vread(const fhir::Type& type, std::string_view id, std::int64_t version);
    Result<HistoryPage> history(const HistoryRequest& request);
    /// `as_of`: as search would have answered then, other resources that conditions and includes lead to as they were too; refused is a
    /// moment since which too much was written.
    Result<Found> search(const search::Query& query, std::optional<Position> as_of = {});
    Result<std::uint64_t> count(const search::Query& query, std::optional<Position> as_of = {});
    Result<Found> everything(const EverythingRequest& request);
    std::vector<TypeCount> type_counts();
    /// Counts by type within one patient's compartment.
    std::vector<TypeCount> patient_counts(std::string_view patient_id);
    Position position();
    /// Everything in a slice, deleted resources too: `wanted` decides before the body is unpacked; `each` gets it with its version
    /// (of a deleted resource: its id) until it returns false. Holds no snapshot for long, so that an export of hours does not keep
    /// the log from shrinking; versions never change, so it is one state all the same.
    void scan(const Slice& slice, const std::function<bool(const Sight&)>& wanted,
              const std::function<bool(const Sight&, std::string_view body)>& each);
    /// The first resource at or behind a place; nothing behind the last.
    std::optional<Rid> next_rid(Rid from);
    /// Places of resources with a version after `after` up to `upto`, sorted; nothing when there are more than `limit` versions.
    std::optional<std::vector<Rid>> changed(Position after, Position upto, std::size_t limit);
    /// The patient and everything the index now has in the patient's compartment, sorted; empty for a stranger.
    std::vector<Rid> compartment(std::string_view patient_id);
    /// Calls `each` for every current version, in storage order, until it returns false.
    void scan(const fhir::Type* type, const std::function<bool(const Version&)>& each);
    /// As scan, going on from `place`, which is left behind the last version given; over once there are no more.
    struct ScanPlace {
        std::int64_t after = 0;
        bool over = false;
    };
    void scan(const fhir::Type* type, ScanPlace& place, const std::function<bool(const Version&)>& each);

    /// Every version with `after` < position ≤ `upto`, in feed order, until `each` returns false. Throws sql::Broken
    /// (corrupt) at a damaged one.
    void changes(Position after, Position upto, const std::function<bool(const Change&)>& each);
    /// As above, of these types only; the rest is passed over without being unpacked.
    void changes(Position after, Position upto, std::span<const fhir::Type* const> types,
                 const std::function<bool(const Change&)>& each);
    /// The last position written at or before an instant.
    Position position_at(std::int64_t ms);

    // ---- for who makes guards (guard.h) ----
    /// The patients to whom matches of a query belong (of Patient: who match), as ordinals of this store.
    Result<std::vector<std::int64_t>> patients_of(const search::Query& query);
    /// Of Patients by id; those never mentioned are left out.
    std::vector<std::int64_t> ordinals_of(std::span<const std::string> patient_ids);
    /// Whether the viewer may see a resource that is there now, and the name of the rule that says so ("" when none applies).
    struct Decision {
        bool exists = false, permit = false;
        std::string rule;
    };
    Decision decide(const fhir::Type& type, std::string_view id);

    struct Inside;
    explicit Reader(std::unique_ptr<Inside> inside);

private:
    std::unique_ptr<Inside> inside_;
};

struct Figures {
    std::uint64_t resources = 0, versions = 0;
    Position position = 0;
    std::uint64_t groups = 0, writes = 0, reads = 0, searches = 0, refused_busy = 0;
    std::size_t queued = 0;
    std::int64_t data_bytes = 0, wal_bytes = 0;
    double last_commit_ms = 0;
    std::size_t fresh_rows = 0;  // stored and searched, not yet in their tables
    bool broken = false;         // the disk refused; writes are refused until it heals
    std::string broken_why;
};

class Store {
public:
    /// Opens or makes the folder. Refuses with where = the path: in use by another process, not writable, not ours,
    /// newer than this program, corrupt.
    /// With Options::store the record lies in PostgreSQL, and the folder holds only what is this process's own.
    static Result<std::unique_ptr<Store>> open(const std::filesystem::path& folder, const calendar::Clock& clock,
                                               const Options& options = {});
    ~Store();  // finishes what is queued

    Reader reader(const access::Viewer& viewer);

    /// Parses nothing: `resource` must be valid FHIR with resourceType and id. meta.versionId and meta.lastUpdated in it
    /// are dropped. Thread-safe; the expensive half of a write.
    Prepared prepare(const fhir::Type& type, std::string_view id, json::Value resource);
    /// A fresh server-assigned id, time-ordered.
    std::string new_id();

    /// Queues work for the writer. `finished` is called from the writer thread once the group is durable, or at once
    /// (from this thread) with throttled when the queue is full, transient when the store is broken.
    /// `weight`: body bytes it will put, so that groups stay short. `puts`: what it will most likely put, so that a whole group is
    /// looked up at once where a look costs a round trip.
    void submit(Work work, Finished finished, std::size_t weight = 1'024, std::vector<Prepared> puts = {});
    /// As submit, and waits.
    Result<Done> submit_and_wait(Work work, std::size_t weight = 1'024, std::vector<Prepared> puts = {});
    /// Bulk loading: everything in one group, in order, sorted into the indexes; returns when durable (or, with
    /// Options::bulk, taken: close() then says whether the disk has it). A resource whose current version has the same content is left alone and counted.
    struct Loaded {
        std::uint64_t stored = 0, unchanged = 0;
    };
    Result<Loaded> load(std::vector<Prepared> batch);
    /// Commits what a bulk load still holds; refuses when the load broke off. close() does it too.
    Result<Done> settle();

    /// Continues the feed with versions of another store: same positions, numbers and times, indexed as any other. All of
    /// them or none; durable when it returns (with Options::bulk: written). For restoring and copying.
    Result<Done> replay(std::span<const Change> changes);

    Figures figures();
    /// What lies where. Reads every row: seconds for millions, beside everything else.
    struct Storage {
        struct OfType {
            const fhir::Type* type;
            std::uint64_t resources = 0, versions = 0, bytes = 0;  // bytes: of the packed bodies
        };
        struct OfTable {
            std::string name;
            std::uint64_t bytes = 0;  // with its indexes
        };
        std::vector<OfType> types;
        std::vector<OfTable> tables;
    };
    Storage storage();
    std::int16_t offset_minutes() const;
    const std::filesystem::path& folder() const;
    /// False when the record lies in PostgreSQL.
    bool in_files() const;
    /// A consistent copy of the record's files into a folder, while serving.
    void backup_to(const std::filesystem::path& folder);
    /// Checks pages, then that every current version decompresses, parses and has exactly the entries it should. Problems
    /// as sentences; empty when sound. `deep` re-extracts; otherwise structure only.
    std::vector<std::string> verify(bool deep, const std::function<void(std::uint64_t done, std::uint64_t of)>& progress = {});

    struct Inside;
    explicit Store(std::unique_ptr<Inside> inside);

private:
    std::unique_ptr<Inside> inside_;
};

/// The history in a data folder that another process may be serving: read from one snapshot, no lock, nothing written.
class Archive {
public:
    /// Refuses (where: the file) when it cannot be read.
    static Result<std::unique_ptr<Archive>> open(const std::filesystem::path& folder);
    ~Archive();
    Position position();
    Position position_at(std::int64_t ms);
    std::int16_t offset_minutes() const;
    /// As Reader::changes.
    void changes(Position after, Position upto, const std::function<bool(const Change&)>& each);

    struct Inside;
    explicit Archive(std::unique_ptr<Inside> inside);

private:
    std::unique_ptr<Inside> inside_;
};

/// Closes a store and returns when all of it is on stable storage, which after Options::bulk is the only moment when it
/// is. Refuses (where: the file) when the disk does not take it: then nothing of the load may be called stored.
Result<Done> close(std::unique_ptr<Store> store);

}  // namespace xinglin::record
