// SPDX-License-Identifier: Apache-2.0
// SQLite behind the sql door: write-ahead log, full synchronisation, prepared statements kept per connection. In an encrypted
// folder its pages are sealed (sealed_file.cpp).
#include <sqlite3.h>

#include <unordered_map>

#include "sql/sealed.h"
#include "sql/sealed_file.h"
#include "sql/sql.h"

namespace xinglin::sql {
namespace {

Broken::Why why_of(int code) {
    switch (code & 0xff) {
        case SQLITE_FULL: return Broken::Why::full;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB: return Broken::Why::corrupt;
        case SQLITE_IOERR:
        case SQLITE_CANTOPEN: return Broken::Why::io;
        case SQLITE_BUSY:
        case SQLITE_LOCKED: return Broken::Why::busy;
        case SQLITE_CONSTRAINT: return Broken::Why::constraint;
        case SQLITE_READONLY:
        case SQLITE_PERM: return Broken::Why::read_only;
        case SQLITE_NOMEM: return Broken::Why::memory;
        default: return Broken::Why::other;
    }
}

/// SQLite's words, and what a sealed file found.
std::string words(std::string text) {
    const std::string problem = take_seal_problem();
    return problem.empty() ? text : std::move(text) + " (" + problem + ")";
}

[[noreturn]] void broken(sqlite3* db, std::string_view doing) {
    throw Broken(why_of(sqlite3_extended_errcode(db)), words(std::string(doing) + ": " + sqlite3_errmsg(db)));
}

struct Close {
    void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
};

/// What was copied to a file, all of it or an error.
void copy_pages(sqlite3* from, const std::filesystem::path& file, bool is_sealed) {
    sqlite3* opened = nullptr;
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    const int open_code = sqlite3_open_v2(file.c_str(), &opened, flags, is_sealed ? sealed_file_system() : nullptr);
    const std::unique_ptr<sqlite3, Close> target(opened);
    if (open_code != SQLITE_OK)
        throw Broken(why_of(sqlite3_extended_errcode(opened)), words(file.string() + ": " + sqlite3_errmsg(opened)));
    if (is_sealed) leave_room_for_seal(opened);
    sqlite3_exec(opened, "PRAGMA journal_mode=OFF; PRAGMA synchronous=FULL", nullptr, nullptr, nullptr);
    sqlite3_backup* backup = sqlite3_backup_init(opened, "main", from, "main");
    // All pages in one step: the copy is one snapshot, and in WAL mode it holds no writer up.
    const int code = backup ? sqlite3_backup_step(backup, -1) : sqlite3_errcode(opened);
    const int end = backup ? sqlite3_backup_finish(backup) : code;
    if (code != SQLITE_DONE || end != SQLITE_OK)
        throw Broken(why_of(end != SQLITE_OK ? end : code), words(file.string() + ": " + sqlite3_errmsg(opened)));
}

class SqliteStatement final : public Statement {
public:
    SqliteStatement(sqlite3* db, std::string_view sql) : db_(db) {
        if (sqlite3_prepare_v3(db, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement_, nullptr) !=
            SQLITE_OK)
            broken(db, sql.substr(0, 200));
    }
    ~SqliteStatement() override { sqlite3_finalize(statement_); }
    SqliteStatement(const SqliteStatement&) = delete;

    Statement& bind(int index, std::int64_t value) override { return checked(sqlite3_bind_int64(ready(), index, value)); }
    Statement& bind(int index, double value) override { return checked(sqlite3_bind_double(ready(), index, value)); }
    Statement& bind(int index, std::string_view text) override {
        return checked(
            sqlite3_bind_text(ready(), index, text.data() ? text.data() : "", static_cast<int>(text.size()), SQLITE_TRANSIENT));
    }
    Statement& bind_blob(int index, std::string_view bytes) override {
        return checked(
            sqlite3_bind_blob(ready(), index, bytes.data() ? bytes.data() : "", static_cast<int>(bytes.size()), SQLITE_STATIC));
    }
    Statement& bind_null(int index) override { return checked(sqlite3_bind_null(ready(), index)); }

    bool step() override {
        running_ = true;
        const int code = sqlite3_step(statement_);
        if (code == SQLITE_ROW) return true;
        reset_after(code);
        return false;
    }
    void run() override {
        running_ = true;
        reset_after(sqlite3_step(statement_));
    }
    void reset() override {
        sqlite3_reset(statement_);
        running_ = false;
    }
    std::int64_t integer(int column) const override { return sqlite3_column_int64(statement_, column); }
    double real(int column) const override { return sqlite3_column_double(statement_, column); }
    std::string_view text(int column) const override {
        const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
        if (!bytes && (sqlite3_errcode(db_) & 0xff) == SQLITE_NOMEM)  // else a refused allocation would read as an empty value
            throw Broken(Broken::Why::memory, "a value could not be read: out of memory");
        return {bytes ? bytes : "", static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
    }
    bool is_null(int column) const override { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
    void begin_anew() {
        if (running_) reset();
    }

private:
    // A statement that was left in the middle of its rows starts anew when it is bound.
    sqlite3_stmt* ready() {
        if (running_) reset();
        return statement_;
    }
    Statement& checked(int code) {
        if (code != SQLITE_OK) broken(db_, "bind");
        return *this;
    }
    void reset_after(int code) {
        running_ = false;
        const int again = sqlite3_reset(statement_);
        if (code != SQLITE_DONE && code != SQLITE_ROW) {
            throw Broken(why_of(again ? again : code),
                         words(std::string(sqlite3_errmsg(db_)) + " in: " + std::string(sqlite3_sql(statement_)).substr(0, 200)));
        }
    }

    sqlite3* db_;
    sqlite3_stmt* statement_ = nullptr;
    bool running_ = false;
};

class SqliteConnection final : public Connection {
public:
    SqliteConnection(const std::filesystem::path& file, const Options& options) : file_(file) {
        static const int configured = [] {
            // Connections are one thread's each, and nobody asks SQLite how much it allocated: its locks can go.
            sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
            sqlite3_config(SQLITE_CONFIG_STMTJRNL_SPILL, -1);  // nothing spills to a folder of temporary files
            return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
        }();
        static_cast<void>(configured);
        const int flags =
            (options.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) | SQLITE_OPEN_NOMUTEX;
        is_sealed_ = file != ":memory:" && keys_for(file) != nullptr;
        static_cast<void>(take_seal_problem());
        if (sqlite3_open_v2(file.c_str(), &db_, flags, is_sealed_ ? sealed_file_system() : nullptr) != SQLITE_OK) {
            const Broken error(why_of(sqlite3_extended_errcode(db_)), words(file.string() + ": " + sqlite3_errmsg(db_)));
            sqlite3_close_v2(db_);
            throw error;
        }
        if (!options.read_only && sqlite3_db_readonly(db_, "main") == 1) {  // SQLite falls back to reading without a word
            sqlite3_close_v2(db_);
            throw Broken(Broken::Why::read_only, file.string() + ": cannot be opened for writing");
        }
        sqlite3_extended_result_codes(db_, 1);
        busy_timeout_ms_ = options.busy_timeout_ms;
        sqlite3_busy_timeout(db_, busy_timeout_ms_);
        try {
            configure(options);
        } catch (...) {
            statements_.clear();
            sqlite3_close_v2(db_);
            throw;
        }
    }
    ~SqliteConnection() override {
        statements_.clear();
        sqlite3_close_v2(db_);
    }
    SqliteConnection(const SqliteConnection&) = delete;

    Engine engine() const override { return Engine::sqlite; }
    Statement& prepare(std::string_view sql) override {
        const auto found = statements_.find(sql);
        if (found != statements_.end()) {
            found->second.statement->begin_anew();
            return *found->second.statement;
        }
        auto text = std::make_unique<std::string>(sql);
        auto statement = std::make_unique<SqliteStatement>(db_, *text);
        const std::string_view key = *text;
        return *statements_.emplace(key, Kept{std::move(text), std::move(statement)}).first->second.statement;
    }
    void run(std::string_view sql) override {
        char* message = nullptr;
        const std::string text(sql);
        const int code = sqlite3_exec(db_, text.c_str(), nullptr, nullptr, &message);
        if (code == SQLITE_OK) return;
        const std::string what = words(std::string(message ? message : sqlite3_errstr(code)) + " in: " + text.substr(0, 200));
        sqlite3_free(message);
        throw Broken(why_of(code), what);
    }
    std::int64_t changes() const override { return sqlite3_changes64(db_); }
    void begin() override {
        if (owes_rollback_) {
            if (in_transaction()) prepare("ROLLBACK").run();
            owes_rollback_ = false;
        }
        prepare("BEGIN IMMEDIATE").run();
    }
    void begin_read() override { prepare("BEGIN").run(); }
    void commit() override { prepare("COMMIT").run(); }
    void rollback() override {
        if (!in_transaction()) return;
        try {
            prepare("ROLLBACK").run();
        } catch (const std::exception&) {  // no memory for it: what broke before is told, and the next begin makes up for it
            owes_rollback_ = true;
        }
    }
    void settle() override { run("PRAGMA synchronous = FULL; PRAGMA wal_checkpoint(TRUNCATE)"); }
    std::int64_t size_bytes() override {
        Statement& pages = prepare("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()");
        const std::int64_t bytes = pages.step() ? pages.integer(0) : 0;
        pages.reset();
        return bytes;
    }
    bool in_transaction() const override { return sqlite3_get_autocommit(db_) == 0; }
    void savepoint() override { prepare("SAVEPOINT part").run(); }
    void release_savepoint() override { prepare("RELEASE part").run(); }
    void rollback_savepoint() override {
        prepare("ROLLBACK TO part").run();
        prepare("RELEASE part").run();
    }

    std::int64_t log_bytes() const override { return log_pages_ * 4'096; }
    void checkpoint() override { sqlite3_wal_checkpoint_v2(db_, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr); }

    void copy_to(const std::filesystem::path& file) override {
        const auto with = keys_for(file);
        if (is_sealed_ == (with != nullptr)) return copy_pages(db_, file, is_sealed_);
        if (is_sealed_) throw Broken(Broken::Why::other, file.string() + ": would be plain, what it is copied from is encrypted");
        seal_copy(file_, file, with);
    }

    std::vector<std::string> integrity() override {
        std::vector<std::string> problems;
        try {
            std::unordered_map<std::string, std::string> tables;  // by the number of their first page
            SqliteStatement roots(db_, "SELECT rootpage, tbl_name FROM sqlite_schema");
            while (roots.step()) tables.emplace(roots.text(0), roots.text(1));
            SqliteStatement check(db_, "PRAGMA integrity_check(50)");
            while (check.step()) {
                std::string problem(check.text(0));
                if (problem == "ok") continue;
                // "On tree page 7 cell 3: …": 7 is the first page of the table.
                constexpr std::string_view tree = "tree page ";
                if (const auto at = problem.find(tree); at != std::string::npos) {
                    const std::size_t from = at + tree.size();
                    const auto table = tables.find(problem.substr(from, problem.find_first_not_of("0123456789", from) - from));
                    if (table != tables.end()) problem = table->second + ": " + problem;
                }
                problems.push_back(std::move(problem));
            }
        } catch (const Broken& error) {
            problems.emplace_back(error.what());
        }
        return problems;
    }

private:
    void configure(const Options& options) {
        if (is_sealed_) leave_room_for_seal(db_);
        run("PRAGMA cache_size = -" + std::to_string(options.cache_bytes / 1024));
        run("PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = OFF; PRAGMA secure_delete = OFF; PRAGMA mmap_size = 0");
        if (options.read_only) {
            run("SELECT count(*) FROM sqlite_schema");  // finds out now whether this is a database
            return;
        }
        run("PRAGMA journal_mode = WAL");
        // NORMAL: no fsync per commit, but one before and after the log is moved, so that a power cut costs the newest
        // commits and never the file.
        run(options.bulk ? "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = FULL");
        // The log is emptied at 96 MiB at the latest; who wants commits to be even does most of it beforehand (checkpoint()).
        run("PRAGMA journal_size_limit = 134217728");
        const auto committed = [](void* self, sqlite3*, const char*, int pages) {
            static_cast<SqliteConnection*>(self)->move_log(pages);
            return SQLITE_OK;
        };
        sqlite3_wal_hook(db_, committed, this);
    }

    /// Into the file, as far as readers let it. Where there is always one who reads an older state the log would grow for ever:
    /// then, every 96 MiB, the writer waits a moment for them.
    void move_log(int pages) {
        log_pages_ = pages;
        if (pages < longest_log) waited_at_ = 0;
        if (pages < longest_log) return;
        const bool waits = pages >= std::max(waited_at_, longest_log) + longest_log;
        if (waits) waited_at_ = pages;
        if (waits) sqlite3_busy_timeout(db_, wait_for_readers_ms);
        sqlite3_wal_checkpoint_v2(db_, nullptr, waits ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
        if (waits) sqlite3_busy_timeout(db_, busy_timeout_ms_);
    }

    struct Kept {
        std::unique_ptr<std::string> text;
        std::unique_ptr<SqliteStatement> statement;
    };
    static constexpr int longest_log = 24'576;  // pages
    static constexpr int wait_for_readers_ms = 250;
    std::filesystem::path file_;
    bool is_sealed_ = false;
    sqlite3* db_ = nullptr;
    std::int64_t log_pages_ = 0;
    int waited_at_ = 0, busy_timeout_ms_ = 0;
    bool owes_rollback_ = false;
    std::unordered_map<std::string_view, Kept> statements_;
};

}  // namespace

std::unique_ptr<Connection> open_sqlite(const std::filesystem::path& file, const Options& options) {
    return std::make_unique<SqliteConnection>(file, options);
}

}  // namespace xinglin::sql
