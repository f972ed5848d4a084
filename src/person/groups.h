// SPDX-License-Identifier: Apache-2.0
// Who is one person with whom: a partition of records, made by links and cuts that can each be taken back.
//
// A link joins two records; a ruling that divides cuts every older link between some records and all others. Both may be undone,
// and undoing may be undone. The partition is a function of what stands, and of nothing else: the records that links
// hold together which are not undone and not cut. So undoing anything gives exactly what would be there without it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "sql/sql.h"

namespace xinglin::person {

using Record = std::int64_t;  // dense, from 1, in order of arrival
using Seq = std::int64_t;     // of what was decided, ascending; 0: by the first filling

/// A link between two records.
struct Link {
    std::int64_t number = 0;
    Record a = 0, b = 0;
    Seq seq = 0;
    bool by_hand = false;  // else by the program
    double log_odds = 0;
    std::uint64_t agreement = 0;
    std::int64_t at_ms = 0;
    bool off = false;  // undone
};

/// A record whose person was written anew: what it was, what it is.
struct Moved {
    Record record = 0, before = 0, now = 0;
};

/// Tables person_link, person_cut, person_apart and the column person of person_record. Within the caller's transaction.
class Groups {
public:
    static void make_tables(sql::Connection& connection);
    explicit Groups(sql::Connection& connection) : connection_(connection) {}

    /// A record alone.
    void add(Record record, std::string_view id, std::int64_t print);
    /// Each of these returns the records whose person may have changed, both sides whole, sorted.
    std::vector<Moved> link(const Link& link);
    /// Cuts `members` off from everybody they are linked to by something older, and keeps them apart from those they were one person with.
    std::vector<Moved> divide(Seq seq, const std::vector<Record>& members);
    /// Never again by the program: a's person and b's.
    void keep_apart(Seq seq, Record a, Record b);
    /// Takes back, or puts in force again, what was decided as `seq`.
    std::vector<Moved> set_off(Seq seq, bool off);

    Record person_of(Record record) const;
    std::vector<Record> members(Record person) const;
    /// Is there anything in force that keeps these two persons apart?
    bool are_apart(Record person, Record other) const;
    /// Links that touch these records, undone and cut ones too.
    std::vector<Link> links_of(const std::vector<Record>& records) const;
    /// Does the link hold: neither undone nor cut?
    bool holds(const Link& link) const;
    /// Writes what links hold together into person_record, for these and all that are linked to them. Returns as above.
    std::vector<Moved> regroup(const std::vector<Record>& touched);

private:
    sql::Connection& connection_;
};

}  // namespace xinglin::person
