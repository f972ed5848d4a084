// SPDX-License-Identifier: Apache-2.0
// The database, made small: connections, prepared statements, transactions, on SQLite or PostgreSQL.
//
// Plain SQL that both engines speak, with `?` parameters; what PostgreSQL wants otherwise stands beside it in comments
// (dialect.h). A broken database throws Broken; a refused one (schema) too.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace xinglin::sql {

enum class Engine { sqlite, postgres };

/// The world broke: disk full, file corrupt, I/O error, busy beyond patience, connection lost.
class Broken : public std::runtime_error {
public:
    enum class Why { full, corrupt, io, busy, constraint, read_only, lost, memory, other };
    Broken(Why why, const std::string& what) : std::runtime_error(what), why(why) {}
    Why why;
    bool may_be_stored = false;  // it broke while committing: whether the commit reached the disk will show later
};

/// A prepared statement. Belongs to its connection and thread. Bind, then step through rows; reset happens by itself on
/// the next bind_all or at run().
class Statement {
public:
    virtual ~Statement() = default;
    virtual Statement& bind(int index, std::int64_t value) = 0;  // index from 1
    virtual Statement& bind(int index, double value) = 0;
    virtual Statement& bind(int index, std::string_view text) = 0;
    virtual Statement& bind_blob(int index, std::string_view bytes) = 0;  // bytes must live until the step is done
    virtual Statement& bind_null(int index) = 0;
    /// An array, for `= ANY(?)` and unnest(?): many looked up in one round trip. PostgreSQL only; SQLite has neither arrays nor
    /// round trips.
    virtual Statement& bind_many(int, std::span<const std::int64_t>) {
        throw Broken(Broken::Why::other, "arrays are PostgreSQL's");
    }
    virtual Statement& bind_many(int, std::span<const std::string>) {
        throw Broken(Broken::Why::other, "arrays are PostgreSQL's");
    }
    /// Next row? After the last row the statement is reset.
    virtual bool step() = 0;
    /// For statements without rows: steps once and resets.
    virtual void run() = 0;
    virtual void reset() = 0;
    virtual std::int64_t integer(int column) const = 0;  // columns from 0
    virtual double real(int column) const = 0;
    virtual std::string_view text(int column) const = 0;  // valid until the next step; blobs too
    virtual bool is_null(int column) const = 0;
};

/// One connection, for one thread at a time.
class Connection {
public:
    virtual ~Connection() = default;
    virtual Engine engine() const = 0;
    /// Prepared once per connection and text, then reused; the reference lives as long as the connection. One that was left
    /// in the middle of its rows (by an exception, say) begins anew.
    virtual Statement& prepare(std::string_view sql) = 0;
    /// As prepare, for a query that may have very many rows and may be left early: within a transaction they come bit by
    /// bit, not all at once.
    virtual Statement& walk(std::string_view sql) { return prepare(sql); }
    virtual void run(std::string_view sql) = 0;  // no parameters, several statements allowed
    virtual std::int64_t changes() const = 0;    // rows touched by the last statement
    virtual void begin() = 0;                    // a write transaction, at once
    virtual void begin_read() = 0;               // a snapshot for reading
    virtual void commit() = 0;                   // durable when it returns
    virtual void rollback() = 0;
    virtual bool in_transaction() const = 0;
    /// After Options::bulk: everything committed is durable when it returns.
    virtual void settle() = 0;
    /// Nested, so that one submission can fail within a group.
    virtual void savepoint() = 0;
    virtual void release_savepoint() = 0;
    virtual void rollback_savepoint() = 0;
    /// Moves what is committed from the log to its place, as far as nobody minds; holds nobody up. Never throws.
    virtual void checkpoint() = 0;
    /// How long the write-ahead log was after the last commit of this connection.
    virtual std::int64_t log_bytes() const = 0;
    /// Copies the whole database, consistent, while others write. SQLite only.
    virtual void copy_to(const std::filesystem::path& file) = 0;
    /// Empty when sound; else what is wrong.
    virtual std::vector<std::string> integrity() = 0;
    virtual std::int64_t size_bytes() = 0;
};

struct Options {
    bool read_only = false;
    bool bulk = false;  // no fsync per commit; the caller ends with one (import into a fresh store only)
    std::int64_t cache_bytes = 64ll << 20;
    int busy_timeout_ms = 10'000;
    /// PostgreSQL: write transactions of one lane come one after the other, whichever process they come from, as they do
    /// in one SQLite file.
    std::string lane = "xinglin";
};

std::unique_ptr<Connection> open_sqlite(const std::filesystem::path& file, const Options& options = {});
/// A database "postgres://user@host/name?…", as libpq reads it (a socket's folder as host=%2Frun%2Fpostgresql). Version 13
/// or later, encoding UTF8. A lost connection is made anew at the next transaction.
std::unique_ptr<Connection> open_postgres(const std::string& url, const Options& options = {});
/// Is this the address of a PostgreSQL database?
bool is_postgres(std::string_view place);
/// A PostgreSQL address, or else an SQLite file.
std::unique_ptr<Connection> open(const std::string& place, const Options& options = {});
/// The address as it may be shown: without its password.
std::string without_password(std::string_view place);

/// Numbered, forward-only schema changes of one room.
struct Migration {
    int number;
    std::string_view sql;
};
/// Brings `room`'s tables up to date inside one transaction; remembers in table schema_version. Throws Broken when the
/// store is newer than this program.
void migrate(Connection& connection, std::string_view room, std::span<const Migration> migrations);

/// Runs `body` in a write transaction; rolls back when it throws.
template <typename Body>
auto transaction(Connection& connection, Body&& body) {
    connection.begin();
    try {
        if constexpr (std::is_void_v<decltype(body())>) {
            body();
            connection.commit();
        } else {
            auto result = body();
            connection.commit();
            return result;
        }
    } catch (...) {
        if (connection.in_transaction()) connection.rollback();
        throw;
    }
}

}  // namespace xinglin::sql
