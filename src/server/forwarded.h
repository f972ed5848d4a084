// SPDX-License-Identifier: Apache-2.0
// Inside the room: who stands behind a proxy. X-Forwarded-* is believed of those content/access/networks.json names, and of nobody else.
#pragma once

#include "http/http.h"
#include "text/networks.h"

namespace xinglin::server {

/// Takes the client's address and scheme over from a proxy that is trusted: of X-Forwarded-For the last one that is no proxy of ours,
/// since what stands before it anybody may have written. From everybody else the fields are taken away.
void unveil(http::Request& request, const text::Networks& proxies);
/// Would `unveil` change anything?
bool is_veiled(const http::Request& request);

}  // namespace xinglin::server
