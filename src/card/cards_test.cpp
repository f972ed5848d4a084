// SPDX-License-Identifier: Apache-2.0
// What cards promise: issued to who is known, dead for ever, opening once, following persons through merges and splits; on both engines.
#include "card/card.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>
#include <set>
#include <thread>

#include "testing/failing_sql.h"
#include "testing/postgres.h"
#include "testing/testing.h"
#include "testing/told_people.h"

namespace xinglin::card {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

class CardsTest : public ::testing::Test {
protected:
    testing::ScratchFolder folder;
    testing::StoppedClock clock;
    std::unique_ptr<record::Store> store = open_store();
    std::unique_ptr<person::Persons> persons = index();
    Policy policy = *Policy::read(content::Files());
    std::unique_ptr<Cards> cards = open();

    std::unique_ptr<record::Store> open_store() {
        auto opened = record::Store::open(
            folder.path(), clock,
            {.readers = 2, .offset_minutes = std::int16_t{480}, .store = testing::store_beside(folder.path())});
        if (!opened.ok()) throw std::runtime_error(opened.outcome().line());
        return std::move(opened).value();
    }
    std::unique_ptr<person::Persons> index() {
        return std::make_unique<person::Persons>(*store, clock, *person::Settings::read(content::Files()),
                                                 person::Options{.file = folder.path() / "person.db", .follow = false});
    }
    /// Another process beside it has a folder of its own, and shares the database.
    std::unique_ptr<Cards> open(const std::string& beside = "", decltype(Options::wrap) wrap = {}) {
        Options options{folder.path() / beside, testing::store_beside(folder.path()), std::move(wrap)};
        std::filesystem::create_directories(options.data);
        auto opened = Cards::open(*store, *persons, clock, policy, options);
        if (!opened.ok()) throw std::runtime_error(opened.outcome().line());
        return std::move(opened).value();
    }
    void put(const std::string& type, const std::string& id, const std::string& members) {
        json::Arena arena;
        const auto value = json::parse(fmt::format(R"({{"resourceType":"{}","id":"{}"{}}})", type, id, members), arena);
        ASSERT_TRUE(value.ok()) << members;
        const fhir::Type& of = *fhir::find_resource(type);
        const record::Prepared prepared = store->prepare(of, id, *value);
        clock.move(1'000);
        ASSERT_TRUE(store
                        ->submit_and_wait([&](record::Transaction& transaction) -> Result<Done> {
                            transaction.put(prepared, false, false);
                            return Done{};
                        })
                        .ok());
        persons->catch_up();
    }
    void person(const std::string& id, const std::string& name, const std::string& birth, int order,
                const std::string& more = "") {
        std::string digits = birth;
        std::erase(digits, '-');
        put("Patient", id,
            fmt::format(
                R"(,"name":[{{"text":"{}"}}],"gender":"female","birthDate":"{}","identifier":[{{"system":"urn:oid:2.16.156.10011.1.3","value":"{}"}}]{})",
                name, birth, testing::sound_number("130399", digits, order), more));
    }
    Card issued(const std::string& patient) {
        auto card = cards->issue(patient, "desk");
        if (!card.ok()) throw std::runtime_error(card.outcome().line());
        return *card;
    }
    std::string shown(Number number) {
        auto token = cards->show(number, false);
        if (!token.ok()) throw std::runtime_error(token.outcome().line());
        return token->text;
    }
    Scan scan(std::string_view text, const std::string& checked = "") {
        return cards->scan(text, {.who = "doctor", .place = "窗口1", .checked = checked});
    }
};

TEST_F(CardsTest, OpensThePersonItWasIssuedForAndSaysNothingOfThem) {
    person("anna", "马雨桐", "1990-03-01", 22);
    const Card card = issued("anna");
    const std::string token = shown(card.number);
    clock.move(30'000);
    const Scan seen = scan(token);
    EXPECT_EQ(seen.judged.verdict, Verdict::good) << seen.judged.en;
    EXPECT_EQ(seen.patient, "anna");
    EXPECT_EQ(seen.enterprise_id, persons->enterprise_of("anna"));
    EXPECT_FALSE(seen.needs_document);
}

TEST_F(CardsTest, IsIssuedToIdentifiedLivingPeopleOnceOnly) {
    person("anna", "马雨桐", "1990-03-01", 22);
    issued("anna");
    const auto why = [&](const char* patient) {
        const auto card = cards->issue(patient, "desk");
        return card.ok() ? std::string() : card.outcome().line();
    };
    EXPECT_THAT(why("anna"), HasSubstr("has a card already"));
    EXPECT_THAT(why("nobody"), HasSubstr("no such Patient"));
    put("Patient", "unknown", R"(,"name":[{"text":"无名氏"}],"birthDate":"1980-01-01")");
    EXPECT_THAT(why("unknown"), HasSubstr("is not identified"));
    put("Patient", "mistyped",
        R"(,"name":[{"text":"李四"}],"birthDate":"1980-01-01","identifier":[{"system":"urn:oid:2.16.156.10011.1.3","value":"130399198001010011"}])");
    EXPECT_THAT(why("mistyped"), HasSubstr("is not identified"));
    put("Patient", "guest",
        R"(,"name":[{"text":"Ann Lee"}],"birthDate":"1980-01-01","identifier":[{"type":{"coding":[{"code":"PPN"}]},"value":"X1234567"}])");
    EXPECT_EQ(why("guest"), "");
    person("dead", "王五", "1940-01-01", 31, R"(,"deceasedBoolean":true)");
    EXPECT_THAT(why("dead"), HasSubstr("has died"));
}

TEST_F(CardsTest, TwoCountersCannotIssueTwoCardsToOnePerson) {
    person("anna", "马雨桐", "1990-03-01", 22);
    std::vector<std::jthread> counters;
    std::atomic<int> done = 0;
    for (int i = 0; i < 8; ++i) counters.emplace_back([&] { done += cards->issue("anna", "desk").ok() ? 1 : 0; });
    counters.clear();
    EXPECT_EQ(done, 1);
    EXPECT_THAT(cards->of_person("anna"), SizeIs(1));
}

TEST_F(CardsTest, FollowsThePersonThroughMergeAndSplit) {
    person("anna", "马雨桐", "1990-03-01", 22);
    person("other", "苏嘉懿", "1975-07-09", 33);
    const Card first = issued("anna"), second = issued("other");
    const auto merged = persons->rule({.kind = "link", .a = "anna", .b = "other", .who = "li"});
    ASSERT_TRUE(merged.ok());
    const Scan one = scan(shown(first.number)), two = scan(shown(second.number));
    EXPECT_EQ(one.enterprise_id, two.enterprise_id);
    EXPECT_THAT(cards->of_person("anna"), SizeIs(2));
    ASSERT_TRUE(persons->rule({.kind = "split", .members = {"other"}, .who = "li"}).ok());
    const Scan apart = scan(shown(second.number));
    EXPECT_EQ(apart.patient, "other");
    EXPECT_NE(apart.enterprise_id, scan(shown(first.number)).enterprise_id);
    EXPECT_THAT(cards->of_person("anna"), SizeIs(1));
}

TEST_F(CardsTest, OpensOnceAlsoAtAnotherProcessAndAfterARestart) {
    person("anna", "马雨桐", "1990-03-01", 22);
    const Card card = issued("anna");
    const std::string token = shown(card.number), later = shown(card.number);
    EXPECT_EQ(scan(token).judged.verdict, Verdict::good);
    clock.move(12'000);
    const Scan again = scan(token);
    EXPECT_EQ(again.judged.verdict, Verdict::replayed);
    EXPECT_EQ(again.patient, "");
    EXPECT_THAT(again.judged.en, HasSubstr("used 12 s ago"));
    EXPECT_THAT(again.judged.zh, HasSubstr("窗口1"));
    cards = open();  // the same folder: a restart
    EXPECT_EQ(scan(token).judged.verdict, Verdict::replayed);
    EXPECT_EQ(scan(later).judged.verdict, Verdict::good) << "the key is the same after a restart";
    if (testing::store_beside(folder.path()).empty()) return;
    cards = open("second");  // another process with another folder on the same database
    EXPECT_EQ(scan(token).judged.verdict, Verdict::replayed);
    const std::string of_second = shown(card.number);
    const auto first = open();
    EXPECT_EQ(first->scan(of_second, {}).judged.verdict, Verdict::good) << "its key is known to all";
    EXPECT_EQ(scan(of_second).judged.verdict, Verdict::replayed);
}

TEST_F(CardsTest, OpensOnceHoweverManyScanItAtOnce) {
    person("anna", "马雨桐", "1990-03-01", 22);
    const std::string token = shown(issued("anna").number);
    const auto second = open();
    std::atomic<int> opened = 0;
    {
        std::vector<std::jthread> counters;
        for (int i = 0; i < 8; ++i)
            counters.emplace_back(
                [&, i] { opened += (i % 2 ? second : cards)->scan(token, {}).judged.verdict == Verdict::good ? 1 : 0; });
    }
    EXPECT_EQ(opened, 1);
}

TEST_F(CardsTest, SaysByHowMuchItIsLateAndWhoseClockIsOff) {
    person("anna", "马雨桐", "1990-03-01", 22);
    const std::string token = shown(issued("anna").number);
    clock.move(100'000);
    EXPECT_THAT(scan(token).judged.en, HasSubstr("expired 40 s ago"));
    const Scan ahead = cards->scan(token, {.clock_ahead_s = 300});
    EXPECT_THAT(ahead.judged.en, HasSubstr("Your clock is 5 min ahead"));
    clock.move(-400'000);
    EXPECT_EQ(scan(token).judged.verdict, Verdict::not_yet);
    EXPECT_EQ(scan("XH1").judged.verdict, Verdict::malformed);
}

TEST_F(CardsTest, LostIsDeadForEverAndReissueHasAnotherNumber) {
    person("anna", "马雨桐", "1990-03-01", 22);
    const Card card = issued("anna");
    const std::string before = shown(card.number);
    ASSERT_TRUE(cards->lose(card.number, "desk", "left in a bus").ok());
    const Scan lost = scan(before);
    EXPECT_EQ(lost.judged.verdict, Verdict::revoked);
    EXPECT_THAT(lost.judged.en, HasSubstr("reported lost on 2026-11-22"));
    EXPECT_FALSE(cards->show(card.number, false).ok());
    EXPECT_FALSE(cards->lose(card.number, "desk", "again").ok());
    const auto fresh = cards->reissue(card.number, "desk", "");
    ASSERT_TRUE(fresh.ok()) << fresh.outcome().line();
    EXPECT_NE(fresh->number, card.number);
    EXPECT_EQ(fresh->replaces, card.number);
    EXPECT_EQ(cards->card(card.number)->state, "replaced");
    EXPECT_EQ(cards->card(card.number)->replaced_by, fresh->number);
    EXPECT_EQ(cards->card(card.number)->version, 3) << "history is kept";
    EXPECT_THAT(scan(before).judged.en, HasSubstr("replaced by another"));
    EXPECT_FALSE(cards->reissue(card.number, "desk", "").ok());
    EXPECT_EQ(scan(shown(fresh->number)).judged.verdict, Verdict::good);
    ASSERT_TRUE(cards->lose(fresh->number, "desk", "", true).ok());
    EXPECT_EQ(cards->card(fresh->number)->state, "ended");
    EXPECT_FALSE(cards->reissue(fresh->number, "desk", "").ok());
    EXPECT_TRUE(cards->issue("anna", "desk").ok()) << "who gave a card back may have another";
}

TEST_F(CardsTest, LostCardIsNotReissuedBesideAnotherThatIsAlive) {
    person("anna", "马雨桐", "1990-03-01", 22);
    const Card card = issued("anna");
    ASSERT_TRUE(cards->lose(card.number, "desk", "").ok());
    issued("anna");
    EXPECT_THAT(cards->reissue(card.number, "desk", "").outcome().line(), HasSubstr("has a card already"));
}

TEST_F(CardsTest, PrintedCardOpensNothingUntilTheDocumentFits) {
    person("anna", "马雨桐", "1990-03-01", 22);
    const Card card = issued("anna");
    const auto print = cards->print(card.number, "desk");
    ASSERT_TRUE(print.ok());
    clock.move(400ll * 86'400'000);
    Scan seen = scan(print->text);
    EXPECT_EQ(seen.judged.verdict, Verdict::good);
    EXPECT_TRUE(seen.needs_document);
    EXPECT_EQ(seen.patient, "");
    EXPECT_EQ(seen.masked_name, "马**");
    seen = scan(print->text, "0000");
    EXPECT_EQ(seen.patient, "");
    EXPECT_THAT(seen.judged.en, HasSubstr("does not fit"));
    const std::string number = testing::sound_number("130399", "19900301", 22);
    EXPECT_EQ(scan(print->text, number.substr(14)).patient, "anna");
    EXPECT_EQ(scan(print->text, "1990-03-01").patient, "anna") << "a printed card opens as often as it is shown with a document";
    for (int i = 0; i < 5; ++i) scan(print->text, "9999");
    EXPECT_EQ(scan(print->text, number.substr(14)).patient, "") << "guessing is slow";
    clock.move(301'000);
    EXPECT_EQ(scan(print->text, number.substr(14)).patient, "anna");
    clock.move(400ll * 86'400'000);
    EXPECT_EQ(scan(print->text).judged.verdict, Verdict::expired);
}

TEST_F(CardsTest, ListOfDeadCardsReachesVerifiersWithoutAConnection) {
    person("anna", "马雨桐", "1990-03-01", 22);
    person("other", "苏嘉懿", "1975-07-09", 33);
    const Card printed = issued("anna"), phone = issued("other");
    const auto print = cards->print(printed.number, "desk");
    ASSERT_TRUE(print.ok());
    ASSERT_TRUE(cards->lose(printed.number, "desk", "").ok());
    ASSERT_TRUE(cards->lose(phone.number, "desk", "").ok());
    const auto listed = [&] { return Revoked::parse(cards->revoked(), cards->key_set())->numbers; };
    EXPECT_THAT(listed(), SizeIs(2));
    const KeySet keys = cards->key_set();
    const auto list = Revoked::parse(cards->revoked(), keys);
    EXPECT_EQ(judge(print->text, keys, {.now_s = clock.now_ms() / 1'000, .revoked = &*list}).verdict, Verdict::revoked);
    clock.move(2 * 86'400'000);
    EXPECT_THAT(listed(), ElementsAre(printed.number)) << "what lived on a phone cannot be shown any longer";
    clock.move(800ll * 86'400'000);
    EXPECT_THAT(listed(), IsEmpty());
}

TEST_F(CardsTest, FamilyShowsACardUntilItsDay) {
    person("anna", "马雨桐", "1990-03-01", 22);
    person("kid", "马小雨", "2020-05-05", 44);
    const Card card = issued("kid");
    FamilyGrant asked{.patient = "kid",
                      .holder = "anna",
                      .relation = "parent",
                      .proof = "户口簿",
                      .until = "",
                      .consent = false,
                      .who = "desk"};
    EXPECT_EQ(cards->may_show("anna", card), Cards::May::no);
    const auto family = cards->grant(asked);
    ASSERT_TRUE(family.ok()) << family.outcome().line();
    EXPECT_EQ(family->until, "2029-11-22");
    EXPECT_EQ(cards->may_show("anna", card), Cards::May::family);
    EXPECT_EQ(cards->may_show("kid", card), Cards::May::own);
    EXPECT_THAT(cards->held_by("anna"), SizeIs(1));
    EXPECT_THAT(cards->grant(asked).outcome().line(), HasSubstr("may show this card already"));
    const auto token = cards->show(card.number, true);
    EXPECT_EQ(token->token.kind, Kind::family);
    EXPECT_EQ(scan(token->text).patient, "kid");
    ASSERT_TRUE(cards->end_family(family->id, "desk", "").ok());
    EXPECT_EQ(cards->may_show("anna", card), Cards::May::no);
    EXPECT_FALSE(cards->end_family(family->id, "desk", "").ok());
    asked.until = "2026-12-22";
    ASSERT_TRUE(cards->grant(asked).ok());
    clock.move(29ll * 86'400'000);
    EXPECT_EQ(cards->may_show("anna", card), Cards::May::family);
    clock.move(2ll * 86'400'000);
    EXPECT_EQ(cards->may_show("anna", card), Cards::May::no);
}

TEST_F(CardsTest, FamilyNeedsProofConsentAndAnotherPerson) {
    person("anna", "马雨桐", "1990-03-01", 22);
    person("gran", "赵秀兰", "1950-05-05", 44);
    put("Patient", "stranger", R"(,"name":[{"text":"无名氏"}])");
    put("RelatedPerson", "r1", R"(,"patient":{"reference":"Patient/gran"},"name":[{"text":"马雨桐"}])");
    put("RelatedPerson", "r2", R"(,"patient":{"reference":"Patient/gran"},"name":[{"text":"别人"}])");
    put("RelatedPerson", "r3", R"(,"patient":{"reference":"Patient/anna"},"name":[{"text":"马雨桐"}])");
    put("RelatedPerson", "r4", R"(,"active":false,"patient":{"reference":"Patient/gran"},"name":[{"text":"马雨桐"}])");
    const FamilyGrant good{.patient = "gran",
                           .holder = "anna",
                           .relation = "child",
                           .proof = "RelatedPerson/r1",
                           .until = "",
                           .consent = true,
                           .who = "desk"};
    const auto why = [&](auto change) {
        FamilyGrant asked = good;
        change(asked);
        const auto family = cards->grant(asked);
        return family.ok() ? std::string() : family.outcome().line();
    };
    EXPECT_THAT(why([](auto& it) { it.consent = false; }), StartsWith("consent:"));
    EXPECT_THAT(why([](auto& it) { it.proof = ""; }), StartsWith("proof:"));
    EXPECT_THAT(why([](auto& it) { it.proof = "RelatedPerson/r2"; }), HasSubstr("names somebody else"));
    EXPECT_THAT(why([](auto& it) { it.proof = "RelatedPerson/r3"; }), HasSubstr("of somebody else"));
    EXPECT_THAT(why([](auto& it) { it.proof = "RelatedPerson/r4"; }), HasSubstr("no longer holds"));
    EXPECT_THAT(why([](auto& it) { it.proof = "RelatedPerson/r5"; }), HasSubstr("no such RelatedPerson"));
    EXPECT_THAT(why([](auto& it) { it.relation = "friend"; }), StartsWith("relation:"));
    EXPECT_THAT(why([](auto& it) { it.holder = "gran"; }), StartsWith("holder:"));
    EXPECT_THAT(why([](auto& it) { it.holder = "stranger"; }), HasSubstr("is not identified"));
    EXPECT_THAT(why([](auto& it) { it.until = "2040-01-01"; }), HasSubstr("no later than 2027-11-22"));
    EXPECT_THAT(why([](auto& it) { it.until = "soon"; }), HasSubstr("must be a day"));
    EXPECT_EQ(why([](auto&) {}), "");
}

TEST_F(CardsTest, KeysAreFilesForNobodyElseAndLockedWhereThereIsASecret) {
    std::filesystem::create_directories(folder.path() / "locked/secrets");
    std::ofstream(folder.path() / "locked/secrets/card-key") << "a long secret\n";
    const auto locked = open("locked");
    EXPECT_THAT(locked->key_set().keys, SizeIs(::testing::Ge(1u)));
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path() / "locked/card")) {
        struct stat status {};
        ASSERT_EQ(::stat(entry.path().c_str(), &status), 0);
        EXPECT_EQ(status.st_mode & 0777, 0600u);
        EXPECT_THAT(testing::read_file(entry.path()), HasSubstr("ENCRYPTED"));
        ++files;
        ::chmod(entry.path().c_str(), 0644);
    }
    EXPECT_GE(files, 1u);
    EXPECT_THROW(open("locked"), std::runtime_error) << "a key that others may read is not used";
}

TEST_F(CardsTest, KeysFollowEachOtherWithoutAGap) {
    person("anna", "马雨桐", "1990-03-01", 22);
    const Card card = issued("anna");
    KeySet offline = cards->key_set();
    std::set<std::uint16_t> signers;
    for (int hours = 0; hours < 24 * 200; hours += 6) {
        if (hours % 24 == 0) offline = cards->key_set();  // fetched once a day
        const auto token = cards->show(card.number, false);
        ASSERT_EQ(judge(token->text, offline, {.now_s = clock.now_ms() / 1'000, .tolerance_s = 15}).verdict, Verdict::good)
            << hours;
        signers.insert(token->token.key);
        if (hours % 600 == 0) cards = open();
        clock.move(6 * 3'600'000);
    }
    EXPECT_EQ(signers.size(), 3u) << "a key signs for 90 days";
}

TEST_F(CardsTest, StolenKeyEndsWithAllThatItSigned) {
    person("anna", "马雨桐", "1990-03-01", 22);
    const Card card = issued("anna");
    const std::string print = cards->print(card.number, "desk")->text, before = shown(card.number);
    ASSERT_TRUE(cards->rotate(false).ok());
    EXPECT_FALSE(cards->rotate(false).ok()) << "one is on its way";
    EXPECT_EQ(scan(before).judged.verdict, Verdict::good);
    clock.move(2'000);
    ASSERT_TRUE(cards->rotate(true).ok());
    EXPECT_EQ(scan(print).judged.verdict, Verdict::unknown_key);
    EXPECT_EQ(scan(shown(card.number)).judged.verdict, Verdict::good);
    EXPECT_THAT(cards->key_set().keys, SizeIs(1));
}

TEST_F(CardsTest, SignsWithSm2WhereThePolicySaysSo) {
    person("anna", "马雨桐", "1990-03-01", 22);
    const Card card = issued("anna");
    const std::string before = cards->print(card.number, "desk")->text;
    policy.algorithm = Algorithm::sm2;
    cards = open();
    clock.move(40ll * 86'400'000);
    EXPECT_TRUE(scan(before).needs_document) << "what the other algorithm signed goes on";
    ASSERT_TRUE(cards->rotate(true).ok());
    const auto token = cards->show(card.number, false);
    EXPECT_EQ(token->token.algorithm, Algorithm::sm2);
    EXPECT_EQ(scan(token->text).judged.verdict, Verdict::good);
}

TEST_F(CardsTest, BrokenDatabaseOpensNothing) {
    person("anna", "马雨桐", "1990-03-01", 22);
    const std::string token = shown(issued("anna").number);
    const auto plan = std::make_shared<testing::FailingPlan>();
    cards = open("", [&](std::unique_ptr<sql::Connection> inside) { return testing::make_failing(std::move(inside), plan); });
    bool opened = false;
    for (int after = 0; after < 30 && !opened; ++after) {
        plan->fail_after(after);
        try {
            opened = scan(token).judged.verdict == Verdict::good;
        } catch (const sql::Broken&) {}
        plan->fail_after(testing::FailingPlan::never);
    }
    EXPECT_TRUE(opened);
    EXPECT_GT(plan->failures, 2);
    EXPECT_EQ(scan(token).judged.verdict, Verdict::replayed);
}

}  // namespace
}  // namespace xinglin::card
