// SPDX-License-Identifier: Apache-2.0
// Which records are of one person: record linkage without labels, over columns that are known by their role only.
//
// Fellegi and Sunter, "A theory for record linkage" (1969): every field of a pair is compared in levels, each level weighs
// log(m/u). m and the share of matches are learned by EM (Winkler 1988), u from pairs taken at random, and what agrees weighs
// by how rare it is. A third class beside "same" and "strangers" are kin: people of one household, who share address, phone
// and family name. Clusters are joined only while all their pairs together speak for it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "outcome/outcome.h"

namespace xinglin::identity {

class Wording;

enum class Role : std::uint8_t {
    name_full,
    name_given,
    name_family,
    birth_date,
    sex,
    national_id,
    phone,
    address,
    address_number,
    postcode,
    place,
    occupation,
    text
};

/// "name.given" and so on, as a column map says it.
std::optional<Role> role_of(std::string_view name);
std::string_view name_of(Role role);

constexpr std::size_t most_columns = 15;

struct ColumnName {
    std::string name;
    Role role;
};

/// Records as they were written, kept normalised and column by column; a record is known by its number, from 0.
class Records {
public:
    /// At most most_columns. `wording`: what is written in several ways and means one.
    explicit Records(std::vector<ColumnName> columns, std::shared_ptr<const Wording> wording = nullptr);
    ~Records();
    Records(Records&&) noexcept;

    /// `values` in the order of the columns; empty ones are missing.
    void add(std::span<const std::string_view> values);
    std::uint32_t size() const;
    const std::vector<ColumnName>& columns() const { return columns_; }

    struct Inside;
    Inside& inside() const { return *inside_; }

private:
    std::vector<ColumnName> columns_;
    std::unique_ptr<Inside> inside_;
};

struct MatchOptions {
    double threshold = 0.5;
    double doubtful = 1;               // pairs of two clusters from this probability on are told too (Matches::doubtful); 1: none
    std::uint32_t first_of_other = 0;  // records from here on are the other file's: only pairs between the two; 0: one file
    unsigned threads = 0;              // 0: as many as there are processors
};

struct Pair {
    std::uint32_t a, b;  // a < b
    double probability;
};

/// What was learned of a field: the probability of each level among pairs of one person, of kin and of strangers.
struct LearnedField {
    std::string name;
    Role role;
    std::vector<double> same, kin, strangers;  // by level; level 0, missing, is not among them
};

struct Weight {
    std::string field, level;
    double weight;  // log2 of how much likelier it is of one person than of two
};

struct MatchFigures {
    std::uint64_t records = 0, candidates = 0, compared = 0;  // compared: with the pairs that clusters asked for
    std::uint64_t pairs = 0, clusters = 0;                    // at or above the threshold; of two records and more
    std::uint32_t rules = 0, largest_cluster = 1;
    double matches = 0, kin = 0;  // expected pairs
};

/// The result, with what it was learned from, so that a pair can be explained.
class Matches {
public:
    std::vector<Pair> pairs;             // at or above the threshold, by a, then b
    std::vector<Pair> doubtful;          // of two clusters, by their own evidence, by a, then b
    std::vector<std::uint32_t> cluster;  // of each record: the number of its first record
    std::vector<LearnedField> learned;
    MatchFigures figures;

    /// The weight of each field that both records have.
    std::vector<Weight> explain(const Records& records, std::uint32_t a, std::uint32_t b) const;
    /// log2 of the odds before anything is compared.
    double prior = 0;
    double same_share = 0, kin_share = 0;  // of all pairs there are
};

/// Takes about 400 bytes a record beside the records themselves. Deterministic, whatever the number of threads.
Matches match(const Records& records, const MatchOptions& options = {});

}  // namespace xinglin::identity
