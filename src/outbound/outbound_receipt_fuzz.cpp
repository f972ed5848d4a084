// SPDX-License-Identifier: Apache-2.0
// Receipts from peers: the first letter says of which kind (M message, H HTTP, F file), the rest is what came.
#include <algorithm>

#include "outbound/receipt.h"
#include "text/text.h"

namespace {

using xinglin::outbound::Delivery;
using xinglin::outbound::Reply;

/// What is kept of a receipt is text for people, of bounded length; who is not accepted is told why.
void check(const Reply& reply) {
    for (const std::string* each : {&reply.where, &reply.reason, &reply.receipt}) {
        if (!xinglin::text::is_utf8(*each) || each->size() > 4'096) __builtin_trap();
    }
    if (reply.kind != Reply::Kind::accepted && (reply.reason.empty() || reply.where.empty())) __builtin_trap();
    if (reply.retry_after_ms < 0 || reply.retry_after_ms > 86'400'000) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (text.size() < 2) return 0;
    const std::string_view rest = text.substr(1);
    if (text[0] == 'M') {
        const Reply reply = xinglin::outbound::message_receipt(rest, "ABCDEF1");
        check(reply);
        if (reply.kind == Reply::Kind::accepted && rest.find("ABCDEF1") == std::string_view::npos) {
            // Only in another encoding could it stand there unseen.
            if (xinglin::text::is_utf8(rest) && rest.find('\0') == std::string_view::npos) __builtin_trap();
        }
    } else if (text[0] == 'F') {
        check(xinglin::outbound::file_receipt(rest, "a.csv.ack"));
    } else {
        Delivery delivery;
        delivery.items = 2;
        const std::size_t line = std::min(rest.find('\n'), rest.size());
        xinglin::http::Response response = xinglin::http::Response::text(
            100 + static_cast<unsigned char>(rest[0]) * 2, line > 1 && rest[1] == 'h' ? "text/html" : "application/fhir+json",
            std::string(rest.substr(std::min(line + 1, rest.size()))));
        response.headers.set("Retry-After", std::string(rest.substr(1, line > 1 ? line - 1 : 0)));
        for (const bool is_transaction : {false, true}) {
            const Reply reply = xinglin::outbound::http_receipt(response, delivery, is_transaction);
            check(reply);
            if (reply.kind == Reply::Kind::accepted && (response.status < 200 || response.status > 299)) __builtin_trap();
        }
    }
    return 0;
}
