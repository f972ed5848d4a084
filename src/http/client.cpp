// SPDX-License-Identifier: Apache-2.0
// Blocking sockets with poll() for the timeouts. Source: RFC 9112 sections 6 and 7.
#include "http/client.h"

#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>

#include "http/field_text.h"
#include "http/gzip.h"
#include "http/transport.h"

namespace xinglin::http {
namespace {

Outcome network(std::string what) { return refuse(IssueCode::transient, "server", std::move(what)); }
Outcome malformed(std::string what) { return refuse(IssueCode::invalid, "server", std::move(what)); }

/// OpenSSL writes without MSG_NOSIGNAL: keeps SIGPIPE from this thread for as long as it lives.
class NoBrokenPipe {
public:
    NoBrokenPipe() {
        sigemptyset(&pipe_);
        sigaddset(&pipe_, SIGPIPE);
        pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
    }
    ~NoBrokenPipe() {
        const timespec at_once{};
        if (sigismember(&before_, SIGPIPE) == 0) sigtimedwait(&pipe_, nullptr, &at_once);  // one that came meanwhile
        pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }
    NoBrokenPipe(const NoBrokenPipe&) = delete;

private:
    sigset_t pipe_{}, before_{};
};

bool parse_number(std::string_view text, int base, std::uint64_t& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

struct Client::Inside {
    ClientOptions options;
    int descriptor = -1;
    TlsContext tls;
    std::unique_ptr<SSL, TlsDelete> session;
    std::string received;  // not consumed yet
    int interim = 0;
    bool ended = false, ends_after_answer = false;
    bool broke = false;                             // the connection, rather than the server being slow
    std::size_t answers = 0;                        // on this connection
    std::chrono::steady_clock::time_point until{};  // all must be over; nothing: no limit

    ~Inside() { disconnect(); }
    void disconnect();
    Result<Done> connect();
    Result<Done> connect_to(const addrinfo& address);
    Result<Done> secure();
    Result<Done> identify();
    std::string why_broken();
    std::string why_unsent();
    bool wait(short events) const;
    void begin() {
        if (options.whole.count() > 0) until = std::chrono::steady_clock::now() + options.whole;
    }
    bool is_over() const { return until.time_since_epoch().count() != 0 && std::chrono::steady_clock::now() >= until; }
    Result<Done> admit(const addrinfo& address) const;
    Result<Done> write(std::string_view bytes);
    Result<Done> read_more();
    Result<std::string> line();
    Result<Response> receive(bool to_head);
    Result<Response> head();
    Result<Done> body(Response& response);
    Result<Done> chunks(std::string& body);
    Result<Done> take(std::uint64_t length, std::string& to);
};

void Client::Inside::disconnect() {
    session.reset();
    if (descriptor >= 0) ::close(descriptor);
    descriptor = -1;
    received.clear();
    ended = ends_after_answer = broke = false;
    answers = 0;
}

Result<Done> Client::Inside::connect() {
    disconnect();
    addrinfo wanted{};
    wanted.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int error = ::getaddrinfo(options.host.c_str(), std::to_string(options.port).c_str(), &wanted, &found);
    if (error != 0) return network(fmt::format("{} is not known: {}; check the address", options.host, ::gai_strerror(error)));
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, ::freeaddrinfo);

    Outcome last = network(fmt::format("{} has no address", options.host));
    for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
        XINGLIN_CHECK(admit(*address));
        auto connected = connect_to(*address);
        if (connected.ok()) return options.tls ? secure() : std::move(connected);
        last = std::move(connected).outcome();
        disconnect();
    }
    return last;
}

Result<Done> Client::Inside::admit(const addrinfo& address) const {
    if (!options.admits) return Done{};
    char digits[NI_MAXHOST] = "";
    if (::getnameinfo(address.ai_addr, address.ai_addrlen, digits, sizeof digits, nullptr, 0, NI_NUMERICHOST) != 0)
        return network(fmt::format("{} has an address that cannot be read", options.host));
    return options.admits(digits);
}

Result<Done> Client::Inside::connect_to(const addrinfo& address) {
    descriptor = ::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) return network(fmt::format("no socket: {}", std::strerror(errno)));
    const int on = 1;
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    int error = ::connect(descriptor, address.ai_addr, address.ai_addrlen) == 0 ? 0 : errno;
    if (error == EINPROGRESS) {
        socklen_t length = sizeof error;
        error = ETIMEDOUT;
        if (wait(POLLOUT)) ::getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length);
    }
    if (error != 0) {
        return network(fmt::format("{} port {}: {}; is the server running?", options.host, options.port, std::strerror(error)));
    }
    return Done{};
}

Result<Done> Client::Inside::secure() {
    const NoBrokenPipe quiet;
    tls.reset(SSL_CTX_new(TLS_client_method()));
    if (!tls) throw std::bad_alloc();
    SSL_CTX_set_min_proto_version(tls.get(), TLS1_2_VERSION);
    SSL_CTX_set_options(tls.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
    if (options.verify) {
        const int loaded = options.authorities_file.empty()
                               ? SSL_CTX_set_default_verify_paths(tls.get())
                               : SSL_CTX_load_verify_file(tls.get(), options.authorities_file.c_str());
        if (loaded != 1)
            return refuse(IssueCode::value, "authorities",
                          fmt::format("{} holds no certificates in PEM", options.authorities_file));
        SSL_CTX_set_verify(tls.get(), SSL_VERIFY_PEER, nullptr);
    }
    XINGLIN_CHECK(identify());
    session.reset(SSL_new(tls.get()));
    if (!session || SSL_set_fd(session.get(), descriptor) != 1) throw std::bad_alloc();
    SSL_set_tlsext_host_name(session.get(), options.host.c_str());
    if (options.verify) {
        X509_VERIFY_PARAM* parameters = SSL_get0_param(session.get());
        if (X509_VERIFY_PARAM_set1_ip_asc(parameters, options.host.c_str()) != 1)
            SSL_set1_host(session.get(), options.host.c_str());
        ERR_clear_error();
    }
    for (;;) {
        ERR_clear_error();
        const int result = SSL_connect(session.get());
        if (result == 1) return Done{};
        const int error = SSL_get_error(session.get(), result);
        const bool waited = error == SSL_ERROR_WANT_READ ? wait(POLLIN) : error == SSL_ERROR_WANT_WRITE && wait(POLLOUT);
        if (waited) continue;
        const char* reason = ERR_reason_error_string(ERR_peek_last_error());
        return network(
            fmt::format("no secure connection to {}: {}", options.host, reason != nullptr ? reason : "the handshake broke off"));
    }
}

Result<Done> Client::Inside::identify() {
    if (options.identity_file.empty()) return Done{};
    const char* file = options.identity_file.c_str();
    SSL_CTX_set_default_passwd_cb(tls.get(), [](char*, int, int, void*) { return 0; });  // nobody sits here to type one
    if (SSL_CTX_use_certificate_chain_file(tls.get(), file) == 1 &&
        SSL_CTX_use_PrivateKey_file(tls.get(), file, SSL_FILETYPE_PEM) == 1 && SSL_CTX_check_private_key(tls.get()) == 1)
        return Done{};
    ERR_clear_error();
    return refuse(
        IssueCode::value, "identity",
        fmt::format("{} must hold a certificate in PEM and its private key, without a password", options.identity_file));
}

/// The same when it could not be written to: what it said before lies unread.
std::string Client::Inside::why_unsent() {
    char none = 0;
    std::size_t got = 0;
    if (ERR_peek_error() == 0) SSL_read_ex(session.get(), &none, 1, &got);
    return ERR_peek_error() != 0 ? why_broken() : "the server closed the connection while we were sending";
}

/// What the server said when it broke off, for people.
std::string Client::Inside::why_broken() {
    const unsigned long error = ERR_peek_last_error();
    const char* reason = error != 0 ? ERR_reason_error_string(error) : nullptr;
    if (reason == nullptr) return "the secure connection broke";
    const std::string_view words = reason;
    const bool about_us = words.find("alert") != std::string_view::npos && words.find("certificate") != std::string_view::npos;
    if (about_us || words.find("unknown ca") != std::string_view::npos)
        return options.identity_file.empty()
                   ? fmt::format("the server does not take our certificate ({}); it asks for one and none is set", words)
                   : fmt::format("the server does not take our certificate ({})", words);
    return fmt::format("the secure connection broke: {}", words);
}

bool Client::Inside::wait(short events) const {
    using namespace std::chrono;
    auto end = steady_clock::now() + options.timeout;
    if (until.time_since_epoch().count() != 0) end = std::min(end, until);
    for (;;) {
        auto left = duration_cast<milliseconds>(end - steady_clock::now());
        if (options.gives_up) left = std::min(left, milliseconds(100));
        pollfd one{descriptor, events, 0};
        const int ready = ::poll(&one, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
        if (ready > 0) return true;
        if (ready < 0 && errno != EINTR) return false;
        if ((options.gives_up && options.gives_up()) || steady_clock::now() >= end) return false;
    }
}

Result<Done> Client::Inside::write(std::string_view bytes) {
    const NoBrokenPipe quiet;
    while (!bytes.empty()) {
        std::size_t sent = 0;
        short blocked = 0;
        if (session) {
            ERR_clear_error();
            const int result = SSL_write_ex(session.get(), bytes.data(), bytes.size(), &sent);
            const int error = SSL_get_error(session.get(), result);
            if (result != 1) blocked = error == SSL_ERROR_WANT_WRITE ? POLLOUT : error == SSL_ERROR_WANT_READ ? POLLIN : 0;
            if (result != 1 && blocked == 0) return network(why_unsent());
        } else {
            const ssize_t count = ::send(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (count < 0 && errno != EAGAIN && errno != EINTR)
                return network(fmt::format("sending failed: {}", std::strerror(errno)));
            if (count < 0) blocked = POLLOUT;
            sent = count < 0 ? 0 : static_cast<std::size_t>(count);
        }
        if (blocked != 0 && !wait(blocked)) return network("the server takes no more bytes: timeout");
        bytes.remove_prefix(sent);
    }
    return Done{};
}

/// Adds to `received`, or sets `ended`.
Result<Done> Client::Inside::read_more() {
    char piece[32 << 10];
    for (;;) {
        if (is_over()) return network("no whole answer in time");
        short blocked = 0;
        if (session) {
            const NoBrokenPipe quiet;
            std::size_t got = 0;
            ERR_clear_error();
            const int result = SSL_read_ex(session.get(), piece, sizeof piece, &got);
            const int error = SSL_get_error(session.get(), result);
            if (result == 1) {
                received.append(piece, got);
                return Done{};
            }
            ended = error == SSL_ERROR_ZERO_RETURN;
            if (ended) return Done{};
            broke = error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE;
            blocked = error == SSL_ERROR_WANT_READ ? POLLIN : error == SSL_ERROR_WANT_WRITE ? POLLOUT : 0;
            if (blocked == 0) return network(why_broken());
        } else {
            const ssize_t count = ::recv(descriptor, piece, sizeof piece, 0);
            ended = count == 0;
            if (count > 0) received.append(piece, static_cast<std::size_t>(count));
            if (count >= 0) return Done{};
            broke = errno != EAGAIN && errno != EINTR;
            if (broke) return network(fmt::format("receiving failed: {}", std::strerror(errno)));
            blocked = POLLIN;
        }
        if (!wait(blocked)) return network("no answer in time");
    }
}

Result<std::string> Client::Inside::line() {
    std::size_t end = 0;
    while ((end = received.find("\r\n")) == std::string::npos) {
        if (received.size() > (256u << 10)) return malformed("a line of the answer's header is too long");
        if (ended) return network("the server closed the connection before its answer was complete");
        XINGLIN_CHECK(read_more());
    }
    std::string text = received.substr(0, end);
    received.erase(0, end + 2);
    return text;
}

Result<Response> Client::Inside::head() {
    XINGLIN_TRY(const std::string status, line());
    std::uint64_t number = 0;
    if (status.size() < 12 || !status.starts_with("HTTP/1.") ||
        !parse_number(std::string_view(status).substr(9, 3), 10, number)) {
        return malformed("the answer is not HTTP/1.1");
    }
    Response response;
    response.status = static_cast<int>(number);
    ends_after_answer = status[7] == '0';
    for (std::size_t fields = 0;; ++fields) {
        XINGLIN_TRY(const std::string field, line());
        if (field.empty()) break;
        const std::size_t colon = field.find(':');
        if (colon == std::string::npos || colon == 0 || fields > 1000) return malformed("the answer's header is not well-formed");
        response.headers.add(field.substr(0, colon), std::string(trimmed(std::string_view(field).substr(colon + 1))));
    }
    const std::string_view connection = response.headers.get("Connection");
    if (list_has(connection, "close")) ends_after_answer = true;
    if (list_has(connection, "keep-alive")) ends_after_answer = false;
    return response;
}

Result<Response> Client::Inside::receive(bool to_head) {
    for (;;) {
        XINGLIN_TRY(Response response, head());
        if (response.status < 200) {
            ++interim;
            continue;
        }
        const bool bodiless = to_head || response.status == 204 || response.status == 304;
        if (!bodiless) XINGLIN_CHECK(body(response));
        if (options.inflate && !bodiless && same_name(response.headers.get("Content-Encoding"), "gzip")) {
            std::string plain;
            if (inflate_gzip(response.body, options.body_bytes, plain) != Inflated::whole)
                return malformed("the answer's gzip body is broken or too large");
            response.body = std::move(plain);
        }
        ++answers;
        return response;
    }
}

Result<Done> Client::Inside::body(Response& response) {
    if (list_has(response.headers.get("Transfer-Encoding"), "chunked")) return chunks(response.body);
    if (response.headers.has("Content-Length")) {
        std::uint64_t length = 0;
        if (!parse_number(response.headers.get("Content-Length"), 10, length))
            return malformed("the answer's Content-Length is not a number");
        return take(length, response.body);
    }
    while (!ended) {
        if (received.size() > options.body_bytes) return malformed("the answer is too large");
        XINGLIN_CHECK(read_more());
    }
    response.body.swap(received);
    ends_after_answer = true;
    return Done{};
}

Result<Done> Client::Inside::take(std::uint64_t length, std::string& to) {
    if (length > options.body_bytes - std::min(to.size(), options.body_bytes)) return malformed("the answer is too large");
    while (received.size() < length) {
        if (ended) return network("the server closed the connection before its answer was complete");
        XINGLIN_CHECK(read_more());
    }
    to.append(received, 0, length);
    received.erase(0, length);
    return Done{};
}

Result<Done> Client::Inside::chunks(std::string& body) {
    for (;;) {
        XINGLIN_TRY(const std::string header, line());
        std::uint64_t size = 0;
        if (!parse_number(trimmed(std::string_view(header).substr(0, header.find(';'))), 16, size))
            return malformed("a chunk's size is not a number");
        if (size == 0) break;
        XINGLIN_CHECK(take(size, body));
        XINGLIN_TRY(const std::string end, line());
        if (!end.empty()) return malformed("a chunk does not end where it said");
    }
    for (;;) {
        XINGLIN_TRY(const std::string trailer, line());
        if (trailer.empty()) return Done{};
    }
}

Client::Client(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Result<Client> Client::connect(ClientOptions options) {
    auto inside = std::make_unique<Inside>();
    inside->options = std::move(options);
    inside->begin();
    XINGLIN_CHECK(inside->connect());
    return Client(std::move(inside));
}

Result<Response> Client::send(const Request& request) {
    std::string bytes = fmt::format("{} {} HTTP/1.1\r\n", request.method, request.target);
    const bool v6 = inside_->options.host.find(':') != std::string::npos;
    if (!request.headers.has("Host")) {
        bytes += fmt::format("Host: {}{}{}:{}\r\n", v6 ? "[" : "", inside_->options.host, v6 ? "]" : "", inside_->options.port);
    }
    for (const auto& [name, value] : request.headers.all()) bytes.append(name).append(": ").append(value).append("\r\n");
    const bool has_body =
        !request.body.empty() || request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
    if (has_body && !request.headers.has("Content-Length")) bytes += fmt::format("Content-Length: {}\r\n", request.body.size());
    bytes += "\r\n";
    bytes += request.body;

    Inside& inside = *inside_;
    if (inside.descriptor < 0 || inside.ended || inside.ends_after_answer) XINGLIN_CHECK(inside.connect());
    const bool may_retry = inside.answers > 0 && (request.method == "GET" || request.method == "HEAD");
    auto written = inside.write(bytes);
    auto response = inside.receive(request.method == "HEAD");  // also when writing failed: an early answer may be there
    if (!response.ok() && may_retry && inside.received.empty() && (inside.ended || inside.broke)) {
        XINGLIN_CHECK(inside.connect());
        written = inside.write(bytes);
        response = inside.receive(request.method == "HEAD");
    }
    if (!response.ok()) inside.ended = true;  // what still comes is no answer to what is asked next: that begins a new connection
    if (!response.ok() && !written.ok()) return std::move(written).outcome();
    return response;
}

Result<Response> Client::get(std::string_view target) {
    Request request;
    request.method = "GET";
    request.target = target;
    return send(request);
}

Result<Response> Client::post(std::string_view target, std::string_view content_type, std::string body) {
    Request request;
    request.method = "POST";
    request.target = target;
    request.headers.add("Content-Type", std::string(content_type));
    request.body = std::move(body);
    return send(request);
}

void Client::begin() { inside_->begin(); }

Result<Done> Client::send_raw(std::string_view bytes) { return inside_->write(bytes); }

Result<Response> Client::receive(bool to_head) { return inside_->receive(to_head); }

Result<Response> Client::receive_head() { return inside_->head(); }

Result<std::string> Client::receive_some() {
    if (inside_->received.empty() && !inside_->ended) XINGLIN_CHECK(inside_->read_more());
    return std::exchange(inside_->received, {});
}

Result<std::string> Client::receive_rest() {
    while (!inside_->ended) XINGLIN_CHECK(inside_->read_more());
    return std::exchange(inside_->received, {});
}

bool Client::is_closed_by_server() {
    const auto rest = receive_rest();
    return rest.ok() && rest.value().empty();
}

void Client::half_close() { ::shutdown(inside_->descriptor, SHUT_WR); }

int Client::interim_answers() const { return inside_->interim; }

std::string Client::tls_version() const { return inside_->session ? SSL_get_version(inside_->session.get()) : ""; }

}  // namespace xinglin::http
