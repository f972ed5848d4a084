// SPDX-License-Identifier: Apache-2.0
// Counting in the background.
#include "server/storage.h"

namespace xinglin::server {

StorageFigures::~StorageFigures() {
    if (thread_.joinable()) thread_.join();
}

record::Store::Storage StorageFigures::latest() {
    const record::Position position = store_.reader(access::Viewer::program("storage")).position();
    const std::lock_guard lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    if (running_ || position == position_ || now < next_) return counted_;
    if (thread_.joinable()) thread_.join();
    running_ = true;
    thread_ = std::thread([this, position, now] {
        record::Store::Storage storage;
        try {
            storage = store_.storage();
        } catch (const std::exception&) {}  // the checks of /api/v1/system say what is wrong with the store
        const auto done = std::chrono::steady_clock::now();
        const std::lock_guard again(mutex_);
        counted_ = std::move(storage);
        position_ = position;
        next_ = done + std::max<std::chrono::steady_clock::duration>(std::chrono::minutes(position < 10'000 ? 0 : 10),
                                                                     10 * (done - now));
        running_ = false;
    });
    return counted_;
}

}  // namespace xinglin::server
