// SPDX-License-Identifier: Apache-2.0
// What becomes of the index when its database breaks, its files are damaged, or the program ends in the middle.
#include <gtest/gtest.h>

#include <fstream>
#include <random>

#include "person/person.h"
#include "testing/failing_sql.h"
#include "testing/postgres.h"
#include "testing/testing.h"
#include "testing/told_people.h"

namespace xinglin::person {
namespace {

namespace fs = std::filesystem;

class Broken : public ::testing::Test {
protected:
    testing::ScratchFolder folder;
    testing::StoppedClock clock;
    std::unique_ptr<record::Store> store;
    std::uint64_t seed = testing::seed();
    std::mt19937_64 random{seed};

    std::size_t below(std::size_t n) { return static_cast<std::size_t>(random() % n); }

    void SetUp() override {
        auto opened = record::Store::open(
            folder.path(), clock,
            {.readers = 2, .offset_minutes = std::int16_t{480}, .store = testing::store_beside(folder.path())});
        ASSERT_TRUE(opened.ok()) << opened.outcome().line();
        store = std::move(opened).value();
    }
    std::unique_ptr<Persons> index(const std::string& name, std::shared_ptr<testing::FailingPlan> plan = nullptr,
                                   std::size_t fill_from = 1'000'000) {
        Settings settings = Settings::read(content::Files()).value();
        settings.fill_from = fill_from;
        Options options{.file = folder.path() / name, .follow = false};
        if (plan)
            options.wrap = [plan](std::unique_ptr<sql::Connection> inside) {
                return testing::make_failing(std::move(inside), plan);
            };
        return std::make_unique<Persons>(*store, clock, std::move(settings), std::move(options));
    }
    void put(const testing::Told& told) {
        clock.move(1'000);
        json::Arena arena;
        const std::string text = testing::patient_of(told);
        const auto ready = store->prepare(*fhir::find_resource("Patient"), told.id, json::parse(text, arena).value());
        ASSERT_TRUE(store
                        ->submit_and_wait([&](record::Transaction& transaction) -> Result<Done> {
                            transaction.put(ready, false, false);
                            return Done{};
                        })
                        .ok());
    }
    /// People, some of them written again and deleted, and decisions about them.
    void live(Persons& persons) {
        const auto told = testing::made_twins(6, 3);
        for (const auto& each : told) put(each);
        for (const auto& [kind, a, b] : {std::tuple("link", 0, 20), std::tuple("apart", 1, 5), std::tuple("link", 9, 14)})
            ASSERT_TRUE(persons
                            .rule({.kind = kind,
                                   .a = told[static_cast<std::size_t>(a)].id,
                                   .b = told[static_cast<std::size_t>(b)].id,
                                   .who = "li"})
                            .ok());
        for (int i = 0; i < 8; ++i) {
            testing::Told changed = told[below(told.size())];
            changed.phone = "16099999999";
            changed.source = "other";
            put(changed);
        }
    }
    static void copy(const fs::path& from, const fs::path& to) {
        for (const char* end : {"", "-wal"}) {
            std::error_code ignored;
            fs::remove(to.string() + end, ignored);
            fs::copy_file(from.string() + end, to.string() + end, ignored);
        }
        std::error_code ignored;
        fs::remove(to.string() + "-shm", ignored);
    }
};

TEST_F(Broken, AtAnyStatementGoesOnAsIfNothingHadBeen) {
    SCOPED_TRACE(seed);
    {
        const auto first = index("first.db");
        live(*first);
    }
    for (const std::size_t fill_from : {std::size_t{1'000'000}, std::size_t{1}}) {
        const auto whole = index("whole.db", nullptr, fill_from);
        whole->catch_up();
        const auto expected = whole->dump();
        auto plan = std::make_shared<testing::FailingPlan>();
        index("counted.db", plan, fill_from)->catch_up();
        const std::int64_t all = plan->seen;
        ASSERT_GT(all, 500);
        for (int trial = 0; trial < 25; ++trial) {
            const std::string name = fmt::format("trial{}.db", trial);
            plan = std::make_shared<testing::FailingPlan>();
            plan->fail_after(static_cast<std::int64_t>(below(static_cast<std::size_t>(all))));
            std::unique_ptr<Persons> persons;
            try {
                persons = index(name, plan, fill_from);
                persons->catch_up();
            } catch (const sql::Broken&) {}
            if (!persons) persons = index(name, plan, fill_from);
            persons->catch_up();
            EXPECT_EQ(persons->dump(), expected) << trial;
            persons.reset();
            for (const char* end : {"", "-wal", "-shm"}) {
                std::error_code ignored;
                fs::remove(folder.path() / (name + end), ignored);
            }
        }
        for (const char* end : {"", "-wal", "-shm"})
            for (const char* name : {"whole.db", "counted.db"}) {
                std::error_code ignored;
                fs::remove(folder.path() / (std::string(name) + end), ignored);
            }
    }
}

TEST_F(Broken, FilesAreMadeAnew) {
    SCOPED_TRACE(seed);
    auto persons = index("good.db");
    live(*persons);
    persons->catch_up();
    const auto expected = persons->dump();
    persons.reset();
    for (int trial = 0; trial < 30; ++trial) {
        const fs::path damaged = folder.path() / "damaged.db";
        copy(folder.path() / "good.db", damaged);
        const auto size = static_cast<std::size_t>(fs::file_size(damaged));
        const std::size_t kind = below(4);
        if (kind == 0) {
            fs::resize_file(damaged, below(size));
        } else {
            std::fstream file(damaged, std::ios::in | std::ios::out | std::ios::binary);
            const std::size_t pages = size / 4096, from = kind == 1 ? 0 : below(pages), until = kind == 3 ? pages : from + 1;
            for (std::size_t page = from; page < until; ++page) {
                file.seekp(static_cast<std::streamoff>(page * 4096));
                const std::string rubbish(4096, static_cast<char>(0xA5 + trial));
                file.write(rubbish.data(), static_cast<std::streamsize>(rubbish.size()));
            }
        }
        persons = index("damaged.db");
        std::vector<std::string> lines;
        try {
            persons->catch_up();
            lines = persons->dump();
        } catch (const sql::Broken&) {
            persons->catch_up();
            lines = persons->dump();
        }
        EXPECT_EQ(lines, expected) << "trial " << trial << " of kind " << kind;
        persons.reset();
    }
}

TEST_F(Broken, OffInTheMiddleFollowsFromThere) {
    SCOPED_TRACE(seed);
    auto persons = index("alive.db");
    live(*persons);
    persons->catch_up();
    const auto expected = persons->dump();
    for (int trial = 0; trial < 30; ++trial) {
        const fs::path image = folder.path() / "image.db";
        copy(folder.path() / "alive.db", image);  // as a power cut would leave it: the log up to somewhere
        const fs::path log = image.string() + "-wal";
        if (fs::exists(log)) fs::resize_file(log, below(static_cast<std::size_t>(fs::file_size(log)) + 1));
        const auto again = index("image.db");
        again->catch_up();
        EXPECT_EQ(again->dump(), expected) << trial;
    }
}

}  // namespace
}  // namespace xinglin::person
