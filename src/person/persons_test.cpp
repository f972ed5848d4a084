// SPDX-License-Identifier: Apache-2.0
// What the person index promises: named cases, decisions and their undoing, the same index however it was made, on both engines.
#include "person/person.h"

#include <gmock/gmock.h>

#include <random>
#include <set>

#include "person/facts.h"
#include "person/test_naive.h"
#include "testing/postgres.h"
#include "testing/testing.h"

namespace xinglin::person {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

/// An identity number of nobody: area 130399, which there is none of.
std::string number_of(const std::string& birth, int order) {
    const std::string body = "130399" + birth + fmt::format("{:03}", order);
    for (const char check : std::string_view("0123456789x"))
        if (identity::is_sound_identity(body + check)) return body + check;
    return {};
}

struct Said {
    std::string id, name, sex = "female", birth, number, phone, address, more;
    std::string source = "a";
};

class PersonTest : public ::testing::Test {
protected:
    testing::ScratchFolder folder;
    testing::StoppedClock clock;
    std::unique_ptr<record::Store> store = open();
    std::unique_ptr<Persons> persons = index("one.db");

    std::unique_ptr<record::Store> open() {
        auto opened = record::Store::open(
            folder.path(), clock,
            {.readers = 2, .offset_minutes = std::int16_t{480}, .store = testing::store_beside(folder.path())});
        if (!opened.ok()) throw std::runtime_error(opened.outcome().line());
        return std::move(opened).value();
    }
    Settings settings() const {
        auto read = Settings::read(content::Files());
        if (!read.ok()) throw std::runtime_error(read.outcome().line());
        return *read;
    }
    std::unique_ptr<Persons> index(const std::string& name) { return index(name, settings()); }
    std::unique_ptr<Persons> index(const std::string& name, Settings chosen) {
        return std::make_unique<Persons>(*store, clock, std::move(chosen),
                                         Options{.file = folder.path() / name, .follow = false});
    }
    void put(const Said& said) {
        std::string text = fmt::format(R"({{"resourceType":"Patient","id":"{}","meta":{{"source":"urn:xinglin:source:{}"}})",
                                       said.id, said.source);
        if (!said.name.empty()) text += fmt::format(R"(,"name":[{{"text":"{}"}}])", said.name);
        if (!said.sex.empty()) text += fmt::format(R"(,"gender":"{}")", said.sex);
        if (!said.birth.empty())
            text +=
                fmt::format(R"(,"birthDate":"{}-{}-{}")", said.birth.substr(0, 4), said.birth.substr(4, 2), said.birth.substr(6));
        if (!said.number.empty())
            text += fmt::format(R"(,"identifier":[{{"system":"urn:oid:2.16.156.10011.1.3","value":"{}"}}])", said.number);
        if (!said.phone.empty()) text += fmt::format(R"(,"telecom":[{{"system":"phone","value":"{}"}}])", said.phone);
        if (!said.address.empty()) text += fmt::format(R"(,"address":[{{"text":"{}"}}])", said.address);
        text += said.more + "}";
        json::Arena arena;
        const auto value = json::parse(text, arena);
        ASSERT_TRUE(value.ok()) << text;
        const auto& type = *fhir::find_resource("Patient");
        const record::Prepared prepared = store->prepare(type, said.id, *value);
        clock.move(1'000);
        ASSERT_TRUE(store
                        ->submit_and_wait([&](record::Transaction& transaction) -> Result<Done> {
                            transaction.put(prepared, false, false);
                            return Done{};
                        })
                        .ok());
    }
    void erase(const std::string& id) {
        const auto& type = *fhir::find_resource("Patient");
        clock.move(1'000);
        ASSERT_TRUE(store
                        ->submit_and_wait([&](record::Transaction& transaction) -> Result<Done> {
                            const auto state = transaction.state(type, id);
                            if (state && !state->deleted) transaction.erase(type, id);
                            return Done{};
                        })
                        .ok());
    }
    std::vector<std::string> person_of(const std::string& id) {
        persons->catch_up();
        return persons->patients(id);
    }
    /// "kind a b", sorted.
    std::multiset<std::string> asked() {
        persons->catch_up();
        std::multiset<std::string> all;
        for (const Task& task : persons->queue({.count = 1'000}).tasks) all.insert(task.kind + " " + task.a + " " + task.b);
        return all;
    }
    std::string rule(const Ruling& ruling) {
        clock.move(1'000);
        const auto done = persons->rule(ruling);
        return done.ok() ? *done : "refused: " + done.outcome().line();
    }
    /// Some strangers, so that what is rare shows.
    void town(int people) {
        std::mt19937_64 random(7);
        static const std::vector<std::string> surnames{"王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙"};
        static const std::vector<std::string> given{"伟", "芳", "娜", "敏", "静", "强", "磊", "军", "洋", "勇", "艳", "杰", "涛"};
        for (int i = 0; i < people; ++i) {
            const std::string birth = fmt::format("{}{:02}{:02}", 1940 + random() % 70, 1 + random() % 12, 1 + random() % 28);
            put({.id = fmt::format("t{}", i),
                 .name = surnames[random() % surnames.size()] + given[random() % given.size()] + given[random() % given.size()],
                 .sex = "male",
                 .birth = birth,
                 .number = number_of(birth, static_cast<int>(1 + 2 * (random() % 400))),
                 .phone = fmt::format("160{:08}", random() % 100'000'000),
                 .address = fmt::format("某市某区{}村{}号", random() % 90, random() % 400),
                 .source = "town"});
        }
    }
    const Said anna{.id = "anna-1",
                    .name = "马雨桐",
                    .birth = "19850817",
                    .number = number_of("19850817", 42),
                    .phone = "16011112222",
                    .address = "某市某区石河镇五里台村17号"};
    Said with(Said said, const std::string& id) const {
        said.id = id;
        return said;
    }
};

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

TEST_F(PersonTest, KeepsTwinsApart) {
    town(20);
    const Said one{.id = "one",
                   .name = "赵一雅",
                   .birth = "20190507",
                   .number = number_of("20190507", 22),
                   .phone = "16033334444",
                   .address = "某市某区东村1号"};
    Said other = one;
    other.id = "other", other.name = "赵一然", other.number = number_of("20190507", 24);
    put(one);
    put(other);
    EXPECT_THAT(person_of("one"), ElementsAre("one"));
    EXPECT_THAT(asked(), IsEmpty()) << "each has a number of its own";
    Said nameless = one;
    nameless.id = "third", nameless.name = "赵一萱", nameless.number.clear();  // whose is it?
    put(nameless);
    EXPECT_THAT(person_of("third"), ElementsAre("third"));
    EXPECT_TRUE(asked().count("twins third one") || asked().count("twins third other"));
    Said big{.id = "big", .name = "周玉之女大", .birth = "20260101", .phone = "16055556666", .address = "某市某区西村2号"},
        small = big;
    small.id = "small", small.name = "周玉之女小";
    put(big);
    put(small);
    EXPECT_THAT(person_of("big"), ElementsAre("big"));
    put(with(small, "small-2"));
    EXPECT_THAT(person_of("small"), ElementsAre("small", "small-2"));
}

TEST_F(PersonTest, AsksWhenANumberWasLent) {
    town(20);
    put(anna);
    // The number of 马雨桐, everything else is somebody else's.
    put({.id = "lent",
         .name = "白宇",
         .sex = "male",
         .birth = "19621104",
         .number = anna.number,
         .phone = "16099990000",
         .address = "某市某区山海村9号"});
    EXPECT_THAT(person_of("lent"), ElementsAre("lent"));
    EXPECT_THAT(asked(), ElementsAre("lent_id lent anna-1"));
    // Who is known by everything else is linked there, and nobody need be asked.
    const Said husband{.id = "husband",
                       .name = "田红军",
                       .sex = "male",
                       .birth = "19800203",
                       .number = number_of("19800203", 31),
                       .phone = "16077778888",
                       .address = anna.address};
    put(husband);
    Said lent = with(husband, "husband-2");
    lent.number = anna.number;
    put(lent);
    EXPECT_THAT(person_of("husband"), ElementsAre("husband", "husband-2"));
    EXPECT_EQ(asked().size(), 1u);
}

TEST_F(PersonTest, KnowsTheNewbornAgainByItsMother) {
    town(20);
    const std::string mother =
        fmt::format(R"(,"extension":[{{"url":"{}","valueString":"{}"}}])", mother_identifier_extension, anna.number);
    put({.id = "newborn", .name = "马雨桐之女", .birth = "20260301", .more = mother});
    put({.id = "child", .name = "白一诺", .birth = "20260301", .number = number_of("20260301", 2), .more = mother});
    EXPECT_THAT(person_of("newborn"), ElementsAre("newborn", "child"));
    // By the mother's name alone nobody is sure.
    put({.id = "newborn-2", .name = "李娜之子", .sex = "male", .birth = "20260302"});
    put({.id = "child-2",
         .name = "王安",
         .sex = "male",
         .birth = "20260302",
         .more = R"(,"contact":[{"relationship":[{"coding":[{"code":"MTH"}]}],"name":{"text":"李娜"}}])"});
    EXPECT_THAT(person_of("newborn-2"), ElementsAre("newborn-2"));
    EXPECT_THAT(asked(), ElementsAre("doubt child-2 newborn-2"));
    // The same newborn gets its name and number in the same place.
    put({.id = "newborn", .name = "白一诺", .birth = "20260301", .number = number_of("20260301", 2), .more = mother});
    EXPECT_THAT(person_of("newborn"), ElementsAre("newborn", "child"));
    EXPECT_EQ(asked().size(), 1u);
}

TEST_F(PersonTest, LinksTheUnidentifiedOnceIdentified) {
    town(20);
    put(anna);
    put({.id = "nobody-1", .name = "无名氏", .address = "某市某区石河镇"});
    put({.id = "nobody-2", .name = "无名氏", .address = "某市某区石河镇"});
    EXPECT_THAT(person_of("nobody-1"), ElementsAre("nobody-1"));
    EXPECT_THAT(asked(), IsEmpty());
    put(with(anna, "nobody-2"));
    EXPECT_THAT(person_of("nobody-2"), ElementsAre("anna-1", "nobody-2"));
    EXPECT_THAT(person_of("nobody-1"), ElementsAre("nobody-1"));
}

TEST_F(PersonTest, IsNotImpressedByAPhoneThatEverybodyHas) {
    town(400);
    for (int i = 0; i < 200; ++i) {
        const std::string birth = fmt::format("{}{:02}{:02}", 1950 + i % 50, 1 + i % 12, 1 + i % 28);
        put({.id = fmt::format("p{}", i),
             .name = fmt::format(
                 "钱{}", std::vector<std::string>{"一", "二", "三", "四", "五", "六", "七"}[static_cast<std::size_t>(i % 7)]),
             .birth = birth,
             .phone = "16000000000"});
    }
    persons->catch_up();
    EXPECT_EQ(persons->state().people, 600u);
}

TEST_F(PersonTest, KnowsPeopleOfASourceThatChangedItsIds) {
    town(60);
    for (int i = 0; i < 60; ++i) {
        const auto text =
            store->reader(access::Viewer::program("test")).read(*fhir::find_resource("Patient"), fmt::format("t{}", i));
        json::Arena arena;
        const auto value = json::parse(text->body, arena);
        const std::string id = fmt::format("new{}", i);
        const auto& type = *fhir::find_resource("Patient");
        const record::Prepared prepared = store->prepare(type, id, arena.with(*value, "id", arena.string(id)));
        ASSERT_TRUE(store
                        ->submit_and_wait([&](record::Transaction& transaction) -> Result<Done> {
                            transaction.put(prepared, false, false);
                            return Done{};
                        })
                        .ok());
    }
    EXPECT_THAT(person_of("t7"), ElementsAre("t7", "new7"));
    EXPECT_EQ(persons->state().people, 60u);
    EXPECT_EQ(persons->statistics().sources.front().duplicates, 60u);
}

TEST_F(PersonTest, AsksWhenTwoPeopleAreSwapped) {
    town(20);
    const Said bob{.id = "bob-1",
                   .name = "田红军",
                   .sex = "male",
                   .birth = "19800203",
                   .number = number_of("19800203", 31),
                   .phone = "16077778888"};
    for (const Said& each : {anna, bob, with(anna, "anna-2"), with(bob, "bob-2")}) put(each);
    EXPECT_THAT(person_of("anna-1"), ElementsAre("anna-1", "anna-2"));
    put(with(bob, "anna-1"));
    put(with(anna, "bob-1"));
    EXPECT_THAT(person_of("anna-1"), ElementsAre("anna-1", "anna-2")) << "nothing is torn apart by itself";
    EXPECT_THAT(asked(), UnorderedElementsAre("contradiction anna-1 anna-2", "contradiction bob-1 bob-2"));
    EXPECT_THAT(rule({.kind = "split", .members = {"anna-1"}, .who = "li"}), Not(HasSubstr("refused")));
    EXPECT_THAT(asked(), ElementsAre("contradiction bob-1 bob-2"));
    // A record that stood alone and became somebody else's.
    put({.id = "alone", .name = "孙丽", .birth = "19700101", .number = number_of("19700101", 62)});
    persons->catch_up();
    put({.id = "alone", .name = "徐强", .sex = "male", .birth = "19910909", .number = number_of("19910909", 63)});
    EXPECT_TRUE(asked().count("changed alone alone"));
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
