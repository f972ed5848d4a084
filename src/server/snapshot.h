// SPDX-License-Identifier: Apache-2.0
// Inside the room: reading a data folder that another process may be serving.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "backup/backup.h"
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

using backup::copy_bytes;
using backup::copy_database;
using backup::file_sha256;
using backup::kept_files;
using backup::synchronise;

}  // namespace xinglin::server
