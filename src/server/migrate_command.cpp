// SPDX-License-Identifier: Apache-2.0
// `xinglin migrate`: the tables of a PostgreSQL database, and their distribution over many machines by Citus.
#include <cstdio>

#include "access/audit.h"
#include "json/json.h"
#include "record/record.h"
#include "server/commands.h"
#include "server/snapshot.h"
#include "server/terminal.h"

namespace xinglin::server {

namespace {

struct Shared {
    const char* table;
    const char* key;
    const char* with;  // its shards lie beside those of this table
};
// One patient's rows lie on one shard; names and terms have keys of their own. What is small and asked for in one row (types,
// parameters, settings, dictionaries, accounts) stays on the coordinator.
constexpr Shared distributed[] = {
    {"record_current", "p", "none"},           {"record_past", "p", "record_current"},
    {"record_posting", "p", "record_current"}, {"record_reference", "p", "record_current"},
    {"record_date", "p", "record_current"},    {"record_number", "p", "record_current"},
    {"feed_change", "p", "record_current"},    {"record_name", "id", "none"},
    {"record_term", "term", "none"},           {"record_term_text", "term", "record_term"},
    {"record_block", "term", "record_term"},   {"record_term_count", "term", "record_term"},
    {"audit_access", "row", "none"},
};

bool is_there(sql::Connection& connection, std::string_view query, std::string_view name) {
    auto& row = connection.prepare(query).bind(1, name);
    const bool there = row.step() && row.integer(0) > 0;
    row.reset();
    return there;
}

std::vector<std::string> distribute(sql::Connection& connection) {
    std::vector<std::string> done;
    for (const Shared& each : distributed) {
        if (!is_there(connection, "SELECT count(*) FROM pg_class WHERE relname = ? AND pg_table_is_visible(oid)", each.table))
            continue;
        if (is_there(connection, "SELECT count(*) FROM pg_dist_partition WHERE logicalrelid = to_regclass(?)", each.table))
            continue;
        auto& call = connection.prepare("SELECT create_distributed_table(?::regclass, ?, colocate_with => ?)");
        call.bind(1, std::string_view(each.table)).bind(2, std::string_view(each.key)).bind(3, std::string_view(each.with));
        call.step();
        call.reset();
        done.emplace_back(each.table);
    }
    return done;
}

void make_tables(const std::string& store, const calendar::Clock& clock) {
    const access::Accounts accounts({}, clock, store);
    const access::Audit audit({}, store);
}

}  // namespace

int migrate(const MigrateCommand& options) {
    const calendar::SystemClock clock;
    {
        const auto opened = open_database(options.store, clock);
        if (!opened.ok()) return environment(opened.outcome());
    }
    make_tables(options.store, clock);
    std::vector<std::string> tables;
    if (options.distributed) {
        const auto connection = sql::open(options.store, {.lane = "record"});
        if (!is_there(*connection, "SELECT count(*) FROM pg_extension WHERE extname = ?", "citus"))
            return complain("--distributed",
                            "the extension citus is not in this database; install it on every machine and run "
                            "CREATE EXTENSION citus, or leave --distributed out",
                            exit_refused);
        tables = distribute(*connection);
    }
    if (options.json) {
        json::Arena arena;
        std::vector<json::Value> names;
        for (const std::string& table : tables) names.push_back(arena.string(table));
        std::printf("%s\n", json::write(arena.object({{"distributed", arena.array(names)}})).c_str());
    } else {
        std::printf("tables are up to date%s\n",
                    options.distributed ? (", " + std::to_string(tables.size()) + " were distributed").c_str() : "");
    }
    return exit_done;
}

}  // namespace xinglin::server
