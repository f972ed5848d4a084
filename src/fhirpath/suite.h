// SPDX-License-Identifier: Apache-2.0
// Runs a test file in the format of the official FHIRPath test-suite.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "outcome/outcome.h"

namespace xinglin::fhirpath {

struct SuiteResult {
    int passed = 0;
    int failed = 0;
    std::vector<std::string> failures;  // "group/test: what differed"
};

/// Inputs are looked for beside the file (or in `inputs` below it), as .xml or .json. Refuses a file that is none.
Result<SuiteResult> run_suite(const std::filesystem::path& file);

}  // namespace xinglin::fhirpath
