// SPDX-License-Identifier: Apache-2.0
// Data quality: for every institution, data set and day, how much of what was asked for came, in time, valid, without contradiction
// and once. A view of the record: it follows the feed, may be thrown away, and is then measured again.
//
// Rules are content (content/quality, docs in its README.md). Figures are counts of resources that were tested and failed, per rule; a
// measure is the share that passed, weighted. Tables quality_* in DATA/quality.db or in the PostgreSQL database of the record.
// Safe from any thread.
#pragma once

#include <chrono>
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
#include "quality/judge.h"
#include "quality/rules.h"
#include "quality/score.h"
#include "record/record.h"
#include "sql/sql.h"

namespace xinglin::quality {

/// What the ledger knows of a message: when it was received, and sent by the sender's clock (0: not said).
struct Told {
    std::int64_t received_ms = 0, sent_ms = 0;
};

struct Options {
    std::filesystem::path file;  // "": quality.db in the store's folder
    std::string store;           // "": that file; else the PostgreSQL address the record lies in
    Around around;               // offset_minutes is taken from the store
    /// The first message of a source with this control id; nothing when the ledger has none.
    std::function<std::optional<Told>(const std::string& source, const std::string& control_id)> told;
    std::chrono::milliseconds poll{500};
    std::size_t step = 5'000;      // resources measured in one transaction while building
    std::size_t behind = 100'000;  // more versions behind than this: built again instead of followed
    bool follow = true;            // with a thread of its own; else only catch_up() does anything
    /// Tests: wraps the connection, to make it fail on demand.
    std::function<std::unique_ptr<sql::Connection>(std::unique_ptr<sql::Connection>)> wrap;
};

/// How far measuring is.
struct State {
    std::int64_t edition = 0;       // whose figures are shown; 0: none yet
    bool building = false;          // an edition is being made: by changed rules, or anew
    std::int64_t done = 0;          // resources measured for it
    record::Position position = 0;  // the figures shown say what the record said there
    record::Position record_position = 0;
    std::int64_t measured_ms = 0;   // when the edition shown was finished
    std::int64_t differences = -1;  // the last measuring anew: lines that differed from those counted live; -1 never done
    std::string error;              // what keeps it from measuring right now
};

/// One line of figures.
struct Line {
    std::int64_t day = 0;
    std::string who, set;
    Counts counts;
};

struct Question {
    std::int64_t from = 0, to = 0;  // days since 1970, both included
    std::string set;                // "": all
    std::int64_t edition = 0;       // 0: the one shown
};

struct Example {
    std::string who, set, rule;
    std::string id;  // "Encounter/abc"
};

struct KeptEdition {
    std::int64_t number = 0, made_ms = 0, finished_ms = 0;
    std::string state;  // shown, building, kept
};

class Quality {
public:
    /// Opens or makes the tables and begins to follow. Throws sql::Broken.
    Quality(record::Store& store, const calendar::Clock& clock, Rulebook book, Options options = {});
    ~Quality();

    State state() const;
    /// The rules of an edition (0: the one shown; before there is one, those in force); nothing when it is not known.
    std::shared_ptr<const Rulebook> book(std::int64_t edition = 0) const;
    std::vector<KeptEdition> editions() const;
    std::vector<Line> figures(const Question& question) const;
    /// Some resources that failed, at most a few of each rule, institution and month; those that changed since are none any longer.
    std::vector<Example> examples(const std::vector<std::string>& who, const Question& question) const;
    /// The newest day with figures up to and with `upto`; nothing when there is none.
    std::optional<std::int64_t> newest_day(std::int64_t upto) const;
    /// Measures everything again, beside the figures shown, and compares.
    void measure_anew();
    /// Returns when the figures say what was committed before the call, and nothing is being built. Throws sql::Broken.
    void catch_up();

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

}  // namespace xinglin::quality
