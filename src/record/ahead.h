// SPDX-License-Identifier: Apache-2.0
// What was fetched before it is asked for: many rows in one statement, where each by itself would cost a round trip.
//
// Only PostgreSQL has round trips; on SQLite nothing is ever put here and a look costs one comparison.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace xinglin::record {

/// Two generations: when the younger one is full it becomes the older, and the older is forgotten.
template <typename Key, typename Value>
class Generations {
public:
    bool empty() const { return young_.empty() && old_.empty(); }
    const Value* find(const Key& key) const {
        if (const auto found = young_.find(key); found != young_.end()) return &found->second;
        const auto found = old_.find(key);
        return found == old_.end() ? nullptr : &found->second;
    }
    void keep(Key key, Value value, std::size_t bytes = 0) {
        bytes_ += bytes;
        young_.insert_or_assign(std::move(key), std::move(value));
    }
    /// Before a fetch: what it brings stays until the fetch after the next.
    void make_room() {
        if (young_.size() < most && bytes_ < most_bytes) return;
        old_ = std::exchange(young_, {});
        bytes_ = 0;
    }

private:
    static constexpr std::size_t most = 2'000, most_bytes = 8u << 20;
    std::map<Key, Value> young_, old_;
    std::size_t bytes_ = 0;
};

/// A row of record_current or record_past as it came, its body still packed.
struct Fetched {
    bool there = false;  // false: asked for, and not there
    bool has_body = false;
    std::int64_t tid = 0, version = 0, position = 0, updated_ms = 0, flags = 0, splice = 0;
    std::uint64_t present = 0;
    std::string body;
};

struct Ahead {
    Generations<std::pair<std::int64_t, std::int64_t>, bool> own_patient;  // by the first of the pids, and rid
    Generations<std::int64_t, Fetched> current;
    Generations<std::pair<std::int64_t, std::int64_t>, Fetched> versions;                     // by rid and version
    Generations<std::pair<std::int64_t, std::string>, std::int64_t> names;                    // by tid and id key; 0: nobody
    Generations<std::pair<std::int64_t, std::int64_t>, std::vector<std::int64_t>> referring;  // by target and pid, sorted
};

}  // namespace xinglin::record
