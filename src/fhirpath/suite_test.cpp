// SPDX-License-Identifier: Apache-2.0
// The published test-suite, as far as we have it.
#include "fhirpath/suite.h"

#include <gtest/gtest.h>

#include "testing/conformance.h"
#include "testing/testing.h"

namespace xinglin::fhirpath {
namespace {

TEST(OfficialSuite, PassesEveryCaseInTheTestdata) {
    const auto result = run_suite(std::filesystem::path(XINGLIN_SOURCE_DIR) / "src/fhirpath/testdata/tests-fhir-r4-half.xml");
    ASSERT_TRUE(result.ok()) << result.outcome().line();
    for (const std::string& failure : result->failures) ADD_FAILURE() << failure;
    EXPECT_EQ(result->passed, 465);
    testing::report({"FHIRPath N1 on FHIR R4", "FHIR/fhir-test-cases, half of tests-fhir-r4.xml (src/fhirpath/testdata)",
                     static_cast<std::size_t>(result->passed) + result->failures.size(), static_cast<std::size_t>(result->passed),
                     result->failures});
}

}  // namespace
}  // namespace xinglin::fhirpath
