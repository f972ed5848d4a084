// SPDX-License-Identifier: Apache-2.0
// What the client speaks and wants: formats, preferences, its address for us.
#include <array>
#include <charconv>

#include "api/exchange.h"
#include "json/json.h"
#include "text/text.h"

namespace xinglin::api {
namespace {

std::optional<Format> format_named(std::string_view name) {
    for (const std::string_view json :
         {"json", "application/fhir+json", "application/json", "text/json", "application/json+fhir"}) {
        if (name == json) return Format::json;
    }
    for (const std::string_view xml : {"xml", "application/fhir+xml", "application/xml", "text/xml", "application/xml+fhir"}) {
        if (name == xml) return Format::xml;
    }
    return std::nullopt;
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

/// The best of an Accept header: {format, media type to name in the answer}.
std::optional<std::pair<Format, std::string>> best_of(std::string_view accept) {
    std::optional<std::pair<Format, std::string>> best;
    double best_weight = 0;
    for (const std::string_view part : text::split(accept, ',')) {
        const std::size_t semicolon = part.find(';');
        const std::string type = text::lower_ascii(trim(part.substr(0, semicolon)));
        double weight = 1;
        if (const std::size_t q = part.find("q="); semicolon != std::string_view::npos && q != std::string_view::npos) {
            weight = std::atof(std::string(part.substr(q + 2, 5)).c_str());
        }
        std::optional<Format> format = format_named(type);
        if (type == "*/*" || type == "application/*") format = Format::json;
        if (type == "application/fhir+ndjson" || type == "application/ndjson") format = Format::json;  // of refusals of an export
        if (format && weight > best_weight) {
            best.emplace(*format, type);
            best_weight = weight;
        }
    }
    return best;
}

std::string media_type(Format format, std::string_view asked) {
    if (asked == "application/json" || asked == "application/xml" || asked == "text/xml" || asked == "text/json")
        return std::string(asked) + "; charset=utf-8";
    return format == Format::json ? "application/fhir+json; charset=utf-8" : "application/fhir+xml; charset=utf-8";
}

bool is_host(std::string_view host) {
    if (host.empty() || host.size() > 255) return false;
    for (const char c : host) {
        if (!(std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == ':' || c == '-' || c == '_' || c == '[' ||
              c == ']'))
            return false;
    }
    return true;
}

std::string_view first_of(std::string_view list) { return trim(list.substr(0, list.find(','))); }

std::string base_url_of(const Exchange& exchange) {
    if (!exchange.house.options.base_url.empty()) return exchange.house.options.base_url;
    const http::Headers& headers = exchange.request.headers;
    std::string_view scheme = first_of(headers.get("X-Forwarded-Proto"));
    if (scheme != "http" && scheme != "https") scheme = exchange.request.scheme == "https" ? "https" : "http";
    std::string_view host = first_of(headers.get("X-Forwarded-Host"));
    if (!is_host(host)) host = headers.get("Host");
    if (!is_host(host)) host = "localhost";
    return std::string(scheme) + "://" + std::string(host) + "/fhir";
}

void read_preferences(Exchange& exchange) {
    for (const auto& [name, value] : exchange.request.headers.all()) {
        if (text::lower_ascii(name) != "prefer") continue;
        std::string list(value);
        for (char& c : list) {
            if (c == ';') c = ',';
        }
        for (const std::string_view part : text::split(list, ',')) {
            const std::string_view one = trim(part);
            if (one == "return=minimal") exchange.wanted = Return::minimal;
            if (one == "return=representation") exchange.wanted = Return::representation;
            if (one == "return=OperationOutcome") exchange.wanted = Return::outcome;
            if (one == "handling=lenient") exchange.lenient = true;
            if (one == "handling=strict") exchange.lenient = false;
        }
    }
}

Result<Done> choose_format(Exchange& exchange) {
    exchange.content_type = media_type(Format::json, "");
    if (const std::string_view asked = exchange.parameter("_format"); !asked.empty()) {
        const std::string name = text::lower_ascii(trim(asked.substr(0, asked.find(';'))));
        auto format = format_named(name);
        if (!format && name == "application/fhir json") format = Format::json;  // an unescaped '+'
        if (!format && name == "application/fhir xml") format = Format::xml;
        if (!format) return refuse(IssueCode::not_supported, "_format", "we speak json and xml");
        exchange.format = *format;
        exchange.content_type = media_type(*format, name);
        return Done{};
    }
    const std::string_view accept = exchange.request.headers.get("Accept");
    if (accept.empty()) return Done{};
    const auto best = best_of(accept);
    if (!best) return refuse(IssueCode::not_supported, "Accept", "we speak application/fhir+json and application/fhir+xml");
    exchange.format = best->first;
    exchange.content_type = media_type(best->first, best->second);
    return Done{};
}

}  // namespace

std::string_view Exchange::parameter(std::string_view name) const {
    for (const auto& [key, value] : parameters) {
        if (key == name) return value;
    }
    return {};
}

Result<Done> negotiate(Exchange& exchange, std::string_view prefix) {
    exchange.content_type = media_type(Format::json, "");
    exchange.base_url = base_url_of(exchange);
    read_preferences(exchange);
    for (const std::string_view segment : text::split(std::string_view(exchange.request.path).substr(prefix.size()), '/')) {
        if (!segment.empty()) exchange.path.emplace_back(segment);
    }
    XINGLIN_TRY(exchange.parameters, http::parse_query(exchange.request.query));
    const std::string_view type = exchange.request.headers.get("Content-Type");
    if (exchange.request.method == "POST" && text::lower_ascii(type).starts_with("application/x-www-form-urlencoded")) {
        XINGLIN_TRY(auto form, http::parse_query(exchange.request.body));
        for (auto& pair : form) exchange.parameters.push_back(std::move(pair));
    }
    // Rows of views come in formats of their own (view_operations.cpp).
    const bool is_view =
        !exchange.path.empty() && (exchange.path[0] == "ViewDefinition" || exchange.path[0] == "$viewdefinition-run");
    if (!is_view) XINGLIN_CHECK(choose_format(exchange));
    exchange.pretty = exchange.parameter("_pretty") == "true";
    return Done{};
}

Result<json::Value> read_body(const Exchange& exchange, json::Arena& arena) {
    const std::string& body = exchange.request.body;
    const Options& options = exchange.house.options;
    if (body.size() > options.body_bytes) {
        return refuse(IssueCode::too_costly, "body",
                      "is larger than " + std::to_string(options.body_bytes >> 20) + " MiB; send it in parts or import it");
    }
    const std::string_view named = exchange.request.headers.get("Content-Type");
    const std::string type = text::lower_ascii(trim(named.substr(0, named.find(';'))));
    const std::size_t start = body.find_first_not_of(" \t\r\n");
    if (start == std::string::npos) return refuse(IssueCode::structure, "body", "is empty; expected a resource");
    std::optional<Format> format = format_named(type);
    if (type.empty()) format = body[start] == '<' ? Format::xml : Format::json;
    if (!format) return refuse(IssueCode::not_supported, "Content-Type", "must be application/fhir+json or application/fhir+xml");
    if (*format == Format::xml) return fhir::from_xml(body, arena);
    return json::parse(body, arena, {.depth = options.json_depth, .bytes = options.body_bytes});
}

bool is_general_parameter(std::string_view name) { return name == "_format" || name == "_pretty"; }

std::string_view language_of(const Exchange& exchange) {
    if (const std::string_view asked = exchange.parameter("_language"); !asked.empty()) return asked;
    const std::string_view accepted = exchange.request.headers.get("Accept-Language");
    return trim(accepted.substr(0, accepted.find_first_of(",;")));
}

Result<Done> only_parameters(const Exchange& exchange, std::initializer_list<std::string_view> known) {
    if (exchange.lenient) return Done{};
    Outcome unknown;
    for (const auto& [name, value] : exchange.parameters) {
        if (is_general_parameter(name) || std::find(known.begin(), known.end(), name) != known.end()) continue;
        unknown.issues.push_back({Severity::error, IssueCode::not_supported, name, "is not a parameter of this call"});
    }
    if (!unknown.ok()) return unknown;
    return Done{};
}

namespace {
constexpr std::array<std::string_view, 7> week_days = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};  // from 1970-01-01
constexpr std::array<std::string_view, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
}  // namespace

std::string http_date(std::int64_t ms) {
    const std::int64_t seconds = ms >= 0 ? ms / 1000 : -((999 - ms) / 1000);
    std::int64_t day = seconds / 86400, second = seconds % 86400;
    if (second < 0) second += 86400, --day;
    const auto civil = calendar::civil_from_days(day);
    return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", week_days[static_cast<std::size_t>(((day % 7) + 7) % 7)],
                       civil.day, months[static_cast<std::size_t>(civil.month - 1)], civil.year, second / 3600, second / 60 % 60,
                       second % 60);
}

std::optional<std::int64_t> parse_http_date(std::string_view text) {
    // "Sun, 22 Nov 2026 02:20:01 GMT"; the two obsolete forms of RFC 9110 are not taken.
    if (text.size() != 29 || text.substr(25) != " GMT") return std::nullopt;
    const auto number = [&](std::size_t at, std::size_t size) {
        int value = -1;
        std::from_chars(text.data() + at, text.data() + at + size, value);
        return value;
    };
    int month = 0;
    while (month < 12 && months[static_cast<std::size_t>(month)] != text.substr(8, 3)) ++month;
    const int day = number(5, 2), year = number(12, 4), hour = number(17, 2), minute = number(20, 2), second = number(23, 2);
    if (month == 12 || day < 1 || day > 31 || year < 1 || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 ||
        second > 60)
        return std::nullopt;
    return ((calendar::days_from_civil(year, month + 1, day) * 24 + hour) * 60 + minute) * 60'000 + second * 1000;
}

std::string status_text(int status) {
    constexpr std::pair<int, std::string_view> names[] = {{200, "OK"},
                                                          {201, "Created"},
                                                          {204, "No Content"},
                                                          {304, "Not Modified"},
                                                          {400, "Bad Request"},
                                                          {401, "Unauthorized"},
                                                          {403, "Forbidden"},
                                                          {404, "Not Found"},
                                                          {405, "Method Not Allowed"},
                                                          {406, "Not Acceptable"},
                                                          {409, "Conflict"},
                                                          {410, "Gone"},
                                                          {412, "Precondition Failed"},
                                                          {413, "Content Too Large"},
                                                          {415, "Unsupported Media Type"},
                                                          {422, "Unprocessable Entity"},
                                                          {429, "Too Many Requests"},
                                                          {500, "Internal Server Error"},
                                                          {503, "Service Unavailable"}};
    for (const auto& [code, name] : names) {
        if (code == status) return std::to_string(status) + " " + std::string(name);
    }
    return std::to_string(status);
}

std::string json_text(std::string_view text) {
    std::string out;
    json::write_string(text, out);
    return out;
}

}  // namespace xinglin::api
