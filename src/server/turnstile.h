// SPDX-License-Identifier: Apache-2.0
// Inside the room: how many requests each caller may make. What a request is, who is counted for it, and how one is told to wait.
#pragma once

#include <string>
#include <string_view>

#include "access/limits.h"
#include "http/http.h"

namespace xinglin::server {

/// What a request of somebody known asks for.
access::Ask ask_of(const http::Request& request);
/// What a request asks for that needs nobody to be known.
access::Ask open_ask_of(const http::Request& request);
/// A write counts once for every 64 KiB of its body, so that a batch is no way round.
std::int64_t cost_of(const http::Request& request);

/// Somebody known, who may come with an app.
access::Verdict take_for(access::Limiter& limiter, const access::Viewer& viewer, std::string_view app,
                         const http::Request& request);
access::Verdict take_for_address(access::Limiter& limiter, const http::Request& request, access::Ask ask);

/// 429 in the manner of the path, with Retry-After, in Chinese for those who ask for it.
Outcome too_fast(std::int64_t wait_s, const http::Request& request);

/// What every answer carries; a page brings its own policy (pages.h).
void add_answer_headers(http::Headers& headers, bool is_https);

}  // namespace xinglin::server
