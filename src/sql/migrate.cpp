// SPDX-License-Identifier: Apache-2.0
// Forward-only schema changes, one numbered list per room.
#include "sql/sql.h"

namespace xinglin::sql {

void migrate(Connection& connection, std::string_view room, std::span<const Migration> migrations) {
    connection.begin();
    try {
        // Rooms have lanes of their own; their tables are made one room after the other.
        connection.run("/*pg SELECT pg_advisory_xact_lock(hashtextextended('xinglin tables ' || current_schema(), 0))*/");
        connection.run("CREATE TABLE IF NOT EXISTS schema_version (room TEXT PRIMARY KEY, number INTEGER NOT NULL)");
        Statement& query = connection.prepare("SELECT number FROM schema_version WHERE room = ?");
        query.bind(1, room);
        std::int64_t present = query.step() ? query.integer(0) : 0;
        query.reset();
        if (!migrations.empty() && present > migrations.back().number) {
            throw Broken(Broken::Why::other, "the tables of " + std::string(room) + " are of version " + std::to_string(present) +
                                                 ", newer than this program; use a newer program");
        }
        for (const Migration& migration : migrations) {
            if (migration.number <= present) continue;
            connection.run(migration.sql);
            connection
                .prepare(
                    "INSERT INTO schema_version (room, number) VALUES (?, ?) ON CONFLICT (room) DO UPDATE SET number = "
                    "excluded.number")
                .bind(1, room)
                .bind(2, std::int64_t{migration.number})
                .run();
        }
        connection.commit();
    } catch (...) {
        connection.rollback();
        throw;
    }
}

}  // namespace xinglin::sql
