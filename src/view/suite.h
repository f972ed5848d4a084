// SPDX-License-Identifier: Apache-2.0
// Runs a test file in the format of the official SQL on FHIR tests.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "outcome/outcome.h"
#include "view/view.h"

namespace xinglin::view {

struct SuiteResult {
    struct Case {
        std::string title;
        bool passed = false;
        std::string reason;  // why it failed
    };
    std::string title;
    std::vector<Case> cases;
    int passed = 0, failed = 0;
};

/// `text`: {"title", "resources": […], "tests": [{"title", "view", "expect" | "expectError" | "expectColumns" | "expectCount"}]}.
Result<SuiteResult> run_suite(std::string_view text);
/// Runs `view` over the resources of a case, {"resources": […], "expect": [row, …]}; "" when the rows are those expected.
std::string judge_case(const Definition& view, std::string_view text);
/// The report of the official format: {FILE: {"tests": [{"name", "result": {"passed", "reason"}}]}}.
std::string report(const std::vector<std::pair<std::string, SuiteResult>>& files);

}  // namespace xinglin::view
