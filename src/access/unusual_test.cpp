// SPDX-License-Identifier: Apache-2.0
#include "access/unusual.h"

#include <gtest/gtest.h>

#include <fstream>

#include "testing/testing.h"

namespace xinglin::access {
namespace {

TEST(Unusual, RulesDoWhatTheirCasesSay) {
    std::vector<content::Complaint> complaints;
    std::size_t checked = 0;
    check_unusual(content::Files(), complaints, checked);
    for (const auto& each : complaints) ADD_FAILURE() << each.where << ": " << each.what;
    EXPECT_EQ(checked, 1u);
}

TEST(Unusual, ARuleThatIsNoneIsRefusedByItsMember) {
    const testing::ScratchFolder folder;
    std::filesystem::create_directories(folder.path() / "access");
    const auto refused = [&](std::string_view text) {
        std::ofstream(folder.path() / "access" / "unusual.json") << text;
        const auto files = content::Files::over(folder.path());
        const auto rules = UnusualRules::read(*files);
        return rules.ok() ? std::string() : rules.outcome().line();
    };
    EXPECT_EQ(refused(R"({"rules":[]})"), "");
    EXPECT_NE(refused(R"({"rules":[{"id":"x","kind":"sorcery"}]})"), "");
    EXPECT_NE(refused(R"({"rules":[{"id":"x","kind":"night"}]})"), "") << "without words";
    EXPECT_NE(refused("{"), "");
}

TEST(Unusual, DoorsAndStreetsAreReadFromAddresses) {
    EXPECT_EQ(door_of("东河村 3组，12号"), "东河村3组12号");
    EXPECT_EQ(door_of("杏林镇"), "") << "a town is no door";
    EXPECT_EQ(street_of("青禾县杏林镇东河村3组12号"), "青禾县杏林镇东河村");
    EXPECT_EQ(street_of("12号"), "");
}

}  // namespace
}  // namespace xinglin::access
