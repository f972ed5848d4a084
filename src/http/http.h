// SPDX-License-Identifier: Apache-2.0
// HTTP at arm's length: plain requests and responses, a server that carries them. Nothing here includes Asio.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "outcome/outcome.h"

namespace xinglin::http {

/// Header names compare without case.
class Headers {
public:
    void add(std::string name, std::string value) { all_.emplace_back(std::move(name), std::move(value)); }
    void set(std::string_view name, std::string value);  // replaces all of that name
    std::string_view get(std::string_view name) const;   // first value, "" when absent
    bool has(std::string_view name) const;
    const std::vector<std::pair<std::string, std::string>>& all() const { return all_; }

private:
    std::vector<std::pair<std::string, std::string>> all_;
};

struct Request {
    std::string method;  // upper case
    std::string target;  // as sent: "/fhir/Patient?name=a%20b"
    std::string path;   // percent-decoded path, "/fhir/Patient": begins with '/', is UTF-8, has no ".." and no control characters
    std::string query;  // still encoded, without '?'
    Headers headers;
    std::string body;         // already inflated when Content-Encoding was gzip
    std::string peer;         // remote address
    std::string scheme;       // "http" or "https"
    std::string certificate;  // SHA-256 of the certificate the client showed and proved to own, 32 raw bytes; "" for none
    std::string trace_id;     // 32 hex digits: from `traceparent`, or fresh; echoed on the response
};

struct Stream;  // http/stream.h
class Channel;  // http/stream.h

/// The server adds Content-Length, Date, Server, X-Request-Id and, when it compresses, Content-Encoding and Vary.
/// `Connection: close` is honoured. Statuses 204 and 304 carry no body; the body of an answer to HEAD only gives the length.
struct Response {
    int status = 200;
    Headers headers;
    std::string body;
    bool compress = true;  // gzip when the client takes it, the body is over 1 KiB and its type is text, JSON, XML or script
    // Instead of `body`, at most one of these:
    std::shared_ptr<Stream> stream;    // shared only so that a Response can be copied
    std::shared_ptr<Channel> channel;  // shared with whoever writes to it

    static Response text(int status, std::string_view content_type, std::string body);
};

/// Decoded query parameters in order; '+' is a space. Refuses broken percent-encoding and invalid UTF-8.
Result<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view query);
/// Everything but letters, digits and "-._~" becomes %XX.
std::string percent_encode(std::string_view text);
/// Nothing when a '%' is not followed by two hex digits. The bytes may be anything.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space = false);

/// Answers a request, once, from any thread, also after the server is gone. Compresses in the calling thread. When every
/// copy is destroyed unused, the client is told 500.
using Respond = std::function<void(Response)>;
/// Must not throw (it is then answered 500 and logged); must call `respond` exactly once, now or later. Runs on a worker
/// thread, or on an I/O thread when `ServerOptions::quick` says so; many run at once.
using Handler = std::function<void(Request request, Respond respond)>;

struct ServerOptions {
    std::string bind = "127.0.0.1";
    std::uint16_t port = 8080;    // 0: any free port
    unsigned io_threads = 0;      // 0: one per core, at least 2
    unsigned worker_threads = 0;  // 0: twice the cores
    std::size_t header_bytes = 32u << 10;
    std::size_t body_bytes = 64u << 20;
    std::size_t connections = 10'000;
    std::size_t queued_requests = 4'096;  // waiting for a worker; more are answered 503 with Retry-After
    /// Answers that wait for their clients to read, of all connections together. Beyond it, who takes nothing for two seconds is
    /// dropped; beyond twice as much, a GET of anything large is answered 503 with Retry-After.
    std::size_t unsent_bytes = 256u << 20;
    std::chrono::seconds header_timeout{15};  // from the first byte (or the connection) to the end of the header
    std::chrono::seconds body_timeout{120};   // without a byte; in all, one second more for every 64 KiB: else 408
    std::chrono::seconds idle_timeout{75};    // between requests
    std::chrono::seconds write_timeout{60};   // as body_timeout, for what the client takes: else it is dropped
    std::string tls_certificate;              // PEM files; both empty: plain HTTP
    std::string tls_key;
    /// Asks every client for a certificate and takes any, or none: who it is says the one who knows it (Request::certificate).
    bool tls_asks_clients = false;
    /// True when a request is answered in microseconds: it then runs on the I/O thread, without a hand-over.
    std::function<bool(const Request&)> quick;
    /// The body limit for a request, before its body is read (e.g. larger for imports). Default: body_bytes.
    std::function<std::size_t(const Request&)> body_limit;
    /// Lines for the operator: a handler threw, an answer came twice, no descriptors left. Called from any thread; no personal data.
    std::function<void(std::string_view line)> log;
    /// How long a graceful stop waits for handlers and slow readers before it drops them.
    std::chrono::seconds stop_timeout{30};
};

/// Counters for /metrics; read from any thread.
struct ServerFigures {
    std::uint64_t connections_open = 0, connections_total = 0, requests_total = 0, requests_in_flight = 0;
    std::uint64_t refused_busy = 0, bytes_in = 0, bytes_out = 0;
    std::uint64_t unsent_bytes = 0;           // of answers that wait for their clients to read
    std::uint64_t by_status_class[6] = {};    // [2] is 2xx
    std::uint64_t duration_buckets[12] = {};  // cumulative counts, bounds in duration_bounds_ms
    double duration_sum_seconds = 0;
    static constexpr double duration_bounds_ms[11] = {0.1, 0.25, 0.5, 1, 2.5, 5, 10, 50, 250, 1000, 5000};
};

/// HTTP/1.1 with keep-alive and pipelining, optionally TLS 1.3. `figures` and `stop` are safe from any thread.
class Server {
public:
    Server(ServerOptions options, Handler handler);
    ~Server();  // as stop(true)

    /// Binds and starts its threads. Refuses (where: "--port", "--bind", "--tls-…") when it cannot.
    Result<Done> start();
    std::uint16_t port() const;
    /// Stops accepting, finishes what was taken (`at_once` drops it), joins the threads. Safe to call twice and from two
    /// threads: a second call with `at_once` cuts a patient one short. Never call it from a handler: it waits for them.
    void stop(bool at_once = false);
    ServerFigures figures() const;

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

}  // namespace xinglin::http
