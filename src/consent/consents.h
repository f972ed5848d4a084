// SPDX-License-Identifier: Apache-2.0
// Inside the room: what Consents is made of. The index, and who keeps it up with the record and the person index.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <shared_mutex>
#include <thread>

#include "consent/index.h"
#include "consent/settings.h"

namespace xinglin::consent {

struct Consents::Inside {
    Inside(record::Store& to, const person::Persons& of, const calendar::Clock& with, Settings chosen, Options wanted)
        : store(to), persons(of), clock(with), settings(std::move(chosen)), options(wanted) {}

    record::Store& store;
    const person::Persons& persons;
    const calendar::Clock& clock;
    const Settings settings;
    const Options options;

    std::mutex work_mutex;  // held by whoever follows; guards the next three
    record::Position position = 0;
    std::string cursor;  // of the person index
    bool was_loaded = false;

    mutable std::shared_mutex index_mutex;  // guards index
    Index index;

    struct Turn {
        std::uint64_t generation;
        std::vector<std::string> patients;
        bool everybody;
    };
    mutable std::mutex turns_mutex;  // guards turns and turned_ms
    mutable std::deque<Turn> turns;
    mutable std::int64_t turned_ms = 0;  // up to here what changes by itself has been counted
    mutable std::atomic<std::uint64_t> generation{1};
    mutable std::atomic<std::int64_t> next_turn_ms{calendar::end_of_time_ms};

    mutable std::mutex above_mutex;                                           // guards above
    mutable std::unordered_map<std::string, std::vector<std::string>> above;  // institution → itself and those above it

    std::mutex stop_mutex;  // guards stopping
    std::condition_variable stopped;
    bool stopping = false;
    std::thread thread;

    record::Reader reader() const { return store.reader(access::Viewer::program("consent")); }
    /// The Patients of one person, and at least this one; the first is the same whichever is asked for.
    std::vector<std::string> patients_of(std::string_view patient) const;
    std::optional<calendar::Moment> birth_of(const std::vector<std::string>& patients) const;
    Post post_of(std::string_view id) const;
    Party party_of(const access::Viewer& viewer) const;
    std::vector<std::string> institutions_of(std::string_view institution) const;

    void load();
    void follow();
    void follow_persons();
    void take(const record::Change& change);
    void take_consent(const record::Change& change, json::Value resource);
    void take_emergency(const record::Change& change, json::Value resource);
    void take_organization(const record::Change& change);
    void changed(std::vector<std::string> patients, bool everybody = false) const;
    void set_next_turn() const;
    void count_turns() const;
    void run();
};

}  // namespace xinglin::consent
