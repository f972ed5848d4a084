// SPDX-License-Identifier: Apache-2.0
// PostgreSQL statements: prepared once in a session, rows in binary, inserts gathered, long walks by cursor.
#include <charconv>

#include "sql/postgres.h"

namespace xinglin::sql {

namespace {

constexpr std::size_t most_batched_rows = 20'000, most_batched_bytes = 4u << 20, most_unanswered = 4'000;
constexpr int first_fetch = 256, next_fetch = 4'096;

std::string type_name(Oid type) {
    switch (type) {
        case type_bytea: return "bytea";
        case type_int4: return "int4";
        case type_int8: return "int8";
        case type_text: return "text";
        case type_float8: return "float8";
        default: return "";
    }
}

}  // namespace

PostgresStatement::PostgresStatement(PostgresConnection& connection, std::string_view sql, bool walks)
    : connection_(connection), text_(to_postgres(sql)), walks_(walks), batch_(as_batch(text_)) {}

Parameter& PostgresStatement::parameter(int index) {
    if (running_) reset();
    const auto count = static_cast<std::size_t>(index);
    if (parameters_.size() < count) parameters_.resize(count);
    return parameters_[count - 1];
}

Statement& PostgresStatement::bind(int index, std::int64_t value) {
    Parameter& bound = parameter(index);
    bound.kind = Parameter::Kind::integer;
    bound.integer = value;
    return *this;
}

Statement& PostgresStatement::bind(int index, double value) {
    Parameter& bound = parameter(index);
    bound.kind = Parameter::Kind::real;
    bound.real = value;
    return *this;
}

Statement& PostgresStatement::bind(int index, std::string_view text) {
    Parameter& bound = parameter(index);
    bound.kind = Parameter::Kind::bytes;
    bound.bytes.assign(text);
    return *this;
}

Statement& PostgresStatement::bind_null(int index) {
    parameter(index).kind = Parameter::Kind::null;
    return *this;
}

Statement& PostgresStatement::bind_many(int index, std::span<const std::int64_t> values) {
    Parameter& bound = parameter(index);
    bound.kind = Parameter::Kind::array;
    bound.integer = type_int8_array;
    bound.bytes.clear();
    bound.bytes.reserve(20 + 12 * values.size());
    append_array_head(bound.bytes, type_int8, values.size());
    for (const std::int64_t value : values) {
        append_number(bound.bytes, 8, 4);
        append_number(bound.bytes, static_cast<std::uint64_t>(value), 8);
    }
    return *this;
}

Statement& PostgresStatement::bind_many(int index, std::span<const std::string> bytes) {
    Parameter& bound = parameter(index);
    bound.kind = Parameter::Kind::array;
    bound.integer = type_bytea_array;
    bound.bytes.clear();
    append_array_head(bound.bytes, type_bytea, bytes.size());
    for (const std::string& each : bytes) {
        append_number(bound.bytes, each.size(), 4);
        bound.bytes += each;
    }
    return *this;
}

bool PostgresStatement::step() {
    if (!running_) {
        result_ = walks_ ? connection_.first_of_walk(*this) : connection_.rows_of(*this);
        running_ = true;
        row_ = -1;
    }
    if (++row_ < PQntuples(result_.get())) return true;
    if (!cursor_.empty()) {
        result_ = connection_.more_of_walk(*this);
        row_ = 0;
        if (PQntuples(result_.get()) > 0) return true;
    }
    reset();
    return false;
}

void PostgresStatement::run() {
    if (running_) reset();
    connection_.run_statement(*this);
}

void PostgresStatement::reset() {
    if (!cursor_.empty()) connection_.close_walk(*this);
    result_.reset();
    row_ = -1;
    running_ = false;
}

// ---- the connection's part ------------------------------------------------------------------------------------------

Statement& PostgresConnection::kept(std::string_view sql, bool walks) {
    auto& known = walks ? walks_ : statements_;
    if (const auto found = known.find(sql); found != known.end()) {
        if (!walks) found->second.statement->begin_anew();
        return *found->second.statement;
    }
    auto text = std::make_unique<std::string>(sql);
    auto statement = std::make_unique<PostgresStatement>(*this, sql, walks);
    const std::string_view key = *text;
    return *known.emplace(key, Kept{std::move(text), std::move(statement)}).first->second.statement;
}

template <typename Action>
auto PostgresConnection::once_more(Action&& action) {
    const bool fresh = !touched_;
    try {
        return action();
    } catch (const Broken& error) {
        if (error.why != Broken::Why::lost || !fresh) throw;
    }
    broken_ = false;
    return action();
}

void PostgresConnection::send_prepared(const std::string& name, const std::vector<Parameter>& parameters,
                                       const std::vector<Oid>& types) {
    const std::size_t count = types.size();
    std::string bytes;
    std::vector<std::string> texts;
    std::vector<std::size_t> starts(count);
    std::vector<const char*> values(count, nullptr);
    std::vector<int> lengths(count, 0), formats(count, 1);
    texts.reserve(count);
    for (std::size_t i = 0; i < count && i < parameters.size(); ++i) {
        starts[i] = bytes.size();
        if (parameters[i].kind == Parameter::Kind::null) continue;
        const bool whole = types[i] == type_bytea || (types[i] == type_text && is_storable(parameters[i].bytes));
        if (parameters[i].kind == Parameter::Kind::bytes && whole) {
            values[i] = parameters[i].bytes.data();  // not copied
            lengths[i] = static_cast<int>(parameters[i].bytes.size());
        } else if (append_binary(bytes, parameters[i], types[i])) {
            lengths[i] = static_cast<int>(bytes.size() - starts[i]);
        } else {
            values[i] = texts.emplace_back(as_text(parameters[i])).c_str();
            formats[i] = 0;
        }
    }
    for (std::size_t i = 0; i < count && i < parameters.size(); ++i) {
        if (!values[i] && parameters[i].kind != Parameter::Kind::null) values[i] = bytes.data() + starts[i];
    }
    send(PQsendQueryPrepared(session_, name.c_str(), static_cast<int>(count), values.data(), lengths.data(), formats.data(), 1) ==
         1);
}

void PostgresConnection::prepare_in_session(PostgresStatement& statement) {
    if (statement.prepared_in_ == session_number_) return;
    std::vector<Oid> types;
    for (const Parameter& parameter : statement.parameters_) types.push_back(type_of(parameter));
    statement.name_ = "s" + std::to_string(++names_given_);  // a new one each time: a failed attempt may have taken the last
    send(PQsendPrepare(session_, statement.name_.c_str(), statement.text_.c_str(), static_cast<int>(types.size()),
                       types.data()) == 1);
    send(PQsendDescribePrepared(session_, statement.name_.c_str()) == 1);
    const ResultPtr described = wait();
    statement.types_.clear();
    for (int i = 0; i < PQnparams(described.get()); ++i) statement.types_.push_back(PQparamtype(described.get(), i));
    statement.prepared_in_ = session_number_;
    if (statement.batch_) {
        const bool fits =
            statement.batch_->parameters == statement.types_.size() &&
            std::none_of(statement.types_.begin(), statement.types_.end(), [](Oid type) { return type_name(type).empty(); });
        if (!fits) statement.batch_.reset();
    }
}

ResultPtr PostgresConnection::rows_of(PostgresStatement& statement) {
    const auto ask = [&] {
        ready();
        emit_batch();
        prepare_in_session(statement);
        send_prepared(statement.name_, statement.parameters_, statement.types_);
        ResultPtr rows = wait();
        touched_ = touched_ || state_ != State::none;
        return rows;
    };
    return statement.text_.find("SELECT") < 4 || state_ != State::none ? once_more(ask) : ask();
}

ResultPtr PostgresConnection::first_of_walk(PostgresStatement& statement) {
    if (state_ == State::none) return rows_of(statement);
    return once_more([&] {
        ready();
        emit_batch();
        statement.cursor_of_ = span_;
        const std::string cursor = "w" + std::to_string(++names_given_);
        std::vector<Oid> types;
        std::vector<std::string> bytes(statement.parameters_.size());
        std::vector<const char*> values;
        std::vector<int> lengths, formats;
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            const Parameter& parameter = statement.parameters_[i];
            types.push_back(type_of(parameter));
            append_binary(bytes[i], parameter, types[i] == 0 ? Oid{type_bytea} : types[i]);
            values.push_back(parameter.kind == Parameter::Kind::null ? nullptr : bytes[i].data());
            lengths.push_back(static_cast<int>(bytes[i].size()));
            formats.push_back(1);
        }
        const std::string declare = "DECLARE " + cursor + " NO SCROLL CURSOR FOR " + statement.text_;
        send(PQsendQueryParams(session_, declare.c_str(), static_cast<int>(types.size()), types.data(), values.data(),
                               lengths.data(), formats.data(), 1) == 1);
        send_text("FETCH " + std::to_string(first_fetch) + " FROM " + cursor);
        ResultPtr rows = wait();
        touched_ = true;
        statement.cursor_ = cursor;
        return rows;
    });
}

ResultPtr PostgresConnection::more_of_walk(PostgresStatement& statement) {
    if (statement.cursor_of_ != span_) throw Broken(Broken::Why::other, "the transaction ended in the middle of its rows");
    ready();
    emit_batch();
    send_text("FETCH " + std::to_string(next_fetch) + " FROM " + statement.cursor_);
    return wait();
}

void PostgresConnection::close_walk(PostgresStatement& statement) {
    const std::string cursor = std::exchange(statement.cursor_, {});
    if (statement.cursor_of_ == span_ && session_ && !broken_ && state_ != State::none) send_text("CLOSE " + cursor);
}

void PostgresConnection::run_statement(PostgresStatement& statement) {
    if (statement.text_.empty()) return;  // a PRAGMA
    once_more([&] {
        ready();
        if (statement.prepared_in_ == session_number_) return;
        emit_batch();
        prepare_in_session(statement);
    });
    if (state_ != State::writing) {
        send_prepared(statement.name_, statement.parameters_, statement.types_);
        wait();
        return;
    }
    touched_ = true;
    if (!statement.batch_) {
        emit_batch();
        send_prepared(statement.name_, statement.parameters_, statement.types_);
        if (pending_.size() >= most_unanswered) wait();
        return;
    }
    if (batching_ != &statement) {
        emit_batch();
        batching_ = &statement;
        columns_.start(statement.types_);
        first_of_batch_ = statement.parameters_;
    }
    if (!columns_.add(statement.parameters_)) {
        emit_batch();
        send_prepared(statement.name_, statement.parameters_, statement.types_);
    } else if (columns_.rows() >= most_batched_rows || columns_.bytes() >= most_batched_bytes) {
        emit_batch();
        if (pending_.size() >= most_unanswered) wait();
    }
}

void PostgresConnection::prepare_batch(PostgresStatement& statement) {
    if (statement.batch_prepared_in_ == session_number_) return;
    std::vector<std::string> names;
    for (const Oid type : statement.types_) names.push_back(type_name(type));
    statement.batch_name_ = "b" + std::to_string(++names_given_);
    send(PQsendPrepare(session_, statement.batch_name_.c_str(), statement.batch_->text(names).c_str(), 0, nullptr) == 1);
    statement.batch_prepared_in_ = session_number_;
    preparing_.push_back(&statement);
}

void PostgresConnection::emit_batch() {
    if (!batching_) return;
    PostgresStatement& statement = *std::exchange(batching_, nullptr);
    if (columns_.rows() == 1) {
        send_prepared(statement.name_, first_of_batch_, statement.types_);
    } else if (columns_.rows() > 1) {
        prepare_batch(statement);
        const std::vector<std::string> arrays = columns_.arrays();
        std::vector<const char*> values;
        std::vector<int> lengths, formats(arrays.size(), 1);
        for (const std::string& array : arrays) {
            values.push_back(array.data());
            lengths.push_back(static_cast<int>(array.size()));
        }
        send(PQsendQueryPrepared(session_, statement.batch_name_.c_str(), static_cast<int>(arrays.size()), values.data(),
                                 lengths.data(), formats.data(), 1) == 1);
    }
    columns_.clear();
}

}  // namespace xinglin::sql
