// SPDX-License-Identifier: Apache-2.0
// The ledger's promises: every message is accounted for, whatever breaks and whenever.
#include "intake/intake.h"

#include <signal.h>
#include <sys/resource.h>

#include <future>
#include <random>

#include "intake/test_intake.h"
#include "testing/failing_sql.h"

namespace xinglin::intake {
namespace {

class OnEachEngine : public ::testing::TestWithParam<std::string> {
protected:
    void SetUp() override {
        if (GetParam() == "postgres" && testing::fresh_postgres().empty()) GTEST_SKIP() << testing::no_postgres;
        house = std::make_unique<TestIntake>(GetParam());
        house->open();
    }
    std::unique_ptr<TestIntake> house;
};
INSTANTIATE_TEST_SUITE_P(Intake, OnEachEngine, ::testing::ValuesIn(testing::engines()),
                         [](const auto& one) { return one.param; });

TEST_P(OnEachEngine, AMessageIsReceivedThenStored) {
    const auto receipt = house->send(simple("1", "p", "o", "5"));
    ASSERT_TRUE(receipt.ok()) << receipt.outcome().line();
    EXPECT_EQ(receipt->state, State::waiting);
    ASSERT_TRUE(house->intake->settle(10));
    const auto line = house->intake->line(receipt->number);
    ASSERT_TRUE(line);
    EXPECT_EQ(line->state, State::stored);
    EXPECT_EQ(line->kind, "SIMPLE");
    EXPECT_EQ(line->control_id, "1");
    EXPECT_EQ(line->versions, "1,1");
    EXPECT_EQ(house->intake->raw(receipt->number), simple("1", "p", "o", "5"));
    EXPECT_EQ(house->value("o"), "5");
    EXPECT_EQ(house->today().counts.stored, 1);
}

TEST_P(OnEachEngine, AMessageConvertedToAValueIsStoredLikeOneConvertedToText) {
    ASSERT_TRUE(house->send(simple("1", "p", "tree", "5"))->number > 0);
    const auto nameless = house->send(simple("", "p", "tree2", "6"));
    ASSERT_TRUE(house->intake->settle(10));
    EXPECT_EQ(house->value("tree"), "5");
    EXPECT_EQ(house->value("tree2"), "6");
    const std::string all = house->everything(*house->record)["Observation/" + message::stable_id("a", "Observation", "tree2")];
    EXPECT_NE(all.find("\"source\":\"urn:xinglin:source:a#h"), std::string::npos) << all;
    const auto again = house->intake->convert_again(nameless->number);
    ASSERT_TRUE(again.ok());
    EXPECT_TRUE(again->bundle.starts_with(R"({"resourceType":"Bundle")")) << again->bundle;
}

// The wall asks for everything at once; it is what asking for each source says.
TEST_P(OnEachEngine, AllSourcesAtOneLookAreWhatEachOfThemSays) {
    for (int source = 0; source < 4; ++source) house->add(fmt::format("s{}", source), "http", "hl7v2");
    EXPECT_EQ(house->intake->overview(2).p99_ms, std::nullopt);
    for (int step = 0; step < 30; ++step) {  // three messages an hour, then a minute of silence before the last ones
        const std::string source = fmt::format("s{}", step % 3);
        ASSERT_TRUE(
            house->send(simple(fmt::format("{}", step), "p", fmt::format("o{}", step), step % 7 == 6 ? "?" : "1"), source).ok());
        ASSERT_TRUE(house->intake->settle(20));
        house->clock.move(step < 27 ? 20 * 60'000 : 25'000);
    }
    const std::int64_t now_ms = house->clock.now_ms();
    const Overview all = house->intake->overview(2);
    ASSERT_TRUE(all.p99_ms);
    const auto each = house->intake->health();
    ASSERT_EQ(all.sources.size(), each.size());
    std::map<std::int64_t, Counts> hours;
    std::map<std::int64_t, std::optional<double>> expected;
    for (std::size_t i = 0; i < each.size(); ++i) {
        const Health& here = all.sources[i];
        const Health alone = house->intake->health(each[i].id).at(0);
        for (const Health& other : {each[i], alone}) {
            EXPECT_EQ(here.id, other.id);
            EXPECT_EQ(here.state, other.state);
            EXPECT_EQ(here.today.received, other.today.received) << here.id;
            EXPECT_EQ(here.today.rejected, other.today.rejected) << here.id;
            EXPECT_EQ(here.this_hour, other.this_hour);
        }
        const auto found = all.last_minute.find(here.id);
        const std::int64_t minute = house->intake->find({.source = here.id, .from_ms = now_ms - 60'000, .count = 1}).total;
        EXPECT_EQ(found == all.last_minute.end() ? 0 : found->second, minute) << here.id;
        for (const HourLine& line : house->intake->hours(here.id, 2)) {
            hours[line.at_ms] += line.counts;
            if (line.expected) expected[line.at_ms] = expected[line.at_ms].value_or(0) + *line.expected;
        }
    }
    ASSERT_EQ(all.hours.size(), 48u);
    for (const HourLine& line : all.hours) {
        EXPECT_EQ(line.counts.received, hours[line.at_ms].received);
        EXPECT_EQ(line.counts.rejected, hours[line.at_ms].rejected);
        EXPECT_EQ(line.expected, expected[line.at_ms]);
    }
    EXPECT_EQ(all.last_minute.size(), 2u);
}

TEST_P(OnEachEngine, TheSameAgainIsADuplicateAndChangesNothing) {
    const auto first = house->send(simple("1", "p", "o", "5"));
    const auto again = house->send(simple("1", "p", "o", "5"));
    ASSERT_TRUE(first.ok() && again.ok());
    EXPECT_EQ(again->state, State::duplicate);
    EXPECT_EQ(again->of, first->number);
    const auto other = house->send(simple("1", "p", "o", "6"));
    EXPECT_EQ(other->state, State::waiting) << "a control id used again for something else is no duplicate";
    ASSERT_TRUE(house->intake->settle(10));
    EXPECT_EQ(house->value("o"), "6");
    const DayLine day = house->today();
    EXPECT_EQ(day.counts.received, 3);
    EXPECT_EQ(day.counts.stored, 2);
    EXPECT_EQ(day.counts.duplicate, 1);
    EXPECT_EQ(house->intake->raw(again->number), simple("1", "p", "o", "5")) << "the raw text of the first";
}

TEST_P(OnEachEngine, WhatCannotBeConvertedWaitsInTheErrorQueueWithItsReason) {
    const auto bad = house->send(simple("1", "p", "o", "?"));
    ASSERT_TRUE(house->intake->settle(10));
    const auto groups = house->intake->errors("a");
    ASSERT_EQ(groups.size(), 1u);
    EXPECT_EQ(groups[0].where, "VALUE-1");
    EXPECT_EQ(groups[0].reason, "is a question mark; send a number");
    EXPECT_EQ(groups[0].example, bad->number);
    EXPECT_EQ(house->today().counts.rejected, 1);

    EXPECT_TRUE(house->intake->retry(bad->number, "wang").ok());
    ASSERT_TRUE(house->intake->settle(10));
    EXPECT_EQ(house->today().counts.rejected, 1) << "still a question mark";

    const auto same = house->intake->resubmit(bad->number, simple("1", "p", "o", "?"), "none", "wang");
    EXPECT_FALSE(same.ok()) << "nothing was mended";
    const auto mended = house->intake->resubmit(bad->number, simple("1", "p", "o", "7"), "asked the ward", "wang");
    ASSERT_TRUE(mended.ok()) << mended.outcome().line();
    ASSERT_TRUE(house->intake->settle(10));
    EXPECT_EQ(house->value("o"), "7");
    const DayLine day = house->today();
    EXPECT_EQ(day.counts.received, 2);
    EXPECT_EQ(day.counts.stored, 1);
    EXPECT_EQ(day.counts.ignored, 1);
    const auto events = house->intake->events(bad->number);
    ASSERT_EQ(events.size(), 2u);
    EXPECT_EQ(events[1].what, "resubmit");
    EXPECT_EQ(house->intake->health("a")[0].total.rejected, 0);
}

TEST_P(OnEachEngine, IgnoringNeedsAReasonAndARejectedMessage) {
    const auto bad = house->send("nonsense");
    ASSERT_TRUE(bad.ok());
    EXPECT_EQ(bad->state, State::rejected);
    EXPECT_FALSE(house->intake->ignore(bad->number, "", "wang").ok());
    EXPECT_TRUE(house->intake->ignore(bad->number, "a test of the vendor", "wang").ok());
    EXPECT_FALSE(house->intake->ignore(bad->number, "again", "wang").ok());
    EXPECT_FALSE(house->intake->retry(99, "wang").ok());
    EXPECT_EQ(house->today().counts.ignored, 1);
}

TEST_P(OnEachEngine, UnknownSendersAreKeptUntilSomebodyKnowsThem) {
    const auto known = house->send_shared(simple("1", "p", "o", "5"));
    ASSERT_TRUE(known.ok());
    EXPECT_EQ(known->source, "a");
    const auto strange = house->send_shared(simple("2", "p", "o2", "5", "", "LIS"));
    ASSERT_TRUE(strange.ok());
    EXPECT_EQ(strange->source, "unknown");
    EXPECT_EQ(strange->state, State::rejected);
    EXPECT_THAT(strange->reason, ::testing::HasSubstr("application LIS"));
    EXPECT_FALSE(house->intake->retry(strange->number, "wang").ok()) << "still unknown";
    house->add("lis", "mllp", "hl7v2", R"({"senders":["LIS^*"]})");
    const auto all = house->intake->retry_all("unknown", "", "", "wang");
    ASSERT_TRUE(all.ok());
    ASSERT_TRUE(house->intake->settle(10));
    EXPECT_EQ(house->value("o2", "lis"), "5");
    EXPECT_EQ(house->today("unknown").counts.ignored, house->today("unknown").counts.received);
    EXPECT_EQ(house->today("lis").counts.stored, 1);
}

TEST_P(OnEachEngine, AnOlderMessageThatComesLateDoesNotOverwriteAndStillBringsItsOwn) {
    (void)house->send(simple("1", "p", "pulse", "60", "2026-11-22T08:00:00+08:00"));
    (void)house->send(simple("3", "p", "pulse", "70", "2026-11-22T09:00:00+08:00"));
    (void)house->send(simple("2", "p", "pulse", "65", "2026-11-22T08:30:00+08:00"));
    (void)house->send(simple("4", "p", "weight", "80", "2026-11-22T08:31:00+08:00"));
    (void)house->send(simple("5", "q", "height", "170", "2026-11-22T08:10:00+08:00"));
    ASSERT_TRUE(house->intake->settle(10));
    EXPECT_EQ(house->value("pulse"), "70");
    EXPECT_EQ(house->value("weight"), "80") << "late, but about something else";
    EXPECT_EQ(house->value("height"), "170") << "of another patient";
    EXPECT_EQ(house->today().counts.stored, 5);
}

// A clock that stood in 2031 and was put right must not leave its patients as they were until then.
TEST_P(OnEachEngine, AClockAheadOfTimeDoesNotKeepLaterMessagesOut) {
    const auto now = [&](std::int64_t later_ms) { return calendar::instant_text(house->clock.now_ms() + later_ms); };
    (void)house->send(simple("1", "p", "o", "1", "2031-01-01T00:00:00+08:00"));
    ASSERT_TRUE(house->intake->settle(10));
    house->clock.move(60'000);
    (void)house->send(simple("2", "p", "o", "2", now(0)));
    ASSERT_TRUE(house->intake->settle(10));
    EXPECT_EQ(house->value("o"), "2");
    house->close();  // the same when nothing is remembered
    house->open();
    house->clock.move(60'000);
    (void)house->send(simple("3", "p", "o", "3", now(0)));
    (void)house->send(simple("4", "p", "o", "4", now(-90'000)));  // but an older one that comes late is still late
    ASSERT_TRUE(house->intake->settle(10));
    EXPECT_EQ(house->value("o"), "3");
    EXPECT_EQ(house->today().counts.stored, 4);
}

TEST_P(OnEachEngine, AfterARestartWhatWaitedIsStored) {
    // A ledger without a conveyor worth the name: nothing is in flight, so everything still waits.
    house->open({.in_flight = 0});
    for (int i = 0; i < 20; ++i) (void)house->send(simple(std::to_string(i), "p", "o", std::to_string(i)));
    EXPECT_EQ(house->today().waiting, 20);
    house->open();
    ASSERT_TRUE(house->intake->settle(20));
    EXPECT_EQ(house->value("o"), "19") << "in order of arrival";
    EXPECT_EQ(house->today().counts.stored, 20);
}

TEST_P(OnEachEngine, AFloodGoesThroughTheTableWhenItDoesNotFitIntoMemory) {
    house->open({.window = 16, .window_bytes = 200});
    for (int i = 0; i < 300; ++i)
        (void)house->send(simple(std::to_string(i), std::to_string(i % 7), "o" + std::to_string(i % 11), std::to_string(i)));
    ASSERT_TRUE(house->intake->settle(30));
    EXPECT_EQ(house->today().counts.stored, 300);
    for (int i = 289; i < 300; ++i) EXPECT_EQ(house->value("o" + std::to_string(i % 11)), std::to_string(i));
}

TEST_P(OnEachEngine, ReplayGivesTheSameRecord) {
    std::mt19937_64 random(testing::seed());
    for (int i = 0; i < 120; ++i) {
        const std::string sent = fmt::format("2026-11-22T08:{:02}:00+08:00", random() % 60);
        (void)house->send(simple(std::to_string(i), std::to_string(random() % 5), std::to_string(random() % 9),
                                 std::to_string(random() % 50), sent));
    }
    ASSERT_TRUE(house->intake->settle(20));
    const auto original = house->everything(*house->record);

    const testing::ScratchFolder elsewhere;
    auto empty = record::Store::open(elsewhere.path(), house->clock);
    ASSERT_TRUE(empty.ok());
    ingest::Transactions into(**empty);
    const auto replayed = house->intake->replay("", 0, calendar::end_of_time_ms, &into);
    ASSERT_TRUE(replayed.ok()) << replayed.outcome().line();
    EXPECT_EQ(house->everything(**empty), original) << "every version";

    const auto again = house->intake->replay("a", 0, calendar::end_of_time_ms);
    ASSERT_TRUE(again.ok());
    ASSERT_TRUE(house->intake->settle(20));
    EXPECT_EQ(house->everything(*house->record), original) << "into itself it changes nothing";
    EXPECT_EQ(house->today().counts.stored, 120 - house->today().counts.duplicate);
}

TEST_P(OnEachEngine, FindsMessagesByWhatIsKnownOfThem) {
    for (int i = 0; i < 30; ++i)
        (void)house->send(simple(std::to_string(i), std::to_string(i % 3), "o", i % 10 == 0 ? "?" : "1"));
    ASSERT_TRUE(house->intake->settle(10));
    EXPECT_EQ(house->intake->find({.source = "a"}).total, 30);
    EXPECT_EQ(house->intake->find({.state = State::rejected}).lines.size(), 3u);
    EXPECT_EQ(house->intake->find({.source = "a", .patient = "1"}).lines.size(), 10u);
    EXPECT_EQ(house->intake->find({.control_id = "7"}).lines.size(), 1u);
    EXPECT_EQ(house->intake->find({.text = "question"}).lines.size(), 3u);
    EXPECT_EQ(house->intake->find({.text = "%"}).lines.size(), 0u) << "a sign, not a pattern";
    EXPECT_EQ(house->intake->find({.from_ms = house->clock.now_ms() + 1}).lines.size(), 0u);
    Wanted wanted{.source = "a", .count = 8};
    std::vector<Number> seen;
    for (;;) {
        const Page page = house->intake->find(wanted);
        for (const Line& line : page.lines) seen.push_back(line.number);
        if (page.next == 0) break;
        wanted.before = page.next;
    }
    EXPECT_EQ(seen.size(), 30u);
    EXPECT_TRUE(std::is_sorted(seen.rbegin(), seen.rend()));
}

// Which statement of the ledger ever fails: nobody is told of a message that is not on disk, and the day balances.
TEST(Ledger, BalancesWhicheverStatementFails) {
    std::int64_t statements = 1'000'000;
    for (std::int64_t n = 0; n < statements; n += 1 + n / 10) {
        TestIntake house;
        auto plan = std::make_shared<testing::FailingPlan>();
        Options options;
        options.wrap = [plan](std::unique_ptr<sql::Connection> inside) { return testing::make_failing(std::move(inside), plan); };
        house.open(options);
        if (::testing::Test::HasFatalFailure()) return;
        const std::int64_t before = plan->seen;
        plan->fail_after(n);
        int taken = 0;
        for (int i = 0; i < 12; ++i) {
            const std::string message =
                simple(std::to_string(i), std::to_string(i % 3), "o" + std::to_string(i), i == 5 ? "?" : "1");
            for (int attempt = 0; attempt < 20; ++attempt) {  // as a sender does: until it is told
                const auto receipt = house.send(message);
                if (receipt.ok()) {
                    ++taken;
                    break;
                }
                EXPECT_EQ(receipt.outcome().code(), IssueCode::transient);
            }
        }
        EXPECT_EQ(taken, 12);
        ASSERT_TRUE(house.intake->settle(30)) << "statement " << n << ": " << house.intake->trouble();
        const DayLine day = house.today();
        EXPECT_EQ(day.counts.stored, 11) << "statement " << n;
        EXPECT_EQ(day.counts.rejected, 1);
        for (int i = 0; i < 12; ++i) EXPECT_EQ(house.value("o" + std::to_string(i)), i == 5 ? "" : "1");
        statements = std::min(statements, plan->seen.load() - before);
        if (plan->failures == 0) break;  // n is beyond the end
        if (HasFailure()) return;
    }
}

// The record's disk is full in mid-batch: messages are taken all the same, wait, and are stored once there is room.
TEST(Ledger, KeepsReceivingWhileTheRecordCannotBeWritten) {
    TestIntake house;
    house.open();
    auto plan = std::make_shared<testing::FailingPlan>();
    house.intake.reset();
    house.ingest.reset();
    house.record.reset();
    record::Options of_record;
    of_record.wrap_writer = [plan](std::unique_ptr<sql::Connection> inside) {
        return testing::make_failing(std::move(inside), plan);
    };
    auto opened = record::Store::open(house.folder.path(), house.clock, of_record);
    ASSERT_TRUE(opened.ok());
    house.record = std::move(*opened);
    house.ingest = std::make_unique<ingest::Transactions>(*house.record);
    auto made =
        Intake::open({.data = house.folder.path()}, *house.record, *house.ingest, house.clock, house.content, {simple_format()});
    ASSERT_TRUE(made.ok());
    house.intake = std::move(*made);
    for (int i = 0; i < 40; ++i) {
        if (i % 10 == 3) plan->fail_after(static_cast<std::int64_t>(i % 7));
        EXPECT_TRUE(house.send(simple(std::to_string(i), "p", "o", std::to_string(i))).ok());
    }
    ASSERT_TRUE(house.intake->settle(60)) << house.intake->trouble();
    EXPECT_EQ(house.value("o"), "39");
    EXPECT_EQ(house.today().counts.stored, 40);
}

// A disk that is full while a batch is under way: whoever was told "received" is received, the others are told to send again.
TEST(Ledger, AFullDiskInMidBatchIsToldAndNothingIsLost) {
    TestIntake house;
    house.open();
    std::mt19937_64 random(testing::seed());
    const auto message = [&](int number) {
        std::string noise;  // that cannot be packed
        for (int i = 0; i < 20'000; ++i) noise += static_cast<char>('A' + random() % 50);
        return simple(fmt::format("{}", number), fmt::format("p{}", number % 9), fmt::format("o{}", number), noise);
    };
    std::vector<std::string> all;
    for (int i = 0; i < 400; ++i) all.push_back(message(i));
    ASSERT_TRUE(house.send(all[0]).ok());
    ASSERT_TRUE(house.intake->settle(10));

    signal(SIGXFSZ, SIG_IGN);
    rlimit before{};
    getrlimit(RLIMIT_FSIZE, &before);
    const rlimit full{2u << 20, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &full);
    std::vector<std::promise<Result<Receipt>>> told(all.size());
    for (std::size_t i = 1; i < all.size(); ++i)
        house.intake->receive({.source = "a", .bytes = all[i]},
                              [&told, i](Result<Receipt> receipt) { told[i].set_value(std::move(receipt)); });
    std::vector<std::size_t> refused;
    std::size_t taken = 1;
    for (std::size_t i = 1; i < all.size(); ++i) {
        const auto receipt = told[i].get_future().get();
        if (receipt.ok()) ++taken;
        else {
            EXPECT_EQ(receipt.outcome().code(), IssueCode::transient) << receipt.outcome().line();
            refused.push_back(i);
        }
    }
    EXPECT_FALSE(house.intake->trouble().empty());
    setrlimit(RLIMIT_FSIZE, &before);
    ASSERT_FALSE(refused.empty());
    ASSERT_TRUE(house.intake->settle(60)) << house.intake->trouble();
    EXPECT_EQ(house.today().counts.received, static_cast<std::int64_t>(taken));
    for (const std::size_t i : refused) ASSERT_TRUE(house.send(all[i]).ok());
    ASSERT_TRUE(house.intake->settle(60)) << house.intake->trouble();
    EXPECT_EQ(house.today().counts.received, 400);
    EXPECT_EQ(house.today().counts.stored, 400);
    EXPECT_EQ(house.record->verify(true), std::vector<std::string>{});
}

// Random senders, random faults, random restarts: what was told is there, once, and every day balances.
TEST(Ledger, BalancesUnderRandomFaultsAndRestarts) {
    std::mt19937_64 random(testing::seed());
    TestIntake house;
    auto plan = std::make_shared<testing::FailingPlan>();
    Options options;
    options.wrap = [plan](std::unique_ptr<sql::Connection> inside) { return testing::make_failing(std::move(inside), plan); };
    house.open(options);
    std::map<std::string, std::string> told;  // observation → last value acknowledged
    for (int i = 0; i < 400; ++i) {
        if (random() % 40 == 0) plan->fail_after(static_cast<std::int64_t>(random() % 30));
        if (random() % 80 == 0) {
            plan->fail_after(testing::FailingPlan::never);
            house.open(options);
        }
        const std::string observation = std::to_string(random() % 20);
        const std::string message = simple(std::to_string(i), observation, observation, std::to_string(i),
                                           fmt::format("2026-11-22T{:02}:{:02}:00+08:00", i / 60, i % 60));
        if (house.send(message).ok()) told[observation] = std::to_string(i);
        if (random() % 10 == 0) (void)house.send(message);
        if (random() % 15 == 0) (void)house.send(simple(std::to_string(i), "x", "x", "?"));
    }
    plan->fail_after(testing::FailingPlan::never);
    ASSERT_TRUE(house.intake->settle(60)) << house.intake->trouble();
    (void)house.today();
    for (const auto& [observation, value] : told) {
        const std::string found = house.value(observation);
        EXPECT_GE(std::stoi(found.empty() ? "-1" : found), std::stoi(value))
            << "refused ones may be stored too, lost ones may not";
    }
}

}  // namespace
}  // namespace xinglin::intake
