// SPDX-License-Identifier: Apache-2.0
// The threads that run handlers which take a while, behind a bounded queue. Within this room only.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <variant>
#include <vector>

#include "http/ticket.h"

namespace xinglin::http {

/// A request on its way to the handler.
struct Job {
    Request request;
    std::shared_ptr<Ticket> ticket;
    bool packed = false;  // the body is still gzip
    std::size_t body_limit = 0;
};

/// Unpacks the body if need be and calls the handler; whatever happens, the ticket is answered or passed on.
void run(const Handler& handler, const std::function<void(std::string_view)>& log, Job job);

/// `submit` is safe from any thread; `stop` from one.
class Workers {
public:
    Workers(const ServerOptions& options, const Handler& handler) : options_(options), handler_(handler) {}
    ~Workers() { stop(true); }

    void start(unsigned threads);
    /// False when the queue is full or closed; the job is then untouched.
    bool submit(Job& job);
    /// Goes on with an answer that has begun; the queue's limit does not hold, as there is one per connection at most. False when
    /// closed.
    bool submit(std::function<void()> step);
    /// Finishes what is queued (`discard` drops it) and joins.
    void stop(bool discard);

private:
    void work();

    const ServerOptions& options_;
    const Handler& handler_;
    std::vector<std::thread> threads_;
    std::condition_variable more_;
    std::mutex queue_mutex_;
    std::deque<std::variant<Job, std::function<void()>>> queue_;
    std::size_t sleeping_ = 0;
    bool closed_ = false;
};

}  // namespace xinglin::http
