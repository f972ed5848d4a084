// SPDX-License-Identifier: Apache-2.0
// Views kept as tables: view_NAME in views.db, followed up with the feed by one thread.
//
// A table's rows and its cursor are committed together, so it may stop anywhere. A rebuild works beside the table and
// replaces it in one transaction. views.db holds nothing that cannot be had again: it may be thrown away.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "record/record.h"
#include "sql/sql.h"
#include "view/view.h"

namespace xinglin::view {

struct TableState {
    std::string name;
    std::string state;  // "ready", "building", "failed"
    std::uint64_t rows = 0;
    record::Position position = 0;       // up to here the rows say what the record says
    std::int64_t lag_positions = 0;      // behind the record
    std::int64_t lag_ms = 0;             // since it was last up to date; 0 when it is
    std::int64_t bytes = 0;              // when it was built, in proportion to the rows of now
    std::int64_t built_ms = 0;           // 0: never
    std::uint64_t resources_failed = 0;  // resources the view fails on: they have no rows
    std::string error;                   // why building failed, or the first of those resources
};

struct TablePage {
    std::vector<Column> columns;
    std::vector<std::string> rows;  // each a JSON array
    std::string next;               // "" on the last page
    std::uint64_t total = 0;
};

struct TablesOptions {
    std::filesystem::path file;  // "": views.db in the store's folder
    std::string store;           // "": that file; else the PostgreSQL address the record lies in
    Environment environment;
    std::chrono::milliseconds poll{100};
    std::size_t step = 5'000;  // changes in one transaction
    bool follow = true;        // with a thread of its own; else only catch_up() does anything
    /// Tests: wraps the connection, to make it fail on demand.
    std::function<std::unique_ptr<sql::Connection>(std::unique_ptr<sql::Connection>)> wrap;
};

/// Safe from many threads.
class Tables {
public:
    /// Opens or makes the file and begins to follow. Tables of other views than `views` are dropped.
    Tables(record::Store& store, const calendar::Clock& clock, std::vector<Definition> views, TablesOptions options = {});
    ~Tables();

    /// Can this view be a table? Refuses columns that differ in case only, and names too long for a table.
    static Result<Done> check(const Definition& view);
    /// Makes or replaces a table, in the background.
    Result<Done> keep(const Definition& view);
    void drop(std::string_view name);
    /// In the background, while the table serves.
    Result<Done> rebuild(std::string_view name);

    std::vector<TableState> states() const;
    std::optional<TableState> state(std::string_view name) const;
    /// A page of a table, in the order of resources and their rows. `after`: TablePage::next, "" for the first.
    Result<TablePage> rows(std::string_view name, std::string_view after, std::size_t count) const;
    /// Returns when every table says what was committed before the call, and waiting rebuilds are done. Throws sql::Broken
    /// when the disk refuses.
    void catch_up();

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

}  // namespace xinglin::view
