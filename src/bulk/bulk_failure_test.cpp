// SPDX-License-Identifier: Apache-2.0
// Memory or the disk refuses the n-th thing an export asks of it: the job fails and says why, and the next one is whole.
#include "bulk/bulk.h"
#include "testing/failing_trials.h"

namespace xinglin::bulk {
namespace {

namespace fs = std::filesystem;
using testing::Trial;

class ExportFailure : public ::testing::Test {
protected:
    static constexpr int patients = 300;
    void SetUp() override {
        testing::FailingMachine::spared = true;
        store_ = record::Store::open(folder_.path(), clock_, {.offset_minutes = std::int16_t{0}}).value();
        for (int i = 0; i < patients; ++i) {
            json::Arena arena;
            const std::string id = "p" + std::to_string(i);
            const auto value = json::parse(fmt::format(R"({{"resourceType":"Patient","id":"{}"}})", id), arena);
            const auto ready = store_->prepare(*fhir::find_resource("Patient"), id, *value);
            const auto done = store_->submit_and_wait([&](record::Transaction& t) -> Result<Done> {
                t.put(ready, false, false);
                return Done{};
            });
            ASSERT_TRUE(done.ok());
        }
    }
    Job wait(Exports& exports, const std::string& id) {
        for (int i = 0; i < 10'000; ++i) {
            const auto job = exports.find(id);
            if (!job || job->is_over()) return job.value_or(Job{});
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        ADD_FAILURE() << "the export did not end";
        return {};
    }
    void expect_whole(Exports& exports, const Job& job) {
        EXPECT_EQ(job.resources, static_cast<std::uint64_t>(patients));
        std::uint64_t bytes = 0;
        for (const File& file : job.files) {
            ASSERT_TRUE(fs::exists(exports.path_of(job, file)));
            bytes += fs::file_size(exports.path_of(job, file));
        }
        EXPECT_EQ(bytes, job.bytes);
    }

    testing::ScratchFolder folder_;
    testing::StoppedClock clock_;
    std::unique_ptr<record::Store> store_;
};

TEST_F(ExportFailure, IsToldAndTheNextExportIsWhole) {
    const Order order = *read_order(Level::system, "", {}, false, 0, clock_.now_ms());
    testing::try_every_failure([&](Trial& trial) {
        fs::remove_all(folder_.path() / "exports");
        std::string id;
        {
            Exports exports(*store_, clock_, {.disk_reserve_bytes = 0});
            trial.begin();
            trial.attempt([&] {
                auto added = exports.add(order, "chief", "http://x/fhir/$export");
                ASSERT_TRUE(added.ok());
                id = std::move(*added);
            });
            if (!id.empty()) {
                const Job job = wait(exports, id);
                trial.heal();
                if (job.state == Job::State::done) {
                    expect_whole(exports, job);
                } else {
                    EXPECT_EQ(job.state, Job::State::failed);
                    EXPECT_NE(job.error, "");
                }
            }
            trial.heal();
            const Job next = wait(exports, *exports.add(order, "chief", "http://x/fhir/$export"));
            EXPECT_EQ(next.state, Job::State::done) << next.error;
            expect_whole(exports, next);
        }
        Exports again(*store_, clock_, {.disk_reserve_bytes = 0});  // what was failed or done is so, or begins again and is done
        for (const Job& each : again.list()) {
            const Job job = wait(again, each.id);
            if (job.state == Job::State::done) expect_whole(again, job);
            else EXPECT_EQ(job.state, Job::State::failed);
        }
    });
}

}  // namespace
}  // namespace xinglin::bulk
