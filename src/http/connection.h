// SPDX-License-Identifier: Apache-2.0
// One client: reads its requests, hands them on, sends the answers in order, and ends in time. Within this room only.
#pragma once

#include <optional>

#include "http/loop.h"
#include "http/output.h"
#include "http/request_reader.h"

namespace xinglin::http {

/// Lives and dies on its loop's thread. Most calls may end with the connection closed and destroyed: touch nothing after.
class Connection {
public:
    using Clock = Loop::Clock;

    Connection(Loop& loop, ConnectionName name, Socket socket, const std::string& peer, bool turn_away);
    ~Connection();

    /// Does everything that can be done now, then waits for the socket.
    void pump();
    void ready(bool to_write);
    void answer(std::uint64_t request, Response response);
    void piece(std::uint64_t request, Piece piece);
    void check_time(Clock::time_point now);
    /// Takes no further request; ends after the answers owed.
    void wind_down();

private:
    /// A request whose answer is not written yet.
    struct Pending {
        bool head = false, http_1_0 = false, close = false, answered = false, handed_on = false;
        std::string trace_id, traceparent;
        std::size_t body_bytes = 0;
        Clock::time_point since;
        Response response;
    };
    /// The answer whose body is on its way in pieces: always that of the oldest request.
    struct Streaming {
        std::shared_ptr<Stream> source;
        std::shared_ptr<Channel> channel;
        std::optional<std::uint64_t> left;  // of a known length
        bool chunked = false;
        bool asked = false;  // a worker makes the next piece
        bool broken = false;
    };
    enum class Phase { none, idle, header, body, linger };

    bool step();
    bool take_input();
    std::size_t parse(std::string_view bytes);
    bool may_take() const;
    bool has_more_to_say();
    void accept_request();
    void hand_on(Job job);
    void refuse(const Refusal& refusal, bool fhir);
    void settle();
    void write_answer(Pending& pending);
    void forget(std::size_t answers);
    void begin_stream(Pending& pending);
    bool go_on_streaming();
    void add_piece(std::string bytes);
    void end_stream();
    void leave_stream();
    void break_off();
    std::string& begin_output();
    bool send();
    bool drain();
    void arm();
    void note_phase();
    void count_unsent();
    bool is_stuck(Clock::time_point now);
    bool shed(Response& response) const;
    bool owes_nothing() const { return pending_.empty() && output_.empty(); }

    Loop& loop_;
    const ConnectionName name_;
    const bool turned_away_;
    Socket socket_;
    Transport transport_;
    RequestReader reader_;
    std::string input_;  // received, not parsed yet
    Output output_;

    std::vector<Pending> pending_;  // oldest first; the oldest has number first_pending_
    std::uint64_t first_pending_ = 0;
    std::optional<Streaming> streaming_;
    std::size_t unanswered_ = 0, pending_bytes_ = 0;
    std::size_t counted_ = 0;    // of ours in surroundings.unsent
    int in_kernel_ = 0;          // of what was sent, not taken by the client when we last looked
    std::optional<Job> parked_;  // changes something, so it waits until those before it are answered
    bool changing_ = false;      // such a request runs: nothing may overtake it

    bool shaken_ = false, read_ended_ = false, reading_over_ = false, lingering_ = false, continued_ = false;
    bool pumping_ = false, pump_again_ = false, stalled_ = false, yielding_ = false;
    bool waits_to_read_ = false, waits_to_write_ = false, first_request_ = true;
    bool wants_read_ = false, wants_write_ = false;
    int rounds_ = 0;

    Phase phase_ = Phase::none;
    Clock::time_point phase_since_, phase_progress_, write_since_, write_progress_;
    std::size_t phase_bytes_ = 0, written_bytes_ = 0;
};

}  // namespace xinglin::http
