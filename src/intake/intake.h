// SPDX-License-Identifier: Apache-2.0
// The ledger of what comes in: every message is received (raw kept, on disk before its sender is told), converted, and stored,
// or kept in its source's error queue. Received = stored + rejected + duplicate + ignored + waiting, always.
//
// Tables intake_* in DATA/intake.db or in the PostgreSQL database of the record. Formats are pure functions handed in by the
// server. Safe from any thread. What becomes of a message, and why, is told in README.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "calendar/calendar.h"
#include "content/content.h"
#include "ingest/ready.h"
#include "intake/source.h"
#include "message/message.h"
#include "outcome/outcome.h"
#include "record/record.h"
#include "sql/sql.h"

namespace xinglin::intake {

/// A message's number: order of arrival in the whole ledger, from 1.
using Number = std::int64_t;

enum class State : std::uint8_t { waiting, stored, rejected, duplicate, ignored };
std::string_view text(State state);
std::optional<State> parse_state(std::string_view text);

/// One message of a file that holds many. `raw` is again something `Format::convert` reads.
struct Item {
    std::string where;  // "row 12"
    std::string raw;
    std::string refusal;  // why it cannot be read; "" when it can
};

/// How a format is read. Pure functions, called from many threads at once.
struct Format {
    std::string name;  // "hl7v2"; of "csv:visits" the part before the colon
    /// What the message says of itself, without converting it; "" where it doesn't say. A refusal: it is no message of this
    /// format. Without this function it is known after conversion.
    std::function<Result<message::Facts>(std::string_view bytes)> glance;
    /// The bytes that make a message the same as another, apart from when it was sent; none: all of them.
    std::function<std::string(std::string_view bytes)> essence;
    /// `variant` is what stands behind the colon.
    std::function<Result<message::Converted>(std::string_view bytes, const Source& source, std::string_view variant)> convert;
    /// Of a file: every message in it, in order, until `each` returns false. Without this function a file is one message.
    std::function<Result<Done>(const std::filesystem::path& file, const Source& source, std::string_view variant,
                               const std::function<bool(Item item)>& each)>
        split;
    /// The message taken apart for people: a JSON array of segments, and the encoding it was in.
    std::function<std::string(std::string_view bytes, const Source& source, std::string& encoding)> explain;
};

/// The format "fhir": Bundles of any type, or one resource, as JSON or XML.
Format fhir_format();

/// How a message was settled.
struct Settled {
    Number number = 0;
    State state = State::stored;
    std::string where, reason;  // of a rejection
};

/// Something that came.
struct Arrival {
    std::string source;  // its id; "": found by application and facility among the sources of `format`
    std::string format;  // only when source is ""
    std::string bytes;
    std::string file;            // of a file taken from a folder: its key
    std::int64_t item = 0;       // number of the message in it, from 1
    Number instead_of = 0;       // an edited message: the one it takes the place of
    std::string where, refusal;  // known to be unreadable: it is kept, rejected
    /// Called once it is stored or rejected, from any thread; not after a restart.
    std::function<void(const Settled&)> settled;
};

/// It is on disk.
struct Receipt {
    Number number = 0;
    State state = State::waiting;
    Number of = 0;              // of a duplicate: the first
    std::string source;         // its id; "unknown" when nobody is known by what the message says
    message::Facts facts;       // as far as known
    std::string where, reason;  // of a rejection
};
using Taken = std::function<void(Result<Receipt>)>;

/// One line of the ledger.
struct Line {
    Number number = 0, of = 0;
    std::string source, kind, control_id;
    State state = State::waiting;
    std::int64_t received_ms = 0, sent_ms = 0, settled_ms = 0;  // 0: unknown, not yet
    std::int64_t bytes = 0;
    std::string where, reason, versions;
};

/// What happened to a message by hand.
struct Event {
    std::int64_t at_ms = 0;
    std::string what, detail;
};

struct Counts {
    std::int64_t received = 0, stored = 0, rejected = 0, duplicate = 0, ignored = 0;
    std::int64_t waiting() const { return received - stored - rejected - duplicate - ignored; }
    Counts& operator+=(const Counts& other);
};

struct Health {
    std::string id;
    std::string state;  // ok late silent failing paused
    std::string why;    // of any but ok and paused, in English
    std::int64_t last_ms = 0;
    Counts total, today;
    double p50_ms = 0, p99_ms = 0;        // received to settled, of the last thousand
    std::optional<double> expected_hour;  // of the present hour
    std::int64_t this_hour = 0;
    std::int64_t clock_ms = 0;  // sent minus received, the median of the last hundred
    bool clock_wrong = false;
};

/// When a message came.
struct Times {
    Number number = 0;
    std::int64_t received_ms = 0, sent_ms = 0;  // sent: by the sender's clock; 0 not said
};

struct HourLine {
    std::int64_t at_ms = 0;
    Counts counts;
    std::optional<double> expected;
};

/// All sources at one look: what a wall shows of them.
struct Overview {
    std::vector<Health> sources;                      // as `health` says
    std::map<std::string, std::int64_t> last_minute;  // received, by source; none for a source that sent nothing
    std::vector<HourLine> hours;                      // all sources added up; every hour, oldest first
    std::optional<double> p99_ms;                     // received to settled, of the last ten thousand of all sources together
};

struct DayLine {
    std::string source;
    Counts counts;             // as counted when it happened
    std::int64_t waiting = 0;  // counted now, in the lines themselves
    bool balanced = false;     // received = the others, and all of them as the lines themselves say
};

struct ErrorGroup {
    std::string source, where, reason;
    std::int64_t count = 0, first_ms = 0, last_ms = 0;
    Number example = 0;
};

/// How far a file has come.
struct FileState {
    std::int64_t items = 0;  // on disk
    bool done = false;
};

struct Wanted {  // which lines
    std::string source, kind, text, control_id, patient;
    std::optional<State> state;
    std::int64_t from_ms = 0, to_ms = 0;  // 0: open
    Number before = 0;                    // page
    std::size_t count = 50;
};
struct Page {
    std::vector<Line> lines;
    Number next = 0;  // 0: no more
    std::int64_t total = 0;
    bool total_is_least = false;
};

/// A converted message on its way into the record: what it tells of institutions and staff is joined to what is known of them. Gives the
/// Bundle to store; may add to `lesser` (message.h). Called from many threads.
using Join = std::function<json::Value(const Source& source, const message::Facts& facts, json::Value bundle, json::Arena& arena,
                                       std::vector<std::string>& lesser)>;

struct Options {
    std::filesystem::path data;   // intake.db, inbox/
    std::string store;            // PostgreSQL instead of intake.db
    unsigned threads = 0;         // that convert; 0: by the cores
    std::size_t queue = 20'000;   // arrivals not yet on disk; more are refused as throttled
    std::size_t in_flight = 512;  // messages given to the record and not answered
    std::size_t window = 20'000;  // waiting messages held in memory; the others wait in the table
    std::size_t window_bytes = 64u << 20;
    /// A source fell silent, late or failing, or is well again. From the room's own thread.
    std::function<void(const Health& health, std::string_view before)> alarm;
    Join join;  // none: stored as converted
    /// Tests: wraps the writer's connection, to make it fail on demand.
    std::function<std::unique_ptr<sql::Connection>(std::unique_ptr<sql::Connection>)> wrap;
};

class Intake {
public:
    /// Opens the ledger and takes up what waits. Throws sql::Broken. `content`: intake/sources.json.
    static Result<std::unique_ptr<Intake>> open(Options options, record::Store& store, ingest::Transactions& ingest,
                                                const calendar::Clock& clock, const content::Files& content,
                                                std::vector<Format> formats);
    ~Intake();

    /// Takes a message; `taken` is called once it is on disk, from the writer's thread, or at once from the caller's when
    /// refused: throttled, transient (paused, disk), too_costly, not_found. Cheap: may be called from an I/O thread.
    void receive(Arrival arrival, Taken taken);
    Result<Receipt> receive_and_wait(Arrival arrival);
    /// How many arrivals are not on disk yet.
    std::size_t queued() const;
    /// Takes nothing more; ends after what is queued.
    void close();

    // Sources
    std::vector<Source> sources() const;
    std::optional<Source> source(std::string_view id) const;
    /// What a new source begins with.
    Source new_source() const;
    /// Adds one or changes it. Refuses by field.
    Result<Done> save_source(const Source& source, bool is_new);
    /// Refuses while messages of it wait or are rejected; its lines stay in the ledger.
    Result<Done> remove_source(const std::string& id);
    std::vector<Health> health(const std::string& only = {});
    std::vector<HourLine> hours(const std::string& source, int days);
    /// All sources together, hours of so many days, with a handful of queries however many sources there are.
    Overview overview(int days);
    /// What was received from `from_ms` up to before `to_ms`, in whole hours, by source.
    std::vector<std::pair<std::string, Counts>> received(std::int64_t from_ms, std::int64_t to_ms);
    /// The first message of a source with this control id that was not refused; nothing when there is none.
    std::optional<Times> times(const std::string& source, const std::string& control_id);

    // Files of watched folders
    const Format* format(std::string_view name) const;
    FileState file(const std::string& source, const std::string& key);
    void finish_file(const std::string& source, const std::string& key);

    // Messages
    Page find(const Wanted& wanted);
    std::optional<Line> line(Number number);
    /// As it came; of a duplicate that of the first. Nothing when its time of keeping is over.
    std::optional<std::string> raw(Number number);
    std::vector<Event> events(Number number);
    /// Converts again what was received, without storing: for the page of a message.
    Result<message::Converted> convert_again(Number number);
    std::string explain(Number number, std::string& encoding);

    // The error queue. `who` goes into the message's history.
    Result<Done> retry(Number number, const std::string& who);
    Result<Done> ignore(Number number, const std::string& reason, const std::string& who);
    /// An edited text in place of a rejected message, which becomes ignored and names the new one.
    Result<Receipt> resubmit(Number number, std::string bytes, const std::string& reason, const std::string& who);
    std::vector<ErrorGroup> errors(const std::string& source);
    Result<std::int64_t> retry_all(const std::string& source, const std::string& where, const std::string& reason,
                                   const std::string& who);

    // The ledger
    /// `day`: days since 1970, in the ledger's own zone.
    std::vector<DayLine> day(std::int64_t day, const std::string& source = {});
    /// Stores again, in order, what was received from `from_ms` up to before `to_ms`. What the record has from a later message
    /// stays. Returns how many were given to it (`into`: stored in that other record, as a rule an empty one).
    Result<std::int64_t> replay(const std::string& source, std::int64_t from_ms, std::int64_t to_ms,
                                ingest::Transactions* into = nullptr);

    /// Takes raw messages away whose time of keeping is over; happens by itself every hour.
    void sweep();
    /// Waits until nothing is under way; false after `seconds`. For tests and for a clean end.
    bool settle(int seconds);
    /// What keeps it from writing right now, "" when nothing does.
    std::string trouble() const;

    struct Inside;

private:
    explicit Intake(std::unique_ptr<Inside> inside);
    std::unique_ptr<Inside> inside_;
};

/// The ledger of a day, from the tables alone: also while a server runs. `place`: intake.db or a PostgreSQL address.
std::vector<DayLine> ledger_of(const std::string& place, std::int64_t offset_minutes, std::int64_t day,
                               const std::string& source = {});

}  // namespace xinglin::intake
