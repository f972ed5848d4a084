// SPDX-License-Identifier: Apache-2.0
// Groups against a model that knows nothing of how they are kept: every decision ever made, played again from the beginning.
#include "person/groups.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <optional>
#include <random>
#include <set>

#include "person/test_naive.h"
#include "testing/testing.h"

namespace xinglin::person {
namespace {

/// The index and the model beside each other, at random.
class History {
public:
    explicit History(sql::Connection& connection) : connection_(connection), groups_(connection) {}

    /// Of so many records, so many decisions; checked after each when `closely`.
    void play(std::mt19937_64& random, Record records, int decisions, bool closely) {
        for (const char* table : {"person_record", "person_link", "person_cut", "person_apart"})
            connection_.run(std::string("DELETE FROM ") + table);
        naive_ = {};
        records_ = records;
        for (Record r = 1; r <= records; ++r) groups_.add(r, "p" + std::to_string(r), r);
        for (int i = 0; i < decisions; ++i) {
            decide(random);
            if (closely || i + 1 == decisions) {
                ASSERT_EQ(index(), naive_.people(records_)) << "after decision " << i;
            }
        }
        if (closely) take_everything_back();
    }

private:
    sql::Connection& connection_;
    Groups groups_;
    Naive naive_;
    Record records_ = 0;

    std::map<Record, std::set<Record>> index() const {
        std::map<Record, std::set<Record>> of;
        for (Record r = 1; r <= records_; ++r) {
            const std::vector<Record> members = groups_.members(groups_.person_of(r));
            of[r] = {members.begin(), members.end()};
            EXPECT_EQ(groups_.person_of(r), *of[r].begin()) << "a person is known by its first record";
        }
        return of;
    }

    void decide(std::mt19937_64& random) {
        const auto below = [&](std::uint64_t n) { return random() % n; };
        const auto seq = static_cast<Seq>(naive_.all.size() + 1);
        const auto what = below(10);
        if (what < 5) {
            const Record a = 1 + static_cast<Record>(below(static_cast<std::uint64_t>(records_)));
            const Record b =
                1 + static_cast<Record>((a + static_cast<Record>(below(static_cast<std::uint64_t>(records_) - 1))) % records_);
            if (a == b) return;
            groups_.link({.a = a, .b = b, .seq = seq, .by_hand = true});
            naive_.all.push_back({Decision::link, a, b, {}, 0});
        } else if (what < 7) {
            const Record of = 1 + static_cast<Record>(below(static_cast<std::uint64_t>(records_)));
            std::set<Record> some;
            const std::vector<Record> members = groups_.members(groups_.person_of(of));
            for (const Record member : members)
                if (below(2)) some.insert(member);
            if (some.empty() || some.size() == members.size()) return;
            groups_.divide(seq, {some.begin(), some.end()});
            naive_.all.push_back({Decision::divide, 0, 0, some, 0});
        } else {
            if (naive_.all.empty()) return;
            const std::size_t target = below(naive_.all.size());
            if (naive_.stands(target)) undo(target);
        }
    }
    void undo(std::size_t target) {
        naive_.all.push_back({Decision::undo, 0, 0, {}, target});
        while (naive_.all[target].kind == Decision::undo) target = naive_.all[target].target;
        groups_.set_off(static_cast<Seq>(target + 1), !naive_.stands(target));
    }
    /// Newest first, everything is undone: everybody is alone in the end.
    void take_everything_back() {
        for (std::size_t i = naive_.all.size(); i-- > 0;) {
            if (naive_.all[i].kind != Decision::undo && naive_.stands(i)) undo(i);
        }
        for (const auto& [record, members] : index()) EXPECT_EQ(members, std::set<Record>{record});
    }
};

int histories() {
    const char* asked = std::getenv("XINGLIN_HISTORIES");
    return asked ? std::atoi(asked) : 150;
}

TEST(Groups, AreWhatTheModelSaysWhateverWasDecidedAndUndone) {
    const testing::ScratchFolder folder;
    const auto connection = sql::open_sqlite(folder.path() / "groups.db");
    Groups::make_tables(*connection);
    const std::uint64_t seed = testing::seed();
    SCOPED_TRACE(seed);
    History history(*connection);
    for (int i = 0; i < histories(); ++i) {
        std::mt19937_64 random(seed + static_cast<std::uint64_t>(i));
        connection->begin();
        history.play(random, 2 + static_cast<Record>(random() % 8), 3 + static_cast<int>(random() % 18), i % 4 == 0);
        connection->rollback();
        if (::testing::Test::HasFailure()) FAIL() << "history " << i << " of seed " << seed;
    }
}

TEST(Groups, ComeBackExactlyWhenADivisionIsUndone) {
    const testing::ScratchFolder folder;
    const auto connection = sql::open_sqlite(folder.path() / "groups.db");
    Groups::make_tables(*connection);
    Groups groups(*connection);
    for (Record r = 1; r <= 4; ++r) groups.add(r, "p" + std::to_string(r), r);
    for (Record r = 1; r < 4; ++r) groups.link({.a = r, .b = r + 1, .seq = r});
    groups.divide(4, {2, 3});
    EXPECT_EQ(groups.members(2), (std::vector<Record>{2, 3}));
    EXPECT_EQ(groups.members(4), (std::vector<Record>{4})) << "it hung on 3 alone";
    EXPECT_TRUE(groups.are_apart(1, 2));
    groups.set_off(4, true);
    EXPECT_EQ(groups.members(1), (std::vector<Record>{1, 2, 3, 4}));
    EXPECT_FALSE(groups.are_apart(1, 1));
}

}  // namespace
}  // namespace xinglin::person
