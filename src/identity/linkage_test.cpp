// SPDX-License-Identifier: Apache-2.0
// `xinglin match` on files: what is written, and how what is wrong is refused.
#include "identity/linkage.h"

#include <gmock/gmock.h>

#include <fstream>

#include "testing/testing.h"

namespace xinglin::identity {
namespace {

using ::testing::HasSubstr;

class LinkageTest : public ::testing::Test {
protected:
    std::filesystem::path file(const std::string& name, const std::string& text) {
        std::ofstream(scratch_.path() / name, std::ios::binary) << text;
        return scratch_.path() / name;
    }
    std::string refused(Linkage linkage) {
        linkage.pairs = scratch_.path() / "pairs.csv";
        const auto result = link(linkage);
        EXPECT_FALSE(result.ok());
        EXPECT_FALSE(std::filesystem::exists(linkage.pairs));
        return result.ok() ? "" : result.outcome().line();
    }
    static constexpr const char* map =
        R"({"id": "no", "columns": {"name": "name.full", "born": "birth_date", "phone": "phone"}})";
    testing::ScratchFolder scratch_;
};

/// Strangers of distinct names, dates and phones.
std::string strangers(int from, int to) {
    std::string text;
    for (int i = from; i < to; ++i)
        text += fmt::format("{},person{} family{},{}{:02}{:02},16{:09}\n", 1000 + i, i * 7919 % 997, i * 104729 % 991,
                            1940 + i % 70, 1 + i % 12, 1 + i % 28, i * 15485863LL % 999999937);
    return text;
}

TEST_F(LinkageTest, WritesPairsAndClusters) {
    const Linkage linkage{
        .input = file("a.csv", "no,name,born,phone\n" + strangers(0, 300) + "9,\"Smith, Anna\",1980-05-03,123 4567\n" +
                                   "10,Anna Smith,03.05.1980,1234567\n\"x,1\",Anna Smith,,1234567\n"),
        .columns = file("map.json", map),
        .pairs = scratch_.path() / "pairs.csv",
        .clusters = scratch_.path() / "clusters.csv",
        .explain = true};
    const auto figures = link(linkage);
    ASSERT_TRUE(figures.ok()) << figures.outcome().line();
    EXPECT_EQ(figures->records, 303u);
    const std::string pairs = testing::read_file(linkage.pairs), clusters = testing::read_file(linkage.clusters);
    EXPECT_TRUE(pairs.starts_with("id_a,id_b,probability,explanation\n")) << pairs;
    EXPECT_THAT(pairs, HasSubstr("\n10,9,"));  // in order as text
    EXPECT_THAT(pairs, HasSubstr(",\"x,1\","));
    EXPECT_THAT(pairs, HasSubstr("{\"\"prior\"\":"));
    EXPECT_TRUE(clusters.starts_with("id,cluster\n1000,1\n1001,2\n")) << clusters.substr(0, 60);
    EXPECT_TRUE(clusters.ends_with("\n9,301\n10,301\n\"x,1\",301\n")) << clusters.substr(clusters.size() - 60);
}

TEST_F(LinkageTest, LinksTwoTables) {
    const Linkage linkage{.input = file("a.csv", "no,name,born,phone\n" + strangers(0, 200)),
                          .other = file(
                              "b.csv", "phone,born,name,no\n16000000001,1999-09-09,Nobody Else,1\n" +
                                           [] {
                                               const std::string line = strangers(77, 78);  // its columns the other way round
                                               std::vector<std::string> cells;
                                               std::stringstream in(line.substr(0, line.size() - 1));
                                               for (std::string cell; std::getline(in, cell, ',');) cells.push_back(cell);
                                               return cells[3] + "," + cells[2] + "," + cells[1] + ",1077\n";
                                           }()),
                          .columns = file("map.json", map),
                          .pairs = scratch_.path() / "pairs.csv"};
    const auto figures = link(linkage);
    ASSERT_TRUE(figures.ok()) << figures.outcome().line();
    const std::string pairs = testing::read_file(linkage.pairs);
    EXPECT_TRUE(pairs.starts_with("id_a,id_b,probability\n1077,1077,")) << pairs;
    EXPECT_EQ(std::count(pairs.begin(), pairs.end(), '\n'), 2);
}

TEST_F(LinkageTest, RefusesByNameWhatIsWrong) {
    const auto good = file("a.csv", "no,name,born,phone\n1,A B,1980,1\n"), columns = file("map.json", map);
    EXPECT_THAT(refused({.input = scratch_.path() / "none.csv", .columns = columns}), HasSubstr("none.csv"));
    EXPECT_THAT(refused({.input = good, .columns = scratch_.path() / "none.json"}), HasSubstr("none.json"));
    EXPECT_THAT(refused({.input = good, .columns = file("bad.json", "{")}), HasSubstr("not JSON"));
    EXPECT_THAT(refused({.input = good, .columns = file("bad.json", R"({"columns": {"name": "name.full"}})")}),
                HasSubstr("\"id\""));
    EXPECT_THAT(refused({.input = good, .columns = file("bad.json", R"({"id": "no", "columns": {"name": "surname"}})")}),
                HasSubstr("name.family"));
    EXPECT_THAT(refused({.input = good, .columns = file("bad.json", R"({"id": "no", "columns": {}})")}), HasSubstr("empty"));
    EXPECT_THAT(refused({.input = good, .columns = file("bad.json", R"({"id": "no", "columns": {"title": "text"}})")}),
                HasSubstr("'title'"));
    EXPECT_THAT(refused({.input = file("b.csv", "no,name,born,phone\n1,A,,\n,B,,\n"), .columns = columns}), HasSubstr("row 3"));
    EXPECT_THAT(refused({.input = file("b.csv", "no,name,born,phone\n1,A,,\n1,B,,\n"), .columns = columns}),
                HasSubstr("ids must differ"));
    EXPECT_THAT(refused({.input = file("b.csv", "no,name,born,phone\n"), .other = good, .columns = columns}),
                HasSubstr("no records"));
}

}  // namespace
}  // namespace xinglin::identity
