// SPDX-License-Identifier: Apache-2.0
// One acceptor rather than one per thread: the kernel's spreading by hash leaves threads idle when connections are few.
#include "http/porter.h"

#include <netinet/tcp.h>

#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>

namespace xinglin::http {
namespace asio = boost::asio;
using Error = boost::system::error_code;

namespace {

constexpr std::size_t turned_away_at_once = 256;  // beyond the limit: told so; beyond these: just closed

Outcome bind_refusal(const Error& error, const std::string& address, std::uint16_t port) {
    if (error == asio::error::address_in_use) {
        return refuse(
            IssueCode::conflict, "--port",
            fmt::format("port {} on {} is already in use; stop the program that holds it or choose another port", port, address));
    }
    if (error == asio::error::access_denied) {
        return refuse(IssueCode::forbidden, "--port",
                      fmt::format("port {} needs more rights than this user has; choose one above 1023", port));
    }
    if (error == Error(EADDRNOTAVAIL, boost::system::system_category()) || error == asio::error::address_family_not_supported) {
        return refuse(IssueCode::value, "--bind",
                      fmt::format("{} is not an address of this machine; use 127.0.0.1, 0.0.0.0 or ::", address));
    }
    return refuse(IssueCode::exception, "--port",
                  fmt::format("cannot listen on {} port {}: {}; check the network settings", address, port, error.message()));
}

std::string peer_text(const asio::ip::tcp::endpoint& peer) {
    const auto address = peer.address();
    if (address.is_v6() && address.to_v6().is_v4_mapped())
        return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
    return address.to_string();
}

}  // namespace

Porter::Porter(const ServerOptions& options, std::vector<std::shared_ptr<Loop>>& loops)
    : options_(options), loops_(loops), acceptor_(loops.front()->io), rest_timer_(loops.front()->io) {}

Result<Done> Porter::open() {
    Error error;
    const std::string bind = options_.bind == "localhost" ? "127.0.0.1" : options_.bind;
    const auto address = asio::ip::make_address(bind, error);
    if (error)
        return refuse(IssueCode::value, "--bind",
                      fmt::format("\"{}\" is not an IP address; use 127.0.0.1, 0.0.0.0 or ::", options_.bind));

    const asio::ip::tcp::endpoint endpoint(address, options_.port);
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(Acceptor::reuse_address(true), error);
    if (!error && address.is_v6()) acceptor_.set_option(asio::ip::v6_only(false), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(4096, error);
    if (!error) acceptor_.non_blocking(true, error);
    if (error) return bind_refusal(error, bind, options_.port);
    port_ = acceptor_.local_endpoint().port();
    return Done{};
}

void Porter::close() {
    asio::post(loops_.front()->io, [this] {
        Error ignored;
        acceptor_.close(ignored);
        rest_timer_.cancel();
    });
}

void Porter::await() {
    acceptor_.async_wait(Acceptor::wait_read, [this](const Error& error) {
        if (!error && acceptor_.is_open()) accept_all();
    });
}

void Porter::accept_all() {
    for (int count = 0; count < 64; ++count) {
        if (!accept_one()) return;
    }
    await();  // others on this thread have their turn first
}

/// False when it has arranged itself when to look again.
bool Porter::accept_one() {
    const auto less = [](const auto& a, const auto& b) { return a->load < b->load; };
    const std::shared_ptr<Loop>& loop = *std::min_element(loops_.begin(), loops_.end(), less);
    std::size_t all = 0, turned_away = 0;
    for (const auto& each : loops_) {
        all += each->load;
        turned_away += each->turned_away;
    }

    Socket socket(loop->io);
    asio::ip::tcp::endpoint peer;
    Error error;
    acceptor_.accept(socket, peer, error);
    if (error == asio::error::would_block || error == asio::error::try_again) {
        await();
        return false;
    }
    if (error == asio::error::connection_aborted || error == asio::error::interrupted) return true;
    if (error) {
        rest();
        if (!complained_)
            loops_.front()->log(
                fmt::format("http: connections wait, none can be accepted: {}; raise the limit of open files", error.message()));
        complained_ = true;
        return false;
    }
    complained_ = false;
    const bool full = all >= options_.connections + turned_away;
    if (all >= options_.connections + turned_away_at_once || (full && !options_.tls_certificate.empty())) {
        loops_.front()->tally.refused_busy.add();
        return true;  // the socket closes
    }
    socket.native_non_blocking(true, error);
    socket.set_option(asio::ip::tcp::no_delay(true), error);
    // What a client does not take waits here, where it is counted, and not in the kernel, which would hold megabytes for each.
    const int in_kernel_at_most = 128 << 10;
    ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &in_kernel_at_most, sizeof in_kernel_at_most);
    ++loop->load;
    loop->take(std::move(socket), peer_text(peer), full);
    return true;
}

void Porter::rest() {
    rest_timer_.expires_after(std::chrono::milliseconds(100));
    rest_timer_.async_wait([this](const Error& error) {
        if (!error && acceptor_.is_open()) await();
    });
}

}  // namespace xinglin::http
