// SPDX-License-Identifier: Apache-2.0
// Building a table beside the one that serves: read the record once, follow what was written meanwhile, then swap.
#include <fmt/format.h>

#include "view/follower.h"
#include "view/library.h"

namespace xinglin::view {

namespace {
constexpr std::size_t commit_every = 20'000;  // resources
constexpr auto follow_every = std::chrono::milliseconds(300);
std::string building_label(const std::string& name) { return "building:" + name; }
}  // namespace

/// Builds one table that is missing or to be built again. False when there is none.
bool Follower::build_next() {
    std::string name;
    std::optional<Wanted> wish;
    {
        const std::lock_guard lock(shown_.lock);
        for (const auto& [candidate, wanted] : shown_.wanted) {
            const auto known = kept_.find(candidate);
            Kept* table = known == kept_.end() ? nullptr : known->second.get();
            // Found in the file at the start, made from the same definition: that is what was wished for.
            if (table && table->ready && table->turn == 0 && wanted.turn == 1 &&
                table->definition.text() == wanted.definition.text())
                table->turn = 1;
            if (table && table->turn >= wanted.turn && (table->ready || table->failed)) continue;
            name = candidate;
            wish = wanted;
            break;
        }
    }
    if (wish) return build(name, *wish);
    show();
    return false;
}

bool Follower::build(const std::string& name, const Wanted& wish) {
    Kept fresh(wish.definition);
    fresh.turn = wish.turn;
    const std::string table = table_name(name, true), label = building_label(name);
    sql::transaction(*connection_, [&] {
        connection_->run(fmt::format("DROP TABLE IF EXISTS \"{}\"", table));
        connection_->prepare("DELETE FROM views_failure WHERE view = ?").bind(1, label).run();
        connection_->run(TableWriter::create_sql(table, fresh.definition.columns()));
    });
    Runner runner(fresh.definition, options_.environment);
    TableWriter writer(*connection_, table, fresh.definition.columns());
    {
        record::Reader reader = store_.reader(access::Viewer::program("views"));
        if (!scan(name, fresh, reader, runner, writer)) return false;
    }
    catch_up(name, fresh, runner, writer);
    return true;
}

/// Every resource of one snapshot. Now and then the other tables are followed up, so that they do not wait for it.
bool Follower::scan(const std::string& name, Kept& fresh, record::Reader& reader, Runner& runner, TableWriter& writer) {
    fresh.position = reader.position();
    std::size_t since_commit = 0, seen = 0;
    bool stopped = false;
    auto followed = std::chrono::steady_clock::now();
    connection_->begin();
    try {
        reader.scan(&fresh.definition.resource(), [&](const record::Version& version) {
            put(building_label(name), fresh, runner, writer, version);
            const auto now = std::chrono::steady_clock::now();
            if (++since_commit < commit_every && (++seen % 64 != 0 || now - followed < follow_every)) return true;
            connection_->commit();
            follow();
            stopped = is_stopping();
            followed = std::chrono::steady_clock::now();
            since_commit = 0;
            connection_->begin();
            return !stopped;
        });
        connection_->commit();
    } catch (...) {
        if (connection_->in_transaction()) connection_->rollback();
        throw;
    }
    return !stopped;
}

/// What was written while we read; in the end, in one transaction, the new table takes the old one's place.
void Follower::catch_up(const std::string& name, Kept& fresh, Runner& runner, TableWriter& writer) {
    const std::string label = building_label(name);
    for (;;) {
        record::Reader reader = store_.reader(access::Viewer::program("views"));
        const record::Position target = reader.position();
        const record::Position upto =
            std::min<record::Position>(target, fresh.position + static_cast<record::Position>(options_.step));
        std::set<std::string> ids;
        reader.changes(fresh.position, upto, [&](const record::Change& change) {
            if (&fresh.definition.resource() == change.type) ids.insert(change.id);
            return true;
        });
        const bool last = upto == target;
        const std::int64_t bytes = last ? bytes_of(table_name(name, true)) : 0;
        sql::transaction(*connection_, [&] {
            replace(reader, label, fresh, runner, writer, ids);
            fresh.position = upto;
            if (!last) return;
            const std::string table = table_name(name, false);
            connection_->run(fmt::format("DROP TABLE IF EXISTS \"{}\"", table));
            connection_->run(fmt::format("ALTER TABLE \"{}\" RENAME TO \"{}\"", table_name(name, true), table));
            connection_->prepare("DELETE FROM views_failure WHERE view = ?").bind(1, name).run();
            connection_->prepare("UPDATE views_failure SET view = ? WHERE view = ?").bind(1, name).bind(2, label).run();
            fresh.ready = true;
            fresh.built_ms = clock_.now_ms();
            fresh.built_bytes = bytes;
            fresh.built_rows = fresh.rows;
            save(name, fresh);
        });
        if (!last) continue;
        kept_[name] = std::make_unique<Kept>(std::move(fresh));
        follow();
        return;
    }
}

void Follower::save(const std::string& name, const Kept& table) {
    connection_->prepare("DELETE FROM views_table WHERE name = ?").bind(1, name).run();
    connection_
        ->prepare(
            "INSERT INTO views_table (name, definition, position, rows, built_ms, built_bytes, built_rows) VALUES (?, ?, ?, ?, "
            "?, ?, ?)")
        .bind(1, name)
        .bind(2, table.definition.text())
        .bind(3, table.position)
        .bind(4, table.rows)
        .bind(5, table.built_ms)
        .bind(6, table.built_bytes)
        .bind(7, table.built_rows)
        .run();
}

std::int64_t Follower::bytes_of(const std::string& table) {
    try {
        auto& query = connection_->prepare(connection_->engine() == sql::Engine::sqlite
                                               ? "SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE name = ?"
                                               : "SELECT pg_total_relation_size(quote_ident(?)::regclass)");
        query.bind(1, table);
        const std::int64_t bytes = query.step() ? query.integer(0) : 0;
        query.reset();
        return bytes;
    } catch (const sql::Broken&) {
        return 0;  // an SQLite without dbstat
    }
}

}  // namespace xinglin::view
