// SPDX-License-Identifier: Apache-2.0
// One piece and its capacity are kept when all is sent, so that a quiet keep-alive connection allocates nothing per answer.
#include "http/output.h"

namespace xinglin::http {
namespace {
constexpr std::size_t copy_below = 16 << 10;
constexpr std::size_t piece_at_most = 64 << 10;
constexpr std::size_t keep_at_most = 8 << 10;
}  // namespace

std::string& Output::tail() {
    if (!tail_open_ || pieces_.empty() || pieces_.back().size() > piece_at_most) {
        pieces_.emplace_back();
        tail_open_ = true;
    }
    tail_before_ = pieces_.back().size();
    return pieces_.back();
}

void Output::grown() { size_ += pieces_.back().size() - tail_before_; }

void Output::add(std::string body) {
    if (body.empty()) return;
    if (body.size() < copy_below) {
        tail() += body;
        grown();
        return;
    }
    size_ += body.size();
    pieces_.push_back(std::move(body));
    tail_open_ = false;
}

std::span<const iovec> Output::pieces(std::vector<iovec>& room, std::size_t limit) const {
    room.clear();
    for (std::size_t i = first_; i < pieces_.size() && room.size() < limit; ++i) {
        const std::size_t skip = i == first_ ? offset_ : 0;
        if (pieces_[i].size() == skip) continue;
        room.push_back({const_cast<char*>(pieces_[i].data()) + skip, pieces_[i].size() - skip});
    }
    return room;
}

void Output::sent(std::size_t bytes) {
    size_ -= bytes;
    if (size_ == 0) {
        pieces_.resize(1);
        if (pieces_[0].capacity() > keep_at_most) pieces_[0] = std::string();
        pieces_[0].clear();
        first_ = offset_ = 0;
        tail_open_ = true;
        return;
    }
    bytes += offset_;
    while (bytes >= pieces_[first_].size()) {
        bytes -= pieces_[first_].size();
        pieces_[first_++] = std::string();
    }
    offset_ = bytes;
}

}  // namespace xinglin::http
