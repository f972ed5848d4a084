// SPDX-License-Identifier: Apache-2.0
// Inside the room: who a record may be. Candidates by their keys, judged by the model, named cases by rules of their own.
#pragma once

#include <map>
#include <optional>

#include "person/facts.h"
#include "person/groups.h"
#include "person/settings.h"

namespace xinglin::person {

struct Known {
    Record record = 0, person = 0;
    Facts facts;
};

/// What speaks for and against two records being one person.
struct PairVerdict {
    double log_odds = 0;
    identity::Agreement agreement = 0;
    std::string_view named;  // lent_id, twins, newborn, two_ids; "" for none
    bool never = false;      // not one person, whatever else agrees
    bool ask = false;        // the program alone does not join them
};

/// One person that a record may be of.
struct Option {
    Record person = 0, best = 0;  // best: the record most like it
    double mean = 0, log_odds = 0;
    identity::Agreement agreement = 0;
    std::string_view named;
    bool never = false, ask = false;
};

class Decider {
public:
    Decider(sql::Connection& connection, const identity::Model& model, const Settings& settings)
        : connection_(connection), scales_(identity::Bench::scales(model, settings.wording)), settings_(settings) {}

    /// Persons that `facts` may be of, best first; never `self`, nor persons among `except`.
    std::vector<Option> options(const Facts& facts, Record self, const std::vector<Record>& except) const;
    /// One record against all of these, `others` not empty.
    Option fit(const Facts& facts, const std::vector<Known>& others) const;
    /// All pairs between two persons, at most 48.
    Option between(const std::vector<Known>& one, const std::vector<Known>& other) const;
    std::vector<Known> living(Record person, Record without = 0) const;
    std::optional<Known> known(Record record) const;

private:
    sql::Connection& connection_;
    std::shared_ptr<const identity::Bench::Scales> scales_;
    const Settings& settings_;

    std::vector<Record> candidates(const Facts& facts, Record self) const;
    identity::Bench bench() const;
};

/// The rules of named cases over what the weights say.
PairVerdict judged(const Facts& a, const Facts& b, identity::Judgement judgement);
/// As a bench compares it. `beside`: what of several numbers and phones both have is taken.
std::array<std::string_view, 6> row_of(const Facts& facts, const Facts* beside, std::array<std::string, 6>& kept);
/// Does an identity number say the same birth date and sex as the record it stands in? True when it says nothing.
bool is_own_number(const Facts& facts);

/// Values counted for how rare they are: role and print.
std::vector<std::pair<int, std::int64_t>> counted_values(const Facts& facts);

}  // namespace xinglin::person
