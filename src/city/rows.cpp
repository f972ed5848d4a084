// SPDX-License-Identifier: Apache-2.0
// Reading the tables of content/city.
#include "city/rows.h"

#include <fmt/format.h>

#include <charconv>

#include "text/text.h"

namespace xinglin::city {

std::vector<std::string> csv_line(std::string_view text, std::size_t& at) {
    std::vector<std::string> cells(1);
    bool quoted = false;
    for (; at < text.size(); ++at) {
        const char c = text[at];
        if (quoted && c == '"' && at + 1 < text.size() && text[at + 1] == '"') cells.back() += text[++at];
        else if (c == '"') quoted = !quoted;
        else if (!quoted && c == ',') cells.emplace_back();
        else if (!quoted && c == '\n') break;
        else if (quoted || c != '\r') cells.back() += c;
    }
    if (at < text.size()) ++at;
    return cells;
}

Rows Rows::of(std::string_view text, std::string_view name) {
    Rows out;
    out.name_ = name;
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    std::size_t at = 0;
    out.columns_ = csv_line(text, at);
    while (at < text.size()) {
        std::vector<std::string> cells = csv_line(text, at);
        if (cells.size() == 1 && cells[0].empty()) continue;
        if (cells.size() != out.columns_.size() && out.what_.empty()) {
            out.where_ = fmt::format("{} row {}", name, out.rows_.size() + 2);
            out.what_ = fmt::format("expected {} columns, found {}", out.columns_.size(), cells.size());
        }
        cells.resize(out.columns_.size());
        out.rows_.push_back(std::move(cells));
    }
    return out;
}

Result<Rows> Rows::read(const content::Files& files, std::string_view path) {
    const auto text = files.read(path);
    if (!text) return refuse(IssueCode::not_found, std::string(path), "this table is needed to make a city and is not there");
    Rows rows = of(*text, path);
    XINGLIN_CHECK(rows.trouble());
    if (rows.size() == 0) return refuse(IssueCode::invalid, std::string(path), "the table has no rows");
    return rows;
}

std::string_view Rows::text(std::size_t row, std::string_view column) const {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        if (columns_[i] == column) return rows_[row][i];
    }
    if (what_.empty()) {
        where_ = name_;
        what_ = fmt::format("the column {} is missing", column);
    }
    return {};
}

double Rows::number(std::size_t row, std::string_view column, double otherwise) const {
    const std::string_view cell = text(row, column);
    if (cell.empty()) return otherwise;
    double value = 0;
    const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
    if ((error != std::errc() || end != cell.data() + cell.size()) && what_.empty()) {
        where_ = fmt::format("{} row {}, column {}", name_, row + 2, column);
        what_ = "expected a number";
    }
    return value;
}

std::vector<std::string_view> Rows::list(std::size_t row, std::string_view column) const {
    const std::string_view cell = text(row, column);
    if (cell.empty()) return {};
    return text::split(cell, '|');
}

Result<Done> Rows::trouble() const {
    if (what_.empty()) return Done{};
    return refuse(IssueCode::invalid, where_, what_);
}

}  // namespace xinglin::city
