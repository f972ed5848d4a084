// SPDX-License-Identifier: Apache-2.0
// The file of pages on their way: each its number in 4 bytes, then itself.
#include "sql/sealed_redo.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "sql/sealed_page.h"

namespace xinglin::sql {

namespace {

struct Descriptor {
    int number;
    explicit Descriptor(int opened) : number(opened) {}
    ~Descriptor() {
        if (number >= 0) ::close(number);
    }
    Descriptor(const Descriptor&) = delete;
};

bool write_all(int file, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t done = ::write(file, bytes.data(), bytes.size());
        if (done < 0 && errno != EINTR) return false;
        if (done > 0) bytes.remove_prefix(static_cast<std::size_t>(done));
    }
    return true;
}

}  // namespace

bool Redo::is_pending() const {
    struct stat about = {};
    return ::stat(path_.c_str(), &about) == 0 && about.st_size > 0;
}

std::vector<RedoPage> Redo::pages() const {
    std::vector<RedoPage> all;
    const Descriptor file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.number < 0) return all;
    std::string record(4 + page_bytes, '\0');
    for (off_t at = 0; ::pread(file.number, record.data(), record.size(), at) == static_cast<ssize_t>(record.size());
         at += static_cast<off_t>(record.size())) {
        std::uint32_t number = 0;
        for (int i = 0; i < 4; ++i) number = number << 8 | static_cast<unsigned char>(record[static_cast<std::size_t>(i)]);
        all.push_back({number, record.substr(4)});
    }
    return all;
}

bool Redo::keep(const std::vector<RedoPage>& pages) const {
    const bool is_new = ::access(path_.c_str(), F_OK) != 0;
    const Descriptor file(::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (file.number < 0) return false;
    std::string all;
    for (const RedoPage& page : pages) {
        for (int shift = 24; shift >= 0; shift -= 8) all += static_cast<char>(page.number >> shift & 0xff);
        all += page.sealed;
    }
    if (!write_all(file.number, all) || ::fsync(file.number) != 0) return false;
    if (!is_new) return true;
    const Descriptor folder(::open(std::filesystem::path(path_).parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return folder.number >= 0 && ::fsync(folder.number) == 0;
}

bool Redo::forget() const {
    const Descriptor file(::open(path_.c_str(), O_WRONLY | O_CLOEXEC));
    return file.number >= 0 && ::ftruncate(file.number, 0) == 0 && ::fsync(file.number) == 0;
}

}  // namespace xinglin::sql
