// SPDX-License-Identifier: Apache-2.0
// Inside the room: the files of one export, written by several threads.
#pragma once

#include <map>

#include "bulk/bulk.h"

namespace xinglin::bulk {

/// Packs text with gzip, a whole member at a time; one for each thread.
class Packing {
public:
    Packing();
    ~Packing();
    Packing(const Packing&) = delete;
    std::string pack(std::string_view plain);

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

/// `add` is safe from many threads; the order of pieces in a file is that of arrival.
class Spool {
public:
    /// `begun`: files of an earlier run, cut back to the sizes given; whatever else lies there of that run is removed.
    Spool(std::filesystem::path folder, bool packed, const RunOptions& options, Progress& progress,
          const std::vector<File>& begun = {});
    ~Spool();
    /// Whole lines, packed already if the files are.
    void add(std::string_view type, bool deletions, std::string_view bytes, std::uint64_t plain_bytes, std::uint64_t count);
    /// Makes durable what was added so far; the files as they are.
    std::vector<File> so_far();
    /// Makes all durable.
    std::vector<File> finish();

private:
    struct Open;
    void write_all(Open& open, std::string_view bytes);
    void check_space();
    [[noreturn]] void fail(const std::filesystem::path& file) const;

    const std::filesystem::path folder_;
    const bool packed_;
    const RunOptions& options_;
    Progress& progress_;
    std::mutex mutex_;  // guards what follows
    std::map<std::pair<bool, std::string>, std::unique_ptr<Open>> open_;
    std::map<std::string, int> parts_;
    std::vector<File> closed_;
    std::uint64_t unchecked_bytes_ = UINT64_MAX;
};

}  // namespace xinglin::bulk
