// SPDX-License-Identifier: Apache-2.0
// For tests only: a disk under SQLite that loses power, and that fails on demand.
//
// While it lives it stands before SQLite's default file system. Everything that changes a file is written down in order;
// a CutDisk plays that back up to any event and makes the files that a power cut there could have left. fsync is not
// passed on, so a test costs no disk time.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

namespace xinglin::testing {

struct DiskEvent {
    enum class Kind { make, write, truncate, sync, remove, sync_folder, note };
    Kind kind;
    std::string file;         // path; of a note what it says
    std::int64_t offset = 0;  // of a write; the new size of a truncate
    std::string bytes;
};

class PowerDisk {
public:
    PowerDisk();
    ~PowerDisk();
    PowerDisk(const PowerDisk&) = delete;

    /// Begins (anew) to write events down.
    void record();
    /// What happened since, and stops.
    std::vector<DiskEvent> recorded();
    /// A mark among the events: "acknowledged 7".
    void note(std::string what);

    /// What can fail. Counted together, in the order in which SQLite asks.
    enum class Fault { io_error, full };
    static constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
    /// Lets `successes` more opens, writes, syncs, truncates and removals pass, then fails one, or all from there on.
    void fail_after(std::int64_t successes, Fault fault, bool lasting);
    void heal();
    /// Asked so far.
    std::int64_t asked() const { return asked_; }
    std::int64_t failures() const { return failures_; }

    struct Vfs;  // inside

private:
    friend struct Vfs;
    /// SQLITE_OK, or the code to fail with.
    int attempt(int io_code);
    void happened(DiskEvent event);

    std::unique_ptr<Vfs> vfs_;
    std::atomic<std::int64_t> asked_{0}, until_failure_{never}, failures_{0};
    std::atomic<bool> lasting_{false};
    std::atomic<Fault> fault_{Fault::io_error};
    std::mutex mutex_;  // guards the next two
    bool recording_ = false;
    std::vector<DiskEvent> events_;
};

/// The disk as it stands after some events, with what was synced and what was not kept apart.
class CutDisk {
public:
    /// Starts with the files of a folder as they are, all of them safe on disk.
    explicit CutDisk(const std::filesystem::path& folder);
    void happen(const DiskEvent& event);

    enum class Loss { only_synced, everything_written, some, torn };
    /// Writes into an empty folder what a power cut now could leave: none of what was not synced, all of it, some of the
    /// writes, or some 512-byte sectors of them.
    void leave(const std::filesystem::path& folder, Loss loss, std::mt19937_64& random) const;

private:
    struct Inode {
        std::string safe;
        std::vector<DiskEvent> waiting;
    };
    using Folder = std::map<std::string, int>;  // name to inode
    std::filesystem::path folder_;
    std::vector<Inode> inodes_;
    Folder safe_, now_;
    std::vector<Folder> renamings_;  // states of the folder since it was synced, oldest first
};

}  // namespace xinglin::testing
