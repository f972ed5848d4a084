// SPDX-License-Identifier: Apache-2.0
// Inside the room: the archive that an XLSX file is, opened with suspicion.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "table/table.h"

struct zip;
struct zip_file;

namespace xinglin::table {

/// One part while it is read. Counts what really comes out, whatever the archive claims.
class Part {
public:
    Part(zip_file* file, std::string name, std::uint64_t packed, const Limits& limits)
        : file_(file), name_(std::move(name)), packed_(packed), limits_(limits) {}
    ~Part();
    Part(const Part&) = delete;
    /// 0 at the end. Refuses a damaged part and one that unpacks beyond the limits.
    Result<std::size_t> read(char* to, std::size_t room);

private:
    zip_file* file_;
    std::string name_;
    std::uint64_t packed_, read_ = 0;
    Limits limits_;
};

class Archive {
public:
    /// Refuses what is no archive, is cut off, encrypted, or has entries with paths that lead out of it, too many of them, or
    /// two of one name.
    static Result<std::unique_ptr<Archive>> open(const Source& source, const Limits& limits);
    ~Archive();

    /// Names as the parts call each other: "xl/workbook.xml", any case of letters.
    bool has(std::string_view name) const;
    Result<std::unique_ptr<Part>> part(std::string_view name) const;
    /// A small part as a whole; refuses one larger than `most` bytes.
    Result<std::string> read(std::string_view name, std::size_t most) const;

private:
    Archive() = default;
    Result<Done> look_through();

    zip* zip_ = nullptr;
    Limits limits_;
    std::map<std::string, std::uint64_t, std::less<>> places_;  // lower-case name → index
};

}  // namespace xinglin::table
