// SPDX-License-Identifier: Apache-2.0
// Bulk export: what a FHIR Bulk Data $export asks for, and the jobs that write it as NDJSON files.
//
// An export is the record as of one feed position, however long it takes and whatever is written meanwhile. Memory does
// not grow with it. Source: HL7 FHIR Bulk Data Access, STU 2 (v2.0.0), "Export".
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "access/access.h"
#include "bulk/deidentify.h"
#include "calendar/calendar.h"
#include "fhir/fhir.h"
#include "json/json.h"
#include "outcome/outcome.h"
#include "record/record.h"
#include "search/search.h"

namespace xinglin::bulk {

enum class Level : std::uint8_t { system, patient, group };
std::string_view text(Level level);
using Parameters = std::vector<std::pair<std::string, std::string>>;

/// What is asked for.
struct Order {
    struct Filter {
        const fhir::Type* type;
        std::string written;  // "Observation?status=final"
        std::vector<search::Criterion> all;
    };
    Level level = Level::system;
    std::string group;                     // id of the Group
    std::vector<const fhir::Type*> types;  // empty: all that the level has
    std::vector<std::string> patients;     // ids; empty: all
    std::optional<std::int64_t> since_ms, until_ms;
    std::vector<Filter> filters;                                      // a type with filters must match one of its own
    std::vector<std::pair<const fhir::Type*, std::string>> elements;  // of a type, or (nullptr) of all; a type without any: all
    bool packed = true;                                               // gzip files
    std::string release;                                              // what a release is for (release.h); "": none
    Parameters written;                                               // from which it can be read again

    bool wants(const fhir::Type& type) const;
};
/// `_outputFormat _since _until _type _typeFilter _elements patient _compress` (our own: gzip or none) `_release` (our own). Refuses what it does not know
/// or cannot do, naming the parameter, unless `lenient`. A type of a patient or group export must be in the patient compartment.
Result<Order> read_order(Level level, std::string_view group, const Parameters& parameters, bool lenient,
                         std::int16_t offset_minutes, std::int64_t now_ms);
/// May the viewer have it? People must be administrators, systems need the scope of every type; without `_type` they get what
/// their scope includes.
Result<Done> admit(Order& order, const access::Viewer& viewer);
/// "A?x=1,2,B?y=3": a comma begins a new filter only when a type and a question mark follow.
std::vector<std::string> split_filters(std::string_view text);
/// The same parameters out of a Parameters resource.
Result<Parameters> parameters_of(json::Value resource);

/// One NDJSON file: resources of a type, or (`deletions`) transaction Bundles with what was deleted since `_since`.
struct File {
    std::string name, type;
    bool deletions = false;
    std::uint64_t count = 0, bytes = 0, plain_bytes = 0;  // bytes: on the disk
};

/// Shared with whoever watches; all may be read and `cancelled` set from any thread.
struct Progress {
    std::atomic<std::uint64_t> seen{0}, written{0}, bytes{0};  // resources looked at, resources written, bytes on the disk
    std::atomic<std::uint64_t> left_out{0};                    // by the rules of de-identification
    std::atomic<bool> cancelled{false};
};
class Release;  // release.h
struct Job;
struct RunOptions {
    unsigned threads = 2;
    bool first_plain = false;                    // "Patient.ndjson", then "Patient.2.ndjson"
    const Deidentifier* deidentifier = nullptr;  // what every resource goes through
    const Release* release = nullptr;            // with it: who is told how
    std::function<Result<std::shared_ptr<const Release>>(const Job&, const Order&, Progress&)>
        make_release;                               // of a job that is one
    std::uint64_t checkpoint_bytes = 512ull << 20;  // written between two places from which it can go on after a stop
    std::uint64_t part_resources = 2'000'000;       // of one file
    std::uint64_t disk_reserve_bytes = 256u << 20;  // left free for the record itself
    /// Tests: stands in for write(2).
    std::function<long(int descriptor, const char* bytes, std::size_t size)> write;
};
/// Writes the files of an order into an existing folder, durable when it returns; stops soon when cancelled. Goes on where an earlier
/// call for the same order and position stopped in that folder, however it stopped. Throws sql::Broken (full) with the remedy when
/// the disk is.
std::vector<File> write_files(record::Store& store, const Order& order, record::Position as_of,
                              const std::filesystem::path& folder, const RunOptions& options, Progress& progress);

/// An export that stopped in a folder: what it was, so that it can be asked for again.
struct Unfinished {
    Level level = Level::system;
    std::string group;
    Parameters parameters;
    record::Position position = 0;
    std::uint64_t written = 0;  // resources that lie there already
};
std::optional<Unfinished> find_unfinished(const std::filesystem::path& folder);

/// The state an export begun now would be of. Refuses an unknown Group or patient.
struct Moment {
    record::Position position = 0;
    std::int64_t transaction_ms = 0;  // everything written before this instant is in it
};
Result<Moment> moment_of(record::Reader& reader, const Order& order, std::int64_t now_ms);

/// One $export on its way or done.
struct Job {
    enum class State : std::uint8_t { waiting, running, done, failed, cancelled, asked };  // asked: nobody approved it yet
    std::string id, by, request;  // account that asked; URL of the kick-off
    std::string approved_by;      // account; "" where nobody must
    State state = State::waiting;
    Level level = Level::system;
    std::string group;
    Parameters parameters;
    record::Position position = 0;
    std::int64_t transaction_ms = 0;                                        // everything written before this instant is in it
    std::uint64_t resources = 0, resources_total = 0, seen = 0, bytes = 0;  // total: the most that can come
    std::vector<File> files;
    std::int64_t created_ms = 0, started_ms = 0, finished_ms = 0;  // 0: not yet
    std::string error;

    double per_second(std::int64_t now_ms) const;
    bool is_over() const { return state != State::waiting && state != State::running && state != State::asked; }
    std::string_view release() const;  // what it is for; "": no release
};
std::string_view text(Job::State state);
/// As the web pages read it; `base` ("https://host/fhir") is put before the addresses of files.
std::string json_of(const Job& job, std::string_view base, std::int64_t now_ms, bool with_outputs);
/// The manifest of a job that is done.
std::string manifest_of(const Job& job, std::string_view base);
constexpr std::int64_t kept_ms = 7 * 86'400'000ll;  // after which a finished job and its files are removed

/// The jobs of a store, in DATA/exports/ID, one running at a time. A job is durable when `add` returns; one that a stop interrupted
/// goes on at the next start, as of the same position. Safe from any thread.
class Exports {
public:
    static constexpr std::size_t waiting_most = 20;
    /// `changed` is told of progress, a few times a second, from the exports' thread.
    Exports(record::Store& store, const calendar::Clock& clock, RunOptions options = {},
            std::function<void(const Job&)> changed = {});
    ~Exports();
    /// Interrupts what runs (it begins again at the next start) and takes no more. Safe to call twice.
    void close();

    /// Refuses an unknown Group or patient, and when too many wait. Throws sql::Broken when the disk refuses. A release waits for
    /// somebody's approval.
    Result<std::string> add(const Order& order, std::string_view by, std::string_view request);
    /// Refuses who asked for it: four eyes; conflict when it does not wait for that.
    Result<Done> approve(std::string_view id, std::string_view by);
    std::vector<Job> list() const;  // newest first
    std::optional<Job> find(std::string_view id) const;
    /// conflict when it is over already.
    Result<Done> cancel(std::string_view id);
    /// Cancels what runs and forgets the job with its files.
    Result<Done> remove(std::string_view id);
    /// Where a file of a job lies, which may be gone.
    std::filesystem::path path_of(const Job& job, const File& file) const;

private:
    struct Kept;
    void load();
    void work();
    void run(const std::shared_ptr<Kept>& kept);
    void finish(Kept& kept, Job::State state, std::string error, std::vector<File> files);
    void drop_old();
    void save(const Job& job) const;
    std::shared_ptr<Kept> kept(std::string_view id) const;  // mutex_ held
    Job seen(const Kept& kept) const;                       // mutex_ held

    record::Store& store_;
    const calendar::Clock& clock_;
    const RunOptions options_;
    const std::function<void(const Job&)> changed_;
    const std::filesystem::path folder_;
    mutable std::mutex mutex_;  // guards what follows
    std::condition_variable wakes_;
    std::deque<std::shared_ptr<Kept>> jobs_;  // oldest first; shared with the one that runs
    bool ending_ = false;
    std::thread thread_;
};

}  // namespace xinglin::bulk
