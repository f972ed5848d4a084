// SPDX-License-Identifier: Apache-2.0
// Inside the room: messages on their way from the ledger into the record. Converted by several threads, stored in order of
// arrival: submissions leave in that order, so later versions are those of later messages, and nobody waits for a commit.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "intake/ledger.h"

namespace xinglin::intake {

/// One message on its way.
struct Work {
    Number number = 0;
    std::shared_ptr<const Source> source;  // as it was when the message came up; shared with the registry
    const Format* format = nullptr;
    Print print;
    State before = State::waiting;  // as the ledger has it; stored when it is replayed
    std::int64_t received_ms = 0, sent_ms = 0;
    message::Facts facts;
    std::string bytes;   // "": to be read from the ledger
    bool again = false;  // it, or a part of it, may be in the record already
    std::function<void(const Settled&)> settled;

    // After conversion
    bool is_converted = false;  // guarded by the conveyor's mutex
    std::optional<Outcome> refusal;
    std::shared_ptr<json::Arena> arena;
    json::Value bundle;
    ingest::Submit submit;  // checked and prepared
    std::int64_t patient = 0;
    bool has_learned = false;  // the ledger doesn't know the facts yet
};

/// What came of it.
struct Outgoing {
    std::shared_ptr<Work> work;
    State state = State::stored;
    std::string where, reason, versions;
};

/// Converts and makes ready: fills `refusal`, or `bundle` and `submit`. `bytes` must be there.
void convert(Work& work, ingest::Transactions& ingest, const Join& join);
/// Why an entry is left out of a message that is late or comes again: the record has the same, or a later message wrote it.
/// `writer_of` as in Ledger.
bool is_superseded(const Work& work, json::Value entry_resource, std::string_view present,
                   const std::function<std::pair<std::int64_t, Number>(const std::string& control_id)>& writer_of);
/// The same, for ingest.
ingest::Unless unless_of(
    std::shared_ptr<Work> work,
    std::function<std::pair<std::int64_t, Number>(const std::string& source, const std::string& control_id)> writer_of);

/// Knows of each patient when the newest message was sent.
class Lateness {
public:
    explicit Lateness(std::function<std::int64_t(std::int64_t patient, Number before)> newest_sent)
        : newest_sent_(std::move(newest_sent)) {}
    /// Was a message of this patient, received before, sent after? To be asked in order of arrival.
    bool is_late(const Work& work);

private:
    const std::function<std::int64_t(std::int64_t, Number)> newest_sent_;
    std::unordered_map<std::int64_t, std::int64_t> newest_;  // patient → sent_ms
};

/// "3,1,0": versions of the entries; 0 for what was left as it was.
std::string versions_of(const ingest::BundleAnswer& answer);
ingest::Allowed allow_all();

class Conveyor {
public:
    struct Options {
        unsigned threads = 2;
        std::size_t in_flight = 512, bytes = 64u << 20;
        Join join;
    };
    /// `read`: bytes of a message, in any thread. `newest_sent`, `writer_of`: as in Ledger, from any thread.
    struct Questions {
        std::function<std::optional<std::string>(Number)> read;
        std::function<std::int64_t(std::int64_t patient, Number before)> newest_sent;
        std::function<std::pair<std::int64_t, Number>(const std::string& source, const std::string& control_id)> writer_of;
    };
    Conveyor(Options options, ingest::Transactions& ingest, Questions questions, std::function<void(Outgoing)> done);
    ~Conveyor();

    /// In order of their numbers.
    void push(std::vector<std::shared_ptr<Work>> works);
    /// Messages under way.
    std::size_t size() const;
    /// Takes nothing more from the belt; returns when the record has answered what it was given.
    void stop();
    std::string trouble() const;

private:
    void convert_all();
    void store_all();
    bool wait_for_turn(std::shared_ptr<Work>& work, std::vector<std::shared_ptr<Work>>& again);
    void store(const std::shared_ptr<Work>& work);
    void finish(const std::shared_ptr<Work>& work, Result<ingest::BundleAnswer> answer);
    void leave(Outgoing out);

    const Options options_;
    ingest::Transactions& ingest_;
    const Questions questions_;
    const std::function<void(Outgoing)> done_;

    mutable std::mutex mutex_;  // guards what follows, down to the blank line
    std::condition_variable to_convert_, to_store_;
    std::deque<std::shared_ptr<Work>> belt_;
    std::size_t taken_ = 0;  // of the belt, by converters
    std::size_t in_flight_ = 0, bytes_ = 0;
    std::vector<std::shared_ptr<Work>> again_;  // refused for the time being
    bool stopping_ = false;
    std::string trouble_;

    Lateness lateness_;  // the storing thread's own
    std::vector<std::jthread> threads_;
};

}  // namespace xinglin::intake
