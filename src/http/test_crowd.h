// SPDX-License-Identifier: Apache-2.0
// For this room's tests: many clients in a process of their own, since both ends of ten thousand connections are too many
// descriptors for one.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace xinglin::http {

/// Lets this process have as many descriptors as it may. How many that is.
inline std::size_t raise_descriptors() {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

/// Forked when made, so make it before the server and its threads; it begins when told the port. In the child nothing is called but
/// the system. `Behaviour` runs there with the open sockets; what it returns (0 to 255) is `ended()`.
class Crowd {
public:
    using Behaviour = std::function<int(const std::vector<int>& sockets, int until_closed)>;

    Crowd(std::size_t clients, std::string request, int receive_buffer, const Behaviour& behaviour) {
        int orders[2], news[2];
        if (pipe(orders) != 0 || pipe(news) != 0) return;
        child_ = fork();
        if (child_ == 0) {
            close_all_but(orders[0], news[1]);  // also what was made for other crowds: they wait for its end
            signal(SIGPIPE, SIG_IGN);
            raise_descriptors();
            std::uint16_t port = 0;
            if (read(orders[0], &port, sizeof port) != sizeof port) _exit(255);
            const std::vector<int> sockets = connect_all(clients, port, request, receive_buffer);
            const char all = sockets.size() == clients ? 'y' : 'n';
            if (write(news[1], &all, 1) != 1) _exit(255);
            _exit(behaviour(sockets, orders[0]));
        }
        close(orders[0]);
        close(news[1]);
        orders_ = orders[1];
        news_ = news[0];
    }
    ~Crowd() { ended(); }
    Crowd(const Crowd&) = delete;

    /// Connects and sends; true when all did.
    bool begin(std::uint16_t port) {
        char all = 0;
        return write(orders_, &port, sizeof port) == sizeof port && read(news_, &all, 1) == 1 && all == 'y';
    }
    /// Tells the crowd to end and waits; what its behaviour came to.
    int ended() {
        if (child_ <= 0) return status_;
        close(orders_);
        close(news_);
        int status = 0;
        while (waitpid(child_, &status, 0) < 0 && errno == EINTR) {}
        child_ = -1;
        return status_ = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

    /// Neither reads nor closes until told to end.
    static int do_nothing(const std::vector<int>&, int until_closed) {
        char byte = 0;
        while (read(until_closed, &byte, 1) > 0) {}
        return 0;
    }
    /// True when told to end.
    static bool is_over(int until_closed, int wait_ms) {
        pollfd waiting{until_closed, POLLIN, 0};
        return poll(&waiting, 1, wait_ms) > 0;
    }

private:
    static void close_all_but(int one, int other) {
        const auto [low, high] = std::minmax({static_cast<unsigned>(one), static_cast<unsigned>(other)});
        close_range(3, low - 1, 0);
        close_range(low + 1, high - 1, 0);
        close_range(high + 1, ~0u, 0);
    }
    static std::vector<int> connect_all(std::size_t clients, std::uint16_t port, const std::string& request, int receive_buffer) {
        std::vector<int> sockets;
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        for (std::size_t i = 0; i < clients; ++i) {
            const int one = socket(AF_INET, SOCK_STREAM, 0);
            if (one < 0) break;
            if (receive_buffer > 0) setsockopt(one, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
            if (connect(one, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) break;
            if (send(one, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) break;
            sockets.push_back(one);
        }
        return sockets;
    }

    pid_t child_ = -1;
    int orders_ = -1, news_ = -1, status_ = -1;
};

}  // namespace xinglin::http
