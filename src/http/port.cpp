// SPDX-License-Identifier: Apache-2.0
// Readiness by epoll, bytes by Transport, orders from other threads by a letter box.
#include "http/port.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "http/transport.h"

namespace xinglin::http {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::uint64_t of_listener = 0, of_letters = 1, first_connection = 2;
constexpr std::size_t read_bytes = 64u << 10, reads_at_once = 8;

class Descriptor {
public:
    explicit Descriptor(int number = -1) : number_(number) {}
    ~Descriptor() { close(); }
    Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(number_, other.number_);
        return *this;
    }
    int number() const { return number_; }
    void close() {
        if (number_ >= 0) ::close(std::exchange(number_, -1));
    }

private:
    int number_;
};

struct Letter {
    enum class Kind { send, hold, go_on, end, stop };
    std::uint64_t connection = 0;
    Kind kind = Kind::send;
    std::string bytes;
};

/// Outlives the port while anybody holds a wire.
struct LetterBox {
    std::mutex mutex;  // guards what follows
    std::vector<Letter> letters;
    bool closed = false;
    Descriptor bell{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};

    void post(Letter letter) {
        const std::lock_guard lock(mutex);
        if (closed) return;
        letters.push_back(std::move(letter));
        const std::uint64_t one = 1;
        if (letters.size() > 1) return;
        [[maybe_unused]] const auto rung = ::write(bell.number(), &one, sizeof one);
    }
};

class WireInside final : public Wire {
public:
    WireInside(std::shared_ptr<LetterBox> box, std::uint64_t connection, std::string peer)
        : box_(std::move(box)), connection_(connection), peer_(std::move(peer)) {}
    void send(std::string bytes) override { box_->post({connection_, Letter::Kind::send, std::move(bytes)}); }
    void hold(bool on) override { box_->post({connection_, on ? Letter::Kind::hold : Letter::Kind::go_on, {}}); }
    void end() override { box_->post({connection_, Letter::Kind::end, {}}); }
    const std::string& peer() const override { return peer_; }

private:
    const std::shared_ptr<LetterBox> box_;  // shared: a wire may be kept longer than its port
    const std::uint64_t connection_;
    const std::string peer_;
};

struct Line {
    Line(Descriptor socket, SSL_CTX* tls) : descriptor(std::move(socket)), transport(descriptor.number(), tls) {}
    Descriptor descriptor;
    Transport transport;
    std::shared_ptr<WireInside> wire;  // shared with the talk and whoever answers
    std::unique_ptr<Talk> talk;
    std::string out;
    std::size_t sent = 0;
    bool shaken = false, held = false, ending = false;
    std::uint32_t events = 0;
    Clock::time_point since = Clock::now(), progress = since;
    std::size_t unsent() const { return out.size() - sent; }
};

std::string text_of(const sockaddr_storage& address) {
    char host[NI_MAXHOST] = "";
    ::getnameinfo(reinterpret_cast<const sockaddr*>(&address), sizeof address, host, sizeof host, nullptr, 0, NI_NUMERICHOST);
    const std::string_view text(host);
    return std::string(text.starts_with("::ffff:") ? text.substr(7) : text);
}

Outcome bind_refusal(int error, const PortOptions& options) {
    if (error == EADDRINUSE)
        return refuse(IssueCode::conflict, options.option,
                      fmt::format("port {} on {} is already in use; stop the program that holds it or choose another port",
                                  options.port, options.bind));
    if (error == EACCES)
        return refuse(IssueCode::forbidden, options.option,
                      fmt::format("port {} needs more rights than this user has; choose one above 1023", options.port));
    return refuse(IssueCode::value, "--bind",
                  fmt::format("cannot listen on {} port {}: {}; use 127.0.0.1, 0.0.0.0 or ::", options.bind, options.port,
                              std::strerror(error)));
}

/// From then on clients must show a certificate signed by one of these.
Result<Done> demand_certificates(SSL_CTX* context, const std::string& authorities_file) {
    ERR_clear_error();
    if (SSL_CTX_load_verify_locations(context, authorities_file.c_str(), nullptr) != 1) {
        ERR_clear_error();
        return refuse(IssueCode::value, "--mllp-tls-clients",
                      fmt::format("{} holds no certificates in PEM that can be read; check the path", authorities_file));
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    constexpr unsigned char ours[] = "xinglin";  // sessions are taken up again by those who showed a certificate to us
    SSL_CTX_set_session_id_context(context, ours, sizeof ours - 1);
    return Done{};
}

Result<Descriptor> listen_at(const PortOptions& options) {
    sockaddr_storage address{};
    socklen_t size = 0;
    const std::string bind = options.bind == "localhost" ? "127.0.0.1" : options.bind;
    auto* four = reinterpret_cast<sockaddr_in*>(&address);
    auto* six = reinterpret_cast<sockaddr_in6*>(&address);
    if (::inet_pton(AF_INET, bind.c_str(), &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons(options.port);
        size = sizeof *four;
    } else if (::inet_pton(AF_INET6, bind.c_str(), &six->sin6_addr) == 1) {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons(options.port);
        size = sizeof *six;
    } else {
        return refuse(IssueCode::value, "--bind", fmt::format("\"{}\" is not an IP address; use 127.0.0.1, 0.0.0.0 or ::", bind));
    }
    Descriptor socket(::socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const int on = 1, off = 0;
    if (socket.number() < 0) return bind_refusal(errno, options);
    ::setsockopt(socket.number(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address.ss_family == AF_INET6) ::setsockopt(socket.number(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (::bind(socket.number(), reinterpret_cast<const sockaddr*>(&address), size) != 0 || ::listen(socket.number(), 1024) != 0)
        return bind_refusal(errno, options);
    return socket;
}

}  // namespace

struct Port::Inside {
    Inside(PortOptions chosen, OpenTalk opener) : options(std::move(chosen)), open(std::move(opener)) {}
    const PortOptions options;
    const OpenTalk open;
    const std::shared_ptr<LetterBox> box = std::make_shared<LetterBox>();  // shared with wires
    TlsContext tls;
    Descriptor epoll{::epoll_create1(EPOLL_CLOEXEC)}, listener;
    std::uint16_t port = 0;
    std::map<std::uint64_t, std::unique_ptr<Line>> lines;
    std::atomic<std::size_t> count = 0;
    std::uint64_t next = first_connection;
    bool stopping = false;
    std::atomic<Clock::rep> stop_at = 0;
    std::vector<char> scratch = std::vector<char>(read_bytes);
    std::thread thread;

    Result<Done> start();
    void run();
    void accept_all();
    void read_letters();
    void ready(std::uint64_t id);
    bool read_some(Line& line);
    bool write_some(Line& line);
    void await(std::uint64_t id, Line& line);
    void tick();
    /// The peer has gone while nothing is read from it.
    bool is_held_and_gone(std::uint64_t id, std::uint32_t events) const {
        const auto found = lines.find(id);
        return found != lines.end() && found->second->held && (events & (EPOLLERR | EPOLLHUP)) != 0;
    }
    void close(std::uint64_t id) {
        lines.erase(id);
        count = lines.size();
    }
    void watch(int descriptor, std::uint64_t id, std::uint32_t events, int how) const {
        epoll_event event{};
        event.events = events;
        event.data.u64 = id;
        ::epoll_ctl(epoll.number(), how, descriptor, &event);
    }
};

Result<Done> Port::Inside::start() {
    if (!options.tls_certificate.empty() || !options.tls_key.empty()) {
        XINGLIN_TRY(tls, tls_context(options.tls_certificate, options.tls_key));
        if (!options.tls_client_authorities.empty())
            XINGLIN_CHECK(demand_certificates(tls.get(), options.tls_client_authorities));
    }
    XINGLIN_TRY(listener, listen_at(options));
    sockaddr_storage bound{};
    socklen_t size = sizeof bound;
    ::getsockname(listener.number(), reinterpret_cast<sockaddr*>(&bound), &size);
    port = ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&bound)->sin6_port
                                             : reinterpret_cast<sockaddr_in*>(&bound)->sin_port);
    watch(listener.number(), of_listener, EPOLLIN, EPOLL_CTL_ADD);
    watch(box->bell.number(), of_letters, EPOLLIN, EPOLL_CTL_ADD);
    thread = std::thread([this] { run(); });
    return Done{};
}

void Port::Inside::run() {
    sigset_t broken_pipe;  // OpenSSL writes to closed sockets; the error code is enough for us
    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
    Clock::time_point ticked = Clock::now();
    epoll_event events[64];
    while (!(stopping && lines.empty())) {
        const int many = ::epoll_wait(epoll.number(), events, 64, 250);
        for (int i = 0; i < many; ++i) {
            const std::uint64_t id = events[i].data.u64;
            try {
                if (id == of_listener) accept_all();
                else if (id == of_letters) read_letters();
                else if ((events[i].events & (EPOLLERR | EPOLLHUP)) != 0 && (events[i].events & EPOLLIN) == 0) close(id);
                else if (is_held_and_gone(id, events[i].events)) close(id);
                else ready(id);
            } catch (const std::exception& error) {  // memory: this connection only
                if (options.log) options.log(fmt::format("a connection was closed: {}", error.what()));
                if (id >= first_connection) close(id);
            }
        }
        if (const auto now = Clock::now(); now - ticked >= std::chrono::seconds(stopping ? 0 : 1)) {
            ticked = now;
            tick();
        }
    }
    const std::lock_guard lock(box->mutex);
    box->closed = true;
}

void Port::Inside::accept_all() {
    for (int times = 0; times < 64; ++times) {
        sockaddr_storage address{};
        socklen_t size = sizeof address;
        Descriptor socket(
            ::accept4(listener.number(), reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (socket.number() < 0) {
            if (errno == EMFILE || errno == ENFILE) std::this_thread::sleep_for(std::chrono::milliseconds(20));
            return;
        }
        if (lines.size() >= options.connections) continue;  // closed
        const int on = 1;
        ::setsockopt(socket.number(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        ::setsockopt(socket.number(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
        const std::uint64_t id = next++;
        auto line = std::make_unique<Line>(std::move(socket), tls.get());
        line->shaken = !tls;
        line->wire = std::make_shared<WireInside>(box, id, text_of(address));
        line->talk = open(line->wire);
        Line& kept = *line;
        lines[id] = std::move(line);
        count = lines.size();
        kept.events = EPOLLIN;
        watch(kept.descriptor.number(), id, kept.events, EPOLL_CTL_ADD);
    }
}

void Port::Inside::read_letters() {
    std::uint64_t rung = 0;
    [[maybe_unused]] const auto heard = ::read(box->bell.number(), &rung, sizeof rung);
    std::vector<Letter> letters;
    {
        const std::lock_guard lock(box->mutex);
        letters.swap(box->letters);
    }
    std::vector<std::uint64_t> touched;
    for (Letter& letter : letters) {
        if (letter.kind == Letter::Kind::stop) {
            stopping = true;
            listener.close();
            continue;
        }
        const auto found = lines.find(letter.connection);
        if (found == lines.end()) continue;
        Line& line = *found->second;
        if (letter.kind == Letter::Kind::hold || letter.kind == Letter::Kind::go_on)
            line.held = letter.kind == Letter::Kind::hold;
        if (letter.kind == Letter::Kind::end) line.ending = true;
        if (letter.kind == Letter::Kind::send && !line.ending) {
            if (line.unsent() == 0) line.progress = Clock::now();
            line.out.append(letter.bytes);
        }
        touched.push_back(letter.connection);
    }
    for (const std::uint64_t id : touched) ready(id);
}

/// Does what can be done, then waits for more.
void Port::Inside::ready(std::uint64_t id) {
    const auto found = lines.find(id);
    if (found == lines.end()) return;
    Line& line = *found->second;
    if (!line.shaken) {
        const auto got = line.transport.shake_hands();
        if (got == Transport::Got::end || got == Transport::Got::broken) return close(id);
        if (got == Transport::Got::later) return await(id, line);
        line.shaken = true;
    }
    if (!write_some(line) || (!line.held && !line.ending && !stopping && !read_some(line))) return close(id);
    if (line.unsent() > options.unsent_bytes) {
        if (options.log) options.log("a peer that does not take its answers was dropped");
        return close(id);
    }
    if ((line.ending || stopping) && line.unsent() == 0) {
        line.transport.end_writing();
        return close(id);
    }
    await(id, line);
}

bool Port::Inside::read_some(Line& line) {
    for (std::size_t times = 0; times < reads_at_once; ++times) {
        std::size_t got = 0;
        const auto result = line.transport.read(scratch.data(), scratch.size(), got);
        if (result == Transport::Got::later) return true;
        if (result != Transport::Got::some) return false;
        line.talk->received({scratch.data(), got});
        if (got < scratch.size() && !line.transport.is_secure()) return true;
    }
    return true;
}

bool Port::Inside::write_some(Line& line) {
    while (line.unsent() > 0) {
        iovec piece{line.out.data() + line.sent, std::min<std::size_t>(line.unsent(), read_bytes)};
        std::size_t sent = 0;
        const auto result = line.transport.write({&piece, 1}, sent);
        if (result == Transport::Got::later) return true;
        if (result != Transport::Got::some) return false;
        line.sent += sent;
        line.progress = Clock::now();
    }
    line.out.clear();
    line.sent = 0;
    return true;
}

void Port::Inside::await(std::uint64_t id, Line& line) {
    std::uint32_t events = 0;
    if (!line.shaken) events = line.transport.wants_write() ? EPOLLOUT : EPOLLIN;
    else
        events = (line.held || line.ending || stopping ? 0u : static_cast<std::uint32_t>(EPOLLIN)) |
                 (line.unsent() > 0 ? static_cast<std::uint32_t>(EPOLLOUT) : 0u);
    if (events == line.events) return;
    line.events = events;
    watch(line.descriptor.number(), id, events, EPOLL_CTL_MOD);
}

void Port::Inside::tick() {
    const auto now = Clock::now();
    const bool out_of_patience = stopping && now.time_since_epoch().count() >= stop_at;
    std::vector<std::uint64_t> all;
    for (const auto& [id, line] : lines) all.push_back(id);
    for (const std::uint64_t id : all) {
        const auto found = lines.find(id);
        if (found == lines.end()) continue;
        Line& line = *found->second;
        const bool stuck = line.unsent() > 0 && now - line.progress > options.write_timeout;
        const bool slow = !line.shaken && now - line.since > options.handshake_timeout;
        if (stuck && options.log) options.log("a peer that does not take its answers was dropped");
        if (out_of_patience || stuck || slow || (line.shaken && !line.held && !line.talk->keep(now))) close(id);
        else if (stopping) ready(id);
    }
}

Port::Port(PortOptions options, OpenTalk open) : inside_(std::make_unique<Inside>(std::move(options), std::move(open))) {}
Port::~Port() { stop(); }

Result<Done> Port::start() { return inside_->start(); }
std::uint16_t Port::port() const { return inside_->port; }
std::size_t Port::connections() const { return inside_->count; }

void Port::stop(std::chrono::seconds patience) {
    if (!inside_->thread.joinable()) return;
    inside_->stop_at = (Clock::now() + patience).time_since_epoch().count();
    inside_->box->post({0, Letter::Kind::stop, {}});
    inside_->thread.join();
    inside_->lines.clear();
}

}  // namespace xinglin::http
