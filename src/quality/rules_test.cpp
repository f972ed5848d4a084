// SPDX-License-Identifier: Apache-2.0
// The rules that come with the program do what their cases say; broken ones are refused by file and element.
#include "quality/rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "quality/shelf_check.h"
#include "terminology/terminology.h"
#include "testing/testing.h"

namespace xinglin::quality {
namespace {

Around around_of(const terminology::Terminology& terms) {
    Around around;
    around.knows_code = [&terms](std::string_view system, std::string_view code) {
        return terms.has(std::string(system) + "?fhir_vs", system, code);
    };
    around.member_of = [&terms](std::string_view value_set, std::string_view system, std::string_view code) {
        return terms.has(value_set, system, code);
    };
    return around;
}

TEST(QualityRules, ThatComeWithTheProgramDoWhatTheirCasesSay) {
    const auto files = content::Files::over(std::filesystem::path(XINGLIN_SOURCE_DIR) / "content");
    ASSERT_TRUE(files.ok());
    const calendar::SystemClock clock;
    const terminology::Terminology terms(*files, clock);
    std::vector<content::Complaint> complaints;
    std::size_t checked = 0;
    check_shelf(*files, around_of(terms), complaints, checked);
    for (const auto& each : complaints) ADD_FAILURE() << each.file << ": " << each.where << ": " << each.what;
    EXPECT_GT(checked, 40u);
}

TEST(QualityRules, AreTheSameWhenReadFromTheirText) {
    const auto book = Rulebook::read(content::Files());
    ASSERT_TRUE(book.ok()) << book.outcome().line();
    const auto again = Rulebook::parse(book->text());
    ASSERT_TRUE(again.ok()) << again.outcome().line();
    ASSERT_EQ(book->sets().size(), again->sets().size());
    for (std::size_t i = 0; i < book->sets().size(); ++i) {
        EXPECT_EQ(book->sets()[i].id, again->sets()[i].id);
        EXPECT_EQ(book->sets()[i].rules.size(), again->sets()[i].rules.size());
        EXPECT_EQ(book->sets()[i].hours, again->sets()[i].hours);
    }
    EXPECT_EQ(again->text(), book->text());
}

class Broken : public ::testing::Test {
protected:
    testing::ScratchFolder folder;
    std::string refusal(const std::string& set, const std::string& scoring = "") {
        std::filesystem::create_directories(folder.path() / "quality/sets");
        std::ofstream(folder.path() / "quality/sets/x.json") << set;
        if (!scoring.empty()) std::ofstream(folder.path() / "quality/scoring.json") << scoring;
        const auto book = Rulebook::read(content::Files::over(folder.path()).value());
        return book.ok() ? "" : book.outcome().line();
    }
};

TEST_F(Broken, IsRefusedByFileAndElement) {
    using ::testing::HasSubstr;
    EXPECT_THAT(refusal("{"), HasSubstr("quality/sets/x.json"));
    EXPECT_THAT(refusal(R"({"set":"y"})"), HasSubstr("name"));
    EXPECT_THAT(refusal(R"({"set":"x","name":{"zh-CN":"甲","en":"A"},"resource":"Nobody"})"), HasSubstr("resource"));
    const std::string head = R"({"set":"x","name":{"zh-CN":"甲","en":"A"},"resource":"Patient",)";
    EXPECT_THAT(refusal(head + R"("where":"gendre = 'male'","rules":[]})"), HasSubstr("where"));
    EXPECT_THAT(refusal(head + R"("rules":[]})"), HasSubstr("empty"));
    EXPECT_THAT(refusal(head + R"("colour":1,"rules":[]})"), HasSubstr("colour"));
    EXPECT_THAT(refusal(head + R"("timeliness":{"hours":24},"rules":[]})"), HasSubstr("event"));
    const auto limits = [&](const std::string& text) {
        return refusal(head + R"x("event":"deceased.ofType(dateTime)","timeliness":{"hours":24,"limits":)x" + text +
                       R"(,"name":{"zh-CN":"甲","en":"A"},"mend":{"zh-CN":"甲","en":"A"}},"rules":[]})");
    };
    EXPECT_THAT(limits("{}"), HasSubstr("timeliness.limits"));
    EXPECT_THAT(limits(R"([{"hours":2}])"), HasSubstr("timeliness.limits[0].when"));
    EXPECT_THAT(limits(R"x([{"hours":0,"when":"name.exists()"}])x"), HasSubstr("timeliness.limits[0].hours"));
    EXPECT_THAT(limits(R"x([{"hours":2,"when":"name.exists("}])x"), HasSubstr("timeliness.limits[0].when"));
    EXPECT_EQ(limits(R"x([{"hours":2,"when":"name.exists()"}])x"), "");
    const auto rule = [&](const std::string& text) { return refusal(head + "\"rules\":[{" + text + "}]}"); };
    const std::string words = R"("name":{"zh-CN":"甲","en":"A"},"mend":{"zh-CN":"甲","en":"A"})";
    EXPECT_THAT(rule(R"("id":"a","measure":"beauty",)" + words), HasSubstr("rules[0].measure"));
    EXPECT_THAT(rule(R"("id":"a","measure":"validity",)" + words), HasSubstr("rules[0].need"));
    EXPECT_THAT(rule(R"x("id":"a","measure":"validity","need":"name.exists(",)x" + words), HasSubstr("rules[0].need"));
    EXPECT_THAT(rule(R"("id":"a","measure":"validity","check":"luck",)" + words), HasSubstr("resident-id"));
    EXPECT_THAT(rule(R"x("id":"twice","measure":"validity","need":"name.exists()",)x" + words), HasSubstr("rules[0].id"));
    EXPECT_THAT(rule(R"x("id":"a","measure":"validity","weight":-1,"need":"name.exists()",)x" + words), HasSubstr("weight"));
    EXPECT_EQ(rule(R"x("id":"a","measure":"validity","need":"name.exists()",)x" + words), "");
    EXPECT_THAT(refusal("", R"({"weights":{"completeness":2}})"), HasSubstr("scoring.json weights.completeness"));
}

TEST(ResidentId, IsRightOnlyWithARealDateAndItsCheckDigit) {
    EXPECT_TRUE(is_resident_id("130399202403130014"));
    EXPECT_TRUE(is_resident_id("13039919830413001X"));
    for (const char* wrong : {"", "130399202403130015", "13039920240313001", "1303992024031300144", "13O399202403130014",
                              "130399202413130014", "13039919830413001x", "130399830413001"})
        EXPECT_FALSE(is_resident_id(wrong)) << wrong;
}

}  // namespace
}  // namespace xinglin::quality
