// SPDX-License-Identifier: Apache-2.0
// Answers of FHIR servers, HL7 v2 acknowledgements and receipts beside files, read and judged.
#include "outbound/receipt.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "hl7v2/hl7v2.h"
#include "text/text.h"

namespace xinglin::outbound {

namespace {

using Kind = Reply::Kind;

/// Of an OperationOutcome: its issues in a line; else the beginning of the body.
std::string words_of(const http::Response& response) {
    json::Arena arena;
    const auto body = json::parse(response.body, arena, {.depth = 60, .bytes = most_answer});
    if (!body.ok() || (*body)["resourceType"].string() != "OperationOutcome")
        return response.headers.get("Content-Type").find("html") == std::string_view::npos ? said(response.body) : "an HTML page";
    std::string all;
    for (const json::Node& node : (*body)["issue"].items()) {
        const json::Value issue(&node);
        std::string_view words = issue["diagnostics"].string();
        if (words.empty()) words = issue["details"]["text"].string();
        if (words.empty()) words = issue["code"].string();
        all += (all.empty() ? "" : "; ") + said(words);
        if (all.size() > 600) break;
    }
    return all;
}

std::int64_t retry_after(const http::Response& response) {
    const std::string_view text = response.headers.get("Retry-After");
    std::int64_t seconds = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (text.empty() || end.ec != std::errc() || end.ptr != text.data() + text.size()) return 0;
    return std::clamp<std::int64_t>(seconds, 0, 86'400) * 1'000;
}

/// Every entry of a transaction must be answered, and well.
Reply entries(const http::Response& response, const Delivery& delivery, Reply reply) {
    json::Arena arena;
    const auto body = json::parse(response.body, arena, {.depth = 60, .bytes = most_answer});
    if (!body.ok() || (*body)["resourceType"].string() != "Bundle" || (*body)["type"].string() != "transaction-response") {
        reply.kind = Kind::failed;
        reply.reason = "answered " + std::to_string(response.status) +
                       " with something that is no transaction-response; is a FHIR server there?";
        return reply;
    }
    std::size_t number = 0;
    for (const json::Node& node : (*body)["entry"].items()) {
        const std::string_view status = json::Value(&node)["response"]["status"].string();
        ++number;
        if (status.starts_with("2")) continue;
        reply.kind = Kind::failed;
        reply.where = fmt::format("entry {}", number);
        reply.reason = "was answered " + said(status, 60);
        return reply;
    }
    if (number == 0 || number > static_cast<std::size_t>(std::max<std::int64_t>(delivery.items, 1))) {
        reply.kind = Kind::failed;
        reply.reason = fmt::format("answered {} entries for {} sent", number, delivery.items);
        return reply;
    }
    reply.receipt += fmt::format(", {} entries", number);
    return reply;
}

std::int64_t number_in(std::string_view line) {
    const std::size_t at = line.find_first_of("0123456789");
    std::int64_t number = 0;
    if (at == std::string_view::npos) return -1;
    const auto end = std::from_chars(line.data() + at, line.data() + line.size(), number);
    return end.ec == std::errc() ? number : -1;
}

}  // namespace

std::string said(std::string_view text, std::size_t most) {
    std::string out(text.substr(0, most));
    while (!out.empty() && !text::is_utf8(out)) {
        if (out.size() + 4 < std::min(text.size(), most)) return "(unreadable)";
        out.pop_back();
    }
    std::replace_if(
        out.begin(), out.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
    return out;
}

Reply http_receipt(const http::Response& response, const Delivery& delivery, bool is_transaction) {
    const int status = response.status;
    Reply reply{.where = fmt::format("HTTP {}", status), .receipt = fmt::format("HTTP {}", status)};
    if (status >= 200 && status < 300) return is_transaction ? entries(response, delivery, reply) : reply;
    const std::string words = words_of(response);
    reply.receipt += words.empty() ? "" : ": " + words;
    reply.retry_after_ms = retry_after(response);
    reply.reason = words.empty() ? "the receiver gave no reason" : words;
    if (status >= 300 && status < 400) {
        reply.reason = "the receiver sends elsewhere (" + said(response.headers.get("Location"), 200) +
                       "); redirects are not followed, write the right address into the channel";
        reply.kind = Kind::down;
    } else if (status == 429 || status == 503 || status == 502 || status == 504) {
        reply.kind = Kind::down;
    } else if (status == 401 || status == 403 || status == 404 || status == 405) {
        reply.kind = Kind::down;  // about the address or the login, not about the delivery
    } else if (status >= 500 || status == 408 || status == 409 || status == 425) {
        reply.kind = Kind::failed;
    } else {
        reply.kind = Kind::refused;
    }
    return reply;
}

Reply message_receipt(std::string_view bytes, std::string_view control_id) {
    const auto ack = hl7v2::read(bytes, {});
    if (!ack.ok()) return {Kind::failed, "acknowledgement", "cannot be read: " + said(ack.outcome().line())};
    const hl7v2::Segment* msa = ack->find("MSA");
    if (msa == nullptr) return {Kind::failed, "acknowledgement", "has no MSA segment"};
    const std::string code(ack->field(*msa, 1)), id(ack->field(*msa, 2));
    std::string words = hl7v2::unescape(ack->field(*msa, 3), ack->delimiters);
    if (const hl7v2::Segment* error = ack->find("ERR")) {
        for (const std::uint32_t field : {8u, 7u, 3u, 1u}) {
            if (!words.empty()) break;
            words = hl7v2::unescape(ack->field(*error, field), ack->delimiters);
        }
    }
    Reply reply{.where = "MSA-1",
                .reason = said(words),
                .receipt = fmt::format("MSA|{}|{}|{}", said(code, 8), said(id, 60), said(words))};
    if (id != control_id) {
        reply.kind = Kind::failed;
        reply.where = "MSA-2";
        reply.reason = fmt::format("acknowledges {}, not {}", id.empty() ? "(nothing)" : said(id, 60), control_id);
    } else if (code == "AA" || code == "CA") {
        reply.kind = Kind::accepted;
    } else {  // AE and AR alike: receivers say either when their database is away for a minute
        reply.kind = Kind::failed;
        if (code != "AE" && code != "CE" && code != "AR" && code != "CR")
            reply.reason = "is " + said(code, 8) + ", no code that HL7 knows";
    }
    if (reply.kind != Kind::accepted && reply.reason.empty())
        reply.reason = "the receiver gave no reason with its " + said(code, 8);
    return reply;
}

Reply file_receipt(std::string_view text, const std::string& name) {
    Reply reply{.where = name, .receipt = name};
    std::int64_t accepted = -1, refused = 0;
    std::string reasons;
    bool is_bad = false;
    for (std::string_view line : text::split(text, '\n')) {
        while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
        const std::string word = text::lower_ascii(line.substr(0, line.find_first_of(",:= |")));
        if (word == "accepted") accepted = number_in(line);
        else if (word == "refused" || word == "rejected") refused = number_in(line);
        else if (word == "aa" || word == "ok" || word == "ca") accepted = std::max<std::int64_t>(accepted, 0);
        else if (word == "ae" || word == "ar" || word == "ce" || word == "cr" || word == "error")
            is_bad = true, reasons += said(line) + "; ";
        else if (!line.empty() && reasons.size() < 600) reasons += said(line) + "; ";
    }
    if (reasons.size() > 2) reasons.resize(reasons.size() - 2);
    reply.receipt += fmt::format(": accepted {}, refused {}", accepted < 0 ? 0 : accepted, refused);
    if (accepted >= 0 && refused == 0 && !is_bad) return reply;
    reply.kind = Kind::refused;
    if (accepted < 0 && refused == 0 && !is_bad)
        reply.reason = "the receipt says neither accepted nor refused; it has lines accepted,N and refused,N, or AA";
    else
        reply.reason = fmt::format("the receiver refused {} of it{}{}", refused > 0 ? std::to_string(refused) : "some",
                                   reasons.empty() ? "" : ": ", reasons);
    return reply;
}

}  // namespace xinglin::outbound
