// SPDX-License-Identifier: Apache-2.0
// The committed tables and examples are what the generator makes of the published package, and the whole package is read.
//
// The package hl7.fhir.r4.examples 4.0.1 is 200 MB unpacked, so it is only looked for: in XINGLIN_R4_PACKAGE (its inner
// folder `package`) or in node_modules.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>

#include "fhir/fhir.h"
#include "testing/testing.h"

namespace xinglin::fhir {
namespace {

namespace fs = std::filesystem;

fs::path package() {
    if (const char* named = std::getenv("XINGLIN_R4_PACKAGE")) return named;  // NOLINT(concurrency-mt-unsafe)
    for (const char* folder : {"node_modules", "web/node_modules"}) {
        fs::path place = fs::path(XINGLIN_SOURCE_DIR) / folder / "hl7.fhir.r4.examples";
        if (fs::exists(place / "package.json")) return place;
    }
    return {};
}

TEST(Generator, MakesTheCommittedFilesByteForByte) {
    if (package().empty()) GTEST_SKIP() << "hl7.fhir.r4.examples is not here; name its folder in XINGLIN_R4_PACKAGE";
    const fs::path root = XINGLIN_SOURCE_DIR;
    const testing::ScratchFolder scratch;
    const std::string command = "python3 '" + (root / "tools/fhir_tables.py").string() + "' '" + package().string() + "' '" +
                                scratch.path().string() + "'";
    ASSERT_EQ(std::system(command.c_str()), 0);  // NOLINT(concurrency-mt-unsafe)
    for (const char* name :
         {"src/fhir/tables/r4.txt", "src/fhir/testdata/r4-examples.txt", "src/fhir/testdata/r4-examples.ndjson.gz"}) {
        // Packed files are compared unpacked: two versions of zlib may pack differently.
        EXPECT_EQ(testing::read_packed(root / name), testing::read_packed(scratch.path() / name)) << name;
    }
}

// Definitions of R4 that break R4's own definitions, with the number of faults.
const std::map<std::string, std::size_t> faulty_definitions = {
    {"ImplementationGuide-fhir.json", 3},  // no name, no status, an id too long
    {"ig-r4.json", 3},
    {"SearchParameter-codesystem-extensions-CodeSystem-author.json", 1},  // no base
    {"SearchParameter-codesystem-extensions-CodeSystem-effective.json", 1},
    {"SearchParameter-codesystem-extensions-CodeSystem-end.json", 1},
    {"SearchParameter-codesystem-extensions-CodeSystem-keyword.json", 1},
    {"SearchParameter-codesystem-extensions-CodeSystem-workflow.json", 1},
    {"SearchParameter-valueset-extensions-ValueSet-author.json", 1},
    {"SearchParameter-valueset-extensions-ValueSet-effective.json", 1},
    {"SearchParameter-valueset-extensions-ValueSet-end.json", 1},
    {"SearchParameter-valueset-extensions-ValueSet-keyword.json", 1},
    {"SearchParameter-valueset-extensions-ValueSet-workflow.json", 1},
    {"SearchParameter-questionnaireresponse-extensions-QuestionnaireResponse-item-subject.json", 1},  // id too long
    {"DeviceMetric-example.json", 1},                                                                 // see examples_test.cpp
    {"DeviceUseStatement-example.json", 1},
    {"MedicationRequest-medrx0301.json", 1},
    {"Observation-clinical-gender.json", 1},
    {"Questionnaire-qs1.json", 32},
    {"package.json", 1},  // no resource
};

TEST(Package, IsValidAndComesBackFromXmlButForKnownFaults) {
    if (package().empty()) GTEST_SKIP() << "hl7.fhir.r4.examples is not here; name its folder in XINGLIN_R4_PACKAGE";
    json::Arena arena;
    std::size_t files = 0;
    for (const fs::path& path : testing::files_below(package(), ".json")) {
        const std::string name = path.filename().string();
        std::string text = testing::read_file(path);
        if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
        arena.clear();
        const auto parsed = json::parse(text, arena, {.bytes = 1u << 28});
        ASSERT_TRUE(parsed.ok()) << name << parsed.outcome().line();
        const Outcome outcome = validate(*parsed);
        const auto known = faulty_definitions.find(name);
        EXPECT_EQ(outcome.issues.size(), known == faulty_definitions.end() ? 0 : known->second) << name << " " << outcome.line();
        ++files;
        if (text.size() > 4'000'000 || name == "package.json") continue;  // time
        const auto back = from_xml(to_xml(*parsed), arena);
        ASSERT_TRUE(back.ok()) << name << back.outcome().line();
        EXPECT_TRUE(json::same_content(*parsed, *back)) << name;
    }
    EXPECT_EQ(files, 5307u);
}

}  // namespace
}  // namespace xinglin::fhir
