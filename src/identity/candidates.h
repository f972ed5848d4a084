// SPDX-License-Identifier: Apache-2.0
// Which pairs are worth comparing: records that agree in two things, under rules chosen by what they cost.
#pragma once

#include "identity/records.h"

namespace xinglin::identity {

struct Candidates {
    std::vector<std::uint64_t> pairs;  // a << 32 | b with a < b, sorted, each once
    std::uint32_t rules = 0;
};

/// A rule is a pair of atoms (a value, its sound, a part of it) of two fields. All rules are counted on the records
/// themselves; the cheapest are taken until `per_record` pairs a record are spent. A block that is too large is cut by a third
/// atom, so that ten thousand people of one name cost no more than others.
Candidates candidates(const Records& records, std::uint32_t first_of_other, std::uint32_t per_record, unsigned threads);

}  // namespace xinglin::identity
