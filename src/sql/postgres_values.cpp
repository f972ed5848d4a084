// SPDX-License-Identifier: Apache-2.0
// PostgreSQL's binary format: network byte order, arrays with a header, numeric in base 10,000.
#include "sql/postgres_values.h"

#include <bit>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "text/text.h"

namespace xinglin::sql {

void append_number(std::string& out, std::uint64_t value, int bytes) {
    for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xff);
}

namespace {

std::uint64_t number_at(const char* bytes, int count) {
    std::uint64_t value = 0;
    for (int i = 0; i < count; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
    return value;
}

/// Header: digits, weight of the first, sign, digits after the point; then the digits in base 10,000.
double numeric_at(const char* bytes) {
    const auto digits = static_cast<int>(number_at(bytes, 2));
    auto weight = static_cast<std::int16_t>(number_at(bytes + 2, 2));
    double value = 0;
    for (int i = 0; i < digits; ++i, --weight)
        value += static_cast<double>(number_at(bytes + 8 + 2 * i, 2)) * std::pow(10'000.0, weight);
    return number_at(bytes + 4, 2) == 0x4000 ? -value : value;
}
std::int64_t whole_numeric_at(const char* bytes) {
    const auto digits = static_cast<int>(number_at(bytes, 2));
    const auto weight = static_cast<std::int16_t>(number_at(bytes + 2, 2));
    std::int64_t value = 0;
    for (int i = 0; i <= weight; ++i)
        value = value * 10'000 + (i < digits ? static_cast<std::int64_t>(number_at(bytes + 8 + 2 * i, 2)) : 0);
    return number_at(bytes + 4, 2) == 0x4000 ? -value : value;
}

bool append_integer(std::string& out, std::int64_t value, Oid type) {
    switch (type) {
        case type_int8: append_number(out, static_cast<std::uint64_t>(value), 8); return true;
        case type_int4:
            if (value != static_cast<std::int32_t>(value)) return false;
            append_number(out, static_cast<std::uint64_t>(value), 4);
            return true;
        case type_float8: append_number(out, std::bit_cast<std::uint64_t>(static_cast<double>(value)), 8); return true;
        default: return false;
    }
}

}  // namespace

Oid type_of(const Parameter& parameter) {
    switch (parameter.kind) {
        case Parameter::Kind::integer: return type_int8;
        case Parameter::Kind::real: return type_float8;
        case Parameter::Kind::array: return static_cast<Oid>(parameter.integer);
        default: return 0;
    }
}

bool append_binary(std::string& out, const Parameter& parameter, Oid type) {
    switch (parameter.kind) {
        case Parameter::Kind::null: return true;
        case Parameter::Kind::integer: return append_integer(out, parameter.integer, type);
        case Parameter::Kind::real:
            if (type != type_float8) return false;
            append_number(out, std::bit_cast<std::uint64_t>(parameter.real), 8);
            return true;
        case Parameter::Kind::bytes:
            if (type != type_text && type != type_bytea) return false;
            out += type == type_bytea || is_storable(parameter.bytes) ? parameter.bytes : storable(parameter.bytes);
            return true;
        case Parameter::Kind::array: out += parameter.bytes; return true;
    }
    return false;
}

bool is_storable(std::string_view text) { return text.find('\0') == std::string_view::npos && text::is_utf8(text); }

std::string storable(std::string_view text) {
    std::string storable(text);
    for (char& c : storable) {
        if (c == '\0' || static_cast<unsigned char>(c) >= 0x80) c = '?';
    }
    return storable;
}

std::string as_text(const Parameter& parameter) {
    switch (parameter.kind) {
        case Parameter::Kind::integer: return std::to_string(parameter.integer);
        case Parameter::Kind::real:
            if (std::isnan(parameter.real)) return "NaN";
            if (std::isinf(parameter.real)) return parameter.real > 0 ? "Infinity" : "-Infinity";
            return fmt::format("{}", parameter.real);
        default: return parameter.bytes;
    }
}

void append_array_head(std::string& out, Oid type, std::size_t count, bool has_null) {
    append_number(out, count > 0 ? 1 : 0, 4);  // dimensions
    append_number(out, has_null ? 1 : 0, 4);
    append_number(out, type, 4);
    if (count == 0) return;
    append_number(out, count, 4);
    append_number(out, 1, 4);  // index of the first
}

void Columns::start(std::vector<Oid> types) {
    clear();
    types_ = std::move(types);
    cells_.resize(types_.size());
    starts_.resize(types_.size());
    has_null_.assign(types_.size(), false);
}

bool Columns::add(const std::vector<Parameter>& row) {
    for (std::size_t i = 0; i < types_.size(); ++i) {
        std::string& cells = cells_[i];
        const std::size_t start = cells.size();
        append_number(cells, 0xffffffffu, 4);
        if (!append_binary(cells, row[i], types_[i])) {
            // The rows before are whole; this one goes again.
            cells.resize(start);
            while (i-- > 0) cells_[i].resize(starts_[i]);
            return false;
        }
        starts_[i] = start;
        if (row[i].kind == Parameter::Kind::null) {
            has_null_[i] = true;
            continue;
        }
        std::string size;
        append_number(size, cells.size() - start - 4, 4);
        cells.replace(start, 4, size);
    }
    bytes_ = 0;
    for (const std::string& cells : cells_) bytes_ += cells.size();
    ++rows_;
    return true;
}

std::vector<std::string> Columns::arrays() const {
    std::vector<std::string> arrays;
    for (std::size_t i = 0; i < types_.size(); ++i) {
        std::string& array = arrays.emplace_back();
        array.reserve(cells_[i].size() + 20);
        append_array_head(array, types_[i], rows_, has_null_[i]);
        array += cells_[i];
    }
    return arrays;
}

void Columns::clear() {
    cells_.clear();
    types_.clear();
    has_null_.clear();
    rows_ = bytes_ = 0;
}

std::int64_t integer_in(const PGresult* result, int row, int column) {
    if (PQgetisnull(result, row, column)) return 0;
    const char* bytes = PQgetvalue(result, row, column);
    switch (PQftype(result, column)) {
        case type_bool: return bytes[0];
        case type_int2: return static_cast<std::int16_t>(number_at(bytes, 2));
        case type_int4: return static_cast<std::int32_t>(number_at(bytes, 4));
        case type_int8: return static_cast<std::int64_t>(number_at(bytes, 8));
        case type_float8: return static_cast<std::int64_t>(std::bit_cast<double>(number_at(bytes, 8)));
        case type_numeric: return whole_numeric_at(bytes);
        default: {
            std::int64_t value = 0;
            std::from_chars(bytes, bytes + PQgetlength(result, row, column), value);
            return value;
        }
    }
}

double real_in(const PGresult* result, int row, int column) {
    if (PQgetisnull(result, row, column)) return 0;
    const char* bytes = PQgetvalue(result, row, column);
    switch (PQftype(result, column)) {
        case type_float8: return std::bit_cast<double>(number_at(bytes, 8));
        case type_numeric: return numeric_at(bytes);
        default: return static_cast<double>(integer_in(result, row, column));
    }
}

}  // namespace xinglin::sql
