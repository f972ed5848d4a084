// SPDX-License-Identifier: Apache-2.0
// Sources: RFC 9110 sections 8 and 15, RFC 9112 section 4.
#include "http/answer.h"

#include "http/field_text.h"
#include "http/gzip.h"
#include "http/stream.h"

namespace xinglin::http {
namespace {

constexpr std::size_t packing_from = 1024;
constexpr std::size_t packing_up_to = 1u << 30;

bool is_plain_text(std::string_view text) {
    return std::none_of(text.begin(), text.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

bool is_ours(std::string_view name) {
    return same_name(name, "Connection") || same_name(name, "Keep-Alive") || same_name(name, "Transfer-Encoding") ||
           same_name(name, "Content-Length") || same_name(name, "Date") || same_name(name, "Server") ||
           same_name(name, "X-Request-Id") || same_name(name, "traceparent");
}

void field(std::string& out, std::string_view name, std::string_view value) {
    out.append(name).append(": ").append(value).append("\r\n");
}

void append_json_text(std::string& out, std::string_view text) {
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (static_cast<unsigned char>(c) < 0x20) {
            out += ' ';
        } else {
            out += c;
        }
    }
}

}  // namespace

std::string_view DateLine::at(std::time_t now) {
    if (now != second_) {
        std::tm parts{};
        gmtime_r(&now, &parts);
        static constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
        static constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
        text_ = fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", days[parts.tm_wday], parts.tm_mday, months[parts.tm_mon],
                            parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
        second_ = now;
    }
    return text_;
}

void compress(Response& response, bool client_takes_gzip) {
    const bool streams = response.stream && !response.stream->length;
    if (!response.compress || response.channel || (response.stream && !streams)) return;
    if (!streams && (response.body.size() <= packing_from || response.body.size() > packing_up_to)) return;
    if (response.status == 206 || response.headers.has("Content-Encoding")) return;
    if (!packs_well(response.headers.get("Content-Type"))) return;

    const std::string_view vary = response.headers.get("Vary");
    if (!list_has(vary, "Accept-Encoding") && vary != "*") {
        response.headers.set("Vary", fmt::format("{}{}Accept-Encoding", vary, vary.empty() ? "" : ", "));
    }
    if (!client_takes_gzip) return;
    if (streams) {
        response.stream->next = gzip_pieces(std::move(response.stream->next));
    } else {
        std::string packed = gzip(response.body);
        if (packed.size() >= response.body.size()) return;
        response.body = std::move(packed);
    }
    response.headers.set("Content-Encoding", std::string("gzip"));
    const std::string_view tag = response.headers.get("ETag");  // other bytes than the plain form: only weakly the same
    if (!tag.empty() && !tag.starts_with("W/")) response.headers.set("ETag", fmt::format("W/{}", tag));
}

bool sends_body(const Response& response, const AnswerFrame& frame) {
    return !frame.head && response.status >= 200 && response.status != 204 && response.status != 304;
}

void write_head(std::string& out, const Response& response, const AnswerFrame& frame, std::string_view date) {
    out += "HTTP/1.1 ";
    out += fmt::format_int(response.status).str();
    out += ' ';
    out += reason(response.status);
    out += "\r\nServer: xinglin\r\nDate: ";
    out.append(date).append("\r\n");
    for (const auto& [name, value] : response.headers.all()) {
        if (!is_ours(name) && is_plain_text(name) && is_plain_text(value)) field(out, name, value);
    }
    const bool streams = response.stream || response.channel;
    if (streams && response.status != 304 && response.status != 204) {
        if (response.stream && response.stream->length) {
            field(out, "Content-Length", std::to_string(*response.stream->length));
        } else if (!frame.http_1_0) {
            field(out, "Transfer-Encoding", "chunked");
        }
    } else if (response.status == 304 ||
               (frame.head && response.body.empty())) {  // the handler may know a length it does not send
        if (const auto length = response.headers.get("Content-Length"); !length.empty() && is_plain_text(length)) {
            field(out, "Content-Length", length);
        } else if (response.status != 304 && response.status != 204) {
            field(out, "Content-Length", "0");
        }
    } else if (response.status >= 200 && response.status != 204) {
        out += "Content-Length: ";
        out += fmt::format_int(response.body.size()).str();
        out += "\r\n";
    }
    field(out, "X-Request-Id", frame.trace_id);
    if (!frame.traceparent.empty()) field(out, "traceparent", frame.traceparent);
    if (frame.close) {
        out += "Connection: close\r\n";
    } else if (frame.http_1_0) {
        out += "Connection: keep-alive\r\n";
    }
    out += "\r\n";
}

Response error_response(int status, std::string_view code, std::string_view what, bool fhir) {
    std::string body;
    if (fhir) {
        body = R"({"resourceType":"OperationOutcome","issue":[{"severity":"error","code":")";
        body.append(code).append(R"(","diagnostics":")");
        append_json_text(body, what);
        body += R"("}]})";
    } else {
        body = R"({"error":")";
        append_json_text(body, what);
        body += R"("})";
    }
    Response response = Response::text(status, fhir ? "application/fhir+json" : "application/json", std::move(body));
    response.headers.add("X-Content-Type-Options", "nosniff");
    response.headers.add("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox");
    return response;
}

std::string_view reason(int status) {
    switch (status) {
        case 200: return "OK";
        case 201: return "Created";
        case 202: return "Accepted";
        case 204: return "No Content";
        case 206: return "Partial Content";
        case 301: return "Moved Permanently";
        case 302: return "Found";
        case 303: return "See Other";
        case 304: return "Not Modified";
        case 307: return "Temporary Redirect";
        case 308: return "Permanent Redirect";
        case 400: return "Bad Request";
        case 401: return "Unauthorized";
        case 403: return "Forbidden";
        case 404: return "Not Found";
        case 405: return "Method Not Allowed";
        case 406: return "Not Acceptable";
        case 408: return "Request Timeout";
        case 409: return "Conflict";
        case 410: return "Gone";
        case 412: return "Precondition Failed";
        case 413: return "Content Too Large";
        case 415: return "Unsupported Media Type";
        case 416: return "Range Not Satisfiable";
        case 417: return "Expectation Failed";
        case 422: return "Unprocessable Content";
        case 428: return "Precondition Required";
        case 429: return "Too Many Requests";
        case 431: return "Request Header Fields Too Large";
        case 500: return "Internal Server Error";
        case 501: return "Not Implemented";
        case 502: return "Bad Gateway";
        case 503: return "Service Unavailable";
        case 504: return "Gateway Timeout";
        case 505: return "HTTP Version Not Supported";
        default: return "";
    }
}

}  // namespace xinglin::http
