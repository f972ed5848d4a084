// SPDX-License-Identifier: Apache-2.0
// Inside the room: our own calls (/auth, /api/v1, /metrics …): a table of routes that describe themselves.
//
// What is under /fhir and /api/v1/people belongs to room api and only passes through.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "access/access.h"
#include "http/http.h"
#include "json/json.h"
#include "outcome/outcome.h"

namespace xinglin::server {

struct House;

enum class Who : std::uint8_t { anyone, logged_in, writer };
std::string_view text(Who who);

/// One request on its way through a route.
struct Visit {
    House& house;
    http::Request request;
    access::Viewer viewer;  // empty for Who::anyone
    std::string cookie;     // of a session, "" with a token
    std::string csrf;
    std::vector<std::string> holes;  // what stood for {…} in the pattern
    http::Respond respond;

    void answer(int status, json::Value body);
    void answer_nothing(int status = 204);
    void refuse(const Outcome& outcome);
    /// The body as a JSON object whose members are all strings; answers 400 itself and returns nothing when it is not.
    std::optional<std::vector<std::pair<std::string, std::string>>> fields();
    /// A query parameter, "" when absent.
    std::string parameter(std::string_view name) const;
};

struct Route {
    std::string_view method, pattern;  // "/api/v1/imports/{id}"
    Who who;
    std::string_view summary;
    std::string_view request;   // an example body, or what the body is; "" without one
    std::string_view response;  // an example body, "" for none
    void (*act)(Visit& visit);
};

std::span<const Route> open_routes();
std::span<const Route> account_routes();
std::span<const Route> security_routes();
std::span<const Route> staff_account_routes();
std::span<const Route> activation_routes();
std::span<const Route> system_routes();
std::span<const Route> import_routes();
std::span<const Route> export_routes();
std::span<const Route> profile_routes();
std::span<const Route> view_routes();
std::span<const Route> element_routes();
std::span<const Route> terminology_routes();
std::span<const Route> explain_routes();
std::span<const Route> backup_routes();
std::span<const Route> intake_routes();
std::span<const Route> screen_routes();
std::span<const Route> mapping_routes();
std::span<const Route> channel_routes();
std::span<const Route> document_routes();
std::span<const Route> quality_routes();
std::span<const Route> registry_routes();
std::span<const Route> registry_edit_routes();
std::span<const Route> registry_stray_routes();
std::span<const Route> registry_area_routes();
std::span<const Route> registry_import_routes();
std::span<const Route> persons_routes();
std::span<const Route> card_routes();
std::span<const Route> audit_routes();
std::span<const Route> audit_case_routes();
std::span<const Route> policy_routes();
std::span<const Route> consent_routes();
std::span<const Route> emergency_routes();
std::span<const Route> oauth_routes();
std::span<const Route> client_routes();
/// All of them, in the order of the description.
std::vector<const Route*> all_routes();

/// The route for a request, with its holes; nothing when the path is unknown. `method_allowed` lists the methods the path
/// has when only the method is wrong.
const Route* find_route(const http::Request& request, std::vector<std::string>& holes, std::string& methods_allowed);

/// The description of /auth and /api/v1 as an OpenAPI 3.0 document.
std::string openapi(std::string_view version);

http::Response json_response(int status, json::Value body);
/// {"error":{"code","where","message","trace"}}
http::Response error_response(const Outcome& outcome, std::string_view trace_id);

}  // namespace xinglin::server
