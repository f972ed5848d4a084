// SPDX-License-Identifier: Apache-2.0
// `xinglin keys` for a PostgreSQL database: whole resources and messages in it are sealed, under a list of keys of its own.
#include "server/keys_database.h"

#include <cstdio>

#include "intake/sealed.h"
#include "json/json.h"
#include "outbound/sealed.h"
#include "record/sealed.h"
#include "server/terminal.h"
#include "sql/sealed.h"

namespace xinglin::server {

namespace {

std::vector<sql::SealedColumn> columns() {
    std::vector<sql::SealedColumn> all = record::sealed_columns();
    for (const auto& some : {intake::sealed_columns(), outbound::sealed_columns()})
        all.insert(all.end(), some.begin(), some.end());
    return all;
}

int plain(const std::string& store) {
    return complain(sql::without_password(store), "is not encrypted; `xinglin keys encrypt` does that", exit_refused);
}

}  // namespace

int encrypt_database(const std::string& store, keys::Cipher cipher, const std::string& date) {
    const auto sealed = sql::seal_database(store, cipher, date, columns());
    if (!sealed.ok()) return refused(sealed.outcome());
    std::printf("%s %s\n", sql::without_password(store).c_str(), *sealed ? "is encrypted" : "was encrypted already");
    if (*sealed)
        std::printf(
            "What was plain may still stand in dead rows, the log and older dumps: VACUUM FULL, a checkpoint and new dumps end "
            "that.\n");
    return exit_done;
}

int print_database_keys(const std::string& store, bool as_json) {
    const auto values = sql::values_of(store);
    if (!values) return plain(store);
    const auto ring = values->ring();
    json::Arena arena;
    std::vector<json::Value> keys, tables;
    if (!as_json)
        std::printf("%s, generation %lld, the list sealed with a key %s\n", std::string(keys::name_of(ring->cipher)).c_str(),
                    static_cast<long long>(ring->generation),
                    values->is_in_token() ? "inside a token" : "from a file or the environment");
    for (const keys::DataKey& key : ring->keys) {
        const bool is_active = key.number == ring->active;
        keys.push_back(arena.object({{"number", arena.number(std::int64_t{key.number})},
                                     {"made", arena.string(key.made)},
                                     {"active", arena.boolean(is_active)}}));
        if (!as_json) std::printf("key %u of %s%s\n", key.number, key.made.c_str(), is_active ? ", active" : "");
    }
    for (const sql::SealedColumn& column : columns()) {
        std::vector<std::pair<std::string_view, json::Value>> by_key;
        if (!as_json) std::printf("%-24s", std::string(column.table).c_str());
        for (const auto& [number, count] : sql::values_by_key(store, column)) {
            by_key.emplace_back(arena.keep(std::to_string(number)), arena.number(static_cast<std::int64_t>(count)));
            if (!as_json) std::printf("  key %u: %s values", number, grouped(count).c_str());
        }
        if (!as_json) std::printf("\n");
        tables.push_back(
            arena.object({{"table", arena.string(arena.keep(std::string(column.table)))}, {"values", arena.object(by_key)}}));
    }
    if (as_json)
        std::printf("%s\n", json::write(arena.object({{"cipher", arena.string(keys::name_of(ring->cipher))},
                                                      {"generation", arena.number(ring->generation)},
                                                      {"wrappedIn", arena.string(values->is_in_token() ? "token" : "process")},
                                                      {"keys", arena.array(keys)},
                                                      {"tables", arena.array(tables)}}))
                                .c_str());
    return exit_done;
}

int rotate_database_keys(const std::string& store, bool resume, const std::string& date) {
    if (!sql::has_values(store)) return plain(store);
    if (!resume) {
        const auto number = sql::rotate_database(store, date);
        if (!number.ok()) return refused(number.outcome());
        std::printf("key %u is the active one of the database\n", *number);
    }
    Progress progress;
    const auto done = sql::reseal_database(store, columns(), [&](std::string_view table, std::uint64_t count) {
        progress.show(std::string(table) + ": " + grouped(count) + " values");
    });
    if (!done.ok()) return refused(done.outcome());
    std::printf("every value is under the active key, the former ones are forgotten\n");
    return exit_done;
}

int rewrap_database_keys(const std::string& store, const std::string& new_key) {
    if (!sql::has_values(store)) return plain(store);
    const auto done = sql::rewrap_database(store, new_key);
    if (!done.ok()) return refused(done.outcome());
    std::printf(
        "the database's data keys are wrapped under %s\nServers that run go on; give them the new key before the next "
        "rotation.\n",
        keys::shown(new_key).c_str());
    return exit_done;
}

int prepare_database(const std::string& store, const std::vector<std::string>& places, bool fills, bool is_about_keys,
                     keys::Cipher cipher, const std::string& date) {
    const std::string name = sql::without_password(store);
    try {
        if (sql::has_values(store)) {
            sql::values_of(store);
            return exit_done;
        }
        if (places.empty() || is_about_keys) return exit_done;
        if (!sql::is_fresh(store))
            return complain(name, "is not encrypted; encrypt it with `xinglin keys encrypt --store`, or leave --data-key out",
                            exit_refused);
        if (!fills) return exit_done;
        const auto sealed = sql::seal_database(store, cipher, date, {});
        return sealed.ok() ? exit_done : environment(sealed.outcome());
    } catch (const sql::Broken& broken) {
        if (broken.why == sql::Broken::Why::lost) return exit_done;  // the word itself says what it makes of that
        return complain(name, broken.what(), exit_environment);
    }
}

}  // namespace xinglin::server
