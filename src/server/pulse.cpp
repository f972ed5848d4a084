// SPDX-License-Identifier: Apache-2.0
// Sampling, and the events of that.
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
    Totals before;
    auto at = std::chrono::steady_clock::now();
    try {
        before = totals_();
    } catch (const std::exception&) {}  // the first rate is then of the whole time before
    for (;;) {
        bool someone_waits = false;
        {
            std::unique_lock lock(mutex_);
            wakes_.wait_for(lock, stop, std::chrono::seconds(seconds), [] { return false; });
            if (stop.stop_requested()) return;
            std::erase_if(listeners_, [](const Listener& listener) { return listener.channel->is_over(); });
            someone_waits = !listeners_.empty();
        }
        try {
            sample(before, at);
            if (someone_waits) tell("system", state_());
        } catch (const std::exception&) {}  // the store cannot be read, or memory: the next beat tells again
    }
}

/// The rates since the last time.
void Pulse::sample(Totals& before, std::chrono::steady_clock::time_point& at) {
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
}

namespace {
std::string event_text(std::uint64_t number, std::string_view name, std::string_view data) {
    return fmt::format("id: {}\nevent: {}\ndata: {}\n\n", number, name, data);
}
}  // namespace

void Pulse::tell(std::string_view event, std::string data) {
    const std::lock_guard lock(mutex_);
    events_.push_back({++last_, std::string(event), std::move(data)});
    if (events_.size() > events_kept) events_.pop_front();
    const std::string text = event_text(last_, event, events_.back().data);
    const std::int64_t now_ms = clock_.now_ms();
    std::erase_if(listeners_, [&](const Listener& listener) {
        if (!listener.channel->send(text)) return true;
        const bool long_enough = now_ms - listener.since_ms > listening_ms;
        if (long_enough) listener.channel->end();
        return long_enough;
    });
}

http::Response Pulse::listen(std::uint64_t after) {
    http::Response response = http::Response::text(200, "text/event-stream", "");
    response.headers.set("Cache-Control", "no-store");
    add_security_headers(response.headers);
    response.channel = std::make_shared<http::Channel>();

    const std::lock_guard lock(mutex_);
    // Someone new hears what comes next; a number from before a restart is like none.
    if (after == 0 || after > last_) after = last_;
    response.channel->send("retry: 3000\n\n");
    for (const Event& event : events_) {
        if (event.number > after) response.channel->send(event_text(event.number, event.name, event.data));
    }
    if (closed_ || listeners_.size() >= listeners_most) {
        response.channel->end();
    } else {
        listeners_.push_back({response.channel, clock_.now_ms()});
    }
    return response;
}

void Pulse::close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    for (const Listener& listener : listeners_) listener.channel->end();
    listeners_.clear();
}

std::size_t Pulse::listeners() const {
    const std::lock_guard lock(mutex_);
    return listeners_.size();
}

}  // namespace xinglin::server
