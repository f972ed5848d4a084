// SPDX-License-Identifier: Apache-2.0
// Our own profiles in content/profiles: each with cases that are right and cases that are wrong, and what is wrong with them.
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "calendar/calendar.h"
#include "profile/profile.h"
#include "terminology/terminology.h"
#include "testing/testing.h"

namespace xinglin::profile {
namespace {

const std::filesystem::path folder = std::filesystem::path(XINGLIN_SOURCE_DIR) / "content/profiles";

class National : public ::testing::Test {
protected:
    static void SetUpTestSuite() {
        files_ = new content::Files;
        clock_ = new calendar::SystemClock;
        terminology_ = new terminology::Terminology(*files_, *clock_);
        auto book = built_in(*files_);
        ASSERT_TRUE(book.ok()) << book.outcome().line();
        book_ = new Book(std::move(*book));
    }
    static void TearDownTestSuite() {
        delete book_;
        delete terminology_;
        delete clock_;
        delete files_;
    }

    static Ask ask() {
        Ask made;
        made.member_of = [](std::string_view set, std::string_view system, std::string_view code) {
            return terminology_->has(set, system, code);
        };
        return made;
    }
    static std::set<std::string> errors(json::Value resource) {
        std::set<std::string> found;
        for (const Issue& issue : book_->check(resource, ask()).issues) {
            if (issue.severity == Severity::error) found.insert(issue.key + " " + issue.where);
            EXPECT_FALSE(issue.what_zh.empty()) << issue.what;
        }
        return found;
    }
    static json::Value read(const std::filesystem::path& path, json::Arena& arena) {
        auto value = json::parse(testing::read_file(path), arena);
        EXPECT_TRUE(value.ok()) << path;
        return value.ok() ? *value : json::Value();
    }

    static inline content::Files* files_ = nullptr;
    static inline calendar::SystemClock* clock_ = nullptr;
    static inline terminology::Terminology* terminology_ = nullptr;
    static inline Book* book_ = nullptr;
};

TEST_F(National, ProfilesAreValidStructureDefinitionsThemselves) {
    std::size_t profiles = 0, extensions = 0;
    for (const Card& card : book_->cards()) {
        (card.is_extension ? extensions : profiles) += 1;
        EXPECT_FALSE(card.title_zh.empty()) << card.url;
        const json::Value definition = book_->definition(card.url);
        EXPECT_TRUE(fhir::validate(definition).ok()) << card.url << fhir::validate(definition).line();
        for (const Issue& issue : book_->check(definition, {.claims = false, .everything = false}).issues)
            ADD_FAILURE() << card.url << " " << issue.where << ": " << issue.what;
    }
    EXPECT_EQ(profiles, 13u);
    EXPECT_EQ(extensions, 12u);
}

TEST_F(National, CasesThatAreRightPassAndCasesThatAreWrongNameTheirFault) {
    std::size_t right = 0, wrong = 0;
    for (const auto& each : std::filesystem::directory_iterator(folder / "cases")) {
        json::Arena arena;
        const json::Value expected = read(each.path() / "expected.json", arena);
        for (const auto& path : testing::files_below(each.path() / "valid", ".json")) {
            const json::Value resource = read(path, arena);
            EXPECT_TRUE(fhir::validate(resource).ok()) << path << fhir::validate(resource).line();
            EXPECT_EQ(errors(resource), std::set<std::string>()) << path;
            ++right;
        }
        for (const auto& path : testing::files_below(each.path() / "invalid", ".json")) {
            const json::Value resource = read(path, arena);
            const std::string name = "invalid/" + path.filename().string();
            std::set<std::string> wanted;
            for (const json::Node& node : expected[name].items()) wanted.emplace(json::Value(&node).string());
            EXPECT_FALSE(wanted.empty()) << path;
            EXPECT_EQ(errors(resource), wanted) << path;
            ++wrong;
        }
    }
    EXPECT_GE(right, 27u);
    EXPECT_GE(wrong, 70u);
}

// MOD 11-2 catches every single-digit typing error; so must the profile.
TEST_F(National, ResidentIdsWithOneDigitWrongAreRefused) {
    json::Arena arena;
    const json::Value patient = read(folder / "cases/patient/valid/usual.json", arena);
    const std::string valid = "11010519491231002X";  // the example printed in GB 11643-1999
    for (std::size_t position = 0; position < 17; ++position) {
        for (char digit = '0'; digit <= '9'; ++digit) {
            std::string typo = valid;
            typo[position] = digit;
            const json::Value identifier =
                arena.object({{"system", arena.string("urn:oid:2.16.156.10011.1.3")}, {"value", arena.string(typo)}});
            const json::Value changed = arena.with(patient, "identifier", arena.array({identifier}));
            EXPECT_EQ(errors(changed).empty(), typo == valid) << typo;
        }
    }
}

// The check character of GB 32100 catches every wrong character and every exchange of neighbours.
TEST_F(National, CreditCodesWithOneCharacterWrongAreRefused) {
    json::Arena arena;
    const json::Value organization = read(folder / "cases/organization/valid/usual.json", arena);
    const std::string valid = "91350100M000100Y43";  // the example of GB 32100-2015
    const std::string_view characters = "0123456789ABCDEFGHJKLMNPQRTUWXY";
    for (std::size_t position = 0; position < 18; ++position) {
        for (const char character : characters) {
            std::string typo = valid;
            typo[position] = character;
            const json::Value identifier =
                arena.object({{"system", arena.string("urn:xinglin:identifier:uscc")}, {"value", arena.string(typo)}});
            EXPECT_EQ(errors(arena.with(organization, "identifier", arena.array({identifier}))).empty(), typo == valid) << typo;
        }
    }
}

TEST_F(National, WarningsDoNotRefuse) {
    json::Arena arena;
    json::Value patient = read(folder / "cases/patient/valid/usual.json", arena);
    patient = arena.with(patient, "birthDate", arena.string("1950-01-01"));
    patient = arena.with(patient, "gender", arena.string("male"));
    std::set<std::string> warnings;
    const Outcome outcome = book_->check(patient, ask());
    EXPECT_TRUE(outcome.ok());
    for (const Issue& issue : outcome.issues) {
        if (issue.severity == Severity::warning) warnings.insert(issue.key);
    }
    EXPECT_EQ(warnings, (std::set<std::string>{"invariant:cn-pat-1", "invariant:cn-pat-2", "invariant:dom-6"}));
    const auto found = std::find_if(outcome.issues.begin(), outcome.issues.end(),
                                    [](const Issue& issue) { return issue.key == "invariant:cn-pat-1"; });
    EXPECT_EQ(words(*found, "zh-CN"), "不符合规则 cn-pat-1：出生日期与身份证号码中的出生日期不一致");
    EXPECT_EQ(words(*found, "en"), "breaks the rule cn-pat-1: birthDate differs from the birth date in the resident ID");
}

}  // namespace
}  // namespace xinglin::profile
