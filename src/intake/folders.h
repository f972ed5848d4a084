// SPDX-License-Identifier: Apache-2.0
// Watched folders: whole files are taken in, then moved to done/ or rejected/ with the reason beside them.
#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "intake/intake.h"

namespace xinglin::intake {

struct FolderOptions {
    std::filesystem::path data;  // DATA/inbox/SOURCE unless the source names another
    std::chrono::milliseconds look_every{1'000};
    std::size_t under_way = 1'000;          // messages of a file given to the ledger and not on disk yet
    std::uint64_t whole_bytes = 64u << 20;  // of a file that is one message
    std::function<void(std::string_view line)> log;
};

/// A thread that looks after the folders of all sources of kind folder. A file is taken when its name doesn't end in .tmp, .part
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
    FolderOptions options_;
    Intake& intake_;
    std::map<std::filesystem::path, Seen> seen_;
    mutable std::mutex mutex_;  // guards troubles_
    std::map<std::string, std::string> troubles_;
    std::atomic<bool> stopping_ = false;
    std::jthread thread_;

    void look_at(const Source& source);
    bool is_whole(const std::filesystem::path& file);
    void take(const Source& source, const std::filesystem::path& folder, const std::filesystem::path& file);
    Result<Done> take_whole(const Source& source, const std::filesystem::path& file, const std::string& key);
    Result<Done> take_items(const Source& source, const Format& format, const std::filesystem::path& file, const std::string& key,
                            std::int64_t from);
    void move(const std::filesystem::path& folder, const std::filesystem::path& file, const std::string& why);
};

}  // namespace xinglin::intake
