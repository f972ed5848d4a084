// SPDX-License-Identifier: Apache-2.0
// Inside the room: the tables, and counting verdicts into them. One connection, one thread at a time.
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "quality/judge.h"
#include "quality/score.h"
#include "sql/sql.h"

namespace xinglin::quality {

std::string packed(const Counts& counts);
void unpack(std::string_view text, Counts& counts);

void make_tables(sql::Connection& connection);

/// Counts verdicts of one edition; what was counted is in the tables after flush(), all within the caller's transaction.
class Tally {
public:
    Tally(sql::Connection& connection, std::int64_t edition, const Rulebook& book)
        : connection_(connection), edition_(edition), book_(book) {}
    /// `id`: "Encounter/abc". `times`: 1 counts it, -1 takes it out again.
    void count(const Verdict& verdict, const std::string& id, int times);
    void flush();
    /// Forgets what was not flushed: after a rollback.
    void drop();

private:
    struct Place {
        std::int64_t day;
        std::string who;
        std::size_t set;
        auto operator<=>(const Place&) const = default;
    };
    sql::Connection& connection_;
    std::int64_t edition_;
    const Rulebook& book_;
    std::map<Place, Counts> changed_;
    std::unordered_map<std::string, int> examples_;  // kept of a rule and month, as far as known

    Counts& at(std::int64_t day, const std::string& who, std::size_t set);
    void count_event(const Verdict& verdict, const std::string& id, int times);
    void note_example(const Verdict& verdict, const Rule& rule, std::int64_t day, const std::string& id, int times);
};

}  // namespace xinglin::quality
