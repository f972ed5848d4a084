// SPDX-License-Identifier: Apache-2.0
// Inside the room: what the routes of logging in, of one's own security and of accounts share.
#pragma once

#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "access/access.h"
#include "server/route.h"

namespace xinglin::server {

using Fields = std::vector<std::pair<std::string, std::string>>;
/// "" when absent.
std::string field(const Fields& fields, std::string_view name);
/// The body as texts; answers 400 itself when a member is none of these: what nobody reads must not look as if it did something.
std::optional<Fields> only(Visit& visit, std::initializer_list<std::string_view> names);

/// {"user":{…},"csrf":"…"}
json::Value who(json::Arena& arena, const access::Viewer& viewer, std::string_view csrf);
std::string cookie_header(std::string_view value, const http::Request& request, bool ends);
/// Who one is now, and the cookie of it.
void answer_session(Visit& visit, const access::Session& session, std::vector<std::pair<std::string_view, json::Value>> more,
                    json::Arena& arena);
/// Runs `act` on the errand thread, where trouble is answered as in the request loop.
void later(Visit& visit, std::function<void(Visit&)> act);
/// A refusal that says how long to wait.
void refuse_login(Visit& visit, const Outcome& outcome, std::string_view name);

}  // namespace xinglin::server
