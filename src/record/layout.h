// SPDX-License-Identifier: Apache-2.0
// The record's tables and the numbers in them. Inside the room only.
//
// rid = ordinal << 20 | number. A patient has an ordinal of its own, from 4096 up, so that what concerns one person lies
// together on disk; resources in no patient's compartment share the ordinals below. A rid is given at first mention (as
// id or as reference target) and is only ever a place, never a fact: compartments are read from the reference rows.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "fhir/fhir.h"
#include "search/search.h"
#include "sql/sealed_values.h"
#include "sql/sql.h"

namespace xinglin::record {

constexpr int rid_bits = 20;
constexpr std::int64_t first_patient_ordinal = 4096;
constexpr std::int64_t ordinal_of(std::int64_t rid) { return rid >> rid_bits; }

// Four spaces of terms per parameter.
enum class Space : int { value = 0, reference_identifier = 1, url = 2, unit = 3 };
constexpr std::int64_t space(std::int64_t pid, Space which) { return pid * 4 + static_cast<int>(which); }
constexpr std::int64_t unit_space = 3;  // pid 0: units are one dictionary for all parameters

// Date rows longer than a day are kept apart, so that a range can be bounded from both sides.
constexpr std::int64_t short_span_ms = 86'400'000;
constexpr std::int64_t date_key(std::int64_t pid, bool is_long) { return pid * 2 + (is_long ? 1 : 0); }

// A span of 1 s is stored as 0 and 1 ms as 1: SQLite keeps those two in no bytes at all.
constexpr std::int64_t pack_span(std::int64_t ms) { return ms == 1000 ? 0 : ms == 1 ? 1 : ms + 1; }
constexpr std::int64_t unpack_span(std::int64_t packed) { return packed == 0 ? 1000 : packed == 1 ? 1 : packed - 1; }

enum Flags : std::int64_t { flag_deleted = 1, flag_created = 2 };
// Whether a version came by create is said twice, so that a flipped bit shows.
constexpr std::int64_t came_by_create = flag_created | 4, came_otherwise = 8;
constexpr bool is_known_flags(std::int64_t flags) {
    const std::int64_t came = flags & ~std::int64_t{flag_deleted};
    return came == came_by_create || came == came_otherwise;
}

/// Stored numbers of types and parameters; the same for the life of a store, whatever the build.
struct Numbers {
    std::unordered_map<const fhir::Type*, std::int64_t> of_type;
    std::unordered_map<std::int64_t, const fhir::Type*> type_of;
    std::vector<std::int64_t> of_parameter;  // by search::Parameter::index
    /// Parameters whose targets are the patients a resource belongs to: those of the patient compartment, and what other types call
    /// patient, subject, for.
    std::unordered_set<std::int64_t> owner_pids;

    std::int64_t tid(const fhir::Type& type) const { return of_type.at(&type); }
    std::int64_t pid(const search::Parameter& parameter) const { return of_parameter[parameter.index]; }
};

/// Makes or upgrades the tables and loads (completing) the numbers. Throws sql::Broken (corrupt) when those of the store
/// are not what they were.
Numbers prepare_tables(sql::Connection& connection, const std::shared_ptr<sql::Values>& values = nullptr);
/// As they are; for who must not write.
Numbers read_numbers(sql::Connection& connection);
/// Tables and indexes of an SQLite file that are declared otherwise than this program declares them.
std::vector<std::string> schema_problems(sql::Connection& connection);

std::string seal_of_dictionary(std::int64_t tid, std::string_view bytes);
/// The seal a dictionary must have; "" when it has none.
std::string dictionary_seal(sql::Connection& connection, std::int64_t number);
/// Gives each dictionary that has none its seal.
void seal_dictionaries(sql::Connection& connection, const std::shared_ptr<sql::Values>& values);
/// Of the numbers of types and parameters, which every row relies on.
std::string catalogue_seal(sql::Connection& connection);
/// Finds a term; and what PostgreSQL's index, which holds the beginnings, wants to be told besides.
constexpr std::string_view same_term =
    "SELECT term FROM record_term WHERE space = ? AND norm = ? AND extra = ? /*pg AND substr(norm, 1, 480) = substr(?2, 1, "
    "480)*/";

/// A resource's logical id as key: 16 bytes for a lower-case UUID, else its text.
std::string id_key(std::string_view id);
std::string id_of_key(std::string_view key);

// ---- index rows -----------------------------------------------------------------------------------------------------

struct PostingRow {
    std::int64_t term, rid;
    auto operator<=>(const PostingRow&) const = default;
};
struct ReferenceRow {
    std::int64_t target, pid, rid;
    auto operator<=>(const ReferenceRow&) const = default;
};
struct DateRow {
    std::int64_t key, low, span, rid;
    auto operator<=>(const DateRow&) const = default;
};
struct NumberRow {
    std::int64_t pid;  // negative for intervals, which are kept apart from points
    double low, high;
    std::int64_t unit, rid;  // unit: term in unit_space; 0 for plain numbers
    auto operator<=>(const NumberRow&) const = default;
};

struct Rows {
    std::vector<PostingRow> postings;
    std::vector<ReferenceRow> references;
    std::vector<DateRow> dates;
    std::vector<NumberRow> numbers;

    std::size_t size() const { return postings.size() + references.size() + dates.size() + numbers.size(); }
    void sort_unique();
    void clear();
};

}  // namespace xinglin::record
