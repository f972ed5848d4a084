// SPDX-License-Identifier: Apache-2.0
// Backups: a folder with everything, folders with what came since, and a record made again from them as of any moment.
//
// A full backup holds a copy of each database. A differential one holds the versions after its base, in feed order, as
// packed lines that know nothing of the engine they came from; it names its base by check sum. Each holds accounts, audit and
// saved definitions of views as they are. manifest.json is written last, so that half a backup is none. docs/decisions/0012.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "calendar/calendar.h"
#include "outcome/outcome.h"
#include "record/record.h"

namespace xinglin::backup {

namespace fs = std::filesystem;

struct File {
    std::string name, sha256;
    std::uint64_t bytes = 0;
};

struct Manifest {
    bool is_differential = false;
    std::string made_at;                  // instant
    record::Position from = 0, upto = 0;  // holds the versions with from < position ≤ upto
    std::string base;                     // of a differential: SHA-256 of its base's manifest
    std::int16_t offset_minutes = 0;
    double seconds = 0;  // that it took to make
    bool verified = false;
    std::vector<File> files;
    std::uint64_t bytes() const;
};

/// Refuses, naming the manifest, when it is missing, no manifest of ours, or not as it was written.
Result<Manifest> read_manifest(const fs::path& folder);
Result<Manifest> parse_manifest(std::string_view text, const std::string& where);
/// Are all files there and as they were? Names the first that is not.
Result<Done> check_files(const fs::path& folder, const Manifest& manifest);

/// Where the versions of a differential backup come from: a store being served, or a folder beside its server.
struct Source {
    record::Position position = 0;
    std::int16_t offset_minutes = 0;
    std::function<void(record::Position after, record::Position upto, const std::function<bool(const record::Change&)>& each)>
        changes;
};

struct Request {
    fs::path data;                 // whose databases are copied; "" when there are none (PostgreSQL)
    std::string store;             // instead: the PostgreSQL database whose ledger, queues, accounts and audit are copied
    fs::path views;                // where definitions of views were saved, NAME.json each; "" or absent: none
    fs::path mappings;             // the same for mappings of tables
    fs::path out;                  // an empty or new folder
    std::optional<fs::path> base;  // an earlier backup: then only what came since
    /// For a differential; none: read from `data`. Asked after the ledger was copied, so that what the ledger says is stored is there.
    std::function<Source()> source;
    std::function<void(record::Position done, record::Position of)> progress;
};
/// Makes a backup, reads it again and compares. Refuses with the file that could not be written, or what is wrong with the
/// base. Without a `data` folder a full backup holds every version since the first, as lines.
Result<Manifest> make(const Request& request, const calendar::Clock& clock, std::string_view program_version);

struct Restoring {
    std::vector<fs::path> backups;  // a full one, then differential ones, each on the one before
    fs::path data;                  // an empty or new folder
    std::string store;              // "": SQLite in the folder; else the address of an empty PostgreSQL database
    std::optional<record::Position> to_position;
    std::optional<std::int64_t> to_ms;
    std::function<void(record::Position done, record::Position of)> progress;
};
struct Restored {
    record::Position position = 0;
    std::uint64_t resources = 0;
};
/// Checks every part first; then makes the record, as of the position or instant asked for. Accounts, audit (with `store` they go
/// into the database too) and saved views are those of the last backup. Verify it afterwards.
Result<Restored> restore(const Restoring& request, const calendar::Clock& clock);

/// Backups below a folder, newest first, for a list. Unreadable ones are left out.
struct Listed {
    fs::path folder;
    Manifest manifest;
};
std::vector<Listed> list(const fs::path& folder);

// ---- files ------------------------------------------------------------------------------------------------------------

/// The databases of a data folder that a backup holds; tables of views are built again from their definitions. The ledger of
/// messages and the queues of what goes out first: what they say is done is then in the copy of the record, and what waits is done
/// again without harm.
constexpr const char* ledger_name = "intake.db";
constexpr const char* queues_name = "outbound.db";
/// Apps and what they may; cards' keys and tokens that were used. In a PostgreSQL database they are its own backups' matter.
constexpr const char* oauth_name = "oauth.db";
constexpr const char* card_name = "card.db";
constexpr const char* kept_files[] = {ledger_name, queues_name, "record.db", "access.db", "audit.db", oauth_name, card_name};
/// A consistent copy of one SQLite database, synchronised to disk. False when there is no such file.
bool copy_database(const fs::path& from, const fs::path& to);
/// Copies bytes and synchronises them. These throw sql::Broken when the disk refuses.
void copy_bytes(const fs::path& from, const fs::path& to);
/// The wrapped keys of an encrypted folder, so that what is copied beside them is encrypted too; they are no file of the manifest,
/// since a backup's keys may be wrapped anew.
void take_keys(const fs::path& from, const fs::path& to);
/// A database out of a backup, from the keys of where it lies to the keys of where it goes.
void bring_database(const fs::path& from, const fs::path& to);
void synchronise(const fs::path& file_or_folder);
/// Hexadecimal SHA-256 of a file's bytes, or of a text.
std::string file_sha256(const fs::path& file);
std::string text_sha256(std::string_view text);

}  // namespace xinglin::backup
