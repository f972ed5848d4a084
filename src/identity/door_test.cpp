// SPDX-License-Identifier: Apache-2.0
// Addresses of one door in five ways of telling it, and of doors nearby.
#include "identity/door.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace xinglin::identity {
namespace {

Doors between(std::string_view a, std::string_view b) { return compare_doors(door_of(a), door_of(b)); }

TEST(Door, IsOneHoweverMuchOfTheRegionIsTold) {
    const std::string whole = "河北省秦皇岛市山海关区南关街道古城社区长江道79号15号楼4单元216室";
    for (const std::string other :
         {"秦皇岛市山海关区南关街道长江道79号15号楼4单元216室", "长江道79号15-4-216", "南关街道古城社区长江道79号15栋4单元216"})
        EXPECT_EQ(between(whole, other), Doors::one) << other;
}

TEST(Door, IsOfTheSameHouseWhereOneTellsLess) {
    EXPECT_EQ(between("山海关区石河镇角山村125号", "角山村"), Doors::one_house);
    EXPECT_EQ(between("长江道79号15号楼4单元216室", "长江道79号"), Doors::one_house);
}

TEST(Door, NextDoorIsAnotherOfTheStreet) {
    EXPECT_EQ(between("石河镇角山村125号", "石河镇角山村126号"), Doors::one_street);
    EXPECT_EQ(between("长江道79号15号楼4单元216室", "长江道79号15号楼4单元217室"), Doors::one_street);
}

TEST(Door, SaysTwoForPlacesThatOnlyShareTheirRegion) {
    EXPECT_EQ(between("河北省秦皇岛市山海关区东关街道李家村12号", "河北省秦皇岛市山海关区西关街道王庄村12号"), Doors::two);
    EXPECT_EQ(between("河北省秦皇岛市山海关区东关街道李家村12号", "河北省秦皇岛市海港区东关街道李家村12号"), Doors::two);
    EXPECT_EQ(between("河北省秦皇岛市山海关区东关街道李家村12号", "河北省秦皇岛市山海关区东关街道王庄村30号"), Doors::one_town);
}

TEST(Door, ReadsTheKindOfATownThatChangedAndNumbersInWords) {
    EXPECT_EQ(between("石河乡角山村三组12号", "石河镇角山村3组12号"), Doors::one);
    EXPECT_EQ(between("金沙社区二号楼a座301", "金沙居委会2号楼a座301"), Doors::one);
}

TEST(Door, TakesARoadWithinALongerNameForPartOfIt) {
    EXPECT_EQ(door_of("人民路社区3号楼").road, 0u);
    EXPECT_NE(door_of("人民路社区3号楼").place, 0u);
    EXPECT_EQ(between("建设路街道和平里5号", "建设路5号"), Doors::two);
}

TEST(Door, ReadsAnythingWithoutEnd) {
    for (const std::string text :
         {"", "号", "区区区区", "99999999999999999999号", "\xe8\xb7", "路\xff\xfe号", "省市区县街道镇乡村路"})
        (void)door_of(text);
    std::string longest;
    for (int i = 0; i < 200; ++i) longest += "一十";
    EXPECT_LE(door_of(longest).count, 5u);
}

}  // namespace
}  // namespace xinglin::identity
