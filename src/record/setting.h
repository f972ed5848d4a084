// SPDX-License-Identifier: Apache-2.0
// What a store remembers about itself, each line sealed with a check sum over its name and text. Inside the room only.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sql/sql.h"

namespace xinglin::record {

/// Eight hexadecimal digits that change with any changed byte. FNV-1a, 32 bits (Fowler, Noll and Vo, 1991).
std::string seal_of(std::string_view text);

/// Nothing when it was never set. Throws sql::Broken (corrupt) when the line does not fit its seal.
std::optional<std::string> setting(sql::Connection& connection, std::string_view name);
/// The text of a line as it is stored. Throws as setting() does.
std::string unsealed(std::string_view name, std::string_view value);
void set_setting(sql::Connection& connection, std::string_view name, std::string_view text);

/// What is wrong with the settings, as sentences.
std::vector<std::string> setting_problems(sql::Connection& connection);

}  // namespace xinglin::record
