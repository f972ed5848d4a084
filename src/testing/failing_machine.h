// SPDX-License-Identifier: Apache-2.0
// For tests only: a machine whose memory or whose disk fails at the n-th thing it is asked, in every thread but the test's own.
//
// Include it in one file of a test program and no more: it replaces operator new, SQLite's memory, and stands before the calls of the
// C library that change files. Where only half of new and delete is inlined, g++ takes the halves for strangers.
#pragma once
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

#include <dlfcn.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <new>
#include <string>
#include <string_view>

namespace xinglin::testing {

class FailingMachine {
public:
    enum class Part { memory, disk, full_disk };
    static constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

    /// Lets `successes` more requests pass, then fails one, or all from there on.
    static void fail_after(Part part, std::int64_t successes, bool lasting = false) {
        code = part == Part::full_disk ? ENOSPC : EIO;
        forever = lasting;
        asked = failed = 0;
        left = successes;
        memory = part == Part::memory;
        armed = true;
    }
    static void heal() { armed = false; }
    /// From the next fail_after on only what is below this folder fails, as if it were a disk of its own; "": everything. Not while
    /// it fails.
    static void only_below(const std::string& path) { folder = path; }
    static bool concerns(std::string_view path) { return folder.empty() || path.starts_with(folder); }
    static bool concerns(int descriptor) {
        if (folder.empty()) return true;
        char path[4'096];
        const ssize_t size = readlink(("/proc/self/fd/" + std::to_string(descriptor)).c_str(), path, sizeof path);
        return size > 0 && concerns(std::string_view(path, static_cast<std::size_t>(size)));
    }
    static bool is_armed() { return armed.load(std::memory_order_relaxed); }
    static std::int64_t requests() { return asked; }
    static std::int64_t failures() { return failed; }
    /// Runs `body` as if this were not the test's own thread.
    template <typename Body>
    static void within(Body&& body) {
        struct Inside {
            bool before = std::exchange(spared, false);
            ~Inside() { spared = before; }
        } inside;
        body();
    }

    /// Is it time? Asked by what stands below.
    static bool fails(bool of_memory) {
        if (!armed.load(std::memory_order_relaxed) || spared || memory != of_memory) return false;
        ++asked;
        if (left.fetch_sub(1) > 0) return false;
        if (!forever && failed > 0) return false;
        ++failed;
        errno = of_memory ? ENOMEM : code.load();
        return true;
    }
    static inline thread_local bool spared = false;

private:
    static inline std::string folder;
    static inline std::atomic<bool> armed{false}, memory{false}, forever{false};
    static inline std::atomic<int> code{EIO};
    static inline std::atomic<std::int64_t> left{never}, asked{0}, failed{0};
};

namespace failing {

inline void* allocate(std::size_t bytes, bool may_throw) {
    void* memory = FailingMachine::fails(true) ? nullptr : std::malloc(bytes ? bytes : 1);
    if (!memory && may_throw) throw std::bad_alloc();
    return memory;
}

inline sqlite3_mem_methods below_sqlite;
inline const int sqlite_counted = [] {
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &below_sqlite);
    sqlite3_mem_methods counting = below_sqlite;
    counting.xMalloc = [](int bytes) -> void* { return FailingMachine::fails(true) ? nullptr : below_sqlite.xMalloc(bytes); };
    counting.xRealloc = [](void* memory, int bytes) -> void* {
        return FailingMachine::fails(true) ? nullptr : below_sqlite.xRealloc(memory, bytes);
    };
    return sqlite3_config(SQLITE_CONFIG_MALLOC, &counting);
}();

/// Only files count: not the terminal, pipes and sockets.
inline bool refused(int descriptor) {
    struct stat about {};
    if (fstat(descriptor, &about) != 0 || !(S_ISREG(about.st_mode) || S_ISDIR(about.st_mode))) return false;
    return FailingMachine::is_armed() && FailingMachine::concerns(descriptor) && FailingMachine::fails(false);
}

/// The same by its path.
inline bool refused(const char* path) {
    return FailingMachine::is_armed() && FailingMachine::concerns(path) && FailingMachine::fails(false);
}

template <typename Call>
Call* real(const char* name) {
    return reinterpret_cast<Call*>(dlsym(RTLD_NEXT, name));
}

}  // namespace failing
}  // namespace xinglin::testing

void* operator new(std::size_t bytes) { return xinglin::testing::failing::allocate(bytes, true); }
void* operator new[](std::size_t bytes) { return xinglin::testing::failing::allocate(bytes, true); }
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
    return xinglin::testing::failing::allocate(bytes, false);
}
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept {
    return xinglin::testing::failing::allocate(bytes, false);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { std::free(memory); }

// The C library's own names; what they refuse, they refuse with -1 and errno.
// NOLINTBEGIN
#define XINGLIN_FAILING(name, parameters, descriptor, ...) \
    extern "C" ssize_t name parameters { \
        using Call = ssize_t parameters; \
        static Call* const below = xinglin::testing::failing::real<Call>(#name); \
        return xinglin::testing::failing::refused(descriptor) ? -1 : below(__VA_ARGS__); \
    }
XINGLIN_FAILING(write, (int file, const void* bytes, size_t size), file, file, bytes, size)
XINGLIN_FAILING(writev, (int file, const iovec* pieces, int count), file, file, pieces, count)
XINGLIN_FAILING(pwrite, (int file, const void* bytes, size_t size, off_t at), file, file, bytes, size, at)
XINGLIN_FAILING(pwrite64, (int file, const void* bytes, size_t size, off64_t at), file, file, bytes, size, at)
#undef XINGLIN_FAILING

#define XINGLIN_FAILING(name, parameters, condition, ...) \
    extern "C" int name parameters { \
        using Call = int parameters; \
        static Call* const below = xinglin::testing::failing::real<Call>(#name); \
        return (condition) ? -1 : below(__VA_ARGS__); \
    }
XINGLIN_FAILING(fsync, (int file), xinglin::testing::failing::refused(file), file)
XINGLIN_FAILING(fdatasync, (int file), xinglin::testing::failing::refused(file), file)
XINGLIN_FAILING(ftruncate, (int file, off_t size) noexcept, xinglin::testing::failing::refused(file), file, size)
XINGLIN_FAILING(ftruncate64, (int file, off64_t size) noexcept, xinglin::testing::failing::refused(file), file, size)
XINGLIN_FAILING(rename, (const char* from, const char* to) noexcept, xinglin::testing::failing::refused(from), from, to)
XINGLIN_FAILING(mkdir, (const char* path, mode_t mode) noexcept, xinglin::testing::failing::refused(path), path, mode)
#undef XINGLIN_FAILING

#define XINGLIN_FAILING(name) \
    extern "C" int name(const char* path, int flags, ...) { \
        using Call = int(const char*, int, ...); \
        static Call* const below = xinglin::testing::failing::real<Call>(#name); \
        va_list more; \
        va_start(more, flags); \
        const mode_t mode = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(more, mode_t) : 0; \
        va_end(more); \
        const bool changes = (flags & (O_CREAT | O_WRONLY | O_RDWR)) != 0; \
        return changes && xinglin::testing::failing::refused(path) ? -1 : below(path, flags, mode); \
    }
XINGLIN_FAILING(open)
XINGLIN_FAILING(open64)
#undef XINGLIN_FAILING
// NOLINTEND
