// SPDX-License-Identifier: Apache-2.0
// Tables: what they would change is told cell by cell, wrong rows do no harm, what is written can be put back exactly.
#include "registry/import.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <random>

#include "registry/test_house.h"

namespace xinglin::registry {
namespace {

using ::testing::HasSubstr;

class ImportTest : public TestHouse {
protected:
    Words words{[](std::string_view said) -> std::string {
        if (said == "A100" || said == "综合医院") return "A100";
        return said == "B100" ? "B100" : "";
    }};

    Preview look(Sheet sheet, std::string_view bytes) {
        registry.catch_up();
        auto seen = preview(registry, sheet, bytes, words);
        if (!seen.ok()) throw std::runtime_error(seen.outcome().line());
        return std::move(*seen);
    }
    std::string why(Sheet sheet, std::string_view bytes) {
        registry.catch_up();
        const auto seen = preview(registry, sheet, bytes, words);
        return seen.ok() ? "ok" : seen.outcome().line();
    }
    std::string take(Sheet sheet, std::string_view bytes) {
        const Preview seen = look(sheet, bytes);
        const auto done = revise(*store, *ingest, clock,
                                 {.what = "import", .said = "test.csv", .of = "", .who = "tester", .writes = seen.writes});
        registry.catch_up();
        return done.ok() ? *done : done.outcome().line();
    }
    /// "3 wrong parent: …" of each row.
    static std::string told(const Preview& seen) {
        constexpr std::string_view states[] = {"added", "changed", "unchanged", "wrong"};
        std::string out;
        for (const RowPlan& row : seen.rows) {
            out += fmt::format("{} {}", row.number, states[static_cast<std::size_t>(row.state)]);
            for (const CellChange& each : row.changes) {
                if (row.state == RowPlan::State::changed) out += fmt::format(" {}:{}>{}", each.key, each.before, each.after);
            }
            for (const Reason& each : row.reasons) out += fmt::format(" {}: {}", each.key, each.en);
            out += "\n";
        }
        return out;
    }
    std::string everything() {
        std::string out;
        store->reader(access::Viewer::program("test")).scan(nullptr, [&](const record::Version& version) {
            if (version.type->name != "Provenance") out += body(version.type->name, version.id) + "\n";
            return true;
        });
        return out;
    }
    static constexpr std::string_view institutions =
        "机构编码*,机构名称,机构分类,上级机构编码,区划代码,启用日期,状态\n"
        "h1,第一医院,综合医院,,130303002,2020/1/2,在用\n"
        "h2,第二医院,A100,h1,,,停用\n"
        "c1,第一中心,B100,h1,130303101,,\n";
    void three() { take(Sheet::organizations, institutions); }
};

TEST_F(ImportTest, NewRowsBecomeEntriesAndTheSameFileAgainChangesNothing) {
    const Preview first = look(Sheet::organizations, institutions);
    EXPECT_EQ(told(first), "2 added\n3 added\n4 added\n");
    EXPECT_EQ(first.writes.size(), 3u);
    three();
    const auto listed = registry.list({.q = "第一医院"});
    ASSERT_EQ(listed.hits.size(), 1u);
    const Entry& entry = *listed.hits.front().entry;
    EXPECT_EQ(entry.class_code, "A100");
    EXPECT_EQ(entry.days.from, "2020-01-02");
    EXPECT_EQ(registry.children(entry.reference(), "").size(), 2u);
    const Preview again = look(Sheet::organizations, institutions);
    EXPECT_EQ(told(again), "2 unchanged\n3 unchanged\n4 unchanged\n");
    EXPECT_TRUE(again.writes.empty());
}

TEST_F(ImportTest, AChangeIsToldCellByCellAndColumnsThatAreNotThereAreLeftAlone) {
    three();
    const Preview seen = look(Sheet::organizations, "code,Name,电话,什么\nh1,新名,0335-1,x\nc1,第一中心,,\n");
    EXPECT_EQ(told(seen), "2 changed name:第一医院>新名 phone:>0335-1\n3 unchanged\n");
    EXPECT_EQ(seen.ignored, std::vector<std::string>{"什么"});
    take(Sheet::organizations, "code,Name,电话,什么\nh1,新名,0335-1,x\n");
    EXPECT_EQ(registry.list({.q = "新名"}).hits.front().entry->class_code, "A100");
    EXPECT_EQ(told(look(Sheet::organizations, "code,Name,电话\nh1,新名,\n")), "2 changed phone:0335-1>\n")
        << "an empty cell empties";
}

TEST_F(ImportTest, HalfTheRowsWrongIsSurvivedAndEveryReasonIsNamed) {
    three();
    const Preview seen = look(Sheet::organizations,
                              "机构编码,机构名称,机构分类,上级机构编码,区划代码,统一社会信用代码,启用日期\n"
                              "n1,好一,A100,h1,,,\n"
                              "n2,,A100,,,,\n"                          // no name
                              ",无编码,A100,,,,\n"                      // no code
                              "n3,坏分类,Z999,,,,\n"                    // class
                              "n4,坏上级,A100,nobody,,,\n"              // parent
                              "n5,坏区划,A100,,13030,,\n"               // area
                              "n6,坏信用,A100,,,91110000600037341M,\n"  // check character
                              "n7,坏日期,A100,,,,2020-02-30\n"
                              "n1,重复,A100,,,,\n"
                              "n8,孤儿,A100,n4,,,\n"
                              "n9,好二,A100,n1,,,\n");
    EXPECT_EQ(seen.added, 2u);
    EXPECT_EQ(seen.wrong, 9u);
    EXPECT_THAT(told(seen), HasSubstr("3 wrong name: is empty\n4 wrong code: is empty\n5 wrong class: is no class of WS 218\n6 "
                                      "wrong parent: no entry has this code: nobody\n"));
    EXPECT_THAT(told(seen),
                HasSubstr("7 wrong area: a division code has 2, 4, 6, 9 or 12 digits\n8 wrong credit_code: is no credit code"));
    EXPECT_THAT(told(seen), HasSubstr("9 wrong from: is no day, write 2026-03-01\n10 wrong code: is the code of row 2 too\n11 "
                                      "wrong parent: its parent is a row that is wrong\n12 added\n"));
    const auto done =
        revise(*store, *ingest, clock, {.what = "import", .said = "x", .of = "", .who = "t", .writes = seen.writes});
    ASSERT_TRUE(done.ok()) << done.outcome().line();
    registry.catch_up();
    EXPECT_EQ(registry.list({.q = "好"}).total, 2u);
    EXPECT_EQ(registry.list({.q = "坏"}).total, 0u);
}

TEST_F(ImportTest, ACycleThroughTheTableAndTheRegistriesIsRefusedByName) {
    three();
    const Preview seen = look(Sheet::organizations, "code,name,parent\nh1,第一医院,c1\nx,甲,y\ny,乙,x\nz,丙,z\n");
    EXPECT_EQ(seen.wrong, 4u);
    EXPECT_THAT(told(seen), HasSubstr("2 wrong parent: makes a cycle in the hierarchy"));
    EXPECT_THAT(told(seen), HasSubstr("5 wrong parent: makes a cycle in the hierarchy"));
}

TEST_F(ImportTest, StaffBringRolesAtSeveralInstitutions) {
    three();
    take(Sheet::staff,
         "人员编码,姓名,性别,执业证书编码,职称,主执业机构编码,多点执业机构编码,主执业开始日期\nd1,单雄信,男,110130303000001,"
         "主治医师,h1,c1；h2,2015-07-01\nd2,李娜,女,,护士,c1,,\n");
    const auto found = registry.list({.q = "shanxiongxin"});
    ASSERT_EQ(found.hits.size(), 1u);
    const std::string li = found.hits.front().entry->reference();
    EXPECT_EQ(roles_of(registry, li).size(), 3u);
    EXPECT_EQ(roles_of(registry, li).front()->class_name, "主治医师");
    EXPECT_EQ(registry.list({.q = "110130303000001"}).total, 1u) << "found by the licence";
    constexpr std::string_view moved = "人员编码,姓名,性别,职称,主执业机构编码,多点执业机构编码\nd1,单雄信,男,副主任医师,h1,c1\n";
    EXPECT_EQ(told(look(Sheet::staff, moved)), "2 changed title:主治医师>副主任医师 sites:c1;h2>c1\n");
    take(Sheet::staff, moved);
    EXPECT_EQ(roles_of(registry, li).size(), 2u);
    EXPECT_EQ(told(look(Sheet::staff, moved)), "2 unchanged\n");
    EXPECT_THAT(told(look(Sheet::staff, "人员编码,姓名,主执业机构编码,多点执业机构编码\nd3,某,h1,h1;nobody\n")),
                HasSubstr("sites: is the main institution sites: no entry has this code: nobody"));
}

TEST_F(ImportTest, BedsDevicesConsumablesAndDrugsHaveOneCodeEach) {
    three();
    take(Sheet::departments, "科室编码,科室名称,所属机构编码\nh1-03,内科,h1\n");
    take(Sheet::places,
         "场所编码,场所名称,类型,上级场所编码,机构编码,经度,纬度\ns1,本部,院区,,h1,119.75,40.01\nw1,内科病区,wa,s1,h1,,\n");
    take(Sheet::beds, "床位编码,床号,病区编码,机构或科室编码,床位状态\nb1,1床,w1,h1-03,空闲\nb2,2床,w1,h1-03,O\n");
    take(Sheet::devices,
         "设备编码,UDI-DI,设备名称,型号,机构编码\ne1,06909990000011,呼吸机,V60,h1\ne2,06909990000011,呼吸机,V60,h1\n");
    take(Sheet::consumables, "UDI-DI,耗材名称,规格型号,生产企业\n06909990000028,输液器,0.7,某厂\n");
    take(Sheet::drugs, "药品编码,药品名称,剂型,生产企业\n86900000000001,缬沙坦胶囊 80mg*7粒,胶囊剂,某药厂\n");
    EXPECT_EQ(registry.counts(registry.list({.q = "第一医院"}).hits.front().entry->reference()).beds, 2u);
    EXPECT_EQ(registry.list({.q = "06909990000011"}).total, 2u);
    EXPECT_TRUE(registry.troubles().empty() || registry.troubles().front().kind != "shared_code") << "two pieces of one model";
    EXPECT_EQ(registry.list({.q = "06909990000028"}).hits.front().entry->kind, Kind::consumable);
    EXPECT_EQ(registry.list({.q = "86900000000001"}).hits.front().entry->name(), "缬沙坦胶囊 80mg*7粒");
    for (const Sheet sheet : {Sheet::organizations, Sheet::departments, Sheet::places, Sheet::beds, Sheet::staff, Sheet::devices,
                              Sheet::consumables, Sheet::drugs}) {
        for (const bool zh : {true, false}) {
            const auto book = workbook(registry, sheet, false, zh);
            ASSERT_TRUE(book.ok());
            const Preview again = look(sheet, *book);
            EXPECT_EQ(again.added + again.changed + again.wrong, 0u) << text(sheet) << " what was exported changes nothing\n"
                                                                     << told(again);
            EXPECT_EQ(again.unchanged, rows_of(registry, sheet).size());
            const auto blank_book = workbook(registry, sheet, true, zh);
            ASSERT_TRUE(blank_book.ok());
            EXPECT_EQ(look(sheet, *blank_book).rows.size(), 0u);
        }
    }
}

TEST_F(ImportTest, AnythingThatIsNoTableIsRefused) {
    EXPECT_THAT(why(Sheet::beds, ""), HasSubstr("is empty"));
    EXPECT_THAT(why(Sheet::beds, "\n\n"), HasSubstr("no row"));
    EXPECT_THAT(why(Sheet::beds, "床号\n1\n"), HasSubstr("床位编码: the first row must name the columns"));
    EXPECT_THAT(why(Sheet::beds, "code,code\n1,2\n"), HasSubstr("twice"));
    EXPECT_NE(why(Sheet::beds, std::string_view("PK\3\4 broken", 11)), "ok");
    std::string many = "code,name\n";
    for (int i = 0; i < 20'001; ++i) many += fmt::format("a{},b\n", i);
    EXPECT_THAT(why(Sheet::consumables, many), HasSubstr("more than 20000 rows"));
    EXPECT_EQ(look(Sheet::places,
                   "code,name,type,longitude,latitude\np1,x,si,1e5,--3\np2,x,si,00,.5\np3,x,si,-,-.\np4,x\xff,si,0,-0.5\n")
                  .wrong,
              3u);
}

/// Random tables over a random registry: what is taken can be put back, byte for byte, in the order it came.
TEST_F(ImportTest, UndoingEverythingBackwardsGivesTheRecordOfTheBeginning) {
    three();
    std::mt19937 random(7);
    const auto below = [&](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
    std::vector<std::string> states{everything()}, ids;
    for (int round = 0; round < 12; ++round) {
        std::string rows = "code,name,parent,phone,state\n";
        for (int i = 0; i < 8; ++i)
            rows += fmt::format("r{},名{},{},{},{}\n", below(12), below(5),
                                below(3) ? std::string("h1") : fmt::format("r{}", below(12)), below(2) ? "" : "0335",
                                below(5)   ? "在用"
                                : below(2) ? "停用"
                                           : "?");
        const Preview seen = look(Sheet::organizations, rows);
        if (seen.writes.empty()) continue;
        const auto done =
            revise(*store, *ingest, clock, {.what = "import", .said = "random", .of = "", .who = "t", .writes = seen.writes});
        ASSERT_TRUE(done.ok()) << done.outcome().line();
        registry.catch_up();
        for (const Trouble& trouble : registry.troubles()) EXPECT_NE(trouble.kind, "cycle");
        ids.push_back(*done);
        states.push_back(everything());
    }
    ASSERT_GT(ids.size(), 6u);
    while (!ids.empty()) {
        EXPECT_EQ(everything(), states.back());
        const auto back = undoing(*store, ids.back(), "t");
        ASSERT_TRUE(back.ok()) << back.outcome().line();
        const auto done = revise(*store, *ingest, clock, *back);
        ASSERT_TRUE(done.ok()) << done.outcome().line();
        ids.pop_back();
        states.pop_back();
    }
    EXPECT_EQ(everything(), states.back());
}

}  // namespace
}  // namespace xinglin::registry
