// SPDX-License-Identifier: Apache-2.0
// Inside the room: numbered work done by several threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <thread>
#include <vector>

namespace xinglin::city {

/// Does `work` for 0 … count-1 with some threads; an exception of one is thrown again here.
template <typename Work>
void in_parallel(std::uint32_t count, unsigned threads, const Work& work) {
    std::atomic<std::uint32_t> next{0};
    std::vector<std::exception_ptr> broken(threads);
    {
        std::vector<std::jthread> workers;
        for (unsigned t = 0; t < threads; ++t) {
            workers.emplace_back([&, t] {
                try {
                    for (std::uint32_t n = next++; n < count; n = next++) work(n);
                } catch (...) {
                    broken[t] = std::current_exception();
                }
            });
        }
    }
    for (const std::exception_ptr& each : broken) {
        if (each) std::rethrow_exception(each);
    }
}

}  // namespace xinglin::city
