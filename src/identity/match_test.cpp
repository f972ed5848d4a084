// SPDX-License-Identifier: Apache-2.0
// Matching against truth: the FEBRL sets, and made-up people of every awkward kind.
#include "identity/match.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <map>
#include <random>
#include <set>

#include "identity/compare.h"
#include "identity/similarity.h"
#include "identity/weights.h"
#include "table/table.h"
#include "testing/testing.h"

namespace xinglin::identity {
namespace {

struct Score {
    double precision, recall;
    double f1() const { return 2 * precision * recall / (precision + recall); }
};

/// `truth` tells the person of each record.
Score score(const std::vector<Pair>& pairs, const std::vector<std::string>& truth, std::uint32_t first_of_other) {
    std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> people;
    for (std::uint32_t i = 0; i < truth.size(); ++i) {
        auto& [here, there] = people[truth[i]];
        ++(i < first_of_other ? here : there);
    }
    double due = 0, right = 0;
    for (const auto& [person, counts] : people)
        due += first_of_other ? double(counts.first * counts.second) : double(counts.second * (counts.second - 1)) / 2;
    for (const Pair& pair : pairs) right += truth[pair.a] == truth[pair.b];
    return {pairs.empty() ? 0 : right / double(pairs.size()), right / due};
}

std::vector<Pair> pairs_of_clusters(const Matches& matches, std::uint32_t first_of_other) {
    std::map<std::uint32_t, std::vector<std::uint32_t>> members;
    for (std::uint32_t i = 0; i < matches.cluster.size(); ++i) members[matches.cluster[i]].push_back(i);
    std::vector<Pair> pairs;
    for (const auto& [first, all] : members)
        for (std::size_t i = 0; i < all.size(); ++i)
            for (std::size_t k = i + 1; k < all.size(); ++k)
                if (!first_of_other || (all[i] < first_of_other && all[k] >= first_of_other))
                    pairs.push_back({all[i], all[k], 1});
    return pairs;
}

class Febrl : public ::testing::Test {
protected:
    /// F1 of pairs and of clusters.
    static std::pair<double, double> f1_of(const std::vector<std::string>& files, bool with_id) {
        std::vector<ColumnName> columns{
            {"given_name", Role::name_given}, {"surname", Role::name_family}, {"street_number", Role::address_number},
            {"address_1", Role::address},     {"address_2", Role::place},     {"suburb", Role::place},
            {"postcode", Role::postcode},     {"state", Role::place},         {"date_of_birth", Role::birth_date}};
        if (with_id) columns.push_back({"soc_sec_id", Role::national_id});
        Records records(columns);
        std::vector<std::string> truth;
        std::uint32_t first_of_other = 0;
        for (const std::string& file : files) {
            if (!truth.empty()) first_of_other = records.size();
            auto rows = table::read_csv(table::Source::file(testing::shared_data() / "febrl" / file)).value();
            table::Row row;
            for (bool header = true; rows->next(row).value(); header = false) {
                if (header) continue;
                const std::string id(row.cells[0]);  // "rec-223-org", "rec-122-dup-0"
                truth.push_back(id.substr(0, id.find('-', 4)));
                records.add(row.cells.subspan(1, columns.size()));
            }
        }
        const Matches matches = match(records, {.first_of_other = first_of_other});
        return {score(matches.pairs, truth, first_of_other).f1(),
                score(pairs_of_clusters(matches, first_of_other), truth, first_of_other).f1()};
    }
    void SetUp() override {
        if (testing::shared_data().empty()) GTEST_SKIP() << "the FEBRL sets are not here";
    }
};

TEST_F(Febrl, IsMatchedWithItsIdentifier) {
    for (const auto& files : std::vector<std::vector<std::string>>{
             {"dataset1.csv"}, {"dataset2.csv"}, {"dataset3.csv"}, {"dataset4a.csv", "dataset4b.csv"}}) {
        const auto [pairs, clusters] = f1_of(files, true);
        EXPECT_GE(pairs, 0.999) << files[0];
        EXPECT_GE(clusters, 0.999) << files[0];
    }
}

TEST_F(Febrl, IsMatchedWithoutAnyIdentifier) {
    for (const auto& files : std::vector<std::vector<std::string>>{
             {"dataset1.csv"}, {"dataset2.csv"}, {"dataset3.csv"}, {"dataset4a.csv", "dataset4b.csv"}}) {
        const auto [pairs, clusters] = f1_of(files, false);
        EXPECT_GE(pairs, 0.995) << files[0];
        EXPECT_GE(clusters, 0.995) << files[0];
    }
}

const std::vector<ColumnName> chinese{{"name", Role::name_full}, {"sex", Role::sex},     {"birth", Role::birth_date},
                                      {"id", Role::national_id}, {"phone", Role::phone}, {"address", Role::address}};
using Person = std::array<std::string, 6>;

/// An identity number of nobody: area 130399, which there is none of.
std::string identity_number(const std::string& birth, int order) {
    const std::string body = "130399" + birth + fmt::format("{:03}", order);
    for (const char check : std::string_view("0123456789x"))
        if (is_sound_identity(body + check)) return body + check;
    return {};
}

/// Households of one and two, every other person written by two institutions.
class Town {
public:
    explicit Town(std::uint64_t seed, int people) : random_(seed), records(chinese) {
        for (int i = 0; i < people; ++i) {
            const Person person = anybody();
            add(person);
            if (i % 2 == 0) add(person);
            if (i % 3 > 0) continue;
            Person relative = anybody();
            relative[0] = person[0].substr(0, 3) + relative[0].substr(3);  // one surname, three bytes
            relative[4] = person[4], relative[5] = person[5];
            add(relative);
        }
    }
    Person anybody() {
        static const std::vector<std::string> surnames{"王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙"};
        static const std::vector<std::string> given{"伟", "芳", "娜", "敏", "静", "强", "磊", "军", "洋", "勇", "艳", "杰", "涛",
                                                    "明", "超", "秀", "兰", "霞", "平", "刚", "桂", "英", "华", "玉", "梅", "建"};
        const auto pick = [&](const auto& from) { return from[random_() % from.size()]; };
        const std::string birth = fmt::format("{}{:02}{:02}", 1940 + random_() % 80, 1 + random_() % 12, 1 + random_() % 28);
        return {pick(surnames) + pick(given) + (random_() % 3 ? pick(given) : ""),
                random_() % 2 ? "男" : "女",
                birth,
                identity_number(birth, static_cast<int>(random_() % 999)),
                fmt::format("16{:09}", random_() % 1'000'000'000),
                fmt::format("某市某区{}村{}号", 1 + random_() % 90, 1 + random_() % 400)};
    }
    std::uint32_t add(const Person& person) {
        std::vector<std::string_view> values(person.begin(), person.end());
        records.add(values);
        return records.size() - 1;
    }

private:
    std::mt19937_64 random_;

public:
    Records records;
};

class Awkward : public ::testing::Test {
protected:
    Town town{7, 3'000};
    bool joined(std::uint32_t a, std::uint32_t b) {
        if (matches.cluster.empty()) matches = match(town.records);
        return matches.cluster[a] == matches.cluster[b];
    }
    Matches matches;
};

TEST_F(Awkward, HomophonesAndTypingErrorsAreOnePerson) {
    Person person = town.anybody();
    person[0] = "张志伟";
    const auto first = town.add(person);
    Person other = person;
    other[0] = "张志玮";
    other[4] = "";
    const auto homophone = town.add(other);
    other = person;
    other[3][16] = other[3][16] == '9' ? '8' : '9';
    const auto mistyped = town.add(other);
    other = person;
    other[3] = other[3].substr(0, 6) + other[3].substr(8, 9);
    const auto of_fifteen = town.add(other);
    EXPECT_TRUE(joined(first, homophone));
    EXPECT_TRUE(joined(first, mistyped));
    if (person[2] < "2000") {
        EXPECT_TRUE(joined(first, of_fifteen));
    }
}

TEST_F(Awkward, TwinsAreTwo) {
    Person one = town.anybody();
    one[0] = "赵一雅", one[1] = "女", one[2] = "20251219", one[3] = identity_number("20251219", 6);
    Person other = one;
    other[0] = "赵一然", other[3] = identity_number("20251219", 4);
    const auto a = town.add(one), b = town.add(other);
    one = other = town.anybody();
    one[3] = other[3] = "";
    one[0] = "周露之女大", other[0] = "周露之女小";
    const auto c = town.add(one), d = town.add(other);
    EXPECT_FALSE(joined(a, b));
    EXPECT_FALSE(joined(c, d));
}

TEST_F(Awkward, ALentIdentityNumberDoesNotMakeOneOfTwo) {
    const Person owner = town.anybody();
    Person borrower = town.anybody();
    const auto a = town.add(owner);
    town.add(owner);
    const auto own = town.add(borrower);
    borrower[3] = owner[3];
    const auto lent = town.add(borrower);
    EXPECT_FALSE(joined(a, lent));
    EXPECT_TRUE(joined(own, lent));
}

TEST_F(Awkward, FatherAndSonOfOneNameOnOnePhoneAreTwo) {
    Person father = town.anybody();
    father[2] = "19590312", father[3] = identity_number("19590312", 71);
    Person son = father;
    son[2] = "19860724", son[3] = identity_number("19860724", 53);
    const auto a = town.add(father), b = town.add(son);
    EXPECT_FALSE(joined(a, b));
}

TEST_F(Awkward, ThousandsOfRecordsOfOnePhoneAreNotOnePerson) {
    Town crowd(11, 4'000);
    for (int i = 0; i < 5'000; ++i) {
        Person person = crowd.anybody();
        person[4] = "16000000000";
        crowd.add(person);
    }
    EXPECT_LE(match(crowd.records).figures.largest_cluster, 4u);
}

TEST(Matching, SaysTheSameWithAnyNumberOfThreads) {
    Town town(3, 2'000);
    const Matches one = match(town.records, {.threads = 1}), three = match(town.records, {.threads = 3});
    ASSERT_EQ(one.pairs.size(), three.pairs.size());
    EXPECT_EQ(one.cluster, three.cluster);
    for (std::size_t i = 0; i < one.pairs.size(); ++i) EXPECT_EQ(one.pairs[i].probability, three.pairs[i].probability);
}

TEST(Matching, TakesEmptyTablesAndRecordsThatSayNothing) {
    EXPECT_TRUE(match(Records(chinese)).pairs.empty());
    Records records(chinese);
    for (int i = 0; i < 50; ++i) records.add({});
    EXPECT_TRUE(match(records).pairs.empty());
    EXPECT_TRUE(match(records, {.first_of_other = 50}).pairs.empty());
}

TEST(Matching, OfTwoTablesJoinsOnlyBetweenThem) {
    Town town(5, 500);
    const std::uint32_t half = town.records.size() / 2;
    for (const Pair& pair : match(town.records, {.first_of_other = half}).pairs) {
        EXPECT_LT(pair.a, half);
        EXPECT_GE(pair.b, half);
    }
}

TEST(Matching, ExplainsItsWeights) {
    Town town(5, 2'000);
    const Person person = town.anybody();
    const auto a = town.add(person), b = town.add(person);
    const Matches matches = match(town.records);
    double sum = matches.prior;
    for (const Weight& each : matches.explain(town.records, a, b)) {
        EXPECT_EQ(each.level, "exact") << each.field;
        EXPECT_GT(each.weight, 0) << each.field;
        sum += each.weight;
    }
    EXPECT_GT(sum, 10);
}

// ---- the parts, against slow ones ---------------------------------------------------------------------------------------

/// The whole table, without a band: optimal string alignment as it is written down.
int slow_edits(const std::string& a, const std::string& b) {
    std::vector<std::vector<int>> cost(a.size() + 1, std::vector<int>(b.size() + 1));
    for (std::size_t i = 0; i <= a.size(); ++i) {
        for (std::size_t k = 0; k <= b.size(); ++k) {
            if (i == 0 || k == 0) {
                cost[i][k] = static_cast<int>(i + k);
                continue;
            }
            cost[i][k] = std::min({cost[i - 1][k] + 1, cost[i][k - 1] + 1, cost[i - 1][k - 1] + (a[i - 1] != b[k - 1])});
            if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
                cost[i][k] = std::min(cost[i][k], cost[i - 2][k - 2] + 1);
        }
    }
    return cost[a.size()][b.size()];
}

TEST(Similarity, CountsEditsAsTheWholeTableDoes) {
    std::mt19937_64 random(1);
    for (int round = 0; round < 20'000; ++round) {
        const auto word = [&] {
            std::string text(random() % 9, ' ');
            for (char& c : text) c = static_cast<char>('a' + random() % 3);
            return text;
        };
        const std::string a = word(), b = word();
        for (const int most : {0, 1, 2, 3}) EXPECT_EQ(edits(a, b, most), std::min(slow_edits(a, b), most + 1)) << a << " " << b;
    }
    EXPECT_EQ(edits("张志伟", "张志玮", 2), 1);
    EXPECT_EQ(edits("张伟志", "张志伟", 2), 1);
}

TEST(Similarity, IsThatOfWinklersTable) {  // Winkler (1994), table 2.1
    for (const auto& [a, b, expected] :
         std::vector<std::tuple<std::string, std::string, double>>{{"shackleford", "shackelford", 0.982},
                                                                   {"dunningham", "cunnigham", 0.896},
                                                                   {"nichleson", "nichulson", 0.956},
                                                                   {"jones", "johnson", 0.832},
                                                                   {"massey", "massie", 0.933},
                                                                   {"abroms", "abrams", 0.922},
                                                                   {"jeraldine", "geraldine", 0.926},
                                                                   {"marhta", "martha", 0.961},
                                                                   {"michelle", "michael", 0.921},
                                                                   {"julies", "julius", 0.933},
                                                                   {"tanya", "tonya", 0.880},
                                                                   {"dwayne", "duane", 0.840},
                                                                   {"sean", "susan", 0.805},
                                                                   {"jon", "john", 0.933}}) {
        EXPECT_NEAR(jaro_winkler(a, b), expected, 0.0006) << a << " " << b;
    }
}

TEST(Values, AreMadeAlike) {
    EXPECT_EQ(normalised(Role::name_full, "阿依古丽·买买提"), normalised(Role::name_full, "阿依古丽•买买提"));
    EXPECT_EQ(normalised(Role::name_full, "王 芳"), "王芳");
    EXPECT_EQ(normalised(Role::name_full, "无名氏"), "");
    EXPECT_EQ(normalised(Role::sex, "女性"), normalised(Role::sex, "2"));
    EXPECT_EQ(normalised(Role::phone, "+86 138-0000-0000"), "13800000000");
    EXPECT_EQ(normalised(Role::birth_date, "1980年5月3日"), "19800503");
    EXPECT_EQ(normalised(Role::birth_date, "1980/5/3 08:00"), "19800503");
    EXPECT_EQ(normalised(Role::birth_date, "3.5.1980"), "19800503");
    EXPECT_EQ(normalised(Role::birth_date, "1980"), "19800000");
    const std::string id = identity_number("19590312", 71);
    EXPECT_EQ(normalised(Role::national_id, id.substr(0, 6) + id.substr(8, 9)), id);  // of fifteen digits
    std::string letter = id;
    letter[letter.find('0')] = 'O';
    EXPECT_EQ(normalised(Role::national_id, letter), id);
}

TEST(Values, OfTheStandardsOwnExampleAreSound) {  // GB 11643-1999, annex A
    EXPECT_TRUE(is_sound_identity("11010519491231002x"));
    EXPECT_TRUE(is_sound_identity("440524188001010014"));
    EXPECT_FALSE(is_sound_identity("11010519491231003x"));
}

}  // namespace
}  // namespace xinglin::identity
