// SPDX-License-Identifier: Apache-2.0
// Inside the room: what is kept on the disk beside the files of an export.
#pragma once

#include "bulk/bulk.h"

namespace xinglin::bulk {

namespace fs = std::filesystem;

constexpr std::string_view job_file = "job", checkpoint_file = ".unfinished";

[[noreturn]] void disk_refuses(const fs::path& file);
/// What lies in a folder; nothing when it cannot be read. The standard library's own walk ends the program when memory is refused.
std::vector<std::string> names_in(const fs::path& folder);
/// Whole or not at all.
void write_durably(const fs::path& file, std::string_view bytes);

json::Value count(json::Arena& arena, std::uint64_t value);
std::string stored_text(const Job& job);
std::optional<Job> read_stored(const fs::path& file);

/// From where an export goes on: everything before `place` is in the files, as far as their sizes say.
struct Checkpoint {
    Unfinished what;
    record::Rid place = INT64_MIN;
    std::uint64_t left_out = 0;
    std::vector<File> files;
};
std::string stored_text(const Checkpoint& checkpoint);
std::optional<Checkpoint> read_checkpoint(const fs::path& folder);

}  // namespace xinglin::bulk
