// SPDX-License-Identifier: Apache-2.0
// Workbooks: what Excel and libxlsxwriter write, and what only a stranger with bad intentions does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zip.h>

#include <map>

#include "table/sheet_writer.h"
#include "table/table.h"
#include "testing/testing.h"

namespace xinglin::table {
namespace {

using ::testing::HasSubstr;
using Parts = std::map<std::string, std::string>;
using Lines = std::vector<std::vector<std::string>>;

constexpr std::string_view relations =
    R"(<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">)"
    R"(<Relationship Id="r1" Type="http://x/officeDocument" Target="xl/workbook.xml"/></Relationships>)";
constexpr std::string_view workbook_relations =
    R"(<Relationships><Relationship Id="s1" Type="http://x/worksheet" Target="worksheets/sheet1.xml"/>)"
    R"(<Relationship Id="s2" Type="http://x/worksheet" Target="/xl/worksheets/sheet2.xml"/>)"
    R"(<Relationship Id="t" Type="http://x/sharedStrings" Target="sharedStrings.xml"/><Relationship Id="y" Type="http://x/styles" Target="styles.xml"/></Relationships>)";

Parts parts_of(std::string_view sheet) {
    return {
        {"[Content_Types].xml", "<Types/>"},
        {"_rels/.rels", std::string(relations)},
        {"xl/_rels/workbook.xml.rels", std::string(workbook_relations)},
        {"xl/workbook.xml",
         R"(<workbook xmlns:r="r"><sheets><sheet name="隐藏" sheetId="1" r:id="s2" state="hidden"/><sheet name="登记 &amp; 汇总" sheetId="2" r:id="s1"/></sheets></workbook>)"},
        {"xl/sharedStrings.xml",
         "<sst><si><t>姓名</t></si><si><r><t>张</t></r><r><t>三</t></r><rPh><t>zhang</t></rPh></si><si><t>a_x000A_b</t></si></"
         "sst>"},
        {"xl/styles.xml",
         R"(<styleSheet><numFmts><numFmt numFmtId="164" formatCode="yyyy&quot;年&quot;m&quot;月&quot;d&quot;日&quot;"/></numFmts>)"
         R"(<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/><xf numFmtId="164"/></cellXfs></styleSheet>)"},
        {"xl/worksheets/sheet1.xml", "<worksheet><sheetData>" + std::string(sheet) + "</sheetData><mergeCells/></worksheet>"},
        {"xl/worksheets/sheet2.xml", "<worksheet><sheetData><row><c><v>7</v></c></row></sheetData></worksheet>"}};
}

class Xlsx : public ::testing::Test {
protected:
    std::filesystem::path pack(const Parts& parts, bool encrypted = false) {
        const auto path = folder_.path() / ("book" + std::to_string(++number_) + ".xlsx");
        int error = 0;
        zip_t* zip = zip_open(path.c_str(), ZIP_CREATE, &error);
        for (const auto& [name, content] : parts) {
            const zip_int64_t at =
                zip_file_add(zip, name.c_str(), zip_source_buffer(zip, content.data(), content.size(), 0), ZIP_FL_ENC_UTF_8);
            if (encrypted) zip_file_set_encryption(zip, static_cast<zip_uint64_t>(at), ZIP_EM_AES_256, "x");
        }
        EXPECT_EQ(zip_close(zip), 0);
        return path;
    }
    static Lines read(const std::filesystem::path& path, const XlsxOptions& options = {}) {
        const auto rows = read_xlsx(Source::file(path), options);
        return rows.ok() ? all(**rows) : Lines{{rows.outcome().line()}};
    }
    static Lines all(Rows& rows) {
        Lines lines;
        Row row;
        for (;;) {
            const auto more = rows.next(row);
            if (!more.ok()) {
                lines.push_back({more.outcome().line()});
                return lines;
            }
            if (!*more) return lines;
            lines.emplace_back(row.cells.begin(), row.cells.end());
            lines.back().insert(lines.back().begin(), std::to_string(row.number));
            if (!row.trouble.empty()) lines.back().emplace_back(row.trouble);
        }
    }
    Lines sheet(std::string_view rows) { return read(pack(parts_of(rows))); }

    testing::ScratchFolder folder_;
    int number_ = 0;
};

TEST_F(Xlsx, ReadsEveryKindOfCell) {
    EXPECT_EQ(
        sheet(
            R"(<row r="1"><c r="A1" t="s"><v>0</v></c><c r="C1" t="s"><v>1</v></c><c r="D1" t="s"><v>2</v></c></row>)"
            R"(<row r="4"><c r="A4" t="inlineStr"><is><t>内 联</t></is></c><c r="B4" t="b"><v>1</v></c><c r="C4" t="e"><v>#N/A</v></c><c r="D4" t="str"><f>A1</f><v>x &lt; y</v></c></row>)"
            R"(<row r="5"><c s="1"><v>46348</v></c><c s="2"><v>46348.34375</v></c><c s="3"><v>46348</v></c><c><v>36.600000000000001</v></c><c><v>1E-3</v></c><c><v>130303199001</v></c></row>)"),
        (Lines{{"1", "姓名", "", "张三", "a\nb"},
               {"4", "内 联", "TRUE", "#N/A", "x < y"},
               {"5", "2026-11-22", "2026-11-22T08:15:00", "2026-11-22", "36.6", "0.001", "130303199001"}}));
}

TEST_F(Xlsx, KnowsThe1904SystemAndItsSheets) {
    Parts parts = parts_of(R"(<row><c s="1"><v>44886</v></c></row>)");
    parts["xl/workbook.xml"].insert(parts["xl/workbook.xml"].find("<sheets>"), R"(<workbookPr date1904="1"/>)");
    const auto path = pack(parts);
    EXPECT_EQ(read(path), (Lines{{"1", "2026-11-22"}}));
    EXPECT_EQ(read(path, {.sheet = "隐藏"}), (Lines{{"1", "7"}}));
    EXPECT_EQ(read(path, {.sheet = "1"}), (Lines{{"1", "7"}}));
    EXPECT_EQ(read(path, {.sheet = "登记 & 汇总"}), (Lines{{"1", "2026-11-22"}}));
    EXPECT_THAT(read(path, {.sheet = "别的"})[0][0], HasSubstr("隐藏, 登记 & 汇总"));
}

TEST_F(Xlsx, ReadsWhatTheWriterWrote) {
    const auto path = folder_.path() / "written.xlsx";
    {
        auto writer = SheetWriter::create(path);
        ASSERT_TRUE(writer.ok()) << writer.outcome().line();
        ASSERT_TRUE((*writer)->sheet("对账 [2026/11]", {{"来源"}, {"收到"}, {"日期"}, {"时间"}, {"率"}}, "对账单").ok());
        ASSERT_TRUE((*writer)
                        ->row({Cell::of("=1+1"), Cell::count(12345), Cell::day("2026-11-22"), Cell::moment("2026-11-22T08:15:00"),
                               Cell::share(0.25)})
                        .ok());
        ASSERT_TRUE((*writer)->row({Cell::of(std::string("a\x01", 2)), {}, Cell::day("")}).ok());
        ASSERT_TRUE((*writer)->sheet("对账 [2026/11]", {{"二"}}).ok());
        ASSERT_TRUE((*writer)->close().ok());
    }
    EXPECT_EQ(read(path), (Lines{{"1", "对账单"},
                                 {"3", "来源", "收到", "日期", "时间", "率"},
                                 {"4", "=1+1", "12345", "2026-11-22", "2026-11-22T08:15:00", "0.25"},
                                 {"5", "a "}}));
    EXPECT_EQ(read(path, {.sheet = "2"}), (Lines{{"1", "二"}}));
    EXPECT_FALSE(SheetWriter::create("/does/not/exist/x.xlsx").ok());
}

TEST_F(Xlsx, ManyRowsComeOutOneByOne) {
    const auto path = folder_.path() / "many.xlsx";
    auto writer = SheetWriter::create(path);
    ASSERT_TRUE((*writer)->sheet("s", {{"a"}, {"b"}}).ok());
    for (int i = 0; i < 20'000; ++i) ASSERT_TRUE((*writer)->row({Cell::count(i), Cell::of("行 " + std::to_string(i))}).ok());
    ASSERT_TRUE((*writer)->close().ok());
    const auto rows = read_xlsx(Source::file(path));
    Row row;
    int count = -1;
    while ((*rows)->next(row).value()) {
        if (count >= 0) {
            ASSERT_EQ(row.cells[0], std::to_string(count));
            ASSERT_EQ(row.cells[1], "行 " + std::to_string(count));
        }
        ++count;
    }
    EXPECT_EQ(count, 20'000);
}

TEST_F(Xlsx, ABombIsRefusedWhileItUnpacks) {
    Parts parts = parts_of("");
    std::string& bomb = parts["xl/worksheets/sheet1.xml"];
    bomb = "<worksheet><sheetData>";
    const std::string block(1u << 20, ' ');
    for (int i = 0; i < 80; ++i) bomb += block;
    bomb += "</sheetData></worksheet>";
    EXPECT_THAT(read(pack(parts)).back()[0], HasSubstr("archive bomb"));
    Parts strings = parts_of("");
    strings["xl/sharedStrings.xml"] = "<sst>" + std::string(80u << 20, ' ') + "</sst>";
    EXPECT_THAT(read(pack(strings)).back()[0], HasSubstr("archive bomb"));
    XlsxOptions small;
    small.limits.shared_string_bytes = 3;
    EXPECT_THAT(read(pack(parts_of("")), small)[0][0], HasSubstr("more text than the limit"));
    small.limits.entries = 3;
    EXPECT_THAT(read(pack(parts_of("")), small)[0][0], HasSubstr("too many parts"));
}

TEST_F(Xlsx, EntitiesAndDocumentTypesAreRefused) {
    for (const char* head :
         {R"(<!DOCTYPE a [<!ENTITY lol "lol"><!ENTITY l2 "&lol;&lol;">]>)", R"(<!DOCTYPE a SYSTEM "file:///etc/passwd">)",
          R"(<!DOCTYPE a [<!ENTITY x SYSTEM "http://127.0.0.1/">]>)"}) {
        Parts parts = parts_of("");
        parts["xl/worksheets/sheet1.xml"] =
            std::string(head) +
            "<worksheet><sheetData><row><c t=\"inlineStr\"><is><t>&lol;&l2;</t></is></c></row></sheetData></worksheet>";
        EXPECT_THAT(read(pack(parts)).back()[0], HasSubstr("document type")) << head;
    }
    EXPECT_THAT(sheet("<row><c t=\"inlineStr\"><is><t>&unknown;</t></is></c></row>").back()[0], HasSubstr("not well-formed"));
}

TEST_F(Xlsx, PathsThatLeadOutOfTheArchiveAreRefused) {
    for (const char* name : {"../../etc/passwd", "/etc/passwd", "xl/../../x", "C:\\x", "xl\\x"}) {
        Parts parts = parts_of("");
        parts[name] = "x";
        EXPECT_THAT(read(pack(parts))[0][0], HasSubstr("leads out of the archive")) << name;
    }
}

TEST_F(Xlsx, WhatIsNoReadableWorkbookIsSaidClearly) {
    EXPECT_THAT(read(pack(parts_of(""), true))[0][0], HasSubstr("without a password"));
    const std::string whole = testing::read_file(pack(parts_of("<row><c><v>1</v></c></row>")));
    for (const std::size_t size : {whole.size() / 2, whole.size() - 10, std::size_t{10}}) {
        const auto rows = read_xlsx(Source::memory(std::string_view(whole).substr(0, size)));
        ASSERT_FALSE(rows.ok());
        EXPECT_THAT(rows.outcome().line(), HasSubstr("cut off"));
    }
    const auto said = [](std::string_view bytes) { return read_xlsx(Source::memory(bytes)).outcome().line(); };
    EXPECT_THAT(said("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1 old"), HasSubstr(".xls"));
    std::string wrapped = "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";
    for (const char c : std::string("EncryptedPackage")) wrapped += c, wrapped += '\0';
    EXPECT_THAT(said(wrapped), HasSubstr("without a password"));
    EXPECT_THAT(said("姓名,性别\n"), HasSubstr("csv"));
    EXPECT_THAT(said(""), HasSubstr("empty"));
    EXPECT_THAT(read(pack({{"a.txt", "x"}}))[0][0], HasSubstr("no XLSX workbook"));
    Parts parts = parts_of("");
    parts.erase("xl/worksheets/sheet1.xml");
    EXPECT_THAT(read(pack(parts))[0][0], HasSubstr("is missing"));
    EXPECT_FALSE(read_xlsx(Source::file("/does/not/exist")).ok());
}

TEST_F(Xlsx, OddCellsCostTheirRowOnly) {
    EXPECT_THAT(sheet(R"(<row><c t="s"><v>99</v></c></row><row><c><v>1</v></c></row>)"),
                ::testing::ElementsAre(::testing::Contains(HasSubstr("not there")), std::vector<std::string>{"2", "1"}));
    EXPECT_THAT(sheet(R"(<row><c r="ZZZ1"><v>1</v></c></row><row><c><v>1</v></c></row>)")[0].back(), HasSubstr("columns"));
    EXPECT_THAT(sheet("<row><c t=\"inlineStr\"><is><t>" + std::string((1u << 20) + 5, 'x') + "</t></is></c></row>")[0].back(),
                HasSubstr("1 MiB"));
    EXPECT_EQ(
        sheet(R"(<row r="-1"><c r="A1"><v>x</v></c><c r="A1"><v>y</v></c></row><row r="99999999999"><c><v>2</v></c></row>)"),
        (Lines{{"1", "x", "y"}, {"2", "2"}}));
}

}  // namespace
}  // namespace xinglin::table
