// SPDX-License-Identifier: Apache-2.0
// Inside the room: SQLite's file system with sealed pages.
#pragma once

#include <sqlite3.h>

#include <filesystem>
#include <memory>
#include <string>

#include "sql/sealed_page.h"
#include "sql/sealed_redo.h"

namespace xinglin::sql {

/// The name of the file system to open a database of an encrypted folder with; registered at the first call.
const char* sealed_file_system();
/// Before the first table of a new database: leaves room for the seal on every page.
void leave_room_for_seal(sqlite3* db);
/// What this thread last found wrong with a sealed file, in words, and forgets it: SQLite passes a number only.
std::string take_seal_problem();
void tell_seal_problem(std::string problem);
/// Keys for a file that lies in no encrypted folder yet, while this is held in this thread.
class KeysForNow {
public:
    KeysForNow(std::filesystem::path file, std::shared_ptr<keys::Folder> keys);
    ~KeysForNow();
    KeysForNow(const KeysForNow&) = delete;
};

/// An open main file of a database, for rekeying.
class SealedMain {
public:
    virtual ~SealedMain() = default;
    virtual std::uint32_t pages() = 0;
    virtual std::uint32_t key_of_page(std::uint32_t page) = 0;  // 0 when it cannot be read
    /// Pages from `first` on, at most `count`, to the active key. SQLITE_OK, SQLITE_BUSY or what is wrong.
    virtual int rekey(std::uint32_t first, std::uint32_t count) = 0;
    virtual std::uint32_t active_key() = 0;
};
/// Of an open connection; nothing when its main file is not sealed.
SealedMain* sealed_main(sqlite3* db);

}  // namespace xinglin::sql
