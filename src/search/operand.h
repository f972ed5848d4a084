// SPDX-License-Identifier: Apache-2.0
// Values of a query: splitting, unescaping, and what one alternative means to each type of parameter.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "search/search.h"

namespace xinglin::search {

/// Splits at unescaped separators; escapes are kept. At most `limit` pieces, the last holds the rest.
std::vector<std::string_view> split_unescaped(std::string_view text, char separator, std::size_t limit = SIZE_MAX);
/// Removes the backslash before , $ | and backslash.
std::string unescape(std::string_view text);

/// One alternative of `parameter`. The refusal's `where` is `written`.
Result<Operand> parse_operand(const Parameter& parameter, Modifier modifier, std::string_view type_modifier,
                              std::string_view text, std::string_view written, const ParseOptions& options);
/// A date with prefix, also for _lastUpdated.
Result<Operand> parse_date_operand(std::string_view text, std::string_view written, const ParseOptions& options);

}  // namespace xinglin::search
