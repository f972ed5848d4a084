// SPDX-License-Identifier: Apache-2.0
// Inside the room: its threads and what they share. One follower reads the feed for all channels; every channel has a sender.
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "outbound/match.h"
#include "outbound/outbound.h"
#include "outbound/peer.h"
#include "outbound/queue.h"
#include "outbound/render.h"

namespace xinglin::outbound {

/// What a sender knows of its channel. Guarded by Inside::mutex but for what is the sender's own.
struct Line {
    std::string id;
    std::shared_ptr<const Compiled> compiled;  // shared: the sender keeps the one it began with
    std::int64_t hold_until_ms = 0;            // the receiver is left alone until then
    std::int64_t failures = 0;                 // in a row, of the receiver
    std::int64_t last_acknowledged_ms = 0;
    std::string why;                    // of the last failure, "" when well
    std::uint64_t asked = 1, idle = 0;  // turns: wishes to look again; the last after which nothing was left to do
    bool ending = false;
    std::string told = "ok";  // the state last told
    std::thread thread;

    // The sender's own
    std::unique_ptr<Peer> peer;
    std::shared_ptr<const Compiled> peer_of;
    std::vector<std::pair<Delivery, std::int64_t>> unsettled;  // sent, not written down yet: the disk refused
    std::vector<Event> unsettled_events;
    std::chrono::steady_clock::time_point looked{};
};

struct Outbound::Inside {
    Inside(Options chosen, record::Store& store, const calendar::Clock& clock, const content::Files& content);
    ~Inside();

    const Options options;
    record::Store& store;
    const calendar::Clock& clock;
    const content::Files content;
    const std::string place;
    const Secrets secrets;
    Desk desk, reading;
    std::string mark;  // of control ids
    std::vector<Channel> of_content;
    ReceiverNetworks networks;                // where they may go at all; not changed once open
    std::optional<cda::Knowledge> knowledge;  // of shared documents; nothing when content has none

    mutable std::mutex mutex;  // guards what follows
    std::condition_variable changed;
    std::map<std::string, std::shared_ptr<const Compiled>> known;  // every channel; shared: readers keep the one they found
    std::map<std::string, std::unique_ptr<Line>> lines;            // channels that are on
    bool closing = false;
    std::map<std::string, std::pair<std::int64_t, Counts>> counted;  // totals, and when they were counted
    std::atomic<bool> stopping{false};
    std::atomic<bool> ours{false};  // this process sends (PostgreSQL: one of several)
    std::mutex follow_mutex;        // one follows at a time
    std::thread follower;

    // outbound.cpp
    void load();
    void arrange();
    void stop();
    Result<Done> store_channel(Channel channel, bool is_new, const std::string& who);
    void tell_changes();
    std::unique_ptr<sql::Connection> connect(bool wraps) const;
    void sweep();

    // follow.cpp
    void follow_always();
    bool is_ours();
    bool follow_all();
    bool follow_once(record::Reader& reader, std::vector<Place>& all, record::Position target);
    std::shared_ptr<const Compiled> compiled_of(const std::string& id) const;
    bool consent_forbids(record::Reader& reader, const Channel& channel, const std::string& patient, std::int64_t at_ms);
    bool is_due(const Channel& channel, const Place& place, Queue& queue) const;
    bool cut_due(const std::vector<Place>& all);

    // send.cpp
    void send_always(Line& line);
    bool send_some(Line& line);
    bool look_after_receipts(Line& line, const Compiled& compiled);
    bool write_down(Line& line);
    std::optional<Payload> payload_of(Line& line, const Compiled& compiled, Due& due);
    void judge(Line& line, const Channel& channel, Due due, const Reply& reply, std::int64_t bytes);
    std::int64_t backoff(const Channel& channel, std::int64_t failures) const;
    Renderer::Read reads();
    void make_ready(Renderer& renderer);

    // account_of.cpp
    Health health_of(const Channel& channel, record::Position position, record::Position target);
};

}  // namespace xinglin::outbound
