// SPDX-License-Identifier: Apache-2.0
// Inside the room: what statistics show, counted in the transaction that changes it; nothing is scanned when somebody looks.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "person/facts.h"
#include "person/groups.h"
#include "sql/sql.h"

namespace xinglin::person {

/// Tables person_source and person_born. Tasks and reviewers are counted by triggers (person_open, person_reviewer).
class Counts {
public:
    explicit Counts(sql::Connection& connection) : connection_(connection) {}

    /// A living record: whose it is among sources and years of birth. `by`: 1 counts it, -1 takes it out.
    void record(const Facts& facts, int by);
    /// The persons that these records are of, as they stand: how many records are linked, how many a source has twice.
    void person(Record person, int by);
    /// The same of records that have been regrouped: as they were taken out, as they are put in. Gives the persons more there are.
    std::int64_t moved(const std::vector<Moved>& moved);
    /// Everything from the beginning: after a filling, and once for an index of an older program.
    void anew();

private:
    using Sources = std::map<std::string, std::int64_t>;
    sql::Connection& connection_;
    void add(const Sources& of_one_person, int by);
    void add_source(std::string_view source, std::int64_t records, std::int64_t linked, std::int64_t with_id, std::int64_t twice);
};

/// Year of birth, 0 where none is told.
int birth_year(const Facts& facts);
bool has_sound_number(const Facts& facts);

}  // namespace xinglin::person
