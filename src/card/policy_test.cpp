// SPDX-License-Identifier: Apache-2.0
// The policy does what its cases say, and refuses by name what is wrong.
#include "card/policy.h"

#include <gmock/gmock.h>

#include <fstream>

#include "testing/testing.h"

namespace xinglin::card {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<content::Complaint> check(const content::Files& files) {
    std::vector<content::Complaint> complaints;
    std::size_t checked = 0;
    check_shelf(files, complaints, checked);
    EXPECT_GT(checked, 0u);
    return complaints;
}

/// The policy with one thing replaced, laid over the built-in content.
content::Files with(const testing::ScratchFolder& folder, const std::string& from, const std::string& to) {
    std::string text = *content::Files().read("card/policy.json");
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    std::filesystem::create_directories(folder.path() / "card");
    std::ofstream(folder.path() / "card/policy.json") << text;
    std::filesystem::copy(std::string(XINGLIN_SOURCE_DIR) + "/content/card/cases", folder.path() / "card/cases");
    return *content::Files::over(folder.path());
}

TEST(CardPolicy, DoesWhatItsCasesSay) {
    for (const auto& each : check(*content::Files::over(XINGLIN_SOURCE_DIR "/content")))
        ADD_FAILURE() << each.file << ": " << each.where << ": " << each.what;
}

TEST(CardPolicy, CaseThatComesOutOtherwiseIsTold) {
    const testing::ScratchFolder folder;
    const auto complaints = check(with(folder, "\"lifetime_seconds\": 60", "\"lifetime_seconds\": 600"));
    ASSERT_FALSE(complaints.empty());
    EXPECT_THAT(complaints.front().what, HasSubstr("expected expired"));
}

TEST(CardPolicy, RefusesByNameWhatIsWrong) {
    const std::pair<const char*, const char*> wrong[] = {
        {"\"ES256\"", "\"RS256\""},
        {"\"130300\"", "\"13030\""},
        {"\"lifetime_seconds\": 60", "\"lifetime_seconds\": 0"},
        {"\"lifetime_seconds\": 60", "\"lifetime_seconds\": 60.5"},
        {"\"clock_tolerance_seconds\": 15", "\"clock_tolerance_seconds\": 3600"},
        {"\"self_issue\": true", "\"self_issue\": 1"},
        {"\"publish_ahead_hours\": 48", "\"publish_ahead_hours\": 1"},
        {"\"below_age\": 14", "\"below_age\": 13"},
        {"\"below_age\": 200", "\"below_age\": 100"},
        {"{", "["},
    };
    for (const auto& [from, to] : wrong) {
        const testing::ScratchFolder folder;
        const auto policy = Policy::read(with(folder, from, to));
        ASSERT_FALSE(policy.ok()) << to;
        EXPECT_THAT(policy.outcome().line(), HasSubstr("card/policy.json"));
    }
}

TEST(CardPolicy, FamilyCardsEndOnABirthdayThatThereIs) {
    const auto policy = Policy::read(content::Files());
    ASSERT_TRUE(policy.ok());
    FamilyAsked asked{.birth = "2012-02-29", .holder_birth = "1980-01-01", .consent = false, .today = {2025, 12, 1}};
    EXPECT_EQ(*family_end(*policy, asked), "2026-02-28");
    asked = {.birth = "2020-02-29", .holder_birth = "1980-01-01", .consent = false, .today = {2024, 2, 29}};
    EXPECT_EQ(*family_end(*policy, asked), "2027-02-28");
    asked.birth = "2020";
    EXPECT_FALSE(family_end(*policy, asked).ok());
    asked.birth = "2030-01-01";
    EXPECT_FALSE(family_end(*policy, asked).ok());
    asked = {.birth = "2020-02-29", .holder_birth = "", .consent = false, .today = {2024, 2, 29}};
    EXPECT_FALSE(family_end(*policy, asked).ok());
}

TEST(CardPolicy, DaysAreThoseOfTheRegion) {
    EXPECT_EQ(day_text(day_of(1'795'305'600'000)), "2026-11-22");
    EXPECT_EQ(day_text(day_of(1'795'305'600'000 + 16 * 3'600'000)), "2026-11-23");
    EXPECT_EQ(day_text(day_of(-1)), "1970-01-01");
}

}  // namespace
}  // namespace xinglin::card
