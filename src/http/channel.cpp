// SPDX-License-Identifier: Apache-2.0
// A letter box between whoever has news and the one connection that sends them.
#include "http/stream.h"
#include "http/ticket.h"

namespace xinglin::http {

struct Channel::Place {
    std::shared_ptr<AnswerDesk> desk;  // shared: news may come after the server is gone
    ConnectionName connection;
    std::uint64_t request = 0;
};

Channel::Channel() = default;
Channel::~Channel() = default;

bool Channel::send(std::string_view bytes) {
    {
        const std::lock_guard lock(mutex_);
        if (gone_ || ended_) return false;
        if (waiting_.size() + bytes.size() > behind_most) {
            gone_ = true;
            waiting_ = std::string();
        } else {
            waiting_ += bytes;
        }
    }
    wake();
    return !is_over();
}

void Channel::end() {
    {
        const std::lock_guard lock(mutex_);
        ended_ = true;
    }
    wake();
}

bool Channel::is_over() const {
    const std::lock_guard lock(mutex_);
    return gone_ || ended_;
}

std::string Channel::waiting() const {
    const std::lock_guard lock(mutex_);
    return waiting_;
}

/// The connection is told once and then comes for all there is.
void Channel::wake() {
    Place to;
    {
        const std::lock_guard lock(mutex_);
        if (!place_ || told_) return;
        told_ = true;
        to = *place_;
    }
    to.desk->deliver(to.connection, to.request, Piece{});
}

void Channel::attach(std::shared_ptr<AnswerDesk> desk, const ConnectionName& connection, std::uint64_t request) {
    const std::lock_guard lock(mutex_);
    place_ = std::make_unique<Place>(Place{std::move(desk), connection, request});
}

void Channel::detach() {
    const std::lock_guard lock(mutex_);
    place_.reset();
    gone_ = true;
    waiting_ = std::string();
}

bool Channel::take(std::string& to) {
    const std::lock_guard lock(mutex_);
    told_ = false;
    to.clear();
    to.swap(waiting_);
    return !ended_ && !gone_;
}

}  // namespace xinglin::http
