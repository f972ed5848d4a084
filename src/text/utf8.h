// SPDX-License-Identifier: Apache-2.0
// Inside the room: walking through UTF-8 one code point at a time.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace xinglin::text {

/// The code point at `at`, which is moved behind it. Bytes that are not UTF-8 are U+FFFD, one byte each.
char32_t next_code_point(std::string_view text, std::size_t& at);
void append_code_point(char32_t code_point, std::string& out);
/// An ideograph: of the unified blocks and their extensions, or U+3007.
bool is_han(char32_t code_point);

}  // namespace xinglin::text
