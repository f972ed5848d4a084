// SPDX-License-Identifier: Apache-2.0
// What room anonymity promises: the tables of the papers, and that it agrees with counting by hand on random tables.
#include "anonymity/anonymity.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <set>

namespace xinglin::anonymity {
namespace {

Level own() { return {.kind = Level::Kind::own}; }
Level first(int characters) { return {.kind = Level::Kind::first, .number = characters}; }
Level band(int years) { return {.kind = Level::Kind::band, .number = years}; }
Level all() { return {.kind = Level::Kind::all}; }
Quasi column(std::string name, std::vector<Level> levels) {
    return {.name = std::move(name), .kind = "sex", .levels = std::move(levels)};
}

/// Groups whose codes are their names, none harmless.
void add_groups(Rules& rules, std::initializer_list<const char*> names) {
    for (const char* name : names) rules.groups.push_back({name, {}, {{name, name}}});
}

struct Person {
    std::vector<std::string> values;
    std::string sensitive;
};

void fill(Table& table, const std::vector<Person>& persons) {
    for (const Person& each : persons) table.add(table.tuple_of(each.values), true, each.sensitive);
}

// Sweeney, "k-anonymity: a model for protecting privacy", 2002, figure 2: k = 2 by race, birth, gender and ZIP.
TEST(Anonymity, CountsTheTableOfSweeney) {
    Rules rules;
    rules.goals = {.k = 2, .l = 1};
    for (const char* name : {"race", "birth", "gender", "zip"}) rules.quasi.push_back(column(name, {own(), all()}));
    add_groups(rules, {"breath", "chest", "hypertension", "obesity"});
    Table table(rules);
    fill(table, {{{"Black", "1965", "m", "0214*"}, "breath"},
                 {{"Black", "1965", "m", "0214*"}, "chest"},
                 {{"Black", "1965", "f", "0213*"}, "hypertension"},
                 {{"Black", "1965", "f", "0213*"}, "hypertension"},
                 {{"Black", "1964", "f", "0213*"}, "obesity"},
                 {{"Black", "1964", "f", "0213*"}, "chest"},
                 {{"White", "1964", "m", "0213*"}, "chest"},
                 {{"White", "1964", "m", "0213*"}, "obesity"},
                 {{"White", "1964", "m", "0213*"}, "breath"},
                 {{"White", "1967", "m", "0213*"}, "chest"},
                 {{"White", "1967", "m", "0213*"}, "chest"}});
    const Measured as_is = Judge(table, rules.goals).measure({0, 0, 0, 0}, false);
    EXPECT_EQ(as_is.smallest, 2u);
    EXPECT_EQ(as_is.classes, 5u);
    EXPECT_EQ(as_is.below_k, 0u);
    EXPECT_EQ(as_is.least_distinct, 1u);  // two classes tell their problem
    EXPECT_DOUBLE_EQ(as_is.prosecutor.highest, 0.5);
    EXPECT_DOUBLE_EQ(as_is.prosecutor.average, 5.0 / 11);
    EXPECT_EQ(Judge(table, rules.goals).search().after.node, (Node{0, 0, 0, 0}));
}

/// Machanavajjhala et al. 2007, figure 1: inpatients by ZIP, age and nationality.
std::vector<Person> inpatients() {
    return {
        {{"13053", "28", "Russian"}, "heart"},  {{"13068", "29", "American"}, "heart"},  {{"13068", "21", "Japanese"}, "viral"},
        {{"13053", "23", "American"}, "viral"}, {{"14853", "50", "Indian"}, "cancer"},   {{"14853", "55", "Russian"}, "heart"},
        {{"14850", "47", "American"}, "viral"}, {{"14850", "49", "American"}, "viral"},  {{"13053", "31", "American"}, "cancer"},
        {{"13053", "37", "Indian"}, "cancer"},  {{"13068", "36", "Japanese"}, "cancer"}, {{"13068", "35", "American"}, "cancer"}};
}

Level ages(int up_to_first, int up_to_second) {
    Level level{.kind = Level::Kind::group, .otherwise = "older"};
    for (int age = 20; age <= up_to_second; ++age) level.groups[std::to_string(age)] = age <= up_to_first ? "young" : "middle";
    return level;
}

// Figure 2 of the same: four anonymous, and one class of it tells cancer. Figure 3: three diverse.
TEST(Anonymity, CountsTheTablesOfMachanavajjhala) {
    Rules rules;
    rules.goals = {.k = 4, .l = 1, .suppressed_most_percent = 0};
    rules.quasi = {column("zip", {own(), first(4), first(3), all()}), column("age", {own(), ages(29, 39), all()}),
                   column("nationality", {own(), all()})};
    add_groups(rules, {"heart", "viral", "cancer"});
    Table table(rules);
    fill(table, inpatients());
    const Measured second = Judge(table, rules.goals).measure({2, 1, 1}, false);
    EXPECT_EQ(second.smallest, 4u);
    EXPECT_EQ(second.classes, 3u);
    EXPECT_EQ(second.least_distinct, 1u);

    Rules diverse = rules;
    diverse.goals.l = 3;
    diverse.quasi[1].levels[1] = ages(40, 40);  // <=40 and older
    Table again(diverse);
    fill(again, inpatients());
    const Judge judge(again, diverse.goals);
    const Measured third = judge.measure({1, 1, 1}, false);
    EXPECT_EQ(third.smallest, 4u);
    EXPECT_EQ(third.classes, 3u);
    EXPECT_EQ(third.least_distinct, 3u);
    EXPECT_NEAR(third.least_entropy_l, 2.8284, 0.001);  // one, one and two of four
    const Found found = judge.search();
    EXPECT_TRUE(found.reached);

    EXPECT_GE(found.after.least_distinct, 3u);
}

// A class with one sensitive disease only may not go out, one with none of them may.
TEST(Anonymity, ValuesAnyoneMayKnowNeedNoCompany) {
    Rules rules;
    rules.goals = {.k = 2, .l = 2, .suppressed_most_percent = 0};
    rules.quasi = {column("town", {own(), all()})};
    add_groups(rules, {"hiv"});
    rules.harmless = {"none", "other"};
    Table healthy(rules);
    fill(healthy, {{{"a"}, "none"}, {{"a"}, "none"}, {{"b"}, "none"}, {{"b"}, "none"}});
    EXPECT_EQ(Judge(healthy, rules.goals).search().after.node, Node{0});
    Table ill(rules);
    fill(ill, {{{"a"}, "hiv"}, {{"a"}, "hiv"}, {{"b"}, "none"}, {{"b"}, "none"}});
    EXPECT_EQ(Judge(ill, rules.goals).search().after.node, Node{1});
}

// Whom a journalist may take for somebody is more than who is released (El Emam 2013, chapter 16).
TEST(Anonymity, JournalistsAndMarketersCountThePopulation) {
    Rules rules;
    rules.goals = {.k = 2, .l = 1};
    rules.quasi = {column("town", {own(), all()})};
    Table table(rules);
    const std::vector<std::string> town_a{"a"}, town_b{"b"};
    for (int i = 0; i < 10; ++i) table.add(table.tuple_of(town_a), i < 2, "none");
    for (int i = 0; i < 4; ++i) table.add(table.tuple_of(town_b), i < 4, "none");
    const Measured out = Judge(table, rules.goals).measure({0}, false);
    EXPECT_DOUBLE_EQ(out.prosecutor.highest, 0.5);
    EXPECT_DOUBLE_EQ(out.prosecutor.average, 2.0 / 6);
    EXPECT_DOUBLE_EQ(out.journalist.highest, 0.25);
    EXPECT_DOUBLE_EQ(out.marketer, (2.0 / 10 + 4.0 / 4) / 6);
    EXPECT_DOUBLE_EQ(out.journalist.average, std::max(2.0 / 14, out.marketer));
}

// --- against counting by hand ---

struct Counted {
    std::uint64_t told = 0, suppressed = 0, classes = 0, smallest = 0, below_k = 0;
    double most_t = 0;
};

Counted count_by_hand(const Rules& rules, const std::vector<Person>& persons, const Node& node, bool suppress) {
    std::map<std::string, std::vector<const Person*>> groups;
    for (const Person& each : persons) {
        std::string told;
        for (std::size_t i = 0; i < node.size(); ++i) told += rules.quasi[i].levels[node[i]].of(each.values[i]) + "|";
        groups[told].push_back(&each);
    }
    Counted out;
    for (const auto& [name, members] : groups) {
        std::map<std::string, double> values;
        bool harmful = false;
        for (const Person* each : members) {
            ++values[each->sensitive];
            harmful = harmful || !rules.is_harmless(each->sensitive);
        }
        const bool open = members.size() < rules.goals.k || (harmful && values.size() < rules.goals.l);
        if (suppress && open) {
            out.suppressed += members.size();
            continue;
        }
        out.told += members.size();
        ++out.classes;
        out.smallest = out.smallest == 0 ? members.size() : std::min<std::uint64_t>(out.smallest, members.size());
        if (members.size() < rules.goals.k) out.below_k += members.size();
        double distance = 0;
        for (const std::string value : {"hiv", "mental", "other", "none"}) {
            double whole = 0;
            for (const Person& each : persons) whole += each.sensitive == value ? 1 : 0;
            const double here = values.contains(value) ? values[value] : 0;
            distance += std::abs(here / static_cast<double>(members.size()) - whole / static_cast<double>(persons.size())) / 2;
        }
        out.most_t = std::max(out.most_t, distance);
    }
    return out;
}

std::vector<Person> random_persons(std::mt19937& random) {
    const char* const values[] = {"none", "none", "none", "other", "other", "mental", "hiv"};
    std::vector<Person> persons(20 + random() % 200);
    for (Person& each : persons) {
        const std::string age = random() % 20 == 0 ? "" : std::to_string(random() % 40);
        each.values = {age, random() % 2 == 0 ? "male" : "female",
                       std::to_string(13039 + random() % 2) + std::to_string(random() % 3)};
        each.sensitive = values[random() % std::size(values)];
    }
    return persons;
}

TEST(Anonymity, AgreesWithCountingByHandOnRandomTables) {
    for (unsigned seed = 1; seed <= 60; ++seed) {
        SCOPED_TRACE(seed);
        std::mt19937 random(seed);
        Rules rules;
        rules.goals = {.k = 2 + static_cast<std::uint32_t>(random() % 9),
                       .l = 1 + static_cast<std::uint32_t>(random() % 3),
                       .suppressed_most_percent = static_cast<double>(random() % 12)};
        rules.quasi = {column("age", {own(), band(5), band(10), all()}), column("sex", {own(), all()}),
                       column("area", {own(), first(5), first(4), all()})};
        add_groups(rules, {"hiv", "mental"});
        rules.harmless = {"none", "other"};
        const auto persons = random_persons(random);
        Table table(rules);
        fill(table, persons);
        ASSERT_TRUE(table.check_levels().ok());
        const Judge judge(table, rules.goals);
        std::set<Node> reaching;
        for (std::uint8_t a = 0; a < 4; ++a)
            for (std::uint8_t s = 0; s < 2; ++s)
                for (std::uint8_t d = 0; d < 4; ++d) {
                    const Node node{a, s, d};
                    for (const bool suppress : {false, true}) {
                        const Counted by_hand = count_by_hand(rules, persons, node, suppress);
                        const Measured found = judge.measure(node, suppress);
                        ASSERT_EQ(found.persons, by_hand.told);
                        ASSERT_EQ(found.suppressed, by_hand.suppressed);
                        ASSERT_EQ(found.classes, by_hand.classes);
                        ASSERT_EQ(found.smallest, by_hand.smallest);
                        ASSERT_EQ(found.below_k, by_hand.below_k);
                        ASSERT_NEAR(found.most_t, by_hand.most_t, 1e-9);
                    }
                    const auto hidden = count_by_hand(rules, persons, node, true).suppressed;
                    if (static_cast<double>(hidden) * 100 <=
                        rules.goals.suppressed_most_percent * static_cast<double>(persons.size()))
                        reaching.insert(node);
                }
        std::set<Node> minimal;
        for (const Node& one : reaching) {
            bool least = true;
            for (const Node& other : reaching)
                least = least && (other == one || !(other[0] <= one[0] && other[1] <= one[1] && other[2] <= one[2]));
            if (least) minimal.insert(one);
        }
        const Found found = judge.search();
        ASSERT_EQ(std::set<Node>(found.minimal.begin(), found.minimal.end()), minimal);
        ASSERT_EQ(found.reached, !minimal.empty());
        if (!found.reached) continue;
        EXPECT_EQ(found.after.below_k, 0u);
        EXPECT_EQ(found.after.below_l, 0u);
        EXPECT_GE(found.after.smallest, rules.goals.k);
        EXPECT_LE(found.after.prosecutor.highest, 1.0 / rules.goals.k);
    }
}

// --- content ---

TEST(Anonymity, TheRulesOfContentComeOutAsTheirCasesSay) {
    std::vector<content::Complaint> complaints;
    std::size_t checked = 0;
    check_shelf(content::Files(), complaints, checked);
    for (const content::Complaint& each : complaints) ADD_FAILURE() << each.file << " " << each.where << ": " << each.what;
    EXPECT_GE(checked, 6u);
}

TEST(Anonymity, LevelsThatPartWhatWasJoinedAreRefused) {
    Rules rules;
    rules.quasi = {column("age", {band(10), band(15)})};
    Table table(rules);
    fill(table, {{{"11"}, "none"}, {{"19"}, "none"}});
    EXPECT_FALSE(table.check_levels().ok());
}

TEST(Anonymity, TheReportIsWholeAndItsPageHoldsNoMarkupOfItsName) {
    const auto rules = read_rules(content::Files());
    ASSERT_TRUE(rules.ok()) << rules.outcome().line();
    Table table(*rules);
    for (int i = 0; i < 40; ++i)
        table.add(table.tuple_of(std::vector<std::string>{"37", "male", "130390001", "01", "1"}), true, "none");
    const Found found = Judge(table, rules->goals).search();
    EXPECT_EQ(why_not(*rules, found), "");
    json::Arena arena;
    const json::Value report =
        report_json(*rules, found, {.name = "<b>肝病</b>", .edition = "1", .key_mark = "k", .made_at = "2026"}, arena);
    EXPECT_TRUE(report["reached"].as_bool());
    EXPECT_EQ(report["after"]["smallest_class"].text(), "40");
    EXPECT_EQ(report["quasi"].items().size(), 5u);
    const std::string page = report_page(*rules, found, {.name = "<b>肝病</b>"});
    EXPECT_EQ(page.find("<b>"), std::string::npos);
    EXPECT_NE(page.find("prosecutor risk"), std::string::npos);
}

TEST(Anonymity, NothingGoesOutWhereTooFewAreToldUnlessTheRulesSaySo) {
    auto rules = read_rules(content::Files());
    ASSERT_TRUE(rules.ok());
    Table table(*rules);
    table.add(table.tuple_of(std::vector<std::string>{"37", "male", "130390001", "01", "1"}), true, "none");
    const Found found = Judge(table, rules->goals).search();
    EXPECT_FALSE(found.reached);
    EXPECT_NE(why_not(*rules, found).find("deidentify/release.json"), std::string::npos);
    rules->goals.refuses_when_missed = false;
    EXPECT_EQ(why_not(*rules, found), "");
}

}  // namespace
}  // namespace xinglin::anonymity
