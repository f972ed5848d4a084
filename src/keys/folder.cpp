// SPDX-License-Identifier: Apache-2.0
// data-keys.json: a folder's list of data keys, read and written as one.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "keys/keys.h"
#include "keys/list.h"

namespace xinglin::keys {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t largest_file = 1 << 20;

bool write_all(int file, std::string_view text) {
    while (!text.empty()) {
        const ssize_t done = ::write(file, text.data(), text.size());
        if (done < 0 && errno != EINTR) return false;
        if (done > 0) text.remove_prefix(static_cast<std::size_t>(done));
    }
    return true;
}

/// Whole or not at all: beside, to the disk, renamed, and the folder to the disk.
Result<Done> put(const fs::path& folder, const std::string& text) {
    const fs::path beside = folder / (std::string(file_name) + ".new");
    const int file = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool done = file >= 0 && write_all(file, text) && ::fsync(file) == 0;
    if (file >= 0) ::close(file);
    done = done && ::rename(beside.c_str(), (folder / file_name).c_str()) == 0;
    const int there = done ? ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    done = done && there >= 0 && ::fsync(there) == 0;
    const int why = errno;
    if (there >= 0) ::close(there);
    if (!done)
        return refuse(IssueCode::exception, (folder / file_name).string(),
                      std::string("cannot be written: ") + std::strerror(why));
    return Done{};
}

Result<std::string> text_of(const fs::path& folder) {
    const int file = ::open((folder / file_name).c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return refuse(IssueCode::invalid, (folder / file_name).string(), std::string("cannot be read: ") + std::strerror(errno));
    std::string text;
    char piece[1 << 14];
    ssize_t got = 0;
    while (text.size() < largest_file && (got = ::read(file, piece, sizeof piece)) > 0)
        text.append(piece, static_cast<std::size_t>(got));
    ::close(file);
    if (got < 0)
        return refuse(IssueCode::invalid, (folder / file_name).string(), std::string("cannot be read: ") + std::strerror(errno));
    return text;
}

/// One process at a time changes the file, or asks the token about it: SoftHSM shows no token while another process logs in.
class Turn {
public:
    explicit Turn(const fs::path& folder) : folder_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
        if (folder_ >= 0) ::flock(folder_, LOCK_EX);
    }
    ~Turn() {
        if (folder_ >= 0) ::close(folder_);
    }
    Turn(const Turn&) = delete;

private:
    int folder_;
};

/// `where` names the folder when a key is missing or wrong, the file when that is damaged: both are of it.
Result<OpenedList> open_file(const fs::path& folder, const std::vector<std::string>& places,
                             const std::optional<ListKey>& held = std::nullopt) {
    XINGLIN_TRY(const std::string text, text_of(folder));
    return open_list((folder / file_name).string(), text, places, held);
}

}  // namespace

bool is_sealed(const fs::path& folder) {
    std::error_code ignored;
    return fs::exists(folder / file_name, ignored);
}

Folder::Stamp Folder::stamp() const {
    struct stat about = {};
    if (::stat((path_ / file_name).c_str(), &about) != 0) return {};
    return {static_cast<std::int64_t>(about.st_ino), about.st_size, about.st_mtim.tv_sec * 1'000'000'000 + about.st_mtim.tv_nsec};
}

Result<std::shared_ptr<Folder>> Folder::open(const fs::path& folder, const std::vector<std::string>& places) {
    std::shared_ptr<Folder> made(new Folder(folder, places));
    made->read_ = made->stamp();
    const Turn turn(folder);
    XINGLIN_TRY(OpenedList opened, open_file(folder, places));
    made->with_ = opened.with;
    made->ring_ = std::make_shared<const Ring>(std::move(opened.ring));
    return made;
}

std::shared_ptr<const Ring> Folder::ring() const {
    const std::lock_guard lock(mutex_);
    return ring_;
}

bool Folder::is_in_token() const {
    const std::lock_guard lock(mutex_);
    return with_ && !with_->in_token.empty();
}

std::shared_ptr<const Ring> Folder::refresh() {
    const Stamp now = stamp();
    std::optional<ListKey> held;
    {
        const std::lock_guard lock(mutex_);
        if (now == read_) return ring_;
        held = with_;
    }
    const Turn turn(path_);
    auto opened = open_file(path_, places_, held);
    const std::lock_guard lock(mutex_);
    read_ = now;  // also when it failed: a wrong PIN that is tried again locks a token
    if (!opened.ok() || opened->ring.generation < ring_->generation) return ring_;
    with_ = opened->with;
    return ring_ = std::make_shared<const Ring>(std::move(opened->ring));
}

Result<Done> make(const fs::path& folder, Cipher cipher, const std::string& place, const std::string& date) {
    const Turn turn(folder);
    if (is_sealed(folder)) return refuse(IssueCode::conflict, folder.string(), "has keys already");
    XINGLIN_TRY(const std::string text, new_list(cipher, place, date));
    return put(folder, text);
}

Result<Done> rewrap(const fs::path& folder, const std::vector<std::string>& places, const std::string& place) {
    const Turn turn(folder);
    XINGLIN_TRY(OpenedList opened, open_file(folder, places));
    XINGLIN_TRY(const std::string text, rewrapped(std::move(opened), place));
    return put(folder, text);
}

Result<std::uint32_t> rotate(const fs::path& folder, const std::vector<std::string>& places, const std::string& date) {
    const Turn turn(folder);
    XINGLIN_TRY(OpenedList opened, open_file(folder, places));
    const Rotated made = rotated(std::move(opened), date);
    XINGLIN_CHECK(put(folder, made.text));
    return made.number;
}

Result<Done> retire(const fs::path& folder, const std::vector<std::string>& places) {
    const Turn turn(folder);
    XINGLIN_TRY(OpenedList opened, open_file(folder, places));
    return put(folder, retired(std::move(opened)));
}

}  // namespace xinglin::keys
