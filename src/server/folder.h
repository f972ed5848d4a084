// SPDX-License-Identifier: Apache-2.0
// Inside the room: the data folder, before anything in it is opened.
#pragma once

#include <filesystem>

#include "outcome/outcome.h"

namespace xinglin::server {

/// Makes the folder when it is not there. Refuses what is not a folder, may not be written, or holds something else.
Result<Done> make_folder(const std::filesystem::path& folder);
/// For commands that need what is already there: refuses when there is no record in the folder.
Result<Done> find_folder(const std::filesystem::path& folder);
/// Absent, or a folder with nothing in it.
bool is_free(const std::filesystem::path& folder);

}  // namespace xinglin::server
