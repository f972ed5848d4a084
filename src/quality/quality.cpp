// SPDX-License-Identifier: Apache-2.0
// Figures as others see them: a thread that keeps them, connections that read them.
#include "quality/quality.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "quality/keeper.h"

namespace xinglin::quality {

struct Quality::Inside {
    Inside(record::Store& store, const calendar::Clock& clock, Rulebook book, Options given)
        : options(given),
          in_force(std::make_shared<const Rulebook>(*Rulebook::parse(book.text()))),
          keeper(store, clock, std::move(book), std::move(given)) {}

    Options options;
    std::shared_ptr<const Rulebook> in_force;
    std::mutex work_lock;  // held by whoever steps the keeper
    Keeper keeper;
    std::mutex readers_lock;  // guards what follows
    std::vector<std::unique_ptr<sql::Connection>> readers;
    std::map<std::int64_t, std::shared_ptr<const Rulebook>> books;
    std::thread thread;

    void run();
    /// With a connection of its own; given back when `body` returns.
    template <typename Body>
    auto reading(Body&& body) {
        std::unique_ptr<sql::Connection> connection;
        {
            const std::lock_guard lock(readers_lock);
            if (!readers.empty()) {
                connection = std::move(readers.back());
                readers.pop_back();
            }
        }
        if (!connection) connection = sql::open(keeper.place(), {.read_only = true, .cache_bytes = 8ll << 20});
        connection->begin_read();
        auto result = body(*connection);
        connection->commit();
        const std::lock_guard lock(readers_lock);
        if (readers.size() < 4) readers.push_back(std::move(connection));
        return result;
    }
    std::int64_t shown_of(std::int64_t edition) {
        if (edition != 0) return edition;
        const std::lock_guard lock(keeper.shown().lock);
        return keeper.shown().state.edition;
    }
};

void Quality::Inside::run() {
    auto& shown = keeper.shown();
    for (;;) {
        auto wait = options.poll;
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
        shown.changed.wait_for(lock, wait, [&] { return shown.stopping || shown.anew; });
        if (shown.stopping) return;
    }
}

Quality::Quality(record::Store& store, const calendar::Clock& clock, Rulebook book, Options options)
    : inside_(std::make_unique<Inside>(store, clock, std::move(book), std::move(options))) {
    if (inside_->options.follow) inside_->thread = std::thread([this] { inside_->run(); });
}

Quality::~Quality() {
    {
        auto& shown = inside_->keeper.shown();
        const std::lock_guard lock(shown.lock);
        shown.stopping = true;
        shown.changed.notify_all();
    }
    if (inside_->thread.joinable()) inside_->thread.join();
}

State Quality::state() const {
    const std::lock_guard lock(inside_->keeper.shown().lock);
    return inside_->keeper.shown().state;
}

std::shared_ptr<const Rulebook> Quality::book(std::int64_t asked) const {
    const std::int64_t edition = inside_->shown_of(asked);
    if (edition == 0) return inside_->in_force;
    {
        const std::lock_guard lock(inside_->readers_lock);
        if (const auto found = inside_->books.find(edition); found != inside_->books.end()) return found->second;
    }
    auto text = inside_->reading([&](sql::Connection& connection) {
        auto& query = connection.prepare("SELECT rules FROM quality_edition WHERE number = ?");
        query.reset();
        query.bind(1, edition);
        std::string found = query.step() ? std::string(query.text(0)) : "";
        query.reset();
        return found;
    });
    auto parsed = Rulebook::parse(text);
    if (!parsed.ok()) return nullptr;
    auto book = std::make_shared<const Rulebook>(std::move(*parsed));
    const std::lock_guard lock(inside_->readers_lock);
    if (inside_->books.size() > 8) inside_->books.clear();
    inside_->books[edition] = book;
    return book;
}

std::vector<KeptEdition> Quality::editions() const {
    return inside_->reading([](sql::Connection& connection) {
        std::vector<KeptEdition> out;
        auto& query = connection.prepare("SELECT number, made_ms, finished_ms, state FROM quality_edition ORDER BY number DESC");
        query.reset();
        while (query.step()) out.push_back({query.integer(0), query.integer(1), query.integer(2), std::string(query.text(3))});
        return out;
    });
}

std::vector<Line> Quality::figures(const Question& question) const {
    const std::int64_t edition = inside_->shown_of(question.edition);
    return inside_->reading([&](sql::Connection& connection) {
        std::vector<Line> out;
        auto& query = connection.prepare(
            "SELECT day, who, kind, n, counts FROM quality_day WHERE edition = ? AND day BETWEEN ? AND ? ORDER BY day, who, "
            "kind");
        query.reset();
        query.bind(1, edition).bind(2, question.from).bind(3, question.to);
        while (query.step()) {
            if (!question.set.empty() && query.text(2) != question.set) continue;
            Line line{query.integer(0), std::string(query.text(1)), std::string(query.text(2)), {}};
            line.counts.n = query.integer(3);
            unpack(query.text(4), line.counts);
            out.push_back(std::move(line));
        }
        return out;
    });
}

std::vector<Example> Quality::examples(const std::vector<std::string>& who, const Question& question) const {
    const std::int64_t edition = inside_->shown_of(question.edition);
    const auto month = [](std::int64_t day) {
        const calendar::Civil civil = calendar::civil_from_days(day);
        return std::int64_t{civil.year} * 12 + civil.month - 1 - 1970 * 12;
    };
    return inside_->reading([&](sql::Connection& connection) {
        std::vector<Example> out;
        auto& query = connection.prepare(
            "SELECT who, kind, rule, id FROM quality_example WHERE edition = ? AND who = ? AND month BETWEEN ? AND ? "
            "ORDER BY kind, rule, month DESC, id");
        for (const std::string& each : who) {
            query.reset();
            query.bind(1, edition).bind(2, std::string_view(each)).bind(3, month(question.from)).bind(4, month(question.to));
            while (query.step()) {
                if (!question.set.empty() && query.text(1) != question.set) continue;
                out.push_back({std::string(query.text(0)), std::string(query.text(1)), std::string(query.text(2)),
                               std::string(query.text(3))});
            }
        }
        return out;
    });
}

std::optional<std::int64_t> Quality::newest_day(std::int64_t upto) const {
    const std::int64_t edition = inside_->shown_of(0);
    return inside_->reading([&](sql::Connection& connection) {
        auto& query = connection.prepare("SELECT max(day) FROM quality_day WHERE edition = ? AND day <= ?");
        query.reset();
        query.bind(1, edition).bind(2, upto);
        std::optional<std::int64_t> out;
        if (query.step() && !query.is_null(0)) out = query.integer(0);
        query.reset();
        return out;
    });
}

void Quality::measure_anew() {
    auto& shown = inside_->keeper.shown();
    const std::lock_guard lock(shown.lock);
    shown.anew = true;
    shown.changed.notify_all();
}

void Quality::catch_up() {
    const std::lock_guard work(inside_->work_lock);
    while (inside_->keeper.step()) {}
}

}  // namespace xinglin::quality
