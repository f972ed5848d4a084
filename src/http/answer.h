// SPDX-License-Identifier: Apache-2.0
// How a Response becomes bytes, and the answers the server gives by itself. Within this room only.
#pragma once

#include <ctime>
#include <string>
#include <string_view>

#include "http/http.h"

namespace xinglin::http {

/// What the bytes of an answer depend on besides the Response.
struct AnswerFrame {
    bool head = false;  // the body is dropped, its length kept
    bool http_1_0 = false;
    bool close = false;
    std::string_view trace_id;
    std::string_view traceparent;  // for the answer, may be empty
};

/// The Date field's value, made once a second.
class DateLine {
public:
    std::string_view at(std::time_t now);

private:
    std::time_t second_ = -1;
    std::string text_;
};

/// Packs the body when `client_takes_gzip` and it is worth it; sets Content-Encoding and Vary.
void compress(Response& response, bool client_takes_gzip);
/// Appends the status line and header to `out`. The body follows it unless `sends_body` says otherwise.
void write_head(std::string& out, const Response& response, const AnswerFrame& frame, std::string_view date);
bool sends_body(const Response& response, const AnswerFrame& frame);
/// A refusal by the server itself: an OperationOutcome for the FHIR part, {"error": …} elsewhere.
Response error_response(int status, std::string_view code, std::string_view what, bool fhir);
std::string_view reason(int status);

}  // namespace xinglin::http
