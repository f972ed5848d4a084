// SPDX-License-Identifier: Apache-2.0
// A queue and a thread.
#include "server/errands.h"

namespace xinglin::server {

Errands::~Errands() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
}

bool Errands::send(std::function<void()> errand) {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= 64 || ending_) return false;
    waiting_.push_back(std::move(errand));
    if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
    changed_.notify_one();
    return true;
}

void Errands::work() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [&] { return !waiting_.empty() || ending_; });
        if (waiting_.empty()) return;
        auto errand = std::move(waiting_.front());
        waiting_.pop_front();
        lock.unlock();
        try {
            errand();
        } catch (const std::exception&) {}  // memory: who waits for its answer is told 500 when the errand is forgotten
        errand = nullptr;
        lock.lock();
    }
}

}  // namespace xinglin::server
