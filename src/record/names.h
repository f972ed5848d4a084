// SPDX-License-Identifier: Apache-2.0
// The writer's dictionaries: logical ids to rids, terms to numbers. One thread; remembers, and can forget.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "record/fresh.h"
#include "sql/sql.h"

namespace xinglin::record {

/// What the writer counts; kept in record_setting at each commit.
struct Counters {
    std::int64_t next_term = 1;
    std::int64_t next_ordinal = first_patient_ordinal;
    std::int64_t next_common = 1;  // rids of resources in no patient's compartment
};

class Names {
public:
    /// `remembered`: entries per cache.
    Names(sql::Connection& connection, Counters& counters, std::int64_t patient_tid, std::size_t remembered)
        : connection_(connection), counters_(counters), patient_tid_(patient_tid), remembered_(remembered) {}

    /// 0 when the id was never mentioned.
    std::int64_t find(std::int64_t tid, std::string_view id);
    /// The rid of an id; given now, in the patient's own range if one is named, when it never was mentioned.
    std::int64_t give(std::int64_t tid, std::string_view id, std::int64_t patient_rid, bool surely_new);
    /// The rid of a reference's target; a stranger gets a place among the common ones (a Patient: an ordinal).
    std::int64_t give_mentioned(std::int64_t tid, std::string_view id) { return give(tid, id, 0, false); }

    /// What will be asked next, looked up together where each would cost a round trip (PostgreSQL; nothing on SQLite).
    struct AskedName {
        std::int64_t tid;
        std::string_view id;
    };
    struct AskedTerm {
        std::int64_t space;
        std::string_view norm, extra;
    };
    void expect(std::span<const AskedName> names);
    void expect(std::span<const AskedTerm> terms);
    /// … and that there will be something new in the ranges of these patients.
    void expect_new(std::span<const std::int64_t> patients);

    /// Term number, given now if new.
    std::int64_t term(std::int64_t space, std::string_view norm, std::string_view extra);
    /// Remembers that a display text belongs to a term.
    void term_text(std::int64_t space, std::string_view text, std::int64_t term);

    /// Writes what is new since the last flush. Into the tables; or the names, sorted, into `fresh` when it is given.
    void flush(Layer<NameRow>::Run* fresh);
    /// Where names may stand besides the table. Nothing: nowhere.
    void look_in(const Fresh* fresh) { fresh_ = fresh; }
    /// How much that is.
    std::size_t held() const { return new_names_.size() + new_terms_.size(); }
    /// Keeps the caches within bounds. Only when everything given is in the tables, for they are asked from then on.
    void bound();
    /// New names since, for undoing a refused submission before anything of it was flushed.
    std::size_t mark() const { return new_names_.size(); }
    void undo_to(std::size_t mark);
    /// Another process has written: the numbers given within a patient's range may have gone on. What was found stays true.
    void forget_numbers() { next_number_.clear(); }
    struct NewName {
        std::string key;  // tid and id key
        std::int64_t rid;
    };
    /// Takes the new names since out, so that a flush leaves them alone: theirs is a submission that may yet be refused.
    std::vector<NewName> withdraw(std::size_t mark);
    /// Gives them back. What the flush mentioned meanwhile has a place of its own: old rid to new.
    std::unordered_map<std::int64_t, std::int64_t> put_back(std::vector<NewName> names);
    /// After a rollback nothing remembered is sure.
    void forget();

private:
    struct NewTerm {
        std::int64_t space;
        std::string norm, extra;
        std::int64_t term;
        auto operator<=>(const NewTerm&) const = default;
    };
    struct NewText {
        std::int64_t space;
        std::string text;
        std::int64_t term;
        auto operator<=>(const NewText&) const = default;
    };
    static std::string name_key(std::int64_t tid, std::string_view id);
    static std::string term_key(std::int64_t space, std::string_view norm, std::string_view extra);
    std::int64_t next_in(std::int64_t patient_rid);

    void flush_names(Layer<NameRow>::Run* fresh);

    sql::Connection& connection_;
    const Fresh* fresh_ = nullptr;
    Counters& counters_;
    std::int64_t patient_tid_;
    std::size_t remembered_;
    std::unordered_map<std::string, std::int64_t> names_, terms_, texts_;
    std::unordered_set<std::string> no_names_, no_terms_;         // looked up and not there; until others may write
    std::unordered_map<std::int64_t, std::int64_t> next_number_;  // by patient ordinal
    std::vector<NewName> new_names_;
    std::vector<NewTerm> new_terms_;
    std::vector<NewText> new_texts_;
};

}  // namespace xinglin::record
