// SPDX-License-Identifier: Apache-2.0
// Tables follow the record; rebuilt and incremental ones are the same; nothing is lost when it fails in the middle.
#include "view/tables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <fmt/format.h>

#include <random>

#include "testing/failing_sql.h"
#include "testing/postgres.h"
#include "testing/testing.h"

namespace xinglin::view {
namespace {

constexpr std::string_view names_view = R"json({"resource":"Patient","name":"Names","select":[
    {"column":[{"name":"key","path":"getResourceKey()"},{"name":"version","path":"meta.versionId","type":"id"},
               {"name":"active","path":"active"},{"name":"born","path":"birthDate"},{"name":"twins","path":"multipleBirth.ofType(integer)"},
               {"name":"given","path":"name.given","collection":true,"type":"string"}]},
    {"forEachOrNull":"name","column":[{"name":"n","path":"%rowIndex"},{"name":"family","path":"family"}]}]})json";
constexpr std::string_view strict_view = R"({"resource":"Patient","name":"strict","select":[
    {"column":[{"name":"family","path":"name.family"}]}]})";

Definition compiled(std::string_view text) {
    auto definition = Definition::compile(text);
    EXPECT_TRUE(definition.ok()) << definition.outcome().line();
    return *definition;
}

/// A record with people that change.
class People {
public:
    explicit People(const std::string& store = "") {
        record::Options options;
        options.store = store;
        auto opened = record::Store::open(folder_.path(), clock_, options);
        if (!opened.ok()) throw std::runtime_error(opened.outcome().line());
        store_ = std::move(*opened);
    }
    record::Store& store() { return *store_; }
    const calendar::Clock& clock() const { return clock_; }
    void put(const std::string& id, const std::string& members) {
        json::Arena arena;
        const auto resource = json::parse(
            fmt::format(R"({{"resourceType":"Patient","id":"{}"{}{}}})", id, members.empty() ? "" : ",", members), arena);
        ASSERT_TRUE(resource.ok());
        const record::Prepared prepared = store_->prepare(*fhir::find_resource("Patient"), id, *resource);
        const auto done = store_->submit_and_wait([&](record::Transaction& transaction) {
            transaction.put(prepared, false, false);
            return Result<Done>(Done{});
        });
        ASSERT_TRUE(done.ok());
    }
    void erase(const std::string& id) {
        const auto done = store_->submit_and_wait([&](record::Transaction& transaction) {
            const auto state = transaction.state(*fhir::find_resource("Patient"), id);
            if (state && !state->deleted) transaction.erase(*fhir::find_resource("Patient"), id);
            return Result<Done>(Done{});
        });
        ASSERT_TRUE(done.ok());
    }

private:
    testing::ScratchFolder folder_;
    testing::StoppedClock clock_;
    std::unique_ptr<record::Store> store_;
};

std::vector<std::string> all_rows(const Tables& tables, std::string_view name, std::size_t count = 7) {
    std::vector<std::string> rows;
    std::string after;
    do {
        const auto page = tables.rows(name, after, count);
        EXPECT_TRUE(page.ok()) << page.outcome().line();
        if (!page.ok()) return rows;
        rows.insert(rows.end(), page->rows.begin(), page->rows.end());
        after = page->next;
        if (after.empty()) {
            EXPECT_EQ(page->total, rows.size());
        }
    } while (!after.empty());
    return rows;
}

class OnEngine : public ::testing::TestWithParam<std::string> {
protected:
    void SetUp() override {
        if (GetParam() == "sqlite") return;
        place_ = testing::fresh_postgres();
        if (place_.empty()) GTEST_SKIP() << testing::no_postgres;
    }
    std::string place_;
};
INSTANTIATE_TEST_SUITE_P(Engines, OnEngine, ::testing::ValuesIn(testing::engines()), [](const auto& info) { return info.param; });

TEST_P(OnEngine, TablesFollowTheRecord) {
    People people(place_);
    people.put(
        "a",
        R"("active":true,"birthDate":"1980-02-29","multipleBirthInteger":2,"name":[{"family":"Wang","given":["Xiao","Ming"]},{"family":"W"}])");
    people.put("b", "");
    Tables tables(people.store(), people.clock(), {compiled(names_view)}, {.store = place_, .follow = false});
    EXPECT_EQ(tables.state("names")->state, "building");
    tables.catch_up();
    const std::string a0 = R"(["Patient/a","1",true,"1980-02-29",2,["Xiao","Ming"],0,"Wang"])",
                      a1 = R"(["Patient/a","1",true,"1980-02-29",2,["Xiao","Ming"],1,"W"])";
    EXPECT_THAT(all_rows(tables, "NAMES"), ::testing::ElementsAre(a0, a1, R"(["Patient/b","1",null,null,null,[],0,null])"));
    people.put("b", R"("name":[{"family":"Li"}])");
    people.put("c", R"("active":false)");
    people.erase("a");
    tables.catch_up();
    EXPECT_THAT(all_rows(tables, "names"), ::testing::ElementsAre(R"(["Patient/b","2",null,null,null,[],0,"Li"])",
                                                                  R"(["Patient/c","1",false,null,null,[],0,null])"));
    const auto state = tables.state("names");
    EXPECT_EQ(state->state, "ready");
    EXPECT_EQ(state->rows, 2u);
    EXPECT_EQ(state->position, 5);
    EXPECT_EQ(state->lag_positions, 0);
}

TEST_P(OnEngine, AResourceTheViewFailsOnHasNoRowsAndIsCounted) {
    People people(place_);
    people.put("a", R"("name":[{"family":"Wang"},{"family":"W"}])");
    people.put("b", R"("name":[{"family":"Li"}])");
    Tables tables(people.store(), people.clock(), {compiled(strict_view)}, {.store = place_, .follow = false});
    tables.catch_up();
    EXPECT_THAT(all_rows(tables, "strict"), ::testing::ElementsAre(R"(["Li"])"));
    EXPECT_EQ(tables.state("strict")->resources_failed, 1u);
    EXPECT_THAT(tables.state("strict")->error, ::testing::HasSubstr("select[0].column[0].path"));
    people.put("a", R"("name":[{"family":"Wang"}])");
    tables.catch_up();
    EXPECT_THAT(all_rows(tables, "strict"), ::testing::ElementsAre(R"(["Wang"])", R"(["Li"])"));
    EXPECT_EQ(tables.state("strict")->resources_failed, 0u);
}

TEST_P(OnEngine, AnotherDefinitionReplacesTheTable) {
    People people(place_);
    people.put("a", R"("name":[{"family":"Wang"}])");
    Tables tables(people.store(), people.clock(), {compiled(strict_view)}, {.store = place_, .follow = false});
    tables.catch_up();
    ASSERT_TRUE(
        tables.keep(compiled(R"({"resource":"Patient","name":"strict","select":[{"column":[{"name":"id","path":"id"}]}]})"))
            .ok());
    EXPECT_EQ(tables.state("strict")->state, "building");
    EXPECT_THAT(all_rows(tables, "strict"), ::testing::ElementsAre(R"(["Wang"])"));  // the old one serves
    tables.catch_up();
    EXPECT_THAT(all_rows(tables, "strict"), ::testing::ElementsAre(R"(["a"])"));
    tables.drop("strict");
    tables.catch_up();
    EXPECT_FALSE(tables.rows("strict", "", 1).ok());
}

TEST(Tables, RefuseWhatATableCannotHave) {
    EXPECT_FALSE(Tables::check(compiled(R"({"resource":"Patient","select":[{"column":[{"name":"id","path":"id"}]}]})")).ok());
    EXPECT_FALSE(
        Tables::check(
            compiled(
                R"({"resource":"Patient","name":"x","select":[{"column":[{"name":"id","path":"id"},{"name":"ID","path":"id"}]}]})"))
            .ok());
}

TEST(Tables, AreFoundAgainAndMayBeThrownAway) {
    People people;
    people.put("a", R"("name":[{"family":"Wang"}])");
    {
        Tables tables(people.store(), people.clock(), {compiled(names_view), compiled(strict_view)}, {.follow = false});
        tables.catch_up();
    }
    people.put("b", R"("name":[{"family":"Li"}])");
    {
        Tables tables(people.store(), people.clock(), {compiled(strict_view)}, {.follow = false});
        tables.catch_up();
        EXPECT_EQ(all_rows(tables, "strict").size(), 2u);
        EXPECT_FALSE(tables.rows("names", "", 1).ok());  // not wanted any more
    }
    for (const char* end : {"", "-wal", "-shm"})
        std::filesystem::remove(people.store().folder() / ("views.db" + std::string(end)));
    Tables tables(people.store(), people.clock(), {compiled(strict_view)}, {.follow = false});
    tables.catch_up();
    EXPECT_EQ(all_rows(tables, "strict").size(), 2u);
}

/// The file is found damaged and made again while somebody has read it: the next page is of the new file.
TEST(Tables, MadeAgainAreReadFromTheNewFile) {
    People people;
    people.put("a", R"("name":[{"family":"Wang"}])");
    const auto fault = std::make_shared<testing::FailingPlan>();
    int opened = 0, damaged_at = 2;
    TablesOptions options{.follow = false};
    options.wrap = [&](std::unique_ptr<sql::Connection> inner) {
        if (++opened == damaged_at) throw sql::Broken(sql::Broken::Why::corrupt, "malformed");
        return testing::make_failing(std::move(inner), fault);
    };
    Tables tables(people.store(), people.clock(), {compiled(strict_view)}, options);
    tables.catch_up();
    ASSERT_EQ(all_rows(tables, "strict").size(), 1u);
    people.put("b", R"("name":[{"family":"Li"}])");
    fault->fail_after(0);
    EXPECT_THROW(tables.catch_up(), sql::Broken);  // closes the connection
    fault->fail_after(testing::FailingPlan::never);
    tables.catch_up();  // finds the file damaged, makes it again
    EXPECT_EQ(opened, 3);
    EXPECT_EQ(all_rows(tables, "strict").size(), 2u);
}

TEST(Tables, FollowByThemselvesWithinASecond) {
    People people;
    Tables tables(people.store(), people.clock(), {compiled(names_view)});
    people.put("a", R"("name":[{"family":"Wang"}])");
    bool seen = false;
    for (int i = 0; i < 500 && !seen; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        const auto page = tables.rows("names", "", 10);
        seen = page.ok() && page->rows.size() == 1;
    }
    EXPECT_TRUE(seen);
}

/// Law: however writes, steps and rebuilds come, the table is what a fresh one would be.
RC_GTEST_PROP(TableLaw, RebuiltIsIncremental, ()) {
    People people;
    Tables tables(people.store(), people.clock(), {compiled(names_view), compiled(strict_view)}, {.step = 3, .follow = false});
    for (int i = *rc::gen::inRange(1, 40); i > 0; --i) {
        const std::string id(1, static_cast<char>('a' + *rc::gen::inRange(0, 6)));
        switch (*rc::gen::inRange(0, 9)) {
            case 0: people.erase(id); break;
            case 1: RC_ASSERT(tables.rebuild(*rc::gen::element<std::string>("names", "strict")).ok()); break;
            case 2:
            case 3: tables.catch_up(); break;
            case 4: people.put(id, R"("name":[{"family":"A"},{"family":"B"}])"); break;
            case 5: people.put(id, R"("active":true,"multipleBirthInteger":3)"); break;
            default: people.put(id, fmt::format(R"("name":[{{"family":"F{}","given":["x"]}}])", *rc::gen::inRange(0, 5)));
        }
    }
    tables.catch_up();
    Tables fresh(people.store(), people.clock(), {compiled(names_view), compiled(strict_view)},
                 {.file = people.store().folder() / "fresh.db", .follow = false});
    fresh.catch_up();
    for (const char* name : {"names", "strict"}) {
        RC_ASSERT(all_rows(tables, name) == all_rows(fresh, name));
        RC_ASSERT(tables.state(name)->resources_failed == fresh.state(name)->resources_failed);
        RC_ASSERT(tables.state(name)->rows == fresh.state(name)->rows);
    }
}

/// Every statement fails once; what is there after it heals is what a table that never failed holds.
TEST(Tables, LoseNothingWhicheverStatementFails) {
    People people;
    people.put("a", R"("name":[{"family":"Wang"}])");
    const auto fault = std::make_shared<testing::FailingPlan>();
    TablesOptions options{.step = 2, .follow = false};
    options.wrap = [fault](std::unique_ptr<sql::Connection> inner) { return testing::make_failing(std::move(inner), fault); };
    for (std::int64_t nth = 1;; ++nth) {
        Tables tables(people.store(), people.clock(), {compiled(names_view), compiled(strict_view)}, options);
        ASSERT_TRUE(tables.rebuild("names").ok());
        people.put(fmt::format("p{}", nth % 9), R"("name":[{"family":"Li"},{"family":"L"}])");
        people.put("a", fmt::format(R"("name":[{{"family":"W{}"}}])", nth));
        fault->fail_after(nth);
        bool broke = false;
        try {
            tables.catch_up();
        } catch (const sql::Broken&) {
            broke = true;
        }
        fault->fail_after(testing::FailingPlan::never);
        tables.catch_up();
        Tables fresh(people.store(), people.clock(), {compiled(names_view), compiled(strict_view)},
                     {.file = people.store().folder() / fmt::format("fresh{}.db", nth), .follow = false});
        fresh.catch_up();
        for (const char* name : {"names", "strict"}) ASSERT_EQ(all_rows(tables, name), all_rows(fresh, name)) << nth;
        if (!broke) {
            EXPECT_GT(nth, 10);
            break;
        }
    }
}

}  // namespace
}  // namespace xinglin::view
