// SPDX-License-Identifier: Apache-2.0
// For tests of this room: submissions of every kind, and how far they were acknowledged.
#pragma once

#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "record/record.h"
#include "testing/testing.h"

namespace xinglin::record {

inline access::Viewer test_viewer() { return access::Viewer::program("test"); }

inline std::string patient(int number, std::string_view gender) {
    return fmt::format(R"({{"resourceType":"Patient","id":"p{}","gender":"{}","name":[{{"family":"Family{}"}}]}})", number,
                       gender, number % 7);
}
inline std::string observation(int number, int patient) {
    return fmt::format(
        R"({{"resourceType":"Observation","id":"o{}","status":"final","code":{{"coding":[{{"system":"http://loinc.org","code":"{}","display":"Code {}"}}]}},"subject":{{"reference":"Patient/p{}"}},"effectiveDateTime":"2026-01-{:02}","valueQuantity":{{"value":{},"unit":"mmHg"}}}})",
        number, number % 5, number % 5, patient, number % 28 + 1, number);
}

/// A store and what was done with it.
class Workload {
public:
    /// `acknowledged` is told the newest position after each submission that was kept.
    Workload(std::unique_ptr<Store> store, std::function<void(Position)> acknowledged)
        : store_(std::move(store)), acknowledged_(std::move(acknowledged)) {}

    void run(std::uint64_t seed, int steps, bool trains) {
        std::mt19937_64 random(seed);
        for (int step = 0; step < steps; ++step) {
            const int number = static_cast<int>(random() % 12);
            switch (random() % 6) {
                case 0: erase(number); break;
                case 1: put({patient(number, "male"), observation(number, number), observation(100 + step, number)}); break;
                case 2: put({observation(number, static_cast<int>(random() % 12))}); break;
                case 3: searching(number); break;
                default: put({patient(number, random() % 2 ? "male" : "female")}); break;
            }
            if (trains && step == 12) train();
            if (step % 9 == 8) checkpoint();
        }
    }
    Result<Done> close() { return record::close(std::move(store_)); }
    Store& store() { return *store_; }
    /// Of the newest version that was acknowledged.
    Position last() const { return last_; }
    /// What was refused by the disk or for want of memory, and how.
    const std::vector<Outcome>& refused() const { return refused_; }
    /// Ends of the feed that no answer confirmed and none excluded.
    const std::vector<Position>& unconfirmed() const { return unconfirmed_; }

    Prepared prepared(const std::string& text) {
        json::Arena arena;
        const auto value = json::parse(text, arena);
        return store_->prepare(*fhir::find_resource((*value)["resourceType"].string()), (*value)["id"].string(), *value);
    }

private:
    void checkpoint() {
        try {
            sql::open_sqlite(store_->folder() / "record.db", {.cache_bytes = 1 << 20})->checkpoint();
        } catch (const sql::Broken&) {}  // the disk fails as the test wishes
    }
    void submit(const Work& work) {
        put_ = 0;
        const auto done = store_->submit_and_wait(work);
        if (done.ok()) {
            if (put_ == 0) return;
            last_ = std::exchange(put_, 0);
            if (acknowledged_) acknowledged_(last_);
        } else if (done.outcome().code() != IssueCode::conflict && done.outcome().code() != IssueCode::not_found) {
            refused_.push_back(done.outcome());
            if (done.outcome().line().find("read before you send it again") != std::string::npos) unconfirmed_.push_back(put_);
        }
    }
    void put(const std::vector<std::string>& texts) {
        std::vector<Prepared> ready;
        for (const std::string& text : texts) ready.push_back(prepared(text));
        submit([&](Transaction& t) -> Result<Done> {
            for (const Prepared& each : ready) put_ = t.put(each, false, false).position;
            return Done{};
        });
    }
    void erase(int number) {
        const fhir::Type& type = *fhir::find_resource("Patient");
        const std::string id = "p" + std::to_string(number);
        submit([&](Transaction& t) -> Result<Done> {
            const auto state = t.state(type, id);
            if (!state || state->deleted) return refuse(IssueCode::not_found, "Patient", "it is not there");
            put_ = t.erase(type, id).position;
            return Done{};
        });
    }
    /// Searches between two puts, and is refused every other time.
    void searching(int number) {
        const Prepared first = prepared(patient(number, "other")), second = prepared(observation(200 + number, number));
        const fhir::Type* types[] = {fhir::find_resource("Patient")};
        const auto query = search::parse(types, std::vector<std::pair<std::string, std::string>>{{"gender", "other"}}, {});
        submit([&](Transaction& t) -> Result<Done> {
            t.put(first, true, false);
            if (t.search(*query, 100)->empty()) return refuse(IssueCode::exception, "search", "found nothing");
            if (number % 2) return refuse(IssueCode::conflict, "here", "no");
            put_ = t.put(second, true, false).position;
            return Done{};
        });
    }
    /// Enough of a kind for a dictionary, which the writer stores between two groups.
    void train() {
        for (int i = 0; i < 260; ++i) prepared(patient(i, "male"));
        for (int i = 0; i < 260; ++i) prepared(observation(i, i));
        std::this_thread::sleep_for(std::chrono::milliseconds(150));
    }

    std::unique_ptr<Store> store_;
    std::function<void(Position)> acknowledged_;
    Position put_ = 0, last_ = 0;
    std::vector<Outcome> refused_;
    std::vector<Position> unconfirmed_;
};

inline std::vector<std::string> history(Store& store) {
    std::vector<std::string> lines;
    auto reader = store.reader(test_viewer());
    reader.changes(0, reader.position(), [&](const Change& change) {
        lines.push_back(fmt::format("{} {}/{} {} {} {} {}", change.position, change.type->name, change.id, change.version,
                                    change.updated_ms, change.created, change.text));
        return true;
    });
    return lines;
}

}  // namespace xinglin::record
