// SPDX-License-Identifier: Apache-2.0
// Inside the room: who has been seen lately, so that a request costs a hash and a look-up in memory.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "access/access.h"

namespace xinglin::access {

/// Remembers viewers by the SHA-256 of their secret, until `forget_all`. Safe from any thread.
class Known {
public:
    struct Entry {
        Viewer viewer;
        std::int64_t created_ms = 0;
        std::atomic<std::int64_t> seen_ms{0};
        std::atomic<std::int64_t> noted_ms{0};  // the last `seen_ms` that was noted for writing
    };

    std::shared_ptr<Entry> find(const std::string& key) const;  // shared: a reader may hold it while all is forgotten
    /// Number of times everything was forgotten; ask before reading the table.
    std::uint64_t generation() const;
    /// Keeps the entry unless all was forgotten since `generation`.
    std::shared_ptr<Entry> keep(const std::string& key, Viewer viewer, std::int64_t created_ms, std::int64_t seen_ms,
                                std::uint64_t generation);
    void forget_all();

    /// Uses not yet written down; a newer one replaces an older.
    void note(const std::string& key, std::int64_t at_ms);
    std::int64_t noted(const std::string& key) const;
    std::vector<std::pair<std::string, std::int64_t>> take_notes();

private:
    static constexpr std::size_t most_ = 20'000;
    mutable std::shared_mutex mutex_;  // guards what follows
    std::unordered_map<std::string, std::shared_ptr<Entry>> entries_;
    std::uint64_t generation_ = 0;
    std::unordered_map<std::string, std::int64_t> notes_;
};

}  // namespace xinglin::access
