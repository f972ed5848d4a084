// SPDX-License-Identifier: Apache-2.0
// A resource made ready outside the writer: its text, its compressed body and what the indexes will say, as plain data.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "record/body.h"
#include "record/layout.h"
#include "record/record.h"

namespace xinglin::record {

/// A piece of Draft::pool.
struct Piece {
    std::uint32_t at = 0, size = 0;
};

struct DraftTerm {
    std::int64_t space;
    Piece norm, extra, text;  // text: folded display, may be empty
};
struct DraftReference {
    std::int64_t pid, tid;
    Piece id;  // the target's logical id
};
struct DraftNumber {
    std::int64_t pid;
    double low, high;
    Piece unit, system;  // both empty: a plain number
};

struct Draft {
    std::string pool;
    std::vector<DraftTerm> terms;
    std::vector<DraftReference> references;
    std::vector<DateRow> dates;  // rid 0
    std::vector<DraftNumber> numbers;
    std::uint64_t present = 0;
    Piece patient;  // id of the Patient whose compartment it belongs to; empty for none

    std::string_view view(Piece piece) const { return std::string_view(pool).substr(piece.at, piece.size); }
};

/// What `resource` says to every search parameter of its type.
Draft draft_of(const Numbers& numbers, const fhir::Type& type, json::Value resource, std::int16_t offset_minutes);

struct Prepared::Inside {
    const fhir::Type* type;
    std::int64_t tid;
    std::string id;
    BodyText body;
    std::string frame;
    Draft draft;
};

}  // namespace xinglin::record
