// SPDX-License-Identifier: Apache-2.0
// Inside the room: the one thread's work. Editions of the rules, each with its figures: built by reading the whole record once,
// then kept up with the feed. What others may see of it is in `shown()`, under its lock.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "quality/quality.h"
#include "quality/tally.h"

namespace xinglin::quality {

/// One edition at work.
struct Edition {
    std::int64_t number = 0;
    Rulebook book;
    std::string state;
    record::Position position = 0;
    record::Rid place = INT64_MIN;
    std::int64_t done = 0;
    std::unique_ptr<Judge> judge;
    std::unique_ptr<Tally> tally;
};

class Keeper {
public:
    Keeper(record::Store& store, const calendar::Clock& clock, Rulebook book, Options options);

    struct Shared {
        mutable std::mutex lock;  // guards what follows
        std::condition_variable changed;
        State state;
        bool stopping = false, anew = false;
    };
    Shared& shown() { return shared_; }
    const std::string& place() const { return place_; }

    /// A part of what there is to do; false when there is nothing left, or when told to stop. Throws sql::Broken.
    bool step();
    bool is_stopping() const;
    /// After a throw: closes the connection; the next step opens it again.
    void forget_connection();

private:
    record::Store& store_;
    const calendar::Clock& clock_;
    const Rulebook book_;
    Options options_;
    std::string place_;
    std::unique_ptr<sql::Connection> connection_;
    std::unique_ptr<Edition> shown_, building_;
    Shared shared_;
    json::Arena arena_;

    void open();
    void load();
    bool is_ours();
    std::unique_ptr<Edition> make(std::int64_t number, Rulebook book, std::string state);
    void begin_building();
    /// True when nothing of the record is left to measure.
    bool build();
    bool follow(Edition& edition);
    void finish_building();
    void clear(std::int64_t number, bool figures);
    void save(const Edition& edition);
    std::int64_t differences(std::int64_t one, std::int64_t other);
    void show();

    /// Patients as rules see them, at one state of the record.
    class Patients;
    /// Judges one state of a resource; nothing for a type without rules, a deleted one, one that was not there.
    std::vector<Verdict> judge(Edition& edition, record::Reader& reader, Patients& patients, const fhir::Type& type,
                               const record::Version& version);
    Arrived arrival_of(json::Value resource, std::int64_t updated_ms);
    Arrived first_arrival(Edition& edition, record::Reader& reader, const record::Version& version, json::Value resource,
                          std::size_t set);
    std::set<std::pair<const fhir::Type*, std::string>> affected(Edition& edition, record::Reader& reader, record::Position upto);
};

}  // namespace xinglin::quality
