// SPDX-License-Identifier: Apache-2.0
// Copies of databases, their check sums.
#include "server/snapshot.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "sql/sql.h"
#include "text/text.h"

namespace xinglin::server {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void disk_refuses(const fs::path& file) {
    const auto why = errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? sql::Broken::Why::full : sql::Broken::Why::io;
    throw sql::Broken(why, file.string() + ": " + std::strerror(errno));
}

class File {
public:
    File(const fs::path& path, int flags) : path_(path), descriptor_(open(path.c_str(), flags | O_CLOEXEC, 0600)) {
        if (descriptor_ < 0) disk_refuses(path_);
    }
    ~File() { close(descriptor_); }
    File(const File&) = delete;

    std::size_t read(char* bytes, std::size_t count) {
        for (;;) {
            const ssize_t got = ::read(descriptor_, bytes, count);
            if (got >= 0) return static_cast<std::size_t>(got);
            if (errno != EINTR) disk_refuses(path_);
        }
    }
    void write(std::string_view bytes) {
        while (!bytes.empty()) {
            const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
            if (written < 0 && errno != EINTR) disk_refuses(path_);
            if (written > 0) bytes.remove_prefix(static_cast<std::size_t>(written));
        }
    }
    void synchronise() {
        if (fsync(descriptor_) != 0) disk_refuses(path_);
    }

private:
    fs::path path_;
    int descriptor_;
};

}  // namespace

Opened::~Opened() {
    store.reset();
    std::error_code ignored;
    if (!copy.empty()) fs::remove_all(copy, ignored);
}

Result<Opened> open_or_snapshot(const fs::path& folder, const fs::path& copy, const calendar::Clock& clock) {
    Opened opened;
    auto store = record::Store::open(folder, clock);
    if (!store.ok() && store.outcome().code() == IssueCode::conflict) {
        opened.copy = copy;
        fs::create_directories(copy);
        copy_database(folder / "record.db", copy / "record.db");
        store = record::Store::open(copy, clock);
    }
    if (!store.ok()) return store.outcome();
    opened.store = std::move(store).value();
    return opened;
}

Result<Opened> open_database(const std::string& store, const calendar::Clock& clock, record::Options options) {
    std::string name = (fs::temp_directory_path() / "xinglin-XXXXXX").string();
    if (!mkdtemp(name.data())) disk_refuses(name);
    Opened opened;
    opened.copy = name;
    options.store = store;
    XINGLIN_TRY(opened.store, record::Store::open(name, clock, options));
    return opened;
}

bool copy_database(const fs::path& from, const fs::path& to) {
    if (!fs::exists(from)) return false;
    sql::open_sqlite(from, {.read_only = true, .cache_bytes = 4 << 20})->copy_to(to);
    synchronise(to);
    return true;
}

void copy_bytes(const fs::path& from, const fs::path& to) {
    File source(from, O_RDONLY), target(to, O_WRONLY | O_CREAT | O_TRUNC);
    std::string buffer(1u << 20, '\0');
    while (const std::size_t got = source.read(buffer.data(), buffer.size()))
        target.write(std::string_view(buffer).substr(0, got));
    target.synchronise();
}

void synchronise(const fs::path& file_or_folder) { File(file_or_folder, O_RDONLY).synchronise(); }

std::string file_sha256(const fs::path& file) {
    File source(file, O_RDONLY);
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> sum(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    EVP_DigestInit_ex(sum.get(), EVP_sha256(), nullptr);
    std::string buffer(1u << 20, '\0');
    while (const std::size_t got = source.read(buffer.data(), buffer.size())) EVP_DigestUpdate(sum.get(), buffer.data(), got);
    std::string digest(32, '\0');
    unsigned length = 0;
    EVP_DigestFinal_ex(sum.get(), reinterpret_cast<unsigned char*>(digest.data()), &length);
    return text::hex(digest);
}

}  // namespace xinglin::server
