// SPDX-License-Identifier: Apache-2.0
// Inside the room: is this text a scope we understand? What we do not understand is refused when a client is made.
#pragma once

#include <string_view>

namespace xinglin::access {

bool is_scope(std::string_view scope);

}  // namespace xinglin::access
