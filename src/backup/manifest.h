// SPDX-License-Identifier: Apache-2.0
// Inside the room: writing the manifest, which is what makes a folder a backup.
#pragma once

#include "backup/backup.h"

namespace xinglin::backup {

constexpr const char* manifest_name = "manifest.json";
constexpr const char* views_name = "views";        // folder of saved definitions, in a data folder as in a backup
constexpr const char* mappings_name = "mappings";  // the same of mappings of tables
/// "views/NAME.json" or "mappings/NAME.json", and nothing that leads elsewhere.
bool is_saved(std::string_view name);
void write_manifest(const fs::path& folder, const Manifest& manifest, std::string_view program_version);

}  // namespace xinglin::backup
