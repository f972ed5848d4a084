// SPDX-License-Identifier: Apache-2.0
// Tables from outside, row by row: CSV and XLSX, read with flat memory however large the file is.
//
// Both are told apart, and their encoding, delimiter and sheets found out, by what is in them. Everything a stranger can grow
// has a limit. What a row means is said by a Mapping (table/mapping.h); tables are written by table/sheet_writer.h.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "outcome/outcome.h"

namespace xinglin::table {

struct Limits {
    std::size_t field_bytes = 1u << 20;         // of one cell, as UTF-8
    std::size_t row_bytes = 4u << 20;           // of one row of CSV
    std::size_t columns = 2'000;                // of one row
    std::size_t entries = 5'000;                // of the archive that an XLSX file is
    std::uint64_t unpacked_bytes = 4ull << 30;  // of one part of it
    std::uint64_t ratio = 500;                  // unpacked to packed, of parts above 16 MiB
    std::size_t shared_string_bytes = 512u << 20;
    std::size_t shared_strings = 20'000'000;
    std::size_t sheets = 255;
};

/// One row. Cells are UTF-8, valid until the next row is asked for; dates of XLSX read "2026-11-22" or "2026-11-22T08:15:00",
/// booleans "TRUE" and "FALSE", errors as Excel shows them ("#N/A"). Bytes that were no text are U+FFFD.
struct Row {
    std::uint64_t number = 0;  // as a spreadsheet counts: from 1, empty rows included
    std::span<const std::string_view> cells;
    std::string_view trouble;  // why this row can't be read ("a quotation mark …"); its cells are then empty
};

/// What was found out about a file.
struct About {
    std::string kind;                 // "csv", "xlsx"
    std::string encoding;             // "UTF-8", "GB18030", "UTF-16LE", "UTF-16BE"; of XLSX "UTF-8"
    char delimiter = ',';             // of CSV
    std::string sheet;                // of XLSX: the one that is read
    std::vector<std::string> sheets;  // of XLSX: all
};

/// The rows of one file. Not for two threads at once.
class Rows {
public:
    virtual ~Rows() = default;
    /// False at the end. A refusal says why nothing after this can be read.
    virtual Result<bool> next(Row& row) = 0;
    virtual const About& about() const = 0;
};

struct CsvOptions {
    std::string encoding;  // "" finds out
    char delimiter = 0;    // 0 finds out: , ; tab or |
    Limits limits;
};

struct XlsxOptions {
    std::string sheet;  // by name, or by number from 1; "" the first that is visible
    Limits limits;
};

/// Where the bytes are: a file, or memory that outlives the reader.
struct Source {
    std::filesystem::path path;
    std::string_view bytes;
    bool in_memory = false;

    static Source file(std::filesystem::path path) { return {std::move(path), {}, false}; }
    static Source memory(std::string_view bytes) { return {{}, bytes, true}; }
};

/// Refuses what is not text: a workbook, an archive, a picture.
Result<std::unique_ptr<Rows>> read_csv(const Source& source, const CsvOptions& options = {});
/// Refuses what is not XLSX (old .xls, CSV), is encrypted, cut off, unpacks beyond the limits, or names entries outside itself.
Result<std::unique_ptr<Rows>> read_xlsx(const Source& source, const XlsxOptions& options = {});
/// By the first bytes: XLSX when it is an archive, CSV otherwise.
Result<std::unique_ptr<Rows>> read(const Source& source, const XlsxOptions& xlsx = {}, const CsvOptions& csv = {});

/// "A", "Z", "AA" … of column 0, 25, 26 …; and back, nothing (-1) for what is no column.
std::string column_letters(std::size_t column);
int column_number(std::string_view letters);

}  // namespace xinglin::table
