// SPDX-License-Identifier: Apache-2.0
// Which value is held true, and who told it.
#include <gmock/gmock.h>

#include <fstream>

#include "person/survivor.h"
#include "testing/testing.h"

namespace xinglin::person {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SurvivorTest : public ::testing::Test {
protected:
    json::Arena arena;
    Survivorship rules = Survivorship::read(content::Files()).value();
    std::vector<Telling> tellings;

    void tell(std::string id, std::int64_t at_ms, std::string_view members) {
        const auto parsed = json::parse(arena.keep(R"({"resourceType":"Patient")" + std::string(members) + "}"), arena);
        ASSERT_TRUE(parsed.ok()) << members;
        tellings.push_back({.patient = id, .source = id, .format = "hl7v2", .at_ms = at_ms, .resource = *parsed});
    }
    Survivor of(std::string_view field) {
        for (Survivor& each : rules.of(tellings))
            if (each.field == field) return each;
        return {};
    }
};

TEST(SurvivorshipContent, TheExamplesOfTheContentComeOutAsTheySay) {
    std::vector<content::Complaint> complaints;
    std::size_t checked = 0;
    check_survivorship(content::Files::over(XINGLIN_SOURCE_DIR "/content").value(), complaints, checked);
    for (const content::Complaint& each : complaints) ADD_FAILURE() << each.file << ' ' << each.where << ": " << each.what;
    EXPECT_GE(checked, 2u);
}

TEST(SurvivorshipContent, WhatIsWrongInAFileIsNamed) {
    const auto outcome_of = [](std::string_view text) {
        xinglin::testing::ScratchFolder folder;
        std::filesystem::create_directories(folder.path() / "persons");
        std::ofstream(folder.path() / "persons/survivorship.json") << text;
        const auto read = Survivorship::read(content::Files::over(folder.path()).value());
        return read.ok() ? std::string() : read.outcome().line();
    };
    EXPECT_THAT(outcome_of("{"), HasSubstr("no JSON"));
    EXPECT_THAT(outcome_of("{}"), HasSubstr("fields"));
    EXPECT_THAT(outcome_of(R"({"fields":{"shoe":{"rules":["newest"]}}})"), HasSubstr("fields.shoe"));
    EXPECT_THAT(outcome_of(R"({"fields":{"name":{"rules":["loudest"]}}})"), HasSubstr("fields.name.rules"));
    EXPECT_THAT(outcome_of(R"({"fields":{"name":{"rules":[]}}})"), HasSubstr("fields.name.rules"));
    EXPECT_THAT(outcome_of(R"({"fields":{"name":{"rules":["kinds"],"kinds":["king"]}}})"), HasSubstr("fields.name.kinds"));
    EXPECT_THAT(outcome_of(R"({"kinds":[{"kind":"a"}]})"), HasSubstr("kinds"));
}

TEST_F(SurvivorTest, AValueSaysWhoToldItTheNewestFirstAndWhatElseWasSaid) {
    tell("a", 1, R"(,"name":[{"text":"张伟"}])");
    tell("b", 3, R"(,"name":[{"text":"张 伟"}])");
    tell("c", 2, R"(,"name":[{"text":"章伟"}])");
    const Survivor name = of("name");
    EXPECT_EQ(name.value, "张伟");
    EXPECT_EQ(name.because, "frequent");
    EXPECT_THAT(name.by, ElementsAre(1u, 0u));
    ASSERT_EQ(name.others.size(), 1u);
    EXPECT_EQ(name.others[0].value, "章伟");
    EXPECT_THAT(name.others[0].by, ElementsAre(2u));
}

TEST_F(SurvivorTest, WhatNobodyTellsIsLeftOutAndNothingHostileHurts) {
    EXPECT_THAT(rules.of({}), IsEmpty());
    tell(
        "a", 1,
        R"(,"name":"x","gender":7,"identifier":[1,{"system":"urn:oid:2.16.156.10011.1.3"}],"telecom":{},"address":[null],"deceasedBoolean":"yes")");
    tell("b", 1, R"(,"gender":"unknown","birthDate":"")");
    EXPECT_THAT(rules.of(tellings), IsEmpty());
    std::string many;
    for (int i = 0; i < 5'000; ++i)
        many += fmt::format(R"({}{{"system":"phone","value":"1601111{:04}"}})", i ? "," : "", i % 10'000);
    tell("c", 1, ",\"telecom\":[" + many + "]");
    EXPECT_EQ(of("phone").others.size(), 19u);
}

TEST_F(SurvivorTest, TheOrderInWhichRecordsCameDecidesOnlyWhenNothingElseDoes) {
    tell("a", 1, R"(,"maritalStatus":{"text":"未婚"})");
    tell("b", 1, R"(,"maritalStatus":{"text":"已婚"})");
    EXPECT_EQ(of("marital").because, "first");
    EXPECT_EQ(of("marital").value, "未婚");
}

}  // namespace
}  // namespace xinglin::person
