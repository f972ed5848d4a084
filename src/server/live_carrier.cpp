// SPDX-License-Identifier: Apache-2.0
// Three ways to a server, and sources that are made known before they send.
#include "server/live_carrier.h"

#include <fmt/format.h>

#include <stdexcept>

#include "json/json.h"
#include "text/text.h"

namespace xinglin::server {

Result<Address> parse_address(std::string_view text, std::string_view option) {
    Address out;
    if (text.starts_with("https://")) out.tls = true;
    const std::size_t scheme = text.find("://");
    if (scheme != std::string_view::npos) text.remove_prefix(scheme + 3);
    while (text.ends_with('/')) text.remove_suffix(1);
    const std::size_t colon = text.rfind(':');
    out.host = text.substr(0, colon);
    const int port =
        colon == std::string_view::npos ? (out.tls ? 443 : 80) : std::atoi(std::string(text.substr(colon + 1)).c_str());
    if (out.host.empty() || port < 1 || port > 65'535)
        return refuse(IssueCode::value, std::string(option), "expected an address such as 127.0.0.1:8080");
    out.port = static_cast<std::uint16_t>(port);
    return out;
}

// ---- MLLP ----

std::optional<std::string> MllpLine::answer() {
    for (;;) {
        if (auto whole = frames_.next()) return whole;
        auto bytes = line_->receive_some();
        if (!bytes.ok() || bytes->empty() || !frames_.take(*bytes).ok()) return std::nullopt;
    }
}

Told MllpLine::send(std::string_view message) {
    while (message.ends_with('\n')) message.remove_suffix(1);
    if (!line_) {
        auto made = http::Client::connect({.host = to_.host, .port = to_.port, .tls = to_.tls});
        if (!made.ok()) return Told::silence;
        line_.emplace(std::move(made).value());
        frames_ = hl7v2::FrameReader();
    }
    std::optional<std::string> answered;
    if (line_->send_raw(hl7v2::frame(message)).ok()) answered = answer();
    const auto read = answered ? hl7v2::read(*answered, {}) : refuse(IssueCode::transient, "answer", "did not come");
    if (!read.ok()) {
        line_.reset();  // whatever comes later over this line can't be told apart
        return Told::silence;
    }
    for (const hl7v2::Segment& segment : read->segments) {
        if (segment.name != "MSA") continue;
        const std::string_view code = read->field(segment, 1);
        if (code == "AA" || code == "CA") return Told::taken;
        return code == "AE" || code == "CE" ? Told::refused : Told::again;
    }
    line_.reset();
    return Told::silence;
}

// ---- HTTP, and everything together ----

std::optional<http::Response> Carrier::call(const std::string& method, const std::string& target, const std::string& type,
                                            std::string body) {
    if (!client_) {
        auto made =
            http::Client::connect({.host = options_.server.host, .port = options_.server.port, .tls = options_.server.tls});
        if (!made.ok()) return std::nullopt;
        client_.emplace(std::move(made).value());
    }
    http::Request request;
    request.method = method;
    request.target = target;
    request.headers.set("Content-Type", type);
    if (!options_.token.empty()) request.headers.set("Authorization", "Bearer " + options_.token);
    request.body = std::move(body);
    auto answer = client_->send(request);
    if (!answer.ok()) {
        client_.reset();
        return std::nullopt;
    }
    if (answer->status == 401 || answer->status == 403)
        throw std::runtime_error(
            "--token: the server does not let this token look after sources and send, see `xinglin client add`");
    return std::move(answer).value();
}

Told Carrier::post(const Parcel& parcel, const city::Outgoing& message) {
    const std::string type = parcel.format == "hl7v2"            ? "application/hl7-v2"
                             : parcel.format.starts_with("csv:") ? "text/csv"
                             : parcel.format == "fhir"           ? "application/fhir+json"
                                                                 : "application/xml";
    const auto answer = call("POST", "/api/v1/intake/messages?source=" + parcel.source, type, message.head + message.bytes);
    if (!answer) return Told::silence;
    if (answer->status == 429 || answer->status >= 500) return Told::again;
    counts_.duplicates += answer->status == 200;
    return answer->status == 422 ? Told::refused : Told::taken;
}

void Carrier::count(Told told) {
    if (told != Told::taken && told != Told::refused) return;
    ++counts_.sent;
    counts_.refused += told == Told::refused;
}

Told Carrier::deliver(const Parcel& parcel) {
    if (!introduce(parcel)) return Told::silence;
    if (parcel.way == "folder") {
        if (!drop_file(parcel, options_.inbox / parcel.source).ok()) return Told::again;
        for (const city::Outgoing& row : parcel.messages) counts_.sent += static_cast<std::uint64_t>(row.copies);
        return Told::taken;
    }
    const city::Outgoing& message = parcel.messages.front();
    for (int copy = 0; copy < message.copies; ++copy) {
        const Told told = parcel.way == "mllp"
                              ? lines_.try_emplace(parcel.source, *options_.mllp).first->second.send(message.bytes)
                              : post(parcel, message);
        count(told);
        if (told == Told::again || told == Told::silence) return told;
    }
    return Told::taken;
}

bool Carrier::introduce(const Parcel& parcel) {
    if (known_.contains(parcel.source)) return true;
    json::Arena arena;
    std::vector<std::pair<std::string_view, json::Value>> settings{
        {"clock_minutes",
         arena.number(std::int64_t{1'440} * (options_.days_ahead + 366))},  // its calendar is not ours, and faults are meant
        {"ahead_days", arena.number(static_cast<std::int64_t>(options_.days_ahead))}};
    if (parcel.format == "fhir")
        settings.push_back({"keep_ids", arena.boolean(true)});  // it names institutions by the record's ids
    if (parcel.way == "mllp") settings.push_back({"senders", arena.array({arena.string("*^" + parcel.facility)})});
    if (parcel.place)
        settings.push_back({"place", arena.array({arena.number(fmt::format("{:.6f}", (*parcel.place)[0])),
                                                  arena.number(fmt::format("{:.6f}", (*parcel.place)[1]))})});
    const json::Value how = arena.object(settings), kind = arena.string(parcel.way), format = arena.string(parcel.format);
    const json::Value source =
        arena.object({{"id", arena.string(parcel.source)},
                      {"name", arena.string(parcel.name)},
                      {"kind", kind},
                      {"format", format},
                      {"organization", parcel.organization.empty() ? json::Value{} : arena.string(parcel.organization)},
                      {"settings", how}});
    auto answer = call("POST", "/api/v1/intake/sources", "application/json", json::write(source));
    if (answer && answer->status == 409) {  // there already; what an operator set stays, unless it came by another way before
        const std::string target = "/api/v1/intake/sources/" + parcel.source;
        answer = call("GET", target, "application/json", "");
        const auto there = json::parse(answer ? arena.keep(answer->body) : std::string_view("{}"), arena);
        const bool same = there.ok() && (*there)["kind"].string() == parcel.way && (*there)["format"].string() == parcel.format;
        const json::Value changed = arena.object({{"kind", kind}, {"format", format}, {"settings", how}});
        if (answer && !same) answer = call("PUT", target, "application/json", json::write(changed));
    }
    if (!answer || answer->status >= 500) return false;
    if (answer->status >= 400) throw std::runtime_error("source " + parcel.source + ": " + answer->body.substr(0, 400));
    known_.insert(parcel.source);
    return true;
}

bool Carrier::turn(const std::string& source, bool paused) {
    const auto answer = call("PUT", "/api/v1/intake/sources/" + source, "application/json",
                             paused ? R"({"paused":true})" : R"({"paused":false})");
    if (!answer || answer->status >= 500) return false;
    if (answer->status >= 400 && answer->status != 404)  // 404: an operator took it away meanwhile
        throw std::runtime_error("source " + source + ": " + answer->body.substr(0, 400));
    return true;
}

bool Carrier::rest(std::vector<std::string>& resting) {
    const auto answer = call("GET", "/api/v1/intake/sources", "application/json", "");
    if (!answer || answer->status != 200) return false;
    json::Arena arena;
    const auto all = json::parse(answer->body, arena, {.depth = 100, .bytes = answer->body.size() + 1});
    if (!all.ok()) return false;
    for (const json::Node& node : (*all)["sources"].items()) {
        const json::Value source(&node);
        const std::string id(source["id"].string());
        if (source["paused"].as_bool() || !known_.contains(id)) continue;
        if (!turn(id, true)) return false;
        resting.push_back(id);
    }
    return true;
}

bool Carrier::wake(std::vector<std::string>& resting) {
    while (!resting.empty()) {
        if (!turn(resting.back(), false)) return false;
        resting.pop_back();
    }
    return true;
}

}  // namespace xinglin::server
