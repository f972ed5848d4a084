// SPDX-License-Identifier: Apache-2.0
// Following the feed: every step reads changes, replaces the rows of the resources they name, and moves the cursors, in one
// transaction. Building is in building.cpp.
#include "view/follower.h"

#include <algorithm>

#include <fmt/format.h>

#include "view/definition.h"
#include "view/library.h"

namespace xinglin::view {

namespace {
// Everything here can be had again from the record.
constexpr sql::Migration migrations[] = {{1, R"sql(
    CREATE TABLE views_table (
        name        TEXT PRIMARY KEY,   -- of the view, lower case; its rows are in view_NAME
        definition  TEXT NOT NULL,      -- what the table was made from
        position    BIGINT NOT NULL,    -- of the feed, up to which the rows are right
        rows        BIGINT NOT NULL,
        built_ms    BIGINT NOT NULL,
        built_bytes BIGINT NOT NULL,    -- size when it was built
        built_rows  BIGINT NOT NULL
    );
    CREATE TABLE views_failure (
        view TEXT NOT NULL,             -- the table's name
        id   TEXT NOT NULL,             -- the resource that has no rows
        what TEXT NOT NULL,             -- why
        PRIMARY KEY (view, id)
    );
)sql"}};
constexpr std::int64_t advisory_lock = 0x78696e766965;  // "xinvie"
}  // namespace

Follower::Follower(record::Store& store, const calendar::Clock& clock, TablesOptions options)
    : store_(store), clock_(clock), options_(std::move(options)) {
    if (options_.file.empty()) options_.file = store_.folder() / "views.db";
    place_ = options_.store.empty() ? options_.file.string() : options_.store;
    open();
}

void Follower::open() {
    const auto try_open = [this] {
        auto made = sql::open(place_, {.cache_bytes = 32ll << 20, .lane = "xinglin views"});
        sql::migrate(*made, "view", migrations);
        connection_ = options_.wrap ? options_.wrap(std::move(made)) : std::move(made);
        load();
    };
    try {
        try_open();
    } catch (const sql::Broken& broken) {
        connection_.reset();
        const bool damaged = broken.why == sql::Broken::Why::corrupt || broken.why == sql::Broken::Why::other;
        if (!options_.store.empty() || !damaged) throw;
        for (const char* end : {"", "-wal", "-shm"}) {  // only views: made again
            std::error_code ignored;
            std::filesystem::remove(options_.file.string() + end, ignored);
        }
        ++times_made_;
        try_open();
    }
}

void Follower::forget_connection() {
    connection_.reset();
    ++times_made_;
}

void Follower::load() {
    const auto known = std::move(kept_);
    kept_.clear();
    auto& query =
        connection_->prepare("SELECT name, definition, position, rows, built_ms, built_bytes, built_rows FROM views_table");
    while (query.step()) {
        const std::string name(query.text(0));
        auto definition = Definition::compile(query.text(1));
        if (!definition.ok()) continue;  // of another version of this program: it is built again
        auto table = std::make_unique<Kept>(std::move(*definition));
        table->ready = true;
        table->position = query.integer(2);
        table->rows = query.integer(3);
        table->built_ms = query.integer(4);
        table->built_bytes = query.integer(5);
        table->built_rows = query.integer(6);
        if (const auto before = known.find(name);
            before != known.end() && before->second->definition.text() == table->definition.text())
            table->turn = before->second->turn;
        kept_[name] = std::move(table);
    }
    for (auto& [name, table] : kept_) read_failures(name, *table);
}

void Follower::read_failures(const std::string& label, Kept& table) {
    auto& count = connection_->prepare("SELECT count(*), coalesce(min(what), '') FROM views_failure WHERE view = ?");
    count.bind(1, label);
    count.step();
    table.failures = count.integer(0);
    table.error = count.text(1);
    count.reset();
}

bool Follower::is_ours() {
    if (connection_->engine() == sql::Engine::sqlite) return true;
    auto& query = connection_->prepare("SELECT CASE WHEN pg_try_advisory_lock(?) THEN 1 ELSE 0 END");
    query.bind(1, advisory_lock);
    const bool ours = query.step() && query.integer(0) == 1;
    query.reset();
    return ours;
}

bool Follower::is_stopping() const {
    const std::lock_guard lock(shown_.lock);
    return shown_.stopping;
}

bool Follower::step() {
    if (!connection_) open();
    if (!is_ours()) {
        load();
        show();
        return !is_stopping();
    }
    obey();
    follow();
    while (!is_stopping() && build_next()) {}
    return !is_stopping();
}

/// Drops what is no longer wanted.
void Follower::obey() {
    std::set<std::string> wanted;
    {
        const std::lock_guard lock(shown_.lock);
        for (const auto& [name, wish] : shown_.wanted) wanted.insert(name);
    }
    std::vector<std::string> gone;
    for (const auto& [name, table] : kept_) {
        if (!wanted.contains(name)) gone.push_back(name);
    }
    for (const std::string& name : gone) drop(name);
}

void Follower::drop(const std::string& name) {
    sql::transaction(*connection_, [&] {
        connection_->run(fmt::format("DROP TABLE IF EXISTS \"{}\"", table_name(name, false)));
        connection_->prepare("DELETE FROM views_table WHERE name = ?").bind(1, name).run();
        connection_->prepare("DELETE FROM views_failure WHERE view = ?").bind(1, name).run();
    });
    kept_.erase(name);
    current_ms_.erase(name);
}

void Follower::follow() {
    record::Reader reader = store_.reader(access::Viewer::program("views"));
    const record::Position target = reader.position();
    for (auto& [name, table] : kept_) {
        if (table->position > target) table->ready = false;  // an older record was restored below us
    }
    {
        const std::lock_guard lock(shown_.lock);
        shown_.record_position = target;
    }
    show();
    while (!is_stopping() && follow_once(reader, target)) show();
    show();
}

/// One transaction's worth; false when there is nothing left to do.
bool Follower::follow_once(record::Reader& reader, record::Position target) {
    record::Position from = target;
    for (const auto& [name, table] : kept_) {
        if (table->ready) from = std::min(from, table->position);
    }
    if (from >= target) return false;
    const record::Position upto = std::min<record::Position>(target, from + static_cast<record::Position>(options_.step));
    std::map<std::string, std::set<std::string>> changed;  // view → ids
    reader.changes(from, upto, [&](const record::Change& change) {
        for (const auto& [name, table] : kept_) {
            if (table->ready && &table->definition.resource() == change.type && change.position > table->position)
                changed[name].insert(change.id);
        }
        return true;
    });
    std::map<std::string, Kept> before;
    for (const auto& [name, table] : kept_) before.emplace(name, *table);
    try {
        sql::transaction(*connection_, [&] {
            for (auto& [name, table] : kept_) {
                if (!table->ready || table->position >= upto) continue;
                if (const auto ids = changed.find(name); ids != changed.end()) {
                    Runner runner(table->definition, options_.environment);
                    TableWriter writer(*connection_, table_name(name, false), table->definition.columns());
                    replace(reader, name, *table, runner, writer, ids->second);
                }
                table->position = upto;
                connection_->prepare("UPDATE views_table SET position = ?, rows = ? WHERE name = ?")
                    .bind(1, table->position)
                    .bind(2, table->rows)
                    .bind(3, name)
                    .run();
            }
        });
    } catch (...) {
        for (auto& [name, table] : kept_) *table = before.at(name);
        throw;
    }
    return true;
}

void Follower::replace(record::Reader& reader, const std::string& label, Kept& table, Runner& runner, TableWriter& writer,
                       const std::set<std::string>& ids) {
    for (const std::string& id : ids) {
        table.rows -= writer.erase(id);
        if (table.failures > 0) {
            connection_->prepare("DELETE FROM views_failure WHERE view = ? AND id = ?").bind(1, label).bind(2, id).run();
            if (connection_->changes() > 0) read_failures(label, table);
        }
        const auto version = reader.read(table.definition.resource(), id);
        if (version.ok()) put(label, table, runner, writer, *version);
    }
}

/// Adds the rows of one resource, all or, when the view fails on it, none.
void Follower::put(const std::string& label, Kept& table, Runner& runner, TableWriter& writer, const record::Version& version) {
    if (!table.definition.may_have_rows(version.body)) return;
    arena_.clear();
    const auto resource = json::parse(version.body, arena_);
    std::int64_t number = 0;
    Result<Done> added = Done{};
    Result<Done> ran = resource.ok() ? Result<Done>(Done{}) : Result<Done>(resource.outcome());
    if (ran.ok()) {
        ran = runner.run(*resource, [&](Row row) {
            if (added.ok()) added = writer.add(version.id, number, row);
            if (added.ok()) ++number;
        });
    }
    if (ran.ok() && !added.ok()) ran = std::move(added);
    if (ran.ok()) {
        table.rows += number;
        return;
    }
    if (number > 0) writer.erase(version.id);
    note_failure(label, table, version.id, ran.outcome().line());
}

void Follower::note_failure(const std::string& label, Kept& table, std::string_view id, const std::string& what) {
    connection_->prepare("INSERT INTO views_failure (view, id, what) VALUES (?, ?, ?)")
        .bind(1, label)
        .bind(2, id)
        .bind(3, what.substr(0, 1'000))
        .run();
    if (table.failures++ == 0 || what < table.error) table.error = what.substr(0, 1'000);
}

/// Publishes how the tables stand.
void Follower::show() {
    const std::int64_t now_ms = clock_.now_ms();
    const std::lock_guard lock(shown_.lock);
    std::map<std::string, TableState> states;
    for (const auto& [name, wish] : shown_.wanted) {
        TableState state{.name = wish.definition.name(), .state = "building"};
        if (const auto found = kept_.find(name); found != kept_.end()) {
            const Kept& table = *found->second;
            const bool is_current = table.ready && table.turn >= wish.turn;
            state.state = table.failed ? "failed" : is_current ? "ready" : "building";
            state.rows = static_cast<std::uint64_t>(std::max<std::int64_t>(table.rows, 0));
            state.position = table.position;
            state.built_ms = table.built_ms;
            state.bytes = table.built_rows > 0
                              ? static_cast<std::int64_t>(static_cast<double>(table.built_bytes) *
                                                          static_cast<double>(table.rows) / static_cast<double>(table.built_rows))
                              : table.built_bytes;
            state.resources_failed = static_cast<std::uint64_t>(table.failures);
            state.error = table.error;
        }
        std::int64_t& current = current_ms_.try_emplace(name, now_ms).first->second;
        state.lag_positions = std::max<record::Position>(0, shown_.record_position - state.position);
        if (state.lag_positions == 0) current = now_ms;
        state.lag_ms = std::max<std::int64_t>(0, now_ms - current);
        states[name] = std::move(state);
    }
    shown_.states = std::move(states);
    shown_.changed.notify_all();
}

}  // namespace xinglin::view
