// SPDX-License-Identifier: Apache-2.0
// Minimal lower layer protocol (HL7 transport specification: MLLP, release 1).
#include <fmt/format.h>

#include "hl7v2/hl7v2.h"

namespace xinglin::hl7v2 {

namespace {
constexpr char start = '\x0B', end = '\x1C', close = '\r';
}

std::string frame(std::string_view message) {
    std::string out;
    out.reserve(message.size() + 3);
    out += start;
    out += message;
    out += end;
    out += close;
    return out;
}

Result<Done> FrameReader::take(std::string_view bytes) {
    if (at_ > 0 && at_ >= buffer_.size() / 2) {  // what is handed out makes room
        buffer_.erase(0, at_);
        scanned_ -= std::min(scanned_, at_);
        at_ = 0;
    }
    // A reader that hands out as it takes holds one message and what follows it in one read.
    if (buffer_.size() - at_ + bytes.size() > limit_ + (1u << 20))
        return refuse(IssueCode::too_costly, "message", fmt::format("is larger than {} bytes, send it in parts", limit_));
    buffer_ += bytes;
    if (inside_ || at_ >= buffer_.size()) return Done{};
    const std::size_t found = buffer_.find_first_not_of(" \t\r\n", at_);
    if (found != std::string::npos && buffer_[found] != start)
        return refuse(IssueCode::structure, "frame", "a message must begin with the byte 0B and end with 1C 0D (MLLP)");
    return Done{};
}

std::optional<std::string> FrameReader::next() {
    if (!inside_) {
        const std::size_t found = buffer_.find(start, at_);
        if (found == std::string::npos) return std::nullopt;
        at_ = found + 1;
        scanned_ = at_;
        inside_ = true;
    }
    // Some senders leave the CR out: FS followed by the next VT, or by nothing more, ends the message as well.
    const std::size_t stop = buffer_.find(end, std::max(scanned_, at_));
    if (stop == std::string::npos) {
        scanned_ = buffer_.size();
        return std::nullopt;
    }
    std::string message = buffer_.substr(at_, stop - at_);
    at_ = stop + 1;
    if (at_ < buffer_.size() && buffer_[at_] == close) ++at_;
    scanned_ = at_;
    inside_ = false;
    return message;
}

}  // namespace xinglin::hl7v2
