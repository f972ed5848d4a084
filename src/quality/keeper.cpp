// SPDX-License-Identifier: Apache-2.0
// Editions: which one is shown, which one is being built, and what becomes of the one before. Measuring itself is in measure.cpp.
#include "quality/keeper.h"

#include <fmt/format.h>

namespace xinglin::quality {

namespace {
constexpr std::int64_t advisory_lock = 0x78696e717561;  // "xinqua"
constexpr std::int64_t kept_editions = 5;
}  // namespace

Keeper::Keeper(record::Store& store, const calendar::Clock& clock, Rulebook book, Options options)
    : store_(store), clock_(clock), book_(std::move(book)), options_(std::move(options)) {
    options_.around.offset_minutes = store.offset_minutes();
    if (options_.file.empty()) options_.file = store_.folder() / "quality.db";
    place_ = options_.store.empty() ? options_.file.string() : options_.store;
    open();
}

void Keeper::open() {
    const auto try_open = [this] {
        auto made = sql::open(place_, {.cache_bytes = 32ll << 20, .lane = "xinglin quality"});
        make_tables(*made);
        connection_ = options_.wrap ? options_.wrap(std::move(made)) : std::move(made);
        load();
    };
    try {
        try_open();
    } catch (const sql::Broken& broken) {
        connection_.reset();
        const bool damaged = broken.why == sql::Broken::Why::corrupt || broken.why == sql::Broken::Why::other;
        if (!options_.store.empty() || !damaged) throw;
        for (const char* end : {"", "-wal", "-shm"}) {  // only figures: measured again
            std::error_code ignored;
            std::filesystem::remove(options_.file.string() + end, ignored);
        }
        try_open();
    }
}

void Keeper::forget_connection() {
    shown_.reset();
    building_.reset();
    connection_.reset();
}

std::unique_ptr<Edition> Keeper::make(std::int64_t number, Rulebook book, std::string state) {
    auto edition = std::make_unique<Edition>();
    edition->number = number;
    edition->book = std::move(book);
    edition->state = std::move(state);
    edition->judge = std::make_unique<Judge>(edition->book, options_.around);
    edition->tally = std::make_unique<Tally>(*connection_, number, edition->book);
    return edition;
}

void Keeper::load() {
    shown_.reset();
    building_.reset();
    auto& query = connection_->prepare(
        "SELECT number, rules, state, position, place, done, finished_ms, differences FROM quality_edition "
        "WHERE state <> 'kept' ORDER BY number");
    query.reset();
    while (query.step()) {
        auto book = Rulebook::parse(query.text(1));
        if (!book.ok()) continue;  // of another version of this program: it stays as it is until there is a new one
        auto edition = make(query.integer(0), std::move(*book), std::string(query.text(2)));
        edition->position = query.integer(3);
        edition->place = query.integer(4);
        edition->done = query.integer(5);
        (edition->state == "shown" ? shown_ : building_) = std::move(edition);
        if (shown_ && query.text(2) == "shown") {
            const std::lock_guard lock(shared_.lock);
            shared_.state.measured_ms = query.integer(6);
            shared_.state.differences = query.integer(7);
        }
    }
    show();
}

bool Keeper::is_ours() {
    if (connection_->engine() == sql::Engine::sqlite) return true;
    auto& query = connection_->prepare("SELECT CASE WHEN pg_try_advisory_lock(?) THEN 1 ELSE 0 END");
    query.bind(1, advisory_lock);
    const bool ours = query.step() && query.integer(0) == 1;
    query.reset();
    return ours;
}

bool Keeper::is_stopping() const {
    const std::lock_guard lock(shared_.lock);
    return shared_.stopping;
}

bool Keeper::step() {
    if (is_stopping()) return false;
    if (!connection_) open();
    if (!is_ours()) {  // another process measures: only look
        load();
        return false;
    }
    bool anew = false;
    {
        const std::lock_guard lock(shared_.lock);
        std::swap(anew, shared_.anew);
    }
    const bool changed = !shown_ || shown_->book.text() != book_.text();
    const bool fits = building_ && building_->book.text() == book_.text();
    if (building_ && !fits) {
        sql::transaction(*connection_, [&] { clear(building_->number, true); });
        building_.reset();
    }
    if (!building_ && (changed || anew)) begin_building();
    bool more = false;
    if (building_) {
        if (build()) finish_building();
        more = true;
    }
    if (shown_) more |= follow(*shown_);
    more |= building_ != nullptr;  // it may have begun just now
    show();
    return more && !is_stopping();
}

/// A new edition, measured from the beginning.
void Keeper::begin_building() {
    record::Position target = 0;
    {
        record::Reader reader = store_.reader(access::Viewer::program("quality"));
        target = reader.position();
    }
    sql::transaction(*connection_, [&] {
        auto& query = connection_->prepare("SELECT coalesce(max(number), 0) FROM quality_edition");
        query.reset();
        query.step();
        const std::int64_t number = query.integer(0) + 1;
        query.reset();
        building_ = make(number, *Rulebook::parse(book_.text()), "building");
        building_->position = target;
        connection_
            ->prepare(
                "INSERT INTO quality_edition (number, rules, state, position, place, done, made_ms, finished_ms, differences) "
                "VALUES (?, ?, 'building', ?, ?, 0, ?, 0, -1)")
            .bind(1, number)
            .bind(2, std::string_view(book_.text()))
            .bind(3, target)
            .bind(4, building_->place)
            .bind(5, clock_.now_ms())
            .run();
    });
    show();
}

/// It is complete and has caught up: it takes the place of the one before.
void Keeper::finish_building() {
    const Edition* const complete = building_.get();
    while (follow(*building_)) {
        if (is_stopping()) return;
    }
    if (building_.get() != complete) return;  // too much was written meanwhile: it began again
    std::int64_t different = -1;
    const bool same_rules = shown_ && shown_->book.text() == building_->book.text();
    if (same_rules) {
        while (shown_->position < building_->position && follow(*shown_)) {}
        while (building_->position < shown_->position && follow(*building_)) {}
        if (shown_->position == building_->position) different = differences(shown_->number, building_->number);
    }
    const std::int64_t now_ms = clock_.now_ms();
    sql::transaction(*connection_, [&] {
        if (shown_) {
            clear(shown_->number, same_rules);
            connection_->prepare("UPDATE quality_edition SET state = 'kept' WHERE number = ?").bind(1, shown_->number).run();
        }
        connection_->prepare("UPDATE quality_edition SET state = 'shown', finished_ms = ?, differences = ? WHERE number = ?")
            .bind(1, now_ms)
            .bind(2, different)
            .bind(3, building_->number)
            .run();
        auto& old = connection_->prepare("SELECT number FROM quality_edition WHERE state = 'kept' ORDER BY number DESC");
        old.reset();
        std::vector<std::int64_t> gone;
        for (std::int64_t i = 0; old.step(); ++i) {
            if (i >= kept_editions) gone.push_back(old.integer(0));
        }
        for (const std::int64_t number : gone) clear(number, true);
    });
    building_->state = "shown";
    shown_ = std::move(building_);
    const std::lock_guard lock(shared_.lock);
    shared_.state.measured_ms = now_ms;
    shared_.state.differences = different;
}

/// Takes away what is needed only for going on; with `figures` everything.
void Keeper::clear(std::int64_t number, bool figures) {
    for (const char* table : {"quality_event", "quality_example"})
        connection_->prepare(fmt::format("DELETE FROM {} WHERE edition = ?", table)).bind(1, number).run();
    if (!figures) return;
    connection_->prepare("DELETE FROM quality_day WHERE edition = ?").bind(1, number).run();
    connection_->prepare("DELETE FROM quality_edition WHERE number = ?").bind(1, number).run();
}

void Keeper::save(const Edition& edition) {
    connection_->prepare("UPDATE quality_edition SET position = ?, place = ?, done = ? WHERE number = ?")
        .bind(1, edition.position)
        .bind(2, edition.place)
        .bind(3, edition.done)
        .bind(4, edition.number)
        .run();
}

/// Lines that are not the same in both.
std::int64_t Keeper::differences(std::int64_t one, std::int64_t other) {
    std::int64_t found = 0;
    for (const auto& [a, b] : {std::pair(one, other), std::pair(other, one)}) {
        auto& query = connection_->prepare(
            "SELECT count(*) FROM quality_day a WHERE a.edition = ? AND NOT EXISTS (SELECT 1 FROM quality_day b WHERE b.edition "
            "= ? "
            "AND b.day = a.day AND b.who = a.who AND b.kind = a.kind AND b.n = a.n AND b.counts = a.counts)");
        query.reset();
        query.bind(1, a).bind(2, b);
        query.step();
        found += query.integer(0);
        query.reset();
    }
    return found;
}

void Keeper::show() {
    const std::lock_guard lock(shared_.lock);
    State& state = shared_.state;
    state.edition = shown_ ? shown_->number : 0;
    state.building = building_ != nullptr;
    state.done = building_ ? building_->done : 0;
    state.position = shown_ ? shown_->position : 0;
    state.error.clear();
    shared_.changed.notify_all();
}

}  // namespace xinglin::quality
