// SPDX-License-Identifier: Apache-2.0
// Databases that change their key, or get their first one.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <fstream>
#include <thread>

#include "sql/sealed.h"
#include "sql/sealed_file.h"
#include "sql/sql.h"

namespace xinglin::sql {

namespace fs = std::filesystem;

namespace {

constexpr std::uint32_t pages_at_once = 256;  // 1 MiB under the lock of checkpoints
constexpr int patience_ms = 5'000;

[[noreturn]] void fail(int code, const fs::path& file, const char* message) {
    const std::string why = take_seal_problem();
    throw Broken((code & 0xff) == SQLITE_CORRUPT || code == SQLITE_NOTADB ? Broken::Why::corrupt
                 : (code & 0xff) == SQLITE_BUSY                           ? Broken::Why::busy
                 : (code & 0xff) == SQLITE_FULL                           ? Broken::Why::full
                                                                          : Broken::Why::io,
                 why.empty() ? file.string() + ": " + message : why);
}

struct Close {
    void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
};
using Database = std::unique_ptr<sqlite3, Close>;

Database open_raw(const fs::path& file, const char* system, int flags) {
    sqlite3* opened = nullptr;
    const int code = sqlite3_open_v2(file.c_str(), &opened, flags | SQLITE_OPEN_NOMUTEX, system);
    Database db(opened);
    if (code != SQLITE_OK) fail(code, file, sqlite3_errmsg(opened));
    sqlite3_busy_timeout(opened, patience_ms);
    return db;
}

void run(sqlite3* db, const fs::path& file, const std::string& sql) {
    const int code = sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) fail(code, file, sqlite3_errmsg(db));
}

/// With its log attached, so that its locks are there.
Database open_to_rekey(const fs::path& file) {
    if (!keys_for(file)) throw Broken(Broken::Why::other, file.string() + ": lies in no encrypted folder");
    Database db = open_raw(file, sealed_file_system(), SQLITE_OPEN_READWRITE);
    run(db.get(), file, "PRAGMA temp_store = MEMORY; SELECT count(*) FROM sqlite_schema");
    return db;
}

void count_log(const fs::path& file, std::map<std::uint32_t, std::uint64_t>& counts) {
    constexpr std::size_t log_header = 32, frame = 24 + page_bytes;
    std::ifstream in(file.string() + "-wal", std::ios::binary);
    std::array<char, frame> bytes;
    in.seekg(log_header);
    while (in.read(bytes.data(), frame)) ++counts[PageCodec::key_of(reinterpret_cast<const unsigned char*>(bytes.data()) + 24)];
}

std::string uri_of(const fs::path& file) {
    std::string uri = "file:";
    for (const char c : fs::absolute(file).string()) {
        if (c == '%' || c == '?' || c == '#' || c == '\'') uri += fmt::format("%{:02x}", static_cast<unsigned char>(c));
        else uri += c;
    }
    return uri + "?vfs=" + sealed_file_system();
}

void synchronise(const fs::path& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    const bool done = file >= 0 && ::fsync(file) == 0;
    if (file >= 0) ::close(file);
    if (!done) throw Broken(Broken::Why::io, path.string() + ": cannot be brought to the disk");
}

}  // namespace

std::map<std::uint32_t, std::uint64_t> pages_by_key(const fs::path& file) {
    std::map<std::uint32_t, std::uint64_t> counts;
    const Database db = open_to_rekey(file);
    SealedMain* main = sealed_main(db.get());
    for (std::uint32_t page = 1, end = main->pages(); page <= end; ++page) ++counts[main->key_of_page(page)];
    count_log(file, counts);
    return counts;
}

bool seal_anew(const fs::path& file, const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
    const Database db = open_to_rekey(file);
    SealedMain* main = sealed_main(db.get());
    // Whoever writes to the log or moves it looks for new keys when he gets the right to. Once the log was emptied, all of them
    // have; before, one may still be in the middle of writing with the former key.
    int in_log = 0, moved = 0;
    const int emptied = sqlite3_wal_checkpoint_v2(db.get(), "main", SQLITE_CHECKPOINT_TRUNCATE, &in_log, &moved);
    if (emptied != SQLITE_OK && (emptied & 0xff) != SQLITE_BUSY) fail(emptied, file, sqlite3_errmsg(db.get()));
    int waited_ms = 0;
    for (std::uint32_t page = 1; page <= main->pages();) {
        const int code = main->rekey(page, pages_at_once);
        if ((code & 0xff) == SQLITE_BUSY && waited_ms < 60'000) {  // somebody else moves the log
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
            waited_ms += 2;
            continue;
        }
        if (code != SQLITE_OK) fail(code, file, sqlite3_errstr(code));
        waited_ms = 0;
        page += pages_at_once;
        if (progress) progress(std::min(page, main->pages()), main->pages());
    }
    if (emptied != SQLITE_OK) return false;
    for (std::uint32_t page = 1; page <= main->pages(); ++page) {
        if (main->key_of_page(page) != main->active_key()) return false;
    }
    return true;
}

void seal_copy(const fs::path& plain, const fs::path& into, std::shared_ptr<keys::Folder> with) {
    const KeysForNow keys(into, std::move(with));
    {
        const Database db = open_raw(plain, nullptr, SQLITE_OPEN_READWRITE | SQLITE_OPEN_URI);
        run(db.get(), plain, "PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = OFF; SELECT count(*) FROM sqlite_schema");
        int wanted = reserved_bytes;
        sqlite3_file_control(db.get(), "main", SQLITE_FCNTL_RESERVE_BYTES, &wanted);
        run(db.get(), plain, "VACUUM INTO '" + uri_of(into) + "'");
    }
    synchronise(into);
}

}  // namespace xinglin::sql
