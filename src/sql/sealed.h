// SPDX-License-Identifier: Apache-2.0
// SQLite files of a folder that is encrypted at rest: whose keys they take, and pages that change their key.
//
// A folder that holds data-keys.json (room keys) is encrypted: every database in it and in the folders below it is sealed page by
// page, main file and write-ahead log alike, and nothing of it can be opened without the key. docs/decisions/0046.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "keys/keys.h"

namespace xinglin::sql {

/// Where this process finds key-encrypting keys (keys::fetch), for every folder it opens from now on. For the whole process, as
/// SQLite's own list of file systems is.
void give_key_places(std::vector<std::string> places);
std::vector<std::string> key_places();

/// The keys of the encrypted folder that `file` lies in; nothing when it lies in none. Throws Broken without the right key.
std::shared_ptr<keys::Folder> keys_for(const std::filesystem::path& file);
/// Is the file there, and one that was sealed?
bool is_sealed_file(const std::filesystem::path& file);
/// Databases (*.db) in a folder and the folders below it that take its keys: not those of backups, which have their own.
std::vector<std::filesystem::path> databases_below(const std::filesystem::path& folder);

/// How many pages are sealed with which key, the write-ahead log's included. Also while others work.
std::map<std::uint32_t, std::uint64_t> pages_by_key(const std::filesystem::path& file);
/// Seals every page anew that has another than the active key, also while others read and write; may be killed at any moment and
/// begun again. False when readers kept older pages in the write-ahead log: call it again later.
bool seal_anew(const std::filesystem::path& file, const std::function<void(std::uint64_t done, std::uint64_t of)>& progress = {});
/// A sealed copy of a plain database beside it, for whoever encrypts a folder: `into` must lie where `keys_for` finds keys, or
/// `with` names them.
void seal_copy(const std::filesystem::path& plain, const std::filesystem::path& into, std::shared_ptr<keys::Folder> with);

}  // namespace xinglin::sql
