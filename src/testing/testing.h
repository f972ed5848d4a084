// SPDX-License-Identifier: Apache-2.0
// For tests only: files beside the tests, scratch folders, a stopped clock.
#pragma once

#include <atomic>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "calendar/calendar.h"

namespace xinglin::testing {

/// The whole file; throws if it cannot be read.
std::string read_file(const std::filesystem::path& path);
/// As read_file, unpacking when the name ends in .gz.
std::string read_packed(const std::filesystem::path& path);

/// The folder beside the checkout that holds development-only data, or an empty path when it is absent: then skip.
std::filesystem::path shared_data();
/// All regular files below `folder` whose name ends with `suffix`, sorted.
std::vector<std::filesystem::path> files_below(const std::filesystem::path& folder, std::string_view suffix);

/// A fresh folder, removed with everything in it at the end of scope.
class ScratchFolder {
public:
    ScratchFolder();
    ~ScratchFolder();
    ScratchFolder(const ScratchFolder&) = delete;
    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

/// A clock that stands still until moved.
class StoppedClock : public calendar::Clock {
public:
    explicit StoppedClock(std::int64_t now_ms = 1'795'305'600'000) : now_ms_(now_ms) {}
    std::int64_t now_ms() const override { return now_ms_; }
    void move(std::int64_t by_ms) { now_ms_ += by_ms; }

private:
    std::atomic<std::int64_t> now_ms_;
};

/// Seed of a random test: the environment variable XINGLIN_SEED, or a fresh one. The test prints it on failure.
std::uint64_t seed();

}  // namespace xinglin::testing
