// SPDX-License-Identifier: Apache-2.0
// For tests only: a PostgreSQL server of our own, in a temporary folder on a Unix socket, and databases to throw away.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

namespace xinglin::testing {

/// A private server; stopped and removed with everything in it at the end of scope. Started as `postgres` or `nobody`
/// when the tests run as root, since PostgreSQL refuses root. No network, only a socket.
class PostgresCluster {
public:
    struct Options {
        bool fsync = false;  // for tests that kill it
    };
    /// Throws std::runtime_error when it does not start.
    explicit PostgresCluster(Options options);
    PostgresCluster() : PostgresCluster(Options()) {}
    ~PostgresCluster();
    PostgresCluster(const PostgresCluster&) = delete;

    /// Address of the database `test`, whose public schema is empty at first.
    std::string url() const;
    /// A schema of its own in that database: as good as a fresh database, and faster made.
    std::string fresh();
    /// Ends at once and cleans nothing up; the next start recovers from the log.
    void crash();
    /// kill -9 of one of the processes that serve a connection; PostgreSQL then ends the others and recovers by itself. False when
    /// there is none.
    bool kill_one(std::uint64_t which);
    /// kill -9 of all of its processes at once.
    void kill_all();
    void start();
    void wait_until_ready() const;
    /// PostgreSQL's programs are there?
    static bool is_installed();

private:
    std::vector<pid_t> processes() const;
    Options options_;
    std::filesystem::path folder_;
    pid_t server_ = 0;
    int schemas_ = 0;
};

/// A fresh schema in this test process's own server (or the one named by XINGLIN_TEST_POSTGRES), which is started by the first
/// call. "" when PostgreSQL is not installed: then skip, with no_postgres as the reason.
/// With XINGLIN_TEST_SEALED in the environment the database is encrypted, so that any suite can be run so.
std::string fresh_postgres();
constexpr const char* no_postgres = "PostgreSQL 15 is not installed: apt-get install postgresql-15";

/// Where the record of a folder lies in this run: "" (in its files), or, with XINGLIN_TEST_ENGINE=postgres, a schema of its own,
/// the same one for the same folder. Ends the run as skipped when PostgreSQL is not installed.
std::string store_beside(const std::filesystem::path& folder);

/// For parametrised tests of both engines: "sqlite", "postgres".
std::vector<std::string> engines();

}  // namespace xinglin::testing
