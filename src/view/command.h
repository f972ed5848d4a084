// SPDX-License-Identifier: Apache-2.0
// `xinglin view run`: rows of a view over a file of resources, or a test file.
#pragma once

#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

#include "view/view.h"

namespace xinglin::view {

struct RunCommand {
    std::filesystem::path view, resources;
    std::vector<std::filesystem::path> tests;
    std::string format = "ndjson";  // json, csv
    Environment environment;
};

/// Returns the exit status: 0 done, 1 refused (an invalid view, a resource it fails on, failing tests), 2 usage, 3 a file
/// that can't be read.
int run_command(const RunCommand& command, std::ostream& out, std::ostream& err);

}  // namespace xinglin::view
