// SPDX-License-Identifier: Apache-2.0
// Inside the room: bytes to UTF-8.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace xinglin::hl7v2 {

/// The converter's name of what MSH-18 or a sender calls a character set ("GB 18030-2000", "UNICODE UTF-8", "8859/1"); "" when unknown.
std::string_view encoding_named(std::string_view name);
/// Nothing when the bytes are not of this encoding.
std::optional<std::string> to_utf8(std::string_view bytes, std::string_view encoding);
/// UTF-8 to another; nothing when a character is not in it.
std::optional<std::string> from_utf8(std::string_view text, std::string_view encoding);

}  // namespace xinglin::hl7v2
