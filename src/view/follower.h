// SPDX-License-Identifier: Apache-2.0
// Inside the room: the one thread's work on the tables. What others may see of it is in `Shown`, under its lock.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "view/table_sql.h"
#include "view/tables.h"

namespace xinglin::view {

/// A view that is to be a table.
struct Wanted {
    Definition definition;
    std::uint64_t turn = 0;  // counts changes and wishes to rebuild
};

/// One table as it stands.
struct Kept {
    explicit Kept(Definition of) : definition(std::move(of)) {}
    Definition definition;
    bool ready = false;
    bool failed = false;
    record::Position position = 0;
    std::int64_t rows = 0, built_ms = 0, built_bytes = 0, built_rows = 0;
    std::int64_t failures = 0;
    std::string error;
    std::uint64_t turn = 0;  // of the wish it fulfils
};

class Follower {
public:
    Follower(record::Store& store, const calendar::Clock& clock, TablesOptions options);

    struct Shown {
        mutable std::mutex lock;  // guards what follows
        std::condition_variable changed;
        std::map<std::string, Wanted> wanted;  // by filed name
        std::map<std::string, TableState> states;
        record::Position record_position = 0;
        bool stopping = false;
        std::uint64_t turns = 0;
    };
    Shown& shown() { return shown_; }
    const std::filesystem::path& file() const { return options_.file; }
    const std::string& place() const { return place_; }
    /// Counts how often the connection was given up or the file made again. A connection from before may read a file that is gone,
    /// and one that SQLite could open for reading only keeps all others of this process from writing.
    std::uint64_t times_made() const { return times_made_.load(); }

    /// Everything there is to do now: follows, then builds. False when told to stop. Throws sql::Broken.
    bool step();
    /// After a throw: closes the connection; the next step opens it again.
    void forget_connection();

private:
    record::Store& store_;
    const calendar::Clock& clock_;
    TablesOptions options_;
    std::string place_;
    std::atomic<std::uint64_t> times_made_{0};
    std::unique_ptr<sql::Connection> connection_;
    std::map<std::string, std::unique_ptr<Kept>> kept_;
    std::map<std::string, std::int64_t> current_ms_;  // when it was last up to date
    Shown shown_;

    void open();
    void load();
    bool is_ours();  // PostgreSQL: one process maintains the tables
    bool is_stopping() const;
    void obey();
    void drop(const std::string& name);
    void follow();
    bool follow_once(record::Reader& reader, record::Position target);
    bool build_next();
    bool build(const std::string& name, const Wanted& wish);
    bool scan(const std::string& name, Kept& fresh, record::Reader& reader, Runner& runner, TableWriter& writer);
    void catch_up(const std::string& name, Kept& fresh, Runner& runner, TableWriter& writer);
    void replace(record::Reader& reader, const std::string& label, Kept& table, Runner& runner, TableWriter& writer,
                 const std::set<std::string>& ids);
    void put(const std::string& label, Kept& table, Runner& runner, TableWriter& writer, const record::Version& version);
    void save(const std::string& name, const Kept& table);
    void show();
    void note_failure(const std::string& label, Kept& table, std::string_view id, const std::string& what);
    void read_failures(const std::string& label, Kept& table);
    std::int64_t bytes_of(const std::string& table);
    json::Arena arena_;
};

}  // namespace xinglin::view
