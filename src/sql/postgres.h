// SPDX-License-Identifier: Apache-2.0
// A PostgreSQL session kept in pipeline mode: what is sent, what is waited for, what happens when it breaks. Inside the
// room only.
//
// Statements without rows are sent and not waited for within a write transaction; their errors come up at the next
// statement with rows, savepoint or commit. Rows for the same INSERT gather into one statement with arrays.
#pragma once

#include <unordered_map>

#include "sql/dialect.h"
#include "sql/postgres_values.h"
#include "sql/sql.h"

namespace xinglin::sql {

class PostgresConnection;

class PostgresStatement final : public Statement {
public:
    PostgresStatement(PostgresConnection& connection, std::string_view sql, bool walks);

    Statement& bind(int index, std::int64_t value) override;
    Statement& bind(int index, double value) override;
    Statement& bind(int index, std::string_view text) override;
    Statement& bind_blob(int index, std::string_view bytes) override { return bind(index, bytes); }
    Statement& bind_null(int index) override;
    Statement& bind_many(int index, std::span<const std::int64_t> values) override;
    Statement& bind_many(int index, std::span<const std::string> bytes) override;
    bool step() override;
    void run() override;
    void reset() override;
    void begin_anew() {
        if (running_) reset();
    }
    std::int64_t integer(int column) const override { return integer_in(result_.get(), row_, column); }
    double real(int column) const override { return real_in(result_.get(), row_, column); }
    std::string_view text(int column) const override { return text_in(result_.get(), row_, column); }
    bool is_null(int column) const override { return PQgetisnull(result_.get(), row_, column) != 0; }

private:
    friend class PostgresConnection;
    Parameter& parameter(int index);

    PostgresConnection& connection_;
    std::string text_, name_;
    const bool walks_;
    std::vector<Parameter> parameters_;
    ResultPtr result_;
    int row_ = -1;
    bool running_ = false;

    std::uint64_t prepared_in_ = 0;  // the session that knows it; 0 none
    std::vector<Oid> types_;         // of the parameters, as the server understood them
    std::optional<BatchInsert> batch_;
    std::string batch_name_;
    std::uint64_t batch_prepared_in_ = 0;

    std::string cursor_;           // of a walk that is open
    std::uint64_t cursor_of_ = 0;  // the span of the connection in which it was opened
};

class PostgresConnection final : public Connection {
public:
    PostgresConnection(std::string url, Options options);
    ~PostgresConnection() override;
    PostgresConnection(const PostgresConnection&) = delete;

    Engine engine() const override { return Engine::postgres; }
    Statement& prepare(std::string_view sql) override { return kept(sql, false); }
    Statement& walk(std::string_view sql) override { return kept(sql, true); }
    void run(std::string_view sql) override;
    std::int64_t changes() const override;
    void begin() override;
    void begin_read() override;
    void commit() override;
    void rollback() override;
    bool in_transaction() const override { return state_ != State::none; }
    void savepoint() override;
    void release_savepoint() override;
    void rollback_savepoint() override;
    void checkpoint() override {}
    std::int64_t log_bytes() const override { return 0; }
    void settle() override;
    void copy_to(const std::filesystem::path& file) override;
    std::vector<std::string> integrity() override { return {}; }
    std::int64_t size_bytes() override;

private:
    friend class PostgresStatement;
    enum class State { none, reading, writing };
    enum class Expect { result, sync };  // what comes back for something sent

    Statement& kept(std::string_view sql, bool walks);
    void open();
    void close();
    /// A session that answers, with the transaction begun.
    void ready();
    /// Runs `action`; when the connection turns out to be lost and nothing of the transaction was seen or sent yet, again
    /// on a new one.
    template <typename Action>
    auto once_more(Action&& action);

    void send(bool accepted, Expect expect = Expect::result);
    void send_begin();
    void send_sync();
    void send_prepared(const std::string& name, const std::vector<Parameter>& parameters, const std::vector<Oid>& types);
    void send_text(const std::string& text);
    ResultPtr wait();
    void forget_pending();
    void prepare_in_session(PostgresStatement& statement);
    void prepare_batch(PostgresStatement& statement);
    void emit_batch();

    ResultPtr rows_of(PostgresStatement& statement);
    ResultPtr first_of_walk(PostgresStatement& statement);
    ResultPtr more_of_walk(PostgresStatement& statement);
    void close_walk(PostgresStatement& statement);
    void run_statement(PostgresStatement& statement);
    std::optional<bool> was_committed();
    void resolve_commit();
    ResultPtr plain(const std::string& text);
    [[noreturn]] void lost(const std::string& what);
    [[noreturn]] void failed(const PGresult* result);

    const std::string url_;
    const Options options_;
    PGconn* session_ = nullptr;
    std::uint64_t session_number_ = 0;
    std::string lane_key_;

    State state_ = State::none;
    bool begun_ = false;       // BEGIN was sent in this session
    bool touched_ = false;     // something of this transaction was seen or sent
    bool broken_ = false;      // the transaction was lost; only rollback helps
    const std::string id_;     // ours in sql_writer
    std::int64_t number_ = 0;  // of the write transaction, counted by us
    std::string mark_name_;
    std::uint64_t marking_in_ = 0;  // the session that knows it
    std::uint64_t span_ = 0;        // grows when open walks end by themselves

    std::vector<Expect> pending_;
    std::vector<PostgresStatement*> preparing_;  // whose batches were prepared, unanswered
    PostgresStatement* batching_ = nullptr;
    std::vector<Parameter> first_of_batch_;
    Columns columns_;
    std::int64_t changes_ = 0;
    std::size_t names_given_ = 0;

    struct Kept {
        std::unique_ptr<std::string> text;
        std::unique_ptr<PostgresStatement> statement;
    };
    std::unordered_map<std::string_view, Kept> statements_, walks_;
};

/// What the five letters of an SQL state mean to us.
Broken::Why why_of_state(std::string_view state);

}  // namespace xinglin::sql
