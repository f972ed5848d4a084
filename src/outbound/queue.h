// SPDX-License-Identifier: Apache-2.0
// Inside the room: the tables, and the statements that write and read them. One object, one connection, one thread at a time.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "outbound/outbound.h"
#include "sql/sealed_values.h"
#include "sql/sql.h"

namespace xinglin::outbound {

constexpr std::int64_t day_ms = 86'400'000;
std::int64_t day_of(std::int64_t ms, std::int64_t offset_minutes);

/// How a channel stands in its table.
struct Kept {
    Channel channel;
    record::Position position = 0;      // of the feed, read up to here
    record::Position since = 0;         // where it began
    record::Position filter_since = 0;  // changes behind this one were judged by the present filter
    std::int64_t cut_ms = 0;            // when a delivery was last closed
};

/// How far a channel has come.
struct Place {
    std::string channel;
    record::Position position = 0, since = 0, filter_since = 0;
    std::int64_t cut_ms = 0;
};

/// A version that goes out, or is held back.
struct Matched {
    Item item;
    std::int64_t lane = 0, day = 0, updated_ms = 0;
    std::string withheld;  // why it is held back; "": it goes out
};

/// A delivery about to be sent.
struct Due {
    Delivery delivery;
    std::int64_t lane = 0, first_ms = 0;
    bool has_payload = false;
};

class Queue {
public:
    Queue(std::unique_ptr<sql::Connection> connection, std::shared_ptr<sql::Values> values)
        : connection_(std::move(connection)), values_(std::move(values)) {}
    static void migrate(sql::Connection& connection);
    sql::Connection& connection() { return *connection_; }

    /// Tells this store's control ids from another's: five letters and digits. Made by the first call.
    std::string mark(std::string_view fresh);
    // Channels
    std::vector<Kept> channels(const Channel& base);
    std::vector<Place> places();
    void save(const Kept& kept);
    /// Moves a channel on from where it is thought to be; false when it is not there any more (another process moved it).
    bool advance(const std::string& channel, record::Position from, record::Position to);
    void remove(const std::string& channel);
    // Items
    void add(const std::string& channel, const Matched& matched);
    /// The lane of what went out of a resource; 0 when nothing did.
    std::int64_t lane_of_sent(const std::string& channel, std::string_view type, std::string_view id);
    /// Closes deliveries of what is in none. Returns how many.
    std::int64_t cut(const Channel& channel, std::int64_t now_ms, const std::string& mark);
    /// Of what is in no delivery: when it was queued first, and how many; 0, 0 for nothing.
    std::pair<std::int64_t, std::int64_t> uncut(const std::string& channel);
    std::vector<Item> items(Number number, std::size_t most);
    /// The versions of a delivery that the receiver acknowledged later ones of.
    std::vector<record::Position> outdated(const std::string& channel, Number number);
    // Deliveries
    std::vector<Due> due(const std::string& channel, std::int64_t now_ms, std::size_t most);
    void hurry(const std::string& channel, std::int64_t now_ms);                              // what waits is due now
    std::vector<Delivery> lying(const std::string& channel, Number after, std::size_t most);  // state sent
    void settle(const Delivery& delivery, std::int64_t first_ms);
    void keep_payload(Number number, const Payload& payload);
    void drop_payload(Number number);
    std::optional<Payload> payload(Number number);
    std::optional<Delivery> delivery(Number number);
    Page find(const Wanted& wanted);
    std::vector<Number> refused(const std::string& channel, Number after, std::size_t most);
    void note(Number number, const std::string& channel, const Event& event);
    std::vector<Event> events(Number number);
    std::int64_t sweep(const std::string& channel, std::int64_t before_ms, std::size_t most);
    // The account
    Counts counts(const std::string& channel, std::optional<std::int64_t> day, record::Position after = 0);
    std::vector<Open> difference(const std::string& channel, std::int64_t day, std::size_t most);
    /// Positions of a day's versions, sorted.
    std::vector<record::Position> positions(const std::string& channel, std::int64_t day, record::Position after);
    struct Standing {
        std::int64_t waiting = 0, refused = 0, oldest_waiting_ms = 0, oldest_sent_ms = 0, last_acknowledged_ms = 0;
    };
    Standing standing(const std::string& channel);

private:
    std::unique_ptr<sql::Connection> connection_;
    std::shared_ptr<sql::Values> values_;
    Delivery read(sql::Statement& query) const;
};

/// What no text column may hold, left out; cut at so many bytes.
std::string tidy(std::string_view text, std::size_t most);
/// What a payload is sealed about.
std::string about_payload(Number number);
std::string pack(std::string_view bytes);
std::string unpack(std::string_view packed, std::int64_t bytes);

/// A queue lent to one thread at a time; its connection is made anew after it broke.
class Desk {
public:
    using Open = std::function<std::unique_ptr<Queue>()>;
    explicit Desk(Open open) : open_(std::move(open)) {}
    /// In one write transaction.
    template <typename Body>
    auto write(Body&& body) {
        const std::lock_guard lock(mutex_);
        try {
            Queue& queue = opened();
            if constexpr (std::is_void_v<decltype(body(queue))>) {
                sql::transaction(queue.connection(), [&] { body(queue); });
                trouble_.clear();
            } else {
                auto result = sql::transaction(queue.connection(), [&] { return body(queue); });
                trouble_.clear();
                return result;
            }
        } catch (const sql::Broken& broken) {
            trouble_ = broken.what();
            queue_.reset();
            throw;
        }
    }
    /// Without a transaction: for looking.
    template <typename Body>
    auto read(Body&& body) {
        const std::lock_guard lock(mutex_);
        try {
            return body(opened());
        } catch (const sql::Broken&) {
            queue_.reset();
            throw;
        }
    }
    std::string trouble() const {
        const std::lock_guard lock(mutex_);
        return trouble_;
    }

private:
    Queue& opened() {
        if (!queue_) queue_ = open_();
        return *queue_;
    }
    const Open open_;
    mutable std::mutex mutex_;  // guards what follows
    std::unique_ptr<Queue> queue_;
    std::string trouble_;
};

}  // namespace xinglin::outbound
