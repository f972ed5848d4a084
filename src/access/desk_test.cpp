// SPDX-License-Identifier: Apache-2.0
// Questions of residents and unusual looks, as they are kept; on both engines.
#include "access/desk.h"

#include <gtest/gtest.h>

#include "access/audit.h"
#include "testing/postgres.h"
#include "testing/testing.h"

namespace xinglin::access {
namespace {

using Step = Case::Step;
using State = Case::State;

class DeskTest : public ::testing::TestWithParam<std::string> {
protected:
    testing::ScratchFolder folder_;
    const std::string store_ = GetParam() == "postgres" ? testing::fresh_postgres() : "";

    void SetUp() override {
        if (GetParam() == "postgres" && store_.empty()) GTEST_SKIP() << testing::no_postgres;
    }
    void write(const std::vector<Access>& lines) const {
        Audit audit(folder_.path(), store_);
        for (const Access& line : lines) audit.append(line);
    }
};
INSTANTIATE_TEST_SUITE_P(Engines, DeskTest, ::testing::ValuesIn(testing::engines()), [](const auto& info) { return info.param; });

TEST_P(DeskTest, AQuestionIsAskedOnAnsweredAskedAgainAndClosed) {
    Desk desk(folder_.path(), store_);
    const auto opened = desk.open_case(7, "p1", "zhang", "我不认识这位医生", 1'000);
    ASSERT_TRUE(opened.ok()) << opened.outcome().line();
    EXPECT_EQ(opened->number, 1);
    EXPECT_EQ(desk.waiting_cases(), 1u);
    EXPECT_EQ(desk.move(1, Step::ask, "officer", "已转放射科核查", 2'000)->state, State::asked);
    EXPECT_EQ(desk.move(1, Step::answer, "officer", "当天为您会诊", 3'000)->state, State::answered);
    EXPECT_EQ(desk.waiting_cases(), 0u);
    EXPECT_EQ(desk.move(1, Step::again, "zhang", "我那天没有去医院", 4'000)->state, State::open);
    EXPECT_EQ(desk.move(1, Step::answer, "officer", "同名，已更正", 5'000)->state, State::answered);
    EXPECT_EQ(desk.move(1, Step::close, "zhang", "", 6'000)->state, State::closed);
    const auto kept = Desk(folder_.path(), store_).find(1);
    ASSERT_TRUE(kept);
    EXPECT_EQ(kept->answer, "同名，已更正");
    EXPECT_EQ(kept->moved_ms, 6'000);
    ASSERT_EQ(kept->steps.size(), 6u);
    EXPECT_EQ(kept->steps[1].step, "ask");
    EXPECT_EQ(kept->steps[3].by, "zhang");
}

TEST_P(DeskTest, StepsThatAreNotOpenAndWordsThatAreMissingAreRefused) {
    Desk desk(folder_.path(), store_);
    EXPECT_FALSE(desk.open_case(7, "p1", "zhang", "", 1).ok());
    EXPECT_FALSE(desk.open_case(7, "p1", "zhang", std::string(Desk::most_words + 1, 'x'), 1).ok());
    ASSERT_TRUE(desk.open_case(7, "p1", "zhang", "why", 1).ok());
    EXPECT_EQ(desk.open_case(7, "p1", "zhang", "why", 1).outcome().code(), IssueCode::conflict) << "one question at a time";
    EXPECT_EQ(desk.move(1, Step::close, "officer", "", 2).outcome().code(), IssueCode::conflict) << "nobody has answered";
    EXPECT_EQ(desk.move(1, Step::again, "zhang", "x", 2).outcome().code(), IssueCode::conflict);
    EXPECT_FALSE(desk.move(1, Step::answer, "officer", "", 2).ok());
    EXPECT_EQ(desk.move(9, Step::answer, "officer", "x", 2).outcome().code(), IssueCode::not_found);
    ASSERT_TRUE(desk.move(1, Step::answer, "officer", "x", 2).ok());
    ASSERT_TRUE(desk.move(1, Step::close, "zhang", "", 3).ok());
    EXPECT_TRUE(desk.open_case(7, "p1", "zhang", "again", 4).ok()) << "what is closed keeps nobody from asking";
}

TEST_P(DeskTest, QuestionsAreListedByPersonAndByState) {
    Desk desk(folder_.path(), store_);
    for (int i = 0; i < 6; ++i) ASSERT_TRUE(desk.open_case(i + 1, i % 2 ? "p1" : "p2", "zhang", "why", i).ok());
    ASSERT_TRUE(desk.move(2, Step::answer, "officer", "x", 9).ok());
    const std::vector<std::string> one{"p1"}, both{"p1", "p2"};
    EXPECT_EQ(desk.cases(one, {}, 100).size(), 3u);
    EXPECT_EQ(desk.cases(both, {}, 100).size(), 6u);
    EXPECT_EQ(desk.cases({}, State::open, 100).size(), 5u);
    EXPECT_EQ(desk.cases(one, State::answered, 100).size(), 1u);
    EXPECT_EQ(desk.cases({}, {}, 2).front().number, 6) << "newest first";
}

TEST_P(DeskTest, AFindingIsKeptOnceAndReviewedOnce) {
    Desk desk(folder_.path(), store_);
    Finding finding;
    finding.row = 3;
    finding.rule = "neighbour";
    finding.facts = "{}";
    finding.who = "doctor";
    finding.patient = "p1";
    finding.key = "neighbour doctor p1 today";
    desk.keep(std::vector{finding, finding}, 3);
    desk.keep(std::vector{finding}, 8);
    EXPECT_EQ(desk.judged(), 8);
    ASSERT_EQ(desk.findings(false, 10).size(), 1u);
    EXPECT_FALSE(desk.review(1, "officer", "", 5).ok());
    ASSERT_TRUE(desk.review(1, "officer", "家庭医生，当日随访", 5).ok());
    EXPECT_EQ(desk.review(1, "officer", "again", 6).outcome().code(), IssueCode::conflict);
    EXPECT_EQ(desk.waiting_findings(), 0u);
    ASSERT_EQ(desk.findings(true, 10).size(), 1u);
    EXPECT_EQ(desk.findings(true, 10)[0].note, "家庭医生，当日随访");
}

TEST_P(DeskTest, CountsPeopleByDayAndRefusalsInARow) {
    constexpr std::int64_t day = 86'400'000, begins = 20'000 * day;
    std::vector<Access> lines;
    const auto add = [&](std::int64_t at_ms, const char* patient, int status) {
        Access line;
        line.at_ms = at_ms;
        line.who = "doctor";
        line.patient = patient;
        line.status = status;
        lines.push_back(line);
    };
    for (const char* patient : {"a", "b", "a", "c"}) add(begins + 1'000, patient, 200);
    for (const char* patient : {"a", "d"}) add(begins + day + 1'000, patient, 200);
    add(begins + day + 2'000, "e", 403);
    add(begins + day + 3'000, "", 403);
    write(lines);
    const Desk desk(folder_.path(), store_);
    const auto both = desk.seen("doctor", begins, begins + 2 * day, 0);
    EXPECT_EQ(both.people, 5) << "of each day those who differ; what was refused shows nobody";
    EXPECT_EQ(both.days, 2);
    EXPECT_EQ(desk.seen("doctor", begins + day, begins + 2 * day, 0).people, 2);
    EXPECT_EQ(desk.seen("nobody", begins, begins + 2 * day, 0).people, 0);
    EXPECT_EQ(desk.refused_in_a_row("doctor", 8, 100), 2);
    EXPECT_EQ(desk.refused_in_a_row("doctor", 6, 100), 0);
}

}  // namespace
}  // namespace xinglin::access
