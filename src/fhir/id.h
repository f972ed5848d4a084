// SPDX-License-Identifier: Apache-2.0
// What an id is, in one place for all rooms.
#pragma once

#include <string_view>

namespace xinglin::fhir {

/// FHIR's id: 1 to 64 of A-Z a-z 0-9 - .
bool is_id(std::string_view text);

}  // namespace xinglin::fhir
