// SPDX-License-Identifier: Apache-2.0
// A pair of records as levels of agreement, one for each field.
#pragma once

#include "identity/records.h"

namespace xinglin::identity {

/// What a field of a pair says. The same seven for every role; which of them a role knows, compare.cpp says.
enum Level : std::uint8_t { missing, differs, far, loose, near, close, exact };
constexpr std::size_t level_count = 7;
std::string_view name_of(Level level);

/// Four bits a field; above them whether something says plainly that these are two.
using Pattern = std::uint64_t;
constexpr Pattern contradiction = Pattern{1} << 63;
static_assert(4 * most_columns < 63);
inline Level level_of(Pattern pattern, std::size_t field) { return static_cast<Level>(pattern >> (4 * field) & 15); }

class Comparer {
public:
    explicit Comparer(const Records& records);
    Pattern compare(std::uint32_t a, std::uint32_t b) const;

private:
    Pattern with_swapped_names(Pattern pattern, std::uint32_t a, std::uint32_t b) const;

    Level birth_in_number(std::uint32_t a, std::uint32_t b) const;
    bool have_own_numbers(std::uint32_t a, std::uint32_t b) const;

    const std::vector<Column>& columns_;
    std::optional<std::size_t> given_, family_, birth_, national_;
};

}  // namespace xinglin::identity
