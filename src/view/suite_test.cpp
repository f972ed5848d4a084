// SPDX-License-Identifier: Apache-2.0
// The official tests at hand (half of them; MIT), and our own in testdata/ for what the other half may ask.
#include "view/suite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/conformance.h"
#include "testing/testing.h"

namespace xinglin::view {
namespace {

struct Tally {
    std::size_t cases = 0, passed = 0;
    std::vector<std::string> reasons;
};

Tally run_all(const std::filesystem::path& folder) {
    Tally tally;
    for (const auto& file : testing::files_below(folder, ".json")) {
        const auto result = run_suite(testing::read_file(file));
        EXPECT_TRUE(result.ok()) << file;
        if (!result.ok()) continue;
        for (const auto& one : result->cases) {
            ++tally.cases;
            tally.passed += one.passed ? 1 : 0;
            if (!one.passed) tally.reasons.push_back(file.filename().string() + "/" + one.title + ": " + one.reason);
        }
    }
    EXPECT_THAT(tally.reasons, ::testing::IsEmpty());
    return tally;
}

TEST(OfficialSuite, PassesEveryCaseAtHand) {
    if (testing::shared_data().empty()) GTEST_SKIP() << "the official tests are not at hand";
    const Tally tally = run_all(testing::shared_data() / "sql-on-fhir");
    EXPECT_EQ(tally.passed, 77u);
    testing::report({.suite = "SQL on FHIR v2, half of the official tests",
                     .source = "FHIR/sql-on-fhir-v2, MIT",
                     .cases = tally.cases,
                     .passed = tally.passed,
                     .reasons = tally.reasons});
}

TEST(OwnSuite, PassesEveryCase) {
    EXPECT_EQ(run_all(std::filesystem::path(XINGLIN_SOURCE_DIR) / "src/view/testdata").passed, 137u);
}

}  // namespace
}  // namespace xinglin::view
