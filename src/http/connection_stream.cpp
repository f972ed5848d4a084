// SPDX-License-Identifier: Apache-2.0
// Bodies that come in pieces: one piece at a time, and the next one only when the socket has drained.
#include "http/connection.h"
#include "http/stream.h"

namespace xinglin::http {
namespace {

/// Makes one piece, on a worker thread. Whatever happens, the connection hears of it.
void make_piece(const std::shared_ptr<Stream>& source, AnswerDesk& desk, ConnectionName connection, std::uint64_t request,
                const std::function<void(std::string_view)>& log) {
    Piece piece;
    std::string problem;
    try {
        piece.bytes = source->next();
        piece.kind = piece.bytes.empty() ? Piece::Kind::end : Piece::Kind::some;
    } catch (const std::exception& error) {
        problem = error.what();
        piece.kind = Piece::Kind::broken;
    } catch (...) {
        problem = "not a std::exception";
        piece.kind = Piece::Kind::broken;
    }
    if (!problem.empty() && log) log(fmt::format("http: a body broke off: {}", problem));
    desk.deliver(connection, request, std::move(piece));
}

}  // namespace

void Connection::begin_stream(Pending& pending) {
    Response& response = pending.response;
    Streaming& streaming = streaming_.emplace(Streaming{});
    streaming.source = std::move(response.stream);
    streaming.channel = std::move(response.channel);
    streaming.chunked = !pending.http_1_0;
    if (streaming.source && streaming.source->length) {
        streaming.left = *streaming.source->length;
        streaming.chunked = false;
    } else if (pending.http_1_0) {
        pending.close = true;
    }
    if (streaming.channel) {
        if (loop_.is_winding_down()) streaming.channel->end();
        const auto place = static_cast<std::uint64_t>(&pending - pending_.data());
        streaming.channel->attach(loop_.shared_from_this(), name_, first_pending_ + place);
    }
}

/// Called with nothing left to send. True when there is something again, or the body is complete; false when it is waited for.
bool Connection::go_on_streaming() {
    if (streaming_->channel) {
        if (read_ended_) {  // nobody listens to an endless body with a closed ear
            streaming_->broken = true;
            return true;
        }
        std::string news;
        const bool more = streaming_->channel->take(news);
        add_piece(std::move(news));
        if (!more) end_stream();
        return !more || !output_.empty();
    }
    if (streaming_->left == 0u) {
        end_stream();
        return true;
    }
    if (streaming_->asked) return false;
    streaming_->asked = true;
    const std::uint64_t request = first_pending_;
    const ConnectionName name = name_;
    const bool taken = loop_.surroundings.workers.submit(
        [source = streaming_->source, desk = loop_.shared_from_this(), name, request, log = loop_.surroundings.options.log] {
            make_piece(source, *desk, name, request, log);
        });
    streaming_->broken = !taken;
    return !taken;
}

void Connection::piece(std::uint64_t request, Piece piece) {
    if (!streaming_ || request != first_pending_) return;
    if (piece.kind == Piece::Kind::broken) streaming_->broken = true;
    if (streaming_->source) {
        streaming_->asked = false;
        if (streaming_->left) {
            const bool fits = piece.kind == Piece::Kind::some && piece.bytes.size() <= *streaming_->left;
            if (!fits && !streaming_->broken) loop_.log("http: a body broke off: it is not as long as it was said to be");
            if (!fits) streaming_->broken = true;
            if (fits) *streaming_->left -= piece.bytes.size();
        }
        if (piece.kind == Piece::Kind::some && !streaming_->broken) add_piece(std::move(piece.bytes));
        if (piece.kind == Piece::Kind::end && !streaming_->broken) end_stream();
    }
    pump();
}

void Connection::add_piece(std::string bytes) {
    if (bytes.empty()) return;
    if (streaming_->chunked) {
        begin_output() += fmt::format("{:x}\r\n", bytes.size());
        output_.grown();
    } else {
        begin_output();
    }
    output_.add(std::move(bytes));
    if (streaming_->chunked) {
        output_.tail() += "\r\n";
        output_.grown();
    }
}

void Connection::end_stream() {
    if (streaming_->chunked) {
        begin_output() += "0\r\n\r\n";
        output_.grown();
    }
    leave_stream();
    const bool last = pending_.front().close;
    forget(last ? pending_.size() : 1);
    if (last) reading_over_ = true;
}

void Connection::leave_stream() {
    if (streaming_ && streaming_->channel) streaming_->channel->detach();
    streaming_.reset();
}

/// A reset: nobody may take what has arrived for the whole.
void Connection::break_off() {
    const linger at_once{1, 0};  // set past Asio, which would take it back when it closes
    ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

}  // namespace xinglin::http
