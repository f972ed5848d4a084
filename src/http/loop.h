// SPDX-License-Identifier: Apache-2.0
// One I/O thread: its connections, its clock, and the letter box for answers from other threads. Within this room only.
#pragma once

#ifdef __SANITIZE_THREAD__  // ThreadSanitizer does not know Asio's fences; its queues are guarded by mutexes besides
#define BOOST_ASIO_DISABLE_FENCED_BLOCK
#endif

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <mutex>
#include <variant>
#include <vector>

#include "http/answer.h"
#include "http/figures.h"
#include "http/ticket.h"
#include "http/transport.h"
#include "http/workers.h"

namespace xinglin::http {

class Connection;
using Executor = boost::asio::io_context::executor_type;  // named, so that Asio need not erase its type
using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, Executor>;

/// What every connection leans on; outlives the I/O threads, but not every ticket.
struct Surroundings {
    const ServerOptions& options;
    const Handler& handler;
    Workers& workers;
    std::atomic<std::size_t>& unsent;  // bytes of answers that no client has taken yet, of all connections
    SSL_CTX* tls = nullptr;
};

/// Shared by tickets: an answer may come after the server is gone, and then finds a closed letter box.
class Loop : public AnswerDesk, public std::enable_shared_from_this<Loop> {
public:
    using Clock = std::chrono::steady_clock;

    explicit Loop(const Surroundings& surroundings);
    ~Loop() override;

    // From any thread
    void deliver(ConnectionName connection, std::uint64_t request, Response response) override;
    void deliver(ConnectionName connection, std::uint64_t request, Piece piece) override;
    /// Takes over a connection. `turn_away`: only to tell it that the house is full.
    void take(Socket socket, std::string peer, bool turn_away);
    void wind_down();
    void abandon() { io.stop(); }
    /// Connections here and on their way here: count one before `take`.
    std::atomic<std::size_t> load{0};
    /// Those among them that are only told that the house is full.
    std::atomic<std::size_t> turned_away{0};
    Tally tally;

    /// The thread's body: returns after `wind_down` when the last connection is gone, or after `abandon`.
    void run();

    // From the loop's own thread
    boost::asio::io_context io{1};
    Connection* find(ConnectionName name);
    void close(ConnectionName name);
    /// Calls `Connection::ready` as soon as the socket can be read or written.
    void wait(Socket& socket, ConnectionName name, bool to_write);
    /// Lets other connections have their turn before this one goes on.
    void go_on_later(ConnectionName name);
    bool is_winding_down() const { return winding_down_; }
    std::string_view date();
    void log(std::string_view line) const;

    const Surroundings surroundings;
    std::vector<char> scratch;    // bytes just read
    std::vector<iovec> gathered;  // pieces about to be written

private:
    struct Place {
        std::unique_ptr<Connection> connection;
        std::uint32_t generation = 0;
    };
    struct Letter {
        ConnectionName connection;
        std::uint64_t request;
        std::variant<Response, Piece> content;
    };

    ConnectionName free_place();
    void move_in(Socket socket, const std::string& peer, bool turn_away);
    void open_letters();
    void post(Letter letter);
    void hand_over(Letter letter);
    std::vector<ConnectionName> everyone() const;
    void tick();
    void close_everything();
    void leave_if_done();

    std::vector<Place> places_;
    std::vector<std::uint32_t> free_places_;
    std::size_t open_ = 0;
    boost::asio::executor_work_guard<Executor> work_{io.get_executor()};
    boost::asio::steady_timer timer_{io};
    bool ticking_ = false, winding_down_ = false;
    DateLine date_;

    std::mutex letters_mutex_;
    std::vector<Letter> letters_;
    bool letters_closed_ = false;
};

}  // namespace xinglin::http
