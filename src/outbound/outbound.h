// SPDX-License-Identifier: Apache-2.0
// What goes out: channels follow the feed, queue deliveries on disk, send them until they are acknowledged, and keep the account.
//
// Tables outbound_* in DATA/outbound.db or in the PostgreSQL database of the record. Every channel is sent by a thread of its
// own, so that a slow or dead receiver holds nobody up. Safe from any thread. README.md tells what becomes of a delivery.
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
#include "hl7v2/hl7v2.h"
#include "outbound/channel.h"
#include "outcome/outcome.h"
#include "record/record.h"
#include "sql/sql.h"

namespace xinglin::outbound {

/// A delivery's number, from 1; its control id is made of it.
using Number = std::int64_t;

/// waiting: to be sent (again) · sent: lies in a folder, no receipt yet · acknowledged · refused: waits for a person · ignored by one.
enum class State : std::uint8_t { waiting, sent, acknowledged, refused, ignored };
std::string_view text(State state);
std::optional<State> parse_state(std::string_view text);

/// One message, request or file.
struct Delivery {
    Number number = 0;
    std::string channel, control_id;
    State state = State::waiting;
    std::int64_t items = 0;
    std::int64_t created_ms = 0, due_ms = 0, sent_ms = 0, settled_ms = 0;  // 0: not yet
    std::int64_t attempts = 0, bytes = 0;
    std::string where, reason;  // of the last failure
    std::string receipt;        // what the receiver said: "200 …", "MSA|AA|…"
    std::string file;           // in a folder
};
/// One version of a resource within it.
struct Item {
    record::Position position = 0;
    std::string type, id;
    std::int64_t version = 0;
    bool deleted = false;
};
struct Event {
    std::int64_t at_ms = 0;
    std::string who, what, detail;
};
struct Payload {
    std::string content_type, bytes;
};

struct Counts {  // of resources' versions
    std::int64_t waiting = 0, sent = 0, acknowledged = 0, refused = 0, ignored = 0, withheld = 0;
    std::int64_t all() const { return waiting + sent + acknowledged + refused + ignored + withheld; }
};

struct Health {
    std::string id;
    std::string state;  // ok sending late unreachable refusing paused off
    std::string why;    // in English; "" when well
    Counts total;
    std::int64_t deliveries_waiting = 0, deliveries_refused = 0;
    std::int64_t last_acknowledged_ms = 0, oldest_waiting_ms = 0, next_try_ms = 0;
    record::Position position = 0, behind = 0;  // of the feed
};

struct Wanted {
    std::string channel;
    std::optional<State> state;
    Number before = 0;  // page
    std::size_t count = 50;
};
struct Page {
    std::vector<Delivery> deliveries;
    Number next = 0;  // 0: no more
};

/// One resource's version that is not acknowledged.
struct Open {
    Item item;
    Number delivery = 0;        // 0: not in one yet
    std::string state, reason;  // waiting sent refused ignored withheld missing
};
/// A channel's day: what the record has for it, and what became of that.
struct Reconciliation {
    std::int64_t day = 0;           // days since 1970, in the channel's zone
    std::int64_t have = 0;          // versions of that day that match the filter, counted in the record itself
    bool counted_in_record = true;  // false: too many, or the filter has changed since: as queued
    Counts counts;                  // as queued
    std::int64_t missing = 0;       // in the record and not queued
    std::vector<Open> difference;   // everything not acknowledged, at most most_listed
    bool difference_is_cut = false;
    bool balanced = false;  // have = what was queued, nothing missing
};
constexpr std::size_t most_listed = 10'000;

struct Trial {
    bool matches = false;
    std::string why;  // it does not go out
    std::optional<Payload> payload;
    std::optional<bool> reachable;
    std::string connection;  // why not
};

struct Options {
    std::filesystem::path data;  // outbound.db, outbox/, secrets/
    std::string store;           // PostgreSQL instead of outbound.db
    std::size_t channels = 64;
    std::size_t step = 500;                 // changes of the feed read at once
    const hl7v2::Tables* tables = nullptr;  // outlives the room
    /// A channel fell ill or is well again. From one of the room's threads.
    std::function<void(const Health& health, std::string_view before)> alarm;
    bool runs = true;  // tests: false, and nothing happens by itself
    /// Tests: wraps the writer's connection, to make it fail on demand.
    std::function<std::unique_ptr<sql::Connection>(std::unique_ptr<sql::Connection>)> wrap;
};

class Outbound {
public:
    /// Opens the queues and takes up what waits. Throws sql::Broken. Refuses content that is wrong.
    static Result<std::unique_ptr<Outbound>> open(Options options, record::Store& store, const calendar::Clock& clock,
                                                  const content::Files& content);
    ~Outbound();
    void close();  // ends after what is being sent, or breaks it off

    // Channels
    std::vector<Channel> channels() const;
    std::optional<Channel> channel(std::string_view id) const;
    /// Adds one or changes it. `who` stands in its history.
    Result<Done> save(Channel channel, bool is_new, const std::string& who);
    /// Refuses while deliveries wait or are refused. What was sent stays in the account.
    Result<Done> remove(const std::string& id, const std::string& who);
    Result<Done> set_mode(const std::string& id, Mode mode, const std::string& who);
    std::vector<Health> health(const std::string& only = {});
    /// What would be sent of one resource; `connects`: also whether the receiver can be reached. Nothing is sent.
    Result<Trial> try_out(const Channel& channel, std::string_view type, std::string_view id, bool connects);

    // Deliveries
    Page find(const Wanted& wanted);
    std::optional<Delivery> delivery(Number number);
    std::vector<Item> items(Number number, std::size_t most = 1'000);
    std::vector<Event> events(Number number);
    /// As it was sent; nothing before the first attempt, and once its time of keeping is over.
    std::optional<Payload> payload(Number number);
    /// Refused ones are sent again, without what the receiver has later versions of.
    Result<Done> retry(Number number, const std::string& who);
    Result<std::int64_t> retry_all(const std::string& channel, const std::string& who);
    Result<Done> ignore(Number number, const std::string& reason, const std::string& who);

    /// `day`: days since 1970 in the channel's zone.
    Result<Reconciliation> reconcile(const std::string& channel, std::int64_t day);

    /// Takes bytes away whose time of keeping is over; happens by itself every hour.
    void sweep();
    /// Tests: reads the feed to its end, cuts what is due. True when nothing is left to be sent now.
    void follow();
    /// Waits until nothing can be sent now; false after `seconds`.
    bool settle(int seconds);
    std::string trouble() const;

    struct Inside;

private:
    explicit Outbound(std::unique_ptr<Inside> inside);
    std::unique_ptr<Inside> inside_;
};

/// "2026-11-22" in the channel's zone, and the lines of its difference, as CSV for an institution.
std::string csv_of(const Channel& channel, const Reconciliation& day);

}  // namespace xinglin::outbound
