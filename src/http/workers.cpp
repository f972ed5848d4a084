// SPDX-License-Identifier: Apache-2.0
// Handlers that throw against their promise cost one 500, never a thread.
#include "http/workers.h"

#include "http/answer.h"
#include "http/gzip.h"

namespace xinglin::http {
namespace {

bool unpack(Request& request, std::size_t limit, Ticket& ticket) {
    std::string plain;
    const Inflated inflated = inflate_gzip(request.body, limit, plain);
    const bool fhir = request.path.starts_with("/fhir");
    if (inflated == Inflated::too_large) {
        ticket.answer(error_response(
            413, "too-costly", fmt::format("the unpacked body is over the limit of {} bytes; send it in parts", limit), fhir));
    } else if (inflated == Inflated::broken) {
        ticket.answer(error_response(400, "structure", "the body says Content-Encoding: gzip but is not whole gzip data", fhir));
    } else {
        request.body = std::move(plain);
    }
    return inflated == Inflated::whole;
}

}  // namespace

void run(const Handler& handler, const std::function<void(std::string_view)>& log, Job job) {
    const std::shared_ptr<Ticket> ticket = std::move(job.ticket);
    const bool fhir = job.request.path.starts_with("/fhir");
    std::string problem;
    try {
        if (job.packed && !unpack(job.request, job.body_limit, *ticket)) return;
        handler(std::move(job.request), [ticket](Response response) { ticket->answer(std::move(response)); });
        return;
    } catch (const std::exception& error) {
        problem = error.what();
    } catch (...) {
        problem = "not a std::exception";
    }
    if (log) log(fmt::format("http: a handler threw: {}; request {}", problem, ticket->trace_id()));
    ticket->answer(
        error_response(500, "exception", "the server failed on this request; its log has more under the X-Request-Id", fhir));
}

void Workers::start(unsigned threads) {
    for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

bool Workers::submit(Job& job) {
    bool wake = false;
    {
        const std::lock_guard lock(queue_mutex_);
        if (closed_ || queue_.size() >= options_.queued_requests) return false;
        queue_.emplace_back(std::move(job));
        wake = sleeping_ > 0;
    }
    if (wake) more_.notify_one();
    return true;
}

bool Workers::submit(std::function<void()> step) {
    bool wake = false;
    {
        const std::lock_guard lock(queue_mutex_);
        if (closed_) return false;
        queue_.emplace_back(std::move(step));
        wake = sleeping_ > 0;
    }
    if (wake) more_.notify_one();
    return true;
}

void Workers::work() {
    std::unique_lock lock(queue_mutex_);
    for (;;) {
        while (queue_.empty() && !closed_) {
            ++sleeping_;
            more_.wait(lock);
            --sleeping_;
        }
        if (queue_.empty()) return;
        auto next = std::move(queue_.front());
        queue_.pop_front();
        lock.unlock();
        if (Job* job = std::get_if<Job>(&next)) {
            run(handler_, options_.log, std::move(*job));
        } else {
            try {
                std::get<std::function<void()>>(next)();
            } catch (const std::exception& error) {  // memory gone: the connection's deadline or the stop ends it
                if (options_.log) options_.log(fmt::format("http: a body cannot go on: {}", error.what()));
            }
            next = Job{};  // lets go of the body before the lock is taken again
        }
        lock.lock();
    }
}

void Workers::stop(bool discard) {
    decltype(queue_) dropped;  // their tickets answer 500 when destroyed, outside the lock
    {
        const std::lock_guard lock(queue_mutex_);
        closed_ = true;
        if (discard) dropped.swap(queue_);
    }
    more_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
}

}  // namespace xinglin::http
