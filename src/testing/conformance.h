// SPDX-License-Identifier: Apache-2.0
// For tests only: a suite that others wrote reports how it went, for docs/conformance.md (tools/conformance.py).
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace xinglin::testing {

struct Conformance {
    std::string_view suite;   // "FHIRPath N1, tests-fhir-r4"
    std::string_view source;  // who wrote the cases and where they stand
    std::size_t cases = 0, passed = 0;
    std::vector<std::string> reasons;  // one for each case that did not pass: "name: why"
};

/// Call once a suite, at the end of the test that ran it; counts must be the same on every run.
inline void report(const Conformance& suite) {
    std::string text = std::string(suite.source) + '\n' + std::to_string(suite.cases) + '\n' + std::to_string(suite.passed);
    for (const std::string& reason : suite.reasons) text += '\n' + reason;
    ::testing::Test::RecordProperty("conformance " + std::string(suite.suite), text);
}

}  // namespace xinglin::testing
