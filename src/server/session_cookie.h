// SPDX-License-Identifier: Apache-2.0
// Inside the room: cookies, read and written.
#pragma once

#include <string>
#include <string_view>

#include "http/http.h"

namespace xinglin::server {

/// A cookie's value, "" when it is not there.
std::string cookie_of(const http::Request& request, std::string_view name);

}  // namespace xinglin::server
