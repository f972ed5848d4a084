// SPDX-License-Identifier: Apache-2.0
// What was linked, merged and parted, told line by line and as Linkages, the same however the index was made.
#include <gmock/gmock.h>

#include "person/notices.h"
#include "person/person.h"
#include "testing/postgres.h"
#include "testing/testing.h"

namespace xinglin::person {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ChangesTest : public ::testing::Test {
protected:
    xinglin::testing::ScratchFolder folder;
    xinglin::testing::StoppedClock clock;
    std::unique_ptr<record::Store> store = open();
    std::unique_ptr<Persons> persons = made();

    std::unique_ptr<record::Store> open() {
        auto opened = record::Store::open(
            folder.path(), clock, {.readers = 4, .offset_minutes = 480, .store = xinglin::testing::store_beside(folder.path())});
        if (!opened.ok()) throw std::runtime_error(opened.outcome().line());
        return std::move(opened).value();
    }
    std::unique_ptr<Persons> made() {
        return std::make_unique<Persons>(*store, clock, Settings::read(content::Files()).value(), Options{.follow = false});
    }
    void put(const std::string& id, const std::string& name, const std::string& number) {
        const std::string text =
            R"({"resourceType":"Patient","id":")" + id + R"(","meta":{"source":"urn:xinglin:source:s-)" + id +
            R"(#1"},"name":[{"text":")" + name +
            R"("}],"gender":"female","birthDate":"1985-08-17","identifier":[{"system":"urn:oid:2.16.156.10011.1.3","value":")" +
            number + R"("}]})";
        json::Arena arena;
        const auto ready = store->prepare(*fhir::find_resource("Patient"), id, *json::parse(text, arena));
        ASSERT_TRUE(store
                        ->submit_and_wait([&](record::Transaction& transaction) -> Result<Done> {
                            transaction.put(ready, true, false);
                            return Done{};
                        })
                        .ok());
        persons->catch_up();
    }
    void ma(const std::string& id) { put(id, "马雨桐", "130399198508170427"); }
    std::vector<std::string> lines(const std::string& since = "") {
        std::vector<std::string> all;
        for (const PersonChange& each : persons->changes(since, 100).changes) all.push_back(each.kind + ' ' + each.patient);
        return all;
    }
    void rule(Ruling ruling) {
        ruling.who = "desk";
        const auto done = persons->rule(ruling);
        ASSERT_TRUE(done.ok()) << done.outcome().line();
        last = *done;
    }
    std::string last;  // ruling
    std::string body_of(const std::string& id) {
        const auto version = store->reader(access::Viewer::program("test")).read(*fhir::find_resource("Linkage"), id);
        return version.ok() ? version->body : "";
    }
};

TEST_F(ChangesTest, LinksMergesAndPartingsAreToldInOrder) {
    ma("a");
    EXPECT_THAT(lines(), IsEmpty()) << "alone: nothing has come to another person";
    ma("b");
    put("c", "何远", "");
    const std::string before = persons->enterprise_of("b");
    const auto first = persons->changes("", 100);
    ASSERT_EQ(first.changes.size(), 1u);
    EXPECT_EQ(first.changes[0].kind, "linked");
    EXPECT_EQ(first.changes[0].patient, "b");
    EXPECT_EQ(first.changes[0].source, "s-b");
    EXPECT_EQ(first.changes[0].now, persons->enterprise_of("a"));
    EXPECT_NE(first.changes[0].before, first.changes[0].now);
    EXPECT_THAT(first.changes[0].patients, ElementsAre("a", "b"));
    rule({.kind = "link", .a = "c", .b = "a"});
    rule({.kind = "split", .members = {"b", "c"}});
    rule({.kind = "undo", .target = last});
    EXPECT_THAT(lines(first.next), ElementsAre("linked c", "parted b", "parted c", "linked b", "linked c"));
    EXPECT_EQ(persons->changes(first.next, 2).changes.size(), 2u);
    EXPECT_THAT(persons->changes(persons->changes("", 100).next, 100).changes, IsEmpty());
}

TEST_F(ChangesTest, AnIndexMadeAnewHasTheSameLinesAndCursors) {
    ma("a");
    ma("b");
    rule({.kind = "split", .members = {"b"}});
    const auto kept = persons->changes("", 100);
    persons.reset();
    for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(folder.path() / (std::string("person.db") + end));
    persons = made();
    persons->catch_up();
    const auto anew = persons->changes("", 100);
    ASSERT_EQ(anew.changes.size(), kept.changes.size());
    for (std::size_t i = 0; i < kept.changes.size(); ++i) {
        EXPECT_EQ(anew.changes[i].cursor, kept.changes[i].cursor);
        EXPECT_EQ(anew.changes[i].now, kept.changes[i].now);
    }
    EXPECT_EQ(anew.next, kept.next);
}

TEST_F(ChangesTest, AFillingBeginsTheLinesAgainAndSaysSo) {
    ma("a");
    ma("b");
    const auto before = persons->changes("", 100);
    rule({.kind = "fill"});
    persons->catch_up();
    const auto after = persons->changes(before.next, 100);
    EXPECT_TRUE(after.begins_again);
    EXPECT_THAT(after.changes, IsEmpty());
    ma("d");
    EXPECT_THAT(lines(after.next), ElementsAre("linked d"));
    EXPECT_FALSE(persons->changes(after.next, 100).begins_again);
}

TEST_F(ChangesTest, CursorsAreReadWithCare) {
    for (const char* good : {"", "0.0", "17.3"}) EXPECT_TRUE(is_cursor(good)) << good;
    for (const char* bad : {"17", ".", "1.", ".1", "a.b", "-1.0", "1.2.3", "99999999999999999999.1", " 1.1"})
        EXPECT_FALSE(is_cursor(bad)) << bad;
}

TEST_F(ChangesTest, NoticesAreLinkagesOfThePersonsAsTheyAre) {
    Notices notices(*store, *persons, {.follow = false});
    ma("a");
    ma("b");
    ASSERT_TRUE(notices.catch_up().ok());
    const std::string person = "person-" + persons->enterprise_of("a");
    EXPECT_THAT(body_of(person), HasSubstr(R"("active":true)"));
    EXPECT_THAT(body_of(person), HasSubstr(R"({"type":"source","resource":{"reference":"Patient/a"}})"));
    EXPECT_THAT(body_of(person), HasSubstr(R"({"type":"alternate","resource":{"reference":"Patient/b"}})"));
    const record::Position written = store->figures().position;
    Notices again(*store, *persons, {.file = folder.path() / "lost", .follow = false});
    ASSERT_TRUE(again.catch_up().ok());
    EXPECT_EQ(store->figures().position, written) << "writing the same again writes nothing";

    rule({.kind = "split", .members = {"b"}});
    ASSERT_TRUE(notices.catch_up().ok());
    EXPECT_EQ(body_of(person).find("Patient/b"), std::string::npos);
    const std::string own = persons->enterprise_of("b");
    rule({.kind = "undo", .target = last});
    ASSERT_TRUE(notices.catch_up().ok());
    EXPECT_THAT(body_of("person-" + own), HasSubstr(R"("active":false)"));
    EXPECT_THAT(body_of("person-" + own), HasSubstr(persons->enterprise_of("a")));
    EXPECT_THAT(body_of("person-" + own), HasSubstr(R"("type":"historical")"));
}

TEST_F(ChangesTest, WhileNobodyWantsNoticesNothingIsWrittenAndLaterOnlyWhatComesThen) {
    bool wanted = false;
    Notices notices(*store, *persons, {.wanted = [&] { return wanted; }, .follow = false});
    ma("a");
    ma("b");
    const record::Position before = store->figures().position;
    ASSERT_TRUE(notices.catch_up().ok());
    EXPECT_EQ(store->figures().position, before);
    wanted = true;
    ASSERT_TRUE(notices.catch_up().ok());
    EXPECT_EQ(store->figures().position, before);
    ma("d");
    ASSERT_TRUE(notices.catch_up().ok());
    EXPECT_THAT(body_of("person-" + persons->enterprise_of("a")), HasSubstr("Patient/d"));
}

}  // namespace
}  // namespace xinglin::person
