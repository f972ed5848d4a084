// SPDX-License-Identifier: Apache-2.0
// Strings as sequences of code points. All text here is UTF-8.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace xinglin::fhirpath {

std::size_t length(std::string_view text);
/// Byte position of the n-th code point; text.size() when there are fewer.
std::size_t byte_of(std::string_view text, std::size_t n);
std::string upper(std::string_view text);
std::string lower(std::string_view text);
/// For equivalence: case folded, each white space character a space.
std::string folded(std::string_view text);
/// Without white space at the ends.
std::string_view trimmed(std::string_view text);

}  // namespace xinglin::fhirpath
