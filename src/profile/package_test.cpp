// SPDX-License-Identifier: Apache-2.0
// The profiles and extensions that HL7 publishes with R4, against the examples that HL7 publishes with it.
//
// The package hl7.fhir.r4.examples is only looked for, as in src/fhir/generator_test.cpp.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>

#include "profile/profile.h"
#include "testing/testing.h"

namespace xinglin::profile {
namespace {

std::filesystem::path package() {
    const char* named = std::getenv("XINGLIN_R4_PACKAGE");  // NOLINT(concurrency-mt-unsafe)
    return named ? named : "";
}

constexpr std::string_view front = "http://hl7.org/fhir/StructureDefinition/";

struct Document {
    json::Arena arena;
    json::Value value;
    std::string name;
};

/// Every file of the package whose name begins so.
std::vector<std::unique_ptr<Document>> documents(std::string_view beginning) {
    std::vector<std::unique_ptr<Document>> found;
    for (const auto& path : testing::files_below(package(), ".json")) {
        const std::string name = path.stem().string();
        if (!name.starts_with(beginning)) continue;
        auto document = std::make_unique<Document>();
        const auto value = json::parse(testing::read_file(path), document->arena);
        if (!value.ok()) continue;
        document->value = *value;
        document->name = name;
        found.push_back(std::move(document));
    }
    return found;
}

std::vector<std::unique_ptr<Document>> published_profiles() {
    auto all = documents("StructureDefinition-");
    std::erase_if(all, [](const auto& each) { return each->value["derivation"].string() != "constraint"; });
    return all;
}

/// Published profiles that are wrong, or beyond us, with what is found.
const std::map<std::string, std::string> faulty_profiles = {
    {"catalog", "profile-slicing"},            // Composition.date is sliced without a discriminator, and cannot repeat
    {"codesystem-history", "profile-looser"},  // Extension.extension:revision allows no extensions, then asks for three
    {"example-composition",
     "profile-slicing"},  // told apart by an element of another profile (elementdefinition-profile-element)
    {"familymemberhistory-genetic", "profile-slicing"},  // relationship is sliced without a discriminator, and cannot repeat
};

TEST(Package, ProfilesOfR4CompileButFour) {
    if (package().empty()) GTEST_SKIP() << "hl7.fhir.r4.examples is not here; name its folder in XINGLIN_R4_PACKAGE";
    Book book;
    for (const auto& each : published_profiles()) ASSERT_TRUE(book.add(each->value, "package").ok());
    std::map<std::string, std::string> faulty;
    const auto cards = book.cards();
    EXPECT_EQ(cards.size(), 441u);
    for (const Card& card : cards) {
        if (card.fault) faulty[card.url.substr(front.size())] = card.fault->key;
    }
    EXPECT_EQ(faulty, faulty_profiles);
}

/// The specification itself: it uses its extensions more freely than they say.
bool is_definition(std::string_view type) {
    constexpr std::string_view types[] = {"CapabilityStatement", "CodeSystem",   "CompartmentDefinition", "ConceptMap",
                                          "ImplementationGuide", "NamingSystem", "OperationDefinition",   "SearchParameter",
                                          "StructureDefinition", "ValueSet"};
    return std::find(std::begin(types), std::end(types), type) != std::end(types);
}
const std::set<std::string> definitions_in_bundles = {
    "Bundle-dataelements", "Bundle-extensions",   "Bundle-profiles-others", "Bundle-resources",           "Bundle-searchParams",
    "Bundle-types",        "Bundle-v2-valuesets", "Bundle-v3-valuesets",    "Bundle-valueset-expansions", "Bundle-valuesets"};

TEST(Package, ExamplesSatisfyTheProfilesTheyClaim) {
    if (package().empty()) GTEST_SKIP() << "hl7.fhir.r4.examples is not here; name its folder in XINGLIN_R4_PACKAGE";
    Book book;
    for (const auto& each : published_profiles()) ASSERT_TRUE(book.add(each->value, "package").ok());
    std::map<std::string, std::set<std::string>> broken;
    std::size_t claims = 0;
    for (const auto& each : documents("")) {
        const std::string_view type = each->value["resourceType"].string();
        if (type.empty() || is_definition(type) || definitions_in_bundles.contains(each->name)) continue;
        claims += each->value["meta"]["profile"].size();
        for (const Issue& issue : book.check(each->value, {.everything = false}).issues)
            broken[each->name].insert(issue.key + " " + issue.where + " " + issue.what.substr(0, 160));
    }
    for (const auto& [name, keys] : broken) {
        std::string text;
        for (const auto& key : keys) text += "\n    " + key;
        ADD_FAILURE() << name << text;
    }
    EXPECT_EQ(claims, 13u);
}

// A snapshot written by HL7's tools and the differential laid over our tables must say the same of every example.
TEST(Package, SnapshotsAndDifferentialsAgree) {
    if (package().empty()) GTEST_SKIP() << "hl7.fhir.r4.examples is not here; name its folder in XINGLIN_R4_PACKAGE";
    const auto profiles = published_profiles();
    Book by_differential, by_snapshot;
    for (const auto& each : profiles) {
        ASSERT_TRUE(by_differential.add(each->value, "package").ok());
        const json::Value bare =
            each->arena.with(each->arena.with(each->value, "differential", {}), "baseDefinition",
                             each->arena.string(std::string(front) + std::string(each->value["type"].string())));
        ASSERT_TRUE(by_snapshot.add(bare, "package").ok());
    }
    std::size_t compared = 0, refused = 0;
    const auto found = [&](const Book& book, json::Value resource, std::string_view url) {
        std::set<std::string> issues;
        for (const Issue& issue :
             book.check(resource, {.profiles = {std::string(url)}, .claims = false, .everything = false}).issues)
            // A snapshot repeats R4's reference targets, and closes the slicing of value[x] where the type is refused anyway.
            if (issue.key != "reference" && issue.key != "slice") issues.insert(issue.key + " " + issue.where);
        return issues;
    };
    for (const auto& profile : profiles) {
        const std::string_view url = profile->value["url"].string(), type = profile->value["type"].string();
        if (type == "Extension" || faulty_profiles.contains(std::string(url.substr(front.size())))) continue;
        for (const auto& example : documents(std::string(type) + "-")) {
            if (example->value["resourceType"].string() != type) continue;
            const auto one = found(by_differential, example->value, url), other = found(by_snapshot, example->value, url);
            EXPECT_EQ(one, other) << url << " " << example->name;
            ++compared;
            refused += !one.empty();
        }
    }
    EXPECT_EQ(compared, 3659u);
    EXPECT_EQ(refused, 1249u);
}

}  // namespace
}  // namespace xinglin::profile
