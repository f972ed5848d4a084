// SPDX-License-Identifier: Apache-2.0
// The views that come with the program give in each of their cases the rows written there; saved ones replace them.
#include "view/library.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "testing/testing.h"
#include "view/shelf_check.h"

namespace xinglin::view {
namespace {

void write_file(const std::filesystem::path& file, std::string_view text) {
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
}

TEST(Content, EveryBuiltInViewPassesItsCases) {
    std::vector<content::Complaint> complaints;
    std::size_t checked = 0;
    check_shelf(*content::Files::over(std::filesystem::path(XINGLIN_SOURCE_DIR) / "content"), complaints, checked);
    for (const auto& one : complaints) ADD_FAILURE() << one.file << ": " << one.where << ": " << one.what;
    EXPECT_GE(checked, 16u);
}

TEST(Content, SaysWhatIsWrongAndWhere) {
    const testing::ScratchFolder folder;
    write_file(folder.path() / "views/good.json",
               R"({"name":"good","resource":"Patient","select":[{"column":[{"name":"id","path":"id"}]}]})");
    write_file(folder.path() / "views/cases/good/one.json",
               R"({"resources":[{"resourceType":"Patient","id":"a"}],"expect":[{"id":"b"}]})");
    write_file(folder.path() / "views/bad.json",
               R"({"name":"bad","resource":"Patient","select":[{"column":[{"name":"id","path":"idd"}]}]})");
    write_file(folder.path() / "views/other.json",
               R"({"name":"another","resource":"Patient","select":[{"column":[{"name":"id","path":"id"}]}]})");
    write_file(folder.path() / "views/cases/nobody/one.json", "{}");
    std::vector<content::Complaint> complaints;
    std::size_t checked = 0;
    check_shelf(*content::Files::over(folder.path()), complaints, checked);
    std::vector<std::string> lines;
    for (const auto& one : complaints) lines.push_back(one.file + " " + one.where);
    EXPECT_THAT(lines, ::testing::UnorderedElementsAre("views/bad.json select[0].column[0].path", "views/other.json name",
                                                       "views/cases/good/one.json expect", "views/cases/nobody/one.json path"));
}

TEST(Library, SavedViewsReplaceBuiltInOnesAndSurvive) {
    const testing::ScratchFolder folder;
    const auto definition = Definition::compile(R"({"resource":"Patient","select":[{"column":[{"name":"id","path":"id"}]}]})");
    ASSERT_TRUE(definition.ok());
    {
        Library library(content::Files(), folder.path() / "views");
        EXPECT_TRUE(library.problems().empty());
        const std::size_t built_in = library.list().size();
        EXPECT_FALSE(library.find("Condition")->saved);
        EXPECT_TRUE(*library.save("mine", *definition));
        EXPECT_FALSE(*library.save("condition", *definition));
        EXPECT_EQ(library.list().size(), built_in + 1);
        EXPECT_FALSE(library.save("no/path", *definition).ok());
        EXPECT_FALSE(library.save("_x", *definition).ok());
    }
    Library library(content::Files(), folder.path() / "views");
    EXPECT_TRUE(library.find("mine")->saved);
    EXPECT_EQ(library.find("condition")->definition.resource().name, "Patient");
    ASSERT_TRUE(library.erase("condition").ok());
    EXPECT_EQ(library.find("condition")->definition.resource().name, "Condition");
    EXPECT_EQ(library.erase("condition").outcome().code(), IssueCode::conflict);
    EXPECT_EQ(library.erase("nobody").outcome().code(), IssueCode::not_found);
}

}  // namespace
}  // namespace xinglin::view
