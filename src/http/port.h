// SPDX-License-Identifier: Apache-2.0
// A port that carries plain bytes, optionally under TLS, for protocols that are not HTTP (MLLP). Nothing here includes Asio.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "outcome/outcome.h"

namespace xinglin::http {

struct PortOptions {
    std::string bind = "127.0.0.1";
    std::uint16_t port = 0;                          // 0: any free port
    std::size_t connections = 4'000;                 // more are closed at once
    std::size_t unsent_bytes = 1u << 20;             // of one connection; a peer that lets more gather is dropped
    std::chrono::seconds write_timeout{60};          // a peer that takes nothing of what waits for it is dropped
    std::chrono::seconds handshake_timeout{15};      // of TLS
    std::string tls_certificate, tls_key;            // PEM files; both empty: no TLS
    std::string tls_client_authorities;              // PEM file: clients must show a certificate signed by one of these
    std::string option = "--port";                   // how the command line calls it, for refusals: "--mllp"
    std::function<void(std::string_view line)> log;  // from its thread; no personal data
};

/// One connection as its user holds it; may be kept after the connection is gone. All calls are safe from any thread.
class Wire {
public:
    virtual ~Wire() = default;
    virtual void send(std::string bytes) = 0;
    /// Stops reading, or goes on. What has arrived meanwhile waits with the peer.
    virtual void hold(bool on) = 0;
    /// Closes it once everything is sent.
    virtual void end() = 0;
    virtual const std::string& peer() const = 0;  // address
};

/// The user's side of a connection. Called from the port's thread only; must be quick and must not throw.
class Talk {
public:
    virtual ~Talk() = default;
    virtual void received(std::string_view bytes) = 0;
    /// Asked once a second: false closes the connection (a message begun and never ended, nothing for hours).
    virtual bool keep(std::chrono::steady_clock::time_point now) = 0;
};
using OpenTalk = std::function<std::unique_ptr<Talk>(std::shared_ptr<Wire>)>;

/// One thread for all connections. `start` and `stop` from one thread.
class Port {
public:
    Port(PortOptions options, OpenTalk open);
    ~Port();  // as stop()
    /// Binds and starts. Refuses (where: the option, "--bind" or "--tls-…") when it cannot.
    Result<Done> start();
    std::uint16_t port() const;
    std::size_t connections() const;
    /// Accepts and reads nothing more; what is on its way out may leave for `patience`, then everything is closed.
    void stop(std::chrono::seconds patience = std::chrono::seconds(5));

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

}  // namespace xinglin::http
