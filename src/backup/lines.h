// SPDX-License-Identifier: Apache-2.0
// Versions as packed lines (NDJSON, gzip), one object each, in feed order. Inside the room only.
#pragma once

#include "backup/backup.h"

namespace xinglin::backup {

constexpr const char* lines_name = "changes.ndjson.gz";

/// Writes what `source` has after `after`, up to `upto`. Throws sql::Broken when the disk refuses or a version is damaged.
void write_lines(const fs::path& file, const Source& source, record::Position after, record::Position upto,
                 const std::function<void(record::Position)>& progress);
std::string line_of(const record::Change& change);
Result<record::Change> change_of(std::string_view line);
/// Reads them back; `each` may refuse. Refuses what is no such line, naming file and line.
Result<Done> read_lines(const fs::path& file, const std::function<Result<bool>(record::Change)>& each);

}  // namespace xinglin::backup
