// SPDX-License-Identifier: Apache-2.0
// Stands at the port: accepts connections and gives each to the I/O thread with the fewest. Within this room only.
#pragma once

#include "http/loop.h"

namespace xinglin::http {

class Porter {
public:
    /// Works on the first loop's thread.
    Porter(const ServerOptions& options, std::vector<std::shared_ptr<Loop>>& loops);

    /// Binds and listens. Refuses with where "--bind" or "--port".
    Result<Done> open();
    void start() { await(); }
    /// From any thread.
    void close();
    std::uint16_t port() const { return port_; }

private:
    using Acceptor = boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, Executor>;

    void await();
    void accept_all();
    bool accept_one();
    void rest();

    const ServerOptions& options_;
    std::vector<std::shared_ptr<Loop>>& loops_;
    Acceptor acceptor_;
    boost::asio::steady_timer rest_timer_;
    std::uint16_t port_ = 0;
    bool complained_ = false;
};

}  // namespace xinglin::http
