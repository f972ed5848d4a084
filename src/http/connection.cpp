// SPDX-License-Identifier: Apache-2.0
// Readiness, not completion: Asio says when a socket can be read or written, the bytes move by plain system calls. An idle
// connection so holds no buffer, TLS needs no second kind of connection, and a batch of answers leaves in one write.
#include "http/connection.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "http/field_text.h"
#include "http/gzip.h"
#include "http/stream.h"
#include "http/trace.h"

namespace xinglin::http {
namespace {

constexpr std::size_t pipeline_limit = 32;
constexpr std::size_t pending_bytes_limit = 1u << 20;  // bodies taken and not answered, before another request is read
constexpr std::size_t output_limit = 1u << 20;
constexpr std::size_t slowest_bytes_per_second = 64u << 10;
constexpr int rounds_per_turn = 16;
constexpr std::chrono::seconds linger_time{2};
constexpr std::chrono::seconds patience_in_a_crowd{2};
constexpr std::size_t small_answer = 16u << 10;

bool is_safe(std::string_view method) { return method == "GET" || method == "HEAD" || method == "OPTIONS"; }

std::chrono::seconds earned(std::size_t bytes) { return std::chrono::seconds(bytes / slowest_bytes_per_second); }

}  // namespace

Connection::Connection(Loop& loop, ConnectionName name, Socket socket, const std::string& peer, bool turn_away)
    : loop_(loop),
      name_(name),
      turned_away_(turn_away),
      socket_(std::move(socket)),
      transport_(socket_.native_handle(), loop.surroundings.tls),
      reader_(loop.surroundings.options, peer, loop.surroundings.tls != nullptr ? "https" : "http"),
      phase_since_(Clock::now()) {
    loop_.tally.connections_total.add();
    loop_.tally.connections_open.add();
    if (turn_away) {
        ++loop_.turned_away;
        loop_.tally.refused_busy.add();
        refuse({503, "transient", "the server has as many connections as it can take; try again in a moment"}, false);
    }
}

Connection::~Connection() {
    leave_stream();
    loop_.surroundings.unsent -= counted_;
    loop_.tally.connections_open.take();
    if (turned_away_) --loop_.turned_away;
    for (const Pending& pending : pending_) {
        if (pending.handed_on && !pending.answered) loop_.tally.in_flight.take();
    }
}

void Connection::pump() {
    if (pumping_) {  // a quick handler answered while we were at it
        pump_again_ = true;
        return;
    }
    pumping_ = true;
    yielding_ = false;
    rounds_ = 0;
    bool alive = false;
    try {
        do {
            pump_again_ = false;
            alive = step();
        } while (alive && pump_again_);
    } catch (const std::exception& error) {
        loop_.log(fmt::format("http: a connection is dropped: {}", error.what()));
        alive = false;
    }
    pumping_ = false;
    if (alive) {
        count_unsent();
        arm();
    } else {
        loop_.close(name_);
    }
}

void Connection::ready(bool to_write) {
    (to_write ? waits_to_write_ : waits_to_read_) = false;
    pump();
}

/// False when the connection is at its end.
bool Connection::step() {
    wants_read_ = wants_write_ = false;
    if (!shaken_) {
        const Transport::Got got = transport_.shake_hands();
        if (got == Transport::Got::later) (transport_.wants_write() ? wants_write_ : wants_read_) = true;
        if (got != Transport::Got::some) {
            note_phase();
            return got == Transport::Got::later;
        }
        shaken_ = true;
        if (loop_.surroundings.options.tls_asks_clients) reader_.set_certificate(transport_.peer_certificate());
    }
    if (lingering_) return drain();
    for (;;) {
        stalled_ = take_input();
        do {
            settle();
            if (!send()) return false;
        } while (output_.empty() && has_more_to_say());
        if (streaming_ && streaming_->broken) {
            break_off();
            return false;
        }
        if (!stalled_ || yielding_ || !may_take()) break;
    }
    if (owes_nothing() && (reading_over_ || read_ended_)) {
        if (read_ended_ || (loop_.is_winding_down() && reader_.state() == RequestReader::State::between)) return false;
        transport_.end_writing();  // closing with unread bytes would reset the connection and lose the answer
        lingering_ = true;
        note_phase();
        return drain();
    }
    note_phase();
    return true;
}

/// After everything was sent: an answer held back behind large ones, or the next part of one.
bool Connection::has_more_to_say() {
    if (streaming_) return !streaming_->broken && go_on_streaming();
    return !pending_.empty() && pending_.front().answered;
}

bool Connection::may_take() const {
    return !reading_over_ && !read_ended_ && !parked_ && !changing_ && pending_.size() < pipeline_limit &&
           pending_bytes_ < pending_bytes_limit && output_.size() < output_limit;
}

/// Reads and hands on requests. True when it stopped because we are full, not because the client is silent.
bool Connection::take_input() {
    if (!input_.empty() && stalled_ && may_take()) input_.erase(0, parse(input_));
    while (may_take()) {
        if (++rounds_ > rounds_per_turn) {
            yielding_ = true;
            return true;
        }
        std::size_t got = 0;
        const Transport::Got result = transport_.read(loop_.scratch.data(), loop_.scratch.size(), got);
        if (result == Transport::Got::later) {
            (transport_.wants_write() ? wants_write_ : wants_read_) = true;
            return false;
        }
        if (result != Transport::Got::some) {
            read_ended_ = true;
            return false;
        }
        loop_.tally.bytes_in.add(got);
        phase_bytes_ += got;
        phase_progress_ = Clock::now();
        const std::string_view bytes(loop_.scratch.data(), got);
        if (input_.empty()) {
            input_ = bytes.substr(parse(bytes));
        } else {
            input_ += bytes;
            input_.erase(0, parse(input_));
        }
        if (got < loop_.scratch.size() && !transport_.is_secure() && may_take()) {
            wants_read_ = true;  // there was no more: spares a call that would say so
            return false;
        }
    }
    return true;
}

std::size_t Connection::parse(std::string_view bytes) {
    std::size_t used = 0;
    while (used < bytes.size() && may_take()) {
        used += reader_.take(bytes.substr(used));
        if (reader_.state() == RequestReader::State::refused) {
            refuse(reader_.refusal(), reader_.is_fhir());
            return bytes.size();
        }
        if (reader_.state() != RequestReader::State::done) break;
        accept_request();
        reader_.next();
        continued_ = first_request_ = false;
        phase_ = Phase::none;
    }
    return used;
}

void Connection::accept_request() {
    Request& request = reader_.request();
    Pending& pending = pending_.emplace_back();
    pending.head = reader_.is_head();
    pending.http_1_0 = reader_.is_http_1_0();
    pending.close = !reader_.keeps_alive();
    pending.trace_id = request.trace_id;
    pending.body_bytes = request.body.size();
    pending.since = Clock::now();
    const std::string_view traceparent = request.headers.get("traceparent");
    if (!trace_id_of(traceparent).empty()) pending.traceparent = answering_traceparent(traceparent);
    pending_bytes_ += pending.body_bytes;
    if (pending.close) reading_over_ = true;
    loop_.tally.requests.add();

    Job job;
    const std::uint64_t number = first_pending_ + pending_.size() - 1;
    job.ticket =
        std::make_shared<Ticket>(loop_.shared_from_this(), name_, number, accepts_gzip(request.headers.get("Accept-Encoding")),
                                 reader_.is_fhir(), request.trace_id);
    job.packed = reader_.body_is_packed();
    job.body_limit = reader_.body_limit();
    job.request = std::move(request);
    const bool waits = !is_safe(job.request.method) && unanswered_ > 0;
    ++unanswered_;
    if (waits) {
        parked_ = std::move(job);
    } else {
        hand_on(std::move(job));
    }
}

void Connection::hand_on(Job job) {
    const Surroundings& surroundings = loop_.surroundings;
    changing_ = !is_safe(job.request.method);
    pending_.back().handed_on = true;
    loop_.tally.in_flight.add();
    if (!job.packed && surroundings.options.quick && surroundings.options.quick(job.request)) {
        run(surroundings.handler, surroundings.options.log, std::move(job));
        return;
    }
    if (surroundings.workers.submit(job)) return;
    loop_.tally.refused_busy.add();
    Response busy = error_response(503, "transient", "the server has more to do than it can queue; try again in a moment",
                                   job.request.path.starts_with("/fhir"));
    busy.headers.add("Retry-After", "1");
    job.ticket->answer(std::move(busy));
}

void Connection::refuse(const Refusal& refusal, bool fhir) {
    reading_over_ = true;
    loop_.tally.requests.add();
    Pending& pending = pending_.emplace_back();
    pending.close = true;
    pending.answered = true;
    pending.head = reader_.is_head();
    pending.trace_id = fresh_trace_id();
    pending.response = error_response(refusal.status, refusal.code, refusal.what, fhir);
    if (refusal.status == 503) pending.response.headers.add("Retry-After", "1");
    if (refusal.status == 415) pending.response.headers.add("Accept-Encoding", "gzip");
    loop_.tally.answered(refusal.status, {});
}

void Connection::answer(std::uint64_t request, Response response) {
    if (request < first_pending_ || request - first_pending_ >= pending_.size()) return;
    Pending& pending = pending_[request - first_pending_];
    if (pending.answered) return;
    if (shed(response)) loop_.tally.refused_busy.add();
    pending.answered = true;
    pending.response = std::move(response);
    loop_.tally.in_flight.take();
    loop_.tally.answered(pending.response.status, Clock::now() - pending.since);
    --unanswered_;
    if (unanswered_ == 0) changing_ = false;
    pump();
}

/// Says that there is no room for a large answer, instead of it. Never of a request that changed something: that would be a lie.
bool Connection::shed(Response& response) const {
    const bool full = loop_.surroundings.unsent.load(std::memory_order_relaxed) > 2 * loop_.surroundings.options.unsent_bytes;
    if (!full || changing_ || response.body.size() <= small_answer) return false;
    response = error_response(503, "transient", "too many answers wait for clients that do not read them; try again in a moment",
                              response.headers.get("Content-Type").starts_with("application/fhir"));
    response.headers.add("Retry-After", "1");
    return true;
}

/// Starts what may start now and writes the answers whose turn it is.
void Connection::settle() {
    if (parked_ && unanswered_ == 1) {
        Job job = std::move(*parked_);
        parked_.reset();
        hand_on(std::move(job));
    }
    std::size_t written = 0;
    bool last = false;
    while (!last && !streaming_ && written < pending_.size() && pending_[written].answered && output_.size() < output_limit) {
        write_answer(pending_[written]);
        if (streaming_) break;  // its place in the queue is kept until the body is complete
        last = pending_[written++].close;
    }
    forget(last ? pending_.size() : written);  // nothing is sent behind an answer that closes
    if (last) reading_over_ = true;

    if (reader_.state() == RequestReader::State::body && reader_.expects_continue() && !continued_ && pending_.empty() &&
        !reading_over_) {
        begin_output() += "HTTP/1.1 100 Continue\r\n\r\n";
        output_.grown();
        continued_ = true;
    }
}

void Connection::forget(std::size_t answers) {
    for (std::size_t i = 0; i < answers; ++i) {
        const Pending& pending = pending_[i];
        pending_bytes_ -= pending.body_bytes;
        if (pending.answered) continue;
        --unanswered_;
        if (pending.handed_on) loop_.tally.in_flight.take();
    }
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(answers));
    first_pending_ += answers;
    if (pending_.empty()) parked_.reset();
}

std::string& Connection::begin_output() {
    if (output_.empty()) {
        write_since_ = write_progress_ = Clock::now();
        written_bytes_ = 0;
    }
    return output_.tail();
}

void Connection::write_answer(Pending& pending) {
    const bool last_one = loop_.is_winding_down() && pending_.size() == 1;
    const bool streams = pending.response.stream || pending.response.channel;
    if (streams && pending.http_1_0 && !(pending.response.stream && pending.response.stream->length)) pending.close = true;
    if (last_one || list_has(pending.response.headers.get("Connection"), "close")) pending.close = true;
    const AnswerFrame frame{pending.head, pending.http_1_0, pending.close, pending.trace_id, pending.traceparent};
    write_head(begin_output(), pending.response, frame, loop_.date());
    output_.grown();
    if (!sends_body(pending.response, frame)) {
        if (pending.response.channel) pending.response.channel->detach();
        return;
    }
    if (streams) {
        begin_stream(pending);
    } else {
        output_.add(std::move(pending.response.body));
    }
}

/// False when the client is gone.
bool Connection::send() {
    while (!output_.empty()) {
        std::size_t sent = 0;
        const auto pieces = output_.pieces(loop_.gathered, 16);
        const Transport::Got got = transport_.write(pieces, sent);
        if (got == Transport::Got::later) {
            (transport_.wants_write() ? wants_write_ : wants_read_) = true;
            return true;
        }
        if (got != Transport::Got::some) return false;
        output_.sent(sent);
        written_bytes_ += sent;
        write_progress_ = Clock::now();
        loop_.tally.bytes_out.add(sent);
    }
    return true;
}

/// Swallows what the client still sends until it ends too. False at the end.
bool Connection::drain() {
    for (int round = 0; round < rounds_per_turn; ++round) {
        const Transport::Got got = transport_.discard(loop_.scratch.data(), loop_.scratch.size());
        if (got == Transport::Got::end || got == Transport::Got::broken) return false;
        if (got == Transport::Got::later) {
            wants_read_ = true;
            return true;
        }
    }
    yielding_ = true;
    return true;
}

void Connection::arm() {
    if (yielding_) {
        loop_.go_on_later(name_);
        return;
    }
    if (wants_read_ && !waits_to_read_) {
        waits_to_read_ = true;
        loop_.wait(socket_, name_, false);
    }
    if (wants_write_ && !waits_to_write_) {
        waits_to_write_ = true;
        loop_.wait(socket_, name_, true);
    }
}

void Connection::count_unsent() {
    std::size_t bytes = output_.size();
    for (const Pending& pending : pending_) bytes += pending.answered ? pending.response.body.size() : 0;
    if (bytes == counted_) return;
    loop_.surroundings.unsent += bytes - counted_;  // modulo 2^64, also when it is less
    counted_ = bytes;
}

/// The client takes nothing of what is sent to it. In a crowd that is asked of the kernel, whose buffer hides a slow reader.
bool Connection::is_stuck(Clock::time_point now) {
    const ServerOptions& options = loop_.surroundings.options;
    if (now > write_progress_ + options.write_timeout) return true;
    if (now > write_since_ + options.write_timeout + earned(written_bytes_)) return true;
    if (loop_.surroundings.unsent.load(std::memory_order_relaxed) <= options.unsent_bytes) return false;
    int waiting = 0;
    if (::ioctl(socket_.native_handle(), SIOCOUTQ, &waiting) == 0 && std::exchange(in_kernel_, waiting) > waiting)
        write_progress_ = now;
    return now > write_progress_ + patience_in_a_crowd;
}

/// Which clock runs against the client now.
void Connection::note_phase() {
    Phase phase = Phase::none;
    if (lingering_) {
        phase = Phase::linger;
    } else if (!shaken_) {
        phase = Phase::header;
    } else if (may_take()) {
        const RequestReader::State state = reader_.state();
        if (state == RequestReader::State::body) phase = Phase::body;
        if (state == RequestReader::State::header) phase = Phase::header;
        if (state == RequestReader::State::between && pending_.empty()) phase = first_request_ ? Phase::header : Phase::idle;
    }
    if (phase == Phase::idle && input_.capacity() > 4096) input_ = std::string();
    if (phase == phase_) return;
    phase_ = phase;
    phase_since_ = phase_progress_ = Clock::now();
    phase_bytes_ = 0;
}

void Connection::check_time(Clock::time_point now) {
    const ServerOptions& options = loop_.surroundings.options;
    if (!output_.empty() && is_stuck(now)) return loop_.close(name_);
    switch (phase_) {
        case Phase::none: return;
        case Phase::idle:
            if (now > phase_since_ + options.idle_timeout) loop_.close(name_);
            return;
        case Phase::linger:
            if (now > phase_since_ + linger_time) loop_.close(name_);
            return;
        case Phase::header:
            if (now <= phase_since_ + options.header_timeout) return;
            if (!shaken_ || reader_.state() == RequestReader::State::between) return loop_.close(name_);
            break;
        case Phase::body:
            if (now <= phase_progress_ + options.body_timeout &&
                now <= phase_since_ + options.body_timeout + earned(phase_bytes_))
                return;
            break;
    }
    refuse({408, "transient", "the request did not arrive in time"}, reader_.is_fhir());
    pump();
}

void Connection::wind_down() {
    if (pumping_) return;
    if (!shaken_) return loop_.close(name_);
    reading_over_ = true;
    if (streaming_ && streaming_->channel) {  // it would go on for ever
        const std::shared_ptr<Channel> channel = streaming_->channel;
        channel->end();  // comes back to us, and may be our end
        return;
    }
    pump();
}

}  // namespace xinglin::http
