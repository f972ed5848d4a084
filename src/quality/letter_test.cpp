// SPDX-License-Identifier: Apache-2.0
// The letter is a PDF that pdftotext reads, whatever its fields hold; scores are what the formula says.
#include "quality/letter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <iterator>

#include "testing/testing.h"

// fontconfig and cairo keep small blocks until the program ends.
extern "C" const char* __lsan_default_suppressions() { return "leak:libfontconfig\nleak:libcairo"; }

namespace xinglin::quality {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Letter example() {
    Letter letter;
    letter.from = "区域卫生健康信息中心";
    letter.institution = "杏川区人民医院";
    letter.first_day = "2026-10-24";
    letter.last_day = "2026-11-22";
    letter.issued = "2026-11-23";
    letter.mend_until = "2026-12-08";
    letter.scores = {88.24, {91.0, 70.5, 99.996, 100.0, std::nullopt}, 12'345};
    letter.of_all = letter.scores;
    letter.rank = 7;
    letter.of_institutions = 41;
    letter.sets = {{"门急诊就诊", letter.scores}};
    for (int i = 0; i < 7; ++i)
        letter.problems.push_back(
            {"处方", "有开方医生", "请传开方医生工号。", 1'192, 911, 0.5, {"报文 11433，MedicationRequest/296411cd"}});
    return letter;
}

/// The text of a PDF as poppler reads it; skips the test where it is not installed.
std::string text_of(const std::string& pdf) {
    const testing::ScratchFolder folder;
    std::ofstream(folder.path() / "letter.pdf", std::ios::binary) << pdf;
    const std::string command =
        "pdftotext -layout " + (folder.path() / "letter.pdf").string() + " " + (folder.path() / "text").string() + " 2>/dev/null";
    if (std::system(command.c_str()) != 0) return "";
    std::ifstream in(folder.path() / "text");
    return {std::istreambuf_iterator<char>(in), {}};
}

TEST(QualityLetter, SaysWhatIsWrongAndUntilWhen) {
    const auto pdf = letter_pdf(example());
    if (!pdf.ok() && pdf.outcome().issues[0].where == "font") GTEST_SKIP() << pdf.outcome().line();
    ASSERT_TRUE(pdf.ok()) << pdf.outcome().line();
    EXPECT_TRUE(pdf->starts_with("%PDF-"));
    EXPECT_LT(pdf->size(), 400'000u) << "only the characters that are used go into the file";
    const std::string text = text_of(*pdf);
    if (text.empty()) GTEST_SKIP() << "pdftotext is not installed (poppler-utils)";
    for (const char* words : {"关于杏川区人民医院数据质量情况的函", "2026年10月24日", "2026年12月8日", "88.2", "99.9", "12,345",
                              "列第", "911", "MedicationRequest/296411cd", "盖章"})
        EXPECT_THAT(text, HasSubstr(words));
    EXPECT_THAT(text, Not(HasSubstr("6. 处方"))) << "five problems at most";
}

TEST(QualityLetter, IsWrittenInEnglishToo) {
    Letter letter = example();
    letter.language = "en";
    letter.institution = "People's Hospital <b>& more</b>";
    const auto pdf = letter_pdf(letter);
    if (!pdf.ok()) GTEST_SKIP() << pdf.outcome().line();
    const std::string text = text_of(*pdf);
    if (text.empty()) GTEST_SKIP();
    EXPECT_THAT(text, HasSubstr("<b>& more</b>"));
    EXPECT_THAT(text, HasSubstr("2026-12-08"));
}

TEST(QualityLetter, IsNotBrokenByWhatANameHolds) {
    for (const std::string& name :
         {std::string(), std::string("\xff\xfe broken"), std::string("a\0b", 3), std::string(20'000, 'W'),
          std::string("\u202eesrever\u2066"), std::string("一\n二\r\n三\t四"), std::string("😀𠮷ﷺ")}) {
        Letter letter = example();
        letter.institution = letter.from = letter.contact = letter.reference = name;
        letter.sets.assign(200, {name, {}});
        letter.problems.assign(9, {name, name, name, -5, 7, 1e300, {name, name, name, name, name, name, name}});
        letter.issued = letter.mend_until = name;
        const auto pdf = letter_pdf(letter);
        if (!pdf.ok() && pdf.outcome().issues[0].where == "font") GTEST_SKIP();
        ASSERT_TRUE(pdf.ok()) << pdf.outcome().line();
        EXPECT_TRUE(pdf->starts_with("%PDF-"));
        EXPECT_LT(pdf->size(), 3'000'000u);
    }
}

TEST(QualityLetter, TidiesTexts) {
    EXPECT_EQ(tidy("甲\n\n乙", 10), "甲 乙");
    EXPECT_EQ(tidy("甲乙丙丁", 3), "甲乙丙…");
    EXPECT_EQ(tidy("\xff", 3), "?");
    EXPECT_EQ(tidy("a\u202eb\u200b", 9), "a b ");
}

TEST(QualityScore, IsTheWeightedShareOfTestsPassed) {
    const Rulebook book = *Rulebook::read(content::Files());
    const Set& set = *book.set("programme");
    ASSERT_EQ(set.rules.size(), 6u);  // subject 3, kind 3, start 2, institution 2, after-birth, twice
    Sheet sheet;
    sheet["programme"].n = 100;
    sheet["programme"].rules = {{100, 0}, {100, 10}, {100, 50}, {100, 0}, {100, 0}, {100, 4}};
    const Scores scores = score(book, sheet);
    EXPECT_NEAR(*scores.of[0], 100 * (1 - (3 * 10 + 2 * 50) / (100.0 * 10)), 1e-9);
    EXPECT_FALSE(scores.of[1]);
    EXPECT_FALSE(scores.of[2]);
    EXPECT_DOUBLE_EQ(*scores.of[3], 100);
    EXPECT_DOUBLE_EQ(*scores.of[4], 96);
    EXPECT_NEAR(*scores.total, (0.3 * *scores.of[0] + 0.15 * 100 + 0.1 * 96) / 0.55, 1e-9);
    EXPECT_EQ(scores.volume, 100);
    double cost = 0;
    for (const Failing& each : failing(book, sheet)) cost += each.cost;
    EXPECT_NEAR(cost, 100 - *scores.total, 1e-9) << "what failures cost is what is missing from 100";
}

TEST(QualityScore, OfFewTestsCountsInProportionAndMessagesCountToo) {
    const Rulebook book = *Rulebook::read(content::Files());
    Sheet sheet;
    sheet["programme"].n = 100;
    sheet["programme"].rules = {{100, 0}, {100, 0}, {100, 0}, {100, 0}, {10, 10}, {0, 0}};
    EXPECT_NEAR(*score(book, sheet).total, 100 * 0.3 / (0.3 + 0.15 * 10 / 20), 1e-9);
    const Scores scores = score(book, {}, {1'000, 9, 100});
    EXPECT_DOUBLE_EQ(*scores.of[2], 99);
    EXPECT_DOUBLE_EQ(*scores.of[4], 90);
    EXPECT_FALSE(score(book, {}).total);
}

}  // namespace
}  // namespace xinglin::quality
