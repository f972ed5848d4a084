// SPDX-License-Identifier: Apache-2.0
// What the person index promises: named cases, decisions and their undoing, the same index however it was made, on both engines.
#include "person/person.h"

#include <fstream>

#include <gmock/gmock.h>

#include "person/shelf_check.h"
#include "person/test_house.h"
#include "person/test_naive.h"

namespace xinglin::person {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

TEST_F(PersonTest, LinksWhatIsPlainlyOnePersonAndNobodyElse) {
    town(40);
    put(anna);
    Said other = with(anna, "anna-2");
    other.source = "b";
    put(other);
    other.id = "anna-3", other.number.clear();  // by name, date, phone and address
    put(other);
    other.id = "anna-4", other.name = "马宇童", other.number = anna.number, other.phone.clear();  // a homophone, the number
    put(other);
    EXPECT_THAT(person_of("anna-1"), ElementsAre("anna-1", "anna-2", "anna-3", "anna-4"));
    EXPECT_EQ(persons->state().people, 41u);
    EXPECT_EQ(persons->state().records, 44u);
    EXPECT_THAT(asked(), IsEmpty());
    const auto person = persons->person("anna-3");
    ASSERT_TRUE(person);
    EXPECT_EQ(person->enterprise_id.size(), 15u);
    EXPECT_EQ(person->links.size(), 3u);
    EXPECT_EQ(persons->person(person->enterprise_id)->members.size(), 4u);
    EXPECT_EQ(persons->person("no such person"), std::nullopt);
}

TEST_F(PersonTest, TakesBackEveryDecisionAndItsConsequences) {
    put(anna);
    put({.id = "other", .name = "马玉彤", .birth = "19850818", .number = number_of("19850818", 42)});
    const std::string first = persons->enterprise_of("anna-1"),
                      link = rule({.kind = "link", .a = "other", .b = "anna-1", .who = "li", .why = "母亲确认"});
    EXPECT_THAT(person_of("other"), ElementsAre("anna-1", "other"));
    EXPECT_EQ(persons->state().people, 1u);
    EXPECT_THAT(rule({.kind = "link", .a = "other", .b = "anna-1"}), HasSubstr("same person"));
    const std::string undo = rule({.kind = "undo", .target = link, .who = "wang"});
    EXPECT_THAT(person_of("other"), ElementsAre("other"));
    EXPECT_THAT(rule({.kind = "undo", .target = link}), HasSubstr("undone already"));
    rule({.kind = "undo", .target = undo, .who = "li"});
    EXPECT_THAT(person_of("other"), ElementsAre("anna-1", "other"));
    const auto person = persons->person("other");
    ASSERT_EQ(person->lines.size(), 3u);
    EXPECT_EQ(person->lines.back().why, "母亲确认");
    EXPECT_FALSE(person->lines.back().off);
    EXPECT_TRUE(person->lines[1].off);
    EXPECT_THAT(rule({.kind = "split", .members = {"other", "anna-1"}}), HasSubstr("at least one"));
    EXPECT_THAT(rule({.kind = "split", .members = {"nobody"}}), HasSubstr("not known"));
}

TEST_F(PersonTest, NeverJoinsAgainWhatSomebodyKeptApart) {
    town(10);
    put(anna);
    put(with(anna, "anna-2"));
    EXPECT_EQ(person_of("anna-1").size(), 2u);
    rule({.kind = "split", .members = {"anna-2"}, .who = "li"});
    for (const char* id : {"anna-1", "anna-2"}) {  // who stays behind hears of it as well, and can undo it
        const auto person = persons->person(id);
        ASSERT_TRUE(person.has_value());
        EXPECT_TRUE(std::any_of(person->lines.begin(), person->lines.end(), [](const auto& line) {
            return line.kind == "split";
        })) << id;
    }
    Said moved = with(anna, "anna-2");
    moved.address = "某市某区新村1号";
    put(moved);
    EXPECT_THAT(person_of("anna-2"), ElementsAre("anna-2"));
    EXPECT_THAT(asked(), IsEmpty());
}

TEST_F(PersonTest, WantsFourEyesWhenContentSaysSo) {
    Settings strict = settings();
    strict.four_eyes = true;
    persons = index("strict.db", strict);
    town(20);
    put(anna);
    put({.id = "lent", .name = "白宇", .sex = "male", .birth = "19621104", .number = anna.number});
    ASSERT_THAT(asked(), ElementsAre("lent_id lent anna-1"));
    const Ruling link{.kind = "link", .a = "lent", .b = "anna-1", .who = "li"};
    rule(link);
    EXPECT_THAT(person_of("lent"), ElementsAre("lent")) << "proposed only";
    EXPECT_THAT(rule(link), HasSubstr("somebody else"));
    Ruling confirmed = link;
    confirmed.who = "wang";
    rule(confirmed);
    EXPECT_EQ(person_of("lent").size(), 2u);
    EXPECT_THAT(asked(), IsEmpty());
}

TEST_F(PersonTest, AnswersWhoThisMayBe) {
    town(20);
    put(anna);
    persons->catch_up();
    json::Arena arena;
    const auto asked = json::parse(
        R"({"resourceType":"Patient","name":[{"text":"马宇桐"}],"birthDate":"1985-08-17","telecom":[{"system":"phone","value":"160 1111 2222"}]})",
        arena);
    const auto found = persons->match(*asked, 5);
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].id, "anna-1");
    EXPECT_EQ(found[0].enterprise_id, persons->enterprise_of("anna-1"));
    EXPECT_GT(found[0].probability, 0.5);
    EXPECT_THAT(persons->match(json::Value{}, 5), IsEmpty());
}

TEST_F(PersonTest, StandsAsTheModelSaysWhoeverUndidWhat) {
    const std::uint64_t seed = testing::seed();
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
    constexpr std::size_t records = 6;
    for (std::size_t i = 1; i <= records; ++i)  // six strangers
        put({.id = fmt::format("r{}", i),
             .name = fmt::format("某{}", i),
             .birth = fmt::format("19{}00101", i),
             .number = number_of(fmt::format("19{}00101", i), 11)});
    Naive naive;
    std::vector<std::string> ids;
    for (int i = 0; i < 60; ++i) {
        const std::size_t a = 1 + below(records), b = 1 + below(records), what = below(10);
        Ruling ruling{.who = "li"};
        Decision decision{};
        if (what < 4) {
            ruling.kind = "link", ruling.a = fmt::format("r{}", a), ruling.b = fmt::format("r{}", b);
            decision = {Decision::link, static_cast<Record>(a), static_cast<Record>(b), {}, 0};
        } else if (what < 6 || ids.empty()) {
            ruling.kind = "split", ruling.members = {fmt::format("r{}", a)};
            decision = {Decision::divide, 0, 0, {static_cast<Record>(a)}, 0};
        } else {
            const std::size_t target = below(ids.size());
            ruling.kind = "undo", ruling.target = ids[target];
            decision = {Decision::undo, 0, 0, {}, target};
        }
        const std::string done = rule(ruling);
        if (done.starts_with("refused")) continue;
        ids.push_back(done);
        naive.all.push_back(decision);
        std::set<std::set<std::string>> expected, found;
        for (const auto& [record, members] : naive.people(static_cast<Record>(records))) {
            std::set<std::string> named;
            for (const Record member : members) named.insert(fmt::format("r{}", member));
            expected.insert(named);
        }
        for (std::size_t r = 1; r <= records; ++r) {
            const auto all = persons->patients(fmt::format("r{}", r));
            found.insert({all.begin(), all.end()});
        }
        ASSERT_EQ(found, expected) << "after decision " << i;
        ASSERT_EQ(persons->state().people, expected.size());
        const auto line_of = persons->person("r1")->lines;
        for (const Line& line : line_of) {
            const auto at = std::find(ids.begin(), ids.end(), line.id);
            ASSERT_NE(at, ids.end());
            EXPECT_EQ(line.off, !naive.stands(static_cast<std::size_t>(at - ids.begin()))) << line.kind;
        }
    }
}

TEST_F(PersonTest, IsTheSameHoweverItWasMade) {
    const std::uint64_t seed = testing::seed();
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
    std::vector<std::string> rulings;
    const std::vector<std::string> names{"马雨桐", "马宇桐", "马雨", "田红军", "赵一雅", "赵一然", "周玉之女大", "无名氏"};
    for (int i = 0; i < 160; ++i) {
        const std::string id = fmt::format("p{}", below(20)), other = fmt::format("p{}", below(20));
        const std::string birth = fmt::format("198{}0{}1{}", below(2), 1 + below(2), below(2));
        switch (below(8)) {
            case 0: erase(id); break;
            case 1: rulings.push_back(rule({.kind = "link", .a = id, .b = other, .who = "li"})); break;
            case 2: rulings.push_back(rule({.kind = "apart", .a = id, .b = other, .who = "li"})); break;
            case 3: rulings.push_back(rule({.kind = "split", .members = {id}, .who = "li"})); break;
            case 4:
                if (!rulings.empty())
                    rulings.push_back(rule({.kind = "undo", .target = rulings[below(rulings.size())], .who = "wang"}));
                break;
            default:
                put({.id = id,
                     .name = names[below(names.size())],
                     .sex = below(5) ? "female" : "male",
                     .birth = birth,
                     .number = below(2) ? number_of(birth, static_cast<int>(1 + below(3))) : "",
                     .phone = fmt::format("1600000000{}", below(4)),
                     .source = fmt::format("s{}", below(3))});
        }
        if (below(3) == 0) persons->catch_up();
        if (below(20) == 0) persons = index("one.db");  // stopped and started
    }
    persons->catch_up();
    const auto anew = index("two.db");
    anew->catch_up();
    EXPECT_EQ(persons->dump(), anew->dump());
    const auto kept_up = persons->dump();
    persons.reset();
    sql::open_sqlite(folder.path() / "one.db", {})->run("UPDATE person_state SET counted = 0");
    persons = index("one.db");
    EXPECT_EQ(persons->dump(), kept_up) << "counted from the beginning it is what was counted on the way";
    std::set<std::string> people;
    for (int i = 0; i < 20; ++i)
        if (const auto all = persons->patients(fmt::format("p{}", i)); !all.empty()) people.insert(all.front());
    EXPECT_EQ(persons->state().people, people.size());
}

TEST_F(PersonTest, IsFilledByTheBatchEngineAndGoesOnFromThere) {
    Settings early = settings();
    early.fill_from = 100;
    town(120);
    put(anna);
    put(with(anna, "anna-2"));
    Said wrong = with(anna, "anna-3");
    put(wrong);
    persons->catch_up();  // decided one by one
    rule({.kind = "split", .members = {"anna-3"}, .who = "li"});
    auto filled = index("filled.db", early);
    filled->catch_up();
    EXPECT_GT(filled->state().filled_at, 0);
    EXPECT_THAT(filled->patients("anna-1"), ElementsAre("anna-1", "anna-2"));
    EXPECT_THAT(filled->patients("anna-3"), ElementsAre("anna-3")) << "what people decided stands";
    EXPECT_EQ(filled->state().people, 122u);
    Said later = with(anna, "anna-4");
    later.number.clear();
    put(later);
    filled->catch_up();
    const auto again = index("again.db", early);
    again->catch_up();
    EXPECT_EQ(filled->dump(), again->dump());
    EXPECT_EQ(filled->enterprise_of("anna-2"), persons->enterprise_of("anna-2"));
}

TEST_F(PersonTest, LearnsNothingFromPeopleWhoAreAllToldOnce) {
    Settings early = settings();
    early.fill_from = 100;
    town(200);
    for (int i = 0; i < 40; ++i) {  // brothers of one name at one address, each with a number of his own
        const std::string birth = fmt::format("20{:02}0{}11", i % 20, 1 + i % 9),
                          later = fmt::format("20{:02}0{}21", i % 20 + 1, 1 + i % 8);
        const Said one{.id = fmt::format("e{}", i),
                       .name = "苏嘉懿",
                       .sex = "male",
                       .birth = birth,
                       .number = number_of(birth, 11),
                       .address = fmt::format("某市某区南村{}号", i)};
        put(one);
        Said other = one;
        other.id = fmt::format("f{}", i), other.birth = later, other.number = number_of(later, 31);
        put(other);
    }
    auto filled = index("filled.db", early);
    filled->catch_up();
    EXPECT_EQ(filled->state().people, 280u);
}

TEST(Shelf, IsRightAndSaysWhereItIsNot) {
    std::vector<content::Complaint> complaints;
    std::size_t checked = 0;
    check_shelf(content::Files(), complaints, checked);
    for (const content::Complaint& each : complaints) ADD_FAILURE() << each.file << ": " << each.where << ": " << each.what;
    EXPECT_GE(checked, 6u);
    const testing::ScratchFolder folder;
    const auto said = [&](const std::string& name, const std::string& text) {
        std::filesystem::create_directories(folder.path() / "persons");
        std::ofstream(folder.path() / "persons" / name) << text;
        complaints.clear();
        check_shelf(content::Files::over(folder.path()).value(), complaints, checked);
        std::filesystem::remove(folder.path() / "persons" / name);
        return complaints.empty() ? std::string() : complaints.front().where + ": " + complaints.front().what;
    };
    EXPECT_THAT(said("settings.json", R"({"link":2})"), HasSubstr("link"));
    EXPECT_THAT(said("characters.csv", "written,meant\n劉\n"), HasSubstr("line 2"));
    EXPECT_THAT(said("cases.json", R"({"cases":[{"name":"x","a":{},"b":{},"expect":"link"}]})"), HasSubstr("expects link"));
    EXPECT_THAT(said("cases.json", "[]"), HasSubstr("list of examples"));
}

TEST(EnterpriseId, IsReadBackAndRefusesWhatIsMistyped) {
    for (const std::int64_t print : {std::int64_t{1}, std::int64_t{123456789012345678}, (std::int64_t{1} << 60) - 1}) {
        const std::string id = enterprise_id(print);
        EXPECT_EQ(print_in(id), print) << id;
        for (std::size_t i = 0; i < id.size(); ++i) {
            if (id[i] == '-') continue;
            std::string wrong = id;
            wrong[i] = id[i] == '7' ? '8' : '7';
            EXPECT_EQ(print_in(wrong), 0) << wrong;
        }
    }
    EXPECT_EQ(print_in(""), 0);
    EXPECT_EQ(print_in("完全不是"), 0);
}

TEST(Facts, ComeBackFromTheirPackedForm) {
    json::Arena arena;
    const auto patient = json::parse(
        R"({"resourceType":"Patient","name":[{"text":"马雨桐之女大"},{"use":"old","text":"小雨"}],"gender":"female","birthDate":"2026","identifier":[{"system":"urn:x","value":"AB-1"},{"system":"urn:oid:2.16.156.10011.1.3","value":"13039920260301002X"}],"telecom":[{"system":"phone","value":"+86 160 1234 5678"}],"multipleBirthInteger":1,"managingOrganization":{"reference":"Organization/o"}})",
        arena);
    const Facts facts = facts_of(*patient);
    EXPECT_EQ(facts.mother, "马雨桐");
    EXPECT_EQ(facts.order, "1");
    EXPECT_EQ(facts.phones, std::vector<std::string>{"16012345678"});
    EXPECT_EQ(unpacked(packed(facts)), facts);
    EXPECT_TRUE(facts_of(json::Value{}).is_nobody());
    EXPECT_EQ(unpacked(""), Facts{});
}

}  // namespace
}  // namespace xinglin::person
