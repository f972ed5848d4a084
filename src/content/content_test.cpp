// SPDX-License-Identifier: Apache-2.0
// What is packed in is what lies in content/, and a folder on top wins.
#include "content/content.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "testing/testing.h"

namespace xinglin::content {
namespace {

std::string text_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Content, PackedFilesAreThoseOfTheFolder) {
    const Files files;
    const std::filesystem::path folder = std::filesystem::path(XINGLIN_SOURCE_DIR) / "content";
    for (const std::string& path : files.list("")) EXPECT_EQ(files.read(path), text_of(folder / path)) << path;
}

TEST(Content, AnOverlayReplacesAndHides) {
    const testing::ScratchFolder scratch;
    std::filesystem::create_directories(scratch.path() / "views");
    std::ofstream(scratch.path() / "views/mine.json") << "{}";
    const Result<Files> files = Files::over(scratch.path());
    ASSERT_TRUE(files.ok());
    EXPECT_EQ(files.value().read("views/mine.json"), "{}");
    const std::vector<std::string> views = files.value().list("views");
    EXPECT_NE(std::find(views.begin(), views.end(), "views/mine.json"), views.end());
    for (const std::string& path : Files().list("")) {
        std::filesystem::create_directories((scratch.path() / path).parent_path());
        std::ofstream(scratch.path() / path) << "";
        EXPECT_FALSE(files.value().read(path)) << path;
    }
}

TEST(Content, NoPathLeavesTheFolder) {
    const testing::ScratchFolder scratch;
    std::ofstream(scratch.path() / "secret") << "x";
    std::filesystem::create_directories(scratch.path() / "content");
    const Result<Files> files = Files::over(scratch.path() / "content");
    EXPECT_FALSE(files.value().read("../secret"));
    EXPECT_FALSE(files.value().read((scratch.path() / "secret").string()));
    EXPECT_FALSE(Files::over(scratch.path() / "none").ok());
}

}  // namespace
}  // namespace xinglin::content
