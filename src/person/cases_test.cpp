// SPDX-License-Identifier: Apache-2.0
// The named cases: twins, lent numbers, newborns, the unidentified, swapped people, names and dates written in other ways.
#include "person/test_house.h"

namespace xinglin::person {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

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
    // Somebody who knows says that it fits after all: answered, and not asked again at the next change.
    EXPECT_THAT(rule({.kind = "link", .a = "bob-1", .b = "bob-2", .who = "li"}), Not(HasSubstr("refused")));
    EXPECT_THAT(asked(), IsEmpty());
    EXPECT_THAT(person_of("bob-1"), ElementsAre("bob-1", "bob-2"));
    Said again = with(anna, "bob-1");
    again.phone = "16077779999";
    put(again);
    EXPECT_EQ(asked().count("contradiction bob-1 bob-2"), 0u);
    EXPECT_THAT(rule({.kind = "link", .a = "bob-1", .b = "bob-2"}), HasSubstr("same person"));
    // A record that stood alone and became somebody else's.
    put({.id = "alone", .name = "孙丽", .birth = "19700101", .number = number_of("19700101", 62)});
    persons->catch_up();
    put({.id = "alone", .name = "徐强", .sex = "male", .birth = "19910909", .number = number_of("19910909", 63)});
    EXPECT_TRUE(asked().count("changed alone alone"));
}

TEST_F(PersonTest, AFillingThatSawNobodyTwiceKeepsTheWeightsOfContent) {
    town(240);
    put(anna);
    Settings early = settings();
    early.fill_from = 1;
    const auto filled = index("filled.db", early);
    filled->catch_up();
    Said again = with(anna, "anna-2");
    again.number.clear();
    put(again);
    filled->catch_up();
    EXPECT_THAT(filled->patients("anna-1"), ElementsAre("anna-1", "anna-2"));
    EXPECT_EQ(filled->state().tasks, 0u);
}

class NamedCase : public PersonTest {
protected:
    /// A town where every other person is told twice, so that the batch engine has something to learn from.
    void told_town() {
        town(240);
        for (int i = 0; i < 240; i += 2) {
            const auto text =
                store->reader(access::Viewer::program("test")).read(*fhir::find_resource("Patient"), fmt::format("t{}", i));
            json::Arena arena;
            const std::string id = fmt::format("u{}", i);
            const record::Prepared prepared = store->prepare(*fhir::find_resource("Patient"), id,
                                                             arena.with(*json::parse(text->body, arena), "id", arena.string(id)));
            ASSERT_TRUE(store
                            ->submit_and_wait([&](record::Transaction& transaction) -> Result<Done> {
                                transaction.put(prepared, false, false);
                                return Done{};
                            })
                            .ok());
        }
    }
    /// Whom the record is one person with, one by one and as the batch engine has it.
    void expect_one(const std::string& id, const std::vector<std::string>& all) {
        EXPECT_EQ(person_of(id), all) << "one by one";
        if (!filled) {
            Settings early = settings();
            early.fill_from = 1;
            filled = index("filled.db", early);
        }
        filled->catch_up();
        EXPECT_EQ(filled->patients(id), all) << "filled";
    }
    std::unique_ptr<Persons> filled;
    Said anna_as(const std::string& id, const std::string& name) const {
        Said said = with(anna, id);
        said.name = name;
        said.number.clear();
        return said;
    }
};

TEST_F(NamedCase, NamesWrittenInOtherCharactersAreOne) {
    told_town();
    put(anna);
    put(anna_as("traditional", "馬雨桐"));
    put(anna_as("unwritten", "马?桐"));
    put(anna_as("private-use", "马雨\xEE\xA0\x95"));
    put(anna_as("homophone", "马宇桐"));
    put(anna_as("pinyin", "ma yu tong"));
    put(anna_as("one-as-pinyin", "马yu桐"));
    expect_one("anna-1", {"anna-1", "traditional", "unwritten", "private-use", "homophone", "pinyin", "one-as-pinyin"});
}

TEST_F(NamedCase, ANameOfTwoCharactersMistypedByShapeIsOne) {
    told_town();
    const Said red{.id = "red",
                   .name = "田红",
                   .birth = "19790412",
                   .number = number_of("19790412", 22),
                   .phone = "16012340000",
                   .address = "某市某区石河镇北水关村3号"};
    put(red);
    Said river = with(red, "river");
    river.name = "田江", river.number.clear();
    put(river);
    expect_one("red", {"red", "river"});
}

TEST_F(NamedCase, DotsOfMinorityNamesAreOneInEveryEncoding) {
    told_town();
    Said said{.id = "dot-0",
              .name = "阿卜杜拉·买买提",
              .sex = "male",
              .birth = "19880704",
              .number = number_of("19880704", 51),
              .phone = "16012121212",
              .address = "某市某区石河镇北水关村9号"};
    std::vector<std::string> all{"dot-0"};
    put(said);
    for (const std::string_view dot : {"•", "‧", "・", "．", ".", "●", "･", " ", ""}) {
        said.id = fmt::format("dot-{}", all.size());
        said.name = fmt::format("阿卜杜拉{}买买提", dot);
        said.number.clear();
        put(said);
        all.push_back(said.id);
    }
    expect_one("dot-0", all);
}

TEST_F(NamedCase, ABirthDateToldByTheLunarCalendarIsTheSame) {
    told_town();
    put(anna);  // 17 August 1985 is the second of the seventh month
    Said lunar = anna_as("lunar", anna.name);
    lunar.birth = "19850702";
    put(lunar);
    Said with_number = lunar;
    with_number.id = "lunar-2", with_number.number = anna.number, with_number.address.clear();
    put(with_number);
    expect_one("anna-1", {"anna-1", "lunar", "lunar-2"});
    EXPECT_THAT(asked(), IsEmpty());
}

TEST_F(NamedCase, ABirthYearAloneIsEnoughBesideAnAddress) {
    told_town();
    put(anna);
    Said year = anna_as("year", anna.name);
    year.birth = "", year.more = R"(,"birthDate":"1985")";
    put(year);
    expect_one("anna-1", {"anna-1", "year"});
}

TEST_F(NamedCase, RenamedPlacesAreTheSamePlace) {
    told_town();
    Said old = anna_as("old", anna.name);
    old.address = "秦皇岛市抚宁县留守营镇西河南村17号", old.phone.clear();
    Said now = old;
    now.id = "now", now.address = "秦皇岛市抚宁区留守营镇西河南村17号";
    put(old);
    put(now);
    expect_one("old", {"old", "now"});
    persons->catch_up();
    const auto person = persons->person("old");
    for (const Evidence& link : person->links)
        for (const identity::Weight& weight : link.weights)
            if (weight.field == "address") {
                EXPECT_EQ(weight.level, "exact");
            }
}

TEST_F(NamedCase, TheNewbornIsKnownBesideAPersonOfSeveralAddresses) {
    told_town();
    const std::string mother =
        fmt::format(R"(,"extension":[{{"url":"{}","valueString":"{}"}}])", mother_identifier_extension, anna.number);
    const std::string number = number_of("20240301", 2);
    put({.id = "child-1",
         .name = "白一诺",
         .birth = "20240301",
         .number = number,
         .phone = "16055550000",
         .address = "某市某区海阳镇4号",
         .more = mother});
    put({.id = "child-2",
         .name = "白一诺",
         .birth = "20240301",
         .number = number,
         .phone = "16055551111",
         .address = "某市某区北戴河村11号"});
    put({.id = "child-3", .name = "白一诺", .birth = "20240301", .number = number, .address = "某市某区石河镇五里台村17号"});
    put({.id = "newborn", .name = "马雨桐之女", .birth = "20240301", .phone = anna.phone, .more = mother});
    EXPECT_THAT(person_of("newborn"), ElementsAre("child-1", "child-2", "child-3", "newborn"));
    EXPECT_THAT(asked(), IsEmpty());
}

TEST_F(NamedCase, TwoSwappedForAYearAreAskedAboutAndComeBack) {
    told_town();
    const Said bob{.id = "bob-1",
                   .name = "田红军",
                   .sex = "male",
                   .birth = "19800203",
                   .number = number_of("19800203", 31),
                   .phone = "16077778888"};
    for (const Said& each : {anna, bob, with(anna, "anna-2"), with(bob, "bob-2")}) put(each);
    persons->catch_up();
    put(with(bob, "anna-2"));
    put(with(anna, "bob-2"));
    EXPECT_EQ(asked().size(), 2u);
    clock.move(std::int64_t{365} * 86'400'000);
    put(with(anna, "anna-2"));
    put(with(bob, "bob-2"));
    EXPECT_THAT(person_of("anna-1"), ElementsAre("anna-1", "anna-2"));
    EXPECT_THAT(person_of("bob-1"), ElementsAre("bob-1", "bob-2"));
    EXPECT_THAT(asked(), IsEmpty()) << "what was asked has answered itself";
}

}  // namespace
}  // namespace xinglin::person
