// SPDX-License-Identifier: Apache-2.0
// Inside the room: bytes of a file, unpacked on the way when its name ends in .gz or .zst.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace xinglin::ingest {

class Source {
public:
    virtual ~Source() = default;
    /// Appends up to about 256 KiB to `out`. False at the end, or when something is wrong: then `problem` says what.
    virtual bool read(std::string& out) = 0;
    std::string problem;
    /// Bytes taken from the disk so far.
    std::uint64_t taken = 0;
};

/// Nothing when the file cannot be opened; `problem` then says why.
std::unique_ptr<Source> open_source(const std::filesystem::path& path, std::string& problem);
/// The name without .gz or .zst.
std::string unpacked_name(const std::filesystem::path& path);

}  // namespace xinglin::ingest
