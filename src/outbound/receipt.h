// SPDX-License-Identifier: Apache-2.0
// Inside the room: what a receiver's answer means. Pure, and never astonished, whatever it sent.
#pragma once

#include <string>
#include <string_view>

#include "http/http.h"
#include "outbound/peer.h"

namespace xinglin::outbound {

constexpr std::size_t most_answer = 16u << 20;  // of HTTP
constexpr std::size_t most_ack = 1u << 20;

/// A line of what the receiver said, for people: cut, without control characters.
std::string said(std::string_view text, std::size_t most = 300);

/// Of a delivery by HTTP. A transaction is accepted when every entry of its response is.
Reply http_receipt(const http::Response& response, const Delivery& delivery, bool is_transaction);
/// Of a message: an HL7 v2 acknowledgement, without its frame. One of another message is none.
Reply message_receipt(std::string_view bytes, std::string_view control_id);
/// Of a file, its receipt called `name`: lines "accepted,12" and "refused,1", then reasons; or a word: AA, OK, AE, AR.
Reply file_receipt(std::string_view text, const std::string& name);

}  // namespace xinglin::outbound
