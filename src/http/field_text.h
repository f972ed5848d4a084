// SPDX-License-Identifier: Apache-2.0
// Small questions about the text of header fields. Within this room only.
#pragma once

#include <string_view>

namespace xinglin::http {

constexpr char lower(char letter) { return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter; }
bool same_name(std::string_view a, std::string_view b);
/// True when a comma-separated list holds the token, without case.
bool list_has(std::string_view list, std::string_view token);
/// Takes the next item off a list; its spaces stay.
std::string_view take_item(std::string_view& list, char separator = ',');
/// Without spaces and tabs at either end.
std::string_view trimmed(std::string_view text);

}  // namespace xinglin::http
