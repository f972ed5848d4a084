// SPDX-License-Identifier: Apache-2.0
// Inside the room: reading a data folder that another process may be serving.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "calendar/calendar.h"
#include "outcome/outcome.h"
#include "record/record.h"

namespace xinglin::server {

/// The store of a folder, or of a copy of it that lives as long as this.
struct Opened {
    std::unique_ptr<record::Store> store;
    std::filesystem::path copy;  // "" when it is the folder itself

    Opened() = default;
    Opened(Opened&&) = default;
    Opened& operator=(Opened&& other) noexcept {  // what was here ends with the other
        std::swap(store, other.store);
        std::swap(copy, other.copy);
        return *this;
    }
    ~Opened();
};
/// Opens the folder; while another process has it open, copies its record to `copy` and opens that.
Result<Opened> open_or_snapshot(const std::filesystem::path& folder, const std::filesystem::path& copy,
                                const calendar::Clock& clock);

/// The record in a PostgreSQL database; the folder that a store needs for its own is a temporary one.
Result<Opened> open_database(const std::string& store, const calendar::Clock& clock, record::Options options = {});

/// The databases of a data folder that a backup holds; views are built again.
constexpr const char* kept_files[] = {"record.db", "access.db", "audit.db"};
/// A consistent copy of one database, synchronised to disk. False when there is no such file.
bool copy_database(const std::filesystem::path& from, const std::filesystem::path& to);
/// Copies bytes and synchronises them.
void copy_bytes(const std::filesystem::path& from, const std::filesystem::path& to);
void synchronise(const std::filesystem::path& file_or_folder);
/// Hexadecimal SHA-256 of a file's bytes.
std::string file_sha256(const std::filesystem::path& file);

}  // namespace xinglin::server
