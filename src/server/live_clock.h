// SPDX-License-Identifier: Apache-2.0
// Inside the room: how far a living city has come, kept so that the next start goes on there.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "outcome/outcome.h"

namespace xinglin::server {

struct LiveMoment {
    std::string city;  // which one: its parameters
    std::string ways;  // by which its parcels were made up
    double now = 0;    // seconds since 1970, local
    std::int64_t day = 0;
    std::size_t done = 0;  // parcels of that day that need no further thought: delivered, or held
    struct Held {
        std::int64_t day = 0;
        std::size_t index = 0;
        bool operator==(const Held&) const = default;
    };
    std::vector<Held> held;            // the source was not willing; they go later
    std::vector<std::string> resting;  // sources that were paused here because the city pauses; to be woken when it goes on
    bool paused = false;               // as it was then, for who asks: another start goes on
    double speed = 1;                  // of its seconds in one of ours
    bool operator==(const LiveMoment&) const = default;
};

/// Nothing when there is no such file. Refuses (where: the path) a file that is no clock.
Result<std::optional<LiveMoment>> read_clock(const std::filesystem::path& file);
/// Written beside and renamed, so that it is whole at any time.
Result<Done> write_clock(const LiveMoment& moment, const std::filesystem::path& file);

}  // namespace xinglin::server
