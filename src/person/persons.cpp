// SPDX-License-Identifier: Apache-2.0
// The index as others see it: a thread that keeps it, connections that read it, rulings written into the record.
#include <algorithm>
#include <thread>

#include "person/changes.h"
#include "person/keeper.h"
#include "person/reading.h"
#include "person/ruling.h"

namespace xinglin::person {

struct Persons::Inside {
    Inside(record::Store& to, const calendar::Clock& given, Settings chosen, Options options)
        : store(to),
          clock(given),
          settings(std::move(chosen)),
          poll(options.poll),
          follows(options.follow),
          keeper(to, given, settings, std::move(options)) {}

    record::Store& store;
    const calendar::Clock& clock;
    const Settings settings;
    const std::chrono::milliseconds poll;
    const bool follows;
    std::mutex work_lock;  // held by whoever steps the keeper
    Keeper keeper;
    std::mutex readers_lock;  // guards what follows
    std::vector<std::unique_ptr<sql::Connection>> readers;
    int readers_made = 0;  // of which making of the files they are
    std::thread thread;

    void run();
    template <typename Body>
    auto reading(Body&& body) {
        std::unique_ptr<sql::Connection> connection;
        int made = 0;
        {
            const std::lock_guard lock(keeper.shown().lock);
            made = keeper.shown().times_made;
        }
        {
            const std::lock_guard lock(readers_lock);
            if (std::exchange(readers_made, made) != made) readers.clear();
            if (!readers.empty()) {
                connection = std::move(readers.back());
                readers.pop_back();
            }
        }
        try {
            if (!connection) connection = sql::open_sqlite(keeper.place(), {.read_only = true, .cache_bytes = 16ll << 20});
            connection->begin_read();
            auto result = body(*connection);
            connection->commit();
            const std::lock_guard lock(readers_lock);
            if (readers.size() < 4 && readers_made == made) readers.push_back(std::move(connection));
            return result;
        } catch (const sql::Broken& broken) {
            const std::lock_guard lock(keeper.shown().lock);
            if (broken.why == sql::Broken::Why::corrupt && keeper.shown().times_made == made) keeper.shown().damaged = true;
            throw;
        }
    }
    std::shared_ptr<const identity::Model> model() {
        const std::lock_guard lock(keeper.shown().lock);
        return keeper.shown().model;
    }
};

void Persons::Inside::run() {
    auto& shown = keeper.shown();
    for (;;) {
        auto wait = poll;
        try {
            const std::lock_guard work(work_lock);
            while (keeper.step()) {}
        } catch (const std::exception& broken) {  // the disk, the connection, memory: tried again in a second
            {
                const std::lock_guard lock(shown.lock);
                shown.state.error = broken.what();
            }
            wait = std::chrono::milliseconds(1'000);
            const std::lock_guard work(work_lock);
            keeper.forget_connection();
            const std::lock_guard lock(readers_lock);
            readers.clear();
        }
        std::unique_lock lock(shown.lock);
        shown.changed.wait_for(lock, wait, [&] { return shown.stopping; });
        if (shown.stopping) return;
    }
}

Persons::Persons(record::Store& store, const calendar::Clock& clock, Settings settings, Options options)
    : inside_(std::make_unique<Inside>(store, clock, std::move(settings), std::move(options))) {
    if (inside_->follows) inside_->thread = std::thread([this] { inside_->run(); });
}

Persons::~Persons() {
    {
        auto& shown = inside_->keeper.shown();
        const std::lock_guard lock(shown.lock);
        shown.stopping = true;
        shown.changed.notify_all();
    }
    if (inside_->thread.joinable()) inside_->thread.join();
}

State Persons::state() const {
    State state;
    {
        const std::lock_guard lock(inside_->keeper.shown().lock);
        state = inside_->keeper.shown().state;
    }
    state.tasks = inside_->reading([&](sql::Connection& connection) {
        return Reading(connection, *inside_->model(), inside_->clock.now_ms()).open_tasks();
    });
    return state;
}

const Settings& Persons::settings() const { return inside_->settings; }

std::optional<Person> Persons::person(std::string_view id) const {
    return inside_->reading(
        [&](sql::Connection& connection) { return Reading(connection, *inside_->model(), inside_->clock.now_ms()).person(id); });
}

std::vector<std::string> Persons::patients(std::string_view patient_id) const {
    return inside_->reading([&](sql::Connection& connection) {
        return Reading(connection, *inside_->model(), inside_->clock.now_ms()).patients(patient_id);
    });
}

std::string Persons::enterprise_of(std::string_view patient_id) const {
    return inside_->reading([&](sql::Connection& connection) {
        return Reading(connection, *inside_->model(), inside_->clock.now_ms()).enterprise_of(patient_id);
    });
}

Queue Persons::queue(const QueueAsked& asked) const {
    return inside_->reading([&](sql::Connection& connection) {
        return Reading(connection, *inside_->model(), inside_->clock.now_ms()).queue(asked);
    });
}

Changes Persons::changes(std::string_view since, std::size_t count) const {
    return inside_->reading([&](sql::Connection& connection) { return read_changes(connection, since, count); });
}

std::optional<Task> Persons::task(std::int64_t number) const {
    return inside_->reading([&](sql::Connection& connection) {
        return Reading(connection, *inside_->model(), inside_->clock.now_ms()).task(number);
    });
}

Statistics Persons::statistics() const {
    return inside_->reading([&](sql::Connection& connection) {
        return Reading(connection, *inside_->model(), inside_->clock.now_ms()).statistics();
    });
}

std::vector<Found> Persons::match(json::Value patient, std::uint32_t count) const {
    const auto model = inside_->model();
    return inside_->reading([&](sql::Connection& connection) {
        std::vector<Found> found;
        const Decider decider(connection, *model, inside_->settings);
        const Reading reading(connection, *model, inside_->clock.now_ms());
        for (const Option& option : decider.options(facts_of(patient, inside_->settings.wording.get()), 0, {})) {
            if (found.size() == count) break;
            const double odds = option.ask ? std::min(option.mean, odds_of(inside_->settings.link) - 0.01) : option.mean;
            const double probability = probability_of(odds);
            if (option.never || probability < 0.01) continue;
            const std::string_view grade = probability >= inside_->settings.link     ? "certain"
                                           : probability >= 0.5                      ? "probable"
                                           : probability >= inside_->settings.review ? "possible"
                                                                                     : "certainly-not";
            const std::string id = reading.id_of(option.best);
            found.push_back(
                {id, reading.enterprise_of(id), probability, std::string(grade), identity::explain(*model, option.agreement)});
        }
        return found;
    });
}

std::vector<std::string> Persons::dump() const {
    return inside_->reading(
        [&](sql::Connection& connection) { return Reading(connection, *inside_->model(), inside_->clock.now_ms()).dump(); });
}

void Persons::catch_up() {
    const std::lock_guard work(inside_->work_lock);
    try {
        while (inside_->keeper.step()) {}
    } catch (...) {
        inside_->keeper.forget_connection();
        throw;
    }
}

Result<std::string> Persons::rule(const Ruling& given) {
    Ruling ruling = given;
    if (state().filling)
        return refuse(IssueCode::transient, "persons", "everything is being matched just now; try again in some minutes");
    catch_up();
    const auto checked = inside_->reading([&](sql::Connection& connection) -> Result<Done> {
        return Reading(connection, *inside_->model(), inside_->clock.now_ms()).check(ruling, inside_->settings);
    });
    if (!checked.ok()) return checked.outcome();
    const fhir::Type& basic = *fhir::find_resource("Basic");
    const std::string id = inside_->store.new_id();
    json::Arena arena;
    const std::string text = basic_of(ruling, id);
    XINGLIN_TRY(const json::Value resource, json::parse(text, arena));
    const record::Prepared prepared = inside_->store.prepare(basic, id, resource);
    XINGLIN_CHECK(inside_->store.submit_and_wait([&](record::Transaction& transaction) -> Result<Done> {
        transaction.put(prepared, true, false);
        return Done{};
    }));
    if (ruling.kind != "fill" || !inside_->follows) catch_up();  // a filling takes minutes, and is the thread's
    return id;
}

}  // namespace xinglin::person
