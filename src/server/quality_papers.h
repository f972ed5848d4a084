// SPDX-License-Identifier: Apache-2.0
// Inside the room: figures of data quality as a workbook and as a letter.
#pragma once

#include "quality/letter.h"
#include "server/quality_report.h"
#include "server/small_counts.h"

namespace xinglin::server {

/// Sheets: summary, by data set, failing rules. The bytes of the file.
Result<std::string> quality_workbook(const QualityReport& report, const ShownCounts& shown, const std::string& language);
/// What the letter to an institution says; `all`: the same period without choosing one.
quality::Letter quality_letter(House& house, const QualityReport& all, const QualityInstitution& one,
                               const access::Viewer& viewer, const std::string& language);

}  // namespace xinglin::server
