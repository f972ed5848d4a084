// SPDX-License-Identifier: Apache-2.0
// Values as they travel in PostgreSQL's binary format. Inside the room only.
#pragma once

#include <libpq-fe.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace xinglin::sql {

struct ResultEnd {
    void operator()(PGresult* result) const { PQclear(result); }
};
using ResultPtr = std::unique_ptr<PGresult, ResultEnd>;

// Object ids of the types that we meet, fixed in PostgreSQL's catalogue (src/include/catalog/pg_type.dat).
enum TypeId : Oid {
    type_bool = 16,
    type_bytea = 17,
    type_int8 = 20,
    type_int2 = 21,
    type_int4 = 23,
    type_text = 25,
    type_float8 = 701,
    type_bytea_array = 1001,
    type_int8_array = 1016,
    type_numeric = 1700
};

struct Parameter {
    enum class Kind { null, integer, real, bytes, array } kind = Kind::null;
    std::int64_t integer = 0;  // of an array its type
    double real = 0;
    std::string bytes;  // of an array as it travels
};

/// 0 when the kind alone does not tell.
Oid type_of(const Parameter& parameter);
/// Appends the value as `type` has it in binary; false when it must travel as text.
bool append_binary(std::string& out, const Parameter& parameter, Oid type);
/// A text column takes UTF-8 without zero bytes; of anything else the bytes that are not ASCII become '?'.
bool is_storable(std::string_view text);
std::string storable(std::string_view text);
/// As text that the server reads.
std::string as_text(const Parameter& parameter);
void append_number(std::string& out, std::uint64_t value, int bytes);
/// What stands before the elements of an array.
void append_array_head(std::string& out, Oid type, std::size_t count, bool has_null = false);

/// Rows of one batch: each parameter a column, on its way to be an array.
class Columns {
public:
    void start(std::vector<Oid> types);
    /// False, and nothing added, when a value does not fit its column's type.
    bool add(const std::vector<Parameter>& row);
    std::size_t rows() const { return rows_; }
    std::size_t bytes() const { return bytes_; }
    std::vector<std::string> arrays() const;
    void clear();

private:
    std::vector<Oid> types_;
    std::vector<std::string> cells_;
    std::vector<std::size_t> starts_;  // of the newest row's cells
    std::vector<bool> has_null_;
    std::size_t rows_ = 0, bytes_ = 0;
};

std::int64_t integer_in(const PGresult* result, int row, int column);
double real_in(const PGresult* result, int row, int column);
inline std::string_view text_in(const PGresult* result, int row, int column) {
    return {PQgetvalue(result, row, column), static_cast<std::size_t>(PQgetlength(result, row, column))};
}

}  // namespace xinglin::sql
