// SPDX-License-Identifier: Apache-2.0
// Single changes, and waiting.
#include "ingest/ingest.h"

#include <future>

#include "ingest/step.h"

namespace xinglin::ingest {

Ingest::Ingest(record::Store& store, const Options& options) : store_(store), options_(options) {}

void Ingest::write(std::shared_ptr<json::Arena> arena, Change change, WrittenBack finished) {
    struct Journey {
        std::shared_ptr<json::Arena> arena;
        Steps steps;
        Step step;
    };
    auto journey = std::make_shared<Journey>(Journey{arena, Steps(store_, *arena, options_), Step{.change = std::move(change)}});
    const auto make_ready = [&]() -> Result<Done> {
        XINGLIN_CHECK(journey->steps.examine(journey->step));
        XINGLIN_CHECK(journey->steps.guess(journey->step));
        journey->steps.prepare(journey->step);
        return Done{};
    };
    if (auto ready = make_ready(); !ready.ok()) return finished(std::move(ready).outcome());
    std::vector<record::Prepared> puts;
    if (journey->step.prepared) puts.push_back(*journey->step.prepared);
    store_.submit(
        [journey](record::Transaction& transaction) -> Result<Done> {
            XINGLIN_TRY(const bool again, journey->steps.settle(journey->step, transaction));
            if (again) journey->steps.prepare(journey->step);
            return journey->steps.carry_out(journey->step, transaction);
        },
        [journey, finished = std::move(finished)](Result<Done> done) {
            if (!done.ok()) return finished(std::move(done).outcome());
            finished(std::move(journey->step.written));
        },
        arena->bytes() / 2 + 512, std::move(puts));
}

Result<Written> Ingest::write_and_wait(std::shared_ptr<json::Arena> arena, Change change) {
    auto promise = std::make_shared<std::promise<Result<Written>>>();  // shared: set_value may still run when get returns
    auto future = promise->get_future();
    write(std::move(arena), std::move(change), [promise](Result<Written> written) { promise->set_value(std::move(written)); });
    return future.get();
}

Result<BundleAnswer> Ingest::bundle_and_wait(std::shared_ptr<json::Arena> arena, json::Value value, std::string_view base_url,
                                             bool want_body, const Allowed& allowed, const Held& held) {
    auto promise = std::make_shared<std::promise<Result<BundleAnswer>>>();
    auto future = promise->get_future();
    bundle(
        std::move(arena), value, base_url, want_body, allowed,
        [promise](Result<BundleAnswer> answer) { promise->set_value(std::move(answer)); }, held);
    return future.get();
}

Outcome Ingest::check(json::Value resource) const {
    auto checked = check_resource(resource, nullptr);
    return checked.ok() ? Outcome{} : std::move(checked).outcome();
}

}  // namespace xinglin::ingest
