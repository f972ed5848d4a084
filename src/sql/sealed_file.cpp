// SPDX-License-Identifier: Apache-2.0
// SQLite's file system with sealed pages. Source: https://sqlite.org/vfs.html.
//
// It stands before whatever file system is SQLite's default one at the moment, so that tests can put a failing disk below.
#include "sql/sealed_file.h"

#include <cstring>
#include <new>

#include "sql/sealed.h"
#include "sql/sealed_open.h"
#include "sql/sql.h"

namespace xinglin::sql {

namespace {

constexpr const char* name_of_system = "xinglin-sealed";

struct File {
    sqlite3_file base;
    SealedOpen* open;
};
SealedOpen& of(sqlite3_file* file) { return *reinterpret_cast<File*>(file)->open; }
/// SQLite's default, or its own where we became that (SQLite takes the next in its list when the default leaves).
sqlite3_vfs* under() {
    sqlite3_vfs* const found = sqlite3_vfs_find(nullptr);
    return std::string_view(found->zName) == name_of_system ? sqlite3_vfs_find("unix") : found;
}

thread_local std::string problem;

/// SQLite is C: nothing may be thrown through it.
template <typename Body>
int guarded(int otherwise, Body&& body) noexcept {
    try {
        return body();
    } catch (const std::bad_alloc&) {
        return SQLITE_NOMEM;
    } catch (const std::exception& error) {
        try {
            problem = error.what();
        } catch (...) {}
        return otherwise;
    }
}

const sqlite3_io_methods& table() {
    static const sqlite3_io_methods all = {
        2,
        [](sqlite3_file* file) {
            SealedOpen* open = &of(file);
            const int code = open->methods().xClose(open->below());
            delete open;
            return code;
        },
        [](sqlite3_file* file, void* bytes, int count, sqlite3_int64 offset) {
            return guarded(SQLITE_IOERR_READ, [&] { return of(file).read(static_cast<unsigned char*>(bytes), count, offset); });
        },
        [](sqlite3_file* file, const void* bytes, int count, sqlite3_int64 offset) {
            return guarded(SQLITE_IOERR_WRITE,
                           [&] { return of(file).write(static_cast<const unsigned char*>(bytes), count, offset); });
        },
        [](sqlite3_file* file, sqlite3_int64 size) {
            return guarded(SQLITE_IOERR_TRUNCATE, [&] { return of(file).truncate(size); });
        },
        [](sqlite3_file* file, int flags) { return of(file).methods().xSync(of(file).below(), flags); },
        [](sqlite3_file* file, sqlite3_int64* size) { return of(file).methods().xFileSize(of(file).below(), size); },
        [](sqlite3_file* file, int level) { return guarded(SQLITE_IOERR_LOCK, [&] { return of(file).lock(level); }); },
        [](sqlite3_file* file, int level) { return of(file).methods().xUnlock(of(file).below(), level); },
        [](sqlite3_file* file, int* held) { return of(file).methods().xCheckReservedLock(of(file).below(), held); },
        [](sqlite3_file* file, int operation, void* argument) {
            if (operation == SQLITE_FCNTL_SIZE_HINT) return SQLITE_OK;  // would grow the file by zeros
            if (operation == SQLITE_FCNTL_MMAP_SIZE) return SQLITE_NOTFOUND;
            return of(file).methods().xFileControl(of(file).below(), operation, argument);
        },
        [](sqlite3_file* file) { return of(file).methods().xSectorSize(of(file).below()); },
        [](sqlite3_file* file) {
            // Else SQLite would pad the log with pieces of frames; the default file system says so too.
            return of(file).methods().xDeviceCharacteristics(of(file).below()) | SQLITE_IOCAP_POWERSAFE_OVERWRITE;
        },
        [](sqlite3_file* file, int page, int bytes, int extend, void volatile** at) {
            return of(file).methods().xShmMap(of(file).below(), page, bytes, extend, at);
        },
        [](sqlite3_file* file, int offset, int count, int flags) {
            return guarded(SQLITE_IOERR_LOCK, [&] { return of(file).lock_shared(offset, count, flags); });
        },
        [](sqlite3_file* file) { of(file).methods().xShmBarrier(of(file).below()); },
        [](sqlite3_file* file, int remove_too) { return of(file).methods().xShmUnmap(of(file).below(), remove_too); },
        nullptr,
        nullptr};
    return all;
}

int open_file(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
    file->pMethods = nullptr;
    using Kind = SealedOpen::Kind;
    const bool is_main = (flags & SQLITE_OPEN_MAIN_DB) != 0, is_log = (flags & SQLITE_OPEN_WAL) != 0;
    // Anything else (what spills from memory) would be plain on the disk; the connection keeps it in memory.
    if (!name || !(is_main || is_log || (flags & SQLITE_OPEN_MAIN_JOURNAL))) return SQLITE_CANTOPEN;
    return guarded(SQLITE_CANTOPEN, [&] {
        std::shared_ptr<keys::Folder> keys = is_main ? keys_for(name) : nullptr;
        if (is_main && !keys) return SQLITE_CANTOPEN;
        SealedOpen* main = is_main ? nullptr : reinterpret_cast<File*>(sqlite3_database_file_object(name))->open;
        sqlite3_vfs* const below = under();
        auto memory = std::make_unique<char[]>(static_cast<std::size_t>(below->szOsFile));
        auto made = std::make_unique<SealedOpen>(is_main  ? Kind::main
                                                 : is_log ? Kind::log
                                                          : Kind::journal,
                                                 name, std::move(memory), std::move(keys), main);
        int got = 0;
        const int code = below->xOpen(below, name, made->below(), flags, &got);
        if (code != SQLITE_OK) return code;
        if (out_flags) *out_flags = got;
        if (got & SQLITE_OPEN_READONLY) made->set_read_only();
        reinterpret_cast<File*>(file)->open = made.release();
        file->pMethods = &table();
        return SQLITE_OK;
    });
}

}  // namespace

std::string take_seal_problem() { return std::exchange(problem, {}); }
void tell_seal_problem(std::string text) { problem = std::move(text); }

const char* sealed_file_system() {
    static sqlite3_vfs system = [] {
        sqlite3_vfs made = *under();
        made.iVersion = 2;
        made.zName = name_of_system;
        made.szOsFile = sizeof(File);
        made.pNext = nullptr;
        made.pAppData = nullptr;
        made.xOpen = open_file;
        made.xDelete = [](sqlite3_vfs*, const char* name, int sync) { return under()->xDelete(under(), name, sync); };
        made.xAccess = [](sqlite3_vfs*, const char* name, int flags, int* out) {
            return under()->xAccess(under(), name, flags, out);
        };
        made.xFullPathname = [](sqlite3_vfs*, const char* name, int size, char* out) {
            return under()->xFullPathname(under(), name, size, out);
        };
        made.xDlOpen = nullptr, made.xDlError = nullptr, made.xDlSym = nullptr, made.xDlClose = nullptr;
        made.xRandomness = [](sqlite3_vfs*, int count, char* out) { return under()->xRandomness(under(), count, out); };
        made.xSleep = [](sqlite3_vfs*, int microseconds) { return under()->xSleep(under(), microseconds); };
        made.xCurrentTime = [](sqlite3_vfs*, double* out) { return under()->xCurrentTime(under(), out); };
        made.xGetLastError = [](sqlite3_vfs*, int size, char* out) {
            return under()->xGetLastError ? under()->xGetLastError(under(), size, out) : 0;
        };
        made.xCurrentTimeInt64 = [](sqlite3_vfs*, sqlite3_int64* out) { return under()->xCurrentTimeInt64(under(), out); };
        return made;
    }();
    static const int registered = sqlite3_vfs_register(&system, 0);
    static_cast<void>(registered);
    return name_of_system;
}

void leave_room_for_seal(sqlite3* db) {
    int wanted = reserved_bytes;
    sqlite3_exec(db, "PRAGMA page_size = 4096", nullptr, nullptr, nullptr);
    sqlite3_file_control(db, "main", SQLITE_FCNTL_RESERVE_BYTES, &wanted);
}

SealedMain* sealed_main(sqlite3* db) {
    sqlite3_file* file = nullptr;
    if (sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK || !file || file->pMethods != &table())
        return nullptr;
    return &of(file);
}

}  // namespace xinglin::sql
