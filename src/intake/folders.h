// SPDX-License-Identifier: Apache-2.0
// Watched folders: whole files are taken in, then moved to done/ or rejected/ with the reason beside them.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "intake/intake.h"

namespace xinglin::intake {

struct FolderOptions {
    std::filesystem::path data;  // DATA/inbox/SOURCE unless the source names another
    std::chrono::milliseconds look_every{1'000};
    std::size_t under_way = 1'000;          // messages of a file given to the ledger and not on disk yet
    std::uint64_t whole_bytes = 64u << 20;  // of a file that is one message
    unsigned threads = 4;
    std::function<void(std::string_view line)> log;
};

/// Threads that look after the folders of all sources of kind folder; one of them at a time after each, so that its files come in
/// order and a very large one holds up only its own source. A file is taken when its name doesn't end in .tmp, .part
/// or .filepart, doesn't begin with a dot, and its size and time of change stayed the same between two looks.
class Folders {
public:
    Folders(FolderOptions options, Intake& intake);
    ~Folders();  // stops; a file being read goes on at the next start where it was
    /// One look at everything, in the caller's thread: for tests and for a command.
    void look();
    /// What is wrong with a source's folder right now, "" when nothing is.
    std::string trouble(const std::string& source) const;

private:
    struct Seen {
        std::uintmax_t size = 0;
        std::filesystem::file_time_type changed;
    };
    using AllSeen = std::map<std::filesystem::path, Seen>;
    const FolderOptions options_;
    Intake& intake_;
    mutable std::mutex mutex_;  // guards what follows, down to the blank line
    std::map<std::string, std::string> troubles_;
    std::set<std::string> looked_at_;                                      // sources that some thread is looking after just now
    std::map<std::string, std::chrono::steady_clock::time_point> looked_;  // when one last began to
    std::map<std::string, AllSeen> seen_;  // by source; what is in it is used by the thread that looks after the source

    std::atomic<bool> stopping_ = false;
    std::vector<std::jthread> threads_;

    void look_at(const Source& source, AllSeen& seen);
    static bool is_whole(const std::filesystem::path& file, AllSeen& seen);
    void take(const Source& source, const std::filesystem::path& folder, const std::filesystem::path& file, AllSeen& seen);
    Result<Done> take_whole(const Source& source, const std::filesystem::path& file, const std::string& key);
    Result<Done> take_items(const Source& source, const Format& format, const std::filesystem::path& file, const std::string& key,
                            std::int64_t from);
    void move(const std::filesystem::path& folder, const std::filesystem::path& file, const std::string& why);
};

}  // namespace xinglin::intake
