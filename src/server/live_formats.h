// SPDX-License-Identifier: Apache-2.0
// Inside the room: the formats that messages from outside may have, each read by its own room.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "content/content.h"
#include "intake/intake.h"
#include "table/mapping.h"

namespace xinglin::server {

/// The JSON of a mapping as it is now; nothing when there is none of this name.
using MappingText = std::function<std::optional<std::string>(std::string_view name)>;
/// Those saved in DATA/mappings, then those of content. `content` outlives what is returned.
MappingText mapping_text(const std::filesystem::path& data, const content::Files& content);

/// Refuses when a table in content cannot be read. `lookup` is asked from many threads at once.
Result<std::vector<intake::Format>> live_formats(const content::Files& content, const MappingText& mappings,
                                                 const table::Lookup& lookup);
/// csv, xlsx and cda.
Result<Done> add_table_formats(const content::Files& content, const MappingText& mappings, const table::Lookup& lookup,
                               std::vector<intake::Format>& all);

}  // namespace xinglin::server
