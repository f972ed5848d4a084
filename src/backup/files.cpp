// SPDX-License-Identifier: Apache-2.0
// Files on their way to safety, and their check sums.
#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "backup/backup.h"
#include "keys/keys.h"
#include "sql/sealed.h"
#include "sql/sql.h"
#include "text/text.h"

namespace xinglin::backup {

namespace {

[[noreturn]] void disk_refuses(const fs::path& file) {
    const auto why = errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? sql::Broken::Why::full : sql::Broken::Why::io;
    throw sql::Broken(why, file.string() + ": " + std::strerror(errno));
}

class Descriptor {
public:
    Descriptor(const fs::path& path, int flags) : path_(path), descriptor_(open(path.c_str(), flags | O_CLOEXEC, 0600)) {
        if (descriptor_ < 0) disk_refuses(path_);
    }
    ~Descriptor() { close(descriptor_); }
    Descriptor(const Descriptor&) = delete;

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

class Sha256 {
public:
    Sha256() : sum_(EVP_MD_CTX_new(), EVP_MD_CTX_free) { EVP_DigestInit_ex(sum_.get(), EVP_sha256(), nullptr); }
    void add(std::string_view bytes) { EVP_DigestUpdate(sum_.get(), bytes.data(), bytes.size()); }
    std::string text() {
        std::string digest(32, '\0');
        unsigned length = 0;
        EVP_DigestFinal_ex(sum_.get(), reinterpret_cast<unsigned char*>(digest.data()), &length);
        return text::hex(digest);
    }

private:
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> sum_;
};

}  // namespace

bool copy_database(const fs::path& from, const fs::path& to) {
    if (!fs::exists(from)) return false;
    sql::open_sqlite(from, {.read_only = true, .cache_bytes = 4 << 20})->copy_to(to);
    synchronise(to);
    return true;
}

void copy_bytes(const fs::path& from, const fs::path& to) {
    Descriptor source(from, O_RDONLY), target(to, O_WRONLY | O_CREAT | O_TRUNC);
    std::string buffer(1u << 20, '\0');
    while (const std::size_t got = source.read(buffer.data(), buffer.size()))
        target.write(std::string_view(buffer).substr(0, got));
    target.synchronise();
}

void take_keys(const fs::path& from, const fs::path& to) {
    if (keys::is_sealed(from)) copy_bytes(from / keys::file_name, to / keys::file_name);
}

void bring_database(const fs::path& from, const fs::path& to) {
    if (!sql::keys_for(from) && !sql::keys_for(to)) return copy_bytes(from, to);
    sql::open_sqlite(from, {.read_only = true, .cache_bytes = 4 << 20})->copy_to(to);
    for (const char* tail : {"-wal", "-shm"}) {  // left by looking
        std::error_code ignored;
        fs::remove(from.string() + tail, ignored);
    }
    synchronise(to);
}

void synchronise(const fs::path& file_or_folder) { Descriptor(file_or_folder, O_RDONLY).synchronise(); }

std::string file_sha256(const fs::path& file) {
    Descriptor source(file, O_RDONLY);
    Sha256 sum;
    std::string buffer(1u << 20, '\0');
    while (const std::size_t got = source.read(buffer.data(), buffer.size())) sum.add(std::string_view(buffer).substr(0, got));
    return sum.text();
}

std::string text_sha256(std::string_view text) {
    Sha256 sum;
    sum.add(text);
    return sum.text();
}

}  // namespace xinglin::backup
