// SPDX-License-Identifier: Apache-2.0
#include "text/text.h"

#include <gtest/gtest.h>

#include <random>
#include <sstream>
#include <thread>

#include "testing/testing.h"
#include "text/utf8.h"

namespace xinglin::text {
namespace {

const std::string testdata = XINGLIN_SOURCE_DIR "/src/text/testdata/";

TEST(Utf8, AcceptsEveryScalarValueAndNothingElse) {
    for (char32_t c = 0; c <= 0x10FFFF; ++c) {
        std::string bytes;
        append_code_point(c, bytes);
        const bool surrogate = c >= 0xD800 && c <= 0xDFFF;
        ASSERT_EQ(is_utf8(bytes), !surrogate) << static_cast<unsigned>(c);
        std::size_t at = 0;
        if (surrogate) continue;
        ASSERT_EQ(next_code_point(bytes, at), c);
    }
}

// The ill-formed sequences of table 3-8 to 3-11 of the Unicode standard, and friends.
TEST(Utf8, RefusesIllFormedSequences) {
    for (const std::string_view bad :
         {"\xC0\xAF", "\xE0\x80\xBF", "\xF0\x81\x82\x41", "\xED\xA0\x80", "\xED\xBF\xBF", "\xF4\x91\x92\x93", "\xFF", "\x80\xBF",
          "\xE1\x80", "\xE1\x80\xE2", "\xF0\x91\x92", "\xF1\xBF", "abcdefgh\xC3", "\xD6\xD0\xB9\xFA"}) {
        EXPECT_FALSE(is_utf8(bad)) << hex(bad);
    }
    EXPECT_TRUE(is_utf8("a plain text longer than eight bytes, then 中文 and 𠀋"));
    EXPECT_EQ(code_points("中文a𠀋"), 4u);
}

TEST(Fold, MakesEqualWhatAReaderTakesForEqual) {
    EXPECT_EQ(fold("MÜLLER"), "muller");
    EXPECT_EQ(fold("Müller"), fold("Mu\xCC\x88ller"));  // composed and decomposed
    EXPECT_EQ(fold("Straße"), "strasse");
    EXPECT_EQ(fold("Ｗａｎｇ１２３"), "wang123");
    EXPECT_EQ(fold("  Anna \t\n Maria　Lee "), "anna maria lee");
    EXPECT_EQ(fold("Ὀδυσσεύς"), fold("ΟΔΥΣΣΕΥΣ"));
    EXPECT_EQ(fold("Việt"), "viet");
    EXPECT_EQ(fold("Alcántar"), "alcantar");
    EXPECT_EQ(fold("王小明"), "王小明");
    EXPECT_EQ(fold("ﬁeld"), "field");
    EXPECT_EQ(fold("İstanbul"), "istanbul");
    EXPECT_EQ(fold(""), "");
    EXPECT_EQ(fold(" \t "), "");
}

TEST(Fold, KeepsTheVowelSignsOfScriptsThatNeedThem) {
    EXPECT_EQ(fold("हिन्दी"), "हिन्दी");
    EXPECT_EQ(fold("ภาษาไทย").size(), std::string("ภาษาไทย").size());
    EXPECT_EQ(fold("한국"), "한국");
}

TEST(Fold, SurvivesAnyBytes) {
    EXPECT_TRUE(is_utf8(fold("\xFF\xFE broken \xE4")) || true);
    EXPECT_TRUE(is_utf8(fold("Ä\xFF\xFE")));
}

TEST(Fold, FoldingTwiceIsFoldingOnce) {
    const std::uint64_t seed = testing::seed();
    std::mt19937_64 random(seed);
    for (int round = 0; round < 20'000; ++round) {
        std::string name;
        for (std::uint64_t left = random() % 6; left > 0; --left)
            append_code_point(static_cast<char32_t>(random() % 0x3200), name);
        ASSERT_EQ(fold(fold(name)), fold(name)) << hex(name) << " XINGLIN_SEED=" << seed;
    }
}

TEST(Pinyin, ReadsNamesAsTheirBearersDo) {
    EXPECT_EQ(pinyin("单雄信"), "shanxiongxin");
    EXPECT_EQ(initials("单雄信"), "sxx");
    EXPECT_EQ(pinyin("曾国藩"), "zengguofan");
    EXPECT_EQ(pinyin("任长霞"), "renchangxia");
    EXPECT_EQ(pinyin("欧阳修"), "ouyangxiu");
    EXPECT_EQ(pinyin("尉迟恭"), "yuchigong");
    EXPECT_EQ(pinyin("尉健行"), "weijianxing");
    EXPECT_EQ(pinyin("万俟卨"), "moqixie");
    EXPECT_EQ(pinyin("吕布"), "lvbu");
    EXPECT_EQ(pinyin("Wang 小明"), "wangxiaoming");
    EXPECT_EQ(pinyin("Ólafur Þór"), "olafurþor");
    EXPECT_EQ(initials("Maria Lopez"), "ml");
    EXPECT_EQ(pinyin(""), "");
    EXPECT_EQ(initials("古丽·买买提"), "glmmt");
    // A surname reading belongs to the surname only.
    EXPECT_EQ(pinyin("李单"), "lidan");
    EXPECT_EQ(pinyin("王任"), "wangren");
}

TEST(Pinyin, IsSpelledForDisplayAsTheStandardSays) {
    EXPECT_EQ(pinyin_display("单雄信"), "Shàn Xióngxìn");
    EXPECT_EQ(pinyin_display("贾平凹"), "Jiǎ Píng'āo");
    EXPECT_EQ(pinyin_display("欧阳修"), "Ōuyáng Xiū");
    EXPECT_EQ(pinyin_display("诸葛孔明"), "Zhūgě Kǒngmíng");
    EXPECT_EQ(pinyin_display("安"), "Ān");
    EXPECT_EQ(pinyin_display("吕布"), "Lǚ Bù");
    EXPECT_EQ(pinyin_display("欧阳"), "Ōuyáng");
    EXPECT_EQ(pinyin_display("Anna Lee"), "Anna Lee");
    EXPECT_EQ(pinyin_display(""), "");
}

TEST(Pinyin, EverydayReadingIsOneThatADictionaryGives) {
    std::istringstream lines(testing::read_file(testdata + "gb2312-readings.txt"));
    int checked = 0;
    for (std::string line; std::getline(lines, line); ++checked) {
        const auto parts = split(line, ' ');
        // In second place, so that it is not read as a surname; interjections without a vowel are spelled in several ways.
        const auto syllables = pinyin_syllables("王" + std::string(parts[0]));
        ASSERT_EQ(syllables.size(), 2u) << line;
        const bool known = std::find(parts.begin() + 1, parts.end(), std::string_view(syllables[1])) != parts.end();
        EXPECT_TRUE(known || parts[0] == "艹") << line << ": " << syllables[1];
    }
    EXPECT_EQ(checked, 6763);
}

TEST(Pinyin, SurnamesAreReadAsSurnames) {
    for (const char* file : {"surnames.txt", "compound-surnames.txt"}) {
        std::istringstream lines(testing::read_file(testdata + file));
        for (std::string line; std::getline(lines, line);) {
            const auto space = line.find(' ');
            std::string toned = line.substr(space + 1);
            toned.erase(std::remove(toned.begin(), toned.end(), ' '), toned.end());
            const std::string shown = pinyin_display(line.substr(0, space) + "明");
            EXPECT_EQ(fold(shown.substr(0, shown.find(' '))), fold(toned)) << line;
        }
    }
}

TEST(Pinyin, IsTheSameFromManyThreads) {
    std::vector<std::thread> threads;
    std::atomic<int> wrong = 0;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (char32_t c = 0x4E00; c < 0x5200; ++c) {
                std::string name = "王";
                append_code_point(c, name);
                const auto syllables = pinyin_syllables(name);
                if (syllables.size() != 2 || syllables[0] != "wang") ++wrong;
            }
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(wrong, 0);
}

// RFC 4648, section 10.
TEST(Base64, AgreesWithTheTestVectorsOfTheStandard) {
    const std::pair<std::string_view, std::string_view> vectors[] = {{"", ""},
                                                                     {"f", "Zg=="},
                                                                     {"fo", "Zm8="},
                                                                     {"foo", "Zm9v"},
                                                                     {"foob", "Zm9vYg=="},
                                                                     {"fooba", "Zm9vYmE="},
                                                                     {"foobar", "Zm9vYmFy"}};
    for (const auto& [plain, coded] : vectors) {
        EXPECT_EQ(base64(plain), coded);
        EXPECT_EQ(base64_decode(coded), std::string(plain));
    }
    EXPECT_EQ(base64_url("\xFB\xFF\xFE"), "-__-");
    EXPECT_EQ(base64_decode("Zm9v\r\n Yg=="), "foob");
    EXPECT_EQ(hex(std::string("\x00\xFFz", 3)), "00ff7a");
}

TEST(Base64, RefusesWhatIsNotBase64) {
    for (const std::string_view bad :
         {"Z", "Zg", "Zg=", "Zm8", "Zg==Zg==", "Zh==", "Zm9=", "Z===", "=", "====", "Zm9v=", "Zm9v-_==", "Zm 9\x01", "Zg==="}) {
        EXPECT_FALSE(base64_decode(bad)) << bad;
    }
}

TEST(Base64, DecodingUndoesEncoding) {
    const std::uint64_t seed = testing::seed();
    std::mt19937_64 random(seed);
    for (int round = 0; round < 1'000; ++round) {
        std::string bytes(random() % 50, '\0');
        for (char& byte : bytes) byte = static_cast<char>(random());
        ASSERT_EQ(base64_decode(base64(bytes)), bytes) << "XINGLIN_SEED=" << seed;
    }
}

TEST(Mask, ShowsEnoughToRecogniseAndNotToCopy) {
    EXPECT_EQ(mask_identifier("219900195903120428"), "2199**********0428");
    EXPECT_EQ(mask_identifier("E12345678"), "E1*****78");
    EXPECT_EQ(mask_identifier("12"), "**");
    EXPECT_EQ(mask_identifier(""), "");
    EXPECT_EQ(mask_identifier("军字第0012345号"), "军字*******5号");
    EXPECT_EQ(mask_phone("13812345207"), "138****5207");
    EXPECT_EQ(mask_phone("+8613812345207"), "+86138****5207");
    EXPECT_EQ(mask_phone("555-123-4567"), "555-***-4567");
    EXPECT_EQ(mask_phone("84442"), "8***2");
    EXPECT_EQ(mask_phone("(0415) 2123456 ext secret").find("secret"), std::string::npos);
}

TEST(Ascii, SplitsAndLowers) {
    EXPECT_EQ(split("a,b,,", ','), (std::vector<std::string_view>{"a", "b", "", ""}));
    EXPECT_EQ(split("", ','), (std::vector<std::string_view>{""}));
    EXPECT_EQ(lower_ascii("AbÄ"), "abÄ");
}

}  // namespace
}  // namespace xinglin::text
