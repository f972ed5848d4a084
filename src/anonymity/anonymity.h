// SPDX-License-Identifier: Apache-2.0
// How well persons of a table hide among each other: quasi-identifiers generalised until every class has k persons.
//
// Full-domain generalisation with suppression of what stays alone: every value of a quasi-identifier is told at one level; all minimal
// nodes of the lattice of levels are found and the one that loses least is taken. Pure: no person's name or number comes in here.
// Sources: Samarati, IEEE TKDE 13(6), 2001 (lattice, minimal nodes); Sweeney, IJUFKS 10(5), 2002 (k-anonymity); Machanavajjhala et al.,
// ACM TKDD 1(1), 2007 (l-diversity, values anyone may know); Li et al., ICDE 2007 (t-closeness); El Emam et al., JAMIA 16(5), 2009
// (lattice by tags, non-uniform entropy) and El Emam, Guide to the De-Identification of Personal Health Information, 2013 (risks).
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "content/content.h"
#include "json/json.h"
#include "outcome/outcome.h"

namespace xinglin::anonymity {

struct Words {
    std::string zh, en;
};

/// One way of telling a value. "": unknown, which stays so until the level `all`.
struct Level {
    enum class Kind : std::uint8_t { own, band, first, group, all };
    Kind kind = Kind::own;
    int number = 0;                             // band: years; first: characters
    std::map<std::string, std::string> groups;  // group: value → its group
    std::string otherwise;                      // group: of what has none
    Words title;

    std::string of(std::string_view value) const;  // "37" in bands of five: "35-39"
};

/// What somebody may know of a person beforehand. Levels go from the finest to the coarsest, each coarser than the one before.
struct Quasi {
    std::string name, kind, url;  // kind: age, sex, division, extension (url: which)
    Words title;
    int top = 0;  // ages: this and above are one value
    std::vector<Level> levels;
};

/// A group of diagnoses that nobody may be told of somebody.
struct SensitiveGroup {
    std::string name;
    Words title;
    std::vector<std::pair<std::string, std::string>> codes;  // from, to: "B20", "B24"
    bool has(std::string_view code) const;
};

struct Goals {
    std::uint32_t k = 10, l = 2;         // l: distinct values of a class, unless all of them are harmless
    double suppressed_most_percent = 2;  // of persons
    bool refuses_when_missed = true;     // what is released when k or l cannot be reached: nothing, or as far as it goes
};

struct Rules {
    std::string edition;
    Words title;
    Goals goals;
    std::uint32_t rare_below = 0;  // diagnoses of fewer persons are not told
    std::vector<Quasi> quasi;
    std::vector<std::string> systems;  // of codes that are diagnoses
    std::vector<SensitiveGroup> groups;
    std::vector<std::string> harmless;               // groups, "other" or "none": anyone may know that somebody has it
    std::vector<std::string> leave_out;              // resource types that tell where somebody was
    std::vector<std::string> asked_by, approved_by;  // roles; the same person never does both

    /// The first group a person has, "other" with other diagnoses, "none" without any.
    std::string sensitive_of(std::span<const std::string> codes) const;
    bool is_harmless(std::string_view value) const;
};
/// deidentify/release.json. Refuses (where: file and place) what it does not know.
Result<Rules> read_rules(const content::Files& files);
/// Plays deidentify/release-cases/*.json: small tables, and what becomes of them.
void check_shelf(const content::Files& files, std::vector<content::Complaint>& complaints, std::size_t& checked);

using Node = std::vector<std::uint8_t>;  // a level for each quasi-identifier

constexpr std::size_t quasi_most = 8, groups_most = 30, values_most = 65'000;
using Tuple = std::array<std::uint16_t, quasi_most>;

/// Persons by what is known of them, counted: memory grows with different persons, not with their number.
class Table {
public:
    explicit Table(const Rules& rules);

    /// Which combination this is. `values`: one for each quasi-identifier. Throws std::length_error with too many values of one.
    std::uint32_t tuple_of(std::span<const std::string> values);
    /// One person, who will be released or is only among those it could be.
    void add(std::uint32_t tuple, bool released, std::string_view sensitive);
    /// Every level coarser than the one before? Names the quasi-identifier and the values.
    Result<Done> check_levels() const;

    std::size_t tuples() const { return tuples_.size(); }
    std::uint64_t released() const { return released_; }
    std::string value(std::uint32_t tuple, std::size_t quasi) const;

private:
    friend class Judge;
    struct Column {
        std::vector<std::string> values;
        std::map<std::string, std::uint16_t, std::less<>> codes;
    };
    const Rules& rules_;
    std::vector<Column> columns_;
    std::vector<Tuple> tuples_;
    std::map<Tuple, std::uint32_t> known_;
    std::vector<std::string> sensitive_;                                // names of values
    std::vector<std::uint64_t> harmless_;                               // 1: anyone may know it
    std::vector<std::uint32_t> in_release_, in_all_;                    // persons by tuple
    std::vector<std::array<std::uint32_t, groups_most + 2>> by_value_;  // released persons by tuple and sensitive value
    std::uint64_t released_ = 0;
};

/// What somebody finds out who tries. τ is 1/k.
struct Risks {
    double share_above = 0;  // of persons whose class is smaller than k
    double highest = 0, average = 0;
};

/// A table told at a node, without the classes that hide nobody.
struct Measured {
    Node node;
    std::uint64_t persons = 0, suppressed = 0;                                // told; not told
    std::uint64_t classes = 0, smallest = 0;                                  // 0 without persons
    std::uint64_t below_k = 0;                                                // persons in classes smaller than k
    std::uint64_t below_l = 0;                                                // persons in classes that tell a sensitive value
    std::vector<std::pair<std::string, std::array<std::uint64_t, 2>>> sizes;  // "5-9": classes, persons
    std::uint32_t least_distinct = 0;  // sensitive values of a class that has one that is not harmless
    double least_entropy_l = 0;        // exp of the smallest entropy of such a class
    double most_t = 0;                 // variational distance to the whole table
    double loss = 0;                   // share of the information of the quasi-identifiers that is gone, 0 to 1
    Risks prosecutor;                  // knows that somebody is in the release
    Risks journalist;                  // does not
    double marketer = 0;               // share of persons found when all are looked for
};

struct Found {
    Measured before, after;  // as it was, nothing suppressed; as it goes out
    bool reached = false;
    std::vector<Node> minimal;  // all of them
    std::size_t nodes = 0, tried = 0;
};

/// Tells which combinations are suppressed at a node.
class Judge {
public:
    Judge(const Table& table, const Goals& goals);
    Measured measure(const Node& node, bool suppress) const;
    /// The minimal node that loses least; when none reaches the goals, the top one.
    Found search() const;
    /// One for each tuple: its class is smaller than k or tells what it must not.
    std::vector<bool> suppressed(const Node& node) const;

private:
    struct Class {
        std::uint64_t released = 0, all = 0;
        std::vector<std::uint32_t> values;
    };
    std::vector<Class> classes(const Node& node, std::vector<std::uint32_t>* of_tuple = nullptr) const;
    bool is_open(const Class& one) const;  // must not be told
    bool reaches(const Node& node) const;
    double loss_of(const Node& node) const;

    const Table& table_;
    const Goals goals_;
    std::vector<std::vector<std::vector<std::uint16_t>>> levels_;  // quasi, level, code → code at that level
    std::vector<std::vector<double>> losses_;                      // quasi, level
};

/// What goes with a release.
struct Release {
    std::string name, edition, key_mark, made_at;  // made_at: an instant
    std::uint64_t left_out = 0;                    // resources
    std::uint64_t rare_codes = 0;                  // categories of diagnoses that are not told
    bool persons_joined = false;                   // several Patients of one person counted once
};
json::Value report_json(const Rules& rules, const Found& found, const Release& release, json::Arena& arena);
/// One page, in Chinese and English, without scripts and anything from elsewhere.
std::string report_page(const Rules& rules, const Found& found, const Release& release);
/// "" when it may go out.
std::string why_not(const Rules& rules, const Found& found);

}  // namespace xinglin::anonymity
