// SPDX-License-Identifier: Apache-2.0
// Tables of records matched: `xinglin match`. A map says what each column is; pairs and clusters are written as CSV.
#pragma once

#include <filesystem>

#include "identity/match.h"

namespace xinglin::identity {

struct Linkage {
    std::filesystem::path input, other;  // CSV or XLSX with a header row; other: "" to find duplicates in input alone
    std::filesystem::path columns;       // {"id": "rec_id", "columns": {"given_name": "name.given", …}}
    std::filesystem::path pairs;         // id_a,id_b,probability; in one file id_a < id_b as text
    std::filesystem::path clusters;      // "" or id,cluster: every record, clusters numbered from 1 in order of appearance
    double threshold = 0.5;
    std::shared_ptr<const Wording> wording;  // what is written in several ways and means one; none: nullptr
    bool explain = false;  // a further column of pairs: {"prior": w, "fields": [{"field", "level", "weight"}, …]}, log2
};

/// What is wrong is refused by name: a file that is no table, a column that is not there, a role that is not known, an id
/// that is missing or stands twice. Nothing is written then.
Result<MatchFigures> link(const Linkage& linkage);

}  // namespace xinglin::identity
