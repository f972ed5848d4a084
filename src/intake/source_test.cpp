// SPDX-License-Identifier: Apache-2.0
// Sources: what may be said of them, what they may send, how they are judged, how long their raw messages stay.
#include "intake/test_intake.h"

namespace xinglin::intake {
namespace {

TEST(Sources, AreRefusedByTheFieldThatIsWrong) {
    json::Arena arena;
    const auto where = [&](std::string_view text) {
        const auto source = read_source(*json::parse(text, arena), Source{});
        return source.ok() ? std::string("good") : source.outcome().issues.front().where;
    };
    EXPECT_EQ(where(R"({"id":"his","name":"医院","kind":"mllp","format":"hl7v2"})"), "good");
    EXPECT_EQ(where(R"({"id":"HIS"})"), "id");
    EXPECT_EQ(where(R"({"id":"a","kind":"post"})"), "kind");
    EXPECT_EQ(where(R"({"id":"a","format":"csv"})"), "format");
    EXPECT_EQ(where(R"({"id":"a","format":"hl7v2:x"})"), "format");
    EXPECT_EQ(where(R"({"id":"a","colour":1})"), "colour");
    EXPECT_EQ(where(R"({"id":"a","settings":{"late":10,"silent":5}})"), "settings.silent");
    EXPECT_EQ(where(R"({"id":"a","settings":{"senders":["HIS"]}})"), "settings.senders");
    EXPECT_EQ(where(R"({"id":"a","settings":{"senders":["*^*"]}})"), "settings.senders");
    EXPECT_EQ(where(R"({"id":"a","settings":{"message_bytes":-1}})"), "settings.message_bytes");
    EXPECT_EQ(where(R"({"id":"a","settings":{"ahead_days":-1}})"), "settings.ahead_days");
    for (const char* place : {"[119.7]", "[119.7,91]", "[181,0]", "\"east\"", "[null,40]", "[\"119\",40]"})
        EXPECT_EQ(where(fmt::format(R"({{"id":"a","settings":{{"place":{}}}}})", place)), "settings.place") << place;
    const auto placed =
        read_source(*json::parse(R"({"id":"a","settings":{"place":[119.7523,-40.25],"ahead_days":3}})", arena), Source{});
    ASSERT_TRUE(placed.ok());
    EXPECT_EQ(json::write(write_settings(*placed, arena)["place"]), "[119.7523,-40.25]");
    EXPECT_EQ(read_source(write_source(*placed, arena), Source{})->ahead_days, 3);
    EXPECT_FALSE(read_source(*json::parse(R"({"settings":{"place":null}})", arena), *placed)->place);
}

TEST(Sources, MayNotNameAFolderOfTheMachineByHttp) {
    TestIntake house;
    house.open();
    Source source = house.intake->new_source();
    source.id = "spy";
    source.kind = "folder";
    source.format = "csv:m";
    source.path = "/etc";
    const auto saved = house.intake->save_source(source, true);
    ASSERT_FALSE(saved.ok());
    EXPECT_EQ(saved.outcome().code(), IssueCode::forbidden);
}

TEST(Sources, PausedOnesAndThoseOverTheirQuotaKeepTheirMessages) {
    TestIntake house;
    house.open();
    house.add("slow", "http", "hl7v2", R"({"per_minute":2})");
    EXPECT_TRUE(house.send(simple("1", "p", "o", "1"), "slow").ok());
    EXPECT_TRUE(house.send(simple("2", "p", "o", "2"), "slow").ok());
    EXPECT_EQ(house.send(simple("3", "p", "o", "3"), "slow").outcome().code(), IssueCode::throttled);
    house.clock.move(60'000);
    EXPECT_TRUE(house.send(simple("3", "p", "o", "3"), "slow").ok());
    Source source = *house.intake->source("slow");
    source.paused = true;
    ASSERT_TRUE(house.intake->save_source(source, false).ok());
    EXPECT_EQ(house.send(simple("4", "p", "o", "4"), "slow").outcome().code(), IssueCode::transient);
    EXPECT_EQ(house.intake->health("slow")[0].state, "paused");
    EXPECT_EQ(house.send(std::string(17 << 20, 'x'), "a").outcome().code(), IssueCode::too_costly);
    EXPECT_EQ(house.send("x", "nobody").outcome().code(), IssueCode::not_found);
}

TEST(Health, FlagsABrokenClockAndASilence) {
    TestIntake house;
    house.open();
    for (int day = 0; day < 5; ++day) {
        for (int i = 0; i < 40; ++i)
            (void)house.send(simple(fmt::format("{}-{}", day, i), "p", "o", "1", "2031-01-01T00:00:00+08:00"));
        house.clock.move(86'400'000);
    }
    ASSERT_TRUE(house.intake->settle(20));
    house.clock.move(-86'400'000 + 5 * 60'000);  // the fifth day, five minutes later
    const Health now = house.intake->health("a")[0];
    EXPECT_TRUE(now.clock_wrong);
    EXPECT_EQ(now.state, "ok");
    house.clock.move(86'400'000);
    const Health later = house.intake->health("a")[0];
    EXPECT_EQ(later.state, "silent") << later.why;
    ASSERT_TRUE(later.expected_hour);
}

TEST(Raw, IsTakenAwayWhenItsTimeIsOverButNotOfRejectedMessages) {
    TestIntake house;
    house.open();
    house.add("short", "http", "hl7v2", R"({"raw_days":1})");
    const auto good = house.send(simple("1", "p", "o", "1"), "short"), bad = house.send("nonsense", "short");
    ASSERT_TRUE(house.intake->settle(10));
    house.clock.move(3 * 86'400'000);
    house.intake->sweep();
    EXPECT_EQ(house.intake->raw(good->number), std::nullopt);
    EXPECT_EQ(house.intake->raw(bad->number), "nonsense");
    EXPECT_TRUE(house.intake->line(good->number)) << "the ledger itself is kept";
}

}  // namespace
}  // namespace xinglin::intake
