// SPDX-License-Identifier: Apache-2.0
// The server's life: threads up, threads down.
#include <condition_variable>
#include <mutex>

#include "http/porter.h"

namespace xinglin::http {

struct Server::Inside {
    Inside(ServerOptions given, Handler handle)
        : options(std::move(given)), handler(std::move(handle)), workers(options, handler) {}

    Result<Done> start();
    void stop(bool at_once);
    bool wait_for_loops();
    void run_loop(Loop& loop);

    const ServerOptions options;
    const Handler handler;
    Workers workers;
    std::atomic<std::size_t> unsent{0};
    TlsContext tls;
    std::vector<std::shared_ptr<Loop>> loops;  // shared with tickets, see Loop
    std::unique_ptr<Porter> porter;
    std::vector<std::thread> threads;
    std::uint16_t port = 0;
    std::atomic<bool> started{false};

    std::mutex stop_mutex;  // one stop at a time
    std::mutex ended_mutex;
    std::condition_variable ended_changed;
    std::size_t loops_ended = 0;
    bool in_haste = false;
};

Result<Done> Server::Inside::start() {
    XINGLIN_ASSERT(!started);
    if (!options.tls_certificate.empty() || !options.tls_key.empty()) {
        XINGLIN_TRY(tls, tls_context(options.tls_certificate, options.tls_key));
        if (options.tls_asks_clients) ask_clients(tls.get());
    }
    const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
    const unsigned io_threads = options.io_threads != 0 ? options.io_threads : std::max(2u, cores);
    for (unsigned i = 0; i < io_threads; ++i) {
        loops.push_back(std::make_shared<Loop>(Surroundings{options, handler, workers, unsent, tls.get()}));
    }
    porter = std::make_unique<Porter>(options, loops);
    if (auto opened = porter->open(); !opened.ok()) {
        porter.reset();
        loops.clear();
        return opened;
    }
    port = porter->port();
    started = true;
    porter->start();
    workers.start(options.worker_threads != 0 ? options.worker_threads : 2 * cores);
    for (const auto& loop : loops) threads.emplace_back([this, loop] { run_loop(*loop); });
    return Done{};
}

void Server::Inside::run_loop(Loop& loop) {
    loop.run();
    const std::lock_guard lock(ended_mutex);
    ++loops_ended;
    ended_changed.notify_all();
}

/// True when all I/O threads ended in time and nobody lost patience.
bool Server::Inside::wait_for_loops() {
    std::unique_lock lock(ended_mutex);
    return ended_changed.wait_for(lock, options.stop_timeout, [this] { return in_haste || loops_ended == threads.size(); }) &&
           !in_haste;
}

void Server::Inside::stop(bool at_once) {
    if (at_once) {  // also for a patient stop that is waiting just now
        const std::lock_guard lock(ended_mutex);
        in_haste = true;
        ended_changed.notify_all();
    }
    const std::lock_guard lock(stop_mutex);
    if (threads.empty()) return;
    porter->close();
    for (const auto& loop : loops) loop->wind_down();
    const bool finished = wait_for_loops();
    if (!finished) {
        for (const auto& loop : loops) loop->abandon();
    }
    for (std::thread& thread : threads) thread.join();
    threads.clear();
    workers.stop(!finished);
    porter.reset();
}

Server::Server(ServerOptions options, Handler handler)
    : inside_(std::make_unique<Inside>(std::move(options), std::move(handler))) {}

Server::~Server() { stop(true); }

Result<Done> Server::start() { return inside_->start(); }

std::uint16_t Server::port() const { return inside_->port; }

void Server::stop(bool at_once) { inside_->stop(at_once); }

ServerFigures Server::figures() const {
    ServerFigures figures;
    if (!inside_->started) return figures;
    for (const auto& loop : inside_->loops) loop->tally.add_to(figures);
    figures.unsent_bytes = inside_->unsent;
    return figures;
}

}  // namespace xinglin::http
