// SPDX-License-Identifier: Apache-2.0
// Inside the room: the tables, and the statements that write and read them. One object, one connection, one thread at a time.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "intake/intake.h"
#include "sql/sealed_values.h"
#include "sql/sql.h"

namespace xinglin::intake {

/// The first half of SHA-256 of (source, essence of the message): the same again is a duplicate.
struct Print {
    std::int64_t first = 0, second = 0;
    bool operator==(const Print&) const = default;
};
Print print_of(std::string_view source, std::string_view essence);
/// Names a patient of a source without telling who; 0 for none.
std::int64_t patient_key(std::string_view source, std::string_view patient);
/// What stands behind '#' in meta.source of a message without a number of its own.
std::string made_control_id(const Print& print);

constexpr std::int64_t hour_ms = 3'600'000, day_ms = 24 * hour_ms;

/// When a message was sent, as far as its sender's clock is believed: one that is more than an hour ahead of ours says nothing,
/// or its messages would be the newest of their patients for years.
inline std::int64_t believed(std::int64_t sent_ms, std::int64_t received_ms) {
    return sent_ms > received_ms + hour_ms ? received_ms : sent_ms;
}

/// A row about to be written.
struct Entry {
    Number number = 0, of = 0;
    std::string source;
    message::Facts facts;
    Print print;
    State state = State::waiting;
    std::int64_t received_ms = 0, sent_ms = 0, bytes = 0;
    std::string where, reason;
    std::string packed;  // raw, compressed; "" for none
    std::string file;
    std::int64_t item = 0;
};

/// A waiting message as it is taken up again.
struct Waiting {
    Number number = 0;
    std::string source;
    Print print;
    std::int64_t received_ms = 0, sent_ms = 0;
    std::string control_id;
    State state = State::waiting;
};

/// Counts by hour since 1970, in order; hours without messages are not there.
using Hours = std::vector<std::pair<std::int64_t, Counts>>;

/// What a raw message is sealed about.
std::string about_raw(Number number);
std::string pack(std::string_view bytes);
/// Throws sql::Broken (corrupt) when it is no packed text.
std::string unpack(std::string_view packed, std::int64_t bytes);
/// FHIR dateTime to milliseconds; 0 when there is none.
std::int64_t instant_of(std::string_view moment, std::int16_t offset_minutes);
/// "row 12, column 出生日期" → "column 出生日期": what rows have in common.
std::string spot_of(std::string_view where);
inline std::int64_t hour_of(std::int64_t ms) { return ms / hour_ms; }

class Ledger {
public:
    Ledger(std::unique_ptr<sql::Connection> connection, std::shared_ptr<sql::Values> values)
        : connection_(std::move(connection)), values_(std::move(values)) {}
    static void migrate(sql::Connection& connection);
    sql::Connection& connection() { return *connection_; }

    // Within a write transaction
    Number newest();
    /// The first message with each print, by index; 0 for a new one.
    std::vector<Number> known(const std::vector<Print>& prints);
    void add(const Entry& entry);
    /// `first` and `last`: numbers of the messages concerned.
    void add_hour(const std::string& source, std::int64_t hour, const Counts& delta, Number first, Number last);
    /// Settles a waiting one, or reopens one: counts what it was down and what it is up.
    void change(const Line& before, State state, std::int64_t at_ms, const std::string& where, const std::string& reason,
                const std::string& versions);
    /// The same without counting: returns what is to be added to the hour it was received in.
    [[nodiscard]] Counts turn(const Line& before, State state, std::int64_t at_ms, const std::string& where,
                              const std::string& reason, const std::string& versions);
    /// As the table has them now; nothing for a number that isn't there.
    std::map<Number, State> states(const std::vector<Number>& numbers);
    void learn(Number number, const message::Facts& facts, std::int64_t sent_ms, std::int64_t patient);
    void note(Number number, std::int64_t at_ms, const std::string& what, const std::string& detail);
    void file_at(const std::string& source, const std::string& file, std::int64_t items, bool done);
    void save(const Source& source);
    void remove(const std::string& source);

    // Reading
    std::vector<Waiting> waiting(Number after, std::size_t count);
    std::vector<Waiting> received(const std::string& source, std::int64_t from_ms, std::int64_t to_ms, Number after,
                                  std::size_t count);
    std::optional<Line> line(Number number);
    /// Unpacked; follows a duplicate to the first.
    std::optional<std::string> raw(Number number);
    Page find(const Wanted& wanted);
    std::vector<Event> events(Number number);
    std::vector<ErrorGroup> errors(const std::string& source);
    std::vector<Number> rejected(const std::string& source, const std::string& spot, const std::string& reason);
    std::vector<std::pair<std::string, Counts>> totals(std::int64_t from_hour, std::int64_t to_hour);
    Hours hours(const std::string& source, std::int64_t from_hour, std::int64_t to_hour);
    /// Of every source that has any.
    std::map<std::string, Hours> hours_of_all(std::int64_t from_hour, std::int64_t to_hour);
    /// How many each source sent since; 0 is left out.
    std::map<std::string, std::int64_t> received_since(std::int64_t from_ms);
    /// By state, counted in the lines themselves.
    std::map<std::string, std::array<std::int64_t, 5>> counted(std::int64_t from_ms, std::int64_t to_ms,
                                                               const std::string& source);
    std::int64_t last_received(const std::string& source);
    std::vector<Source> sources(const Source& base);
    FileState file(const std::string& source, const std::string& file);
    /// When the stored message with this control id was sent (as `believed`), and its number; number 0 when there is none.
    std::pair<std::int64_t, Number> writer_of(const std::string& source, const std::string& control_id);
    std::optional<Times> first_with(const std::string& source, const std::string& control_id);
    std::int64_t newest_sent(std::int64_t patient, Number before);
    /// Takes the raw text of settled messages away that are older than this, some at a time. Returns how many it looked at.
    std::int64_t sweep(const std::string& source, std::int64_t before_ms, std::size_t count);

private:
    std::unique_ptr<sql::Connection> connection_;
    std::shared_ptr<sql::Values> values_;
    /// Numbers of lines received in an interval lie within these.
    std::pair<Number, Number> numbers_between(std::int64_t from_ms, std::int64_t to_ms, const std::string& source);
};

}  // namespace xinglin::intake
