// SPDX-License-Identifier: Apache-2.0
// PostgreSQL sessions and transactions.
#include "sql/postgres.h"

#include <poll.h>

#include <chrono>
#include <random>
#include <thread>

namespace xinglin::sql {

namespace {

constexpr auto patience_at_commit = std::chrono::seconds(20);

// Plans by index whatever the statistics say, as SQLite has them, and made once.
constexpr const char* session_settings =
    "SET client_min_messages = warning; SET jit = off; SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off;"
    "SET enable_bitmapscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET standard_conforming_strings = on;"
    "SELECT set_config('client_encoding', current_setting('server_encoding'), false);"
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';";

std::string message_of(const char* message) {
    std::string text = message ? message : "";
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    for (char& c : text) {
        if (c == '\n') c = ' ';
    }
    return text;
}

std::string literal(std::string_view text) {
    std::string literal = "'";
    for (const char c : text) {
        literal += c;
        if (c == '\'') literal += c;
    }
    return literal + "'";
}

std::string random_name() {
    std::random_device random;
    return fmt::format("{:08x}{:08x}{:08x}", random(), random(), random());
}

/// The other end has closed: a farewell may lie before the end of the stream.
bool has_hung_up(PGconn* session) {
    for (int i = 0; i < 8; ++i) {
        pollfd socket{PQsocket(session), POLLIN, 0};
        if (poll(&socket, 1, 0) <= 0) return false;
        if (!PQconsumeInput(session) || PQstatus(session) == CONNECTION_BAD) return true;
    }
    return false;
}

}  // namespace

Broken::Why why_of_state(std::string_view state) {
    if (state == "53100") return Broken::Why::full;
    if (state == "25006") return Broken::Why::read_only;
    if (state.starts_with("23")) return Broken::Why::constraint;
    if (state.starts_with("XX001") || state.starts_with("XX002")) return Broken::Why::corrupt;
    if (state.starts_with("58")) return Broken::Why::io;
    if (state.starts_with("08") || state == "57P01" || state == "57P02" || state == "57P03" || state == "57P05" ||
        state == "25P03")
        return Broken::Why::lost;
    if (state == "40001" || state == "40P01" || state == "55P03" || state == "53300") return Broken::Why::busy;
    return Broken::Why::other;
}

PostgresConnection::PostgresConnection(std::string url, Options options)
    : url_(std::move(url)), options_(std::move(options)), id_(random_name()) {
    try {
        open();
    } catch (...) {
        close();
        throw;
    }
}

PostgresConnection::~PostgresConnection() { close(); }

void PostgresConnection::close() {
    if (session_) PQfinish(session_);
    session_ = nullptr;
    pending_.clear();
    preparing_.clear();
    begun_ = false;
}

void PostgresConnection::open() {
    close();
    ++session_number_;
    ++span_;
    // What stands in the address wins over these; with expand_dbname the first one is read as an address.
    const char* names[] = {"connect_timeout",
                           "keepalives_idle",
                           "keepalives_interval",
                           "keepalives_count",
                           "tcp_user_timeout",
                           "application_name",
                           "dbname",
                           nullptr};
    const char* values[] = {"5", "5", "2", "3", "10000", "xinglin", url_.c_str(), nullptr};
    session_ = PQconnectdbParams(names, values, 1);
    if (PQstatus(session_) != CONNECTION_OK) {
        const std::string what = without_password(url_) + ": " + message_of(PQerrorMessage(session_));
        throw Broken(Broken::Why::lost, what);
    }
    PQsetNoticeProcessor(
        session_, [](void*, const char*) {}, nullptr);
    std::string settings = session_settings;
    settings += "SET lock_timeout = " + std::to_string(std::max(options_.busy_timeout_ms, 1)) + ";";
    if (options_.read_only) settings += "SET default_transaction_read_only = on;";
    if (options_.bulk) settings += "SET synchronous_commit = off;";
    plain(settings);
    const auto answers = plain(
        "SELECT current_setting('server_version_num')::int >= 130000, current_setting('server_encoding') IN ('UTF8', "
        "'SQL_ASCII'),"
        " NOT pg_is_in_recovery(), current_schema() IS NOT NULL, to_regclass('sql_writer') IS NULL,"
        " hashtextextended('xinglin ' || coalesce(current_schema(), '') || ' ' || " +
        literal(options_.lane) + ", 0)");
    const auto is_true = [&](int column) { return std::string_view(PQgetvalue(answers.get(), 0, column)) == "t"; };
    const std::string place = without_password(url_);
    if (!is_true(0)) throw Broken(Broken::Why::other, place + ": PostgreSQL 13 or later is needed");
    if (!is_true(1))
        throw Broken(Broken::Why::other, place + ": the database's encoding must be UTF8, make one with ENCODING 'UTF8'");
    if (!is_true(2) && !options_.read_only)
        throw Broken(Broken::Why::read_only,
                     place + ": is a standby; name the primary, or both with target_session_attrs=read-write");
    if (!is_true(3)) throw Broken(Broken::Why::other, place + ": the schema of its search_path does not exist, make it first");
    lane_key_ = PQgetvalue(answers.get(), 0, 5);
    if (!options_.read_only) {
        // Two at once would both see no table.
        if (is_true(4))
            plain(
                "BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('xinglin tables ' || current_schema(), 0));"
                "CREATE TABLE IF NOT EXISTS sql_writer (id TEXT PRIMARY KEY, number BIGINT NOT NULL, at TIMESTAMPTZ NOT NULL)"
                " WITH (fillfactor = 50); COMMIT");
        else if (session_number_ == 1) plain("DELETE FROM sql_writer WHERE at < now() - interval '7 days'");
    }
    if (!PQenterPipelineMode(session_)) lost("pipeline");
}

/// Simple protocol, several statements; the session must be out of pipeline mode.
ResultPtr PostgresConnection::plain(const std::string& text) {
    ResultPtr result(PQexec(session_, text.c_str()));
    const ExecStatusType status = PQresultStatus(result.get());
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY) return result;
    if (PQstatus(session_) == CONNECTION_BAD) lost(PQerrorMessage(session_));
    failed(result.get());
}

void PostgresConnection::lost(const std::string& what) {
    close();
    if (state_ != State::none) broken_ = true;
    throw Broken(Broken::Why::lost, "the connection to the database was lost: " + message_of(what.c_str()));
}

void PostgresConnection::failed(const PGresult* result) {
    const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const Broken::Why why = why_of_state(state ? state : "");
    const std::string what = message_of(PQresultErrorMessage(result));
    if (why == Broken::Why::lost) lost(what);
    throw Broken(why, what + (state ? " (" + std::string(state) + ")" : ""));
}

void PostgresConnection::ready() {
    if (broken_)
        throw Broken(Broken::Why::lost, "the connection to the database was lost in this transaction; nothing of it was stored");
    if (session_ && !touched_ && has_hung_up(session_)) close();
    if (!session_) open();
    if (state_ != State::none && !begun_) send_begin();
}

void PostgresConnection::send_begin() {
    begun_ = true;
    if (state_ == State::reading) {
        send_text("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
        return;
    }
    send_text("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE");
    send_text("SELECT pg_advisory_xact_lock(" + lane_key_ + ")");
    // By this line a commit whose answer is lost can be told from one that never was.
    if (marking_in_ != session_number_) {
        mark_name_ = "m" + std::to_string(++names_given_);
        send(PQsendPrepare(session_, mark_name_.c_str(),
                           "INSERT INTO sql_writer (id, number, at) VALUES ($1, $2, now()) "
                           "ON CONFLICT (id) DO UPDATE SET number = excluded.number, at = excluded.at",
                           0, nullptr) == 1);
        marking_in_ = session_number_;
    }
    const std::string number = std::to_string(++number_);
    const char* values[] = {id_.c_str(), number.c_str()};
    send(PQsendQueryPrepared(session_, mark_name_.c_str(), 2, values, nullptr, nullptr, 1) == 1);
}

void PostgresConnection::send(bool accepted, Expect expect) {
    if (!accepted) lost(PQerrorMessage(session_));
    pending_.push_back(expect);
}

void PostgresConnection::send_sync() {
    send(PQpipelineSync(session_) == 1, Expect::sync);
    if (PQflush(session_) < 0) lost(PQerrorMessage(session_));
}

void PostgresConnection::send_text(const std::string& text) {
    send(PQsendQueryParams(session_, text.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 1) == 1);
}

/// Waits for everything sent; the rows of the last. Throws the first error.
ResultPtr PostgresConnection::wait() {
    if (!session_) lost("no session");
    if (pending_.empty()) return nullptr;
    if (pending_.back() != Expect::sync) send_sync();
    ResultPtr last, error;
    std::vector<PostgresStatement*> preparing;
    preparing.swap(preparing_);
    std::vector<Expect> expected;
    expected.swap(pending_);
    for (const Expect expect : expected) {
        ResultPtr result(PQgetResult(session_));
        const ExecStatusType status = PQresultStatus(result.get());
        if (status == PGRES_PIPELINE_SYNC && expect == Expect::sync) continue;
        if (!result || PQstatus(session_) == CONNECTION_BAD) {
            const char* state = result ? PQresultErrorField(result.get(), PG_DIAG_SQLSTATE) : nullptr;
            lost(state ? PQresultErrorMessage(result.get()) : PQerrorMessage(session_));
        }
        if (status == PGRES_FATAL_ERROR && !error) error = std::move(result);
        else last = std::move(result);
        while (ResultPtr rest{PQgetResult(session_)}) {}
    }
    if (error) {
        marking_in_ = 0;
        for (PostgresStatement* statement : preparing) statement->batch_prepared_in_ = 0;  // who knows
        failed(error.get());
    }
    const char* tuples = last ? PQcmdTuples(last.get()) : "";
    changes_ = *tuples ? std::atoll(tuples) : 0;
    return last;
}

/// Ends what was sent, whatever became of it.
void PostgresConnection::forget_pending() {
    columns_.clear();
    batching_ = nullptr;
    if (!session_ || pending_.empty()) return;
    try {
        wait();
    } catch (const Broken&) {}
}

// ---- transactions ---------------------------------------------------------------------------------------------------

void PostgresConnection::begin() {
    if (state_ != State::none) throw Broken(Broken::Why::other, "a transaction within a transaction");
    touched_ = broken_ = begun_ = false;
    state_ = State::writing;
}

void PostgresConnection::begin_read() {
    begin();
    state_ = State::reading;
}

void PostgresConnection::commit() {
    if (state_ == State::reading) {
        state_ = State::none;
        ++span_;
        broken_ = touched_ = false;
        if (!begun_ || !session_) return;
        begun_ = false;
        // Nobody waits for the end of a snapshot; what comes next finds it done.
        try {
            send_text("COMMIT");
            send_sync();
        } catch (const Broken&) {}
        return;
    }
    if (broken_)
        throw Broken(Broken::Why::lost, "the connection to the database was lost in this transaction; nothing of it was stored");
    if (!begun_ && !batching_) {
        state_ = State::none;
        return;
    }
    ready();
    emit_batch();
    try {
        send_text("COMMIT");
        const ResultPtr result = wait();
        if (std::string_view(PQcmdStatus(result.get())) != "COMMIT")
            throw Broken(Broken::Why::other, "the transaction had failed before its end");
    } catch (const Broken& error) {
        if (error.why != Broken::Why::lost) throw;
        resolve_commit();
    }
    state_ = State::none;
    begun_ = broken_ = touched_ = false;
    ++span_;
}

// What became of the transaction whose COMMIT was not answered, asked of a new session: its number stands in our line of
// sql_writer or it does not. (A transaction number of PostgreSQL's own would not do: after a crash it may be given again.)
// The lane is held by the old session until that has ended, so the answer is final. Nothing when nobody answers.
std::optional<bool> PostgresConnection::was_committed() {
    try {
        open();
        if (!PQexitPipelineMode(session_)) lost("pipeline");
        plain("BEGIN; SELECT pg_advisory_xact_lock(" + lane_key_ + ")");
        const ResultPtr last = plain("SELECT coalesce(max(number), 0) FROM sql_writer WHERE id = " + literal(id_));
        const bool committed = std::atoll(PQgetvalue(last.get(), 0, 0)) == number_;
        plain("ROLLBACK");
        if (!PQenterPipelineMode(session_)) lost("pipeline");
        return committed;
    } catch (const Broken&) {
        close();
        return std::nullopt;
    }
}

void PostgresConnection::resolve_commit() {
    const auto deadline = std::chrono::steady_clock::now() + patience_at_commit;
    while (std::chrono::steady_clock::now() < deadline) {
        const auto committed = was_committed();
        if (committed && *committed) return;
        broken_ = true;
        if (committed)
            throw Broken(Broken::Why::lost, "the connection to the database was lost at the commit; nothing was stored");
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    broken_ = true;
    Broken unknown(
        Broken::Why::lost,
        "the connection to the database was lost at the commit and does not come back; whether it was stored is not known");
    unknown.may_be_stored = true;
    throw unknown;
}

void PostgresConnection::rollback() {
    if (state_ == State::none) return;
    const bool begun = begun_;
    forget_pending();
    state_ = State::none;
    begun_ = broken_ = touched_ = false;
    ++span_;
    if (!begun || !session_) return;
    send_text("ROLLBACK");
    wait();
}

void PostgresConnection::savepoint() {
    ready();
    emit_batch();
    send_text("SAVEPOINT part");
    wait();
    touched_ = true;
}

void PostgresConnection::release_savepoint() {
    emit_batch();
    send_text("RELEASE part");
}

void PostgresConnection::rollback_savepoint() {
    forget_pending();
    ++span_;
    if (!session_ || broken_)
        throw Broken(Broken::Why::lost, "the connection to the database was lost in this transaction; nothing of it was stored");
    send_text("ROLLBACK TO part");
    send_text("RELEASE part");
    wait();
}

void PostgresConnection::run(std::string_view sql) {
    const std::string text = to_postgres(sql);
    if (text.empty()) return;
    ready();
    emit_batch();
    wait();
    if (!PQexitPipelineMode(session_)) lost(PQerrorMessage(session_));
    touched_ = state_ != State::none;
    const auto again = [this] {
        if (session_ && !PQenterPipelineMode(session_)) lost(PQerrorMessage(session_));
    };
    try {
        const ResultPtr result = plain(text);
        const char* tuples = PQcmdTuples(result.get());
        changes_ = *tuples ? std::atoll(tuples) : 0;
    } catch (const Broken&) {
        again();
        throw;
    }
    again();
}

std::int64_t PostgresConnection::changes() const {
    auto& self = const_cast<PostgresConnection&>(*this);
    if (self.batching_) self.emit_batch();
    if (!self.pending_.empty()) self.wait();
    return changes_;
}

void PostgresConnection::settle() {
    // A commit that waits for the disk waits for all before it.
    run("SET synchronous_commit = on");
    transaction(*this, [this] { run("SELECT pg_current_xact_id()"); });
}

void PostgresConnection::copy_to(const std::filesystem::path&) {
    throw Broken(Broken::Why::other, "a PostgreSQL database is not one file; use `xinglin copy`, pg_dump or pg_basebackup");
}

std::int64_t PostgresConnection::size_bytes() {
    Statement& size = prepare("SELECT pg_database_size(current_database())");
    const std::int64_t bytes = size.step() ? size.integer(0) : 0;
    size.reset();
    return bytes;
}

// ---- the door -------------------------------------------------------------------------------------------------------

std::unique_ptr<Connection> open_postgres(const std::string& url, const Options& options) {
    return std::make_unique<PostgresConnection>(url, options);
}

bool is_postgres(std::string_view place) { return place.starts_with("postgres://") || place.starts_with("postgresql://"); }

std::unique_ptr<Connection> open(const std::string& place, const Options& options) {
    return is_postgres(place) ? open_postgres(place, options) : open_sqlite(place, options);
}

std::string without_password(std::string_view place) {
    std::string shown(place);
    const auto begin = shown.find("://");
    if (begin == std::string::npos) return shown;
    const auto end = shown.find_first_of("/?", begin + 3);
    const auto at = shown.rfind('@', end);
    const auto colon = shown.find(':', begin + 3);
    if (at != std::string::npos && colon < at) shown.replace(colon, at - colon, ":…");
    for (auto parameter = shown.find("password="); parameter != std::string::npos;
         parameter = shown.find("password=", parameter + 9)) {
        const auto stop = shown.find('&', parameter);
        shown.replace(parameter + 9, (stop == std::string::npos ? shown.size() : stop) - parameter - 9, "…");
    }
    return shown;
}

}  // namespace xinglin::sql
