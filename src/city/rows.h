// SPDX-License-Identifier: Apache-2.0
// Inside the room: the CSV tables of content/city, read by the names of their columns.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "content/content.h"
#include "outcome/outcome.h"

namespace xinglin::city {

/// A table of content. The first complaint is kept and given by `trouble`, so that reading needs no check at every cell.
class Rows {
public:
    static Result<Rows> read(const content::Files& files, std::string_view path);
    /// Of text that was not packed in; `name` is for messages.
    static Rows of(std::string_view text, std::string_view name);

    std::size_t size() const { return rows_.size(); }
    /// A cell, "" when the column is not there (then `trouble` says so).
    std::string_view text(std::size_t row, std::string_view column) const;
    double number(std::size_t row, std::string_view column, double otherwise = 0) const;
    /// The parts of "a|b|c".
    std::vector<std::string_view> list(std::size_t row, std::string_view column) const;
    /// Ok, or the first thing that was wrong.
    Result<Done> trouble() const;

private:
    std::string name_;
    std::string body_;  // cells point into it
    std::vector<std::string> columns_;
    std::vector<std::vector<std::string>> rows_;
    mutable std::string where_, what_;
};

/// The cells of one line of CSV; `at` moves past the line. Quoted cells may hold commas and doubled quotes.
std::vector<std::string> csv_line(std::string_view text, std::size_t& at);

}  // namespace xinglin::city
