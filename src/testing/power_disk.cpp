// SPDX-License-Identifier: Apache-2.0
// SQLite's file system, looked over the shoulder. Source: https://sqlite.org/vfs.html.
#include "testing/power_disk.h"

#include <sqlite3.h>

#include <cstring>
#include <fstream>
#include <stdexcept>

#include "testing/testing.h"

namespace xinglin::testing {

namespace {

/// An open file; the real one lies behind it in the same memory.
struct PowerFile {
    sqlite3_file base;
    PowerDisk::Vfs* vfs;
    std::string* name;  // "" for a file without a name
    bool syncs_folder;  // the first sync of a new journal or log makes its name safe too, as SQLite's own file system does
    sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};
PowerFile& of(sqlite3_file* file) { return *reinterpret_cast<PowerFile*>(file); }
sqlite3_file* real(sqlite3_file* file) { return of(file).real(); }
const sqlite3_io_methods& methods(sqlite3_file* file) { return *real(file)->pMethods; }

}  // namespace

struct PowerDisk::Vfs {
    explicit Vfs(PowerDisk& disk) : disk(disk), below(sqlite3_vfs_find(nullptr)), vfs(*below) {
        vfs.zName = "power";
        vfs.szOsFile = static_cast<int>(sizeof(PowerFile)) + below->szOsFile;
        vfs.pAppData = this;
        vfs.xOpen = open;
        vfs.xDelete = remove;
        sqlite3_vfs_register(&vfs, 1);
    }
    ~Vfs() {
        sqlite3_vfs_unregister(&vfs);
        sqlite3_vfs_register(below, 1);  // not whoever was registered meanwhile
    }

    PowerDisk& disk;
    sqlite3_vfs* below;
    sqlite3_vfs vfs;

    static int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags) {
        auto* self = static_cast<Vfs*>(vfs->pAppData);
        file->pMethods = nullptr;
        const bool writes = (flags & SQLITE_OPEN_CREATE) != 0;
        if (writes) {
            if (const int code = self->disk.attempt(SQLITE_CANTOPEN)) return code;
        }
        const bool is_new = name && writes && !std::filesystem::exists(name);
        PowerFile& mine = of(file);
        const int code = self->below->xOpen(self->below, name, mine.real(), flags, out_flags);
        if (code != SQLITE_OK) return code;
        mine.vfs = self;
        mine.name = new std::string(name ? name : "");
        mine.syncs_folder = is_new && (flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL)) != 0;
        file->pMethods = &table();
        if (is_new) self->disk.happened({DiskEvent::Kind::make, *mine.name, 0, {}});
        return SQLITE_OK;
    }
    static int remove(sqlite3_vfs* vfs, const char* name, int sync_folder) {
        auto* self = static_cast<Vfs*>(vfs->pAppData);
        if (const int code = self->disk.attempt(SQLITE_IOERR_DELETE)) return code;
        const int code = self->below->xDelete(self->below, name, 0);
        if (code != SQLITE_OK) return code;
        self->disk.happened({DiskEvent::Kind::remove, name, 0, {}});
        if (sync_folder) self->disk.happened({DiskEvent::Kind::sync_folder, name, 0, {}});
        return SQLITE_OK;
    }

    static int close(sqlite3_file* file) {
        const int code = methods(file).xClose(real(file));
        delete of(file).name;
        return code;
    }
    static int read(sqlite3_file* file, void* bytes, int count, sqlite3_int64 offset) {
        return methods(file).xRead(real(file), bytes, count, offset);
    }
    static int write(sqlite3_file* file, const void* bytes, int count, sqlite3_int64 offset) {
        PowerDisk& disk = of(file).vfs->disk;
        if (const int code = disk.attempt(SQLITE_IOERR_WRITE)) return code;
        const int code = methods(file).xWrite(real(file), bytes, count, offset);
        if (code == SQLITE_OK && !of(file).name->empty())
            disk.happened({DiskEvent::Kind::write, *of(file).name, offset,
                           std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(count))});
        return code;
    }
    static int truncate(sqlite3_file* file, sqlite3_int64 size) {
        PowerDisk& disk = of(file).vfs->disk;
        if (const int code = disk.attempt(SQLITE_IOERR_TRUNCATE)) return code;
        const int code = methods(file).xTruncate(real(file), size);
        if (code == SQLITE_OK) disk.happened({DiskEvent::Kind::truncate, *of(file).name, size, {}});
        return code;
    }
    static int sync(sqlite3_file* file, int) {
        PowerDisk& disk = of(file).vfs->disk;
        if (const int code = disk.attempt(SQLITE_IOERR_FSYNC)) return code;
        disk.happened({DiskEvent::Kind::sync, *of(file).name, 0, {}});
        if (of(file).syncs_folder) disk.happened({DiskEvent::Kind::sync_folder, *of(file).name, 0, {}});
        of(file).syncs_folder = false;
        return SQLITE_OK;
    }
    static int size(sqlite3_file* file, sqlite3_int64* size) { return methods(file).xFileSize(real(file), size); }
    static int lock(sqlite3_file* file, int level) { return methods(file).xLock(real(file), level); }
    static int unlock(sqlite3_file* file, int level) { return methods(file).xUnlock(real(file), level); }
    static int reserved(sqlite3_file* file, int* held) { return methods(file).xCheckReservedLock(real(file), held); }
    static int control(sqlite3_file* file, int operation, void* argument) {
        if (operation == SQLITE_FCNTL_SIZE_HINT) return SQLITE_OK;  // would grow the file behind our back
        return methods(file).xFileControl(real(file), operation, argument);
    }
    static int sector(sqlite3_file* file) { return methods(file).xSectorSize(real(file)); }
    static int traits(sqlite3_file* file) { return methods(file).xDeviceCharacteristics(real(file)); }
    static int map_shared(sqlite3_file* file, int page, int bytes, int extend, void volatile** at) {
        return methods(file).xShmMap(real(file), page, bytes, extend, at);
    }
    static int lock_shared(sqlite3_file* file, int offset, int count, int flags) {
        return methods(file).xShmLock(real(file), offset, count, flags);
    }
    static void barrier(sqlite3_file* file) { methods(file).xShmBarrier(real(file)); }
    static int unmap_shared(sqlite3_file* file, int remove_too) { return methods(file).xShmUnmap(real(file), remove_too); }

    static const sqlite3_io_methods& table() {
        static const sqlite3_io_methods all = {2,           close,   read,         write,   truncate, sync,   size,
                                               lock,        unlock,  reserved,     control, sector,   traits, map_shared,
                                               lock_shared, barrier, unmap_shared, nullptr, nullptr};
        return all;
    }
};

PowerDisk::PowerDisk() : vfs_(std::make_unique<Vfs>(*this)) {}
PowerDisk::~PowerDisk() = default;

void PowerDisk::record() {
    const std::lock_guard lock(mutex_);
    events_.clear();
    recording_ = true;
}

std::vector<DiskEvent> PowerDisk::recorded() {
    const std::lock_guard lock(mutex_);
    recording_ = false;
    return std::move(events_);
}

void PowerDisk::note(std::string what) { happened({DiskEvent::Kind::note, std::move(what), 0, {}}); }

void PowerDisk::happened(DiskEvent event) {
    const std::lock_guard lock(mutex_);
    if (recording_) events_.push_back(std::move(event));
}

void PowerDisk::fail_after(std::int64_t successes, Fault fault, bool lasting) {
    fault_ = fault;
    lasting_ = lasting;
    until_failure_ = successes;
}

void PowerDisk::heal() { until_failure_ = never; }

int PowerDisk::attempt(int io_code) {
    ++asked_;
    if (until_failure_ == never || until_failure_-- > 0) return SQLITE_OK;
    until_failure_ = lasting_ ? 0 : never;
    ++failures_;
    return fault_ == Fault::full && io_code != SQLITE_IOERR_FSYNC ? SQLITE_FULL : io_code;
}

// ---- playing back ---------------------------------------------------------------------------------------------------

namespace {
constexpr std::size_t sector_bytes = 512;

void put(std::string& content, std::size_t offset, std::string_view bytes) {
    if (content.size() < offset + bytes.size()) content.resize(offset + bytes.size());
    content.replace(offset, bytes.size(), bytes);
}

void apply(std::string& content, const DiskEvent& event) {
    if (event.kind == DiskEvent::Kind::truncate) content.resize(static_cast<std::size_t>(event.offset));
    else put(content, static_cast<std::size_t>(event.offset), event.bytes);
}

void apply_torn(std::string& content, const DiskEvent& event, std::mt19937_64& random) {
    if (event.kind == DiskEvent::Kind::truncate) {
        if (random() % 2) apply(content, event);
        return;
    }
    const std::string_view bytes = event.bytes;
    for (std::size_t at = 0; at < bytes.size(); at += sector_bytes) {
        if (random() % 2) put(content, static_cast<std::size_t>(event.offset) + at, bytes.substr(at, sector_bytes));
    }
}
}  // namespace

CutDisk::CutDisk(const std::filesystem::path& folder) : folder_(folder) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        const std::string name = entry.path().filename().string();
        if (!entry.is_regular_file() || name.ends_with("-shm")) continue;
        now_[name] = static_cast<int>(inodes_.size());
        inodes_.push_back({read_file(entry.path()), {}});
    }
    safe_ = now_;
}

void CutDisk::happen(const DiskEvent& event) {
    using Kind = DiskEvent::Kind;
    if (event.kind == Kind::note) return;
    const std::filesystem::path path(event.file);
    if (path.parent_path() != folder_) return;
    const std::string name = path.filename().string();
    switch (event.kind) {
        case Kind::make:
            if (now_.contains(name)) return;  // two connections made it at once
            now_[name] = static_cast<int>(inodes_.size());
            inodes_.emplace_back();
            renamings_.push_back(now_);
            return;
        case Kind::remove:
            now_.erase(name);
            renamings_.push_back(now_);
            return;
        case Kind::sync_folder:
            safe_ = now_;
            renamings_.clear();
            return;
        default: break;
    }
    Inode& inode = inodes_[static_cast<std::size_t>(now_.at(name))];
    if (event.kind != Kind::sync) {
        inode.waiting.push_back(event);
        return;
    }
    for (const DiskEvent& each : inode.waiting) apply(inode.safe, each);
    inode.waiting.clear();
}

void CutDisk::leave(const std::filesystem::path& folder, Loss loss, std::mt19937_64& random) const {
    // A file system keeps its own changes in order: some first ones of the names are safe.
    const std::size_t renamed = loss == Loss::everything_written ? renamings_.size()
                                : loss == Loss::only_synced      ? 0
                                                                 : random() % (renamings_.size() + 1);
    for (const auto& [name, number] : renamed == 0 ? safe_ : renamings_[renamed - 1]) {
        const Inode& inode = inodes_[static_cast<std::size_t>(number)];
        std::string content = inode.safe;
        for (const DiskEvent& each : inode.waiting) {
            if (loss == Loss::everything_written || (loss == Loss::some && random() % 2)) apply(content, each);
            else if (loss == Loss::torn) apply_torn(content, each, random);
        }
        std::ofstream(folder / name, std::ios::binary) << content;
    }
}

}  // namespace xinglin::testing
