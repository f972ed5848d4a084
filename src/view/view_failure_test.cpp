// SPDX-License-Identifier: Apache-2.0
// Memory or the disk refuses the n-th thing that saved views and their tables ask of it: told, and right again afterwards.
#include "testing/failing_trials.h"
#include "view/library.h"
#include "view/tables.h"

#include <future>

namespace xinglin::view {
namespace {

using testing::Trial;

constexpr std::string_view births = R"({"resource":"Patient","name":"births","select":[
    {"column":[{"name":"id","path":"id"},{"name":"born","path":"birthDate"}]}]})";
constexpr std::string_view deaths = R"({"resource":"Patient","name":"deaths","select":[{"column":[{"name":"id","path":"id"}]}]})";

TEST(ViewFailure, OfSavedViewsLeavesTheFileAndTheListTheSame) {
    const Definition born = *Definition::compile(births), dead = *Definition::compile(deaths);
    const content::Files none;
    testing::try_every_failure([&](Trial& trial) {
        const testing::ScratchFolder folder;
        Library library(none, folder.path() / "views");
        ASSERT_TRUE(library.save("deaths", dead).ok());
        bool saved = false, erased = false;
        trial.begin();
        trial.attempt([&] { saved = library.save("births", born).ok(); });
        trial.attempt([&] { erased = library.erase("deaths").ok(); });
        trial.heal();
        const Library again(none, folder.path() / "views");
        for (const Library* each : {static_cast<const Library*>(&library), &again}) {
            if (saved) {
                EXPECT_TRUE(each->find("births"));
            }
            EXPECT_EQ(each->find("deaths").has_value(), !erased);
            EXPECT_EQ(each->problems(), std::vector<std::string>{});
        }
        EXPECT_EQ(library.find("births").has_value(), again.find("births").has_value());
        EXPECT_TRUE(library.save("births", born).ok());
    });
}

TEST(ViewFailure, OfTablesIsToldAndTheyCatchUp) {
    const Definition born = *Definition::compile(births), dead = *Definition::compile(deaths);
    const auto scene = [&](Trial& trial) {
        const testing::ScratchFolder folder;
        const testing::StoppedClock clock;
        auto store = record::Store::open(folder.path(), clock, {.offset_minutes = std::int16_t{0}}).value();
        const auto put = [&](const std::string& id) {
            json::Arena arena;
            const auto value = json::parse(fmt::format(R"({{"resourceType":"Patient","id":"{}"}})", id), arena);
            const auto ready = store->prepare(*fhir::find_resource("Patient"), id, *value);
            return store
                ->submit_and_wait([&](record::Transaction& t) -> Result<Done> {
                    t.put(ready, false, false);
                    return Done{};
                })
                .ok();
        };
        ASSERT_TRUE(put("a"));
        Tables tables(*store, clock, {born}, {.poll = std::chrono::milliseconds(5)});
        trial.begin();
        // The record's own writer may be the one that is refused; what it has committed it insists on, until there is memory.
        auto second = std::async(std::launch::async, [&] {
            testing::FailingMachine::spared = true;
            return put("b");
        });
        second.wait_for(std::chrono::milliseconds(100));
        trial.attempt([&] { (void)tables.keep(dead); });
        trial.attempt([&] { (void)tables.rebuild("births"); });
        trial.attempt([&] { (void)tables.rows("births", "", 10); });
        trial.attempt([&] { (void)tables.states(); });
        std::this_thread::sleep_for(std::chrono::milliseconds(30));
        trial.heal();
        (void)second.get();
        ASSERT_TRUE(put("c"));
        ASSERT_TRUE(put("b"));
        ASSERT_TRUE(tables.keep(dead).ok());
        for (const char* name : {"births", "deaths"}) {
            std::uint64_t total = 0;
            for (int i = 0; i < 2'000 && total != 3; ++i) {
                const auto page = tables.rows(name, "", 10);
                total = page.ok() ? page->total : 0;
                if (total != 3) std::this_thread::sleep_for(std::chrono::milliseconds(5));
            }
            EXPECT_EQ(total, 3u) << name << ": " << tables.state(name)->state << " " << tables.state(name)->error;
        }
    };
    testing::try_every_failure(scene, 15);
}

}  // namespace
}  // namespace xinglin::view
