// SPDX-License-Identifier: Apache-2.0
// A small blocking HTTP/1.1 client on plain sockets: for tests, the command line and load tools.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "http/http.h"

namespace xinglin::http {

struct ClientOptions {
    std::string host = "127.0.0.1";  // a name or an address
    std::uint16_t port = 8080;
    bool tls = false;
    bool verify = true;                         // the server's certificate and name; tests of our own server turn it off
    std::string authorities_file;               // PEM; empty: the system's
    std::string identity_file;                  // PEM: our certificate, its chain and its key, shown when the server asks
    std::chrono::milliseconds timeout{30'000};  // for each wait: connect, send, receive
    std::size_t body_bytes = 1u << 30;
    bool inflate = true;  // unpack gzip bodies; Content-Encoding stays in the headers
    /// For everything together, from connecting or `begin` on, however slowly the other side drips; 0: no limit.
    std::chrono::milliseconds whole{0};
    /// Asked of every address a name stands for, as digits, before it is connected to: a refusal is the answer.
    std::function<Result<Done>(std::string_view address)> admits;
    /// Asked several times a second while waiting: true ends the wait as if time were over.
    std::function<bool()> gives_up;
};

/// One connection, kept alive as long as the server keeps it. One thread at a time; without TLS, one
/// may `send_raw` while another receives. Refusals are `transient` for the network
/// and `invalid` for answers that are not HTTP.
class Client {
public:
    static Result<Client> connect(ClientOptions options);
    Client(Client&&) noexcept;
    Client& operator=(Client&&) noexcept;
    ~Client();

    /// Uses method, target, headers and body. Adds Host and Content-Length. Connects again when the server closed an idle
    /// connection before a GET or HEAD.
    Result<Response> send(const Request& request);
    Result<Response> get(std::string_view target);
    Result<Response> post(std::string_view target, std::string_view content_type, std::string body);

    /// `ClientOptions::whole` is counted from now on.
    void begin();
    /// Bytes as they are, for pipelining and abuse.
    Result<Done> send_raw(std::string_view bytes);
    /// The next answer; interim 1xx answers are skipped and counted. `to_head`: it has no body whatever its length says.
    Result<Response> receive(bool to_head = false);
    /// The answer's header alone; its body follows by `receive_some`.
    Result<Response> receive_head();
    /// Bytes as they arrive, chunks and all; "" when the server has closed.
    Result<std::string> receive_some();
    /// Everything until the server closes.
    Result<std::string> receive_rest();
    /// True when the server closed in an orderly way and nothing unread is left.
    bool is_closed_by_server();
    void half_close();
    int interim_answers() const;
    /// "TLSv1.3", or "" without TLS.
    std::string tls_version() const;

private:
    struct Inside;
    explicit Client(std::unique_ptr<Inside> inside);
    std::unique_ptr<Inside> inside_;
};

}  // namespace xinglin::http
