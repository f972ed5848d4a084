// SPDX-License-Identifier: Apache-2.0
// Sampling, and events by long answers.
//
// The HTTP server gives whole answers only, so an event stream is one answer per batch of events; the browser's
// EventSource asks again as soon as it has one, which is what it does after any interruption.
#include "server/pulse.h"

#include "server/pages.h"

namespace xinglin::server {

Pulse::Pulse(const calendar::Clock& clock, std::function<Totals()> totals, std::function<std::string()> state)
    : clock_(clock),
      totals_(std::move(totals)),
      state_(std::move(state)),
      thread_([this](const std::stop_token& stop) { work(stop); }) {}

Pulse::~Pulse() {
    close();
    thread_.request_stop();
    thread_.join();
}

std::vector<Sample> Pulse::history() const {
    const std::lock_guard lock(mutex_);
    return {samples_.begin(), samples_.end()};
}

void Pulse::work(const std::stop_token& stop) {
    Totals before = totals_();
    auto at = std::chrono::steady_clock::now();
    for (;;) {
        bool someone_waits = false;
        {
            std::unique_lock lock(mutex_);
            wakes_.wait_for(lock, stop, std::chrono::seconds(seconds), [] { return false; });
            if (stop.stop_requested()) return;
            someone_waits = !waiters_.empty();
        }
        const Totals now = totals_();
        const auto moment = std::chrono::steady_clock::now();
        const double passed = std::chrono::duration<double>(moment - at).count();
        const auto rate = [&](std::uint64_t from, std::uint64_t to) {
            return to > from && passed > 0 ? static_cast<double>(to - from) / passed : 0.0;
        };
        {
            const std::lock_guard lock(mutex_);
            samples_.push_back({clock_.now_ms(), rate(before.writes, now.writes), rate(before.reads, now.reads)});
            if (samples_.size() > samples_kept) samples_.pop_front();
        }
        before = now;
        at = moment;
        if (someone_waits) tell("system", state_());
    }
}

void Pulse::tell(std::string_view event, std::string data) {
    {
        const std::lock_guard lock(mutex_);
        events_.push_back({++last_, std::string(event), std::move(data)});
        if (events_.size() > events_kept) events_.pop_front();
    }
    answer_all();
}

void Pulse::wait(std::uint64_t after, http::Respond respond) {
    std::unique_lock lock(mutex_);
    // Someone new hears what comes next; a number from before a restart is like none.
    if (after == 0 || after > last_) after = last_;
    if (after < last_ || closed_ || waiters_.size() >= waiters_most) {
        auto response = text_after(after);
        lock.unlock();
        respond(std::move(response));
        return;
    }
    waiters_.push_back({after, std::move(respond)});
}

void Pulse::close() {
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
    }
    answer_all();
}

void Pulse::answer_all() {
    std::vector<std::pair<http::Respond, http::Response>> answers;
    {
        const std::lock_guard lock(mutex_);
        for (Waiter& waiter : waiters_) answers.emplace_back(std::move(waiter.respond), text_after(waiter.after));
        waiters_.clear();
    }
    for (auto& [respond, response] : answers) respond(std::move(response));
}

http::Response Pulse::text_after(std::uint64_t after) const {
    std::string body = closed_ ? "retry: 3000\n\n" : "retry: 100\n\n";
    for (const Event& event : events_) {
        if (event.number <= after) continue;
        body += "id: " + std::to_string(event.number) + "\nevent: " + event.name + "\ndata: " + event.data + "\n\n";
    }
    http::Response response = http::Response::text(200, "text/event-stream", std::move(body));
    response.headers.set("Cache-Control", "no-store");
    add_security_headers(response.headers);
    return response;
}

}  // namespace xinglin::server
