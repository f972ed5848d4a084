// SPDX-License-Identifier: Apache-2.0
// For this room's tests: a server on a free port whose paths do what their names say.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "http/client.h"
#include "http/http.h"

namespace xinglin::http {

inline Request get(std::string_view target) {
    Request request;
    request.method = "GET";
    request.target = target;
    return request;
}

class TestServer {
public:
    explicit TestServer(ServerOptions options = {})
        : server_(prepare(std::move(options)),
                  [this](Request request, Respond respond) { handle(std::move(request), std::move(respond)); }) {
        const auto started = server_.start();
        if (!started.ok()) throw std::runtime_error(started.outcome().line());
    }
    ~TestServer() {
        server_.stop(true);
        for (std::thread& thread : elsewhere_) thread.join();
    }

    Server* operator->() { return &server_; }
    Client client(std::chrono::milliseconds timeout = std::chrono::seconds(20)) {
        auto client = Client::connect({.port = server_.port(), .timeout = timeout});
        if (!client.ok()) throw std::runtime_error(client.outcome().line());
        return std::move(client).value();
    }
    /// Sends bytes on a fresh connection; the status of the answer, 0 for none.
    int status_of(std::string_view bytes) {
        Client one = client();
        (void)one.send_raw(bytes);
        const auto response = one.receive();
        return response.ok() ? response.value().status : 0;
    }

    std::size_t held_now() {
        const std::lock_guard lock(held_mutex_);
        return held_.size();
    }
    void wait_for_held(std::size_t count) {
        if (!eventually([&] { return held_now() >= count; })) throw std::runtime_error("the requests did not come");
    }
    /// Answers the requests to /held, the newest first.
    void release_held_backwards() {
        std::vector<std::pair<std::string, Respond>> held;
        {
            const std::lock_guard lock(held_mutex_);
            held.swap(held_);
        }
        while (!held.empty()) {
            held.back().second(Response::text(200, "text/plain", held.back().first));
            held.pop_back();
        }
    }
    std::size_t log_lines() const { return log_lines_; }

    /// Waits until `condition` holds; false after a generous while.
    static bool eventually(const std::function<bool()>& condition) {
        for (int i = 0; i < 10'000; ++i) {
            if (condition()) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
        return false;
    }

private:
    ServerOptions prepare(ServerOptions options) {
        options.port = 0;
        if (!options.quick)
            options.quick = [](const Request& request) {
                return request.path.starts_with("/echo") || request.path.ends_with("/quick");
            };
        options.log = [this](std::string_view) { ++log_lines_; };
        return options;
    }

    static Response echo(const Request& request) {
        return Response::text(200, "text/plain",
                              fmt::format("{} {} {} {}", request.method, request.path, request.query, request.body));
    }

    void handle(Request request, Respond respond) {
        const std::string& path = request.path;
        if (path.find("throw") != std::string::npos) throw std::runtime_error("a handler broke its promise");
        if (path == "/forget") return;
        if (path == "/twice") {
            respond(Response::text(200, "text/plain", "first"));
            return respond(Response::text(200, "text/plain", "second"));
        }
        if (path == "/held") {
            const std::lock_guard lock(held_mutex_);
            held_.emplace_back(request.query, std::move(respond));
            return;
        }
        if (path == "/elsewhere") {
            const std::lock_guard lock(held_mutex_);
            elsewhere_.emplace_back([request = std::move(request), respond = std::move(respond)] { respond(echo(request)); });
            return;
        }
        respond(answer(request));
    }

    static Response answer(const Request& request) {
        const std::string& path = request.path;
        if (path == "/trace") return Response::text(200, "text/plain", request.trace_id);
        if (path.starts_with("/describe")) {
            return Response::text(200, "text/plain",
                                  fmt::format("{}|{}|{}|{}|{}|{}|{}", request.method, request.target, path, request.query,
                                              request.headers.get("x-one"), request.peer, request.scheme));
        }
        if (path == "/huge") return Response::text(200, "image/png", std::string(20u << 20, 'h'));
        if (path == "/megabyte") return Response::text(200, "image/png", std::string(1'100'000, 'm'));
        if (path == "/large") {
            Response large = Response::text(200, "application/fhir+json", std::string(5000, 'a'));
            large.headers.add("ETag", "\"1\"");
            return large;
        }
        if (path == "/goodbye") {
            Response last = echo(request);
            last.headers.add("Connection", "close");
            return last;
        }
        if (path == "/injected") {
            Response bad = Response::text(200, "text/plain", "whole");
            bad.headers.add("X-Bad", "1\r\nX-Injected: 2");
            return bad;
        }
        if (path.starts_with("/status/")) return Response::text(std::stoi(path.substr(8)), "text/plain", "status");
        if (path == "/size") return Response::text(200, "text/plain", std::to_string(request.body.size()));
        return echo(request);
    }

    std::atomic<std::size_t> log_lines_{0};
    std::mutex held_mutex_;
    std::vector<std::pair<std::string, Respond>> held_;
    std::vector<std::thread> elsewhere_;
    Server server_;
};

}  // namespace xinglin::http
