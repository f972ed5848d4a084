// SPDX-License-Identifier: Apache-2.0
// Every published example of R4: each is valid, and comes back from XML as it went.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "fhir/fhir.h"
#include "testing/conformance.h"
#include "testing/testing.h"
#include "text/text.h"

namespace xinglin::fhir {
namespace {

const std::filesystem::path testdata = std::filesystem::path(XINGLIN_SOURCE_DIR) / "src/fhir/testdata";

struct Example {
    std::string_view name;  // "Patient-example"
    std::string_view text;
};

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    for (std::size_t end; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1))
        lines.push_back(text.substr(0, end));
    return lines;
}

std::vector<Example> examples() {
    static const std::string names = testing::read_file(testdata / "r4-examples.txt");
    static const std::string texts = testing::read_packed(testdata / "r4-examples.ndjson.gz");
    std::vector<Example> found;
    const auto name = lines_of(names), text = lines_of(texts);
    EXPECT_EQ(name.size(), text.size());
    for (std::size_t i = 0; i < name.size(); ++i) found.push_back({name[i], text[i]});
    return found;
}

std::string all_issues(const Outcome& outcome) {
    std::string text;
    for (const Issue& issue : outcome.issues) text += "\n  " + issue.where + ": " + issue.what;
    return text;
}

struct KnownFault {
    std::string_view example;
    std::string_view where;
};

// Published examples that break R4's own definitions, with the first element that does.
constexpr KnownFault known_faults[] = {
    {"DeviceMetric-example", "DeviceMetric.parent.reference"},                          // a DeviceMetric where R4 allows a Device
    {"DeviceUseStatement-example", "DeviceUseStatement.reasonReference[0].reference"},  // a Procedure, where only findings may be
    {"MedicationRequest-medrx0301", "MedicationRequest.dispenseRequest.performer.reference"},  // not an Organization
    {"Observation-clinical-gender", "Observation.performer[0].reference"},                     // an Encounter
    {"Questionnaire-qs1", "Questionnaire.item[0].item[0].linkId"},  // items without their required linkId
};

TEST(Examples, AreValidButForFiveThatBreakTheDefinitions) {
    json::Arena arena;
    std::size_t valid = 0;
    std::vector<std::string> refused;
    for (const Example& example : examples()) {
        arena.clear();
        const auto parsed = json::parse(example.text, arena);
        ASSERT_TRUE(parsed.ok()) << example.name << parsed.outcome().line();
        const Outcome outcome = validate(*parsed);
        if (outcome.ok()) ++valid;
        else refused.push_back(std::string(example.name) + " breaks R4 itself: " + outcome.issues[0].where);
        const auto* fault = std::find_if(std::begin(known_faults), std::end(known_faults),
                                         [&](const KnownFault& known) { return known.example == example.name; });
        if (fault == std::end(known_faults)) {
            EXPECT_TRUE(outcome.ok()) << example.name << all_issues(outcome);
        } else {
            ASSERT_FALSE(outcome.ok()) << example.name;
            EXPECT_EQ(outcome.issues[0].where, fault->where);
        }
    }
    testing::report({"FHIR R4 examples: structure", "hl7.fhir.r4.examples 4.0.1", valid + refused.size(), valid, refused});
}

TEST(Examples, StandForEveryResourceTypeThatHasSome) {
    std::set<std::string_view> types;
    for (const Example& example : examples()) types.insert(example.name.substr(0, example.name.find('-')));
    std::vector<std::string_view> without;
    for (const Type* type : resources()) {
        if (!types.contains(type->name)) without.push_back(type->name);
    }
    EXPECT_EQ(without,
              (std::vector<std::string_view>{"Parameters", "SubstanceNucleicAcid", "SubstancePolymer", "SubstanceProtein",
                                             "SubstanceReferenceInformation", "SubstanceSourceMaterial"}));
}

TEST(Examples, ComeBackFromXmlIdentical) {
    json::Arena arena;
    std::size_t identical = 0, same_content = 0;
    for (const Example& example : examples()) {
        arena.clear();
        const auto before = json::parse(example.text, arena);
        ASSERT_TRUE(before.ok());
        for (const bool pretty : {false, true}) {
            const std::string xml = to_xml(*before, pretty);
            const auto after = from_xml(xml, arena);
            ASSERT_TRUE(after.ok()) << example.name << " " << after.outcome().line();
            EXPECT_TRUE(json::same_content(*before, *after)) << example.name << "\n" << json::write(*after).substr(0, 2000);
            if (pretty) continue;
            (json::identical(*before, *after) ? identical : same_content) += 1;
        }
    }
    EXPECT_EQ(identical, 796u);
    // Bundle-terminologies and Questionnaire-qs1 have their members in alphabetical order, and ValueSet-example-hierarchical
    // writes an extension's extensions before its url.
    EXPECT_EQ(same_content, 3u);
    testing::report({"FHIR R4 examples: JSON to XML and back",
                     "hl7.fhir.r4.examples 4.0.1",
                     identical + same_content,
                     identical + same_content,
                     {}});
}

// Whole patient records, made by Synthea: as large as a bundle gets in practice.
TEST(Samples, AreValidAndComeBackFromXmlIdentical) {
    auto paths = testing::files_below(std::filesystem::path(XINGLIN_SOURCE_DIR) / "content/samples", ".json.gz");
    ASSERT_GE(paths.size(), 5u);
    paths.resize(5);
    json::Arena arena;
    for (const auto& path : paths) {
        const std::string text = testing::read_packed(path);
        arena.clear();
        const auto before = json::parse(text, arena);
        ASSERT_TRUE(before.ok()) << path;
        EXPECT_EQ(all_issues(validate(*before)), "") << path;
        const auto after = from_xml(to_xml(*before), arena);
        ASSERT_TRUE(after.ok()) << path << after.outcome().line();
        EXPECT_TRUE(json::same_content(*before, *after)) << path;
    }
}

}  // namespace
}  // namespace xinglin::fhir
