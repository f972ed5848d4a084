// SPDX-License-Identifier: Apache-2.0
// Inside the room: questions to the index, within one snapshot.
#pragma once

#include "person/decide.h"
#include "person/person.h"

namespace xinglin::person {

class Reading {
public:
    Reading(sql::Connection& connection, const identity::Model& model, std::int64_t now_ms)
        : connection_(connection), groups_(connection), model_(model), now_ms_(now_ms) {}

    std::optional<Person> person(std::string_view id) const;
    std::vector<std::string> patients(std::string_view patient_id) const;
    std::string enterprise_of(std::string_view patient_id) const;
    std::string id_of(Record record) const;
    Queue queue(const QueueAsked& asked) const;
    std::optional<Task> task(std::int64_t number) const;
    std::uint64_t open_tasks() const;
    Statistics statistics() const;
    /// Can this be ruled? A link or apart that somebody proposed turns out to be a confirmation.
    Result<Done> check(Ruling& ruling, const Settings& settings) const;
    bool is_contradiction_open(Record a, Record b) const;
    std::vector<std::string> dump() const;

private:
    sql::Connection& connection_;
    Groups groups_;
    const identity::Model& model_;
    std::int64_t now_ms_;

    Record record_of(std::string_view id) const;
    /// The record that an enterprise id or a Patient id names; 0: none.
    Record named(std::string_view id) const;
    void queue_ages(Statistics& all) const;
    Task task_at(sql::Statement& row) const;
    std::vector<Line> lines_of(const std::vector<Record>& records) const;
    std::int64_t number(std::string_view sql, Record a = 0, Record b = 0) const;
};

}  // namespace xinglin::person
