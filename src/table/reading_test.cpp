// SPDX-License-Identifier: Apache-2.0
// CSV: what RFC 4180 says, what is really sent, and what is hostile.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <fstream>

#include "table/bytes.h"
#include "table/table.h"
#include "testing/testing.h"

extern "C" std::size_t __sanitizer_get_current_allocated_bytes() __attribute__((weak));

namespace xinglin::table {
namespace {

using Lines = std::vector<std::vector<std::string>>;

Lines lines_of(std::string_view text, const CsvOptions& options = {}) {
    const auto rows = read_csv(Source::memory(text), options);
    if (!rows.ok()) return {{rows.outcome().line()}};
    Lines lines;
    Row row;
    for (;;) {
        const auto more = (*rows)->next(row);
        if (!more.ok()) {
            lines.push_back({more.outcome().line()});
            return lines;
        }
        if (!*more) return lines;
        lines.emplace_back(row.cells.begin(), row.cells.end());
        if (!row.trouble.empty()) lines.back() = {"trouble: " + std::string(row.trouble.substr(0, row.trouble.find(';')))};
    }
}

About about_of(std::string_view text) {
    const auto rows = read_csv(Source::memory(text));
    Row row;
    while ((*rows)->next(row).value()) {}
    return (*rows)->about();
}

/// Bytes allocated at present, by whoever counts them.
std::size_t allocated() {
    if (__sanitizer_get_current_allocated_bytes) return __sanitizer_get_current_allocated_bytes();
    return mallinfo2().uordblks;
}

TEST(Csv, KeepsQuotesDelimitersAndLineBreaksInsideQuotedFields) {
    EXPECT_EQ(lines_of("a,b\r\n\"x, \"\"y\"\"\",\"two\r\nlines\"\r\n"), (Lines{{"a", "b"}, {"x, \"y\"", "two\r\nlines"}}));
    EXPECT_EQ(lines_of("\"\",,\"a\""), (Lines{{"", "", "a"}}));
    EXPECT_EQ(lines_of("a\n\nb\rc\r\n"), (Lines{{"a"}, {"b"}, {"c"}}));
    EXPECT_EQ(lines_of(""), Lines{});
}

TEST(Csv, CountsRowsAsASpreadsheetDoes) {
    const auto rows = read_csv(Source::memory("a\n\n\"b\nc\"\nd\n"));
    std::vector<std::uint64_t> numbers;
    Row row;
    while ((*rows)->next(row).value()) numbers.push_back(row.number);
    EXPECT_EQ(numbers, (std::vector<std::uint64_t>{1, 3, 4}));
}

TEST(Csv, FindsTheDelimiter) {
    EXPECT_EQ(about_of("姓名;性别;年龄\n张,三;男;3\n").delimiter, ';');
    EXPECT_EQ(about_of("姓名\t性别\n张三\t男,1\n").delimiter, '\t');
    EXPECT_EQ(about_of("a|b|c\n1|2|3\n").delimiter, '|');
    EXPECT_EQ(about_of("a,b\n\"1;2;3;4\",2\n").delimiter, ',');
    EXPECT_EQ(about_of("only\n").delimiter, ',');
}

// However long a file is, only a piece of it is held: 5 GB take what 1 MB takes (docs/performance.md has the real run).
TEST(Csv, AFileOfAnyLengthTakesNoMoreMemoryThanItsBeginning) {
    const testing::ScratchFolder folder;
    const auto file = folder.path() / "long.csv";
    {
        std::ofstream out(file, std::ios::binary);
        out << "号,姓名,备注\n";
        for (int i = 0; i < 200'000; ++i)
            out << i << ",张三,\"发热、咳嗽三天，\"\"自服药\"\"后\n好转，来院复查，嘱休息，多饮水，一周后复诊\"\n";
    }
    ASSERT_GT(std::filesystem::file_size(file), 20u << 20);
    const auto rows = read_csv(Source::file(file));
    ASSERT_TRUE(rows.ok());
    Row row;
    std::size_t count = 0, at_first = 0, later = 0;
    while ((*rows)->next(row).value()) {
        ASSERT_TRUE(row.trouble.empty());
        if (++count % 1'000 == 0) (count < 20'000 ? at_first : later) = std::max(count < 20'000 ? at_first : later, allocated());
    }
    EXPECT_EQ(count, 200'001u);
    ASSERT_GT(at_first, 0u);
    EXPECT_LE(later, at_first + 65'536);
}

TEST(Csv, FindsTheEncoding) {
    const std::string gb = "\xD0\xD5\xC3\xFB,\xD0\xD4\xB1\xF0\n\xD5\xC5\xC8\xFD,\xC4\xD0\n";  // 姓名,性别 张三,男
    const Lines wanted{{"姓名", "性别"}, {"张三", "男"}};
    EXPECT_EQ(lines_of(gb), wanted);
    EXPECT_EQ(about_of(gb).encoding, "GB18030");
    EXPECT_EQ(lines_of("\xEF\xBB\xBF姓名,性别\n张三,男\n"), wanted);
    EXPECT_EQ(about_of("姓名,性别\n").encoding, "UTF-8");
    EXPECT_EQ(about_of("a,b\n").encoding, "UTF-8");
    const std::u16string wide = u"姓名,性别\r\n张三,男\r\n";
    std::string little, big;
    for (const char16_t c : wide) {
        little += static_cast<char>(c & 255), little += static_cast<char>(c >> 8);
        big += static_cast<char>(c >> 8), big += static_cast<char>(c & 255);
    }
    EXPECT_EQ(lines_of(little), wanted);
    EXPECT_EQ(lines_of("\xFF\xFE" + little), wanted);
    EXPECT_EQ(lines_of("\xFE\xFF" + big), wanted);
    EXPECT_EQ(lines_of(big), wanted);
}

TEST(Csv, DecidesTheEncodingWhereTheFirstChineseCharacterStands) {
    std::string late;
    for (int i = 0; i < 100'000; ++i) late += "1234,abc\n";
    EXPECT_EQ(lines_of(late + "\xD5\xC5\xC8\xFD,\xC4\xD0\n").back(), (std::vector<std::string>{"张三", "男"}));
    EXPECT_EQ(lines_of(late + "张三,男\n").back(), (std::vector<std::string>{"张三", "男"}));
}

TEST(Csv, OneDamagedByteCostsOneCellNotTheFile) {
    std::string text;
    for (int i = 0; i < 100; ++i) text += "张三李四,男\n";
    text += "王\xFF五,女\n";
    const Lines lines = lines_of(text);
    ASSERT_EQ(lines.size(), 101u);
    EXPECT_EQ(lines.back(), (std::vector<std::string>{"王\uFFFD五", "女"}));
}

TEST(Csv, CharactersCutByTheEndOfAPieceAreWhole) {
    for (const std::size_t shift : {0u, 1u, 2u}) {
        std::string text(shift, 'x');
        while (text.size() < (1u << 20)) text += "汉字,𠮷,abc\n";
        for (const auto& line : lines_of(text)) {
            ASSERT_EQ(line.size(), 3u);
            ASSERT_TRUE(line[0].ends_with("汉字") && line[1] == "𠮷");
        }
    }
}

TEST(Csv, AQuotationMarkNeverClosedCostsItsLine) {
    EXPECT_EQ(lines_of("a,b\n\"open,1\nc,2\n"), (Lines{{"a", "b"}, {"trouble: a quotation mark is never closed"}, {"c", "2"}}));
    EXPECT_EQ(lines_of("\"a\"b,c\nd,e\n"), (Lines{{"trouble: text follows a closing quotation mark"}, {"d", "e"}}));
    std::string broken;
    for (int i = 0; i < 3'000; ++i) broken += "\"a\"b\n";
    EXPECT_THAT(lines_of(broken).back()[0], ::testing::HasSubstr("more than 1,000 rows"));
}

TEST(Csv, LimitsFieldsRowsAndColumns) {
    CsvOptions small;
    small.limits.field_bytes = 10;
    small.limits.columns = 3;
    EXPECT_EQ(lines_of("12345678901,b\nc,d\n", small),
              (Lines{{"trouble: a field is longer than the limit of 1 MiB"}, {"c", "d"}}));
    EXPECT_EQ(lines_of("1,2,3,4\nc,d\n", small),
              (Lines{{"trouble: there are more columns than the limit of 2,000"}, {"c", "d"}}));
    const std::string endless(6u << 20, 'x');
    EXPECT_THAT(lines_of(endless).at(0).at(0), ::testing::HasSubstr("longer than the limit"));
}

TEST(Csv, SaysWhatIsNoCsv) {
    EXPECT_THAT(lines_of("PK\x03\x04whatever").at(0).at(0), ::testing::HasSubstr("read it as xlsx"));
    EXPECT_THAT(lines_of("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1").at(0).at(0), ::testing::HasSubstr(".xls"));
    EXPECT_FALSE(read_csv(Source::file("/does/not/exist")).ok());
    EXPECT_FALSE(read_csv(Source::file("/tmp")).ok());
}

TEST(Csv, MemoryStaysFlatOverALongFile) {
    const testing::ScratchFolder folder;
    const auto path = folder.path() / "long.csv";
    {
        std::FILE* file = std::fopen(path.c_str(), "wb");
        std::string block;
        for (int i = 0; i < 1'000; ++i) block += "张三,130303199001011234,2026-11-22,\"发热, 咳嗽\"\n";
        for (int i = 0; i < 300; ++i) std::fwrite(block.data(), 1, block.size(), file);
        std::fclose(file);
    }
    const auto rows = read_csv(Source::file(path));
    std::uint64_t count = 0;
    Row row;
    while ((*rows)->next(row).value()) count += row.cells.size() == 4;
    EXPECT_EQ(count, 300'000u);
}

TEST(Columns, HaveLetters) {
    EXPECT_EQ(column_letters(0), "A");
    EXPECT_EQ(column_letters(25), "Z");
    EXPECT_EQ(column_letters(26), "AA");
    EXPECT_EQ(column_letters(16'383), "XFD");
    for (const std::size_t i : {0u, 25u, 26u, 701u, 702u, 16'383u})
        EXPECT_EQ(column_number(column_letters(i)), static_cast<int>(i));
    EXPECT_EQ(column_number("A1"), -1);
}

}  // namespace
}  // namespace xinglin::table
