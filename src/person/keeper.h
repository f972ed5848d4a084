// SPDX-License-Identifier: Apache-2.0
// Inside the room: the one thread's work. Patients and rulings are taken from the feed in their order, and decided one by one.
#pragma once

#include <condition_variable>
#include <mutex>
#include <set>

#include "person/counts.h"
#include "person/decide.h"
#include "person/person.h"

namespace xinglin::person {

class Keeper {
public:
    Keeper(record::Store& store, const calendar::Clock& clock, const Settings& settings, Options options);

    struct Shared {
        mutable std::mutex lock;  // guards what follows
        std::condition_variable changed;
        State state;
        std::shared_ptr<const identity::Model> model;
        int times_made = 0;    // its files were removed so often: older connections read what is gone
        bool damaged = false;  // said by a reader; the next step makes everything anew
        bool stopping = false;
    };
    Shared& shown() { return shared_; }
    const std::string& place() const { return place_; }

    /// A part of what there is to do; false when there is nothing left, or when told to stop. Throws sql::Broken.
    bool step();
    /// After a throw: closes the connection; the next step opens it again.
    void forget_connection();

private:
    record::Store& store_;
    const calendar::Clock& clock_;
    const Settings& settings_;
    Options options_;
    std::string place_;
    std::unique_ptr<sql::Connection> connection_;
    std::unique_ptr<Groups> groups_;
    std::unique_ptr<Counts> counts_;
    std::unique_ptr<Decider> decider_;
    identity::Model model_;
    record::Position position_ = 0, filled_at_ = 0;
    record::Position taking_ = 0;  // what is being taken from the feed, and when it was written
    std::int64_t taking_ms_ = 0;
    bool filling_ = false, asked_for_filling_ = false, made_anew_ = false;
    std::uint64_t people_ = 0, records_ = 0;
    Record last_ = 0;
    Shared shared_;
    json::Arena arena_;

    void open();
    void remove_files();
    void load();
    void count_once();
    void take_model(identity::Model model);
    void save();
    void show();
    bool is_stopping() const;

    bool follow();
    void take(const record::Change& change);
    void take_patient(const record::Change& change, json::Value patient);
    void take_ruling(const record::Change& change, json::Value basic);
    void remove(Record record, const record::Change& change);

    Record record_of(std::string_view id) const;
    Record add(std::string_view id, std::int64_t at_ms);
    void write_facts(Record record, const Facts& facts, const record::Change& change);
    void index(Record record, const Facts& facts);
    void unindex(Record record, const Facts& facts);
    void count_values(const Facts& facts, int by);

    /// Decides what a new or changed record is.
    void decide(Record record, const Facts& facts, const record::Change& change);
    void decide_alone(Record record, const Facts& facts, const std::vector<Option>& options, const record::Change& change);
    void consider_joining(Record record, const std::vector<Option>& options, const record::Change& change);
    void link(Record record, const Option& option, Seq seq, std::int64_t at_ms);
    void ask(std::string_view kind, Record a, Record b, double log_odds, identity::Agreement agreement, std::int64_t at_ms);
    void ask_of(Record record, const Option& option, std::string_view kind, std::int64_t at_ms);
    /// Keeps the count of people right.
    void regrouped(const std::vector<Moved>& moved);
    std::int64_t people_among(const std::vector<Record>& persons) const;
    /// Tasks that are answered by how things stand now.
    void settle_tasks(const std::vector<Record>& touched, Seq seq, std::int64_t at_ms);
    void close_own_tasks(Record record, std::int64_t at_ms);
    bool is_said_to_fit(Record a, Record b) const;

    // Rulings (rulings.cpp)
    bool apply(const Ruling& ruling, Seq seq, std::int64_t at_ms);
    bool rule_link(Record a, Record b, Seq seq, std::int64_t at_ms);
    bool rule_apart(Record a, Record b, Seq seq, std::int64_t at_ms);
    bool rule_split(const Ruling& ruling, Seq seq, std::int64_t at_ms);
    bool rule_undo(const Ruling& ruling, Seq seq, std::int64_t at_ms);
    void set_off(Seq seq, bool off, std::int64_t at_ms);
    bool rule_task(const Ruling& ruling, Record a, Record b, std::int64_t at_ms);
    /// `left`: of a split, whom its members were one person with: it stands in their history too.
    void write_line(const Ruling& ruling, const record::Change& change, bool had_effect, const std::vector<Record>& left);

    // The first filling (fill.cpp)
    void ask_for_filling();
    std::optional<record::Position> last_filling(record::Reader& reader, record::Position upto);
    void fill(record::Position at);
    class Filling;
};

void make_tables(sql::Connection& connection);

}  // namespace xinglin::person
