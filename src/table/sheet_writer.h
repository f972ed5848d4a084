// SPDX-License-Identifier: Apache-2.0
// Workbooks written row by row with constant memory: ledgers, figures of quality, rows that were refused.
#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "outcome/outcome.h"

namespace xinglin::table {

/// What a cell holds. A text is never taken for a formula. A day is "2026-11-22", a moment "2026-11-22T08:15:00".
struct Cell {
    enum class Kind : std::uint8_t { empty, text, number, day, moment, percent } kind = Kind::empty;
    std::string text;
    double number = 0;

    static Cell of(std::string_view text) { return {text.empty() ? Kind::empty : Kind::text, std::string(text), 0}; }
    static Cell count(double number) { return {Kind::number, "", number}; }
    static Cell share(double number) { return {Kind::percent, "", number}; }  // 0.25 is shown as 25.0%
    static Cell day(std::string_view iso) { return {iso.empty() ? Kind::empty : Kind::day, std::string(iso), 0}; }
    static Cell moment(std::string_view iso) { return {iso.empty() ? Kind::empty : Kind::moment, std::string(iso), 0}; }
};

struct SheetColumn {
    std::string title;
    double width = 14;  // in characters
};

/// One thread at a time. Rows go to disk as they come; a row can't be gone back to.
class SheetWriter {
public:
    /// Refuses (where: the path) a file that cannot be made. `made`: seconds since 1970 that the file says it was made, 0 for now; with it
    /// the same rows give the same bytes.
    static Result<std::unique_ptr<SheetWriter>> create(const std::filesystem::path& path, std::int64_t made = 0);
    ~SheetWriter();

    /// Rows go to this sheet from now on. Its name is cut to 31 characters, and what Excel does not take is replaced.
    /// `title` stands in bold above the header when it is not empty.
    Result<Done> sheet(std::string_view name, const std::vector<SheetColumn>& columns, std::string_view title = {});
    /// Refuses beyond Excel's 1,048,576 rows.
    Result<Done> row(const std::vector<Cell>& cells);
    /// Writes the file; refuses when the disk does. Without it nothing is written.
    Result<Done> close();

private:
    struct State;
    SheetWriter();
    std::unique_ptr<State> state_;
};

}  // namespace xinglin::table
